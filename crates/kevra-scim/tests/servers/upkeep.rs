//! The set-up of a realm, looked after: what somebody breaks in Keycloak is named, mended, and audited.

use reqwest::Method;
use serde_json::json;
use testkit::eventually;
use testkit::faulty_keycloak::{Fault, FaultyKeycloak};
use testkit::installation::Installation;
use testkit::keycloak::Realm;

use crate::PROGRAM;
use crate::scene::{SOON, Scene, patch};

fn id_of(realm: &Realm, path: &str) -> String {
    let found = realm.admin(Method::GET, path, None);
    let one = found.get(0).unwrap_or(&found);
    one["id"].as_str().unwrap_or_else(|| panic!("{path}: {found}")).to_owned()
}

fn client(realm: &Realm) -> String {
    id_of(realm, "/clients?clientId=kevra-scim")
}

fn take_the_clients_role(realm: &Realm) {
    let account = id_of(realm, &format!("/clients/{}/service-account-user", client(realm)));
    let management = id_of(realm, "/clients?clientId=realm-management");
    let role = realm.admin(Method::GET, &format!("/clients/{management}/roles/manage-users"), None);
    realm.admin(Method::DELETE, &format!("/users/{account}/role-mappings/clients/{management}"), Some(&json!([role])));
}

fn remove_the_attribute(realm: &Realm) {
    let mut profile = realm.admin(Method::GET, "/users/profile", None);
    profile["attributes"].as_array_mut().unwrap().retain(|attribute| attribute["name"] != "scimExternalId");
    realm.admin(Method::PUT, "/users/profile", Some(&profile));
}

/// As the set-ups of former versions were: Keycloak's own SCIM server answers 500 for everybody.
fn lose_the_annotations(realm: &Realm) {
    let mut profile = realm.admin(Method::GET, "/users/profile", None);
    for attribute in profile["attributes"].as_array_mut().unwrap() {
        if attribute["name"] == "scimExternalId" {
            attribute.as_object_mut().unwrap().remove("annotations").unwrap();
        }
    }
    realm.admin(Method::PUT, "/users/profile", Some(&profile));
}

/// Everything of the set-up that can be broken side by side, and what it is called.
const PIECES: [&str; 5] = [
    "a role of the client kevra-scim",
    "the realm role scim-managed",
    "a managed attribute of the user profile",
    "the event stores",
    "editable usernames",
];

fn break_all(realm: &Realm) {
    take_the_clients_role(realm);
    realm.admin(Method::DELETE, "/roles/scim-managed", None);
    remove_the_attribute(realm);
    realm.admin(Method::PUT, "/events/config", Some(&json!({ "eventsEnabled": false, "adminEventsEnabled": false })));
    realm.admin(Method::PUT, "", Some(&json!({ "editUsernameAllowed": false })));
}

/// Something an administrator does to a realm.
type Act<'a> = &'a dyn Fn(&Realm);

/// Ways to break a realm, and what is said of each.
type Break = (fn(&Realm), &'static [&'static str]);

const BREAKS: [Break; 9] = [
    (break_all, &PIECES),
    (
        |realm| drop(realm.admin(Method::DELETE, &format!("/clients/{}", client(realm)), None)),
        &["the client kevra-scim"],
    ),
    (new_secret, &["the secret of the client kevra-scim"]),
    (lose_the_annotations, &["a managed attribute of the user profile"]),
    (|realm| change_the_client(realm, "enabled"), &["the client kevra-scim"]),
    (|realm| change_the_client(realm, "fullScopeAllowed"), &["the client kevra-scim"]),
    (
        |realm| {
            let some = json!({ "eventsEnabled": true, "adminEventsEnabled": true, "enabledEventTypes": ["LOGIN"] });
            realm.admin(Method::PUT, "/events/config", Some(&some));
        },
        &["the event stores"],
    ),
    (keep_admin_events_for_ever, &["how long admin events are kept"]),
    (let_users_rename_themselves, &["editable usernames"]),
];

/// Switches a setting of it off.
fn change_the_client(realm: &Realm, setting: &str) {
    let path = format!("/clients/{}", client(realm));
    let mut off = realm.admin(Method::GET, &path, None);
    off[setting] = json!(false);
    realm.admin(Method::PUT, &path, Some(&off));
}

fn keep_admin_events_for_ever(realm: &Realm) {
    let mut attributes = realm.admin(Method::GET, "", None)["attributes"].take();
    attributes.as_object_mut().unwrap().remove("adminEventsExpiration").unwrap();
    realm.admin(Method::PUT, "", Some(&json!({ "attributes": attributes })));
}

fn let_users_rename_themselves(realm: &Realm) {
    let mut profile = realm.admin(Method::GET, "/users/profile", None);
    for attribute in profile["attributes"].as_array_mut().unwrap() {
        if attribute["name"] == "username" {
            attribute["permissions"]["edit"] = json!(["admin", "user"]);
        }
    }
    realm.admin(Method::PUT, "/users/profile", Some(&profile));
}

fn new_secret(realm: &Realm) {
    realm.admin(Method::POST, &format!("/clients/{}/client-secret", client(realm)), None);
}

/// A tenant that wants everything a realm can be set up with.
fn demanding(watched: bool) -> Scene {
    let scene = Scene::of(Installation::on_keycloak(PROGRAM), Realm::default(), watched);
    scene.console.inbound_options("acme", &json!({ "allow_rename": true }));
    scene.installation.run(&["realm", "provision", "acme"]);
    scene
}

#[test]
fn the_doctor_names_each_missing_piece_and_mends_it() {
    let mut scene = demanding(false);
    let doctor = |scene: &Scene, more: &[&str]| scene.installation.try_run(&[&["doctor", "acme"], more].concat());
    doctor(&scene, &[]).unwrap();
    for (number, (break_it, pieces)) in BREAKS.iter().enumerate() {
        break_it(&scene.realm);
        let said = doctor(&scene, &[]).unwrap_err();
        for piece in *pieces {
            assert!(said.contains(&format!("MISS set-up       {piece}; mend it with")), "{piece}: {said}");
        }
        let mended = doctor(&scene, &["--repair"]).unwrap();
        for piece in *pieces {
            assert!(mended.contains(&format!("ok   mended       {piece}")), "{piece}: {mended}");
        }
        doctor(&scene, &[]).unwrap();
        // And it works: with a gateway that knows nothing of before.
        scene.gateway.process.kill();
        scene.gateway.restart();
        let name = format!("u{number}@acme.test");
        scene.made(&name);
        scene.agrees(&name);
    }
}

#[test]
fn drift_is_repaired_by_itself_and_audited_and_nobody_is_let_go_of() {
    let scene = demanding(true);
    let names: Vec<String> = (0..25).map(|number| format!("u{number}@acme.test")).collect();
    let ids: Vec<String> = names.iter().map(|name| scene.made(name)).collect();
    for (number, (break_it, pieces)) in BREAKS.iter().enumerate() {
        break_it(&scene.realm);
        scene.looked_after();
        let detail = scene.sql("select detail from audit_entry where action = 'realm.repair' order by at desc limit 1");
        for piece in *pieces {
            assert!(detail.contains(piece), "{piece}: {detail}");
        }
        let count = "select count(*) from audit_entry where action = 'realm.repair' and actor = 'system'";
        assert_eq!(scene.sql(count), (number + 1).to_string());
        // The tokens and secrets of before are replaced as they turn out to be of no use.
        let change = patch("name.givenName", &json!(format!("Given {number}")));
        let path = format!("/Users/{}", ids[0]);
        let written = eventually(SOON, || (scene.send(Method::PATCH, &path, &change).0 == 200).then_some(()));
        assert!(written.is_some(), "{}", scene.installation.logs());
    }
    // The role was deleted and made anew: everybody has it back, and nobody was taken for released meanwhile.
    scene.until_sql("select regrant from realm_watch", "f");
    scene.until_sql("select compare_wanted from realm_watch", "f");
    scene.until_sql("select count(*) from ledger where dirty_seq > seen_seq", "0");
    assert_eq!((scene.total(), scene.noted("released"), scene.noted("role_lost")), (25, 0, 1));
    for name in &names {
        scene.agrees(name);
    }
    // One who loses it by an administrator's hand is released as ever.
    let role = scene.realm.admin(Method::GET, "/roles/scim-managed", None);
    scene.realm.admin(Method::DELETE, &format!("/users/{}/role-mappings/realm", ids[1]), Some(&json!([role])));
    scene.becomes(&format!("/Users/{}", ids[1]), 404);
}

#[test]
fn the_data_path_gets_another_secret_and_goes_on() {
    let mut scene = demanding(false);
    scene.made("before@acme.test");
    let secret = || {
        let found = scene.realm.admin(Method::GET, &format!("/clients/{}/client-secret", client(&scene.realm)), None);
        found["value"].as_str().unwrap().to_owned()
    };
    let old = secret();
    scene.installation.run(&["realm", "rotate-secret", "acme"]);
    assert_ne!(secret(), old);
    assert_eq!(scene.sql("select actor from audit_entry where action = 'realm.rotate_secret'"), "cli");
    let form = [("grant_type", "client_credentials"), ("client_secret", old.as_str())];
    assert!(scene.realm.token_of("kevra-scim", &form)["access_token"].is_null(), "the old one is dead");
    scene.made("after@acme.test");
    scene.gateway.process.kill();
    scene.gateway.restart();
    scene.made("anew@acme.test");
    for held in [old, secret()] {
        assert!(!scene.installation.logs().contains(&held), "a secret is in the logs");
    }
}

#[test]
fn a_realm_that_refuses_us_or_is_switched_off_is_answered_for_and_works_again_when_it_is_mended() {
    let mut scene = demanding(false);
    let id = scene.made("ada@acme.test");
    let switched = |on: bool| move |realm: &Realm| drop(realm.admin(Method::PUT, "", Some(&json!({ "enabled": on }))));
    let (off, on) = (switched(false), switched(true));
    let faults: [(Act<'_>, Option<Act<'_>>); 3] =
        [(&new_secret, None), (&take_the_clients_role, None), (&off, Some(&on))];
    for (number, (break_it, mend)) in faults.iter().enumerate() {
        break_it(&scene.realm);
        // A gateway without a token of before.
        scene.gateway.process.kill();
        scene.gateway.restart();
        let change = patch("name.givenName", &json!(format!("Given {number}")));
        let path = format!("/Users/{id}");
        let answer = scene.ask(Method::PATCH, &path, &change).unwrap();
        assert_eq!((answer.status, answer.retry_after.is_some()), (503, true), "{number}: {answer:?}");
        let body = json!({ "userName": format!("u{number}@acme.test") });
        assert_eq!(scene.send(Method::POST, "/Users", &body).0, 503, "{number}");
        assert_eq!(scene.get(&path).0, 200, "reads need no realm");
        match mend {
            Some(mend) => mend(&scene.realm),
            None => scene.looked_after(),
        }
        let written = eventually(SOON, || (scene.send(Method::PATCH, &path, &change).0 == 200).then_some(()));
        assert!(written.is_some(), "{number}: {}", scene.installation.logs());
        assert_eq!(scene.send(Method::POST, "/Users", &body).0, 201, "{number}");
        scene.agrees("ada@acme.test");
    }
}

#[test]
fn a_keycloak_that_is_too_old_is_refused_by_its_version_and_named_by_the_doctor() {
    let keycloak = FaultyKeycloak::default();
    let (scene, other) = (Scene::unwatched(&keycloak), Realm::default());
    scene.console.make_tenant("other", other.name());
    let old = keycloak
        .on(Fault::Say(200, r#"{"systemInfo":{"version":"26.3.5"}}"#), |call| call.path.ends_with("/admin/serverinfo"));
    let (status, problem) = scene.console.call(Method::POST, "/tenants/other/inbound/enable", None);
    assert!((400..600).contains(&status), "{problem}");
    let says = problem.to_string();
    assert!(says.contains("26.3.5") && says.contains("26.4 or newer"), "{problem}");
    assert_eq!(other.admin(Method::GET, "/clients?clientId=kevra-scim", None), json!([]), "nothing was made there");
    let found = scene.installation.refused(&["doctor", "acme", "--repair"]);
    assert!(found.contains("a Keycloak of 26.4 or newer; mend it with: an upgrade of Keycloak"), "{found}");
    old.lift();
    scene.console.enable_inbound("other");
}
