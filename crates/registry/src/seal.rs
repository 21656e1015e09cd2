//! Sealing secrets at rest: a data key per secret, wrapped by a key of the keyring, AES-256-GCM both times.
//!
//! The value's associated data is `tenant|field`, so a sealed value moved to another row does not open. The key id is
//! bound to the wrapped data key alone: re-wrapping under a new key touches no ciphertext.
//!
//! Stored form: version 1 · length of key id · key id · wrapped data key (12 + 32 + 16) · nonce 12 · ciphertext + tag.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE: usize = 12;
const WRAPPED: usize = NONCE + 32 + 16;

/// A sealed secret, as stored. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl Sealed {
    /// The id of the key its data key is wrapped with; `None` if this is no sealed value.
    pub fn key_id(&self) -> Option<&str> {
        let [VERSION, id_length, rest @ ..] = self.0.as_slice() else { return None };
        std::str::from_utf8(rest.get(..usize::from(*id_length))?).ok()
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sealed")
    }
}

/// What a keyring cannot do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The text of a keyring is not `id:base64,…`.
    #[error("a keyring is a comma-separated list of id:base64 of 32 bytes; {0}")]
    Form(String),
    /// The key a secret was sealed with is not in the keyring.
    #[error("the keyring has no key \"{0}\"")]
    MissingKey(String),
    /// The value was changed, moved to another row, or is not a sealed value.
    #[error("a sealed value does not open")]
    Broken,
    /// The operating system gives no randomness.
    #[error("no randomness")]
    Randomness,
}

/// Keys by id; one is active.
#[derive(Clone)]
pub struct Keyring {
    keys: BTreeMap<String, Zeroizing<[u8; 32]>>,
    active: String,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Keyring").field("active", &self.active).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Reads `id:base64,id:base64`; the first is active.
    pub fn parse(text: &SecretString) -> Result<Self, Fault> {
        let mut keys = BTreeMap::new();
        let mut active = None;
        for item in text.expose_secret().split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()) {
            let (id, key) = item.split_once(':').ok_or_else(|| Fault::Form("an item has no colon".to_owned()))?;
            if id.is_empty() || id.len() > 64 {
                return Err(Fault::Form("a key id has 1 to 64 characters".to_owned()));
            }
            let bytes =
                Zeroizing::new(STANDARD.decode(key).map_err(|_| Fault::Form(format!("key \"{id}\" is not base64")))?);
            let key: [u8; 32] =
                bytes.as_slice().try_into().map_err(|_| Fault::Form(format!("key \"{id}\" is not 32 bytes long")))?;
            if keys.insert(id.to_owned(), Zeroizing::new(key)).is_some() {
                return Err(Fault::Form(format!("key \"{id}\" is there twice")));
            }
            active.get_or_insert_with(|| id.to_owned());
        }
        let active = active.ok_or_else(|| Fault::Form("it is empty".to_owned()))?;
        Ok(Self { keys, active })
    }

    /// A keyring of one fresh key, in its text form: what the demo makes for itself.
    pub fn generate_text() -> Result<SecretString, Fault> {
        let mut key = Zeroizing::new([0_u8; 32]);
        SysRng.try_fill_bytes(key.as_mut_slice()).map_err(|_| Fault::Randomness)?;
        Ok(SecretString::from(format!("k1:{}", STANDARD.encode(key.as_slice()))))
    }

    /// Seals a secret for one place: `aad` is `tenant|field`.
    pub fn seal(&self, aad: &str, plain: &SecretString) -> Result<Sealed, Fault> {
        let mut data_key = Zeroizing::new([0_u8; 32]);
        SysRng.try_fill_bytes(data_key.as_mut_slice()).map_err(|_| Fault::Randomness)?;
        let value = encrypt(data_key.as_slice(), aad.as_bytes(), plain.expose_secret().as_bytes())?;
        self.assemble(data_key.as_slice(), &value)
    }

    /// Opens a sealed secret at the place it was sealed for.
    pub fn open(&self, aad: &str, sealed: &Sealed) -> Result<SecretString, Fault> {
        let [VERSION, id_length, rest @ ..] = sealed.0.as_slice() else { return Err(Fault::Broken) };
        let (id, rest) = rest.split_at_checked(usize::from(*id_length)).ok_or(Fault::Broken)?;
        let (wrapped, value) = rest.split_at_checked(WRAPPED).ok_or(Fault::Broken)?;
        let id = std::str::from_utf8(id).map_err(|_| Fault::Broken)?;
        let data_key = decrypt(self.key(id)?, id.as_bytes(), wrapped)?;
        let plain = decrypt(&data_key, aad.as_bytes(), value)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Fault::Broken)?;
        Ok(SecretString::from(text))
    }

    /// The same secret with its data key wrapped under the active key; `None` where it already is. The ciphertext stays.
    pub fn rewrap(&self, sealed: &Sealed) -> Result<Option<Sealed>, Fault> {
        let id = sealed.key_id().ok_or(Fault::Broken)?;
        if id == self.active {
            return Ok(None);
        }
        let rest = sealed.0.get(2 + id.len()..).ok_or(Fault::Broken)?;
        let (wrapped, value) = rest.split_at_checked(WRAPPED).ok_or(Fault::Broken)?;
        let data_key = decrypt(self.key(id)?, id.as_bytes(), wrapped)?;
        Ok(Some(self.assemble(&data_key, value)?))
    }

    /// Whether it has a key.
    pub fn holds(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }

    /// The stored form: a data key wrapped under the active key, and what it encrypts.
    fn assemble(&self, data_key: &[u8], value: &[u8]) -> Result<Sealed, Fault> {
        let wrapped = encrypt(self.key(&self.active)?, self.active.as_bytes(), data_key)?;
        let mut sealed = vec![VERSION, u8::try_from(self.active.len()).map_err(|_| Fault::Broken)?];
        sealed.extend_from_slice(self.active.as_bytes());
        sealed.extend_from_slice(&wrapped);
        sealed.extend_from_slice(value);
        Ok(Sealed(sealed))
    }

    fn key(&self, id: &str) -> Result<&[u8], Fault> {
        self.keys.get(id).map(|key| key.as_slice()).ok_or_else(|| Fault::MissingKey(id.to_owned()))
    }
}

fn encrypt(key: &[u8], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Fault> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| Fault::Broken)?;
    let mut bytes = plain.to_vec();
    let nonce = key.seal_in_place_append_tag(Aad::from(aad), &mut bytes).map_err(|_| Fault::Broken)?;
    let mut out = nonce.as_ref().to_vec();
    out.append(&mut bytes);
    Ok(out)
}

fn decrypt(key: &[u8], aad: &[u8], bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| Fault::Broken)?;
    let (nonce, ciphertext) = bytes.split_at_checked(NONCE).ok_or(Fault::Broken)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Fault::Broken)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length = key.open_in_place(nonce, Aad::from(aad), &mut buffer).map_err(|_| Fault::Broken)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> Keyring {
        Keyring::parse(&Keyring::generate_text().unwrap()).unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_only_where_it_was_sealed_for() {
        let keyring = keyring();
        let sealed = keyring.seal("acme|target", &SecretString::from("hunter2")).unwrap();
        assert_eq!(keyring.open("acme|target", &sealed).unwrap().expose_secret(), "hunter2");
        assert_eq!(keyring.open("globex|target", &sealed).unwrap_err(), Fault::Broken);
    }

    #[test]
    fn a_missing_key_is_named() {
        let sealed = keyring().seal("a|b", &SecretString::from("x")).unwrap();
        let other = Keyring::parse(&SecretString::from(format!("k2:{}", STANDARD.encode([7_u8; 32])))).unwrap();
        assert_eq!(other.open("a|b", &sealed).unwrap_err(), Fault::MissingKey("k1".to_owned()));
    }

    #[test]
    fn a_rewrapped_secret_opens_without_the_old_key() {
        let key = |id: &str, byte: u8| format!("{id}:{}", STANDARD.encode([byte; 32]));
        let ring = |text: String| Keyring::parse(&SecretString::from(text)).unwrap();
        let (old, both, new) =
            (ring(key("k1", 1)), ring(format!("{},{}", key("k2", 2), key("k1", 1))), ring(key("k2", 2)));
        let sealed = old.seal("a|b", &SecretString::from("secret")).unwrap();
        assert_eq!(sealed.key_id(), Some("k1"));
        let fresh = both.rewrap(&sealed).unwrap().unwrap();
        assert_eq!(fresh.key_id(), Some("k2"));
        assert_eq!(new.open("a|b", &fresh).unwrap().expose_secret(), "secret");
        assert!(new.open("b|a", &fresh).is_err(), "it is still bound to its place");
        assert_eq!(both.rewrap(&fresh).unwrap(), None);
        assert_eq!(new.rewrap(&sealed).unwrap_err(), Fault::MissingKey("k1".to_owned()));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let keyring = keyring();
        let sealed = keyring.seal("a|b", &SecretString::from("secret")).unwrap();
        for place in 0..sealed.0.len() {
            let mut broken = sealed.clone();
            broken.0[place] ^= 1;
            assert!(keyring.open("a|b", &broken).is_err(), "byte {place}");
        }
    }
}
