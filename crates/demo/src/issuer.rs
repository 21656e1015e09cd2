//! A token issuer for the demo's console: a key pair made at start, short-lived tokens, one-time sign-in codes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Deserialize;
use serde_json::json;

/// How long a sign-in code is good.
const CODE_LIFE: Duration = Duration::from_mins(10);
/// How long a token is good that a code was changed into. Whoever has it gets the next code with it.
const TOKEN_LIFE: Duration = Duration::from_mins(10);
const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// The key could not be made or used.
#[derive(Debug, thiserror::Error)]
#[error("the demo's signing key cannot be used")]
pub struct KeyFault;

/// Whose a token is, and what for. Read without a look at its signature: it was checked when its code was asked for.
#[derive(Deserialize)]
struct Holder {
    sub: String,
    tenant: String,
    scope: String,
}

impl Holder {
    fn of(token: &str) -> Option<Self> {
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        serde_json::from_slice(&claims).ok()
    }
}

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

    /// Changes a code into a short-lived token with the rights of the one it was made for, once.
    pub fn redeem(&self, code: &str) -> Option<String> {
        let (made, token) = self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(code)?;
        let Holder { sub, tenant, scope } = Holder::of(&token).filter(|_| made.elapsed() < CODE_LIFE)?;
        self.mint(&sub, &tenant, &scope, TOKEN_LIFE).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_code_is_changed_once_into_ten_minutes_of_the_same_rights() {
        let issuer = Issuer::new("https://control.test", "control").unwrap();
        let reader = issuer.mint("rita", "acme", "sync:read", Duration::from_hours(24)).unwrap();
        let code = issuer.code(reader);
        let given = issuer.redeem(&code).unwrap();
        assert_eq!(issuer.redeem(&code), None);
        let claims = URL_SAFE_NO_PAD.decode(given.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let said = ["sub", "tenant", "scope"].map(|name| claims[name].as_str().unwrap());
        assert_eq!(said, ["rita", "acme", "sync:read"]);
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 600);
    }
}
