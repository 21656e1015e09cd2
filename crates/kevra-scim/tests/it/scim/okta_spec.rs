//! Okta's published SPEC test, request by request, and its import (reference section 3.1).

use serde_json::{Value, json};
use testkit::unique;

use super::wire::{CORE_USER, Reply, Tenant};

fn spec(tenant: &Tenant, method: &str, path: &str, body: Option<&Value>) -> Reply {
    let request = tenant.request(method, path).header("accept", "application/scim+json; charset=utf-8");
    let request = request.header("content-type", "application/json").header("user-agent", "Okta SCIM Client 1.0.0");
    let request = match body {
        Some(body) => request.body(body.to_string()),
        None => request,
    };
    Reply::of(request.send().unwrap())
}

#[test]
fn the_published_spec_test_passes() {
    let tenant = Tenant::new("okta-spec");
    let name = format!("{}@acme.test", unique("first"));
    tenant.user(&json!({ "name": { "givenName": "A", "familyName": "B" }, "emails": [{ "value": name, "type": "work", "primary": true }] }));
    let list = spec(&tenant, "GET", "/Users?count=1&startIndex=1", None).expect(200);
    assert_eq!(list.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    assert_eq!((&list.body["itemsPerPage"], &list.body["startIndex"], list.total()), (&json!(1), &json!(1), 1));
    let first = &list.body["Resources"][0];
    assert!(first["id"].is_string() && first["userName"].is_string() && first["active"].is_boolean());
    assert!(first["name"]["givenName"].is_string() && first["emails"][0]["value"].is_string());
    let one = spec(&tenant, "GET", &format!("/Users/{}", first["id"].as_str().unwrap()), None).expect(200);
    assert_eq!(one.body, *first);
    let random = unique("random");
    let absent = format!("/Users?filter=userName%20eq%20%22{random}%22");
    assert_eq!(spec(&tenant, "GET", &absent, None).expect(200).total(), 0);
    spec(&tenant, "GET", &format!("/Users/{random}"), None).refused(404, None);
    let body = json!({ "schemas": [CORE_USER], "userName": format!("{random}@Example.com"), "name": { "givenName": "G", "familyName": "F" },
        "emails": [{ "primary": true, "value": "e@example.com", "type": "work" }], "displayName": "G F", "active": true });
    let made = spec(&tenant, "POST", "/Users", Some(&body)).expect(201);
    for name in ["userName", "name", "active", "schemas"] {
        assert_eq!(made.body[name], body[name]);
    }
    assert_eq!(spec(&tenant, "GET", &format!("/Users/{}", made.id()), None).expect(200).body, made.body);
    let refused = spec(&tenant, "POST", "/Users", Some(&body)).refused(409, Some("uniqueness"));
    assert_eq!(refused.header("content-type"), Some("application/scim+json"));
    let shouted = format!("/Users?filter=userName%20eq%20%22{}%22", random.to_uppercase() + "@EXAMPLE.COM");
    assert_eq!(spec(&tenant, "GET", &shouted, None).expect(200).body["Resources"][0]["id"], made.id());
    spec(&tenant, "GET", "/Groups", None).expect(200);
    let wrong = tenant.bare("GET", "/Users?startIndex=1&count=1").header("authorization", "non-token");
    Reply::of(wrong.send().unwrap()).refused(401, None);
    spec(&tenant, "GET", "/Users/00919288221112222", None).refused(404, None);
}

#[test]
fn an_import_sees_everybody_once_and_in_the_same_order_every_time() {
    let tenant = Tenant::new("okta-import");
    let ids = tenant.users(23);
    let disabled = format!("/Users/{}", ids[7]);
    tenant.patch(&disabled, &json!([{ "op": "replace", "value": { "active": false } }])).expect(200);
    let walk = || {
        let (mut seen, mut start) = (Vec::new(), 1);
        loop {
            let page = tenant.get(&format!("/Users?count=10&startIndex={start}")).expect(200);
            let resources = page.body["Resources"].as_array().unwrap();
            assert_eq!(
                (page.total(), &page.body["itemsPerPage"], &page.body["startIndex"]),
                (23, &json!(resources.len()), &json!(start))
            );
            seen.extend(resources.iter().map(|user| user["id"].as_str().unwrap().to_owned()));
            start += resources.len();
            if seen.len() >= 23 {
                return seen;
            }
        }
    };
    assert_eq!(walk(), ids);
    tenant.patch(&format!("/Users/{}", ids[3]), &json!([{ "op": "add", "path": "title", "value": "t" }])).expect(200);
    assert_eq!(walk(), ids, "a change moves nobody");
}
