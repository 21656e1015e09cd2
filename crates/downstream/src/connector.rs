//! The one HTTP client towards customers' applications.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Host;

use crate::guard::{Guard, is_public};
use crate::outcome::{Answer, Outcome};
use crate::resolve::{Blocked, Names, System, Vetted};

/// How long the whole of a call may take: name, connection, head and body.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// The largest answer read.
const MAX_BODY: usize = 1 << 20;
/// The longest plain text kept of an answer that is no JSON.
const MAX_TEXT: usize = 4 << 10;

/// A guarded HTTP client; cheap to clone.
#[derive(Clone)]
pub struct Connector {
    http: reqwest::Client,
    development: bool,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The deployment's own certificates do not read.
    #[error("the certificates are no PEM, or none of them is usable")]
    Certificates,
    /// The TLS library does not start.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

impl Connector {
    /// Makes the client of a process.
    pub fn new(guard: &Guard) -> Result<Self, Fault> {
        Self::naming(guard, Arc::new(System))
    }

    /// Likewise, with another source of names than the system's.
    pub fn naming(guard: &Guard, names: Arc<dyn Names>) -> Result<Self, Fault> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .https_only(!guard.development)
            .min_tls_version(reqwest::tls::Version::TLS_1_2)
            .no_gzip()
            .dns_resolver(Vetted { development: guard.development, names })
            .connect_timeout(Duration::from_secs(5))
            .timeout(DEADLINE)
            // Node and Apache close a connection after five idle seconds: a push that was written to one as it closed would be
            // in doubt.
            .pool_idle_timeout(Duration::from_secs(4))
            .tcp_nodelay(true)
            .user_agent(concat!("kevra-scim/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &guard.certificates {
            let own = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| Fault::Certificates)?;
            if own.is_empty() {
                return Err(Fault::Certificates);
            }
            builder = builder.tls_certs_merge(own);
        }
        Ok(Self { http: builder.build().map_err(Fault::Client)?, development: guard.development })
    }

    /// One call, which carries the current trace. Never fails: every end is an [`Outcome`].
    pub(crate) async fn call(&self, method: Method, url: &Url, token: &SecretString, body: Option<&Value>) -> Outcome {
        // An IP literal never reaches the resolver.
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(std::net::IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(std::net::IpAddr::V6(address)),
            _ => None,
        };
        if !self.development && literal.is_some_and(|address| !is_public(address)) {
            return Outcome::Blocked;
        }
        let mut request = self
            .http
            .request(method.clone(), url.clone())
            .bearer_auth(token.expose_secret())
            .header("accept", "application/scim+json, application/json;q=0.9");
        if let Some(traceparent) = telemetry::trace::current() {
            request = request.header("traceparent", traceparent);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let Ok(request) = request.build() else { return Outcome::Unreachable };
        match tokio::time::timeout(DEADLINE, self.exchange(request)).await {
            Ok(Ok(answer)) => Outcome::of(answer),
            Ok(Err(error)) => classify(&error, &method),
            Err(_) if method == Method::GET => Outcome::TimedOut,
            Err(_) => Outcome::Ambiguous,
        }
    }

    async fn exchange(&self, request: Request) -> Result<Answer, reqwest::Error> {
        let mut response = self.http.execute(request).await?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (content_type, retry_after, location) = (header("content-type"), header("retry-after"), header("location"));
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if bytes.len() + chunk.len() > MAX_BODY {
                // Too large to be an answer to what we ask; the status still counts.
                bytes.clear();
                break;
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = serde_json::from_slice(&bytes).ok().filter(|body: &Value| body.is_object());
        let plain = body.is_none() && content_type.as_deref().is_some_and(|media| media.starts_with("text/plain"));
        let text = plain.then(|| String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT)]).into_owned());
        Ok(Answer { status, content_type, retry_after, location, body, text })
    }
}

fn classify(error: &reqwest::Error, method: &Method) -> Outcome {
    if chain(error).any(<dyn Error>::is::<Blocked>) {
        return Outcome::Blocked;
    }
    if error.is_connect() {
        return if chain(error).any(is_tls) {
            Outcome::Tls
        } else if error.is_timeout() {
            Outcome::TimedOut
        } else {
            Outcome::Unreachable
        };
    }
    match (*method == Method::GET, error.is_timeout()) {
        (true, true) => Outcome::TimedOut,
        (true, false) => Outcome::Unreachable,
        (false, _) => Outcome::Ambiguous,
    }
}

/// An error and what it came of. What an IO error carries is not its source.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&outer| {
        match outer.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(carried) => Some(carried as &(dyn Error + 'static)),
            None => outer.source(),
        }
    })
}

/// The library's own error, or its words for a peer that hangs up before it has said anything. No other text counts: that of a
/// client's error holds the URL, in which anything may stand.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    error.is::<rustls::Error>()
        || error.is::<std::io::Error>() && error.to_string().eq_ignore_ascii_case("tls handshake eof")
}
