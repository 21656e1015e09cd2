//! One place for every HTTP call to Keycloak: breaker, concurrency cap, token, time-outs, classification.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};
use tracing::Instrument;
use uuid::Uuid;

use super::Connection;
use super::answer::{Answer, classify, judge, judged, read};
use super::breaker::{Gate, Server};
use super::watched::Watched;
use crate::Error;

/// How many calls of ours one realm sees at once.
const CONCURRENCY: usize = 8;
/// How old a token is before a refusal of its rights is put down to it: those of a token are as they were when it was made.
const STALE: Duration = Duration::from_secs(5);

/// A connection with its token.
pub(crate) struct Transport {
    http: reqwest::Client,
    pub(super) connection: Connection,
    token: Mutex<Option<Token>>,
    /// The token endpoint refused the credentials, and has not taken them since.
    refused: AtomicBool,
    permits: Semaphore,
    gate: Gate,
}

/// Calls under one deadline: over waiting for their turns, tokens and the calls themselves. Whoever holds a lease looks at it
/// before the operation, and none of its calls begins when a single one would have had to be over (K1).
pub(crate) struct Operation<'t> {
    transport: &'t Transport,
    deadline: Instant,
}

struct Token {
    value: SecretString,
    made_at: Instant,
    renew_at: Instant,
    /// When the realm made it by its own clock, and by when it was here.
    issued: Option<(i64, Instant)>,
}

/// A failed call, and whether Keycloak was silent.
struct Failed {
    error: Error,
    silent: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, silent: false }
    }
}

impl Failed {
    fn silent(error: Error) -> Self {
        Self { error, silent: true }
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: u64,
}

impl Transport {
    pub fn new(connection: Connection, server: Server) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(2))
            .timeout(connection.timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("kevra-scim/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| Error::Unavailable)?;
        let (permits, gate) = (Semaphore::new(CONCURRENCY), Gate::new(server, &connection.realm));
        Ok(Self { http, connection, token: Mutex::new(None), refused: AtomicBool::new(false), permits, gate })
    }

    /// An operation of one call below `/admin/realms/{realm}`.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Error> {
        self.operation().call(method, path, body).await
    }

    /// An operation of one call.
    pub async fn call_url(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Answer, Error> {
        self.operation().call_url(method, url, body).await
    }

    /// Begins an operation, of as many calls as it takes.
    pub fn operation(&self) -> Operation<'_> {
        Operation { transport: self, deadline: Instant::now() + self.connection.timeout }
    }

    async fn exchange(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
        deadline: Instant,
    ) -> Result<Answer, Error> {
        let turn = tokio::time::timeout_at(deadline.into(), self.permits.acquire()).await;
        let _permit = turn.map_err(|_| Error::Unavailable)?.map_err(|_| Error::Unavailable)?;
        if Instant::now() >= deadline {
            return Err(Error::Unavailable);
        }
        // Order: after the turn, so that those who waited for theirs behind calls without answers end at once.
        let pass = self.gate.pass().ok_or(Error::Unavailable)?;
        let outcome = self.attempts(&method, url, body, deadline).await;
        pass.end(!outcome.as_ref().is_err_and(|failed| failed.silent));
        judge(outcome.map_err(|failed| failed.error)?, &method)
    }

    /// A refused token is replaced once, and so is an older one whose rights are refused; neither changed anything.
    async fn attempts(
        &self,
        method: &Method,
        url: &str,
        body: Option<&Value>,
        deadline: Instant,
    ) -> Result<Answer, Failed> {
        let (token, made_at) = self.token(None, deadline).await?;
        let answer = self.send(method, url, body, &token, deadline).await?;
        let replace = match answer.status {
            StatusCode::UNAUTHORIZED => true,
            StatusCode::FORBIDDEN => made_at.elapsed() > STALE,
            _ => false,
        };
        if !replace {
            return Ok(answer);
        }
        let (token, _) = self.token(Some(made_at), deadline).await?;
        self.send(method, url, body, &token, deadline).await
    }

    #[expect(clippy::disallowed_methods, reason = "every call to Keycloak is sent here, its trace with it")]
    async fn send(
        &self,
        method: &Method,
        url: &str,
        body: Option<&Value>,
        token: &SecretString,
        deadline: Instant,
    ) -> Result<Answer, Failed> {
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
        let answer = answer.map_err(|error| Failed::silent(classify(&error, method)))?;
        // A proxy answers for a Keycloak that does not.
        if matches!(answer.status.as_u16(), 502..=504) {
            return Err(Failed::silent(judged(&answer, method)));
        }
        Ok(answer)
    }

    /// Whether the credentials were refused when they were used last.
    pub fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// The realm's clock at a moment, or a little less: a token says when it was made, and Keycloak says it nowhere else. A
    /// `Date` header comes from whatever is in front of it, if from anybody.
    pub async fn clock_ms(&self, at: Instant) -> Option<i64> {
        let (issued_ms, here) = self.token.lock().await.as_ref()?.issued?;
        let ms = |time: Duration| i64::try_from(time.as_millis()).ok();
        match at.checked_duration_since(here) {
            Some(since) => Some(issued_ms + ms(since)?),
            None => Some(issued_ms - ms(here - at)?),
        }
    }

    /// The access token itself, for what it says of us.
    pub async fn access_token(&self) -> Result<String, Error> {
        let deadline = Instant::now() + self.connection.timeout;
        let token = self.token(None, deadline).await.map_err(|failed| failed.error)?;
        Ok(token.0.expose_secret().to_owned())
    }

    /// The access token and when it was made: one fetch at a time, renewed at four fifths of its life, or where the one
    /// made at `refused` is of no use.
    #[expect(clippy::disallowed_methods, reason = "the one call for a token")]
    async fn token(&self, refused: Option<Instant>, deadline: Instant) -> Result<(SecretString, Instant), Failed> {
        let held = tokio::time::timeout_at(deadline.into(), self.token.lock()).await;
        let mut held = held.map_err(|_| Failed::silent(Error::Unavailable))?;
        let usable = |token: &&Token| token.renew_at > Instant::now() && refused.is_none_or(|at| token.made_at > at);
        if let Some(token) = held.as_ref().filter(usable) {
            return Ok((token.value.clone(), token.made_at));
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
        let made_at = Instant::now();
        let left = deadline.saturating_duration_since(made_at);
        let response = self.http.post(url).form(&form).timeout(left).send().await;
        let response = response.map_err(|_| Failed::silent(Error::Unavailable))?;
        let refused = matches!(response.status(), StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED);
        self.refused.store(refused, Ordering::Relaxed);
        match response.status() {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => return Err(Error::Refused.into()),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => return Err(Error::RealmGone.into()),
            status if matches!(status.as_u16(), 502..=504) => return Err(Failed::silent(Error::Unavailable)),
            _ => return Err(Error::Unavailable.into()),
        }
        let answer: TokenAnswer = response.json().await.map_err(|_| Failed::silent(Error::Unavailable))?;
        let issued = claims(&answer.access_token).and_then(|claims| claims.get("iat")?.as_i64());
        let issued = issued.map(|seconds| (seconds * 1_000, Instant::now()));
        let value = SecretString::from(answer.access_token);
        self.recognise(&value, deadline).await?;
        let renew_at = made_at + Duration::from_secs(answer.expires_in * 4 / 5);
        *held = Some(Token { value: value.clone(), made_at, renew_at, issued });
        Ok((value, made_at))
    }

    /// Whether a new token is of the realm we know. A realm takes no token but its own, so that one look per token speaks
    /// for every call made with it: a realm recreated under its name, or a route to another one, is not taken for ours.
    async fn recognise(&self, token: &SecretString, deadline: Instant) -> Result<(), Failed> {
        let Some(known) = self.connection.identity else { return Ok(()) };
        let url = format!("{}/admin/realms/{}", self.connection.base_url, self.connection.realm);
        let answer = self.send(&Method::GET, &url, None, token, deadline).await?;
        let realm = judge(answer, &Method::GET)?.body;
        let found = realm.get("id").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok());
        match found {
            Some(found) if found == known => Ok(()),
            Some(_) => Err(Error::Foreign.into()),
            // Who may not look at the realm sees its name alone.
            None => Err(Error::Refused.into()),
        }
    }
}

impl Operation<'_> {
    /// A call below `/admin/realms/{realm}`. An expired token is replaced once; a write is never repeated otherwise.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Error> {
        let connection = &self.transport.connection;
        let url = format!("{}/admin/realms/{}{path}", connection.base_url, connection.realm);
        self.call_url(method, &url, body).await
    }

    async fn call_url(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Answer, Error> {
        let watched = Watched::begin(&method, url);
        let exchange = self.transport.exchange(method, url, body, self.deadline);
        let outcome = exchange.instrument(watched.span()).await;
        watched.end(outcome.as_ref().map(|answer| answer.status.as_u16()).map_err(Error::class));
        outcome
    }
}

/// What an access token says.
pub(super) fn claims(token: &str) -> Option<Value> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpListener;

    use super::*;
    use crate::CALL;
    use crate::keycloak::Server;

    #[tokio::test]
    async fn no_call_of_an_operation_begins_when_a_single_one_would_have_had_to_be_over() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let connection = Connection {
            base_url: format!("http://{}", server.local_addr().unwrap()),
            realm: "acme".to_owned(),
            token_realm: "acme".to_owned(),
            client_id: "kevra-scim".to_owned(),
            client_secret: SecretString::from("secret"),
            timeout: CALL,
            identity: None,
        };
        let transport = Transport::new(connection, Server::default()).unwrap();
        let over = Operation { deadline: Instant::now(), ..transport.operation() };
        let outcome = over.call(Method::PUT, "/users/1", Some(&Value::Null)).await;
        assert!(matches!(outcome, Err(Error::Unavailable)), "a write that was never sent is in no doubt");
        assert_eq!(server.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody called");
    }
}
