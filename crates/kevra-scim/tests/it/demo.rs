//! The demo as a person starts it: again on what an earlier one left, and beside another.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::scratch::Scratch;
use testkit::{Demo, eventually, free_port};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kevra-scim");

fn start(place: &Path, arguments: &[&str]) -> Demo {
    Demo::start_in(Path::new(PROGRAM), place, arguments)
}

/// Who is in the demo's sample application.
fn held(demo: &Demo) -> Vec<Value> {
    let url = format!("{}/Users", demo.fact("downstream_url"));
    let answer = testkit::http().get(url).bearer_auth(demo.fact("downstream_token")).send().unwrap();
    answer.json::<Value>().unwrap()["Resources"].as_array().unwrap().clone()
}

/// Plays to the end of the sequence, and says what was said.
fn played(place: &Path) -> (String, String) {
    let mut demo = start(place, &["--port", "0", "--play"]);
    let there =
        eventually(Duration::from_mins(1), || demo.process().output().contains(r#""event":"played""#).then_some(()));
    let said = demo.process().output();
    assert!(there.is_some(), "{said}");
    // Whoever reads a pipe is no person.
    for line in said.lines() {
        let fact: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(fact["event"].is_string() || fact["timestamp"].is_string(), "{line}");
        assert!(!line.contains("acme.test") && !line.contains("kvs_"), "neither a name nor a token: {line}");
    }
    assert!(held(&demo).iter().any(|user| user["userName"] == "ada@acme.test"), "{said}");
    let token = demo.fact("downstream_token").to_owned();
    assert!(demo.process().stop(Duration::from_secs(30)).success(), "{}", demo.process().output());
    (said, token)
}

#[test]
fn a_demo_plays_again_on_what_an_earlier_one_left() {
    let scratch = Scratch::default();
    let place = scratch.file("kept");
    let (first, token) = played(&place);
    let (create, enabled) = (r#""meaning":"create""#, r#""event":"enabled","direction":"#);
    assert!(first.contains(create), "{first}");
    let (again, kept) = played(&place);
    assert!(!again.contains(create), "Ada was there already: {again}");
    for direction in ["inbound", "outbound"] {
        assert!(again.contains(&format!("{enabled}\"{direction}\"")), "{again}");
    }
    assert_eq!(token, kept, "Fieldnotes knows its token again");
}

/// The first of eight ports in a row that are free.
fn eight_ports() -> u16 {
    let all_free = |first: &u16| {
        let bound = (0..8).map(|offset| TcpListener::bind(("127.0.0.1", first.checked_add(offset)?)).ok());
        bound.collect::<Option<Vec<_>>>().is_some()
    };
    (0..100).map(|_| free_port()).find(all_free).unwrap()
}

#[test]
fn two_demos_run_side_by_side() {
    let scratch = Scratch::default();
    let port = eight_ports();
    let demos = [port, port + 4].map(|first| {
        let demo = start(&scratch.file(&first.to_string()), &["--port", &first.to_string()]);
        for (offset, fact) in ["control_url", "gateway_url", "downstream_url", "ops_url"].into_iter().enumerate() {
            let url = format!("http://127.0.0.1:{}", usize::from(first) + offset);
            assert!(demo.fact(fact).starts_with(&url), "{fact} is {}, not at {url}", demo.fact(fact));
        }
        demo
    });
    for demo in &demos {
        let ready = testkit::http().get(format!("{}/readyz", demo.fact("ops_url"))).send().unwrap();
        assert!(ready.status().is_success());
    }
}

#[test]
fn a_first_port_without_room_for_the_others_is_refused() {
    let output = Command::new(PROGRAM).args(["demo", "--port", "65533"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("65533 is not in 0..=65532"), "{said}");
}
