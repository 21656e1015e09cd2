//! What is pushed of a user, and how it is remembered: one entry per attribute, digests keyed per tenant.
//!
//! The realm's native fields, as a strict SCIM user. `externalId` is the realm user's UUID (P1).

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use realm::RealmUser;
use scim::Object;
use serde_json::{Value, json};
use sha2::Sha256;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// The attributes pushed, by SCIM path; an absent one is not in the map.
#[derive(Clone, PartialEq)]
pub struct Pushed(BTreeMap<&'static str, Value>);

/// Every path we push, in the order operations are sent; `active` first, so that a deactivation that is cut short
/// has done what matters.
pub const PATHS: [&str; 6] = ["active", "userName", "externalId", "name.givenName", "name.familyName", "emails"];

impl Pushed {
    /// What a realm user looks like downstream.
    pub fn of(user: &RealmUser) -> Self {
        let mut map = BTreeMap::new();
        map.insert("active", Value::Bool(user.enabled));
        map.insert("userName", Value::String(user.username.clone()));
        map.insert("externalId", Value::String(user.id.to_string()));
        if let Some(name) = &user.first_name {
            map.insert("name.givenName", Value::String(name.clone()));
        }
        if let Some(name) = &user.last_name {
            map.insert("name.familyName", Value::String(name.clone()));
        }
        if let Some(email) = &user.email {
            map.insert("emails", json!([{ "value": email, "type": "work", "primary": true }]));
        }
        Self(map)
    }

    /// One attribute.
    pub fn attribute(&self, path: &str) -> Option<&Value> {
        self.0.get(path)
    }

    /// The whole resource, for POST and PUT.
    pub fn resource(&self) -> Object {
        let mut object = Object::new();
        object.insert("schemas".to_owned(), json!([USER]));
        for (path, value) in &self.0 {
            match path.split_once('.') {
                Some((parent, child)) => {
                    let complex = object.entry(parent.to_owned()).or_insert_with(|| json!({}));
                    complex[child] = value.clone();
                }
                None => {
                    object.insert((*path).to_owned(), value.clone());
                }
            }
        }
        object
    }

    /// Digest per attribute, keyed: enough to send the difference, useless to anybody who reads the table.
    pub fn digests(&self, key: &[u8]) -> BTreeMap<String, String> {
        self.0.iter().map(|(path, value)| ((*path).to_owned(), digest(key, path, value))).collect()
    }

    /// One hash over everything, for triage: did anything pushed change?
    pub fn observed(&self, key: &[u8]) -> Vec<u8> {
        let mut mac = keyed(key);
        for (path, digest) in self.digests(key) {
            mac.update(path.as_bytes());
            mac.update(digest.as_bytes());
        }
        mac.finalize().into_bytes().to_vec()
    }
}

/// What a look at the realm is remembered by; a user who is gone has a hash too.
pub(crate) fn observed(seen: Option<&RealmUser>, key: &[u8]) -> Vec<u8> {
    seen.map_or_else(|| b"gone".to_vec(), |user| Pushed::of(user).observed(key))
}

fn digest(key: &[u8], path: &str, value: &Value) -> String {
    let mut mac = keyed(key);
    mac.update(path.as_bytes());
    mac.update(&[0]);
    mac.update(value.to_string().as_bytes());
    hex::encode(&mac.finalize().into_bytes()[..16])
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length")
}
