//! What an orchestrator is told at the ops port: whether a role lives, and whether it can work.

use std::time::Duration;

use demo::sample_app::Manners;
use testkit::installation::{Installation, Role};
use testkit::network::Fault;
use testkit::own::{OwnBroker, OwnPostgres};
use testkit::{eventually, http};

use crate::scene::{SOON, Scene};
use crate::{PROGRAM, front};

fn told(role: &Role, path: &str) -> (u16, String) {
    let answer = http().get(format!("{}{path}", role.ops_url)).send().expect("the ops port answers");
    (answer.status().as_u16(), answer.text().expect("a text"))
}

/// Waits until a role says of itself that it cannot work, and why; it lives all the while.
fn says(role: &Role, why: &str) {
    let said = || {
        let (status, text) = told(role, "/readyz");
        (status == 503 && text.lines().any(|line| line == why)).then_some(())
    };
    assert!(eventually(SOON, said).is_some(), "{:?}", told(role, "/readyz?verbose"));
    assert_eq!(told(role, "/livez"), (200, "ok\n".to_owned()));
}

fn is_ready(role: &Role) {
    let ready = || (told(role, "/readyz") == (200, "ready\n".to_owned())).then_some(());
    assert!(eventually(SOON, ready).is_some(), "{:?}", told(role, "/readyz?verbose"));
}

#[test]
fn a_role_lives_while_what_it_needs_is_away_and_says_that_it_is_not_ready() {
    let (postgres, broker) = (OwnPostgres::default(), OwnBroker::default());
    let installation = Installation::on_own_servers(PROGRAM, &postgres, &broker);
    let (_, control, gateway) = front(&installation);
    let dispatcher = installation.start("dispatcher");
    let all = [&control, &gateway, &dispatcher];
    let fine = "database: ok\nschema: ok\n";
    assert_eq!(told(&gateway, "/readyz?verbose"), (200, format!("{fine}signals: ok\n")));
    assert_eq!(told(&dispatcher, "/readyz?verbose"), (200, format!("{fine}broker: ok\nsignals: ok\n")));
    // The broker is the dispatcher's alone: a gateway writes to the ledger, which the sweeper reads.
    broker.freeze();
    says(&dispatcher, "the broker's session is down");
    is_ready(&control);
    is_ready(&gateway);
    broker.thaw();
    is_ready(&dispatcher);

    postgres.freeze();
    for role in all {
        says(role, "the database does not answer");
    }
    postgres.thaw();
    all.into_iter().for_each(is_ready);
    // A schema that lacks something is as bad as none, for those that run and for those that start.
    let newest = "version = (select max(version) from seaql_migrations)";
    let version = installation.database().ask(&format!("select version from seaql_migrations where {newest}"));
    installation.database().ask(&format!("delete from seaql_migrations where {newest}"));
    for role in all {
        says(role, "the schema is not current: run kevra-scim migrate");
    }
    for role in ["control", "gateway", "dispatcher"] {
        let said = installation.refused(&[role]);
        assert!(said.contains("kevra-scim migrate"), "{role}: {said}");
    }
    installation.database().ask(&format!("insert into seaql_migrations values ('{version}', 0)"));
    all.into_iter().for_each(is_ready);
}

#[test]
fn one_signal_waits_for_what_is_in_flight_and_a_second_ends_the_process_at_once() {
    let mut scene = Scene::with(Manners::default());
    let ada = scene.person("ada@acme.test");
    for (fault, signals, within, code) in [(Fault::Stall, 1, 30, 0), (Fault::Stall, 2, 2, 1)] {
        let before = scene.network.hits().len();
        scene.network.next(fault, Some("PATCH"), 1);
        scene.rename(&ada, &format!("By {signals}"));
        let in_flight = || (scene.network.hits().len() > before).then_some(());
        assert!(eventually(SOON, in_flight).is_some(), "{}", scene.installation.logs());
        scene.dispatcher.process.signal("TERM");
        says(&scene.dispatcher, "stopping");
        if signals == 2 {
            scene.dispatcher.process.signal("TERM");
        }
        let ended = scene.dispatcher.process.wait_until_ended(Duration::from_secs(within));
        assert_eq!(ended.code(), Some(code), "{}", scene.installation.logs());
        // Neither costs the change.
        scene.dispatcher.restart();
        let there = || scene.is_named("ada@acme.test", &format!("By {signals}")).then_some(());
        assert!(eventually(SOON, there).is_some(), "{}", scene.installation.logs());
    }
}
