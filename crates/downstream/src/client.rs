//! A small SCIM client: probe, find, read, create, patch, replace. Strict on the wire.

use std::time::Instant;

use reqwest::{Method, Url};
use scim::Object;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Connector;
use crate::guard::BaseUrl;
use crate::outcome::Outcome;

/// A downstream and our token there.
#[derive(Clone)]
pub struct Client {
    connector: Connector,
    base: BaseUrl,
    token: SecretString,
    records: Records,
}

/// Which records a client is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Records {
    Users,
    Groups,
}

impl Records {
    fn path(self) -> &'static str {
        match self {
            Self::Users => "Users",
            Self::Groups => "Groups",
        }
    }

    /// What a list is asked for: a group's members are many, and nobody looks for one by them.
    fn in_lists(self) -> Option<(&'static str, &'static str)> {
        (self == Self::Groups).then_some(("excludedAttributes", "members"))
    }
}

/// What a downstream can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// PATCH is taken.
    pub patch: bool,
    /// Filters are taken.
    pub filter: bool,
    /// What else to know, as sentences.
    pub limitations: Vec<String>,
}

/// Why a probe failed: a stable code the console chooses its words by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeCode {
    /// 401 or 403.
    Unauthorized,
    /// 404.
    NotFound,
    /// A web page, a redirect, a 429, a 5xx: whatever is there does not speak SCIM now.
    NotScim,
    /// TLS could not be established or verified.
    Tls,
    /// No answer in time.
    Timeout,
    /// Nobody answers there.
    Unreachable,
    /// An address we do not dial.
    AddressBlocked,
}

impl ProbeCode {
    /// As in the control API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "downstream_unauthorized",
            Self::NotFound => "downstream_not_found",
            Self::NotScim => "downstream_not_scim",
            Self::Tls => "downstream_tls",
            Self::Timeout => "downstream_timeout",
            Self::Unreachable => "downstream_unreachable",
            Self::AddressBlocked => "address_blocked",
        }
    }
}

/// A probe that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeFailure {
    /// Why.
    pub code: ProbeCode,
    /// What was asked.
    pub url: String,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The answer's media type.
    pub content_type: Option<String>,
    /// How long it took, milliseconds.
    pub elapsed_ms: u64,
}

/// A page of records.
pub struct Listed {
    /// How many there are in all, as far as the downstream says.
    pub total: usize,
    /// How many this page holds, readable or not.
    pub length: usize,
    /// Those that can be read.
    pub records: Vec<Remote>,
}

/// A record of the downstream.
#[derive(Clone)]
pub struct Remote {
    /// The downstream's id.
    pub id: String,
    /// Whose it is.
    pub external_id: Option<String>,
    /// The whole record.
    pub resource: Object,
}

impl Remote {
    /// Reads a record; one without id is none, and so is one whose id would not stay a segment of a path. The names of attributes
    /// are taken in any letter case (RFC 7643 §2.1), and an id that is a number as its digits.
    pub fn read(value: &Value) -> Option<Self> {
        let mut resource = value.as_object()?.clone();
        for name in KNOWN {
            if !resource.contains_key(name)
                && let Some(spelled) = resource.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned()
                && let Some(value) = resource.remove(&spelled)
            {
                resource.insert(name.to_owned(), value);
            }
        }
        let text = |name: &str| match resource.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let id = text("id").filter(|id| !["", ".", ".."].contains(&id.as_str()))?;
        Some(Self { id, external_id: text("externalId"), resource })
    }
}

/// What of a record is looked at here.
const KNOWN: [&str; 8] = ["id", "externalId", "userName", "displayName", "active", "name", "emails", "members"];

impl Listed {
    /// Whether it shows everybody it tells of, readable: only then whoever is not in it is not there.
    pub fn is_whole(&self) -> bool {
        self.records.len() >= self.length && self.length >= self.total
    }
}

impl Client {
    /// A client of one downstream, about its users.
    pub fn new(connector: Connector, base: BaseUrl, token: SecretString) -> Self {
        Self { connector, base, token, records: Records::Users }
    }

    /// The same downstream's groups.
    #[must_use]
    pub fn groups(&self) -> Self {
        Self { records: Records::Groups, ..self.clone() }
    }

    /// The same downstream's users.
    #[must_use]
    pub fn users(&self) -> Self {
        Self { records: Records::Users, ..self.clone() }
    }

    /// The base URL.
    pub fn base_url(&self) -> &str {
        self.base.as_str()
    }

    /// Asks for `ServiceProviderConfig`, then proves the token by a read that needs it: many downstreams serve the
    /// configuration to anybody (O2).
    pub async fn probe(&self) -> Result<Capabilities, ProbeFailure> {
        let started = Instant::now();
        let url = self.url(&["ServiceProviderConfig"], &[]);
        let config = match self.call(Method::GET, &url, None).await {
            Outcome::Ok(answer) if answer.body.is_some() => answer.body.unwrap_or_default(),
            other => return Err(failure(&other, &url, started)),
        };
        let supported = |name: &str| config.get(name).and_then(|value| value.get("supported")) == Some(&json!(true));
        let mut capabilities =
            Capabilities { patch: supported("patch"), filter: supported("filter"), limitations: Vec::new() };
        if !capabilities.patch {
            capabilities.limitations.push("PATCH is not supported; whole records are sent by PUT".to_owned());
        }
        let query = format!("externalId eq \"{}\"", Uuid::new_v4());
        let url = self.url(&["Users"], &[("filter", &query)]);
        match self.listed(&url).await {
            Ok(_) => {}
            // Whoever takes no filters says so by one of these. Anything else leaves the token unproven.
            Err(outcome) if matches!(outcome.status(), Some(400 | 404 | 501)) => {
                capabilities.filter = false;
                capabilities.limitations.push("look-ups by externalId are not supported".to_owned());
            }
            Err(other) => return Err(failure(&other, &url, started)),
        }
        Ok(capabilities)
    }

    /// Records whose attribute equals a value. The caller compares what comes back: some servers ignore filters.
    pub async fn find(&self, attribute: &str, value: &str) -> Result<Vec<Remote>, Outcome> {
        self.search(attribute, value).await.map(|listed| listed.records)
    }

    /// Likewise, with how much of it there is.
    pub async fn search(&self, attribute: &str, value: &str) -> Result<Listed, Outcome> {
        let query = format!("{attribute} eq {}", json!(value));
        let asked: Vec<(&str, &str)> =
            std::iter::once(("filter", query.as_str())).chain(self.records.in_lists()).collect();
        self.listed(&self.url(&[self.records.path()], &asked)).await
    }

    /// A page of all records, the first being number 1.
    pub async fn list(&self, start: usize, count: usize) -> Result<Listed, Outcome> {
        let (start, count) = (start.to_string(), count.to_string());
        let page = [("startIndex", start.as_str()), ("count", count.as_str())];
        let asked: Vec<(&str, &str)> = page.into_iter().chain(self.records.in_lists()).collect();
        self.listed(&self.url(&[self.records.path()], &asked)).await
    }

    /// A ListResponse and nothing else: whatever is none says nothing about who is there.
    async fn listed(&self, url: &Url) -> Result<Listed, Outcome> {
        match self.call(Method::GET, url, None).await {
            Outcome::Ok(answer) => {
                let body = answer.body.clone().unwrap_or_default();
                let total = body.get("totalResults").and_then(Value::as_u64);
                let resources = body.get("Resources").and_then(Value::as_array);
                if total.is_none() && resources.is_none() {
                    return Err(Outcome::NotScim(answer));
                }
                let records = resources.map(|all| all.iter().filter_map(Remote::read).collect()).unwrap_or_default();
                let length = resources.map_or(0, Vec::len);
                let total = total.and_then(|total| usize::try_from(total).ok()).unwrap_or(length);
                Ok(Listed { total, length, records })
            }
            other => Err(other),
        }
    }

    /// One record; of a group, with its members, which some servers show to nobody who does not ask for them.
    pub async fn read(&self, id: &str) -> Outcome {
        let asked: &[(&str, &str)] = match self.records {
            Records::Users => &[],
            Records::Groups => &[("attributes", "externalId,displayName,members")],
        };
        self.call(Method::GET, &self.url(&[self.records.path(), id], asked), None).await
    }

    /// One group without its members, who may be more than an answer can hold.
    pub async fn read_without_members(&self, id: &str) -> Outcome {
        let asked = [("excludedAttributes", "members")];
        self.call(Method::GET, &self.url(&[self.records.path(), id], &asked), None).await
    }

    /// Makes a record.
    pub async fn create(&self, resource: &Object) -> Outcome {
        self.call(Method::POST, &self.url(&[self.records.path()], &[]), Some(&Value::Object(resource.clone()))).await
    }

    /// Changes a record.
    pub async fn patch(&self, id: &str, operations: &[Value]) -> Outcome {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.call(Method::PATCH, &self.url(&[self.records.path(), id], &[]), Some(&body)).await
    }

    /// Removes a record: only ever one of our own test users.
    pub async fn delete(&self, id: &str) -> Outcome {
        self.call(Method::DELETE, &self.url(&[self.records.path(), id], &[]), None).await
    }

    /// Replaces a record.
    pub async fn replace(&self, id: &str, resource: &Object) -> Outcome {
        let mut resource = resource.clone();
        resource.insert("id".to_owned(), json!(id));
        self.call(Method::PUT, &self.url(&[self.records.path(), id], &[]), Some(&Value::Object(resource))).await
    }

    async fn call(&self, method: Method, url: &Url, body: Option<&Value>) -> Outcome {
        self.connector.call(method, url, &self.token, body).await
    }

    fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.url();
        if let Ok(mut path) = url.path_segments_mut() {
            // Each segment is percent-encoded: an id with a slash stays one segment.
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

fn failure(outcome: &Outcome, url: &Url, started: Instant) -> ProbeFailure {
    let code = match outcome {
        Outcome::Unauthorized(_) => ProbeCode::Unauthorized,
        Outcome::NotFound(_) => ProbeCode::NotFound,
        Outcome::Tls => ProbeCode::Tls,
        Outcome::TimedOut | Outcome::Ambiguous => ProbeCode::Timeout,
        Outcome::Unreachable => ProbeCode::Unreachable,
        Outcome::Blocked => ProbeCode::AddressBlocked,
        Outcome::Ok(_)
        | Outcome::NotScim(_)
        | Outcome::Conflict(_)
        | Outcome::Throttled(..)
        | Outcome::Rejected(_)
        | Outcome::Failed(_) => ProbeCode::NotScim,
    };
    let content_type = match outcome {
        Outcome::Ok(answer)
        | Outcome::NotScim(answer)
        | Outcome::Throttled(answer, _)
        | Outcome::Failed(answer)
        | Outcome::Rejected(answer) => answer.content_type.clone(),
        _ => None,
    };
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    ProbeFailure { code, url: url.to_string(), status: outcome.status(), content_type, elapsed_ms }
}
