//! Bodies in, resources out: sections 2.3 to 2.5 of the requirements that no numbered case covers.

use scim::projection::Projection;
use scim::schema::{GROUP, USER};
use scim::{Object, ScimType, document, ignored, json as body, patch};
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn what_is_required_has_to_be_there() {
    for wrong in [
        json!({}),
        json!({ "userName": "" }),
        json!({ "userName": "  " }),
        json!({ "userName": null }),
        json!({ "userName": 5 }),
        json!({ "userName": ["a"] }),
        json!({ "userName": {} }),
        json!({ "foo": "bar" }),
    ] {
        assert_eq!(refusal(document::accept(&USER, &wrong)), (400, Some(ScimType::InvalidValue)), "{wrong}");
    }
    assert_eq!(refusal(document::accept(&GROUP, &json!({ "members": [] }))), (400, Some(ScimType::InvalidValue)));
    assert_eq!(
        refusal(document::replace(&USER, &ada(), &json!({ "title": "x" }))),
        (400, Some(ScimType::InvalidValue))
    );
}

#[test]
fn names_are_read_in_any_letter_case_and_kept_in_their_own() {
    let sent = user(json!({
        "USERNAME": "a", "NAME": { "GIVENNAME": "A" }, "Emails": [{ "VALUE": "x", "Type": "work" }],
        (ENTERPRISE.to_uppercase()): { "DEPARTMENT": "d" }
    }));
    assert_eq!(
        Value::Object(sent),
        json!({
            "userName": "a", "name": { "givenName": "A" }, "emails": [{ "value": "x", "type": "work" }],
            ENTERPRISE: { "department": "d" }
        })
    );
}

#[test]
fn primary_is_true_once() {
    let sent = user(json!({ "userName": "a", "emails": [
        { "value": "x", "primary": "true" }, { "value": "y", "primary": true }, { "value": "x", "primary": true }
    ] }));
    assert_eq!(sent["emails"], json!([{ "value": "x", "primary": true }, { "value": "y", "primary": false }]));
    let after = patched(&ada(), json!([{ "op": "add", "path": "emails", "value": { "value": "n", "primary": true } }]));
    let primaries: Vec<_> =
        after["emails"].as_array().unwrap().iter().filter(|email| email["primary"] == true).collect();
    assert_eq!(primaries, [&json!({ "value": "n", "primary": true })]);
    let path = "emails[type eq \"home\"].primary";
    let after = patched(&ada(), json!([{ "op": "replace", "path": path, "value": "True" }]));
    assert_eq!((&after["emails"][0]["primary"], &after["emails"][1]["primary"]), (&json!(false), &json!(true)));
}

#[test]
fn roles_of_entra_stay_as_they_were_sent() {
    let text = r#"{"id":"06b0","value":"25","displayName":"Role1234"}"#;
    let sent = user(json!({ "userName": "a", "roles": [{ "value": text, "primary": "True" }] }));
    assert_eq!(sent["roles"], json!([{ "value": text, "primary": true }]));
    let after =
        patched(&sent, json!([{ "op": "replace", "path": "roles", "value": [{ "value": "a" }, { "value": "b" }] }]));
    assert_eq!(after["roles"], json!([{ "value": "a" }, { "value": "b" }]));
}

#[test]
fn wrong_types_are_refused() {
    for wrong in [
        json!({ "active": "yes" }),
        json!({ "active": 1 }),
        json!({ "title": 5 }),
        json!({ "name": "Ada" }),
        json!({ "name": [{}, {}] }),
        json!({ "emails": [5] }),
        json!({ "emails": [{ "primary": "maybe" }] }),
        json!({ "password": 5 }),
        json!({ ENTERPRISE: { "manager": 5 } }),
        json!({ ENTERPRISE: "x" }),
        json!({ ENTERPRISE: [{}] }),
    ] {
        let mut whole = wrong.clone();
        whole["userName"] = json!("a");
        assert_eq!(refusal(document::accept(&USER, &whole)), (400, Some(ScimType::InvalidValue)), "{wrong}");
    }
}

#[test]
fn an_empty_extension_in_any_form_is_none() {
    for empty in [json!({}), json!([]), Value::Null, json!({ "department": null })] {
        assert!(!user(json!({ "userName": "a", ENTERPRISE: empty })).contains_key(ENTERPRISE));
    }
}

#[test]
fn a_resource_begins_with_its_schemas_and_ends_with_its_meta() {
    let resource = rendered(&USER, &ada());
    let keys: Vec<&String> = resource.keys().collect();
    assert_eq!((keys[0].as_str(), keys[1].as_str(), keys[keys.len() - 1].as_str()), ("schemas", "id", "meta"));
    assert_eq!(resource["meta"]["location"], format!("{BASE}/Users/2819c223-7f76-453a-919d-413861904646"));
    assert_eq!((&resource["meta"]["version"], &resource["meta"]["resourceType"]), (&json!("W/\"7\""), &json!("User")));
}

fn shown(attributes: Option<&str>, excluded: Option<&str>) -> Object {
    Projection::parse(&USER, attributes, excluded).unwrap().apply(&USER, rendered(&USER, &ada()))
}

#[test]
fn attributes_show_what_is_asked_and_what_is_always_shown() {
    let keys = |attributes: &str| shown(Some(attributes), None).keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys("USERNAME"), ["schemas", "id", "userName"]);
    assert_eq!(keys("nosuch"), ["schemas", "id"]);
    assert_eq!(keys("members"), ["schemas", "id"]);
    assert_eq!(shown(Some("name.givenName"), None)["name"], json!({ "givenName": "Ada" }));
    assert_eq!(
        shown(Some("emails.value"), None)["emails"],
        json!([{ "value": "ada@acme.test" }, { "value": "ada@home.test" }])
    );
    assert_eq!(shown(Some(&format!("{ENTERPRISE}:department")), None)[ENTERPRISE], json!({ "department": "Engines" }));
    assert_eq!(shown(Some(ENTERPRISE), None)[ENTERPRISE], ada()[ENTERPRISE]);
    assert_eq!(shown(Some("userName"), None)["schemas"].as_array().unwrap().len(), 1);
    assert_eq!(shown(Some("manager.value"), None)[ENTERPRISE], json!({ "manager": { "value": "m-1" } }));
    assert_eq!(keys("urn:ietf:params:scim:schemas:core:2.0:User:title"), ["schemas", "id", "title"]);
}

#[test]
fn excluded_attributes_hide_all_but_what_is_always_shown() {
    let resource = shown(None, Some("id,schemas,name.familyName,emails.type,title"));
    assert!(resource.contains_key("id") && resource.contains_key("schemas") && !resource.contains_key("title"));
    assert_eq!(resource["name"], json!({ "givenName": "Ada" }));
    assert_eq!(resource["emails"][1], json!({ "value": "ada@home.test" }));
    assert!(!shown(None, Some(ENTERPRISE)).contains_key(ENTERPRISE));
    assert!(!shown(None, Some("name.givenName,name.familyName")).contains_key("name"));
    assert_eq!(refusal(Projection::parse(&USER, Some("title"), Some("name"))), (400, Some(ScimType::InvalidValue)));
}

#[test]
fn a_body_is_one_json_object_without_repeated_names() {
    assert!(body::parse(b"\xEF\xBB\xBF{}").is_ok());
    for wrong in
        ["", "[]", "5", "{", "{}{}", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1,\"b\":1}}", "{\"a\":1e999}", "{'a':1}"]
    {
        assert_eq!(refusal(body::parse(wrong.as_bytes())), (400, Some(ScimType::InvalidSyntax)), "{wrong}");
    }
    let error = body::parse(b"{\"secret-a\":1,\n\"secret-a\":2}").unwrap_err();
    assert!(error.detail.starts_with("a name comes twice in one object: line 2") && !error.detail.contains("secret"));
    assert!(body::parse(b"{\"a\":\xff}").is_err());
}

#[test]
fn a_value_is_the_same_in_another_letter_case_unless_its_schema_says_otherwise() {
    let ada = user(json!({ "userName": "a", "emails": [{ "value": "m@x.test", "type": "work" }] }));
    let emails = |operation: Value| patched(&ada, json!([operation])).get("emails").cloned().unwrap_or_default();
    for listed in [1, 20] {
        let mut value = vec![json!({ "value": "M@X.test", "type": "Work" })];
        value.extend((1..listed).map(|number| json!({ "value": format!("{number}@x.test") })));
        let removed = emails(json!({ "op": "remove", "path": "emails", "value": value }));
        assert_eq!(removed, Value::Null, "{listed} listed");
        let added = emails(json!({ "op": "add", "path": "emails", "value": value }));
        assert_eq!(added.as_array().unwrap().len(), listed);
        assert_eq!(added[0], json!({ "value": "m@x.test", "type": "work" }), "it keeps its spelling");
    }
    let other = emails(json!({ "op": "remove", "path": "emails", "value": [{ "value": "M@X.test", "type": "home" }] }));
    assert_eq!(other.as_array().unwrap().len(), 1);
    // A photo is a reference, which has letter case.
    let photos = json!([{ "value": "https://x.test/a" }, { "value": "https://x.test/A" }]);
    assert_eq!(user(json!({ "userName": "a", "photos": photos }))["photos"].as_array().unwrap().len(), 2);
}

#[test]
fn of_a_value_that_is_sent_twice_one_is_kept_with_what_both_say() {
    let twice = json!([
        { "value": "a@x.test", "type": "work", "display": "one" },
        { "value": "b@x.test", "type": "work" },
        { "value": "A@x.test", "type": "WORK", "primary": true },
    ]);
    let kept = json!([
        { "value": "a@x.test", "type": "work", "display": "one", "primary": true },
        { "value": "b@x.test", "type": "work" },
    ]);
    let body = json!({ "userName": "a", "emails": twice });
    assert_eq!(user(body.clone())["emails"], kept);
    assert_eq!(document::replace(&USER, &ada(), &body).unwrap()["emails"], kept);
    let replaced = patched(&ada(), json!([{ "op": "replace", "path": "emails", "value": twice }]));
    assert_eq!(replaced["emails"], kept);
}

#[test]
fn a_name_that_comes_in_two_letter_cases_comes_twice() {
    let many = (0..40).map(|number| format!("\"a{number}\":1")).collect::<Vec<_>>().join(",");
    for sent in [
        "{\"active\":false,\"ACTIVE\":true}",
        "{\"op\":\"add\",\"OP\":\"remove\"}",
        "{\"Operations\":[{\"value\":{\"urn:x:Y\":{},\"URN:x:y\":{}}}]}",
        "{\"emails[type eq \\\"work\\\"].value\":1,\"EMAILS[type eq \\\"work\\\"].value\":2}",
        &format!("{{{many},\"A7\":2}}"),
        &format!("{{{many},\"b\":1,\"B\":2}}"),
    ] {
        let error = body::parse(sent.as_bytes()).unwrap_err();
        assert!(
            error.scim_type == Some(ScimType::InvalidSyntax) && error.detail.starts_with("a name comes twice"),
            "{error}"
        );
    }
    // Texts that a path compares with may differ by nothing else.
    let apart = "{\"x[value eq \\\"a\\\"].y\":1,\"x[value eq \\\"A\\\"].y\":2}";
    assert!(body::parse(apart.as_bytes()).is_ok());
}

#[test]
fn a_text_that_no_database_keeps_is_refused_wherever_it_is() {
    for values in [
        json!({ "userName": "x\0" }),
        json!({ "userName": "x", "externalId": "\0" }),
        json!({ "userName": "x", "emails": [{ "value": "a@x.test" }, { "value": "b\0@x.test" }] }),
        json!({ "userName": "x", ENTERPRISE: { "manager": "\0" } }),
    ] {
        assert_eq!(refusal(document::accept(&USER, &values)), (400, Some(ScimType::InvalidValue)), "{values}");
    }
}

#[test]
fn what_identifies_is_refused_where_no_index_would_hold_it() {
    let sent = |length: usize| {
        let text = "x".repeat(length);
        let user = |more: Value| {
            let mut user = json!({ "userName": "x" });
            user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            document::accept(&USER, &user)
        };
        [
            user(json!({ "userName": text })),
            user(json!({ "emails": [{ "value": text }] })),
            user(json!({ "emails": text })),
            user(json!({ "externalId": text.repeat(2) })),
            document::accept(&GROUP, &json!({ "displayName": text })),
        ]
    };
    for accepted in sent(1_020) {
        assert!(accepted.is_ok(), "{accepted:?}");
    }
    for refused in sent(1_025) {
        assert_eq!(refusal(refused), (400, Some(ScimType::InvalidValue)));
    }
    assert!(document::accept(&USER, &json!({ "userName": "x", "title": "x".repeat(100_000) })).is_ok());
}

#[test]
fn text_comes_through_exactly() {
    let odd = "ünï 漢字 😀 \u{1} \u{7f} \u{2028} \" \\ ";
    let sent = body::parse(serde_json::to_string(&json!({ "userName": odd })).unwrap().as_bytes()).unwrap();
    assert_eq!(user(sent)["userName"], odd);
}

#[test]
fn what_no_schema_has_is_named_and_nothing_else() {
    let body = json!({
        "schemas": [], "id": "1", "meta": { "nothing": 1 }, "USERNAME": "a", "externalId": "e", "badge": { "deep": 1 },
        "name": { "givenName": "A", "nick": "B" },
        "emails": [{ "value": "x", "label": "y" }, { "value": "x", "Label2": "y" }],
        "groups": [{ "own": 1 }],
        ENTERPRISE.to_uppercase(): { "department": "d", "floor": 3, "manager": { "value": "m", "mood": "good" } },
        "urn:acme:2.0:User": { "x": 1 }, "ada@acme.test": "a value as a name", "a b": 1, "": 1,
    });
    let expected = [
        "badge".to_owned(),
        "emails.Label2".to_owned(),
        "emails.label".to_owned(),
        "name.nick".to_owned(),
        "urn:acme:2.0:User".to_owned(),
        format!("{ENTERPRISE}:floor"),
        format!("{ENTERPRISE}:manager.mood"),
    ];
    let named: Vec<String> = ignored::in_body(&USER, &body).into_iter().collect();
    assert_eq!(named, expected);
    let many: Object = (0..1_000).map(|number| (format!("made-up-{number}"), json!(1))).collect();
    assert_eq!(ignored::in_body(&USER, &json!(many)).len(), ignored::MOST);
    assert!(ignored::in_body(&USER, &json!({ ("x".repeat(500)): 1 })).is_empty(), "the longest are not told");
    let patch = json!({ "Operations": [
        { "op": "add", "value": { "badge": 1, "name.givenName": "A", "emails[type eq \"work\"].value": "x", "name.nick": 1 } },
        { "op": "add", "path": "title", "value": { "inside": 1 } },
    ] });
    let named: Vec<String> = patch::parse(&patch).unwrap().ignored(&USER).into_iter().collect();
    assert_eq!(named, ["badge", "name.nick"]);
}
