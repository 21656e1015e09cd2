//! Keycloak's user representation, both ways. What we do not know of it is kept as it came, because a PUT replaces.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{NewUser, RealmUser, UserChange};

pub(super) const EXTERNAL_ID: &str = "scimExternalId";
pub(super) const MARKER: &str = "scimManaged";

pub(super) fn read(value: &Value) -> Option<RealmUser> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned);
    let attribute = |name: &str| {
        let values = value.get("attributes")?.get(name)?;
        values.get(0).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned)
    };
    Some(RealmUser {
        id: Uuid::parse_str(value.get("id")?.as_str()?).ok()?,
        username: text("username")?,
        email: text("email"),
        first_name: text("firstName"),
        last_name: text("lastName"),
        enabled: value.get("enabled").and_then(Value::as_bool).unwrap_or(false),
        external_id: attribute(EXTERNAL_ID),
        marker: attribute(MARKER),
        attributes: further(value),
    })
}

/// What else the profile has of a user.
fn further(value: &Value) -> BTreeMap<String, String> {
    let all = value.get("attributes").and_then(Value::as_object).into_iter().flatten();
    let others = all.filter(|(name, _)| *name != EXTERNAL_ID && *name != MARKER);
    let first =
        |values: &Value| values.get(0).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    others.filter_map(|(name, values)| Some((name.clone(), first(values)?))).collect()
}

pub(super) fn create(user: &NewUser) -> Value {
    let mut attributes = Map::new();
    attributes.insert(MARKER.to_owned(), json!([user.marker]));
    if let Some(external_id) = &user.external_id {
        attributes.insert(EXTERNAL_ID.to_owned(), json!([external_id]));
    }
    for (name, value) in &user.attributes {
        attributes.insert(name.clone(), json!([value]));
    }
    let mut body = json!({ "username": user.username, "enabled": user.enabled, "attributes": attributes });
    for (name, value) in [("email", &user.email), ("firstName", &user.first_name), ("lastName", &user.last_name)] {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    body
}

/// The native fields that a change names, and no others.
pub(super) fn named(change: &UserChange) -> Value {
    let mut body = Map::new();
    let username = change.username.clone().map(Some);
    let texts = [
        ("username", &username),
        ("email", &change.email),
        ("firstName", &change.first_name),
        ("lastName", &change.last_name),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            // What is empty is cleared, what is absent stays.
            body.insert(name.to_owned(), json!(value.as_deref().unwrap_or_default()));
        }
    }
    if let Some(enabled) = change.enabled {
        body.insert("enabled".to_owned(), json!(enabled));
    }
    Value::Object(body)
}

/// A fresh representation with a change: everything of it goes back, `attributes` included, since their absence merges
/// and their presence replaces. An attribute of ours that an overlapping write left with two values is mended by the
/// way; `enabled` goes only if the request changed it (K3).
pub(super) fn changed(fresh: &Value, change: &UserChange) -> Value {
    let mut body = fresh.clone();
    if let (Some(object), Value::Object(named)) = (body.as_object_mut(), named(change)) {
        object.remove("enabled");
        object.remove("access");
        object.extend(named);
        let attributes = object.entry("attributes").or_insert_with(|| json!({}));
        if let Some(attributes) = attributes.as_object_mut() {
            for name in [EXTERNAL_ID, MARKER] {
                if let Some(Value::Array(values)) = attributes.get_mut(name) {
                    values.truncate(1);
                }
            }
            match &change.external_id {
                Some(Some(external_id)) => {
                    attributes.insert(EXTERNAL_ID.to_owned(), json!([external_id]));
                }
                Some(None) => {
                    attributes.remove(EXTERNAL_ID);
                }
                None => {}
            }
            match &change.marker {
                Some(Some(marker)) => {
                    attributes.insert(MARKER.to_owned(), json!([marker]));
                }
                Some(None) => {
                    attributes.remove(MARKER);
                }
                None => {}
            }
            for (name, value) in &change.attributes {
                match value {
                    Some(value) => attributes.insert(name.clone(), json!([value])),
                    None => attributes.remove(name),
                };
            }
        }
    }
    body
}

/// Leaves one value to an attribute that got two: a field of ours by its SCIM name, or any attribute by its own. The first
/// that is mended where the refusal does not name one; `false` if there was nothing to mend.
pub(super) fn mend(body: &mut Value, attribute: &str) -> bool {
    let Some(attributes) = body.get_mut("attributes").and_then(Value::as_object_mut) else { return false };
    let doubled = |values: &Value| values.as_array().is_some_and(|values| values.len() > 1);
    let named = attributes.get(attribute).is_some_and(doubled).then(|| attribute.to_owned());
    let name = named.or_else(|| attributes.iter().find(|(_, values)| doubled(values)).map(|(name, _)| name.clone()));
    let Some(Value::Array(values)) = name.and_then(|name| attributes.get_mut(&name)) else { return false };
    values.truncate(1);
    true
}
