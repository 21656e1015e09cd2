//! HTTP that broke real integrations: cases 54 to 65 of the reference's section 5, as far as no module of its own has them.

use std::sync::OnceLock;

use serde_json::json;
use testkit::unique;

use super::wire::{CORE_USER, ENTERPRISE, Tenant};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("http"))
}

#[test]
fn case_57_members_nobody_knows_are_skipped_and_the_rest_is_kept() {
    let ids = tenant().users(2);
    let (group, _) = tenant().group(&[ids[0].clone(), uuid::Uuid::new_v4().to_string(), "not-an-id".to_owned()]);
    assert_eq!(tenant().get(&group).values("members"), ids[..1]);
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": uuid::Uuid::new_v4() }, { "value": ids[1] }, { "value": "x" }] }]);
    assert_eq!(tenant().patch(&group, &add).expect(200).values("members"), ids);
}

#[test]
fn case_58_a_nested_group_is_a_member_and_a_circle_is_refused() {
    let (inner, _) = tenant().group(&[]);
    let id = inner["/Groups/".len()..].to_owned();
    let (outer, _) = tenant().group(std::slice::from_ref(&id));
    let member = &tenant().get(&outer).body["members"][0];
    assert_eq!((&member["value"], &member["type"]), (&json!(id), &json!("Group")));
    assert_eq!(member["$ref"], format!("{}{inner}", tenant().base));
    let outer_id = &outer["/Groups/".len()..];
    for operation in [
        json!({ "op": "add", "path": "members", "value": [{ "value": outer_id }] }),
        json!({ "op": "replace", "path": "members", "value": [{ "value": id }] }),
    ] {
        tenant().patch(&inner, &json!([operation])).refused(400, Some("invalidValue"));
    }
    tenant()
        .put(&inner, &json!({ "displayName": unique("g"), "members": [{ "value": outer_id }] }))
        .refused(400, Some("invalidValue"));
    assert!(tenant().get(&inner).values("members").is_empty());
}

#[test]
fn case_60_a_location_is_absolute_and_can_be_followed() {
    let (path, _) = tenant().user(&json!({}));
    let (group, _) = tenant().group(&[path["/Users/".len()..].to_owned()]);
    let (user, team) = (tenant().get(&path), tenant().get(&group));
    for (reply, path) in [(&user, &path), (&team, &group)] {
        assert_eq!(reply.body["meta"]["location"], format!("{}{path}", tenant().base));
    }
    assert_eq!(team.body["members"][0]["$ref"], user.body["meta"]["location"]);
    assert_eq!(user.body["groups"][0]["$ref"], team.body["meta"]["location"]);
}

#[test]
fn case_63_an_emptied_extension_leaves_with_its_urn() {
    let (path, _) = tenant().user(&json!({ ENTERPRISE: { "department": "d" }, "schemas": [CORE_USER] }));
    assert_eq!(
        tenant().get(&path).body["schemas"],
        json!([CORE_USER, ENTERPRISE]),
        "an extension that is there is named"
    );
    let emptied =
        tenant().patch(&path, &json!([{ "op": "remove", "path": format!("{ENTERPRISE}:department") }])).expect(200);
    assert_eq!(emptied.body["schemas"], json!([CORE_USER]));
    assert!(emptied.body.get(ENTERPRISE).is_none());
    let made = tenant()
        .post("/Users", &json!({ "userName": unique("u"), "schemas": [CORE_USER, ENTERPRISE], ENTERPRISE: {} }))
        .expect(201);
    assert!(made.body.get(ENTERPRISE).is_none());
    assert_eq!(made.body["schemas"], json!([CORE_USER]));
}

#[test]
fn case_65_nulls_strangers_and_mistyped_schemas_are_ignored() {
    for schemas in [
        json!([]),
        json!(null),
        json!(["urn:nothing"]),
        json!(["urn:ietf:params:scim:schemas:core:2.0:Group"]),
        json!([CORE_USER, CORE_USER]),
        json!(["URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER"]),
    ] {
        let body = json!({ "SCHEMAS": schemas, "USERNAME": unique("u"), "title": null, "unknown": { "deep": [1, null] }, "urn:x:y": { "z": 1 }, "NAME": { "GIVENNAME": "G" } });
        let made = tenant().post("/Users", &body).expect(201);
        assert_eq!(made.body["schemas"], json!([CORE_USER]));
        assert_eq!(made.body["name"], json!({ "givenName": "G" }));
        assert!(made.body.get("unknown").is_none() && made.body.get("title").is_none());
    }
}

#[test]
fn a_projection_is_honoured_wherever_a_resource_comes_back() {
    let name = unique("shown");
    let body = json!({ "userName": name, "title": "t", "name": { "givenName": "G", "familyName": "F" }, "emails": [{ "value": "a@b.test", "type": "work" }],
        ENTERPRISE: { "department": "d", "division": "v" } });
    let only = |body: &serde_json::Value| body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let made = tenant().post("/Users?attributes=userName", &body).expect(201);
    assert_eq!(only(&made.body), ["schemas", "id", "userName"]);
    assert!(made.header("location").is_some() && made.header("etag").is_some());
    let path = format!("/Users/{}", made.id());
    let patch = json!({ "Operations": [{ "op": "replace", "path": "title", "value": "x" }] });
    for reply in [
        tenant().put(&format!("{path}?attributes=username"), &body),
        tenant().send("PATCH", &format!("{path}?ATTRIBUTES=userName"), &patch),
        tenant().get(&format!("{path}?attributes=userName,nothing")),
    ] {
        assert_eq!(only(&reply.expect(200).body), ["schemas", "id", "userName"]);
    }
    for (query, expected) in [
        ("attributes=name.givenName", json!({ "name": { "givenName": "G" } })),
        ("attributes=emails.value", json!({ "emails": [{ "value": "a@b.test" }] })),
        (&format!("attributes={ENTERPRISE}:department"), json!({ ENTERPRISE: { "department": "d" } })),
        (&format!("attributes={ENTERPRISE}"), json!({ ENTERPRISE: { "department": "d", "division": "v" } })),
        ("attributes=nothing", json!({})),
        ("attributes=password", json!({})),
    ] {
        let mut shown = tenant().get(&format!("{path}?{query}")).expect(200).body;
        let shown = shown.as_object_mut().unwrap();
        assert!(shown.shift_remove("schemas").is_some() && shown.shift_remove("id").is_some(), "{query}");
        assert_eq!(json!(shown), expected, "{query}");
    }
    let excluded = tenant()
        .get(&format!("{path}?excludedAttributes=id,schemas,name.familyName,emails,{ENTERPRISE}"))
        .expect(200)
        .body;
    assert!(
        excluded["id"].is_string()
            && excluded["schemas"].is_array()
            && excluded.get("emails").is_none()
            && excluded.get(ENTERPRISE).is_none()
    );
    assert_eq!(excluded["name"], json!({ "givenName": "G" }));
    let both = tenant().get(&format!("{path}?attributes=userName&excludedAttributes=userName"));
    assert!(both.status == 200 || both.status == 400, "{}", both.text);
}

#[test]
fn primary_is_true_once() {
    let (path, _) = tenant().user(&json!({ "emails": [{ "value": unique("mail"), "type": "work", "primary": true }, { "value": "c@d.test", "type": "home" }] }));
    let body = tenant()
        .patch(&path, &json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }]))
        .expect(200)
        .body;
    let primary: Vec<bool> = body["emails"].as_array().unwrap().iter().map(|email| email["primary"] == true).collect();
    assert_eq!(primary, [false, true]);
    let twice = json!({ "userName": unique("u"), "emails": [{ "value": unique("a"), "primary": true }, { "value": "b", "primary": "True" }] });
    let reply = tenant().post("/Users", &twice);
    assert!(
        reply.status == 400
            || reply.body["emails"].as_array().unwrap().iter().filter(|email| email["primary"] == true).count() == 1
    );
}
