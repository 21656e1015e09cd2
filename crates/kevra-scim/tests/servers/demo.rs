//! The demo on servers it is given: they take the places of its own parts.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use testkit::broker::Vhost;
use testkit::console::Console;
use testkit::database::Database;
use testkit::keycloak::Realm;
use testkit::{Demo, eventually, servers};

use crate::PROGRAM;
use crate::scene::SOON;

/// A command on a running demo, from another terminal.
fn command(demo: &Demo, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("demo").args(arguments).arg("--ready-file").arg(demo.ready_file()).envs(settings.iter().copied());
    command.output().unwrap()
}

/// The sample application's record of Ada, once she is active there or not.
fn ada_downstream(demo: &Demo, active: bool) -> Value {
    let url = format!("{}/Users", demo.fact("downstream_url"));
    let record = eventually(SOON, || {
        let list: Value =
            testkit::http().get(&url).bearer_auth(demo.fact("downstream_token")).send().ok()?.json().ok()?;
        let users = list["Resources"].as_array()?;
        users.iter().find(|user| user["userName"] == "ada@acme.test" && user["active"] == active).cloned()
    });
    record.unwrap_or_else(|| panic!("Ada is not there with active = {active}"))
}

#[test]
fn a_demo_runs_on_the_servers_it_is_given() {
    let (database, vhost, realm) = (Database::empty_postgres(), Vhost::default(), Realm::named("acme"));
    let keycloak = ["KEYCLOAK_URL", "KEYCLOAK_CLIENT_ID", "KEYCLOAK_CLIENT_SECRET"]
        .map(|name| (name, servers::fact(&format!("KEVRA_TEST_{name}"))));
    let keycloak = keycloak.each_ref().map(|(name, value)| (*name, value.as_str()));
    let amqp = vhost.url();
    let mut settings = vec![("DATABASE_URL", database.url()), ("AMQP_URL", &amqp)];
    settings.extend(keycloak);
    let mut demo = Demo::start_with(Path::new(PROGRAM), &settings);
    let said = demo.process().output();
    for part in [r#""database":"PostgreSQL""#, r#""doorbell":"RabbitMQ""#, r#""realm":"Keycloak""#] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(database.ask("select slug from tenant"), "acme");

    let console = Console::new(demo.fact("control_url"), demo.fact("operator_token"));
    console.enable_outbound("acme", demo.fact("downstream_url"), demo.fact("downstream_token"));
    let token = console.enable_inbound("acme");
    let played = command(&demo, &["okta", &token], &[]);
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    let ada = realm.user("ada@acme.test").unwrap();
    assert_eq!((&ada["firstName"], &ada["enabled"]), (&json!("Augusta Ada"), &json!(true)));
    assert!(realm.roles(ada["id"].as_str().unwrap()).contains(&"scim-managed".to_owned()));
    assert_eq!(ada_downstream(&demo, true)["externalId"], ada["id"]);
    assert!(vhost.has_queues(), "hints go over the broker");

    let refused = command(&demo, &["touch", "ada"], &[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("set KEYCLOAK_URL") && said.contains("/admin/acme/console"), "{said}");
    let touched = command(&demo, &["touch", "ada"], &keycloak);
    assert!(touched.status.success(), "{}", String::from_utf8_lossy(&touched.stderr));
    assert_eq!(realm.user("ada@acme.test").unwrap()["enabled"], false);
    ada_downstream(&demo, false);
}
