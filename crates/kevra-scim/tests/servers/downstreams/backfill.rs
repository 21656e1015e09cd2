//! A backfill of a real downstream, and what it survives.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::installation::Installation;

use super::{SOON, our_own};
use crate::{PROGRAM, front};

#[test]
fn a_backfill_of_two_hundred_survives_a_dispatcher_that_is_killed() {
    let (downstream, _console, _roles, _installation) = our_own();
    let sender = Installation::on_embedded_realms(PROGRAM);
    let (there, _its_control, _its_gateway) = front(&sender);
    let mut first = sender.start("dispatcher");
    let _second = sender.start("dispatcher");
    there.make_tenant("acme", "acme");
    let call =
        |method: Method, path: &str, body: Option<&Value>| there.call(method, &format!("/tenants/acme{path}"), body);
    for number in 0..200 {
        let person = json!({ "username": format!("user-{number:03}"), "enabled": true });
        assert_eq!(call(Method::POST, "/realm-users", Some(&person)).0, 201);
    }
    there.enable_outbound("acme", &downstream.url, &downstream.token);
    let count = || downstream.call(Method::GET, "/Users?count=0", None)["totalResults"].as_u64().unwrap_or(0);
    let ended = |wanted: &str| {
        eventually(Duration::from_mins(2), || {
            Some(call(Method::GET, "/outbound/backfill", None).1).filter(|backfill| backfill["state"] == wanted)
        })
    };
    // A rehearsal counts and changes nothing.
    let (status, begun) = call(Method::POST, "/outbound/backfill", Some(&json!({ "dry_run": true })));
    assert_eq!(status, 202, "{begun}");
    let rehearsed = ended("done").unwrap_or_else(|| panic!("{}", sender.logs()));
    assert_eq!(
        (&rehearsed["create"], &rehearsed["seen"], &rehearsed["total"]),
        (&json!(200), &json!(200), &json!(200))
    );
    assert_eq!(rehearsed["sample"].as_array().map(Vec::len), Some(20));
    assert!(rehearsed["sample"][0]["username"].as_str().unwrap().starts_with("user-"));
    assert_eq!(count(), 0, "a rehearsal pushes nobody");

    let (status, begun) = call(Method::POST, "/outbound/backfill", Some(&json!({ "dry_run": false })));
    assert_eq!(status, 202, "{begun}");
    let (status, twice) = call(Method::POST, "/outbound/backfill", Some(&json!({ "dry_run": false })));
    assert_eq!((status, &twice["code"]), (409, &json!("already_running")));
    assert!(eventually(SOON, || (count() >= 20).then_some(())).is_some(), "{}", sender.logs());
    first.process.kill();
    let (_, paused) = call(Method::POST, "/outbound/backfill/pause", None);
    assert_eq!(paused["state"], "paused");
    let (_, resumed) = call(Method::POST, "/outbound/backfill/resume", None);
    assert_eq!(resumed["state"], "running");
    // A live edit does not wait for the rest; the realm may be the dead one's to poll until its claim runs out, after 10 s.
    let person = json!({ "username": "live", "enabled": true });
    call(Method::POST, "/realm-users", Some(&person));
    assert!(eventually(Duration::from_secs(30), || downstream.user("live")).is_some(), "{}", sender.logs());
    let done = ended("done").unwrap_or_else(|| panic!("{}", sender.logs()));
    assert!(done["seen"].as_u64() >= Some(200), "{done}");
    // Whose create was on its way when the dispatcher died is looked for when its lease is over, and again a minute later.
    let all = eventually(Duration::from_mins(2), || (count() == 201).then_some(()));
    assert!(all.is_some(), "{} arrived: {}", count(), sender.logs());
    let list = downstream.call(Method::GET, "/Users?count=1000", None);
    let mut owners: Vec<&str> =
        list["Resources"].as_array().unwrap().iter().filter_map(|user| user["externalId"].as_str()).collect();
    owners.sort_unstable();
    owners.dedup();
    assert_eq!(owners.len(), 201, "one record a person");
    // Everybody is in step now.
    call(Method::POST, "/outbound/backfill", Some(&json!({ "dry_run": true })));
    let again = ended("done").unwrap();
    assert_eq!((&again["in_step"], &again["create"]), (&json!(201), &json!(0)), "{again}");
}
