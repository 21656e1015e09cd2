//! Two suites of other people against the built program, on every ground it stands on: all of them pass, none is skipped.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use testkit::console::Console;
use testkit::demo_process::Demo;
use testkit::installation::{Installation, Role};
use testkit::keycloak::Realm;
use testkit::third_party;
use testkit::unique;

use crate::{PROGRAM, front};

/// A tenant to be tested, and what runs it.
struct Ground {
    base: String,
    token: String,
    _demo: Option<Demo>,
    _roles: Vec<Role>,
    _realm: Option<Realm>,
    _installation: Option<Installation>,
}

/// A suite asks as fast as it can; a person's identity provider does not.
fn unhurried(console: &Console, tenant: &str) -> String {
    let token = console.enable_inbound(tenant);
    console.inbound_options(tenant, &json!({ "requests_per_second": 1_000 }));
    token
}

fn demo() -> Ground {
    let demo = Demo::start(Path::new(PROGRAM));
    let token = unhurried(&Console::new(demo.fact("control_url"), demo.fact("operator_token")), "acme");
    let base = demo.fact("scim_base_url").to_owned();
    Ground { base, token, _demo: Some(demo), _roles: Vec::new(), _realm: None, _installation: None }
}

fn installed(installation: Installation, realm: Option<Realm>) -> Ground {
    let (console, control, gateway) = front(&installation);
    let name = realm.as_ref().map_or_else(|| unique("realm"), |realm| realm.name().to_owned());
    console.make_tenant("acme", &name);
    let token = unhurried(&console, "acme");
    let base = format!("{}/realms/{name}/scim/v2", gateway.url);
    let dispatcher = installation.start("dispatcher");
    let roles = vec![control, gateway, dispatcher];
    Ground { base, token, _demo: None, _roles: roles, _realm: realm, _installation: Some(installation) }
}

fn postgres() -> Ground {
    installed(Installation::on_embedded_realms(PROGRAM), None)
}

fn keycloak() -> Ground {
    installed(Installation::on_keycloak(PROGRAM), Some(Realm::default()))
}

/// Okta's sequence: 71 of 71.
fn okta(ground: &Ground) {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/okta.py");
    let mut python = Command::new("python3");
    python.arg("-B").arg(suite).args([&ground.base, &ground.token, "-q"]);
    let output = python.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("71 passed, 0 failed, 0 skipped"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// The RFC checker: 135 of 135. Its verdicts are the first word of a line.
fn scim2_tester(ground: &Ground) {
    let said = third_party::scim2_test(&ground.base, &ground.token);
    let verdict = |words: &[&str]| {
        said.lines().filter(|line| words.iter().any(|word| line.starts_with(word))).collect::<Vec<_>>()
    };
    let (wrong, skipped) = (verdict(&["ERROR", "CRITICAL", "DEVIATION"]), verdict(&["SKIPPED", "ACCEPTABLE"]));
    assert!(wrong.is_empty() && skipped.is_empty(), "{wrong:#?}\n{skipped:#?}\n{said}");
    assert_eq!(verdict(&["SUCCESS", "COMPLIANT"]).len(), 135, "{said}");
}

#[test]
fn okta_finds_nothing_wrong_with_the_demo() {
    okta(&demo());
}

#[test]
fn okta_finds_nothing_wrong_with_embedded_realms_on_postgres() {
    okta(&postgres());
}

#[test]
fn okta_finds_nothing_wrong_with_keycloak_behind() {
    okta(&keycloak());
}

#[test]
fn the_rfc_checker_finds_nothing_wrong_with_the_demo() {
    scim2_tester(&demo());
}

#[test]
fn the_rfc_checker_finds_nothing_wrong_with_embedded_realms_on_postgres() {
    scim2_tester(&postgres());
}

#[test]
fn the_rfc_checker_finds_nothing_wrong_with_keycloak_behind() {
    scim2_tester(&keycloak());
}
