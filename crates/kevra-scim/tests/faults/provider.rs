//! An identity provider that does not give up: what was not accepted it sends again, as Okta and Entra do.

use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value, json};
use testkit::eventually;

/// How long a provider goes on trying.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Provider {
    users: String,
    groups: String,
    token: String,
    http: Client,
}

impl Provider {
    pub fn new(gateway: &str, realm: &str, token: &str) -> Self {
        let base = format!("{gateway}/realms/{realm}/scim/v2");
        let (users, groups) = (format!("{base}/Users"), format!("{base}/Groups"));
        Self { users, groups, token: token.to_owned(), http: testkit::http() }
    }

    /// Makes a user; its id.
    pub fn create(&self, name: &str) -> String {
        let user = json!({ "userName": name, "externalId": name, "active": true,
            "name": { "givenName": "G0", "familyName": "F0" }, "emails": [{ "value": name, "primary": true }] });
        self.make(&self.users, &user, &format!("userName eq \"{name}\""))
    }

    /// Makes a record; its id. A create whose answer was lost is found again by its name.
    fn make(&self, url: &str, record: &Value, filter: &str) -> String {
        let made = eventually(PATIENCE, || {
            let request = self.http.post(url).json(record);
            match self.ask(request) {
                Some((201, made)) => Some(made),
                Some((409, _)) => {
                    let request = self.http.get(url).query(&[("filter", filter)]);
                    self.ask(request).and_then(|(_, list)| list["Resources"].get(0).cloned())
                }
                _ => None,
            }
        });
        let id = made.as_ref().and_then(|made| made["id"].as_str());
        assert!(id.is_some(), "{record} is accepted in the end: {made:?}");
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
        let group = json!({ "displayName": name, "members": values(members) });
        self.make(&self.groups, &group, &format!("displayName eq \"{name}\""))
    }

    /// Changes a group.
    pub fn change_group(&self, id: &str, operations: &Value) {
        let patch = json!({ "Operations": operations });
        let accepted = eventually(PATIENCE, || {
            let request = self.http.request(Method::PATCH, format!("{}/{id}", self.groups)).json(&patch);
            self.ask(request).filter(|(status, _)| matches!(status, 200 | 204))
        });
        assert!(accepted.is_some(), "{id} is accepted in the end");
    }

    /// Deletes a group; one that is gone already is as good.
    pub fn delete_group(&self, id: &str) {
        let gone = eventually(PATIENCE, || {
            let request = self.http.delete(format!("{}/{id}", self.groups));
            self.ask_of(request, &[204, 404]).filter(|(status, _)| matches!(status, 204 | 404))
        });
        assert!(gone.is_some(), "{id} is deleted in the end");
    }

    /// `None` where the connection broke or the gateway asks to come again.
    fn ask(&self, request: RequestBuilder) -> Option<(u16, Value)> {
        self.ask_of(request, &[200, 201, 204, 409])
    }

    /// Likewise; whoever asks knows which answers there may be.
    fn ask_of(&self, request: RequestBuilder, known: &[u16]) -> Option<(u16, Value)> {
        let answer = request.bearer_auth(&self.token).send().ok()?;
        let (status, text) = (answer.status().as_u16(), answer.text().ok()?);
        // 408 says that a starved gateway did not get to read the request: nothing was done.
        assert!(known.contains(&status) || matches!(status, 408 | 429 | 503), "{status}: {text}");
        let body = if matches!(status, 204 | 408) { Value::Null } else { serde_json::from_str(&text).ok()? };
        Some((status, body))
    }
}

/// Members as SCIM names them.
pub(crate) fn values<'a>(ids: impl IntoIterator<Item = &'a String>) -> Value {
    ids.into_iter().map(|id| json!({ "value": id })).collect()
}
