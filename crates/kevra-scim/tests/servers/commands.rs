//! What operators do from a shell, the program run as they run it: parked users, backfills, keys; and the SQL that pages show.

use std::path::Path;

use reqwest::Method;
use serde_json::json;
use testkit::database::Database;
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;

use crate::downstreams::{Downstream, SOON, Sender};

/// Keys beside the one everything begins with.
const FIRST: &str = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const SECOND: &str = "second:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn fieldnotes() -> (Fieldnotes, Downstream) {
    let app = Fieldnotes::default();
    let downstream = Downstream { url: app.url().to_owned(), token: app.token().to_owned() };
    (app, downstream)
}

#[test]
fn parked_users_are_listed_shown_linked_retried_and_ignored_from_a_shell() {
    let (_app, downstream) = fieldnotes();
    let sender = Sender::to(&downstream);
    let records = ["linked", "retried", "ignored"].map(|name| {
        let made =
            downstream.call(Method::POST, "/Users", Some(&json!({ "userName": name, "displayName": "Stranger" })));
        made["id"].as_str().unwrap().to_owned()
    });
    let ids = ["linked", "retried", "ignored"].map(|name| sender.make(name));
    for id in &ids {
        sender.parked(id);
    }
    let run = |arguments: &[&str]| sender.installation.run(&[&["parked"], arguments].concat());
    let listed = run(&["ls", "acme"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(ids.iter().all(|id| listed.contains(&format!("{id}\tconflict"))), "{listed}");

    let refused = sender.installation.attempt(&["parked", "link", "acme", &ids[0], &records[1]]);
    assert_eq!(refused.status.code(), Some(1), "only what was shown is linked");
    let shown = run(&["show", "acme", &ids[0]]);
    assert!(shown.contains(&records[0]) && shown.contains("Stranger") && shown.contains("linked"), "{shown}");
    run(&["link", "acme", &ids[0], &records[0]]);
    let linked = downstream.arrives("linked", |user| user["externalId"] == json!(ids[0]));
    assert_eq!(linked["id"], json!(records[0]));

    let rename = json!({ "Operations": [{ "op": "replace", "path": "userName", "value": "someone-else" }] });
    downstream.call(Method::PATCH, &format!("/Users/{}", records[1]), Some(&rename));
    run(&["retry", "acme", &ids[1]]);
    downstream.arrives("retried", |user| user["externalId"] == json!(ids[1]));

    run(&["ignore", "acme", &ids[2]]);
    assert!(run(&["ls", "acme"]).contains(&format!("{}\tignored", ids[2])));
    let unknown = sender.installation.attempt(&["parked", "retry", "acme", &ids[0]]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(unknown.status.code() == Some(1) && said.contains("is not parked"), "{said}");
}

#[test]
fn a_backfill_is_rehearsed_run_held_and_given_up_from_a_shell() {
    let (app, downstream) = fieldnotes();
    let sender = Sender::to(&downstream);
    sender.console.disable_outbound("acme");
    let count = 40;
    for number in 0..count {
        sender.make(&format!("user-{number}"));
    }
    sender.console.enable_outbound("acme", &downstream.url, &downstream.token);
    let run = |verb: &str| sender.installation.run(&["backfill", verb, "acme"]);
    let ends = |state: &str| {
        let ended = eventually(SOON * 3, || Some(run("status")).filter(|said| said.starts_with(state)));
        ended.unwrap_or_else(|| panic!("{}", run("status")))
    };
    let none = sender.installation.attempt(&["backfill", "pause", "acme"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("none is running"));
    run("dry-run");
    let rehearsed = ends("dry-run done");
    assert!(rehearsed.contains(&format!("create    {count}")), "{rehearsed}");
    assert_eq!(app.app().users().len(), 0, "a rehearsal pushes nobody");

    // Nothing of it can be done before everything was said.
    sender.roles[2].process.signal("STOP");
    run("run");
    let twice = sender.installation.attempt(&["backfill", "run", "acme"]);
    assert!(String::from_utf8_lossy(&twice.stderr).contains("one is running already"));
    assert!(run("pause").starts_with("backfill paused"));
    assert!(run("resume").starts_with("backfill running"));
    assert!(run("cancel").starts_with("backfill cancelled"));
    sender.roles[2].process.signal("CONT");
    run("run");
    ends("backfill done");
    let all = eventually(SOON * 3, || (app.app().users().len() == count).then_some(()));
    assert!(all.is_some(), "{} arrived", app.app().users().len());
}

#[test]
fn secrets_move_to_a_new_key_and_nothing_starts_without_the_one_they_need() {
    let (_app, downstream) = fieldnotes();
    let mut sender = Sender::to(&downstream);
    sender.make("before");
    downstream.arrives("before", |_| true);
    let refuses = |sender: &Sender, role: &str, key: &str| {
        let ended = sender.installation.attempt(&[role]);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(64), "{role}: {said}");
        assert!(said.contains("KEVRA_SEAL_KEYRING") && said.contains(&format!("\"{key}\"")), "{role}: {said}");
        assert!(said.contains("seal rewrap"), "it says what to do: {said}");
    };
    // Only the new key: what is stored is sealed with the old one.
    sender.installation.set("KEVRA_SEAL_KEYRING", SECOND);
    for role in ["control", "dispatcher"] {
        refuses(&sender, role, "test");
    }
    assert_eq!(sender.installation.attempt(&["seal", "rewrap"]).status.code(), Some(64));
    // Both, the new one first; everything runs on meanwhile.
    sender.installation.set("KEVRA_SEAL_KEYRING", &format!("{SECOND},{FIRST}"));
    let said = sender.installation.run(&["seal", "rewrap"]);
    assert!(said.contains("1 downstream tokens wrapped anew"), "{said}");
    // The old one can go, and is no use any more.
    sender.installation.set("KEVRA_SEAL_KEYRING", FIRST);
    refuses(&sender, "dispatcher", "second");
    sender.installation.set("KEVRA_SEAL_KEYRING", SECOND);
    let dispatcher = sender.installation.start("dispatcher");
    sender.roles[2] = dispatcher;
    sender.make("after");
    downstream.arrives("after", |_| true);
}

#[test]
fn the_sql_that_pages_show_runs_on_the_present_schema() {
    let database = Database::postgres();
    let (_, name) = database.url().rsplit_once('/').unwrap();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut blocks = 0;
    for directory in ["operate", "runbooks"] {
        for entry in std::fs::read_dir(docs.join(directory)).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            for block in text.split("```sql\n").skip(1) {
                let (statements, _) = block.split_once("```").unwrap();
                let statements = statements.replace("on database kevra ", &format!("on database \"{name}\" "));
                // Nothing stays: a role would be the whole server's.
                database.ask(&format!("begin; {statements} rollback;"));
                blocks += 1;
            }
        }
    }
    assert!(blocks >= 6, "{blocks} blocks");
}
