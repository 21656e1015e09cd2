//! What the order of a realm's events is not (K28): of those of one millisecond there is none, and one that commits late
//! appears behind others that were read before it.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::database::ask_keycloaks;
use testkit::faulty_keycloak::{Call, Fault, FaultyKeycloak};
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::Installation;
use testkit::keycloak::Realm;
use testkit::{eventually, unique};

use crate::scene::{SOON, Scene};
use crate::{PROGRAM, front};

/// Nothing but the next minute's events is read from now on: no compare, and nothing of long ago again.
fn only_events_tell(scene: &Scene) {
    scene.until_sql("select compare_at is not null and not compare_wanted from realm_watch", "t");
    scene.until_sql("select cursor_ms is not null and import_done_at is not null from realm_watch", "t");
    scene.sql("update realm_watch set reread_at = 9000000000000000, compare_at = 9000000000000000");
}

#[test]
fn more_events_in_one_millisecond_than_a_page_holds_are_all_taken() {
    const MANY: usize = 130;
    let scene = Scene::new(Realm::default());
    only_events_tell(&scene);
    let dispatcher = &scene.dispatcher.as_ref().unwrap().process;
    dispatcher.signal("STOP");
    let user = |number| json!({ "username": format!("u{number}"), "enabled": true, "realmRoles": ["scim-managed"] });
    let people: Vec<Value> = (0..MANY).map(user).collect();
    scene.realm.admin(Method::POST, "/partialImport", Some(&json!({ "ifResourceExists": "FAIL", "users": people })));
    // No API makes them so close; a busy server does.
    let theirs = format!("realm_id = '{}' and resource_type = 'REALM' and operation_type = 'CREATE'", scene.realm.id());
    ask_keycloaks(&format!(
        "update admin_event_entity set admin_event_time =
             (select max(admin_event_time) from admin_event_entity where {theirs}) where {theirs}"
    ));
    let tied = format!("select count(*), count(distinct admin_event_time) from admin_event_entity where {theirs}");
    assert_eq!(ask_keycloaks(&tied), format!("{MANY}|1"));
    dispatcher.signal("CONT");
    scene.until_sql("select count(*) from directory_user", &MANY.to_string());
    scene.until_sql("select count(*) from ledger where dirty_seq > seen_seq", "0");
}

#[test]
fn an_event_that_commits_after_a_later_one_was_taken_is_taken_once_all_the_same() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let (ada, eve) = (scene.made("ada@acme.test"), scene.made("eve@acme.test"));
    only_events_tell(&scene);
    // What the two have been through so far is known, and read no more.
    let last = scene.realm.admin(Method::GET, "/admin-events?max=1", None)[0]["id"].take();
    scene.until_sql(&format!("select count(*) from seen_event where event_id = '{}'", last.as_str().unwrap()), "1");
    scene.until_sql("select count(*) from ledger where dirty_seq > seen_seq", "0");
    let polls = |call: &Call| call.path.contains("/admin-events?");
    let late = keycloak.on(Fault::Without("\"operationType\":\"UPDATE\""), polls);
    let family = unique("Byron");
    scene.realm.save_user(&ada, |user| user["lastName"] = json!(family));
    scene.realm.admin(Method::DELETE, &format!("/users/{eve}"), None);
    scene.becomes(&format!("/Users/{eve}"), 404);
    let edited = scene.realm.admin(Method::GET, "/admin-events?operationTypes=UPDATE&max=1", None);
    scene.until_sql(&format!("select cursor_ms > {} from realm_watch", edited[0]["time"]), "t");
    let known = || scene.get(&format!("/Users/{ada}")).1["name"]["familyName"].clone();
    assert_eq!(known(), Value::Null, "nobody knows of it yet");
    late.lift();
    let followed = eventually(SOON, || (known() == json!(family)).then_some(()));
    assert!(followed.is_some(), "{}", scene.installation.logs());
    // It is read again and again for a minute, and asks for nothing any more.
    let marks = || scene.sql(&format!("select dirty_seq from ledger where user_id = '{ada}'"));
    let before = marks();
    for _ in 0..3 {
        keycloak.wait_for(Instant::now(), polls);
    }
    assert_eq!(marks(), before);
}

#[test]
fn events_are_read_while_a_compare_fails_or_does_not_end() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let ada = scene.made("ada@acme.test");
    only_events_tell(&scene);
    for fault in [Fault::Answer(500), Fault::Swallow] {
        let listing = keycloak.on(fault, |call| call.path.contains("/users?") && call.path.contains("first="));
        scene.installation.run(&["realm", "compare", "acme"]);
        listing.wait_for(1);
        let family = unique("Byron");
        scene.realm.save_user(&ada, |user| user["lastName"] = json!(family));
        let known = || scene.get(&format!("/Users/{ada}")).1["name"]["familyName"] == json!(family);
        assert!(eventually(SOON, || known().then_some(())).is_some(), "{}", scene.installation.logs());
        assert_eq!(scene.sql("select compare_wanted from realm_watch"), "t");
        listing.lift();
        // Whoever mended the realm says so, and it is not waited for.
        scene.installation.run(&["realm", "compare", "acme"]);
        scene.until_sql("select compare_wanted from realm_watch", "f");
    }
}

#[test]
fn who_was_edited_minutes_before_an_enable_is_not_pushed_for_it_whenever_the_last_one_was() {
    let installation = Installation::on_keycloak(PROGRAM);
    let (downstream, realm) = (Fieldnotes::default(), Realm::default());
    // The realm keeps its events whoever follows it.
    let on = json!({ "eventsEnabled": true, "adminEventsEnabled": true, "adminEventsDetailsEnabled": true });
    realm.admin(Method::PUT, "/events/config", Some(&on));
    let (console, _control, _gateway) = front(&installation);
    let _dispatcher = installation.start("dispatcher");
    console.make_tenant("acme", realm.name());
    let enable = || console.enable_outbound("acme", downstream.url(), downstream.token());
    let until = |question: &str| {
        let there = eventually(SOON, || (installation.database().ask(question) == "t").then_some(()));
        assert!(there.is_some(), "{question}: {}", installation.logs());
    };
    enable();
    until("select cursor_ms is not null and compare_at is not null from realm_watch");
    console.disable_outbound("acme");
    let make = |name: &str| {
        realm.admin(Method::POST, "/users", Some(&json!({ "username": name, "enabled": true })));
        realm.user(name).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let ada = make("ada");
    realm.save_user(&ada, |user| user["lastName"] = json!("Byron"));
    // That was five minutes ago, and the enable before it a month.
    let theirs = format!("realm_id = '{}'", realm.id());
    ask_keycloaks(&format!(
        "update admin_event_entity set admin_event_time = admin_event_time - 300000 where {theirs}"
    ));
    installation.database().ask("update realm_watch set cursor_ms = cursor_ms - 2592000000");
    installation.database().ask("update realm_watch set polled_at = polled_at - 2592000000000, reread_at = null");
    enable();
    // Whoever is edited now is; by then everything before was read.
    realm.save_user(&make("eve"), |user| user["lastName"] = json!("Lovelace"));
    let arrived = eventually(SOON, || downstream.user("eve"));
    assert!(arrived.is_some(), "{}", installation.logs());
    until("select count(*) = 0 from ledger where dirty_seq > seen_seq or owed_seq > acked_seq");
    assert_eq!(downstream.user("ada"), None);
}

#[test]
fn who_came_in_a_gap_is_found_while_nobody_has_taken_them_in() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    scene.made("ada@acme.test");
    only_events_tell(&scene);
    scene.until_sql("select newest_event is not null from realm_watch", "t");
    let dispatcher = &scene.dispatcher.as_ref().unwrap().process;
    dispatcher.signal("STOP");
    let eve = json!({ "username": "eve@acme.test", "enabled": true, "realmRoles": ["scim-managed"] });
    scene.realm.admin(Method::POST, "/partialImport", Some(&json!({ "ifResourceExists": "FAIL", "users": [eve] })));
    scene.realm.admin(Method::DELETE, "/admin-events", None);
    let listing = keycloak.on(Fault::Answer(500), |call| call.path.contains("/users?") && call.path.contains("first="));
    scene.sql("update realm_watch set reread_at = null, next_poll_at = 0");
    dispatcher.signal("CONT");
    scene.until_sql("select import_done_at is null from realm_watch", "t");
    let (status, found) = scene.get("/Users?filter=userName%20eq%20%22eve@acme.test%22");
    assert_eq!((status, &found["totalResults"]), (200, &json!(1)), "{found}");
    listing.lift();
    scene.sql("update realm_watch set survey_at = null");
    scene.until_sql("select import_done_at is not null from realm_watch", "t");
}
