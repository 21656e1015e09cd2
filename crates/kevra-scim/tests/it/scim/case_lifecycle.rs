//! Lifecycles that broke real integrations: cases 40 to 51 of the reference's section 5, and those of PATCH that show only
//! on the wire.

use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::unique;

use super::wire::{CORE_USER, ENTERPRISE, Tenant, at_once};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("lifecycle"))
}

#[test]
fn case_25_one_bad_operation_leaves_nothing_half_done() {
    let (path, _) = tenant().user(&json!({ "title": "before" }));
    let ids = tenant().users(2);
    let (group, _) = tenant().group(&ids[..1]);
    let before = (tenant().get(&path).text, tenant().get(&group).text);
    let good = json!({ "op": "replace", "path": "title", "value": "after" });
    for bad in [
        json!({ "op": "remove", "path": "userName" }),
        json!({ "op": "frobnicate", "path": "title", "value": "x" }),
        json!({ "op": "add", "path": "title" }),
        json!({ "op": "replace", "path": "members", "value": [] }),
        json!({ "op": "replace", "path": "id", "value": "x" }),
        json!({ "op": "add", "path": "", "value": 5 }),
        json!({ "op": "replace", "path": "active", "value": "banana" }),
        json!({ "op": "remove" }),
        json!("x"),
        json!({}),
        json!({ "op": 5 }),
        json!({ "op": "replace", "path": "emails[type eq \"x\"]x", "value": "y" }),
        json!({ "op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z" }),
        json!({ "op": "replace", "path": "groups", "value": [] }),
    ] {
        let reply = tenant().patch(&path, &json!([good, bad]));
        assert_eq!(reply.status, 400, "{bad}: {}", reply.text);
    }
    for bad in [
        json!({ "op": "remove", "path": "displayName" }),
        json!({ "op": "add", "path": "members", "value": [{ "display": "x" }] }),
        json!({ "op": "add", "path": "userName", "value": "x" }),
    ] {
        let rename = json!({ "op": "replace", "path": "displayName", "value": unique("renamed") });
        let add = json!({ "op": "add", "path": "members", "value": [{ "value": ids[1] }] });
        let reply = tenant().patch(&group, &json!([rename, add, bad]));
        assert_eq!(reply.status, 400, "{bad}: {}", reply.text);
    }
    assert_eq!((tenant().get(&path).text, tenant().get(&group).text), before);
    let operations = vec![good; 1_001];
    tenant().patch(&path, &json!(operations)).refused(400, Some("tooMany"));
    tenant().patch(&path, &json!(operations[..1_000])).expect(200);
    for empty in [json!({ "Operations": [] }), json!({}), json!({ "Operations": {} }), json!({ "Operations": null })] {
        assert_eq!(tenant().send("PATCH", &path, &empty).status, 400, "{empty}");
    }
}

#[test]
fn paths_to_internals_lead_nowhere() {
    let (path, _) = tenant().user(&json!({}));
    let before = tenant().get(&path).text;
    for name in [
        "__proto__",
        "constructor",
        "__proto__.polluted",
        "realmRoles",
        "scimManaged",
        "attributes",
        "credentials",
        "enabled",
        "version",
        "write_epoch",
        "marker",
        "emailVerified",
        "requiredActions",
        "tenant_id",
        "..",
        "/active",
        "$.active",
        "active.x",
        "urn:x:y",
        "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
    ] {
        for (op, value) in [("add", json!("x")), ("replace", json!({ "a": 1 })), ("remove", Value::Null)] {
            tenant()
                .patch(&path, &json!([{ "op": op, "path": name, "value": value }]))
                .refused(400, Some("invalidPath"));
        }
        let reply = tenant().patch(&path, &json!([{ "op": "add", "value": { name: "x" } }]));
        assert!(reply.status == 200 || reply.status == 400, "{name}: {}", reply.text);
    }
    assert_eq!(tenant().get(&path).text, before);
}

#[test]
fn case_40_of_many_creates_at_once_one_wins() {
    let user = json!({ "userName": unique("twin") });
    let group = json!({ "displayName": unique("twin") });
    for (endpoint, body) in [("/Users", &user), ("/Groups", &group)] {
        let replies = at_once(20, |_| tenant().post(endpoint, body));
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
        replies
            .into_iter()
            .filter(|reply| reply.status != 201)
            .for_each(|reply| drop(reply.refused(409, Some("uniqueness"))));
    }
}

#[test]
fn cases_41_and_42_a_create_tried_again_is_409_and_overwrites_nothing() {
    let external = unique("ext");
    let (path, name) = tenant().user(&json!({ "externalId": external, "title": "first" }));
    let before = tenant().get(&path);
    tenant()
        .post("/Users", &json!({ "userName": name, "externalId": external, "title": "second", "active": false }))
        .refused(409, Some("uniqueness"));
    tenant()
        .post("/Users", &json!({ "userName": name.to_uppercase(), "title": "second" }))
        .refused(409, Some("uniqueness"));
    assert_eq!(tenant().get(&path).text, before.text);
    let (_, other) = tenant().user(&json!({}));
    tenant().put(&path, &json!({ "userName": other })).refused(409, Some("uniqueness"));
    tenant()
        .patch(&path, &json!([{ "op": "replace", "path": "userName", "value": other.to_uppercase() }]))
        .refused(409, Some("uniqueness"));
    assert_eq!(tenant().get(&path).text, before.text);
}

#[test]
fn a_create_of_a_disabled_user_tried_again_is_409_and_overwrites_nothing() {
    let external = unique("ext");
    let (path, name) = tenant().user(&json!({ "externalId": external, "title": "first", "active": false }));
    let before = tenant().get(&path);
    for again in [name, unique("other")] {
        tenant()
            .post("/Users", &json!({ "userName": again, "externalId": external, "title": "second", "active": false }))
            .refused(409, Some("uniqueness"));
    }
    assert_eq!(tenant().get(&path).text, before.text);
}

#[test]
fn case_45_who_was_disabled_comes_back_by_a_create_with_the_same_id() {
    let external = unique("ext");
    let (path, name) = tenant().user(&json!({ "externalId": external }));
    tenant().patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }])).expect(200);
    let replies = at_once(8, |_| tenant().post("/Users", &json!({ "userName": name, "externalId": external })));
    let back: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(back.len(), 1, "{:?}", replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
    assert_eq!((back[0].id(), &back[0].body["active"]), (&path["/Users/".len()..], &json!(true)));
    assert!(replies.iter().all(|reply| reply.status == 201 || reply.status == 409));
}

#[test]
fn case_46_what_was_deleted_can_be_created_again_under_a_new_id() {
    let external = unique("ext");
    let (path, name) = tenant().user(&json!({ "externalId": external }));
    tenant().delete(&path).expect(204);
    let made = tenant().post("/Users", &json!({ "userName": name, "externalId": external })).expect(201);
    assert_ne!(made.id(), &path["/Users/".len()..]);
    assert_eq!(tenant().find("/Users", &format!("userName eq \"{name}\"")).total(), 1);
    let (path, name) = tenant().group(&[]);
    tenant().delete(&path).expect(204);
    assert_ne!(format!("/Groups/{}", tenant().post("/Groups", &json!({ "displayName": name })).expect(201).id()), path);
}

#[test]
fn case_47_a_rename_is_the_same_user() {
    let (path, name) = tenant().user(&json!({}));
    let renamed = unique("renamed");
    tenant().patch(&path, &json!([{ "op": "Replace", "path": "userName", "value": renamed }])).expect(200);
    assert_eq!(tenant().get(&path).body["userName"], renamed);
    assert_eq!(
        (
            tenant().find("/Users", &format!("userName eq \"{name}\"")).total(),
            tenant().find("/Users", &format!("userName eq \"{renamed}\"")).total()
        ),
        (0, 1)
    );
    let shouted = renamed.to_uppercase();
    tenant().patch(&path, &json!([{ "op": "Replace", "path": "userName", "value": shouted }])).expect(200);
    assert_eq!(tenant().get(&path).body["userName"], shouted);
    // The name that was left is free.
    tenant().post("/Users", &json!({ "userName": name })).expect(201);
}

#[test]
fn case_48_every_answer_shows_a_user_the_same_way() {
    let (path, name) = tenant()
        .user(&json!({ "userName": format!("CaSe-{}", unique("Kept")), "emails": [{ "value": "A@Kept.Test" }] }));
    let read = tenant().get(&path);
    let list = tenant().find("/Users", &format!("userName eq \"{name}\""));
    let searched = tenant().post("/Users/.search", &json!({ "filter": format!("userName eq \"{name}\"") }));
    let quiet = tenant().patch(&path, &json!([{ "op": "add", "path": "active", "value": true }]));
    assert_eq!((&read.body["userName"], &read.body["emails"][0]["value"]), (&json!(name), &json!("A@Kept.Test")));
    for body in [&list.body["Resources"][0], &searched.body["Resources"][0], &quiet.body] {
        assert_eq!(*body, read.body);
    }
    assert_eq!(read.body["meta"]["created"], read.body["meta"]["lastModified"]);
}

#[test]
fn cases_49_and_50_a_put_clears_what_it_leaves_out_but_never_brings_back() {
    let (path, name) = tenant().user(&json!({ "title": "t", "nickName": "n", "emails": [{ "value": unique("mail") }], "active": false, "externalId": unique("e"),
        ENTERPRISE: { "department": "d" } }));
    let put = tenant().put(&path, &json!({ "userName": name, "nickName": null, "emails": [] })).expect(200);
    let keys: Vec<&String> = put.body.as_object().unwrap().keys().collect();
    assert_eq!(put.body["active"], false);
    assert_eq!(put.body["schemas"], json!([CORE_USER]));
    for gone in ["title", "nickName", "emails", "externalId", ENTERPRISE] {
        assert!(!keys.iter().any(|key| *key == gone), "{gone}");
    }
    tenant().put(&path, &json!({ "title": "t" })).refused(400, Some("invalidValue"));
    tenant().put(&format!("/Users/{}", uuid::Uuid::new_v4()), &json!({ "userName": unique("u") })).refused(404, None);
    assert_eq!(tenant().get(&path).text, put.text);
}

#[test]
fn case_51_a_client_chooses_no_id() {
    let (path, _) = tenant().user(&json!({ "title": "mine" }));
    let before = tenant().get(&path);
    for id in [json!(before.id()), json!("chosen"), json!(null), json!(5)] {
        for name in ["id", "ID"] {
            let made = tenant().post("/Users", &json!({ "userName": unique("u"), name: id })).expect(201);
            assert_ne!(json!(made.id()), id);
        }
    }
    assert_eq!(tenant().get(&path).text, before.text);
}

#[test]
fn case_53_a_placeholder_password_is_ignored() {
    let (path, _) = tenant().user(&json!({ "password": "canary-placeholder" }));
    assert!(!tenant().get(&path).text.contains("canary"));
    let put = tenant().put(&path, &json!({ "userName": unique("u"), "password": "canary-two" })).expect(200);
    assert!(!put.text.contains("canary") && !put.text.contains("password"));
}

#[test]
fn case_66_what_changes_nothing_moves_neither_version_nor_time() {
    let (path, name) = tenant()
        .user(&json!({ "title": "t", "emails": [{ "value": "a@quiet.test", "type": "work", "primary": true }] }));
    let ids = tenant().users(1);
    let (group, title) = tenant().group(&ids);
    let (user, team) = (tenant().get(&path), tenant().get(&group));
    for operation in [
        json!({ "op": "replace", "path": "title", "value": "t" }),
        json!({ "op": "add", "path": "emails", "value": { "value": "a@quiet.test", "type": "work", "primary": true } }),
        json!({ "op": "remove", "path": "nickName" }),
        json!({ "op": "replace", "value": { "active": true, "id": user.id(), "userName": name } }),
        json!({ "op": "Replace", "path": "active", "value": "True" }),
    ] {
        assert_eq!(tenant().patch(&path, &json!([operation])).expect(200).body, user.body, "{operation}");
    }
    assert_eq!(tenant().put(&path, &user.body).expect(200).body, user.body);
    for operation in [
        json!({ "op": "add", "path": "members", "value": [{ "value": ids[0] }] }),
        json!({ "op": "remove", "path": "members[value eq \"none\"]" }),
        json!({ "op": "replace", "path": "members", "value": [{ "value": ids[0] }] }),
        json!({ "op": "replace", "value": { "displayName": title } }),
    ] {
        assert_eq!(tenant().patch(&group, &json!([operation])).expect(200).body, team.body, "{operation}");
    }
    assert_eq!(tenant().put(&group, &team.body).expect(200).body, team.body);
    let changed = tenant().patch(&path, &json!([{ "op": "replace", "path": "title", "value": "u" }])).expect(200);
    assert_ne!(changed.version(), user.version());
    assert!(changed.body["meta"]["lastModified"].as_str() > user.body["meta"]["lastModified"].as_str());
}
