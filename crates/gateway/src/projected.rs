//! Further attributes of a user that a tenant wants in its realm's profile: SCIM path → realm attribute, as the tenant's
//! options say. One way: the directory owns them.

use std::collections::BTreeMap;

use scim::Object;
use scim::path::AttributePath;
use scim::schema::ResourceType;
use serde_json::Value;

/// What of a document goes into which attribute of the realm.
pub(crate) fn of(projection: Option<&str>, user: &ResourceType, document: &Object) -> BTreeMap<String, Option<String>> {
    let wanted: BTreeMap<String, String> =
        projection.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    wanted.into_iter().map(|(path, attribute)| (attribute, value(user, document, &path))).collect()
}

/// The text at a path: of several values the primary, else the first.
fn value(user: &ResourceType, document: &Object, path: &str) -> Option<String> {
    let path = AttributePath::resolve(user, path)?;
    let found = path.value(document)?;
    let one = match found {
        Value::Array(items) => items.iter().find(|item| item["primary"] == true).or_else(|| items.first())?,
        other => other,
    };
    let compared = path.compared()?;
    let value = if one.is_object() { one.get(&compared.name)? } else { one };
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use scim::schema::USER;
    use serde_json::json;

    use super::of;

    #[test]
    fn a_document_is_projected_as_the_tenant_wants() {
        let document = json!({
            "title": "Countess",
            "phoneNumbers": [{ "value": "1", "type": "home" }, { "value": "2", "primary": true }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Engines" },
        });
        let wanted = json!({
            "title": "jobTitle", "phoneNumbers": "phone", "nickName": "nick",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "department",
        });
        let projected = of(Some(&wanted.to_string()), &USER, document.as_object().unwrap());
        let shown: Vec<_> = projected.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let expected =
            [("department", Some("Engines")), ("jobTitle", Some("Countess")), ("nick", None), ("phone", Some("2"))];
        assert_eq!(shown, expected);
        assert!(of(None, &USER, document.as_object().unwrap()).is_empty());
    }
}
