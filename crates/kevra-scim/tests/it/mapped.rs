//! Mapped attributes where there is no Keycloak: the embedded realm keeps them too.

use demo::sample_app::Manners;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;

use crate::outbound_groups::stage::{SOON, Stage};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[test]
fn mapped_attributes_travel_through_an_embedded_realm() {
    let stage = Stage::without_groups(Manners::default());
    let wanted = json!({ "projection": { "title": "jobTitle", format!("{ENTERPRISE}:department"): "department" } });
    assert_eq!(stage.control(Method::PUT, "/inbound/options", Some(&wanted)).0, 204);
    let ada =
        json!({ "userName": "ada", "title": "Countess", "nickName": "A", ENTERPRISE: { "department": "Engines" } });
    let (status, made) = stage.scim(Method::POST, "/Users", Some(&ada));
    assert_eq!(status, 201, "{made}");
    let holds = |title: &Value, department: &str| {
        let there = || stage.app.user("ada").filter(|user| user.get("title").unwrap_or(&Value::Null) == title);
        let user = eventually(SOON, there).unwrap_or_else(|| panic!("{:?}", stage.app.user("ada")));
        assert_eq!((&user[ENTERPRISE]["department"], user.get("nickName")), (&json!(department), None));
    };
    holds(&json!("Countess"), "Engines");
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    let change = json!({ "Operations": [{ "op": "remove", "path": "title" }] });
    assert_eq!(stage.scim(Method::PATCH, &path, Some(&change)).0, 200);
    holds(&Value::Null, "Engines");
}
