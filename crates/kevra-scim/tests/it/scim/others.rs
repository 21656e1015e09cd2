//! OneLogin, JumpCloud, Ping, Rippling, SailPoint, Google as they behave (reference section 3.3).

use std::sync::OnceLock;

use serde_json::json;
use testkit::unique;

use super::wire::{ENTERPRISE, Reply, Tenant};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("others"))
}

#[test]
fn onelogin_takes_plain_json_and_sends_its_template() {
    let stranger = unique("nobody");
    let probe = tenant()
        .request("GET", &format!("/Users?filter=userName%20eq%20%22{stranger}%22"))
        .header("accept", "application/json");
    let probe = Reply::of(probe.send().unwrap()).expect(200);
    assert_eq!((probe.total(), probe.header("content-type")), (0, Some("application/json")));
    let manager = unique("boss");
    let body = json!({
        "schemas": ["urn:scim:schemas:core:1.0", "urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE], "id": null,
        "userName": unique("one"), "active": "true", "name": { "givenName": "O", "familyName": "L", "formatted": "O L" },
        "emails": [{ "value": "o@acme.test", "type": "work", "primary": true }], ENTERPRISE: { "manager": { "managerId": manager, "displayName": "B" } }
    });
    let request = tenant()
        .request("POST", "/Users")
        .header("accept", "application/json")
        .header("content-type", "application/json");
    let made = Reply::of(request.body(body.to_string()).send().unwrap()).expect(201);
    assert_eq!((&made.body["active"], made.header("content-type")), (&json!(true), Some("application/json")));
    let path = format!("/Users/{}", made.id());
    let mut whole = made.body.clone();
    whole["active"] = json!("false");
    assert_eq!(tenant().put(&path, &whole).expect(200).body["active"], false);
    let (group, _) = tenant().group(&[]);
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": made.id() }] }]);
    assert_eq!(tenant().patch(&group, &add).expect(200).values("members"), [made.id()]);
    tenant().delete(&path).expect(204);
}

#[test]
fn jumpcloud_makes_a_test_user_and_a_test_group_and_takes_them_away() {
    let (user, name) = tenant().user(&json!({ "name": { "givenName": "Test", "familyName": "User" } }));
    let id = user["/Users/".len()..].to_owned();
    let (group, _) = tenant().group(&[]);
    assert_eq!(tenant().find("/Users", &format!("userName eq \"{name}\"")).total(), 1);
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
    assert_eq!(tenant().patch(&group, &add).expect(200).values("members"), [id.as_str()]);
    for remove in [
        json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]),
        json!([{ "op": "remove", "path": "members", "value": [{ "value": id }] }]),
        json!([{ "op": "remove", "path": format!("members[value eq\"{id}\"]") }]),
    ] {
        tenant().patch(&group, &add).expect(200);
        tenant().patch(&group, &remove).expect(200);
        assert!(tenant().get(&group).values("members").is_empty(), "{remove}");
    }
    tenant().delete(&group).expect(204);
    tenant().delete(&user).expect(204);
    tenant().get(&user).refused(404, None);
}

#[test]
fn ping_asks_in_its_own_spelling() {
    let mail = format!("{}@ping.test", unique("mail"));
    let (path, name) = tenant().user(&json!({ "emails": [{ "value": mail, "type": "work", "primary": true }] }));
    for filter in [
        format!("username Eq \"{name}\""),
        format!("userName eq \"{name}\""),
        format!("emails eq \"{mail}\""),
        format!("emails.value eq \"{mail}\""),
    ] {
        let found = tenant().find("/Users", &filter).expect(200);
        assert_eq!(found.total(), 1, "{filter}");
        assert_eq!(found.body["Resources"][0]["id"], path["/Users/".len()..], "{filter}");
    }
    let (group, name) = tenant().group(&tenant().users(1));
    let others = tenant().users(2);
    let members: Vec<_> = others.iter().map(|id| json!({ "value": id })).collect();
    let put = tenant().put(&group, &json!({ "displayName": name, "members": members })).expect(200);
    assert_eq!(put.values("members"), others);
}

#[test]
fn rippling_probes_and_tries_a_create_again() {
    tenant().get("/ServiceProviderConfig").expect(200);
    let external = unique("rippling");
    let body = json!({ "userName": unique("r"), "externalId": external, "active": true });
    tenant().post("/Users", &body).expect(201);
    tenant().post("/Users", &body).refused(409, Some("uniqueness"));
    let mut renamed = body;
    renamed["userName"] = json!(unique("r"));
    tenant().post("/Users", &renamed).refused(409, Some("uniqueness"));
    assert_eq!(tenant().find("/Users", &format!("externalId eq \"{external}\"")).total(), 1);
}

#[test]
fn sailpoint_reads_every_document_of_discovery() {
    let config = tenant().get("/ServiceProviderConfig").expect(200).body;
    for feature in ["patch", "bulk", "filter", "sort", "etag"] {
        assert_eq!(config[feature]["supported"], true, "{feature}");
    }
    assert_eq!(config["changePassword"]["supported"], false);
    assert_eq!(
        (&config["bulk"]["maxOperations"], &config["bulk"]["maxPayloadSize"], &config["filter"]["maxResults"]),
        (&json!(1_000), &json!(1_048_576), &json!(1_000))
    );
    assert_eq!(
        (
            &config["pagination"]["cursor"],
            &config["pagination"]["index"],
            &config["pagination"]["defaultPaginationMethod"]
        ),
        (&json!(true), &json!(true), &json!("index"))
    );
    assert!(config["authenticationSchemes"].as_array().is_some_and(|schemes| !schemes.is_empty()));
    tenant().get("/ServiceProviderConfig?filter=id+pr").refused(403, None);
    for list in ["/ResourceTypes", "/Schemas"] {
        let reply = tenant().get(list).expect(200);
        let resources = reply.body["Resources"].as_array().unwrap();
        assert_eq!(reply.total(), resources.len() as u64);
        assert_eq!(
            tenant().get(&format!("{list}?startIndex=2&count=1&sortBy=id")).body,
            reply.body,
            "paging is ignored"
        );
        tenant().get(&format!("{list}?filter=id+pr")).refused(403, None);
        for one in resources {
            let location = one["meta"]["location"].as_str().unwrap();
            assert_eq!(tenant().get(&location[tenant().base.len()..]).expect(200).body, *one);
        }
    }
    for (name, extensions) in [("User", 1), ("Group", 0)] {
        let kind = tenant().get(&format!("/ResourceTypes/{name}")).expect(200).body;
        assert_eq!((&kind["name"], &kind["endpoint"]), (&json!(name), &json!(format!("/{name}s"))));
        assert_eq!(kind["schemaExtensions"].as_array().map_or(0, Vec::len), extensions);
    }
}

#[test]
fn google_lists_one_and_speaks_the_plain_rfc() {
    let reply = tenant().get("/Users?count=1").expect(200);
    assert!(reply.body["Resources"].as_array().unwrap().len() <= 1);
    let (path, _) = tenant().user(&json!({ "name": { "givenName": "G", "familyName": "W" } }));
    tenant().patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }])).expect(200);
    tenant().delete(&path).expect(204);
}

#[test]
fn authentik_and_keycloak_plugins_patch_whole_lists_and_remove_by_value() {
    let ids = tenant().users(3);
    let (group, _) = tenant().group(&ids[..2]);
    let bare = json!([{ "op": "remove", "path": "members", "value": { "value": ids[0] } }]);
    assert_eq!(tenant().patch(&group, &bare).expect(200).values("members"), ids[1..2]);
    let whole: Vec<_> = ids.iter().map(|id| json!({ "value": id, "$ref": null })).collect();
    let replaced = tenant().patch(&group, &json!([{ "op": "replace", "value": { "members": whole } }])).expect(200);
    assert_eq!(replaced.values("members").len(), 3);
    let pathless = json!([{ "op": "add", "value": { "members": [{ "value": ids[0] }] } }]);
    assert_eq!(tenant().patch(&group, &pathless).expect(200).values("members").len(), 3);
}

#[test]
fn an_empty_external_id_is_none_and_is_nobodys() {
    let tenant = Tenant::new("blank");
    for (endpoint, named) in [("/Users", "userName"), ("/Groups", "displayName")] {
        let made: Vec<Reply> = (0..2)
            .map(|_| tenant.post(endpoint, &json!({ named: unique("blank"), "externalId": "" })).expect(201))
            .collect();
        for one in &made {
            let path = format!("{endpoint}/{}", one.id());
            tenant.put(&path, &json!({ named: unique("blank"), "externalId": "" })).expect(200);
            tenant.patch(&path, &json!([{ "op": "replace", "path": "externalId", "value": "" }])).expect(200);
        }
    }
}
