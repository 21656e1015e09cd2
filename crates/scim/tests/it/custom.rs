//! A tenant's own extensions, with everything there is.

use std::sync::Arc;

use scim::filter::Filter;
use scim::patch::Options;
use scim::projection::Projection;
use scim::schema::{GROUP, ResourceType, Schema, USER};
use scim::sort::{Key, Sort};
use scim::{ScimType, discovery, document, patch};
use serde_json::{Value, json};

use crate::support::*;

const URN: &str = "urn:acme:params:scim:schemas:hr:1.0:User";

fn schema() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": URN, "name": "HR", "description": "Staff",
        "attributes": [
            { "name": "badge", "type": "string", "caseExact": true, "mutability": "immutable", "description": "A card" },
            { "name": "floor", "type": "integer" },
            { "name": "remote", "type": "boolean" },
            { "name": "tags", "type": "string", "multiValued": true },
            { "name": "secret", "type": "string", "mutability": "writeOnly" },
            { "name": "notes", "type": "string", "returned": "request" },
            { "name": "grade", "type": "string", "returned": "always" },
            { "name": "desks", "type": "complex", "multiValued": true, "subAttributes": [
                { "name": "value" }, { "name": "type" }, { "name": "primary", "type": "boolean" }
            ] }
        ]
    })
}

fn staff() -> ResourceType {
    USER.extended([Arc::new(Schema::extension(&schema()).unwrap())]).unwrap()
}

fn sent() -> Value {
    json!({ "userName": "a", URN: {
        "badge": "B1", "floor": 3, "remote": "True", "tags": ["x", "y", "x"], "secret": "s", "notes": "n", "grade": "g",
        "desks": [{ "value": "d1", "type": "main", "primary": true }], "unknown": 1
    } })
}

#[test]
fn documents_take_a_tenants_attributes() {
    let staff = staff();
    let document = document::accept(&staff, &sent()).unwrap();
    assert_eq!(document[URN]["remote"], true);
    assert_eq!(document[URN]["tags"], json!(["x", "y"]));
    assert!(document[URN].get("secret").is_none() && document[URN].get("unknown").is_none());
    assert_eq!(rendered(&staff, &document)["schemas"][1], URN);
    let wrong = json!({ "userName": "a", URN: { "floor": "three" } });
    assert_eq!(refusal(document::accept(&staff, &wrong)), (400, Some(ScimType::InvalidValue)));
    // Without the extension it is an unknown one.
    assert!(!user(sent()).contains_key(URN));
}

#[test]
fn what_is_no_longer_registered_is_kept_and_not_shown() {
    let document = document::accept(&staff(), &sent()).unwrap();
    let shown = rendered(&USER, &document);
    assert!(shown.get(URN).is_none() && !shown["schemas"].to_string().contains(URN), "{shown:?}");
    let replaced = document::replace(&USER, &document, &json!({ "userName": "b" })).unwrap();
    assert_eq!(replaced[URN], document[URN]);
    let patched = patched(&document, json!([{ "op": "replace", "path": "userName", "value": "b" }]));
    assert_eq!(patched[URN], document[URN]);
    // One attribute fewer.
    let mut fewer = schema();
    fewer["attributes"].as_array_mut().unwrap().retain(|attribute| attribute["name"] != "notes");
    let fewer = USER.extended([Arc::new(Schema::extension(&fewer).unwrap())]).unwrap();
    let shown = rendered(&fewer, &document);
    assert!(shown[URN].get("notes").is_none() && shown[URN]["floor"] == 3);
}

#[test]
fn filters_and_sorting_know_them() {
    let staff = staff();
    let resource = rendered(&staff, &document::accept(&staff, &sent()).unwrap());
    for filter in [
        format!("{URN}:floor gt 2"),
        format!("{URN}:badge eq \"B1\""),
        format!("{URN}:tags eq \"Y\""),
        format!("{URN}:desks[type eq \"main\"].value sw \"D\""),
        "remote eq true".to_owned(),
        format!("{URN} pr"),
    ] {
        let parsed = Filter::parse(&staff, &filter).unwrap();
        assert!(parsed.matches(&resource), "{filter}");
        assert_eq!(Filter::parse(&staff, &parsed.to_string()).unwrap(), parsed);
    }
    assert!(!Filter::parse(&staff, &format!("{URN}:badge eq \"b1\"")).unwrap().matches(&resource));
    assert_eq!(refusal(Filter::parse(&USER, &format!("{URN}:floor gt 2"))).1, Some(ScimType::InvalidFilter));
    assert_eq!(Sort::parse(&staff, &format!("{URN}:floor"), None).unwrap().key(&resource), Key::Number(3.into()));
}

#[test]
fn patches_change_them() {
    let staff = staff();
    let before = document::accept(&staff, &sent()).unwrap();
    let after = try_patch(
        &staff,
        &before,
        json!([
            { "op": "replace", "path": format!("{URN}:floor"), "value": 4 },
            { "op": "add", "path": format!("{URN}:tags"), "value": ["z"] },
            { "op": "remove", "path": format!("{URN}:tags"), "value": ["x"] },
            { "op": "add", "path": format!("{URN}:desks[type eq \"spare\"].value"), "value": "d2" },
            { "op": "replace", "value": { URN: { "remote": false }, "grade": "h" } }
        ]),
    );
    let extension = &after.unwrap().document[URN];
    assert_eq!((&extension["floor"], &extension["tags"]), (&json!(4), &json!(["y", "z"])));
    assert_eq!(extension["desks"][1], json!({ "type": "spare", "value": "d2" }));
    assert_eq!((&extension["remote"], &extension["grade"]), (&json!(false), &json!("h")));
}

#[test]
fn what_is_immutable_is_set_once() {
    let staff = staff();
    let bare = document::accept(&staff, &json!({ "userName": "a" })).unwrap();
    let path = format!("{URN}:badge");
    let set = |value: &str| json!([{ "op": "add", "path": path, "value": value }]);
    let first = try_patch(&staff, &bare, set("B1")).unwrap().document;
    assert!(try_patch(&staff, &first, set("B1")).unwrap().changed.is_empty());
    for change in [set("B2"), json!([{ "op": "remove", "path": path }]), json!([{ "op": "remove", "path": URN }])] {
        assert_eq!(refusal(try_patch(&staff, &first, change)), (400, Some(ScimType::Mutability)));
    }
    let put = |badge: Value| document::replace(&staff, &first, &json!({ "userName": "a", URN: { "badge": badge } }));
    assert_eq!(put(Value::Null).unwrap()[URN]["badge"], "B1");
    assert_eq!(put(json!("B1")).unwrap()[URN]["badge"], "B1");
    assert_eq!(refusal(put(json!("B2"))), (400, Some(ScimType::Mutability)));
}

#[test]
fn projection_obeys_when_they_are_returned() {
    let staff = staff();
    let resource = rendered(&staff, &document::accept(&staff, &sent()).unwrap());
    let show = |attributes: Option<&str>, excluded: Option<&str>| {
        Projection::parse(&staff, attributes, excluded).unwrap().apply(&staff, resource.clone())
    };
    assert!(show(None, None)[URN].get("notes").is_none());
    assert_eq!(show(Some(&format!("{URN}:notes")), None)[URN], json!({ "notes": "n", "grade": "g" }));
    assert_eq!(show(Some("userName"), None)[URN], json!({ "grade": "g" }));
    assert_eq!(show(None, Some(URN))[URN], json!({ "grade": "g" }));
    let whole = show(Some(URN), None);
    assert!(whole[URN].get("notes").is_none() && whole[URN].get("floor").is_some());
}

#[test]
fn discovery_publishes_them() {
    let staff = staff();
    let kind = discovery::resource_type(&staff, BASE);
    assert_eq!(kind["schemaExtensions"][1], json!({ "schema": URN, "required": false }));
    let published = discovery::schema(staff.extension(URN).unwrap(), BASE);
    assert_eq!(published["attributes"][0]["description"], "A card");
    assert_eq!(published["attributes"][4]["returned"], "never");
    assert_eq!(
        Schema::extension(&Value::Object(published)).unwrap(),
        Schema::extension(&schema()).unwrap_or_else(|_| unreachable!()).described()
    );
}

/// What is published has a description for every attribute; what was registered may not.
trait Described {
    fn described(self) -> Self;
}

impl Described for Schema {
    fn described(mut self) -> Self {
        let published = discovery::schema(&self, BASE);
        let say = |attribute: &mut scim::schema::Attribute, json: &Value| {
            attribute.description = json["description"].as_str().map(str::to_owned);
        };
        for (attribute, json) in self.attributes.iter_mut().zip(published["attributes"].as_array().unwrap()) {
            say(attribute, json);
            let subs = json["subAttributes"].as_array().cloned().unwrap_or_default();
            attribute.sub_attributes.iter_mut().zip(&subs).for_each(|(sub, json)| say(sub, json));
        }
        self
    }
}

#[test]
fn a_schema_that_could_not_be_kept_is_refused() {
    let one = |attribute: Value| json!({ "id": URN, "attributes": [attribute] });
    let many: Vec<Value> = (0..101).map(|place| json!({ "name": format!("a{place}") })).collect();
    for wrong in [
        json!([]),
        json!({ "id": URN }),
        json!({ "id": "acme", "attributes": [{ "name": "a" }] }),
        json!({ "id": "urn:acme", "attributes": [{ "name": "a" }] }),
        json!({ "id": "urn:ac me:x", "attributes": [{ "name": "a" }] }),
        json!({ "id": "urn:acme:[x]", "attributes": [{ "name": "a" }] }),
        json!({ "id": format!("urn:acme:{}", "x".repeat(300)), "attributes": [{ "name": "a" }] }),
        json!({ "id": "urn:ietf:params:scim:schemas:core:2.0:Robot", "attributes": [{ "name": "a" }] }),
        json!({ "id": URN, "attributes": many }),
        json!({ "id": URN, "attributes": [{ "name": "a" }, { "name": "A" }] }),
        one(json!({ "name": "1a" })),
        one(json!({ "name": "a.b" })),
        one(json!({ "name": "a b" })),
        one(json!({})),
        one(json!({ "name": "$ref" })),
        one(json!({ "name": "a", "type": "text" })),
        one(json!({ "name": "a", "type": "complex" })),
        one(json!({ "name": "a", "mutability": "never" })),
        one(json!({ "name": "a", "returned": "sometimes" })),
        one(json!({ "name": "a", "uniqueness": "server" })),
        one(json!({ "name": "a", "mutability": "writeOnly", "returned": "default" })),
        one(json!({ "name": "a", "required": "yes" })),
        one(json!({ "name": "a", "canonicalValues": [1] })),
        one(json!({ "name": "a", "type": "complex", "subAttributes": [
            { "name": "b", "type": "complex", "subAttributes": [{ "name": "c" }] }
        ] })),
    ] {
        assert_eq!(refusal(Schema::extension(&wrong)), (400, Some(ScimType::InvalidValue)), "{wrong}");
    }
}

#[test]
fn an_extension_that_clashes_is_refused() {
    let named = |id: &str, name: &str| {
        Arc::new(Schema::extension(&json!({ "id": id, "attributes": [{ "name": name }] })).unwrap())
    };
    for (id, name) in [(ENTERPRISE, "x"), ("urn:a:b:c", "USERNAME"), ("urn:a:b:c", "meta")] {
        assert_eq!(refusal(USER.extended([named(id, name)])), (400, Some(ScimType::InvalidValue)), "{id} {name}");
    }
    for (one, two) in [("urn:a:b", "URN:A:B"), ("urn:a:b", "urn:a:b:c"), ("urn:a:b.1:c", "urn:a:b")] {
        let both = USER.extended([named(one, "x"), named(two, "y")]);
        assert_eq!(refusal(both), (400, Some(ScimType::InvalidValue)), "{one} {two}");
    }
    assert!(USER.extended([named("urn:a:b1", "x"), named("urn:a:b2", "x")]).is_ok());
}

#[test]
fn groups_may_have_extensions_too() {
    let cost = json!({ "id": "urn:acme:cost:Group", "attributes": [{ "name": "centre", "required": true }] });
    let teams = GROUP.extended([Arc::new(Schema::extension(&cost).unwrap())]).unwrap();
    let body = json!({ "displayName": "x", "urn:acme:cost:Group": { "CENTRE": "7" } });
    let document = document::accept(&teams, &body).unwrap();
    assert_eq!(document["urn:acme:cost:Group"], json!({ "centre": "7" }));
    let patch = patch::parse(&json!({ "Operations": [{ "op": "remove", "path": "urn:acme:cost:Group:centre" }] }));
    let failed = patch::apply(&teams, &document, &patch.unwrap(), Options::default());
    assert_eq!(refusal(failed), (400, Some(ScimType::Mutability)));
}
