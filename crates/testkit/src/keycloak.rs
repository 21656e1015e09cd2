//! A Keycloak realm per test, and what its administrator sees and does.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{http, servers, unique};

/// A realm of a test's own, on the Keycloak of `scripts/test`.
pub struct Realm {
    name: String,
    base: String,
}

impl Default for Realm {
    fn default() -> Self {
        let realm = Self { name: unique("test"), base: servers::fact("KEVRA_TEST_KEYCLOAK_URL") };
        realm.create();
        realm
    }
}

impl Realm {
    fn create(&self) {
        self.call(Method::POST, "/admin/realms", Some(&json!({ "realm": self.name, "enabled": true })));
    }

    fn delete(&self) {
        self.call(Method::DELETE, &format!("/admin/realms/{}", self.name), None);
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
        let url = format!("{}/realms/{}/protocol/openid-connect/token", self.base, self.name);
        let form: Vec<(&str, &str)> = form.iter().copied().chain([("client_id", client)]).collect();
        http().post(url).form(&form).send().expect("Keycloak answers").json().expect("a token answer")
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
        self.delete();
    }
}
