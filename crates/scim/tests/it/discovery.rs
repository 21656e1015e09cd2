//! Discovery documents (RFC 7643 §5 to §7, RFC 9865 §4).

use scim::discovery::{self, Provider};
use scim::schema::{ENTERPRISE_USER, GROUP, USER};
use serde_json::{Value, json};

use crate::support::*;

fn no_nulls(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => items.iter().all(no_nulls),
        Value::Object(object) => object.values().all(no_nulls),
        _ => true,
    }
}

#[test]
fn the_service_says_what_it_can() {
    let config = discovery::service_provider_config(BASE, &Provider { change_password: true, ..Provider::default() });
    assert!(no_nulls(&config));
    for feature in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
        assert_eq!(config[feature]["supported"], true, "{feature}");
    }
    assert_eq!(config["bulk"], json!({ "supported": true, "maxOperations": 1_000, "maxPayloadSize": 1_048_576 }));
    assert_eq!(config["filter"]["maxResults"], 1_000);
    assert_eq!(
        config["pagination"],
        json!({
            "cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": 100,
            "maxPageSize": 1_000, "cursorTimeout": 3_600
        })
    );
    assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
    let plain = discovery::service_provider_config(BASE, &Provider::default());
    assert_eq!(plain["changePassword"]["supported"], false);
}

#[test]
fn resource_types_name_their_schemas() {
    let user = discovery::resource_type(&USER, BASE);
    assert_eq!((&user["endpoint"], &user["id"]), (&json!("/Users"), &json!("User")));
    assert_eq!(user["schemaExtensions"], json!([{ "schema": ENTERPRISE, "required": false }]));
    assert_eq!(user["meta"]["location"], format!("{BASE}/ResourceTypes/User"));
    let group = discovery::resource_type(&GROUP, BASE);
    assert_eq!((&group["endpoint"], &group["schemaExtensions"]), (&json!("/Groups"), &json!([])));
}

#[test]
fn schemas_say_everything_rfc_7643_asks() {
    for schema in [&USER.schema, &GROUP.schema, &ENTERPRISE_USER] {
        let published = Value::Object(discovery::schema(schema, BASE));
        assert!(no_nulls(&published));
        assert_eq!(published["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:Schema"]));
        assert_eq!(published["meta"]["resourceType"], "Schema");
        for attribute in published["attributes"].as_array().unwrap() {
            for key in [
                "name",
                "type",
                "multiValued",
                "description",
                "required",
                "caseExact",
                "mutability",
                "returned",
                "uniqueness",
            ] {
                assert!(attribute.get(key).is_some(), "{attribute} has {key}");
            }
        }
    }
    let published = discovery::schema(&USER.schema, BASE);
    let find =
        |name: &str| published["attributes"].as_array().unwrap().iter().find(|a| a["name"] == name).unwrap().clone();
    assert_eq!((&find("userName")["required"], &find("userName")["uniqueness"]), (&json!(true), &json!("server")));
    assert_eq!((&find("groups")["mutability"], &find("password")["returned"]), (&json!("readOnly"), &json!("never")));
    let group = discovery::schema(&GROUP.schema, BASE);
    assert_eq!(group["attributes"][0]["required"], true);
    assert_eq!(group["attributes"][1]["subAttributes"][1]["referenceTypes"], json!(["User", "Group"]));
    let enterprise = discovery::schema(&ENTERPRISE_USER, BASE);
    assert_eq!(enterprise["attributes"][5]["subAttributes"].as_array().unwrap().len(), 3);
}

#[test]
fn the_lists_name_every_type_and_schema_once() {
    let types: [&'static scim::schema::ResourceType; 2] = [&USER, &GROUP];
    let names = |list: Vec<scim::Object>| {
        list.into_iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(discovery::resource_types(&types, BASE)), ["User", "Group"]);
    assert_eq!(names(discovery::schemas(&types, BASE)), ["User", "EnterpriseUser", "Group"]);
    assert_eq!(discovery::schemas(&[&USER, &USER], BASE).len(), 2);
}
