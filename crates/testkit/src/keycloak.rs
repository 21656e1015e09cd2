//! A Keycloak realm per test, and what its administrator sees and does.

use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{eventually, http, servers, unique};

/// A realm of a test's own, on the Keycloak of `scripts/test`.
pub struct Realm {
    name: String,
    base: String,
}

impl Default for Realm {
    fn default() -> Self {
        let realm = Self { name: unique("test"), base: servers::fact("KEVRA_TEST_KEYCLOAK_URL") };
        realm.call(Method::POST, "/admin/realms", Some(&json!({ "realm": realm.name, "enabled": true })));
        realm
    }
}

impl Realm {
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

    /// What the realm's token endpoint answers a public client.
    pub fn token_of(&self, client: &str, form: &[(&str, &str)]) -> Value {
        let url = format!("{}/protocol/openid-connect/token", self.url());
        let form: Vec<(&str, &str)> = form.iter().copied().chain([("client_id", client)]).collect();
        http().post(url).form(&form).send().expect("Keycloak answers").json().expect("a token answer")
    }

    /// Gives a user a password and lets him sign in with it through a public client, which is made with the first.
    pub fn sign_in(&self, id: &str) -> Value {
        let secret = json!({ "type": "password", "value": "correct horse", "temporary": false });
        self.admin(Method::PUT, &format!("/users/{id}/reset-password"), Some(&secret));
        if self.admin(Method::GET, "/clients?clientId=app", None)[0].is_null() {
            let app = json!({ "clientId": "app", "publicClient": true, "directAccessGrantsEnabled": true });
            self.admin(Method::POST, "/clients", Some(&app));
        }
        let user = self.admin(Method::GET, &format!("/users/{id}"), None);
        let name = user["username"].as_str().unwrap_or_default();
        let form = [("grant_type", "password"), ("scope", "openid"), ("username", name), ("password", "correct horse")];
        self.token_of("app", &form)
    }

    /// Saves an account as its page does, with the user's own access token; the answer's status.
    pub fn save_account(&self, access_token: &str, change: impl FnOnce(&mut Value)) -> u16 {
        let url = format!("{}/realms/{}/account", self.base, self.name);
        let client = http();
        let account = client.get(&url).header("accept", "application/json").bearer_auth(access_token).send();
        let mut account: Value = account.expect("Keycloak answers").json().expect("an account");
        change(&mut account);
        let saved = client.post(&url).header("accept", "application/json").bearer_auth(access_token).json(&account);
        saved.send().expect("Keycloak answers").status().as_u16()
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
        let mut request = http().request(method, format!("{}{path}", self.base)).bearer_auth(self.token());
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().expect("Keycloak answers");
        let (status, text) = (answer.status(), answer.text().unwrap_or_default());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A fresh token for each call: those of the master realm live for a minute.
    fn token(&self) -> String {
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", servers::fact("KEVRA_TEST_KEYCLOAK_CLIENT_ID")),
            ("client_secret", servers::fact("KEVRA_TEST_KEYCLOAK_CLIENT_SECRET")),
        ];
        let url = format!("{}/realms/master/protocol/openid-connect/token", self.base);
        let answer = http().post(url).form(&form).send().expect("Keycloak answers");
        let token: Value = answer.json().expect("a token answer");
        token["access_token"].as_str().expect("an access token").to_owned()
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        self.call(Method::DELETE, &format!("/admin/realms/{}", self.name), None);
    }
}

/// Kills Keycloak, `kill -9`; every realm suffers.
pub fn kill() {
    command("kill");
}

/// Starts Keycloak again and waits until it is ready.
pub fn start() {
    let start = Command::new(servers::fact("KEVRA_TEST_KEYCLOAK")).arg("start").stdin(Stdio::null()).spawn();
    drop(start.expect("Keycloak's script runs"));
    let url = servers::fact("KEVRA_TEST_KEYCLOAK_HEALTH");
    let ready = || http().get(&url).send().is_ok_and(|answer| answer.status().is_success()).then_some(());
    assert!(eventually(Duration::from_mins(4), ready).is_some(), "Keycloak did not come back");
}

fn command(name: &str) {
    let done = Command::new(servers::fact("KEVRA_TEST_KEYCLOAK")).arg(name).status();
    assert!(done.expect("Keycloak's script runs").success(), "Keycloak did not {name}");
}
