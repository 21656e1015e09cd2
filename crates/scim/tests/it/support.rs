//! What the tests share: documents and patches in one line.

use scim::patch::{self, Applied, Options};
use scim::schema::{GROUP, ResourceType, USER};
use scim::{Error, Object, ScimType, document};
use serde_json::{Value, json};

pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub const BASE: &str = "https://scim.acme.test/scim/v2";

pub fn user(body: Value) -> Object {
    document::accept(&USER, &body).unwrap()
}

pub fn group(body: Value) -> Object {
    document::accept(&GROUP, &body).unwrap()
}

pub fn ada() -> Object {
    user(json!({
        "userName": "Ada@acme.test", "externalId": "Ext-1", "displayName": "Ada", "title": "Countess", "active": true,
        "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [
            { "value": "ada@acme.test", "type": "work", "primary": true },
            { "value": "ada@home.test", "type": "home" }
        ],
        ENTERPRISE: { "department": "Engines", "manager": { "value": "m-1" } }
    }))
}

pub fn try_patch(resource: &ResourceType, before: &Object, operations: Value) -> Result<Applied, Error> {
    let patch = patch::parse(&json!({ "Operations": operations }))?;
    patch::apply(resource, before, &patch, Options::default())
}

/// The document after operations on a user.
pub fn patched(before: &Object, operations: Value) -> Object {
    try_patch(&USER, before, operations).unwrap().document
}

pub fn patched_group(before: &Object, operations: Value) -> Object {
    try_patch(&GROUP, before, operations).unwrap().document
}

/// Status and kind of a refusal.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, Option<ScimType>) {
    let error = result.unwrap_err();
    (error.status, error.scim_type)
}

pub fn refused(before: &Object, operations: Value) -> Option<ScimType> {
    let (status, kind) = refusal(try_patch(&USER, before, operations));
    assert_eq!(status, 400);
    kind
}

pub fn rendered(resource: &ResourceType, document: &Object) -> Object {
    let meta = document::Meta {
        id: "2819c223-7f76-453a-919d-413861904646",
        created: 1_600_000_000_000_000,
        last_modified: 1_700_000_000_000_000,
        version: 7,
        base_url: BASE,
    };
    document::render(resource, document.clone(), &meta)
}

pub fn ids(document: &Object) -> Vec<String> {
    let members = document.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}
