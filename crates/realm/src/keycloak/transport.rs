//! One place for every HTTP call to Keycloak: token, time-outs, concurrency cap, classification.

use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};

use tracing::Instrument;

use super::Connection;
use super::watched::Watched;
use crate::Error;

/// How many calls of ours one realm sees at once.
const CONCURRENCY: usize = 8;
/// The largest answer read.
const MAX_ANSWER: usize = 16 << 20;

/// A connection with its token.
pub(crate) struct Transport {
    http: reqwest::Client,
    pub(super) connection: Connection,
    token: Mutex<Option<Token>>,
    permits: Semaphore,
}

struct Token {
    value: SecretString,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: u64,
}

/// An answer, read.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub location: Option<String>,
    pub date_ms: Option<i64>,
    pub body: Value,
}

impl Transport {
    pub fn new(connection: Connection) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(2))
            .timeout(connection.timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("kevra-scim/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| Error::Unavailable)?;
        Ok(Self { http, connection, token: Mutex::new(None), permits: Semaphore::new(CONCURRENCY) })
    }

    /// A call below `/admin/realms/{realm}`. An expired token is replaced once; a write is never repeated otherwise.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Error> {
        let url = format!("{}/admin/realms/{}{path}", self.connection.base_url, self.connection.realm);
        self.call_url(method, &url, body).await
    }

    pub async fn call_url(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Answer, Error> {
        let watched = Watched::begin(&method, url);
        let outcome = self.exchange(method, url, body).instrument(watched.span()).await;
        watched.end(outcome.as_ref().map(|answer| answer.status.as_u16()).map_err(Error::class));
        outcome
    }

    async fn exchange(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Answer, Error> {
        // One deadline over waiting for a turn, the token and the call itself: a caller's lease counts on it (K1).
        let deadline = Instant::now() + self.connection.timeout;
        let turn = tokio::time::timeout_at(deadline.into(), self.permits.acquire()).await;
        let _permit = turn.map_err(|_| Error::Unavailable)?.map_err(|_| Error::Unavailable)?;
        for attempt in 0..2 {
            let token = tokio::time::timeout_at(deadline.into(), self.token(attempt > 0)).await;
            let token = token.map_err(|_| Error::Unavailable)??;
            let left = deadline.saturating_duration_since(Instant::now());
            let mut request = self.http.request(method.clone(), url).timeout(left).bearer_auth(token.expose_secret());
            if let Some(traceparent) = telemetry::trace::current() {
                request = request.header("traceparent", traceparent);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = match request.send().await {
                Ok(response) => read(response).await,
                Err(error) => Err(error),
            };
            let answer = answer.map_err(|error| classify(&error, &method))?;
            if answer.status == StatusCode::UNAUTHORIZED && attempt == 0 {
                continue;
            }
            return judge(answer, &method);
        }
        Err(Error::Refused)
    }

    /// The access token itself, for what it says of us.
    pub async fn access_token(&self) -> Result<String, Error> {
        Ok(self.token(false).await?.expose_secret().to_owned())
    }

    /// The access token: one fetch at a time, renewed at four fifths of its life.
    async fn token(&self, fresh: bool) -> Result<SecretString, Error> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref().filter(|token| !fresh && token.renew_at > Instant::now()) {
            return Ok(token.value.clone());
        }
        let url = format!(
            "{}/realms/{}/protocol/openid-connect/token",
            self.connection.base_url, self.connection.token_realm
        );
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.connection.client_id.as_str()),
            ("client_secret", self.connection.client_secret.expose_secret()),
        ];
        let response = self.http.post(url).form(&form).send().await.map_err(|_| Error::Unavailable)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => return Err(Error::Refused),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => return Err(Error::RealmGone),
            _ => return Err(Error::Unavailable),
        }
        let answer: TokenAnswer = response.json().await.map_err(|_| Error::Unavailable)?;
        let value = SecretString::from(answer.access_token);
        let renew_at = Instant::now() + Duration::from_secs(answer.expires_in * 4 / 5);
        *held = Some(Token { value: value.clone(), renew_at });
        Ok(value)
    }
}

async fn read(mut response: Response) -> Result<Answer, reqwest::Error> {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let location = header("location");
    let date_ms = header("date")
        .and_then(|date| chrono::DateTime::parse_from_rfc2822(&date).ok())
        .map(|date| date.timestamp_millis());
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER {
            bytes.clear();
            break;
        }
    }
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(Answer { status, location, date_ms, body })
}

/// No answer: refused connections did nothing for sure; whatever else befalls a write leaves it in doubt (K5).
fn classify(error: &reqwest::Error, method: &Method) -> Error {
    if error.is_connect() || *method == Method::GET { Error::Unavailable } else { Error::Ambiguous }
}

fn judge(answer: Answer, method: &Method) -> Result<Answer, Error> {
    match answer.status.as_u16() {
        200..=299 => Ok(answer),
        400 => Err(rejected(&answer.body)),
        401 | 403 => Err(Error::Refused),
        404 => {
            let text = text_of(&answer.body);
            // Only Keycloak's own words mean that a user or group is gone (K14); a realm or route that is missing does not.
            let gone = ["User not found", "Could not find user", "Group not found", "Could not find group"];
            if gone.iter().any(|words| text.contains(words)) { Err(Error::NotFound) } else { Err(Error::RealmGone) }
        }
        409 => Err(conflict(&answer.body)),
        503 => Err(Error::Unavailable),
        _ if *method == Method::GET => Err(Error::Unavailable),
        _ => Err(Error::Ambiguous),
    }
}

fn text_of(body: &Value) -> &str {
    body.get("errorMessage").or_else(|| body.get("error")).and_then(Value::as_str).unwrap_or_default()
}

fn conflict(body: &Value) -> Error {
    let text = text_of(body);
    let attribute = if text.contains("group named") {
        "displayName"
    } else if text.contains("email") && !text.contains("username") {
        "emails"
    } else {
        "userName"
    };
    Error::Conflict { attribute }
}

/// The field and the message key; `params` may hold the value and stay behind.
fn rejected(body: &Value) -> Error {
    let first = body.get("errors").and_then(|errors| errors.get(0)).unwrap_or(body);
    let attribute = match first.get("field").and_then(Value::as_str) {
        Some("username") => "userName",
        Some("email") => "emails",
        Some("firstName") => "name.givenName",
        Some("lastName") => "name.familyName",
        Some("scimExternalId") => "externalId",
        // An attribute of the realm's own profile goes by its own name.
        Some(other) if other.len() <= 80 && other.bytes().all(|byte| byte.is_ascii_graphic()) => other,
        _ => "the resource",
    };
    let detail: String = text_of(first).chars().filter(|c| !c.is_control()).take(120).collect();
    Error::Rejected { attribute: attribute.to_owned(), detail }
}
