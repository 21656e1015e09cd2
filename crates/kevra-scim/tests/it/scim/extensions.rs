//! A tenant's own schema extensions on the wire.

use serde_json::{Value, json};

use super::wire::{CORE_USER, Tenant};

const URN: &str = "urn:acme:params:scim:schemas:hr:1.0:User";

/// Inbound options with an extension of these attributes, or with none.
fn options(attributes: Option<Value>) -> Value {
    let extension = |attributes| json!({ "resource": "User", "schema": { "id": URN, "attributes": attributes } });
    json!({ "requests_per_second": 10_000, "extensions": attributes.map(extension).into_iter().collect::<Vec<_>>() })
}

#[test]
fn an_extension_that_was_taken_out_is_shown_nowhere_and_is_there_when_it_comes_back() {
    let attributes = json!([{ "name": "floor", "type": "integer" }, { "name": "notes", "returned": "request" }]);
    let tenant = Tenant::with("taken-out", options(Some(attributes.clone())));
    let (path, name) = tenant.user(&json!({ URN: { "floor": 3, "notes": "canary" } }));
    assert_eq!(tenant.get(&path).body[URN], json!({ "floor": 3 }));
    tenant.options(&options(None));
    let found = json!({ "filter": format!("userName eq \"{name}\""), "attributes": [] });
    let patch = json!([{ "op": "replace", "path": "title", "value": "t" }]);
    for reply in [
        tenant.get(&path),
        tenant.get("/Users"),
        tenant.get("/Users?sortBy=title"),
        tenant.get(&format!("{path}?attributes=title,{URN}:notes")),
        tenant.post("/Users/.search", &found),
        tenant.post("/.search", &found),
        tenant.patch(&path, &patch),
        tenant.put(&path, &json!({ "userName": name, "title": "u" })),
    ] {
        let text = reply.expect(200).text;
        assert!(text.contains(CORE_USER) && !text.contains(URN) && !text.contains("canary"), "{text}");
    }
    tenant.options(&options(Some(attributes)));
    let back = tenant.get(&format!("{path}?attributes={URN}:floor,{URN}:notes")).expect(200);
    assert_eq!(back.body[URN], json!({ "floor": 3, "notes": "canary" }));
}
