//! Operators' tokens: JWT, asymmetric algorithms only, keys from the issuer's JWKS in a file or at a URL.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::Problem;

/// Between two fetches at least so long, whatever is asked (an unknown key id costs nothing more).
const COOLDOWN: Duration = Duration::from_secs(30);
const MAX_BODY: usize = 256 << 10;

/// Where the keys are.
#[derive(Debug, Clone)]
pub enum Source {
    /// An https URL.
    Url(String),
    /// A file.
    File(PathBuf),
    /// Given at start, for a built-in issuer.
    Fixed(String),
}

/// What a token must say.
#[derive(Debug, Clone)]
pub struct Expect {
    /// `iss`
    pub issuer: String,
    /// `aud`
    pub audience: String,
    /// Where the issuer's keys are.
    pub source: Source,
}

/// Who somebody is and what they may do.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    /// Who.
    pub sub: String,
    /// `sync:read sync:write tenants:admin realm:write`
    #[serde(default)]
    pub scope: String,
    /// The tenant's slug, or `*` for Kevra's own operators.
    #[serde(default)]
    pub tenant: String,
}

impl Claims {
    /// Whether a scope was granted.
    pub fn grants(&self, scope: &str) -> bool {
        self.scope.split_ascii_whitespace().any(|granted| granted == scope)
    }
}

type Keys = HashMap<String, (Algorithm, DecodingKey)>;

/// Verifies tokens of one issuer.
pub struct Verifier {
    expect: Expect,
    http: reqwest::Client,
    keys: ArcSwap<Keys>,
    fetched: Mutex<Option<Instant>>,
}

impl Verifier {
    /// Makes a verifier; keys are fetched at the first token.
    pub fn new(expect: Expect) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(5))
            .build()?;
        Ok(Self { expect, http, keys: ArcSwap::from_pointee(Keys::new()), fetched: Mutex::new(None) })
    }

    /// Whether the issuer's keys can be read from here and now.
    pub async fn reaches_keys(&self) -> bool {
        self.fetch().await.and_then(|text| parse(&text)).is_some()
    }

    /// Checks a token. Why it is refused stays here.
    pub async fn verify(&self, token: &str) -> Result<Claims, Problem> {
        let header = decode_header(token).map_err(|_| Problem::Unauthorized)?;
        let kid = header.kid.ok_or(Problem::Unauthorized)?;
        if !self.keys.load().contains_key(&kid) {
            self.refresh().await;
        }
        let keys = self.keys.load();
        let (algorithm, key) = keys.get(&kid).ok_or(Problem::Unauthorized)?;
        // The key says which algorithm, never the token's header.
        let mut validation = Validation::new(*algorithm);
        validation.leeway = 30;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.expect.issuer]);
        validation.set_audience(&[&self.expect.audience]);
        decode::<Claims>(token, key, &validation).map(|token| token.claims).map_err(|_| Problem::Unauthorized)
    }

    /// One fetch at a time, and none within the cooldown; on failure the last good keys stay.
    async fn refresh(&self) {
        let mut fetched = self.fetched.lock().await;
        if fetched.is_some_and(|at| at.elapsed() < COOLDOWN) {
            return;
        }
        *fetched = Some(Instant::now());
        match self.fetch().await.and_then(|text| parse(&text)) {
            Some(keys) => self.keys.store(Arc::new(keys)),
            None => {
                tracing::warn!(
                    name = "operators.keys_unread",
                    "the issuer's keys could not be read; the last good ones stay",
                );
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one call, to the address in the settings")]
    async fn fetch(&self) -> Option<String> {
        match &self.expect.source {
            Source::Fixed(text) => Some(text.clone()),
            Source::File(path) => tokio::fs::read_to_string(path).await.ok(),
            Source::Url(url) => {
                let mut response = self.http.get(url).send().await.ok()?.error_for_status().ok()?;
                let mut bytes = Vec::new();
                while let Some(chunk) = response.chunk().await.ok()? {
                    bytes.extend_from_slice(&chunk);
                    if bytes.len() > MAX_BODY {
                        return None;
                    }
                }
                String::from_utf8(bytes).ok()
            }
        }
    }
}

fn parse(text: &str) -> Option<Keys> {
    let set: JwkSet = serde_json::from_str(text).ok()?;
    let mut keys = Keys::new();
    for jwk in &set.keys {
        let for_signatures =
            jwk.common.public_key_use.as_ref().is_none_or(|usage| *usage == jsonwebtoken::jwk::PublicKeyUse::Signature);
        let algorithm = match jwk.common.key_algorithm {
            Some(jsonwebtoken::jwk::KeyAlgorithm::ES256) => Algorithm::ES256,
            Some(jsonwebtoken::jwk::KeyAlgorithm::RS256) => Algorithm::RS256,
            Some(jsonwebtoken::jwk::KeyAlgorithm::EdDSA) => Algorithm::EdDSA,
            _ => continue,
        };
        if let (true, Some(kid), Ok(key)) = (for_signatures, &jwk.common.key_id, DecodingKey::from_jwk(jwk)) {
            keys.insert(kid.clone(), (algorithm, key));
        }
    }
    (!keys.is_empty()).then_some(keys)
}
