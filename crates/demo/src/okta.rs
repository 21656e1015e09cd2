//! Plays Okta's request sequence: credentials test, create, profile update by PUT, deactivate, re-activate.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Step {
    /// `POST`, …
    pub method: String,
    /// Path without the base, ids left out.
    pub path: String,
    /// What was meant by it.
    pub meaning: &'static str,
    /// The answer's status; 0 if there was none.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
}

/// A player.
pub struct Okta {
    http: reqwest::Client,
    base_url: String,
    host: Option<String>,
    token: String,
}

impl Okta {
    /// Plays against a base URL; `host` is sent as the Host header where the gateway is not behind its public name.
    pub fn new(base_url: &str, host: Option<&str>, token: &str) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .user_agent("Okta SCIM Client 1.0.0")
            .build()?;
        let (base_url, host) = (base_url.trim_end_matches('/').to_owned(), host.map(str::to_owned));
        Ok(Self { http, base_url, host, token: token.to_owned() })
    }

    /// The whole sequence for one person; tells each step as it happens. Answers with the user's id.
    pub async fn play(&self, user_name: &str, mut tell: impl AsyncFnMut(&Step)) -> Option<String> {
        let (told, _) = self.call(Method::GET, "/Users?startIndex=1&count=2", None, "test credentials").await;
        tell(&told).await;
        let query =
            format!("/Users?filter=userName%20eq%20%22{}%22&startIndex=1&count=100", user_name.replace('@', "%40"));
        let (told, found) = self.call(Method::GET, &query, None, "match").await;
        tell(&told).await;
        let known = found["Resources"][0]["id"].as_str().map(str::to_owned);
        let id = match known {
            Some(id) => id,
            None => {
                let (given, family) = ("Ada", "Lovelace");
                let body = json!({
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                    "userName": user_name, "name": { "givenName": given, "familyName": family },
                    "emails": [{ "primary": true, "value": user_name, "type": "work" }],
                    "displayName": format!("{given} {family}"), "locale": "en-US",
                    "externalId": format!("00u{user_name}"), "groups": [], "password": "1mz050nq", "active": true,
                });
                let (told, made) = self.call(Method::POST, "/Users", Some(&body), "create").await;
                tell(&told).await;
                made["id"].as_str()?.to_owned()
            }
        };
        let path = format!("/Users/{id}");
        let (told, mut user) = self.call(Method::GET, &path, None, "read").await;
        tell(&told).await;
        user["name"]["givenName"] = json!("Augusta Ada");
        let (told, _) = self.call(Method::PUT, &path, Some(&user), "update the profile").await;
        tell(&told).await;
        for active in [false, true] {
            tell(&self.activate(&id, active).await).await;
        }
        Some(id)
    }

    /// Deactivates or re-activates a person.
    pub async fn activate(&self, id: &str, active: bool) -> Step {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "value": { "active": active } }],
        });
        let meaning = if active { "re-activate" } else { "deactivate" };
        self.call(Method::PATCH, &format!("/Users/{id}"), Some(&body), meaning).await.0
    }

    #[expect(clippy::disallowed_methods, reason = "every request of the player is sent here")]
    async fn call(&self, method: Method, path: &str, body: Option<&Value>, meaning: &'static str) -> (Step, Value) {
        let started = Instant::now();
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base_url))
            .bearer_auth(&self.token)
            .header("accept", "application/scim+json")
            .header("content-type", "application/scim+json; charset=utf-8");
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let (status, answer) = match request.send().await {
            Ok(response) => (response.status().as_u16(), response.json().await.unwrap_or_default()),
            Err(_) => (0, Value::Null),
        };
        let path = path.split('?').next().unwrap_or_default();
        let path = if path.len() > "/Users/".len() { "/Users/{id}" } else { path }.to_owned();
        (Step { method: method.to_string(), path, meaning, status, took: started.elapsed() }, answer)
    }
}
