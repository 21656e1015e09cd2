//! Many at once: deactivations that are held where the tenant chose so, records that are gone, and deletions that switch
//! off where that was chosen.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;

use crate::downstreams::{SOON, Sender, our_own};

fn people(sender: &Sender, count: usize) -> Vec<(String, String)> {
    (0..count).map(|number| format!("user-{number:02}")).map(|name| (sender.make(&name), name)).collect()
}

fn panel(sender: &Sender) -> Value {
    sender.call(Method::GET, "/identity-sync", None).1["outbound"].clone()
}

fn alarms(sender: &Sender, class: &str) -> usize {
    let (_, page) = sender.call(Method::GET, &format!("/activity?class={class}"), None);
    page["entries"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_mass_of_deactivations_is_alarmed_about_and_held_where_that_was_chosen() {
    let (downstream, _console, _roles, _installation) = our_own();
    let sender = Sender::to(&downstream);
    let choices = json!({ "on_delete": "nothing", "hold_mass_deactivation": true, "push_groups": false });
    assert_eq!(sender.call(Method::PUT, "/outbound/options", Some(&choices)).0, 204);
    assert_eq!(panel(&sender)["options"], choices);
    let everybody = people(&sender, 24);
    for (_, name) in &everybody {
        downstream.arrives(name, |_| true);
    }
    // One at a time: how many pass is counted exactly.
    for (id, name) in &everybody[..20] {
        sender.save(id, &json!({ "enabled": false }));
        downstream.arrives(name, |user| user["active"] == false);
    }
    let (id, name) = &everybody[20];
    sender.save(id, &json!({ "enabled": false }));
    assert_eq!(sender.parked(id)["reason"], "mass deactivation");
    assert_eq!(downstream.user(name).unwrap()["active"], true);
    assert_eq!(alarms(&sender, "mass_deactivation"), 1);
    // Held for a person, whose word lets it go.
    assert_eq!(sender.call(Method::POST, &format!("/outbound/parked/{id}/retry"), None).0, 204);
    downstream.arrives(name, |user| user["active"] == false);
    // Or lets all of them go, of whom it was told; or none.
    let say = |word: &str, users: u64| {
        sender.call(Method::POST, &format!("/outbound/held/{word}"), Some(&json!({ "users": users })))
    };
    for (id, _) in &everybody[21..23] {
        sender.save(id, &json!({ "enabled": false }));
        sender.parked(id);
    }
    assert_eq!(panel(&sender)["held"], json!({ "deactivations": 2, "absences": 0, "groups": 0 }));
    let (status, refused) = say("deactivations/confirm", 1);
    assert_eq!((status, &refused["code"]), (409, &json!("stale")), "{refused}");
    assert_eq!(say("deactivations/confirm", 2), (200, json!({ "users": 2 })));
    for (_, name) in &everybody[21..23] {
        downstream.arrives(name, |user| user["active"] == false);
    }
    // Everything else goes on meanwhile, also with whom nobody let go.
    let (id, name) = &everybody[23];
    sender.save(id, &json!({ "enabled": false }));
    sender.parked(id);
    assert_eq!(say("deactivations/refuse", 1), (200, json!({ "users": 1 })));
    assert_eq!(
        (&panel(&sender)["held"]["deactivations"], downstream.user(name).unwrap()["active"].clone()),
        (&json!(0), json!(true))
    );
    sender.save(id, &json!({ "enabled": true }));
    sender.save(id, &json!({ "last_name": "Goes on" }));
    downstream.arrives(name, |user| user["name"]["familyName"] == "Goes on");
}

#[test]
fn a_downstream_that_was_emptied_waits_for_a_person_and_gets_nobody_anew() {
    let (downstream, _console, _roles, _installation) = our_own();
    let sender = Sender::to(&downstream);
    let everybody = people(&sender, 24);
    let records: Vec<Value> = everybody.iter().map(|(_, name)| downstream.arrives(name, |_| true)).collect();
    for record in &records {
        downstream.call(Method::DELETE, &format!("/Users/{}", record["id"].as_str().unwrap()), None);
    }
    // A few that are gone are made anew.
    for (id, name) in &everybody[..20] {
        sender.save(id, &json!({ "last_name": "Anew" }));
        downstream.arrives(name, |user| user["externalId"] == json!(id));
    }
    let (id, name) = &everybody[20];
    sender.save(id, &json!({ "last_name": "Anew" }));
    let held = eventually(SOON, || Some(panel(&sender)).filter(|panel| !panel["quarantined_at"].is_null()));
    let held = held.unwrap_or_else(|| panic!("{}: {}", panel(&sender), sender.installation.logs()));
    assert_eq!(held["quarantine_code"], "gone", "{held}");
    assert!(downstream.user(name).is_none());
    assert_eq!(alarms(&sender, "mass_gone"), 1);
    // A person decides, and it goes on.
    sender.console.disable_outbound("acme");
    sender.console.enable_outbound("acme", &downstream.url, &downstream.token);
    downstream.arrives(name, |user| user["externalId"] == json!(id));
}

#[test]
fn who_is_deleted_in_the_realm_is_switched_off_only_where_that_was_chosen() {
    let (downstream, _console, _roles, _installation) = our_own();
    let sender = Sender::to(&downstream);
    let token = sender.console.enable_inbound("acme");
    let base = format!("{}/realms/acme/scim/v2/Users", sender.roles[1].url);
    let client = testkit::http();
    let make = |name: &str| -> String {
        let body = json!({ "userName": name, "active": true });
        let made: Value = client.post(&base).bearer_auth(&token).json(&body).send().unwrap().json().unwrap();
        downstream.arrives(name, |_| true);
        made["id"].as_str().unwrap().to_owned()
    };
    let delete = |id: &str| {
        let answer = client.delete(format!("{base}/{id}")).bearer_auth(&token).send().unwrap();
        assert_eq!(answer.status().as_u16(), 204);
    };
    delete(&make("before"));
    // What comes later has arrived: the deletion was looked at before anything was chosen.
    make("between");
    let choices = json!({ "on_delete": "deactivate", "hold_mass_deactivation": false });
    assert_eq!(sender.call(Method::PUT, "/outbound/options", Some(&choices)).0, 204);
    delete(&make("after"));
    downstream.arrives("after", |user| user["active"] == false);
    assert_eq!(downstream.user("before").unwrap()["active"], true, "the stated limit");
}

#[test]
fn people_a_realm_has_lost_wait_for_a_word_before_they_are_switched_off_though_nobody_manages_them() {
    let (downstream, _console, _roles, _installation) = our_own();
    let sender = Sender::to(&downstream);
    let choices = json!({ "on_delete": "deactivate", "hold_mass_deactivation": false });
    assert_eq!(sender.call(Method::PUT, "/outbound/options", Some(&choices)).0, 204);
    let everybody = people(&sender, 24);
    for (_, name) in &everybody {
        downstream.arrives(name, |_| true);
    }
    // As a restore from before they came does, or a directory behind the realm that was tidied up.
    sender.installation.database().ask("delete from realm_person");
    sender.installation.run(&["realm", "compare", "acme"]);
    let held = || (panel(&sender)["held"]["absences"] == 24).then_some(());
    assert!(eventually(SOON, held).is_some(), "{}", panel(&sender)["held"]);
    for (_, name) in &everybody {
        assert_eq!(downstream.user(name).unwrap()["active"], true);
    }
    assert_eq!(alarms(&sender, "absences_held"), 1);
    let (status, said) = sender.call(Method::POST, "/outbound/held/absences/confirm", Some(&json!({ "users": 24 })));
    assert_eq!((status, said), (200, json!({ "users": 24 })));
    for (_, name) in &everybody {
        downstream.arrives(name, |user| user["active"] == false);
    }
}
