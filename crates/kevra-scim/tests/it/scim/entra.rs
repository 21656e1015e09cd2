//! Microsoft Entra ID as it behaves: connection test, queries, creates, lifecycle, groups (reference section 3.2).

use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::unique;

use super::wire::{ENTERPRISE, Reply, Tenant};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::with("entra", json!({ "idp_profile": "entra" })))
}

#[test]
fn a_connection_test_is_200_and_an_empty_list() {
    let stranger = uuid::Uuid::new_v4();
    for query in [
        format!("/Users?filter=userName+eq+%22{stranger}%22"),
        format!("/Users?filter=externalId+eq+%22{stranger}%22"),
        format!("/Users?filter=emails[type+eq+%22work%22].value+eq+%22{stranger}%22"),
        format!("/Users?filter=emails%5Btype%20eq%20%22work%22%5D.value%20eq%20%22{stranger}%22"),
        format!("/Groups?excludedAttributes=members&filter=displayName+eq+%22{stranger}%22"),
        format!("/Groups?filter=externalId+eq+%22{stranger}%22&excludedAttributes=members"),
        format!("/Users?aadOptscim062020&filter=userName+eq+%22{stranger}%22"),
    ] {
        let reply = tenant().get(&query).expect(200);
        assert_eq!(reply.header("content-type"), Some("application/scim+json"));
        assert_eq!((reply.total(), &reply.body["Resources"]), (0, &json!([])), "{query}");
        assert_eq!(reply.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    }
}

#[test]
fn an_unquoted_value_never_lists_everybody() {
    tenant().user(&json!({ "externalId": unique("jyoung") }));
    for filter in ["externalId+eq+jyoung", "userName+eq+jyoung", "displayName+eq+jyoung"] {
        let reply = tenant().get(&format!("/Users?filter={filter}"));
        if reply.status == 200 {
            assert_eq!(reply.total(), 0);
        } else {
            reply.refused(400, Some("invalidFilter"));
        }
    }
}

#[test]
fn matching_finds_by_each_attribute_and_by_two_at_once() {
    let external = unique("ext");
    let (path, name) = tenant().user(&json!({ "externalId": external,
        "emails": [{ "type": "work", "value": format!("{external}@work.test") }, { "type": "home", "value": "h@x.test" }] }));
    let id = path.rsplit('/').next().unwrap();
    for (filter, total) in [
        (format!("userName eq \"{}\"", name.to_uppercase()), 1),
        (format!("externalId eq \"{external}\""), 1),
        (format!("externalId eq \"{}\"", external.to_uppercase()), 0),
        (format!("emails[type eq \"work\"].value eq \"{external}@WORK.test\""), 1),
        (format!("emails[type eq \"home\"].value eq \"{external}@work.test\""), 0),
        (format!("userName eq \"{name}\" and externalId eq \"{external}\""), 1),
        (format!("userName eq \"{name}\" and externalId eq \"other\""), 0),
        (format!("(active eq true) and id eq \"{id}\""), 1),
        (format!("(ActiVe eq true) and meta.lastmodified ge \"2021-09-23T19:35:41.8420572Z\" and id eq \"{id}\""), 1),
        (format!("meta.lastModified ge \"2099-09-23T19:35:41.8420572Z\" and id eq \"{id}\""), 0),
    ] {
        let found = tenant().find("/Users", &filter).expect(200);
        assert_eq!(found.total(), total, "{filter}");
    }
}

#[test]
fn references_are_checked_before_an_update() {
    let ids = tenant().users(3);
    let manager = json!({ ENTERPRISE: { "manager": { "value": ids[0] } } });
    let (path, _) = tenant().user(&manager);
    let id = path.rsplit('/').next().unwrap();
    let (group, _) = tenant().group(&ids[..2]);
    let gid = group.rsplit('/').next().unwrap();
    for (endpoint, whom, attribute, right, wrong) in
        [("/Users", id, "manager", &ids[0], &ids[1]), ("/Groups", gid, "members", &ids[1], &ids[2])]
    {
        for (value, total) in [(right, 1), (wrong, 0)] {
            let query = format!("{endpoint}?filter=id+eq+%22{whom}%22+and+{attribute}+eq+%22{value}%22&attributes=id");
            let reply = tenant().get(&query).expect(200);
            assert_eq!(reply.total(), total, "{query}");
            if total == 1 {
                let found = reply.body["Resources"][0].as_object().unwrap();
                assert_eq!(found["id"], whom);
                assert_eq!(found.keys().collect::<Vec<_>>(), ["schemas", "id"]);
            }
        }
    }
}

#[test]
fn a_create_with_nulls_and_strangers_is_taken_for_what_it_says() {
    let (name, external) = (unique("create"), unique("ext"));
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, "urn:mistyped:User"],
        "externalId": external, "userName": name, "active": true, "addresses": null, "displayName": "Ada", "emails":
        [{ "primary": true, "type": "work", "value": "ada@acme.test" }], "meta": { "resourceType": "User" },
        "name": { "formatted": "Ada L", "familyName": "L", "givenName": null }, "roles": [], "title": null, "department": null,
        "manager": null, "phoneNumbers": null, "groups": null, "unknownThing": { "a": [1] },
        ENTERPRISE: { "department": null, "manager": null },
        "urn:ietf:params:scim:schemas:extension:Custom:2.0:User": { "tag": "x" }
    });
    let made = tenant().post("/Users", &body).expect(201);
    let keys: Vec<&str> = made.body.as_object().unwrap().keys().map(String::as_str).collect();
    for absent in
        ["addresses", "roles", "title", "department", "manager", "phoneNumbers", "groups", "unknownThing", ENTERPRISE]
    {
        assert!(!keys.contains(&absent), "{absent}: {keys:?}");
    }
    assert_eq!(made.body["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:User"]));
    assert_eq!(made.body["name"], json!({ "formatted": "Ada L", "familyName": "L" }));
    assert!(!made.text.contains("null"), "{}", made.text);
    assert_eq!(tenant().get(&format!("/Users/{}", made.id())).expect(200).body, made.body);
    tenant().post("/Users", &body).refused(409, Some("uniqueness"));
}

#[test]
fn a_group_with_microsofts_own_schema_is_a_group() {
    let (name, external) = (unique("team"), unique("ext"));
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": external, "displayName": name, "meta": { "resourceType": "Group" }
    });
    let made = tenant().post("/Groups", &body).expect(201);
    assert_eq!(made.body["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:Group"]));
    tenant().post("/Groups", &body).refused(409, Some("uniqueness"));
    let (path, ids) = (format!("/Groups/{}", made.id()), tenant().users(2));
    let value = json!([{ "$ref": null, "value": ids[0] }, { "$ref": null, "value": ids[1] }]);
    let added = tenant().patch(&path, &json!([{ "op": "Add", "path": "members", "value": value }])).expect(200);
    assert_eq!(added.values("members"), ids);
    for query in [
        format!("{path}?excludedAttributes=members"),
        format!("/Groups?excludedAttributes=members&filter=externalId+eq+%22{external}%22"),
    ] {
        let reply = tenant().get(&query).expect(200);
        assert!(!reply.text.contains("members"), "{}", reply.text);
    }
    let removed = tenant()
        .patch(&path, &json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": ids[0] }] }]));
    assert_eq!(removed.expect(200).values("members"), ids[1..]);
    assert_eq!(tenant().get(&path).values("members"), ids[1..]);
}

#[test]
fn a_disable_keeps_memberships_and_a_restore_the_id() {
    let (path, name) = tenant().user(&json!({}));
    let id = path["/Users/".len()..].to_owned();
    let (group, _) = tenant().group(std::slice::from_ref(&id));
    for (value, active) in [
        (json!("False"), false),
        (json!("True"), true),
        (json!(false), false),
        (json!("true"), true),
        (json!("false"), false),
    ] {
        let reply = tenant().patch(&path, &json!([{ "op": "Replace", "path": "active", "value": value }])).expect(200);
        assert_eq!(reply.body["active"], active);
        assert_eq!(tenant().get(&path).expect(200).body["active"], active);
        let found = tenant().find("/Users", &format!("userName eq \"{name}\""));
        assert_eq!((found.total(), &found.body["Resources"][0]["active"]), (1, &json!(active)));
        assert_eq!(tenant().get(&group).values("members"), [id.as_str()]);
    }
    tenant().delete(&path).expect(204);
    tenant().get(&path).refused(404, None);
    assert_eq!(tenant().find("/Users", &format!("userName eq \"{name}\"")).total(), 0);
    assert!(tenant().get(&group).values("members").is_empty());
}

#[test]
fn deleting_what_never_was_or_is_no_more_is_404() {
    for (path, endpoint) in [(tenant().user(&json!({})).0, "/Users"), (tenant().group(&[]).0, "/Groups")] {
        tenant().delete(&format!("{endpoint}/{}", uuid::Uuid::new_v4())).refused(404, None);
        let gone = tenant().delete(&path).expect(204);
        assert!(gone.text.is_empty() && gone.header("content-type").is_none());
        tenant().delete(&path).refused(404, None);
        tenant().patch(&path, &json!([{ "op": "add", "path": "displayName", "value": "x" }])).refused(404, None);
        tenant().put(&path, &json!({ "userName": unique("u"), "displayName": unique("g") })).refused(404, None);
    }
}

#[test]
fn a_replace_that_matches_nothing_creates_for_entra_and_for_nobody_else() {
    let others: Vec<Tenant> =
        ["auto", "okta", "generic"].map(|profile| Tenant::with("profile", json!({ "idp_profile": profile }))).into();
    let replace = json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "w@acme.test" }]);
    for other in &others {
        let (path, _) = other.user(&json!({ "emails": [{ "type": "home", "value": "h@acme.test" }] }));
        other.patch(&path, &replace).refused(400, Some("noTarget"));
        assert_eq!(other.get(&path).values("emails"), ["h@acme.test"]);
    }
    let (path, _) = tenant().user(&json!({ "emails": [{ "type": "home", "value": "h@acme.test" }] }));
    assert_eq!(tenant().patch(&path, &replace).expect(200).values("emails"), ["h@acme.test", "w@acme.test"]);
}

#[test]
fn schemas_are_read_on_save() {
    let schemas = tenant().get("/Schemas").expect(200);
    assert!(schemas.total() >= 3 && !schemas.text.contains("null"));
    let ids: Vec<&Value> = schemas.body["Resources"].as_array().unwrap().iter().map(|schema| &schema["id"]).collect();
    for urn in ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:Group", ENTERPRISE]
    {
        assert!(ids.contains(&&json!(urn)), "{urn}");
        let encoded = urn.replace(':', "%3A");
        assert_eq!(
            tenant().get(&format!("/Schemas/{encoded}")).expect(200).body,
            tenant().get(&format!("/Schemas/{urn}")).body
        );
    }
}

#[test]
fn a_tenant_that_did_not_say_knows_entra_by_its_client() {
    let tenant = Tenant::new("auto");
    let (path, _) = tenant.user(&json!({}));
    let mobile = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        { "op": "Replace", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1" },
        { "op": "Replace", "path": "active", "value": "False" },
    ] });
    let sent = |agent: &str| {
        let request = tenant.request("PATCH", &path).header("user-agent", agent);
        Reply::of(request.header("content-type", "application/scim+json").body(mobile.to_string()).send().unwrap())
    };
    sent("SailPoint/1").refused(400, Some("noTarget"));
    let off = sent("Azure-AD-Provisioning/1.0").expect(200);
    assert_eq!(off.body["active"], false);
    assert_eq!(off.body["phoneNumbers"], json!([{ "type": "mobile", "value": "1" }]));
}

#[test]
fn a_mail_name_that_passed_from_a_leaver_to_a_newcomer_makes_no_one_person_of_them() {
    let external = unique("jsmith");
    let (leaver, name) = tenant().user(&json!({ "externalId": external }));
    tenant().patch(&leaver, &json!([{ "op": "Replace", "path": "active", "value": "False" }])).expect(200);
    let newcomer = json!({ "userName": unique("john.smith"), "externalId": external });
    tenant().post("/Users", &newcomer).refused(409, Some("uniqueness"));
    assert_eq!(tenant().get(&leaver).body["active"], false);
    // The leaver alone returns.
    let back =
        tenant().post("/Users", &json!({ "userName": name, "externalId": external, "active": true })).expect(201);
    assert!(leaver.ends_with(back.id()));
}
