//! Inbound bearer tokens: `kvs_`, 43 base62 digits of OS randomness (256 bit), 6 digits of CRC-32.
//!
//! The plain token and its hash are different types. The plain one exists where it is minted, revealed once, or read
//! from a request; the hash is all that is stored. A fast hash is right for 256 random bits.

use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const PREFIX: &str = "kvs_";
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BODY: usize = 43;
const CHECK: usize = 6;

/// A plain bearer token. `Debug` prints the type's name only.
#[derive(Clone)]
pub struct BearerToken(SecretString);

/// Why a text is not a token of ours; decided before the database is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenShape {
    /// Not our prefix, length or alphabet.
    #[error("not a kevra-scim token")]
    Foreign,
    /// The check digits do not fit: cut off or mistyped.
    #[error("the token is damaged: its check digits do not fit")]
    Damaged,
}

impl BearerToken {
    /// Mints a token from the operating system's randomness.
    pub fn generate() -> Result<Self, rand::rngs::SysError> {
        let mut body = String::with_capacity(BODY);
        while body.len() < BODY {
            let mut bytes = [0_u8; 64];
            SysRng.try_fill_bytes(&mut bytes)?;
            // 248 is the largest multiple of 62 in a byte: what lies above would favor the first digits.
            body.extend(
                bytes.iter().filter(|byte| **byte < 248).take(BODY - body.len()).map(|byte| digit(usize::from(*byte))),
            );
        }
        let check = checksum(&body);
        Ok(Self(SecretString::from(format!("{PREFIX}{body}{check}"))))
    }

    /// Reads a token as presented.
    pub fn parse(text: &str) -> Result<Self, TokenShape> {
        let digits = text.strip_prefix(PREFIX).ok_or(TokenShape::Foreign)?;
        if digits.len() != BODY + CHECK || !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(TokenShape::Foreign);
        }
        let (body, check) = digits.split_at(BODY);
        if bool::from(checksum(body).as_bytes().ct_eq(check.as_bytes())) {
            Ok(Self(SecretString::from(text)))
        } else {
            Err(TokenShape::Damaged)
        }
    }

    /// What is stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.expose_secret().as_bytes()).into())
    }

    /// The last four characters, by which a person tells tokens apart.
    pub fn hint(&self) -> String {
        let text = self.0.expose_secret();
        text[text.len() - 4..].to_owned()
    }

    /// The plain text, for the one answer that reveals it.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for BearerToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("BearerToken")
    }
}

/// SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The stored form.
    pub fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Compares with a stored form, in constant time.
    pub fn matches(&self, stored: &[u8]) -> bool {
        bool::from(self.0.as_slice().ct_eq(stored))
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TokenHash")
    }
}

fn digit(number: usize) -> char {
    char::from(DIGITS[number % 62])
}

fn checksum(body: &str) -> String {
    let mut rest = crc32(body.as_bytes()) as usize;
    let mut digits = [0_u8; CHECK];
    for place in digits.iter_mut().rev() {
        *place = DIGITS[rest % 62];
        rest /= 62;
    }
    String::from_utf8_lossy(&digits).into_owned()
}

/// CRC-32 (IEEE 802.3), bit by bit: 43 bytes once per request need no table.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_token_parses_and_hashes_the_same() {
        let token = BearerToken::generate().unwrap();
        assert_eq!(token.reveal().len(), 53);
        assert_eq!(BearerToken::parse(token.reveal()).unwrap().hash(), token.hash());
        assert_eq!(format!("{token:?} {:?}", token.hash()), "BearerToken TokenHash");
    }

    #[test]
    fn a_damaged_token_is_told_from_a_foreign_one() {
        let token = BearerToken::generate().unwrap();
        let mut text = token.reveal().to_owned();
        let last = if text.ends_with('0') { '1' } else { '0' };
        text.pop();
        text.push(last);
        assert_eq!(BearerToken::parse(&text).unwrap_err(), TokenShape::Damaged);
        for foreign in ["", "kvs_", "Bearer x", "kvs_short", "ghp_0123456789012345678901234567890123456789012345678"] {
            assert_eq!(BearerToken::parse(foreign).unwrap_err(), TokenShape::Foreign, "{foreign}");
        }
    }

    #[test]
    fn crc_32_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
