//! What the tests of the wire share: a demo, tenants in it, requests and answers in one line.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::OnceLock;

use reqwest::Method;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use testkit::{Demo, unique};

pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const MEDIA: &str = "application/scim+json";

pub fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(|| Demo::start_shared(Path::new(env!("CARGO_BIN_EXE_kevra-scim"))))
}

fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(testkit::http)
}

/// A tenant with inbound on.
pub struct Tenant {
    pub slug: String,
    pub base: String,
    pub token: String,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
    /// `null` where there is no JSON.
    pub body: Value,
}

impl Reply {
    pub fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self { status, headers, text, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The answer, which has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// A SCIM error as reference section 2.9 wants every one of them.
    #[track_caller]
    pub fn refused(self, status: u16, kind: Option<&str>) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.body["schemas"], json!([ERROR]), "{}", reply.text);
        assert_eq!(reply.body["status"], status.to_string(), "{}", reply.text);
        assert!(reply.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", reply.text);
        assert_eq!(reply.body["scimType"].as_str(), kind, "{}", reply.text);
        assert_eq!(reply.header("content-type"), Some(MEDIA));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert!(!reply.text.contains('<'), "no HTML: {}", reply.text);
        reply
    }

    pub fn id(&self) -> &str {
        self.body["id"].as_str().unwrap()
    }

    pub fn version(&self) -> &str {
        self.body["meta"]["version"].as_str().unwrap()
    }

    pub fn total(&self) -> u64 {
        self.body["totalResults"].as_u64().unwrap_or_else(|| panic!("no list: {}", self.text))
    }

    /// The `value` of each member, or of each group.
    pub fn values(&self, list: &str) -> Vec<String> {
        let items = self.body[list].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["value"].as_str().unwrap().to_owned()).collect()
    }
}

/// The control API with the operator's token.
pub fn control(method: Method, path: &str, body: &Value) -> Value {
    let url = format!("{}/v1/tenants{path}", demo().fact("control_url"));
    let request = client().request(method, url).bearer_auth(demo().fact("operator_token"));
    let response = request.json(body).send().unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.text().unwrap());
    response.json().unwrap_or_default()
}

impl Tenant {
    pub fn new(name: &str) -> Self {
        Self::with(name, json!({}))
    }

    /// A tenant with inbound options; far from its rate unless they say so.
    pub fn with(name: &str, mut options: Value) -> Self {
        let slug = unique(name);
        let made = control(Method::POST, "", &json!({ "slug": slug, "realm": slug }));
        let revealed = control(Method::POST, &format!("/{slug}/inbound/enable"), &json!({}));
        if options["requests_per_second"].is_null() {
            options["requests_per_second"] = json!(10_000);
        }
        let (base, token) = (made["base_url"].as_str().unwrap(), revealed["token"].as_str().unwrap());
        let tenant = Self { slug, base: base.to_owned(), token: token.to_owned() };
        tenant.options(&options);
        tenant
    }

    pub fn options(&self, options: &Value) {
        control(Method::PUT, &format!("/{}/inbound/options", self.slug), options);
    }

    /// Another token in place of the one so far.
    pub fn rotate(&self) -> String {
        let revealed = control(Method::POST, &format!("/{}/inbound/rotate", self.slug), &json!({}));
        revealed["token"].as_str().unwrap().to_owned()
    }

    /// A request without credentials.
    pub fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        client().request(method.parse().unwrap(), format!("{}{path}", self.base))
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(&self.token)
    }

    pub fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        let request = self.request(method, path).header("content-type", MEDIA).body(body.to_string());
        Reply::of(request.send().unwrap())
    }

    pub fn get(&self, path: &str) -> Reply {
        Reply::of(self.request("GET", path).send().unwrap())
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, body)
    }

    pub fn put(&self, path: &str, body: &Value) -> Reply {
        self.send("PUT", path, body)
    }

    /// A PATCH with these operations.
    pub fn patch(&self, path: &str, operations: &Value) -> Reply {
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
        self.send("PATCH", path, &json!({ "schemas": schemas, "Operations": operations }))
    }

    pub fn delete(&self, path: &str) -> Reply {
        Reply::of(self.request("DELETE", path).send().unwrap())
    }

    /// What a filter finds.
    pub fn find(&self, endpoint: &str, filter: &str) -> Reply {
        let request = self.request("GET", endpoint).query(&[("filter", filter)]);
        Reply::of(request.send().unwrap())
    }

    /// A user with a name nobody else has; its path and name.
    pub fn user(&self, more: &Value) -> (String, String) {
        let name = format!("{}@acme.test", unique("user"));
        let mut body = json!({ "userName": name, "active": true });
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let name = body["userName"].as_str().unwrap().to_owned();
        let made = self.post("/Users", &body).expect(201);
        (format!("/Users/{}", made.id()), name)
    }

    /// So many users; their ids.
    pub fn users(&self, count: usize) -> Vec<String> {
        let id = |(path, _): (String, String)| path["/Users/".len()..].to_owned();
        (0..count).map(|_| id(self.user(&json!({})))).collect()
    }

    /// A group with a name nobody else has; its path and name.
    pub fn group(&self, members: &[String]) -> (String, String) {
        let name = unique("group");
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let made = self.post("/Groups", &json!({ "displayName": name, "members": members })).expect(201);
        (format!("/Groups/{}", made.id()), name)
    }

    /// A request as its very bytes: `target` follows the base URL's path. Status, head and body.
    pub fn raw(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> (u16, String, String) {
        let rest = self.base.strip_prefix("http://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        self.raw_target(host, method, &format!("/{path}{target}"), headers, body)
    }

    pub fn raw_target(
        &self,
        host: &str,
        method: &str,
        target: &str,
        headers: &str,
        body: &[u8],
    ) -> (u16, String, String) {
        let address = self.base.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{length}{headers}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses a head need not read the body.
        drop(stream.write_all(body));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        (status, head.to_lowercase(), body.to_owned())
    }

    /// A header line with the token.
    pub fn authorized(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.token)
    }
}

/// Runs the same work on so many threads at once, each with its number; what came of it, in order.
pub fn at_once<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let work = &work;
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|number| scope.spawn(move || work(number))).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
