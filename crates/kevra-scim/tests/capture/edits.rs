//! Random edits from both sides: an identity provider that repeats what was not accepted, and administrators, users and a
//! database administrator of the realm.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::{Value, json};
use testkit::keycloak::Realm;
use testkit::{database, eventually};

/// How long an edit is tried while servers are down.
const PATIENCE: Duration = Duration::from_mins(3);

/// Whom both sides edit; some of them are gone by now.
#[derive(Default)]
pub struct Known {
    users: Mutex<Vec<String>>,
    groups: Mutex<Vec<String>>,
}

impl Known {
    fn add(list: &Mutex<Vec<String>>, id: &Value) {
        if let Some(id) = id.as_str() {
            list.lock().unwrap_or_else(PoisonError::into_inner).push(id.to_owned());
        }
    }

    fn pick(list: &Mutex<Vec<String>>, random: &mut StdRng) -> Option<String> {
        list.lock().unwrap_or_else(PoisonError::into_inner).choose(random).cloned()
    }
}

/// One side's edits.
pub struct Editor<'a> {
    pub realm: &'a Realm,
    pub known: &'a Known,
    base: String,
    token: &'a str,
    http: Client,
    random: StdRng,
    number: usize,
    side: &'static str,
}

impl<'a> Editor<'a> {
    pub fn new(
        side: &'static str,
        seed: u64,
        realm: &'a Realm,
        known: &'a Known,
        gateway: &str,
        token: &'a str,
    ) -> Self {
        let base = format!("{gateway}/realms/{}/scim/v2", realm.name());
        let random = StdRng::seed_from_u64(seed);
        Self { realm, known, base, token, http: testkit::http(), random, number: 0, side }
    }

    /// A name nobody had before: the downstream keeps records of the deleted under theirs.
    fn fresh(&mut self) -> String {
        self.number += 1;
        format!("{}-{}", self.side, self.number)
    }

    /// An edit through SCIM, sent again until it is accepted or refused for good.
    pub fn scim(&mut self, method: &Method, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}{path}", self.base);
        let answered = eventually(PATIENCE, || {
            let mut request = self.http.request(method.clone(), &url).bearer_auth(self.token);
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = request.send().ok()?;
            let (status, text) = (answer.status().as_u16(), answer.text().ok()?);
            assert!(status < 500 || status == 503, "{method} {path}: {status} {text}");
            (status != 503 && status != 429).then(|| serde_json::from_str(&text).unwrap_or_default())
        });
        answered.unwrap_or_else(|| panic!("{method} {path} was not answered"))
    }

    pub fn make_user(&mut self) {
        let name = format!("{}@acme.test", self.fresh());
        let body = json!({ "userName": name, "externalId": name, "active": true, "name": { "givenName": "G",
            "familyName": "F" }, "emails": [{ "value": name, "type": "work", "primary": true }] });
        let made = self.scim(&Method::POST, "/Users", Some(&body));
        Known::add(&self.known.users, &made["id"]);
    }

    pub fn make_group(&mut self) {
        let body = json!({ "displayName": self.fresh() });
        let made = self.scim(&Method::POST, "/Groups", Some(&body));
        Known::add(&self.known.groups, &made["id"]);
    }

    fn user(&mut self) -> String {
        Known::pick(&self.known.users, &mut self.random).unwrap_or_default()
    }

    fn group(&mut self) -> String {
        Known::pick(&self.known.groups, &mut self.random).unwrap_or_default()
    }

    fn patch(&mut self, path: &str, operation: &Value) {
        self.scim(&Method::PATCH, path, Some(&json!({ "Operations": [operation] })));
    }

    /// One random edit of the identity provider.
    pub fn push(&mut self) {
        let (kind, fresh) = (self.random.random_range(0..100), self.fresh());
        let user = format!("/Users/{}", self.user());
        let group = format!("/Groups/{}", self.group());
        let replace = |path: &str, value: Value| json!({ "op": "replace", "path": path, "value": value });
        match kind {
            0..16 => self.patch(&user, &replace("name.familyName", json!(fresh))),
            16..29 => self.patch(&user, &replace("name.givenName", json!(fresh))),
            29..35 => self.patch(&user, &replace("externalId", json!(fresh))),
            35..43 => self.patch(&user, &replace("active", json!(kind % 2 == 0))),
            43..50 => {
                let both = json!({ "active": kind % 2 == 0, "name": { "familyName": fresh } });
                self.patch(&user, &json!({ "op": "replace", "value": both }));
            }
            50..56 => {
                self.patch(&user, &replace("emails[type eq \"work\"].value", json!(format!("{fresh}@acme.test"))));
            }
            56..60 => self.patch(&user, &replace("userName", json!(format!("{fresh}@acme.test")))),
            60..67 => self.make_user(),
            67..69 => drop(self.scim(&Method::DELETE, &user, None)),
            69..81 => {
                let member = json!([{ "value": self.user() }]);
                self.patch(&group, &json!({ "op": "add", "path": "members", "value": member }));
            }
            81..90 => {
                let path = format!("members[value eq \"{}\"]", self.user());
                self.patch(&group, &json!({ "op": "remove", "path": path }));
            }
            90..94 => self.patch(&group, &replace("displayName", json!(fresh))),
            94..99 => self.make_group(),
            _ => drop(self.scim(&Method::DELETE, &group, None)),
        }
    }

    /// A call of an administrator, made again while Keycloak is down. What it refuses is refused.
    fn admin(&self, method: &Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let answered = eventually(PATIENCE, || self.realm.try_admin(method.clone(), path, body));
        answered.unwrap_or_else(|| panic!("{method} {path} was not answered"))
    }

    /// Reads a user whole and saves it whole, as the Keycloak console does.
    fn save(&self, user: &str, change: impl Fn(&mut Value)) {
        let path = format!("/users/{user}");
        let (status, mut read) = self.admin(&Method::GET, &path, None);
        if status == 200 {
            change(&mut read);
            self.admin(&Method::PUT, &path, Some(&read));
        }
    }

    /// Past Keycloak; its cache is cleared afterwards, as one does.
    fn sql(&self, statement: &str) {
        database::ask_keycloaks(statement);
        self.admin(&Method::POST, "/clear-user-cache", None);
    }

    /// One random edit in Keycloak.
    pub fn edit(&mut self) {
        let (kind, fresh) = (self.random.random_range(0..100), self.fresh());
        let (user, group) = (self.user(), self.group());
        let membership = format!("/users/{user}/groups/{group}");
        let role = || json!([self.admin(&Method::GET, "/roles/scim-managed", None).1]);
        let mapping = format!("/users/{user}/role-mappings/realm");
        match kind {
            0..16 => self.save(&user, |read| read["lastName"] = json!(fresh)),
            16..26 => self.save(&user, |read| read["firstName"] = json!(fresh)),
            26..38 => self.save(&user, |read| read["enabled"] = json!(kind % 2 == 0)),
            38..42 => self.save(&user, |read| read["email"] = json!(format!("{fresh}@acme.test"))),
            42..45 => self.save(&user, |read| read["username"] = json!(format!("{fresh}@acme.test"))),
            45..52 => {
                let saved = || self.realm.save_account(&user, |account| account["firstName"] = json!(fresh));
                assert!(eventually(PATIENCE, saved).is_some(), "the account page did not answer");
            }
            52..58 => self.sql(&format!("update user_entity set first_name = '{fresh}' where id = '{user}'")),
            58..61 => self.sql(&format!("update user_entity set enabled = not enabled where id = '{user}'")),
            61..64 => self
                .sql(&format!("delete from user_group_membership where user_id = '{user}' and group_id = '{group}'")),
            64..77 => drop(self.admin(&Method::PUT, &membership, None)),
            77..86 => drop(self.admin(&Method::DELETE, &membership, None)),
            86..89 => drop(self.admin(&Method::PUT, &format!("/groups/{group}"), Some(&json!({ "name": fresh })))),
            89 => drop(self.admin(&Method::DELETE, &format!("/groups/{group}"), None)),
            90..93 => {
                let native = json!({ "username": fresh, "firstName": "Nat", "enabled": true });
                self.admin(&Method::POST, "/users", Some(&native));
                let (_, found) = self.admin(&Method::GET, &format!("/users?exact=true&username={fresh}"), None);
                Known::add(&self.known.users, &found[0]["id"]);
            }
            93..95 => drop(self.admin(&Method::DELETE, &format!("/users/{user}"), None)),
            95..98 => drop(self.admin(&Method::POST, &mapping, Some(&role()))),
            _ => drop(self.admin(&Method::DELETE, &mapping, Some(&role()))),
        }
    }
}
