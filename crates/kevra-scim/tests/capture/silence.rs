//! What fires no event, or whose events are gone, is found all the same: nobody is asked to do anything.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::database;
use testkit::eventually;
use testkit::ldap::Ldap;

use crate::stage::{SOON, Stage, members};

/// Has the realm compared now; by itself that happens every quarter of an hour.
fn compare(stage: &Stage) {
    stage.installation.run(&["realm", "compare", "acme"]);
}

#[test]
fn what_is_written_past_keycloak_is_found_by_the_compare() {
    let stage = Stage::deaf();
    let (ada, eve, kim) = (stage.made("ada@acme.test"), stage.made("eve@acme.test"), stage.made("kim@acme.test"));
    let group = json!({ "displayName": "Guides", "members": [{ "value": eve }, { "value": ada }] });
    let (_, group) = stage.scim(Method::POST, "/Groups", Some(&group));
    let group = group["id"].as_str().unwrap();
    let named = json!({ "Operations": [{ "op": "replace", "path": "externalId", "value": "k1" }] });
    assert_eq!(stage.scim(Method::PATCH, &format!("/Users/{kim}"), Some(&named)).0, 200);
    for statement in [
        format!("update user_entity set last_name = 'Lovelace' where id = '{ada}'"),
        format!("update user_entity set enabled = false where id = '{eve}'"),
        format!("delete from user_group_membership where user_id = '{eve}'"),
        format!(
            "insert into user_group_membership (user_id, group_id, membership_type) values ('{kim}', '{group}', 'UNMANAGED')"
        ),
        format!("update keycloak_group set name = 'Guards' where id = '{group}'"),
        format!("update user_attribute set value = 'stray' where user_id = '{kim}' and name = 'scimExternalId'"),
    ] {
        database::ask_keycloaks(&statement);
    }
    // Keycloak answers from its caches until somebody says that they are old.
    for cache in ["user", "realm"] {
        stage.realm.admin(Method::POST, &format!("/clear-{cache}-cache"), None);
    }
    compare(&stage);
    stage.arrives("ada@acme.test", |user| user["name"]["familyName"] == "Lovelace");
    stage.arrives("eve@acme.test", |user| user["active"] == false);
    stage.reads(&format!("/Users/{ada}"), |_, user| user["name"]["familyName"] == "Lovelace");
    stage.reads(&format!("/Users/{eve}"), |_, user| user["active"] == false);
    stage.reads(&format!("/Groups/{group}"), |_, read| {
        let mut there = members(read);
        let mut wanted = [ada.as_str(), kim.as_str()];
        there.sort_unstable();
        wanted.sort_unstable();
        read["displayName"] == "Guards" && there == wanted
    });
    // What belongs to the directory goes back as it was (K13).
    let external_id = || stage.realm.user("kim@acme.test").map(|user| user["attributes"]["scimExternalId"][0].clone());
    let back = eventually(SOON, || (external_id() == Some(json!("k1"))).then_some(()));
    assert!(back.is_some(), "{:?}\n{}", external_id(), stage.installation.logs());
}

/// An edit that fires no event, between the look that found a push owed and the push.
#[test]
fn what_only_a_push_has_seen_is_in_the_directory_too() {
    let stage = Stage::deaf();
    let ada = stage.made("ada@acme.test");
    let target =
        |paused: &str| stage.installation.database().ask(&format!("update target set paused_until = {paused}"));
    target("9000000000000000");
    stage.realm.save_user(&ada, |user| user["lastName"] = json!("Seen"));
    stage.reads(&format!("/Users/{ada}"), |_, user| user["name"]["familyName"] == "Seen");
    stage.settles("select count(*) from ledger where dirty_seq > seen_seq");
    database::ask_keycloaks(&format!("update user_entity set last_name = 'Lovelace' where id = '{ada}'"));
    stage.realm.admin(Method::POST, "/clear-user-cache", None);
    target("null");
    stage.arrives("ada@acme.test", |user| user["name"]["familyName"] == "Lovelace");
    stage.reads(&format!("/Users/{ada}"), |_, user| user["name"]["familyName"] == "Lovelace");
}

#[test]
fn a_group_that_is_renamed_or_deleted_in_the_realm_is_so_in_the_directory() {
    let stage = Stage::deaf();
    let make = |name: &str| {
        let (status, made) = stage.scim(Method::POST, "/Groups", Some(&json!({ "displayName": name })));
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let (guides, guards) = (make("Guides"), make("Guards"));
    stage.realm.admin(Method::DELETE, &format!("/groups/{guards}"), None);
    stage.reads(&format!("/Groups/{guards}"), |status, _| status == 404);
    // It takes the name that is free now.
    stage.realm.admin(Method::PUT, &format!("/groups/{guides}"), Some(&json!({ "name": "Guards" })));
    stage.reads(&format!("/Groups/{guides}"), |_, group| group["displayName"] == "Guards");
    // And the other's place is free for somebody new.
    make("Guides");
}

#[test]
fn a_partial_import_is_pushed_and_one_that_overwrites_is_followed() {
    let stage = Stage::deaf();
    let people = |family: &str| {
        let person = |name: &str| {
            json!({ "username": format!("{name}@acme.test"), "email": format!("{name}@acme.test"),
                "firstName": "Im", "lastName": family, "enabled": true })
        };
        json!({ "ifResourceExists": "OVERWRITE", "users": [person("uno"), person("due")] })
    };
    stage.realm.admin(Method::POST, "/partialImport", Some(&people("Ported")));
    for name in ["uno@acme.test", "due@acme.test"] {
        stage.arrives(name, |user| user["name"]["familyName"] == "Ported");
    }
    // Whoever comes with the role is managed by SCIM; no event tells of a grant.
    let tre = json!({ "username": "tre@acme.test", "enabled": true, "realmRoles": ["scim-managed"] });
    let tre = json!({ "ifResourceExists": "FAIL", "users": [tre] });
    stage.realm.admin(Method::POST, "/partialImport", Some(&tre));
    let tre = stage.realm.user("tre@acme.test").unwrap()["id"].as_str().unwrap().to_owned();
    stage.reads(&format!("/Users/{tre}"), |status, user| status == 200 && user["userName"] == "tre@acme.test");
    // Managed by SCIM, and then overwritten: that is another user, who is not.
    let ada = stage.made("ada@acme.test");
    let overwritten =
        json!({ "ifResourceExists": "OVERWRITE", "users": [{ "username": "ada@acme.test", "enabled": true }] });
    stage.realm.admin(Method::POST, "/partialImport", Some(&overwritten));
    assert_ne!(stage.realm.user("ada@acme.test").unwrap()["id"], json!(ada));
    compare(&stage);
    stage.reads(&format!("/Users/{ada}"), |status, _| status == 404);
}

#[test]
fn what_a_synchronisation_of_ldap_brings_or_changes_is_pushed() {
    let stage = Stage::deaf();
    let ldap = Ldap::default();
    ldap.add("lena", "Lena", "Laine");
    ldap.add("liam", "Liam", "Lund");
    let federation = ldap.federate(&stage.realm);
    let synchronise = || -> Value {
        let path = format!("/user-storage/{federation}/sync?action=triggerFullSync");
        stage.realm.admin(Method::POST, &path, None)
    };
    assert_eq!(synchronise()["added"], 2);
    compare(&stage);
    stage.arrives("lena", |user| user["name"]["familyName"] == "Laine");
    stage.arrives("liam", |user| user["emails"][0]["value"] == "liam@acme.test");
    ldap.rename("lena", "Lindqvist");
    assert!(synchronise()["updated"].as_i64().is_some_and(|updated| updated >= 1));
    compare(&stage);
    stage.arrives("lena", |user| user["name"]["familyName"] == "Lindqvist");
}

#[test]
fn who_comes_from_ldap_by_signing_in_or_comes_back_changed_is_pushed() {
    let stage = Stage::deaf();
    let ldap = Ldap::default();
    ldap.add("lena", "Lena", "Laine");
    ldap.federate(&stage.realm);
    stage.realm.make_app();
    let sign_in = || {
        let form = [("grant_type", "password"), ("scope", "openid"), ("username", "lena"), ("password", "lena")];
        let answer = stage.realm.token_of("app", &form);
        assert!(answer["access_token"].is_string(), "{answer}");
    };
    // Keycloak itself knows nobody of LDAP until somebody signs in, and tells nobody then.
    let here =
        format!("select count(*) from user_entity where realm_id = '{}' and username = 'lena'", stage.realm.id());
    assert_eq!(database::ask_keycloaks(&here), "0");
    sign_in();
    assert_eq!(database::ask_keycloaks(&here), "1");
    compare(&stage);
    stage.arrives("lena", |user| user["name"]["familyName"] == "Laine");
    ldap.rename("lena", "Lindqvist");
    // Keycloak answers from its cache until it is old.
    stage.realm.admin(Method::POST, "/clear-user-cache", None);
    sign_in();
    compare(&stage);
    stage.arrives("lena", |user| user["name"]["familyName"] == "Lindqvist");
}

/// As if all that the realm has stored, and all that was read of it, had happened an hour before.
fn an_hour_passes(stage: &Stage) {
    const HOUR: i64 = 3_600_000;
    for (table, time) in [("admin_event_entity", "admin_event_time"), ("event_entity", "event_time")] {
        let realm = stage.realm.id();
        database::ask_keycloaks(&format!("update {table} set {time} = {time} - {HOUR} where realm_id = '{realm}'"));
    }
    let database = stage.installation.database();
    let mut known: Value = serde_json::from_str(&database.ask("select newest_event from realm_watch")).unwrap();
    for store in ["admin", "user"] {
        if let Some(at_ms) = known[store]["at_ms"].as_i64() {
            known[store]["at_ms"] = json!(at_ms - HOUR);
        }
    }
    database.ask(&format!("update realm_watch set newest_event = '{known}'"));
}

#[test]
fn an_edit_in_a_quiet_realm_whose_store_is_cleared_at_once_is_not_lost() {
    let mut stage = Stage::deaf();
    let ada = stage.made("ada@acme.test");
    stage.realm.make_app();
    // Both stores have an event that is known, and a while passes in which nothing happens.
    assert_eq!(stage.realm.save_account(&ada, |user| user["lastName"] = json!("King")), Some(204));
    stage.arrives("ada@acme.test", |user| user["name"]["familyName"] == "King");
    for store in ["admin", "user"] {
        stage.settles(&format!("select count(*) from realm_watch where newest_event::json ->> '{store}' is null"));
    }
    for (name, store) in [("Lovelace", "/admin-events"), ("Byron", "/events")] {
        stage.dispatcher.process.kill();
        an_hour_passes(&stage);
        if store == "/events" {
            assert_eq!(stage.realm.save_account(&ada, |user| user["lastName"] = json!(name)), Some(204));
            let password = stage.realm.admin(Method::GET, "/admin-events?operationTypes=ACTION", None);
            assert!(password.as_array().is_some_and(|events| !events.is_empty()), "the other store is as it was");
        } else {
            stage.realm.save_user(&ada, |user| user["lastName"] = json!(name));
        }
        stage.realm.admin(Method::DELETE, store, None);
        stage.dispatcher.restart();
        stage.arrives("ada@acme.test", |user| user["name"]["familyName"] == name);
    }
}

#[test]
fn an_edit_whose_event_was_cleared_before_anybody_read_it_is_not_lost() {
    let mut stage = Stage::deaf();
    let ada = stage.made("ada@acme.test");
    stage.settles("select count(*) from realm_watch where newest_event is null");
    stage.dispatcher.process.kill();
    stage.realm.save_user(&ada, |user| user["lastName"] = json!("Lovelace"));
    stage.realm.admin(Method::DELETE, "/admin-events", None);
    stage.realm.admin(Method::DELETE, "/events", None);
    stage.dispatcher.restart();
    stage.arrives("ada@acme.test", |user| user["name"]["familyName"] == "Lovelace");
}

#[test]
fn a_realm_whose_administrator_switches_its_events_off_loses_nothing_and_has_them_on_again() {
    let stage = Stage::deaf();
    let ada = stage.made("ada@acme.test");
    let off = json!({ "eventsEnabled": false, "eventsExpiration": 0, "adminEventsEnabled": false });
    stage.realm.admin(Method::PUT, "/events/config", Some(&off));
    stage.realm.save_user(&ada, |user| user["lastName"] = json!("Lovelace"));
    // Within a minute somebody looks; here at once.
    stage.installation.database().ask("update realm_watch set reread_at = null");
    stage.arrives("ada@acme.test", |user| user["name"]["familyName"] == "Lovelace");
    let on = eventually(SOON, || {
        let config = stage.realm.admin(Method::GET, "/events/config", None);
        (config["eventsEnabled"] == true && config["adminEventsEnabled"] == true).then_some(())
    });
    assert!(on.is_some(), "{}", stage.installation.logs());
    let (_, activity) = stage.console.call(Method::GET, "/tenants/acme/activity?class=events_off", None);
    assert_eq!(activity["entries"].as_array().map(Vec::len), Some(1), "{activity}");
}
