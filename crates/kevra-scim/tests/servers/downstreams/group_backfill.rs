//! What a backfill says of groups: counted after the users, and only where groups are pushed.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::third_party::Scim2Server;

use super::groups::{Provider, arrives, push_groups};
use super::{Downstream, Sender};

/// A backfill, once it is done.
fn backfilled(sender: &Sender, dry_run: bool) -> Value {
    let (status, begun) = sender.call(Method::POST, "/outbound/backfill", Some(&json!({ "dry_run": dry_run })));
    assert_eq!(status, 202, "{begun}");
    let done = eventually(Duration::from_mins(1), || {
        Some(sender.call(Method::GET, "/outbound/backfill", None).1).filter(|backfill| backfill["state"] == "done")
    });
    done.unwrap_or_else(|| panic!("{}", sender.installation.logs()))
}

/// Its counts of groups.
fn counts(backfill: &Value) -> [i64; 6] {
    ["total", "seen", "create", "update", "in_step", "conflict"]
        .map(|name| backfill["groups"][name].as_i64().unwrap_or_else(|| panic!("no {name} of groups: {backfill}")))
}

#[test]
fn a_backfill_counts_groups_where_they_are_pushed_and_its_rehearsal_makes_none() {
    let server = Scim2Server::default();
    let downstream = Downstream { url: server.url().to_owned(), token: server.token().to_owned() };
    let sender = Sender::to(&downstream);
    let provider = Provider::new(&sender);
    let ids = ["ada", "bob"].map(|name| {
        let id = provider.make("/Users", &json!({ "userName": name, "active": true }));
        downstream.arrives(name, |_| true);
        id
    });
    let member = |id: &String| json!({ "value": id });
    let crew = json!({ "displayName": "Crew", "members": [member(&ids[0]), member(&ids[1])] });
    let crew = provider.make("/Groups", &crew);
    let staff = provider.make("/Groups", &json!({ "displayName": "Staff", "members": [member(&ids[1])] }));
    let without = backfilled(&sender, true);
    assert!(without["groups"].is_null() && without["in_step"] == 2, "no groups are pushed: {without}");

    push_groups(&sender, true);
    let rehearsed = backfilled(&sender, true);
    assert_eq!(counts(&rehearsed), [2, 2, 2, 0, 0, 0], "{rehearsed}");
    assert_eq!((&rehearsed["total"], &rehearsed["in_step"]), (&json!(2), &json!(2)), "users are counted by themselves");
    let there = || downstream.call(Method::GET, "/Groups?count=100", None)["totalResults"].clone();
    assert_eq!(there(), 0, "a rehearsal makes none");

    assert_eq!(counts(&backfilled(&sender, false)), [2, 2, 2, 0, 0, 0]);
    let record = arrives(&downstream, &sender, &crew, "Crew", &["ada", "bob"]);
    arrives(&downstream, &sender, &staff, "Staff", &["bob"]);
    assert_eq!(counts(&backfilled(&sender, true)), [2, 2, 0, 0, 2, 0]);

    // The application calls one otherwise itself.
    let by_hand = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "displayName", "value": "Else" }],
    });
    downstream.call(Method::PATCH, &format!("/Groups/{}", record["id"].as_str().unwrap()), Some(&by_hand));
    assert_eq!(counts(&backfilled(&sender, true)), [2, 2, 0, 1, 1, 0]);
    arrives(&downstream, &sender, &crew, "Else", &["ada", "bob"]);
    assert_eq!(counts(&backfilled(&sender, false)), [2, 2, 0, 1, 1, 0]);
    arrives(&downstream, &sender, &crew, "Crew", &["ada", "bob"]);
}
