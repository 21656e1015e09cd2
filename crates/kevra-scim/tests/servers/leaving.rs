//! People and tenants who leave, at the command line and on a real Keycloak; and the guide for one's own Keycloak.

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::Installation;
use testkit::keycloak::Realm;
use testkit::scratch::Scratch;
use testkit::{eventually, free_port, servers, transcript};

use crate::{PROGRAM, front};

#[test]
fn a_person_is_erased_once_gone_from_the_realm_and_a_tenant_leaves_the_realm_as_it_was() {
    let installation = Installation::on_keycloak(PROGRAM);
    let (downstream, realm) = (Fieldnotes::default(), Realm::default());
    let events = || realm.admin(Method::GET, "/events/config", None)["adminEventsEnabled"].clone();
    assert_eq!(events(), false);
    let (console, _control, gateway) = front(&installation);
    let _dispatcher = installation.start("dispatcher");
    console.make_tenant("acme", realm.name());
    console.enable_outbound("acme", downstream.url(), downstream.token());
    let token = console.enable_inbound("acme");
    assert_eq!(events(), true, "capture is on");
    let users = format!("{}/realms/{}/scim/v2/Users", gateway.url, realm.name());
    let body = json!({ "userName": "ada@acme.test" });
    let made: Value = testkit::http().post(&users).bearer_auth(&token).json(&body).send().unwrap().json().unwrap();
    let id = made["id"].as_str().unwrap();
    let arrived = eventually(Duration::from_secs(20), || downstream.user("ada@acme.test"));
    assert!(arrived.is_some(), "{}", installation.logs());

    // By name and dry, then refused while the realm has her.
    let dry: Value = serde_json::from_str(&installation.run(&[
        "tenant",
        "erase-user",
        "acme",
        "ada@acme.test",
        "--dry-run",
        "--output",
        "json",
    ]))
    .unwrap();
    assert_eq!((dry["user_id"].as_str(), dry["rows"]["directory_user"].as_u64()), (Some(id), Some(1)), "{dry}");
    let refused = installation.refused(&["tenant", "erase-user", "acme", id, "--yes"]);
    assert!(refused.contains("in the realm still"), "{refused}");
    assert_eq!(testkit::http().delete(format!("{users}/{id}")).bearer_auth(&token).send().unwrap().status(), 204);
    let erased = eventually(Duration::from_secs(30), || {
        let output = installation.try_run(&["tenant", "erase-user", "acme", id, "--yes", "--output", "json"]);
        output.ok().map(|text| serde_json::from_str::<Value>(&text).unwrap())
    });
    let erased =
        erased.unwrap_or_else(|| panic!("{}", installation.refused(&["tenant", "erase-user", "acme", id, "--yes"])));
    assert_eq!(erased["downstream"][0]["base_url"], downstream.url(), "the operator is told who else has her");
    for table in ["directory_user", "ledger", "link", "activity"] {
        let count = format!("select count(*) from {table} t where t::text like '%{id}%'");
        assert_eq!(installation.database().ask(&count), "0", "{table}");
    }

    // The tenant leaves.
    assert!(installation.run(&["tenant", "delete", "acme", "--yes"]).contains("is removed"));
    assert_eq!(events(), false, "the realm's event stores are as they were");
    assert_eq!(testkit::http().get(&users).bearer_auth(&token).send().unwrap().status(), 401);
    for table in ["tenant", "directory_user", "ledger", "activity", "inbound_token", "target"] {
        assert_eq!(installation.database().ask(&format!("select count(*) from {table}")), "0", "{table}");
    }
    assert_ne!(installation.database().ask("select count(*) from audit_entry"), "0", "who did what is kept");
}

#[test]
fn whoever_is_erased_right_after_the_realm_deleted_her_is_deactivated_downstream_first() {
    let installation = Installation::on_keycloak(PROGRAM);
    let (downstream, realm) = (Fieldnotes::default(), Realm::default());
    let (console, _control, gateway) = front(&installation);
    console.make_tenant("acme", realm.name());
    console.enable_outbound("acme", downstream.url(), downstream.token());
    let token = console.enable_inbound("acme");
    let choices = json!({ "on_delete": "deactivate", "hold_mass_deactivation": false });
    assert_eq!(console.call(Method::PUT, "/tenants/acme/outbound/options", Some(&choices)).0, 204);
    let users = format!("{}/realms/{}/scim/v2/Users", gateway.url, realm.name());
    let body = json!({ "userName": "ada@acme.test" });
    let made: Value = testkit::http().post(&users).bearer_auth(&token).json(&body).send().unwrap().json().unwrap();
    let id = made["id"].as_str().unwrap();
    let dispatcher = installation.start("dispatcher");
    let active = |wanted: bool| {
        let held = || downstream.user("ada@acme.test").filter(|user| user["active"] == wanted);
        assert!(eventually(Duration::from_secs(30), held).is_some(), "{wanted}: {}", installation.logs());
    };
    active(true);
    // Everything of her is acknowledged, and then nobody is there to see her go.
    let count = "select count(*) from ledger where owed_seq > acked_seq or dirty_seq > seen_seq";
    assert!(
        eventually(Duration::from_secs(30), || (installation.database().ask(count) == "0").then_some(())).is_some()
    );
    drop(dispatcher);
    realm.admin(Method::DELETE, &format!("/users/{id}"), None);
    let erase = ["tenant", "erase-user", "acme", id, "--yes"];
    let refused = installation.refused(&erase);
    assert!(refused.contains("yet to be delivered"), "{refused}");
    let _dispatcher = installation.start("dispatcher");
    let erased = eventually(Duration::from_mins(1), || installation.try_run(&erase).ok());
    assert!(erased.is_some(), "{}", installation.logs());
    active(false);
}

#[test]
fn the_guide_for_ones_own_keycloak_does_what_it_shows() {
    let (downstream, realm, scratch) = (Fieldnotes::default(), Realm::default(), Scratch::default());
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate/your-own-keycloak.md");
    let mut text = std::fs::read_to_string(page).unwrap();
    let ports = [("8080", free_port()), ("8081", free_port()), ("9464", free_port())];
    for (shown, free) in &ports {
        text = text.replace(&format!("127.0.0.1:{shown}"), &format!("127.0.0.1:{free}"));
    }
    let page = scratch.write("guide.md", &text);
    let [control, gateway, ops] = ports.map(|(_, port)| format!("127.0.0.1:{port}"));
    let fact = |name: &str| servers::fact(&format!("KEVRA_TEST_{name}"));
    let settings = [
        ("KEYCLOAK_URL", fact("KEYCLOAK_URL")),
        ("KEYCLOAK_CLIENT_ID", fact("KEYCLOAK_CLIENT_ID")),
        ("KEYCLOAK_CLIENT_SECRET", fact("KEYCLOAK_CLIENT_SECRET")),
        ("REALM", realm.name().to_owned()),
        ("DOWNSTREAM_URL", downstream.url().to_owned()),
        ("DOWNSTREAM_TOKEN", downstream.token().to_owned()),
        // The application of the test is on this machine.
        ("KEVRA_DEVELOPMENT", "true".to_owned()),
        ("KEVRA_CONTROL_LISTEN", control),
        ("KEVRA_GATEWAY_LISTEN", gateway),
        ("KEVRA_OPS_LISTEN", ops),
    ];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert!(transcript::replay(&page, Path::new(PROGRAM), scratch.path(), &settings) > 10);
    assert!(realm.user("ada@example.com").is_some(), "the realm has her");
    assert!(downstream.user("ada@example.com").is_some(), "and the application");
}
