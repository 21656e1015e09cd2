//! A token issuer for the demo's console: a key pair made at start, short-lived tokens, one-time sign-in codes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

/// How long a sign-in code is good.
const CODE_LIFE: Duration = Duration::from_mins(10);
const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// The key could not be made or used.
#[derive(Debug, thiserror::Error)]
#[error("the demo's signing key cannot be used")]
pub struct KeyFault;

/// An issuer.
pub struct Issuer {
    key: EncodingKey,
    jwks: String,
    issuer: String,
    audience: String,
    codes: Mutex<HashMap<String, (Instant, String)>>,
}

impl Issuer {
    /// Makes an issuer with a fresh ES256 key.
    pub fn new(issuer: &str, audience: &str) -> Result<Self, KeyFault> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| KeyFault)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).map_err(|_| KeyFault)?;
        let public = pair.public_key().as_ref();
        // An uncompressed point: 4, then x and y of 32 bytes each.
        let (x, y) = public.get(1..).and_then(|point| point.split_at_checked(32)).ok_or(KeyFault)?;
        let jwks = json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "demo",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }]});
        Ok(Self {
            key: EncodingKey::from_ec_der(pkcs8.as_ref()),
            jwks: jwks.to_string(),
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            codes: Mutex::default(),
        })
    }

    /// The public keys.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// Mints a token. `tenant` is a slug, or `*` for all.
    pub fn mint(&self, subject: &str, tenant: &str, scope: &str, life: Duration) -> Result<String, KeyFault> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| KeyFault)?.as_secs();
        let claims = json!({
            "iss": self.issuer, "aud": self.audience, "sub": subject, "tenant": tenant, "scope": scope,
            "iat": now, "exp": now + life.as_secs(),
        });
        let header = Header { kid: Some("demo".to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, &claims, &self.key).map_err(|_| KeyFault)
    }

    /// A one-time sign-in code for a token, `XXXX-XXXX`.
    pub fn code(&self, token: String) -> String {
        let letter = || char::from(ALPHABET[rand::random_range(0..ALPHABET.len())]);
        let half = || (0..4).map(|_| letter()).collect::<String>();
        let code = format!("{}-{}", half(), half());
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.insert(code.clone(), (Instant::now(), token));
        code
    }

    /// Changes a code into its token, once.
    pub fn redeem(&self, code: &str) -> Option<String> {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let (made, token) = codes.remove(code)?;
        (made.elapsed() < CODE_LIFE).then_some(token)
    }
}
