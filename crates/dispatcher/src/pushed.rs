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

    /// Every text that is sent: what an error must not repeat.
    pub fn texts(&self) -> Vec<String> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Array(emails) => emails.first()?.get("value")?.as_str().map(str::to_owned),
            _ => None,
        };
        self.0.values().filter_map(text).collect()
    }

    /// Whether a record holds all this already. One that does not say is active.
    pub fn stands_in(&self, record: &Object) -> bool {
        let held = |path: &str| match path.split_once('.') {
            Some((parent, child)) => record.get(parent).and_then(|value| value.get(child)),
            None => record.get(path),
        };
        PATHS.iter().all(|path| match (self.attribute(path), held(path)) {
            (Some(Value::Bool(true)), None) => *path == "active",
            (Some(Value::Array(wanted)), Some(Value::Array(emails))) => {
                let value = |email: &Value| email.get("value").cloned();
                wanted.iter().all(|email| emails.iter().any(|other| value(other) == value(email)))
            }
            (None, Some(Value::Array(emails))) => emails.is_empty(),
            (None, Some(Value::Null) | None) => true,
            (wanted, held) => wanted == held,
        })
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

/// The digest of one attribute as it would stand after a push.
pub(crate) fn digest_of(key: &[u8], path: &str, value: &Value) -> String {
    digest(key, path, value)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_record_that_holds_everything_is_in_step() {
        let user = RealmUser {
            id: Uuid::nil(),
            username: "ada".to_owned(),
            email: Some("ada@acme.test".to_owned()),
            first_name: Some("Ada".to_owned()),
            last_name: None,
            enabled: true,
            external_id: None,
            marker: None,
        };
        let pushed = Pushed::of(&user);
        let record = |change: &dyn Fn(&mut Object)| {
            let mut record = pushed.resource();
            record.insert("id".to_owned(), json!("7"));
            change(&mut record);
            record
        };
        for (in_step, change) in [
            (true, &(|_: &mut Object| {}) as &dyn Fn(&mut Object)),
            (true, &|record| drop(record.remove("active"))),
            (true, &|record| record["emails"][0]["type"] = json!("home")),
            (false, &|record| record["active"] = json!(false)),
            (false, &|record| record["userName"] = json!("Ada")),
            (false, &|record| record["emails"] = json!([])),
            (false, &|record| drop(record.remove("externalId"))),
            (false, &|record| record["name"]["familyName"] = json!("Byron")),
        ] {
            let record = record(change);
            assert_eq!(pushed.stands_in(&record), in_step, "{record:?}");
        }
    }
}
