//! Native fields: the part of a user's document that belongs to the realm (username, e-mail, names, enabled), and how
//! the document follows the realm (K12).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Object;
use crate::document::leave_primary_to;
use crate::key::username_key;

/// Where the native fields stand in a document, and its `externalId`, in the order a push sends them: `active` first, so that
/// a deactivation that is cut short has done what matters.
pub const PATHS: [&str; 6] = ["active", "userName", "externalId", "name.givenName", "name.familyName", "emails"];

/// The native fields as a document shows them, or as the realm returned them.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Native {
    /// The login name.
    pub user_name: String,
    /// The one e-mail address a realm keeps: primary, else type work, else the first.
    pub email: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// May log in.
    pub active: bool,
    /// The identity provider's id: projected into the realm, owned by the directory.
    pub external_id: Option<String>,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Native").field("active", &self.active).finish_non_exhaustive()
    }
}

impl Native {
    /// The native fields of a document. A document without `active` is active.
    pub fn of(document: &Object) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned);
        let name = document.get("name");
        Self {
            user_name: text(document.get("userName")).unwrap_or_default(),
            email: mapped_email(document).and_then(|place| {
                text(document.get("emails").and_then(|emails| emails.get(place)).and_then(|email| email.get("value")))
            }),
            given_name: text(name.and_then(|name| name.get("givenName"))),
            family_name: text(name.and_then(|name| name.get("familyName"))),
            active: document.get("active").and_then(Value::as_bool).unwrap_or(true),
            external_id: text(document.get("externalId")),
        }
    }

    /// The same of a user whose document may not say whether it is active, because a client removed that: it is as it was.
    pub fn of_user(document: &Object, active: bool) -> Self {
        let native = Self::of(document);
        if document.contains_key("active") { native } else { Self { active, ..native } }
    }
}

/// Which element of `emails` is the realm's.
fn mapped_email(document: &Object) -> Option<usize> {
    let emails = document.get("emails")?.as_array()?;
    let with_value = |email: &&Value| email.get("value").is_some();
    let find = |wanted: &dyn Fn(&Value) -> bool| emails.iter().position(|email| with_value(&email) && wanted(email));
    find(&|email| email.get("primary") == Some(&Value::Bool(true)))
        .or_else(|| find(&|email| email.get("type").and_then(Value::as_str) == Some("work")))
        .or_else(|| find(&|_| true))
}

/// Applies the difference between what the realm last returned and what it returns now, each to the one element it
/// maps to. Document and realm are never compared directly: case folding and the realm's single e-mail would
/// ping-pong with the identity provider for ever. Says which attributes changed.
pub fn follow(document: &mut Object, base: &Native, fresh: &Native) -> Vec<&'static str> {
    let mut changed = Vec::new();
    let shown = Native::of(document);
    // A realm folds letter case; that is no edit.
    if base.user_name != fresh.user_name && username_key(&shown.user_name) != username_key(&fresh.user_name) {
        document.insert("userName".to_owned(), json!(fresh.user_name));
        changed.push("userName");
    }
    if base.email != fresh.email && fold(shown.email.as_ref()) != fold(fresh.email.as_ref()) {
        set_email(document, fresh.email.as_deref());
        changed.push("emails");
    }
    if base.given_name != fresh.given_name && shown.given_name != fresh.given_name {
        set_name(document, "givenName", fresh.given_name.as_deref());
        changed.push("name");
    }
    if base.family_name != fresh.family_name && shown.family_name != fresh.family_name {
        set_name(document, "familyName", fresh.family_name.as_deref());
        changed.push("name");
    }
    // A document from which a client removed `active` says nothing; now the realm has said something.
    if base.active != fresh.active && document.get("active") != Some(&json!(fresh.active)) {
        document.insert("active".to_owned(), json!(fresh.active));
        changed.push("active");
    }
    changed.dedup();
    changed
}

fn fold(text: Option<&String>) -> Option<String> {
    text.map(|text| text.to_lowercase())
}

fn set_email(document: &mut Object, email: Option<&str>) {
    let place = mapped_email(document);
    let Some(email) = email else {
        if let (Some(place), Some(Value::Array(emails))) = (place, document.get_mut("emails")) {
            emails.remove(place);
            if emails.is_empty() {
                document.shift_remove("emails");
            }
        }
        return;
    };
    match (place, document.get_mut("emails")) {
        (Some(place), Some(emails)) => emails[place]["value"] = json!(email),
        (None, Some(Value::Array(emails))) => {
            emails.push(json!({ "value": email, "type": "work", "primary": true }));
            let keeper = emails.len() - 1;
            leave_primary_to(emails, Some(keeper));
        }
        _ => {
            document.insert("emails".to_owned(), json!([{ "value": email, "type": "work", "primary": true }]));
        }
    }
}

fn set_name(document: &mut Object, part: &str, value: Option<&str>) {
    let name = document.entry("name").or_insert_with(|| json!({}));
    if let Some(name) = name.as_object_mut() {
        match value {
            Some(value) => {
                name.insert(part.to_owned(), json!(value));
            }
            None => {
                name.shift_remove(part);
            }
        }
        if name.is_empty() {
            document.shift_remove("name");
        }
    }
}
