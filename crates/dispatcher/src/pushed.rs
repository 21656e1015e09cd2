//! What is pushed of a user, and how it is remembered: one entry per attribute, digests keyed per tenant.
//!
//! The realm's native fields and what the tenant maps of the others, as a strict SCIM user. `externalId` is the realm user's
//! UUID (P1).

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use realm::RealmUser;
use scim::Object;
use scim::mapping::{self, Mapping};
use scim::native;
use serde_json::{Value, json};
use sha2::Sha256;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// The attributes pushed, by SCIM path; an absent one has no value.
#[derive(Clone, PartialEq)]
pub struct Pushed {
    paths: Vec<String>,
    values: BTreeMap<String, Value>,
}

impl Pushed {
    /// What a realm user looks like downstream.
    pub fn of(user: &RealmUser, mapping: &Mapping) -> Self {
        let mut values: BTreeMap<String, Value> = mapping.to_document(&user.attributes).into_iter().collect();
        let mut set = |path: &str, value: Value| drop(values.insert(path.to_owned(), value));
        set("active", Value::Bool(user.enabled));
        set("userName", Value::String(user.username.clone()));
        set("externalId", Value::String(user.id.to_string()));
        if let Some(name) = &user.first_name {
            set("name.givenName", Value::String(name.clone()));
        }
        if let Some(name) = &user.last_name {
            set("name.familyName", Value::String(name.clone()));
        }
        if let Some(email) = &user.email {
            set("emails", json!([{ "value": email, "type": "work", "primary": true }]));
        }
        // What is mapped comes after what matters most.
        let paths = native::PATHS.into_iter().chain(mapping.paths()).map(str::to_owned).collect();
        Self { paths, values }
    }

    /// Every path that counts, in the order operations are sent.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// One attribute.
    pub fn attribute(&self, path: &str) -> Option<&Value> {
        self.values.get(path)
    }

    /// The whole resource, for POST and PUT.
    pub fn resource(&self) -> Object {
        let mut object = Object::new();
        let mut schemas = vec![USER];
        for urn in self.values.keys().filter_map(|path| mapping::split(path).0) {
            if !schemas.contains(&urn) {
                schemas.push(urn);
            }
        }
        object.insert("schemas".to_owned(), json!(schemas));
        for (path, value) in &self.values {
            mapping::place(&mut object, path, value.clone());
        }
        object
    }

    /// Of the paths that count, those that stand in a record.
    pub fn standing_in(&self, record: &Object) -> Vec<&str> {
        self.paths().filter(|path| mapping::held(record, path).is_some()).collect()
    }

    /// Digest per attribute, keyed: enough to send the difference, useless to anybody who reads the table.
    pub fn digests(&self, key: &[u8]) -> BTreeMap<String, String> {
        self.values.iter().map(|(path, value)| (path.clone(), digest(key, path, value))).collect()
    }

    /// Every text that is sent: what an error must not repeat.
    pub fn texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for (path, value) in &self.values {
            match value {
                // The type of an address is no secret.
                Value::Array(list) => texts.extend(list.iter().flat_map(said).map(str::to_owned)),
                Value::String(text) => texts.push(text.clone()),
                _ if path == "active" => {}
                other => texts.push(other.to_string()),
            }
        }
        texts
    }

    /// Whether a record holds all this already. One that does not say is active.
    pub fn stands_in(&self, record: &Object) -> bool {
        self.paths().all(|path| match (self.attribute(path), mapping::held(record, path)) {
            (Some(Value::Bool(true)), None) => path == "active",
            (Some(Value::Array(wanted)), Some(Value::Array(held))) => {
                wanted.iter().all(|one| held.iter().any(|other| is_same(one, other)))
            }
            (None, Some(Value::Array(held))) => held.is_empty(),
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

/// What a look at the realm is remembered by; a user who is gone has a hash too.
pub(crate) fn observed(seen: Option<&RealmUser>, mapping: &Mapping, key: &[u8]) -> Vec<u8> {
    seen.map_or_else(|| directory::ledger::GONE.to_vec(), |user| Pushed::of(user, mapping).observed(key))
}

/// What an element of a list says, beside what kind it is.
fn parts(element: &Value) -> impl Iterator<Item = (&String, &Value)> {
    element.as_object().into_iter().flatten().filter(|(name, _)| *name != "type" && *name != "primary")
}

fn said(element: &Value) -> impl Iterator<Item = &str> {
    element.as_str().into_iter().chain(parts(element).filter_map(|(_, value)| value.as_str()))
}

/// Whether one element of a list says what another does, whatever kind it is said to be.
fn is_same(one: &Value, other: &Value) -> bool {
    if one.is_object() { parts(one).all(|(name, value)| other.get(name) == Some(value)) } else { one == other }
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

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

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
            attributes: BTreeMap::from([("department".to_owned(), "Engines".to_owned())]),
        };
        let department = format!("{ENTERPRISE}:department");
        let wanted = json!({ department: "department", "title": "jobTitle" });
        let pushed = Pushed::of(&user, &Mapping::of(Some(&wanted.to_string()), None));
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
            (false, &|record| record[ENTERPRISE]["department"] = json!("Looms")),
            (false, &|record| drop(record.remove(ENTERPRISE))),
            (false, &|record| drop(record.insert("title".to_owned(), json!("Countess")))),
            (true, &|record| drop(record.insert("nickName".to_owned(), json!("Ada")))),
        ] {
            let record = record(change);
            assert_eq!(pushed.stands_in(&record), in_step, "{record:?}");
        }
    }
}
