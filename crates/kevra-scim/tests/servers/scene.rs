//! One tenant with inbound on, on a Keycloak realm of its own.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::console::Console;
use testkit::eventually;
use testkit::faulty_keycloak::FaultyKeycloak;
use testkit::installation::{Installation, Role};
use testkit::keycloak::Realm;

use crate::{PROGRAM, front};

/// Long enough for a poll and a triage on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// An installation with one tenant and inbound on.
pub(crate) struct Scene {
    pub console: Console,
    pub base: String,
    pub token: String,
    pub realm: Realm,
    pub gateway: Role,
    pub installation: Installation,
    _control: Role,
    pub dispatcher: Option<Role>,
}

/// An answer of the gateway.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Value,
}

impl Scene {
    pub fn new(realm: Realm) -> Self {
        Self::of(Installation::on_keycloak(PROGRAM), realm, true)
    }

    /// On a Keycloak that may misbehave.
    pub fn behind(keycloak: &FaultyKeycloak) -> Self {
        let installation = Installation::on_keycloak_at(PROGRAM, &keycloak.url());
        Self::of(installation, Realm::default(), true)
    }

    /// Likewise, with nobody who polls the realm or repairs anything.
    pub fn unwatched(keycloak: &FaultyKeycloak) -> Self {
        let installation = Installation::on_keycloak_at(PROGRAM, &keycloak.url());
        Self::of(installation, Realm::default(), false)
    }

    pub fn of(installation: Installation, realm: Realm, watched: bool) -> Self {
        let (console, control, gateway) = front(&installation);
        let dispatcher = watched.then(|| installation.start("dispatcher"));
        console.make_tenant("acme", realm.name());
        let token = console.enable_inbound("acme");
        let base = format!("{}/realms/{}/scim/v2", gateway.url, realm.name());
        Self { console, base, token, realm, gateway, installation, _control: control, dispatcher }
    }

    pub fn send(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.ask(method, path, body).unwrap();
        (answer.status, answer.body)
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        self.send(Method::GET, path, &Value::Null)
    }

    /// `None` where the connection breaks.
    pub fn ask(&self, method: Method, path: &str, body: &Value) -> Option<Answer> {
        ask(&self.base, &self.token, method, path, body)
    }

    /// Creates a user through SCIM; the id.
    pub fn made(&self, name: &str) -> String {
        let (status, made) = self.send(Method::POST, "/Users", &json!({ "userName": name }));
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    pub fn becomes(&self, path: &str, status: u16) {
        let came = eventually(SOON, || (self.get(path).0 == status).then_some(()));
        assert!(came.is_some(), "{path} is {}: {}", self.get(path).0, self.installation.logs());
    }

    /// How many users the directory shows.
    pub fn total(&self) -> u64 {
        self.get("/Users?count=0").1["totalResults"].as_u64().unwrap()
    }

    /// Runs a statement in the database.
    pub fn sql(&self, statement: &str) -> String {
        self.installation.database().ask(statement)
    }

    /// Waits until a question to the database has this answer.
    pub fn until_sql(&self, question: &str, answer: &str) {
        let there = eventually(SOON, || (self.sql(question) == answer).then_some(()));
        assert!(there.is_some(), "{question}: {}\n{}", self.sql(question), self.installation.logs());
    }

    /// Moves the clock on instead of waiting: claims and reservations of the dead have run out.
    pub fn leases_run_out(&self) {
        self.sql("update reservation set lease_until = 0");
        self.sql("update group_reservation set lease_until = 0");
        self.sql("update directory_user set write_until = write_until - 15000000");
        self.sql("update directory_group set write_until = write_until - 15000000");
        self.sql("update membership set changed_at = 0 where state = 'pending'");
    }

    /// The realm is looked after now rather than within minutes, and that is waited for.
    pub fn looked_after(&self) {
        self.sql("update realm_watch set check_at = null");
        self.until_sql("select check_at is not null from realm_watch", "t");
    }

    /// Entries of the tenant's activity of a class.
    pub fn noted(&self, class: &str) -> usize {
        let (_, page) = self.console.call(Method::GET, &format!("/tenants/acme/activity?class={class}"), None);
        page["entries"].as_array().map_or(0, Vec::len)
    }

    /// What the newest request of an operation asked of the realm, as the activity tells it: operation and class.
    pub fn asked(&self, operation: &str) -> Vec<(String, String)> {
        let newest = || {
            let (_, page) = self.console.call(Method::GET, "/tenants/acme/activity?direction=in", None);
            page["entries"].as_array()?.iter().find(|entry| entry["operation"] == operation).cloned()
        };
        let entry = eventually(SOON, newest).unwrap_or_else(|| panic!("{operation}: {}", self.installation.logs()));
        let text = |call: &Value, name: &str| call[name].as_str().unwrap().to_owned();
        let calls = entry["realm_calls"].as_array().unwrap();
        calls.iter().map(|call| (text(call, "operation"), text(call, "class"))).collect()
    }

    /// The user is in the realm once, with role and marker, and as the directory has it.
    pub fn agrees(&self, name: &str) {
        let held = self.realm.user(name).unwrap_or_else(|| panic!("{name} is not in the realm"));
        let id = held["id"].as_str().unwrap();
        assert!(self.realm.roles(id).contains(&"scim-managed".to_owned()), "{name} lacks the role");
        assert_eq!(held["attributes"]["scimManaged"].as_array().map(Vec::len), Some(1), "{name}: {held}");
        let (_, found) = self.get(&format!("/Users?filter=userName+eq+%22{name}%22"));
        assert_eq!(found["totalResults"], 1, "{name}: {found}");
        let user = &found["Resources"][0];
        assert_eq!((&user["id"], &user["active"]), (&held["id"], &held["enabled"]), "{name}");
        assert_eq!(user["name"]["givenName"], held["firstName"], "{name}");
    }
}

pub(crate) fn ask(base: &str, token: &str, method: Method, path: &str, body: &Value) -> Option<Answer> {
    let mut request = testkit::http().request(method, format!("{base}{path}")).bearer_auth(token);
    if !body.is_null() {
        request = request.json(body);
    }
    let answer = request.send().ok()?;
    let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
    Some(Answer { status: answer.status().as_u16(), retry_after, body: answer.json().unwrap_or_default() })
}

pub(crate) fn patch(path: &str, value: &Value) -> Value {
    json!({ "Operations": [{ "op": "replace", "path": path, "value": value }] })
}
