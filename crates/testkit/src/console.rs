//! What the console does through the control API.

use reqwest::blocking::Client;
use serde_json::{Value, json};

/// An operator of one control API.
pub struct Console {
    url: String,
    token: String,
    http: Client,
}

impl Console {
    /// With an operator's token.
    pub fn new(url: &str, token: &str) -> Self {
        Self { url: url.to_owned(), token: token.to_owned(), http: crate::http() }
    }

    /// A call below `/v1`, as status and body.
    pub fn call(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.try_call(method, path, body).expect("the control API answers")
    }

    /// Likewise; `None` where the connection breaks.
    pub fn try_call(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let mut request = self.http.request(method, format!("{}/v1{path}", self.url)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().ok()?;
        Some((answer.status().as_u16(), answer.json().unwrap_or_default()))
    }

    fn post(&self, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.call(reqwest::Method::POST, path, body);
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// Makes a tenant.
    pub fn make_tenant(&self, slug: &str, realm: &str) {
        self.post("/tenants", Some(&json!({ "slug": slug, "realm": realm })));
    }

    /// Enables inbound SCIM; the token.
    pub fn enable_inbound(&self, tenant: &str) -> String {
        token(&self.post(&format!("/tenants/{tenant}/inbound/enable"), None))
    }

    /// Sets a tenant's inbound options.
    pub fn inbound_options(&self, tenant: &str, options: &Value) {
        let (status, answer) =
            self.call(reqwest::Method::PUT, &format!("/tenants/{tenant}/inbound/options"), Some(options));
        assert!((200..300).contains(&status), "{status} {answer}");
    }

    /// Rotates the inbound token; the new one.
    pub fn rotate(&self, tenant: &str) -> String {
        token(&self.post(&format!("/tenants/{tenant}/inbound/rotate"), None))
    }

    /// Disables inbound SCIM.
    pub fn disable_inbound(&self, tenant: &str) {
        self.post(&format!("/tenants/{tenant}/inbound/disable"), None);
    }

    /// Enables outbound SCIM.
    pub fn enable_outbound(&self, tenant: &str, base_url: &str, token: &str) {
        self.post(
            &format!("/tenants/{tenant}/outbound/enable"),
            Some(&json!({ "base_url": base_url, "token": token })),
        );
    }

    /// Disables outbound SCIM.
    pub fn disable_outbound(&self, tenant: &str) {
        self.post(&format!("/tenants/{tenant}/outbound/disable"), None);
    }
}

fn token(revealed: &Value) -> String {
    revealed["token"].as_str().expect("a token is revealed").to_owned()
}
