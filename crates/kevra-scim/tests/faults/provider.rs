//! An identity provider that does not give up: what was not accepted it sends again, as Okta and Entra do.

use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::{Value, json};
use testkit::eventually;

/// How long a provider goes on trying.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Provider {
    base: String,
    users: String,
    token: String,
    http: Client,
}

impl Provider {
    pub fn new(gateway: &str, realm: &str, token: &str) -> Self {
        let base = format!("{gateway}/realms/{realm}/scim/v2");
        Self { users: format!("{base}/Users"), base, token: token.to_owned(), http: testkit::http() }
    }

    /// Makes a user; its id. A create whose answer was lost is found again by its name.
    pub fn create(&self, name: &str) -> String {
        let user = json!({ "userName": name, "externalId": name, "active": true,
            "name": { "givenName": "G0", "familyName": "F0" }, "emails": [{ "value": name, "primary": true }] });
        let filter = format!("userName eq \"{name}\"");
        let made = eventually(PATIENCE, || {
            let request = self.http.post(&self.users).json(&user);
            match self.ask(request) {
                Some((201, made)) => Some(made),
                Some((409, _)) => {
                    let request = self.http.get(&self.users).query(&[("filter", &filter)]);
                    self.ask(request).and_then(|(_, list)| list["Resources"].get(0).cloned())
                }
                _ => None,
            }
        });
        let id = made.as_ref().and_then(|made| made["id"].as_str());
        assert!(id.is_some(), "{name} is accepted in the end: {made:?}");
        id.unwrap_or_default().to_owned()
    }

    /// Replaces values of a user.
    pub fn replace(&self, id: &str, values: &[(&str, Value)]) {
        let operations: Vec<Value> =
            values.iter().map(|(path, value)| json!({ "op": "replace", "path": path, "value": value })).collect();
        let patch = json!({ "Operations": operations });
        let accepted = eventually(PATIENCE, || {
            let request = self.http.request(Method::PATCH, format!("{}/{id}", self.users)).json(&patch);
            self.ask(request).filter(|(status, _)| *status == 200)
        });
        assert!(accepted.is_some(), "{id} is accepted in the end");
    }

    /// Makes a group; its id.
    pub fn group(&self, name: &str, members: &[String]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let group = json!({ "displayName": name, "members": members });
        let request = self.http.post(format!("{}/Groups", self.base)).json(&group);
        let made = self.ask(request).map(|(_, made)| made["id"].as_str().unwrap_or_default().to_owned());
        made.unwrap_or_default()
    }

    /// Changes a group.
    pub fn change_group(&self, id: &str, operations: &Value) {
        let patch = json!({ "Operations": operations });
        let accepted = eventually(PATIENCE, || {
            let request = self.http.request(Method::PATCH, format!("{}/Groups/{id}", self.base)).json(&patch);
            self.ask(request).filter(|(status, _)| matches!(status, 200 | 204))
        });
        assert!(accepted.is_some(), "{id} is accepted in the end");
    }

    /// `None` where the connection broke or the gateway asks to come again.
    fn ask(&self, request: reqwest::blocking::RequestBuilder) -> Option<(u16, Value)> {
        let answer = request.bearer_auth(&self.token).send().ok()?;
        let (status, text) = (answer.status().as_u16(), answer.text().ok()?);
        assert!(matches!(status, 200 | 201 | 204 | 409 | 429 | 503), "{status}: {text}");
        let body = if status == 204 { Value::Null } else { serde_json::from_str(&text).ok()? };
        Some((status, body))
    }
}
