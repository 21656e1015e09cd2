//! Our event listener in the real Keycloak: what it tells arrives although the realm stores no events and nobody compares,
//! and a broker that is down or frozen costs a request of Keycloak nothing.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::broker::{self, Vhost};
use testkit::{database, eventually};

use crate::stage::{Stage, members};

/// A change that takes longer than this waits for the broker.
const UNHELD: Duration = Duration::from_secs(3);

/// Nothing but the listener can tell: the realm's event stores are off, and `control`, which would switch them on again,
/// is gone.
fn only_the_listener_tells(stage: &mut Stage) {
    stage.control.process.kill();
    let off = json!({ "eventsEnabled": false, "eventsExpiration": 0, "adminEventsEnabled": false });
    stage.realm.admin(Method::PUT, "/events/config", Some(&off));
    stage
        .installation
        .database()
        .ask("update realm_watch set compare_at = compare_at + 3600000000, reread_at = reread_at + 3600000000");
}

fn rename(stage: &Stage, id: &str, name: &str) -> Duration {
    let begun = Instant::now();
    stage.realm.save_user(id, |user| user["lastName"] = json!(name));
    begun.elapsed()
}

#[test]
fn what_the_listener_tells_arrives_without_any_stored_event() {
    let mut stage = Stage::hearing();
    let (ada, eve) = (stage.made("ada@acme.test"), stage.made("eve@acme.test"));
    let group = json!({ "displayName": "Guides", "members": [{ "value": eve }] });
    let (status, group) = stage.scim(Method::POST, "/Groups", Some(&group));
    assert_eq!(status, 201, "{group}");
    let group = group["id"].as_str().unwrap().to_owned();
    only_the_listener_tells(&mut stage);

    rename(&stage, &ada, "Lovelace");
    stage.arrives("ada@acme.test", |user| user["name"]["familyName"] == "Lovelace");
    stage.reads(&format!("/Users/{ada}"), |_, user| user["name"]["familyName"] == "Lovelace");
    stage.realm.save_user(&eve, |user| user["enabled"] = json!(false));
    stage.arrives("eve@acme.test", |user| user["active"] == false);

    // She saves her account herself.
    stage.realm.make_app();
    let saved = stage.realm.save_account(&ada, |account| account["firstName"] = json!("Augusta"));
    assert_eq!(saved, Some(204));
    stage.arrives("ada@acme.test", |user| user["name"]["givenName"] == "Augusta");

    // Into a group, and out of another membership.
    let members_are = |wanted: &[&str]| {
        stage.reads(&format!("/Groups/{group}?attributes=members"), |_, read| members(read) == wanted);
    };
    let membership = |method: Method, user: &str| {
        stage.realm.admin(method, &format!("/users/{user}/groups/{group}"), None);
    };
    membership(Method::DELETE, &eve);
    members_are(&[]);
    membership(Method::PUT, &ada);
    members_are(&[&ada]);

    // Out of SCIM's hands and into them again.
    let role = json!([stage.realm.admin(Method::GET, "/roles/scim-managed", None)]);
    let mapping = format!("/users/{eve}/role-mappings/realm");
    stage.realm.admin(Method::DELETE, &mapping, Some(&role));
    stage.reads(&format!("/Users/{eve}"), |status, _| status == 404);
    stage.realm.admin(Method::POST, &mapping, Some(&role));
    stage.reads(&format!("/Users/{eve}"), |status, _| status == 200);

    // A user of the realm alone is pushed, and one who is deleted is gone.
    let grace = json!({ "username": "grace@acme.test", "email": "grace@acme.test", "enabled": true });
    stage.realm.admin(Method::POST, "/users", Some(&grace));
    stage.arrives("grace@acme.test", |_| true);
    stage.realm.admin(Method::DELETE, &format!("/users/{ada}"), None);
    stage.reads(&format!("/Users/{ada}"), |status, _| status == 404);
    members_are(&[]);
}

#[test]
fn what_the_communitys_listener_tells_arrives_and_what_it_tells_of_others_does_not() {
    let mut stage = Stage::hearing();
    let (ada, eve) = (stage.made("ada@acme.test"), stage.made("eve@acme.test"));
    only_the_listener_tells(&mut stage);
    // Written past Keycloak, so that no listener of ours tells of it.
    for id in [&ada, &eve] {
        database::ask_keycloaks(&format!("update user_entity set last_name = 'Lovelace' where id = '{id}'"));
    }
    stage.realm.admin(Method::POST, "/clear-user-cache", None);
    let (keycloak, realm) = (Vhost::of_keycloak(), stage.realm.admin(Method::GET, "", None)["id"].take());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let by_admin = |realm: &Value, user: &str, error: Value| {
        json!({ "@class": "com.github.aznamier.keycloak.event.provider.EventAdminNotificationMqMsg",
            "time": u64::try_from(now.as_millis()).unwrap(), "realmId": realm,
            "authDetails": { "realmId": realm, "clientId": realm, "userId": realm, "ipAddress": "127.0.0.1" },
            "resourceType": "USER", "operationType": "UPDATE", "resourcePath": format!("users/{user}"),
            "representation": "{\"username\":\"not what is believed\"}", "error": error, "resourceTypeAsString": "USER" })
    };
    let key = format!("KK.EVENT.ADMIN.{}.SUCCESS.USER.UPDATE", stage.realm.name());
    // Of a realm nobody knows, of a refused change, and no JSON at all: nothing is marked.
    let marks = || stage.installation.database().ask("select sum(dirty_seq) from ledger");
    let before = marks();
    let other = json!("00000000-0000-4000-8000-000000000000");
    assert!(keycloak.tell(&key, &by_admin(&other, &eve, Value::Null)));
    assert!(keycloak.tell(&key.replace("SUCCESS", "ERROR"), &by_admin(&realm, &eve, json!("unknown_error"))));
    assert!(keycloak.tell(&key, &json!("not an event")));
    assert!(keycloak.tell(&key, &by_admin(&realm, &ada, Value::Null)));
    stage.arrives("ada@acme.test", |user| user["name"]["familyName"] == "Lovelace");
    assert_ne!(marks(), before);
    stage.reads(&format!("/Users/{eve}"), |_, user| user["name"]["familyName"] != "Lovelace");
    // She saves her account herself.
    let herself = json!({ "@class": "com.github.aznamier.keycloak.event.provider.EventClientNotificationMqMsg",
        "time": u64::try_from(now.as_millis()).unwrap(), "type": "UPDATE_PROFILE", "realmId": realm,
        "clientId": "account", "userId": eve, "sessionId": realm, "ipAddress": "127.0.0.1", "error": null, "details": {} });
    let key = format!("KK.EVENT.CLIENT.{}.SUCCESS.account.UPDATE_PROFILE", stage.realm.name());
    assert!(keycloak.tell(&key, &herself));
    stage.arrives("eve@acme.test", |user| user["name"]["familyName"] == "Lovelace");
}

#[test]
fn a_broker_that_is_frozen_or_gone_holds_up_no_change_and_hears_of_it_afterwards() {
    let mut stage = Stage::hearing();
    let ada = stage.made("ada@acme.test");
    only_the_listener_tells(&mut stage);
    let arrives = |name: &str| stage.arrives("ada@acme.test", |user| user["name"]["familyName"] == name);
    rename(&stage, &ada, "Up");
    arrives("Up");

    broker::freeze();
    let frozen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| rename(&stage, &ada, "Frozen")));
    broker::thaw();
    let frozen = frozen.unwrap();
    assert!(frozen < UNHELD, "a change waited {frozen:?} for a frozen broker");
    arrives("Frozen");

    broker::kill();
    let gone = rename(&stage, &ada, "Gone");
    assert!(gone < UNHELD, "a change waited {gone:?} for a broker that is gone");
    broker::start();
    arrives("Gone");
}

#[test]
fn an_edit_that_comes_by_listener_and_by_poll_is_pushed_once() {
    let stage = Stage::hearing();
    let ada = stage.made("ada@acme.test");
    let patches = || {
        let journal = stage.downstream.app().journal();
        journal.iter().filter(|entry| entry.method == "PATCH").count()
    };
    rename(&stage, &ada, "Lovelace");
    stage.arrives("ada@acme.test", |user| user["name"]["familyName"] == "Lovelace");
    // Two polls have read the event since, and what they marked would be settled.
    let polls = || -> i64 { stage.installation.database().ask("select poll_epoch from realm_watch").parse().unwrap() };
    let begun = polls();
    assert!(eventually(crate::stage::SOON, || (polls() >= begun + 3).then_some(())).is_some());
    stage.settles("select count(*) from ledger where dirty_seq > seen_seq or owed_seq > acked_seq");
    assert_eq!(patches(), 1, "{:?}", stage.downstream.app().journal().len());
    let held: Value = stage.realm.user("ada@acme.test").unwrap();
    assert_eq!(held["lastName"], "Lovelace");
}
