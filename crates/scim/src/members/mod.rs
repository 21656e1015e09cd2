//! A group's members apart from its document, so that a change costs what it changes, not what the group holds.
//!
//! A PATCH is [divided](divide()) into operations on the rest of the group and the [`Membership`] it asks for. Nearly
//! all that identity providers send folds into a [`Delta`] without knowing who is a member; the few value paths that do
//! not (`members[type eq "User"]`) say so and are resolved against the current members. What an accepted POST or PUT
//! body lists is taken out by [`split`].
//!
//! Whether a member exists is not asked here, and `$ref` is not kept: the server fills it in.

mod delta;
mod divide;

use std::collections::HashSet;

use serde_json::{Value, json};

pub use delta::Delta;
pub use divide::{Membership, divide};

use crate::json::member;
use crate::{Error, Object};

/// A member as a client names it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Member {
    /// The id of a user or group.
    pub value: String,
    /// `User` or `Group`, if the client says; a missing one is a user (RFC 7643 §4.2).
    pub kind: Option<String>,
    /// What the client calls it. Not authoritative.
    pub display: Option<String>,
}

/// A member's display name is personal data.
impl std::fmt::Debug for Member {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Member").field("value", &self.value).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Member {
    /// A member of which only the id is known.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), kind: None, display: None }
    }

    /// As an element of `members`; `type` is there always.
    pub fn to_json(&self) -> Value {
        let mut element = json!({ "value": self.value, "type": self.kind.as_deref().unwrap_or("User") });
        if let Some(display) = &self.display {
            element["display"] = json!(display);
        }
        element
    }
}

/// Members as an answer shows them: with the `$ref` and `type` that the server fills in.
pub fn render(members: &[Member], base_url: &str) -> Value {
    let one = |member: &Member| {
        let kind = member.kind.as_deref().unwrap_or("User");
        let mut element = Object::new();
        element.insert("value".to_owned(), json!(member.value));
        element.insert("$ref".to_owned(), json!(format!("{base_url}/{kind}s/{}", member.value)));
        element.extend(member.display.as_ref().map(|display| ("display".to_owned(), json!(display))));
        element.insert("type".to_owned(), json!(kind));
        Value::Object(element)
    };
    members.iter().map(one).collect()
}

/// The readOnly `groups` of a user (RFC 7643 §4.1.2): ids and names of the groups that list it.
pub fn render_groups<'a>(groups: impl IntoIterator<Item = (&'a str, &'a str)>, base_url: &str) -> Value {
    let one = |(id, name): (&str, &str)| {
        let reference = format!("{base_url}/Groups/{id}");
        json!({ "value": id, "$ref": reference, "display": name, "type": "direct" })
    };
    groups.into_iter().map(one).collect()
}

/// Reads a value of `members`: a list, a bare object, a bare string, `null`. Each id comes once, at its first place.
/// One without `value` is 400 `invalidValue`.
pub fn parse(value: &Value) -> Result<Vec<Member>, Error> {
    let mut seen = HashSet::new();
    let mut members = Vec::new();
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    for item in items.iter().filter(|item| !item.is_null()) {
        let member = element(item)?;
        if seen.insert(member.value.clone()) {
            members.push(member);
        }
    }
    Ok(members)
}

fn element(value: &Value) -> Result<Member, Error> {
    let object = match value {
        Value::String(id) if !id.is_empty() => return Ok(Member::new(id)),
        Value::Object(object) => object,
        _ => return Err(Error::value("a member must be an object with a value")),
    };
    let text = |name: &str| match member(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(Error::value(format!("members.{name} must be a string"))),
    };
    // Entra and Okta send `"$ref": null`; what else it says is the server's to say.
    text("$ref")?;
    let value = text("value")?.ok_or_else(|| Error::value("a member needs a value"))?;
    let kind = text("type")?.map(|kind| {
        let known = ["User", "Group"].into_iter().find(|known| known.eq_ignore_ascii_case(kind));
        known.unwrap_or(kind).to_owned()
    });
    Ok(Member { value: value.to_owned(), kind, display: text("display")?.map(str::to_owned) })
}

/// Takes the members out of an accepted document. None of them and no list at all are the same (RFC 7643 §2.5).
pub fn split(document: &mut Object) -> Result<Vec<Member>, Error> {
    match document.shift_remove("members") {
        Some(members) => parse(&members),
        None => Ok(Vec::new()),
    }
}
