//! Keycloak's own SCIM server as a downstream: a realm that is somebody else's.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::keycloak::Realm;

use super::{Downstream, receives_every_kind_of_change};
use crate::scene::Scene;

const CLIENT: &str = "provisioner";
const SECRET: &str = "provisioner-secret";

/// Switches a realm's SCIM server on, as its administrator would, with a client whose token lasts for the test.
fn scim_of(realm: &Realm) -> Downstream {
    let url = format!("{}/scim/v2", realm.url());
    realm.admin(Method::PUT, "", Some(&json!({ "scimApiEnabled": true, "accessTokenLifespan": 3600 })));
    let mut profile = realm.admin(Method::GET, "/users/profile", None);
    let attributes = profile["attributes"].as_array_mut().unwrap();
    for attribute in attributes.iter_mut() {
        // Whoever comes from elsewhere may lack a name or an address.
        attribute.as_object_mut().unwrap().remove("required");
    }
    attributes.extend(["externalId", "displayName"].map(|name| {
        json!({ "name": format!("scim{name}"), "annotations": { "kc.scim.schema.attribute": name },
            "permissions": { "view": ["admin"], "edit": ["admin"] } })
    }));
    realm.admin(Method::PUT, "/users/profile", Some(&profile));
    let client = json!({
        "clientId": CLIENT, "secret": SECRET, "publicClient": false, "serviceAccountsEnabled": true,
        "standardFlowEnabled": false,
        "protocolMappers": [{
            "name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
            "config": { "included.custom.audience": url, "access.token.claim": "true" },
        }],
    });
    realm.admin(Method::POST, "/clients", Some(&client));
    let id = |client: &str| {
        let found = realm.admin(Method::GET, &format!("/clients?clientId={client}"), None);
        found[0]["id"].as_str().unwrap().to_owned()
    };
    let (client, management) = (id(CLIENT), id("realm-management"));
    let account = realm.admin(Method::GET, &format!("/clients/{client}/service-account-user"), None);
    let roles = realm.admin(Method::GET, &format!("/clients/{management}/roles"), None);
    let needed = |role: &&Value| role["name"] == "manage-users" || role["name"] == "view-realm";
    let roles: Vec<&Value> = roles.as_array().unwrap().iter().filter(needed).collect();
    let path = format!("/users/{}/role-mappings/clients/{management}", account["id"].as_str().unwrap());
    realm.admin(Method::POST, &path, Some(&json!(roles)));
    let form = [("grant_type", "client_credentials"), ("client_secret", SECRET)];
    let token = realm.token_of(CLIENT, &form)["access_token"].as_str().unwrap().to_owned();
    Downstream { url, token }
}

#[test]
fn keycloaks_own_scim_server_receives_every_kind_of_change() {
    let realm = Realm::default();
    receives_every_kind_of_change(&scim_of(&realm));
}

#[test]
fn a_realm_of_ours_keeps_its_own_scim_server() {
    let realm = Realm::default();
    let own = scim_of(&realm);
    let scene = Scene::new(realm);
    let id = scene.made("ada@acme.test");
    let shown = testkit::http().get(format!("{}/Users/{id}", own.url)).bearer_auth(&own.token).send().unwrap();
    assert_eq!(shown.status(), 200, "{}", shown.text().unwrap());
}
