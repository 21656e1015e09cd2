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
/// The same while there are no keys at all: nobody gets in meanwhile.
const EMPTY_COOLDOWN: Duration = Duration::from_secs(3);
/// Keys read longer ago are read again: one the issuer has withdrawn is not to be trusted for ever.
const STALE: Duration = Duration::from_mins(5);
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

/// Keys as they were read last.
#[derive(Default)]
struct Held {
    keys: Keys,
    read: Option<Instant>,
}

impl Held {
    fn is_stale(&self, now: Instant) -> bool {
        self.read.is_none_or(|read| now.saturating_duration_since(read) >= STALE)
    }
}

/// Verifies tokens of one issuer.
pub struct Verifier {
    expect: Expect,
    http: reqwest::Client,
    held: ArcSwap<Held>,
    /// When a fetch was begun last; whoever has it fetches.
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
        Ok(Self { expect, http, held: ArcSwap::default(), fetched: Mutex::default() })
    }

    /// Whether the issuer's keys can be read from here and now.
    pub async fn reaches_keys(&self) -> bool {
        self.fetch().await.and_then(|text| parse(&text)).is_some()
    }

    /// Checks a token. Why it is refused stays here; without keys nobody is refused, nor let in.
    pub async fn verify(&self, token: &str) -> Result<Claims, Problem> {
        self.verify_at(token, Instant::now()).await
    }

    async fn verify_at(&self, token: &str, now: Instant) -> Result<Claims, Problem> {
        let header = decode_header(token).map_err(|_| Problem::Unauthorized)?;
        let kid = header.kid.ok_or(Problem::Unauthorized)?;
        let held = self.held.load_full();
        if !held.keys.contains_key(&kid) {
            let mut fetched = self.fetched.lock().await;
            self.refresh(&mut fetched, now).await;
        } else if held.is_stale(now)
            && let Ok(mut fetched) = self.fetched.try_lock()
        {
            // Whoever comes meanwhile with a key that is known does not wait for it.
            self.refresh(&mut fetched, now).await;
        }
        let held = self.held.load();
        if held.read.is_none() {
            return Err(Problem::Unavailable);
        }
        let (algorithm, key) = held.keys.get(&kid).ok_or(Problem::Unauthorized)?;
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
    async fn refresh(&self, fetched: &mut Option<Instant>, now: Instant) {
        let cooldown = if self.held.load().read.is_some() { COOLDOWN } else { EMPTY_COOLDOWN };
        if fetched.is_some_and(|at| now.saturating_duration_since(at) < cooldown) {
            return;
        }
        let keys = self.fetch().await.and_then(|text| parse(&text));
        // From its end, since those who waited for it are not to try the same at once.
        *fetched = Some(now.max(Instant::now()));
        match keys {
            Some(keys) => self.held.store(Arc::new(Held { keys, read: Some(now) })),
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

#[cfg(test)]
mod tests {
    use demo::issuer::Issuer;
    use testkit::scratch::Scratch;

    use super::*;

    /// An issuer whose keys are in a file, and a verifier of its tokens.
    struct Scene {
        scratch: Scratch,
        issuer: Issuer,
        verifier: Verifier,
        begun: Instant,
    }

    impl Scene {
        fn new() -> Self {
            let scratch = Scratch::default();
            let source = Source::File(scratch.file("jwks.json"));
            let expect = Expect { issuer: "https://console.test".to_owned(), audience: "control".to_owned(), source };
            let issuer = Issuer::new(&expect.issuer, &expect.audience).unwrap();
            Self { scratch, issuer, verifier: Verifier::new(expect).unwrap(), begun: Instant::now() }
        }

        fn publish(&self, text: &str) {
            self.scratch.write("jwks.json", text);
        }

        /// The issuer's key under another id: the one its tokens name is withdrawn.
        fn withdraw(&self) {
            self.publish(&self.issuer.jwks().replace("\"demo\"", "\"next\""));
        }

        /// Whether a good token is taken, so many seconds on.
        async fn taken(&self, seconds: u64) -> Result<String, Problem> {
            let token = self.issuer.mint("dana", "acme", "sync:read", Duration::from_mins(5)).unwrap();
            let claims = self.verifier.verify_at(&token, self.begun + Duration::from_secs(seconds)).await;
            claims.map(|claims| claims.sub)
        }
    }

    #[tokio::test]
    async fn a_key_that_was_withdrawn_is_refused_once_the_keys_are_read_again() {
        let scene = Scene::new();
        scene.publish(scene.issuer.jwks());
        assert_eq!(scene.taken(0).await, Ok("dana".to_owned()));
        scene.withdraw();
        assert_eq!(scene.taken(299).await, Ok("dana".to_owned()), "keys of the last minutes are not read again");
        assert_eq!(scene.taken(301).await, Err(Problem::Unauthorized));
    }

    #[tokio::test]
    async fn keys_that_cannot_be_read_again_stay_until_they_can() {
        let scene = Scene::new();
        scene.publish(scene.issuer.jwks());
        assert_eq!(scene.taken(0).await, Ok("dana".to_owned()));
        scene.publish("no keys");
        assert_eq!(scene.taken(301).await, Ok("dana".to_owned()));
        scene.withdraw();
        assert_eq!(scene.taken(310).await, Ok("dana".to_owned()), "none is fetched within the cooldown");
        assert_eq!(scene.taken(332).await, Err(Problem::Unauthorized));
    }

    #[tokio::test]
    async fn whoever_comes_while_stale_keys_are_read_again_does_not_wait() {
        let scene = Scene::new();
        scene.publish(scene.issuer.jwks());
        assert_eq!(scene.taken(0).await, Ok("dana".to_owned()));
        scene.withdraw();
        let under_way = scene.verifier.fetched.lock().await;
        assert_eq!(scene.taken(301).await, Ok("dana".to_owned()));
        drop(under_way);
        assert_eq!(scene.taken(301).await, Err(Problem::Unauthorized));
    }

    #[tokio::test]
    async fn without_any_keys_nobody_is_called_unauthorized_and_they_are_looked_for_within_seconds() {
        let scene = Scene::new();
        assert_eq!(scene.taken(0).await, Err(Problem::Unavailable));
        scene.publish(scene.issuer.jwks());
        assert_eq!(scene.taken(1).await, Err(Problem::Unavailable), "not with every request");
        assert_eq!(scene.taken(60).await, Ok("dana".to_owned()));
        let garbage = scene.verifier.verify_at("garbage", scene.begun).await;
        assert_eq!(garbage.unwrap_err(), Problem::Unauthorized);
    }
}
