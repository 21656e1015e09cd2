//! A Keycloak realm per test, and what its administrator sees and does.

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::{eventually, http, servers, unique};

/// A realm of a test's own, on the Keycloak of `scripts/test`.
pub struct Realm {
    name: String,
    base: String,
    http: Client,
    token: Mutex<Option<(Instant, String)>>,
}

/// How long a token is used: those of the master realm live for a minute.
const FRESH: Duration = Duration::from_secs(30);

impl Default for Realm {
    fn default() -> Self {
        Self::on(&servers::fact("KEVRA_TEST_KEYCLOAK_URL"))
    }
}

impl Realm {
    /// One on another Keycloak.
    pub fn on(keycloak: &str) -> Self {
        let realm = Self::called(keycloak, unique("test"));
        realm.create();
        realm
    }

    /// One of a name that somebody insists on; what a run that was killed left of it goes.
    pub fn named(name: &str) -> Self {
        let realm = Self::called(&servers::fact("KEVRA_TEST_KEYCLOAK_URL"), name.to_owned());
        realm.ask(Method::DELETE, &format!("/admin/realms/{name}"), None);
        realm.create();
        realm
    }

    fn called(keycloak: &str, name: String) -> Self {
        Self { name, base: keycloak.to_owned(), http: http(), token: Mutex::default() }
    }

    fn create(&self) {
        self.call(Method::POST, "/admin/realms", Some(&json!({ "realm": self.name, "enabled": true })));
    }

    fn delete(&self) {
        self.call(Method::DELETE, &format!("/admin/realms/{}", self.name), None);
    }

    /// Gives it another name; its UUID and everybody in it stay.
    pub fn rename(&mut self, name: &str) {
        self.admin(Method::PUT, "", Some(&json!({ "realm": name })));
        name.clone_into(&mut self.name);
    }

    /// What a backup of it holds: who it is, our client with its secret, the realm role, everybody who holds it, and the
    /// groups without their members.
    pub fn backup(&self) -> Value {
        let role = self.admin(Method::GET, "/roles/scim-managed", None);
        let people = self.admin(Method::GET, "/roles/scim-managed/users?max=1000", None);
        let person = |user: &Value| {
            json!({ "id": user["id"], "username": user["username"], "enabled": user["enabled"],
                "realmRoles": ["scim-managed"] })
        };
        let people: Vec<Value> = people.as_array().into_iter().flatten().map(person).collect();
        let groups = self.admin(Method::GET, "/groups?max=1000", None);
        let group = |group: &Value| json!({ "id": group["id"], "name": group["name"] });
        let groups: Vec<Value> = groups.as_array().into_iter().flatten().map(group).collect();
        json!({ "id": self.id(), "role": { "id": role["id"], "name": role["name"] }, "people": people,
            "groups": groups, "secret": self.secret_of_ours() })
    }

    /// Restores it from a backup: what came since was never there, nor do any events tell of it.
    pub fn restore(&self, backup: &Value) {
        self.delete();
        let stores = json!({ "eventsEnabled": true, "eventsExpiration": 432_000, "adminEventsEnabled": true });
        let realm = json!({ "id": backup["id"], "realm": self.name, "enabled": true,
            "roles": { "realm": [backup["role"]] }, "groups": backup["groups"] });
        self.call(Method::POST, "/admin/realms", Some(&realm));
        self.take_us_in(&backup["secret"]);
        let people = json!({ "ifResourceExists": "FAIL", "users": backup["people"] });
        self.admin(Method::POST, "/partialImport", Some(&people));
        self.admin(Method::PUT, "/events/config", Some(&stores));
    }

    /// The secret of our data-path client.
    pub fn secret_of_ours(&self) -> Value {
        let found = self.admin(Method::GET, "/clients?clientId=kevra-scim", None);
        let client = found[0]["id"].as_str().expect("our client").to_owned();
        self.admin(Method::GET, &format!("/clients/{client}/client-secret"), None)["value"].clone()
    }

    /// Makes our data-path client with a secret and its rights, as whoever sets realms up by a script does.
    pub fn take_us_in(&self, secret: &Value) {
        let client = json!({ "clientId": "kevra-scim", "secret": secret, "publicClient": false,
            "serviceAccountsEnabled": true, "standardFlowEnabled": false });
        self.admin(Method::POST, "/clients", Some(&client));
        let of = |name: &str| -> String {
            let found = self.admin(Method::GET, &format!("/clients?clientId={name}"), None);
            found[0]["id"].as_str().expect("a client").to_owned()
        };
        let (ours, management) = (of("kevra-scim"), of("realm-management"));
        let account = self.admin(Method::GET, &format!("/clients/{ours}/service-account-user"), None);
        let account = account["id"].as_str().expect("a service account");
        let role = |name: &str| self.admin(Method::GET, &format!("/clients/{management}/roles/{name}"), None);
        let roles: Vec<Value> = ["manage-users", "view-events", "view-realm"].map(role).into();
        let path = format!("/users/{account}/role-mappings/clients/{management}");
        self.admin(Method::POST, &path, Some(&json!(roles)));
    }

    /// Deletes it and makes another one of its name.
    pub fn recreate(&self) {
        self.delete();
        self.create();
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its issuer's URL.
    pub fn url(&self) -> String {
        format!("{}/realms/{}", self.base, self.name)
    }

    /// A user by username, as an administrator sees it.
    pub fn user(&self, username: &str) -> Option<Value> {
        let query = username.replace('+', "%2B").replace('@', "%40");
        let found = self.admin(Method::GET, &format!("/users?exact=true&username={query}"), None);
        found.as_array().and_then(|users| users.first()).cloned()
    }

    /// How many users there are, service accounts left out.
    pub fn count(&self) -> usize {
        let users = self.admin(Method::GET, "/users?max=100000&briefRepresentation=true", None);
        let person =
            |user: &&Value| user["username"].as_str().is_some_and(|name| !name.starts_with("service-account-"));
        users.as_array().map_or(0, |users| users.iter().filter(person).count())
    }

    /// The realm roles of a user.
    pub fn roles(&self, user: &str) -> Vec<String> {
        let roles = self.admin(Method::GET, &format!("/users/{user}/role-mappings/realm"), None);
        let name = |role: &Value| role["name"].as_str().unwrap_or_default().to_owned();
        roles.as_array().into_iter().flatten().map(name).collect()
    }

    /// Changes fields of a user as an administrator in the Keycloak console does: reads it whole and saves it whole.
    pub fn save_user(&self, id: &str, change: impl FnOnce(&mut Value)) {
        let mut user = self.admin(Method::GET, &format!("/users/{id}"), None);
        change(&mut user);
        self.admin(Method::PUT, &format!("/users/{id}"), Some(&user));
    }

    /// What the realm's token endpoint answers a public client; nothing where it does not answer.
    pub fn token_of(&self, client: &str, form: &[(&str, &str)]) -> Value {
        let url = format!("{}/protocol/openid-connect/token", self.url());
        let form: Vec<(&str, &str)> = form.iter().copied().chain([("client_id", client)]).collect();
        let answer = self.http.post(url).form(&form).send();
        answer.ok().and_then(|answer| answer.json().ok()).unwrap_or_default()
    }

    /// A public client through which users may sign in with a password.
    pub fn make_app(&self) {
        let app = json!({ "clientId": "app", "publicClient": true, "directAccessGrantsEnabled": true });
        self.admin(Method::POST, "/clients", Some(&app));
    }

    /// Gives a user a password, signs in with it through the app and saves the account as its page does; the status of
    /// what was answered last.
    pub fn save_account(&self, id: &str, change: impl FnOnce(&mut Value)) -> Option<u16> {
        let secret = json!({ "type": "password", "value": "correct horse", "temporary": false });
        let (status, _) = self.try_admin(Method::PUT, &format!("/users/{id}/reset-password"), Some(&secret))?;
        if !(200..300).contains(&status) {
            return Some(status);
        }
        let (_, user) = self.try_admin(Method::GET, &format!("/users/{id}"), None)?;
        let name = user["username"].as_str()?;
        let form = [("grant_type", "password"), ("scope", "openid"), ("username", name), ("password", "correct horse")];
        let answer = self.token_of("app", &form);
        let Some(token) = answer["access_token"].as_str() else { return Some(401) };
        let url = format!("{}/realms/{}/account", self.base, self.name);
        let call =
            |method: Method| self.http.request(method, &url).header("accept", "application/json").bearer_auth(token);
        let mut account: Value = call(Method::GET).send().ok()?.json().ok()?;
        change(&mut account);
        Some(call(Method::POST).json(&account).send().ok()?.status().as_u16())
    }

    /// The realm's own UUID.
    pub fn id(&self) -> String {
        self.admin(Method::GET, "", None)["id"].as_str().expect("a realm has an id").to_owned()
    }

    /// A call of the realm's Admin API.
    pub fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        self.call(method, &format!("/admin/realms/{}{path}", self.name), body)
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.ask(method, path, body).expect("Keycloak answers");
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// A call of the realm's Admin API whose outcome is the caller's business; `None` where Keycloak does not answer.
    pub fn try_admin(&self, method: Method, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        self.ask(method, &format!("/admin/realms/{}{path}", self.name), body)
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(self.token()?);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().ok()?;
        let (status, text) = (answer.status().as_u16(), answer.text().ok()?);
        Some((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    fn token(&self) -> Option<String> {
        let mut held = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, token)) = held.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Some(token.clone());
        }
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", servers::fact("KEVRA_TEST_KEYCLOAK_CLIENT_ID")),
            ("client_secret", servers::fact("KEVRA_TEST_KEYCLOAK_CLIENT_SECRET")),
        ];
        let url = format!("{}/realms/master/protocol/openid-connect/token", self.base);
        let answer: Value = self.http.post(url).form(&form).send().ok()?.json().ok()?;
        let token = answer["access_token"].as_str()?.to_owned();
        *held = Some((Instant::now(), token.clone()));
        Some(token)
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        // One whose Keycloak was killed is gone with it.
        drop(self.ask(Method::DELETE, &format!("/admin/realms/{}", self.name), None));
    }
}

/// Kills Keycloak, `kill -9`; every realm suffers.
pub fn kill() {
    command("kill");
}

/// Starts Keycloak again and waits until it is ready.
pub fn start() {
    let mut command = Command::new(servers::fact("KEVRA_TEST_KEYCLOAK"));
    let start = command.arg("start").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    drop(start.expect("Keycloak's script runs"));
    let url = servers::fact("KEVRA_TEST_KEYCLOAK_HEALTH");
    let ready = || http().get(&url).send().is_ok_and(|answer| answer.status().is_success()).then_some(());
    assert!(eventually(Duration::from_mins(4), ready).is_some(), "Keycloak did not come back");
}

fn command(name: &str) {
    let done = Command::new(servers::fact("KEVRA_TEST_KEYCLOAK")).arg(name).status();
    assert!(done.expect("Keycloak's script runs").success(), "Keycloak did not {name}");
}
