//! The two PATCH dialects of Microsoft Entra ID, and everything its validator sends (reference section 3.2).

use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::unique;

use super::wire::{ENTERPRISE, Tenant};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::with("entra-dialects", json!({ "idp_profile": "entra" })))
}

fn full() -> (String, String) {
    tenant().user(&json!({
        "displayName": "Ada", "nickName": "A", "name": { "givenName": "Ada", "familyName": "Lovelace", "middleName": "K" },
        "emails": [{ "type": "work", "value": format!("{}@work.test", unique("mail")), "primary": true }, { "type": "home", "value": "h@acme.test" }],
        ENTERPRISE: { "department": "Engines", "employeeNumber": "1" }
    }))
}

#[test]
fn the_default_dialect_does_several_things_in_one_request() {
    let (path, _) = full();
    let operations = json!([
        { "op": "Replace", "path": "active", "value": "False" },
        { "op": "Add", "path": "nickName", "value": "Babs" },
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "n@example.com" },
        { "op": "Replace", "path": format!("{ENTERPRISE}:employeeNumber"), "value": "Eq" },
        { "op": "Add", "path": "externalId", "value": unique("ext") },
        { "op": "Replace", "path": "name.givenName", "value": "Augusta" },
        { "op": "Remove", "path": "name.middleName", "value": "K" },
    ]);
    let body = tenant().patch(&path, &operations).expect(200).body;
    assert_eq!((&body["active"], &body["nickName"]), (&json!(false), &json!("Babs")));
    assert_eq!(body["emails"][0], json!({ "type": "work", "value": "n@example.com", "primary": true }));
    assert_eq!(body["emails"][1], json!({ "type": "home", "value": "h@acme.test" }));
    assert_eq!(body[ENTERPRISE], json!({ "department": "Engines", "employeeNumber": "Eq" }));
    assert_eq!(body["name"], json!({ "givenName": "Augusta", "familyName": "Lovelace" }));
    assert_eq!(tenant().get(&path).body, body);
}

#[test]
fn a_remove_with_a_value_removes_and_never_sets() {
    let (path, _) = full();
    let operation = json!([{ "op": "Remove", "path": "emails[type eq \"work\"].value", "value": "n@example.com" }]);
    let body = tenant().patch(&path, &operation).expect(200).body;
    assert!(!body.to_string().contains("n@example.com") && !body.to_string().contains("@work.test"), "{body}");
    assert!(body.to_string().contains("h@acme.test"));
}

#[test]
fn the_2020_dialect_sends_dotted_and_qualified_keys() {
    for op in ["add", "replace"] {
        let (path, _) = full();
        let value = json!({ "displayName": "Bjfe", "name.givenName": "Kkom", "name.familyName": "Unua", "active": false,
            format!("{ENTERPRISE}:employeeNumber"): "Aklq" });
        let body = tenant().patch(&path, &json!([{ "op": op, "value": value }])).expect(200).body;
        assert_eq!(body["name"], json!({ "givenName": "Kkom", "familyName": "Unua", "middleName": "K" }));
        assert_eq!(body[ENTERPRISE], json!({ "department": "Engines", "employeeNumber": "Aklq" }));
        assert_eq!((&body["active"], &body["displayName"]), (&json!(false), &json!("Bjfe")));
        assert!(body.as_object().unwrap().keys().all(|key| !key.contains('.') || key == ENTERPRISE), "{body}");
        assert_eq!(tenant().get(&path).body, body);
    }
}

#[test]
fn every_form_of_a_manager_is_one() {
    let manager = tenant().users(1).remove(0);
    let qualified = format!("{ENTERPRISE}:manager");
    let set: [Value; 9] = [
        json!({ "op": "Add", "path": qualified, "value": { "value": manager } }),
        json!({ "op": "Replace", "path": qualified, "value": manager }),
        json!({ "op": "Add", "path": "manager", "value": [{ "$ref": "http://example.test/Users/x", "value": manager }] }),
        json!({ "op": "Replace", "path": "manager", "value": manager }),
        json!({ "op": "Add", "path": format!("{ENTERPRISE}.manager"), "value": manager }),
        json!({ "op": "Add", "path": format!("{qualified}.value"), "value": manager }),
        json!({ "op": "add", "value": { format!("{ENTERPRISE}:manager"): manager } }),
        json!({ "op": "replace", "value": { ENTERPRISE: { "manager": { "value": manager } } } }),
        json!({ "op": "Add", "path": ENTERPRISE, "value": { "manager": manager } }),
    ];
    let clear: [Value; 4] = [
        json!({ "op": "Replace", "path": qualified, "value": "" }),
        json!({ "op": "Remove", "path": qualified }),
        json!({ "op": "Remove", "path": "manager" }),
        json!({ "op": "Replace", "path": qualified, "value": null }),
    ];
    let (path, _) = full();
    for (number, operation) in set.iter().enumerate() {
        let body = tenant().patch(&path, &json!([operation])).expect(200).body;
        assert_eq!(body[ENTERPRISE]["manager"]["value"], manager, "{operation}");
        assert_eq!(body[ENTERPRISE]["department"], "Engines", "{operation}");
        let body = tenant().patch(&path, &json!([clear[number % 4]])).expect(200).body;
        assert!(body[ENTERPRISE]["manager"].is_null(), "{}: {body}", clear[number % 4]);
    }
    let unknown = json!([{ "op": "Add", "path": qualified, "value": "nobody-we-know" }]);
    assert_eq!(tenant().patch(&path, &unknown).expect(200).body[ENTERPRISE]["manager"]["value"], "nobody-we-know");
}

#[test]
fn every_form_of_roles_comes_back_as_roles() {
    let (path, _) = full();
    let one = json!([
        { "op": "Add", "path": "roles[primary eq \"True\"].display", "value": "Role" },
        { "op": "Add", "path": "roles[primary eq \"True\"].value", "value": "25" },
    ]);
    let body = tenant().patch(&path, &one).expect(200).body;
    assert_eq!(body["roles"].as_array().unwrap().len(), 1, "{body}");
    let role = &body["roles"][0];
    assert_eq!((&role["primary"], &role["display"], &role["value"]), (&json!(true), &json!("Role"), &json!("25")));
    let text = json!("{\"id\":\"06b0\",\"value\":\"25\",\"displayName\":\"Role1234\"}");
    let body = tenant()
        .patch(&path, &json!([{ "op": "Replace", "path": "roles", "value": [{ "value": text }] }]))
        .expect(200)
        .body;
    assert_eq!(body["roles"].as_array().unwrap().len(), 1);
    let several = json!([{ "value": "a", "display": "A", "primary": "True" }, { "value": "b", "display": "B", "type": "WindowsAzureActiveDirectoryRole" }]);
    let body = tenant().patch(&path, &json!([{ "op": "replace", "path": "roles", "value": several }])).expect(200).body;
    assert_eq!((&body["roles"][0]["primary"], &body["roles"][1]["value"]), (&json!(true), &json!("b")));
    let (path, _) = tenant().user(&json!({ "roles": [{ "primary": "True", "value": "x" }] }));
    assert_eq!(tenant().get(&path).body["roles"][0]["primary"], true);
}

#[test]
fn add_attributes_verbose_fills_an_empty_user_with_thirty_six_operations() {
    let texts = [
        "displayName",
        "title",
        "nickName",
        "userType",
        "preferredLanguage",
        "locale",
        "timezone",
        "profileUrl",
        "externalId",
        "emails[type eq \"work\"].value",
        "name.givenName",
        "name.familyName",
        "name.formatted",
        "name.middleName",
        "name.honorificPrefix",
        "name.honorificSuffix",
        "addresses[type eq \"work\"].formatted",
        "addresses[type eq \"work\"].streetAddress",
        "addresses[type eq \"work\"].locality",
        "addresses[type eq \"work\"].region",
        "addresses[type eq \"work\"].postalCode",
        "addresses[type eq \"work\"].country",
        "phoneNumbers[type eq \"work\"].value",
        "phoneNumbers[type eq \"mobile\"].value",
        "phoneNumbers[type eq \"fax\"].value",
        "roles[primary eq \"True\"].display",
        "roles[primary eq \"True\"].value",
    ];
    let mut operations: Vec<Value> =
        texts.iter().map(|path| json!({ "op": "add", "path": path, "value": unique("v") })).collect();
    for name in ["employeeNumber", "costCenter", "organization", "division", "department"] {
        operations.push(json!({ "op": "add", "path": format!("{ENTERPRISE}:{name}"), "value": name }));
    }
    for path in [
        "emails[type eq \"work\"].primary",
        "addresses[type eq \"work\"].primary",
        "phoneNumbers[type eq \"work\"].primary",
        "active",
    ] {
        operations.push(json!({ "op": "add", "path": path, "value": "True" }));
    }
    assert_eq!(operations.len(), 36);
    let made = tenant().post("/Users", &json!({ "userName": unique("verbose") })).expect(201);
    let path = format!("/Users/{}", made.id());
    let patched = tenant().patch(&path, &json!(operations)).expect(200);
    let body = &patched.body;
    assert!(body["schemas"].as_array().unwrap().contains(&json!(ENTERPRISE)));
    for (list, count) in [("emails", 1), ("addresses", 1), ("phoneNumbers", 3), ("roles", 1)] {
        assert_eq!(body[list].as_array().unwrap().len(), count, "{list}");
    }
    assert_eq!((body["name"].as_object().unwrap().len(), body["addresses"][0].as_object().unwrap().len()), (6, 8));
    assert_eq!(body[ENTERPRISE].as_object().unwrap().len(), 5);
    let read = tenant().get(&path);
    assert_eq!(read.body, *body);
    // The same once more is no change.
    let again = tenant().patch(&path, &json!(operations)).expect(200);
    assert_eq!(again.version(), patched.version());
}

#[test]
fn several_operations_on_one_attribute_follow_one_another() {
    let (path, _) = full();
    let operations = json!([
        { "op": "Remove", "path": "title" }, { "op": "Add", "path": "title", "value": "one" }, { "op": "Replace", "path": "title", "value": "two" },
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "a@acme.test" },
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "b@acme.test" },
    ]);
    let patched = tenant().patch(&path, &operations).expect(200);
    assert_eq!((&patched.body["title"], patched.values("emails")[0].as_str()), (&json!("two"), "b@acme.test"));
    let ids = tenant().users(4);
    let (group, name) = tenant().group(&ids[..2]);
    let operations = json!([
        { "op": "Remove", "path": "members", "value": [{ "value": ids[0] }] }, { "op": "Add", "path": "members", "value": [{ "value": ids[2] }] },
        { "op": "Remove", "path": format!("members[value eq \"{}\"]", ids[2]) }, { "op": "Add", "path": "members", "value": [{ "value": ids[3] }, { "value": ids[3] }] },
        { "op": "Replace", "path": "displayName", "value": format!("{name}-2") }, { "op": "Replace", "path": "displayName", "value": format!("{name}-3") },
    ]);
    let patched = tenant().patch(&group, &operations).expect(200);
    assert_eq!(patched.values("members"), [ids[1].as_str(), &ids[3]]);
    assert_eq!(patched.body["displayName"], format!("{name}-3"));
    let cleared = tenant().patch(&group, &json!([{ "op": "Remove", "path": "members" }, { "op": "Add", "path": "members", "value": [{ "value": ids[0] }] }]));
    assert_eq!(cleared.expect(200).values("members"), ids[..1]);
}
