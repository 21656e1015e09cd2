//! 500 changes, while everything of ours and the broker is killed again and again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::installation::Installation;
use testkit::keycloak::Realm;
use testkit::own::OwnBroker;
use testkit::{eventually, fieldnotes::Fieldnotes};

use crate::provider::Provider;
use crate::{PROGRAM, front};

const WRITERS: usize = 5;
const USERS_EACH: usize = 8;
const CHANGES_EACH: usize = 100;

/// What counts, on both sides: e-mail, given name, family name, on or off; by the realm's id.
type People = BTreeMap<String, (Value, Value, Value, Value)>;

#[test]
fn five_hundred_changes_arrive_although_everything_is_killed() {
    // Nobody else's broker is killed.
    let mut broker = OwnBroker::default();
    let mut installation = Installation::on_keycloak(PROGRAM);
    installation.set("AMQP_URL", &broker.url());
    let (realm, downstream) = (Realm::default(), Fieldnotes::default());
    let (console, _control, mut gateway) = front(&installation);
    let mut dispatcher = installation.start("dispatcher");
    console.make_tenant("acme", realm.name());
    console.enable_outbound("acme", downstream.url(), downstream.token());
    let token = console.enable_inbound("acme");
    let url = gateway.url.clone();

    let done = AtomicUsize::new(0);
    let wanted: Vec<(String, String)> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (provider, done) = (Provider::new(&url, realm.name(), &token), &done);
                scope.spawn(move || write(&provider, writer, done))
            })
            .collect();
        let reached = |count: usize| {
            let there = eventually(Duration::from_mins(5), || (done.load(Ordering::SeqCst) >= count).then_some(()));
            assert!(there.is_some(), "only {} changes were accepted", done.load(Ordering::SeqCst));
        };
        for round in [0, 200] {
            reached(round + 60);
            dispatcher.process.kill();
            reached(round + 90);
            dispatcher.restart();
            reached(round + 130);
            gateway.process.kill();
            gateway.restart();
            reached(round + 170);
            broker.kill_and_restart();
        }
        reached(430);
        dispatcher.process.kill();
        gateway.process.kill();
        broker.kill_and_restart();
        dispatcher.restart();
        gateway.restart();
        writers.into_iter().flat_map(|writer| writer.join().expect("every change is accepted in the end")).collect()
    });

    let in_realm = realm_people(&realm);
    assert_eq!(in_realm.len(), WRITERS * USERS_EACH, "the realm has every user once");
    for (id, last) in &wanted {
        assert_eq!(in_realm[id].2, *last, "the realm has the last change of {id}");
    }
    let equal = eventually(Duration::from_mins(3), || (downstream_people(&downstream) == in_realm).then_some(()));
    assert!(equal.is_some(), "realm {in_realm:#?}\ndownstream {:#?}", downstream_people(&downstream));
    assert_eq!(downstream.app().users().len(), in_realm.len(), "no user is there twice");
    // And it stays so: nothing late is on its way.
    let settled = eventually(Duration::from_mins(2), || {
        let waiting = installation.database().ask("select count(*) from ledger where owed_seq > acked_seq");
        (waiting == "0").then_some(())
    });
    assert!(settled.is_some(), "the ledger is in step");
    assert_eq!(downstream_people(&downstream), in_realm);
}

/// One provider's changes to its own users, in order; each user's id and last family name.
fn write(provider: &Provider, writer: usize, done: &AtomicUsize) -> Vec<(String, String)> {
    let name = |user: usize| format!("user-{writer}-{user}@acme.test");
    let counted = |_: &String| {
        done.fetch_add(1, Ordering::SeqCst);
    };
    let ids: Vec<String> = (0..USERS_EACH).map(|user| provider.create(&name(user))).inspect(counted).collect();
    let mut last = vec!["F0".to_owned(); USERS_EACH];
    for change in 0..CHANGES_EACH - USERS_EACH {
        let user = change * 5 % USERS_EACH;
        last[user] = format!("F{change}");
        let values = [("name.familyName", json!(last[user])), ("active", json!(change % 3 != 0))];
        provider.replace(&ids[user], &values);
        done.fetch_add(1, Ordering::SeqCst);
    }
    ids.into_iter().zip(last).collect()
}

fn realm_people(realm: &Realm) -> People {
    let users = realm.admin(reqwest::Method::GET, "/users?max=1000", None);
    let users = users.as_array().cloned().unwrap_or_default();
    users
        .into_iter()
        .map(|user| {
            let field = |name: &str| user[name].clone();
            let person = (field("email"), field("firstName"), field("lastName"), field("enabled"));
            (user["id"].as_str().unwrap_or_default().to_owned(), person)
        })
        .collect()
}

fn downstream_people(downstream: &Fieldnotes) -> People {
    let users = downstream.app().users().into_iter();
    users
        .map(|user| {
            let user = Value::Object(user);
            let (name, email) = (&user["name"], &user["emails"][0]["value"]);
            let person = (email.clone(), name["givenName"].clone(), name["familyName"].clone(), user["active"].clone());
            (user["externalId"].as_str().unwrap_or_default().to_owned(), person)
        })
        .collect()
}
