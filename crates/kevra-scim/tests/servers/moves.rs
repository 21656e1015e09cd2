//! Realms that are elsewhere, or not who they were: a tenant is moved between clusters, and a realm that is missing,
//! recreated under its name or restored from yesterday costs nobody an account (K14, K29, K30).

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::installation::Installation;
use testkit::keycloak::Realm;
use testkit::own::OwnKeycloak;
use testkit::servers;

use crate::PROGRAM;
use crate::scene::{SOON, Scene, ask, patch};

/// A second cluster, under another host of the same gateway, with a Keycloak of its own.
fn with_two_clusters(keycloak: &OwnKeycloak) -> Scene {
    let mut installation = Installation::on_keycloak(PROGRAM);
    let [client, secret] =
        ["CLIENT_ID", "CLIENT_SECRET"].map(|name| servers::fact(&format!("KEVRA_TEST_KEYCLOAK_{name}")));
    installation.set("KEVRA_CLUSTER_CREDENTIALS", &format!("other={client}:{secret}"));
    let scene = Scene::of(installation, Realm::default(), true);
    let host = scene.gateway.url.replace("127.0.0.1", "localhost");
    scene.installation.run(&["cluster", "set", "other", "--public-host", &host, "--keycloak-url", keycloak.url()]);
    scene
}

#[test]
fn a_tenant_is_moved_to_another_cluster_with_its_people_and_its_token() {
    let keycloak = OwnKeycloak::default();
    let scene = with_two_clusters(&keycloak);
    let id = scene.made("ada@acme.test");
    // What an operator brings over first: the realm's people with their ids.
    let elsewhere = Realm::on(keycloak.url());
    elsewhere.admin(Method::POST, "/roles", Some(&json!({ "name": "scim-managed" })));
    let people = json!({ "ifResourceExists": "FAIL", "users": [
        { "id": id, "username": "ada@acme.test", "enabled": true, "realmRoles": ["scim-managed"] },
    ]});
    elsewhere.admin(Method::POST, "/partialImport", Some(&people));

    let said =
        scene.installation.run(&["tenant", "move", "acme", "--cluster", "other", "--realm", elsewhere.name(), "--yes"]);
    let base = format!("{}/realms/{}/scim/v2", scene.gateway.url.replace("127.0.0.1", "localhost"), elsewhere.name());
    assert_eq!(said, base);
    assert_eq!(scene.get(&format!("/Users/{id}")).0, 401, "the old place knows nobody");
    let send = |method: Method, path: &str, body: &Value| ask(&base, &scene.token, method, path, body).unwrap();
    assert_eq!(send(Method::GET, &format!("/Users/{id}"), &Value::Null).status, 200);
    let changed = send(Method::PATCH, &format!("/Users/{id}"), &patch("name.givenName", &json!("Ada")));
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(elsewhere.user("ada@acme.test").unwrap()["firstName"], "Ada");
    let made = send(Method::POST, "/Users", &json!({ "userName": "eve@acme.test" }));
    assert_eq!(made.status, 201, "{made:?}");
    assert!(elsewhere.user("eve@acme.test").is_some() && scene.realm.user("eve@acme.test").is_none());
    let left = scene.realm.user("ada@acme.test").unwrap();
    assert!(left["firstName"].is_null() && left["enabled"] == true, "nobody touches who was left behind: {left}");
    // And an edit there is followed.
    elsewhere.save_user(&id, |user| user["lastName"] = json!("Byron"));
    let family = || send(Method::GET, &format!("/Users/{id}"), &Value::Null).body["name"]["familyName"].clone();
    let followed = eventually(SOON, || (family() == "Byron").then_some(()));
    assert!(followed.is_some(), "{}", scene.installation.logs());
    // One at the old place is none any more.
    scene.realm.save_user(&id, |user| user["lastName"] = json!("Left"));

    // Each cluster's tenants are at its own Keycloak, and one that is down is nobody else's trouble.
    let stays = Realm::default();
    scene.console.make_tenant("stays", stays.name());
    let (there, token) =
        (format!("{}/realms/{}/scim/v2", scene.gateway.url, stays.name()), scene.console.enable_inbound("stays"));
    keycloak.kill();
    let change = patch("name.givenName", &json!("Down"));
    let refused = send(Method::PATCH, &format!("/Users/{id}"), &change);
    assert_eq!((refused.status, refused.retry_after.is_some()), (503, true), "{refused:?}");
    let made = ask(&there, &token, Method::POST, "/Users", &json!({ "userName": "kim@acme.test" })).unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    assert!(stays.user("kim@acme.test").is_some());
    assert_eq!(family(), "Byron", "what is left at the old place is not followed");
}

#[test]
fn a_move_that_cannot_be_made_changes_nothing_and_leaves_the_tenant_answering() {
    let scene = Scene::new(Realm::default());
    let id = scene.made("ada@acme.test");
    let taken = Realm::default();
    scene.console.make_tenant("other", taken.name());
    let to = |realm: &str| {
        scene.installation.refused(&["tenant", "move", "acme", "--cluster", "default", "--realm", realm, "--yes"])
    };
    for name in ["master", "a/b", ".."] {
        let said = to(name);
        assert!(said.contains("not the realm master"), "{name}: {said}");
    }
    let said = to(taken.name());
    assert!(said.contains("nothing was moved") && said.contains("goes on where it is"), "{said}");
    assert_eq!(scene.sql("select count(*) from tenant where frozen_at is not null"), "0");
    assert_eq!(scene.get(&format!("/Users/{id}")).0, 200);
    let changed = scene.send(Method::PATCH, &format!("/Users/{id}"), &patch("name.givenName", &json!("Ada")));
    assert_eq!(changed.0, 200, "{}", changed.1);
}

#[test]
fn a_realm_that_was_renamed_gets_its_event_stores_back_all_the_same() {
    let mut scene = Scene::new(Realm::default());
    let stores = |scene: &Scene| scene.realm.admin(Method::GET, "/events/config", None)["adminEventsEnabled"].clone();
    assert_eq!(stores(&scene), true, "capture is on");
    let name = format!("{}-renamed", scene.realm.name());
    scene.realm.rename(&name);
    scene.installation.run(&["tenant", "move", "acme", "--cluster", "default", "--realm", &name, "--yes"]);
    assert_eq!(stores(&scene), true);
    assert_eq!(scene.console.call(Method::POST, "/tenants/acme/inbound/disable", None).0, 204);
    let back = eventually(SOON, || (stores(&scene) == false).then_some(()));
    assert!(back.is_some(), "{}", scene.installation.logs());
}

#[test]
fn another_realm_of_the_name_keeps_its_own_event_stores() {
    let scene = Scene::new(Realm::default());
    scene.realm.recreate();
    let on = json!({ "eventsEnabled": true, "eventsExpiration": 3_600, "adminEventsEnabled": true });
    scene.realm.admin(Method::PUT, "/events/config", Some(&on));
    scene.installation.run(&["tenant", "move", "acme", "--cluster", "default", "--yes"]);
    assert_eq!(scene.console.call(Method::DELETE, "/tenants/acme", None).0, 204);
    let config = scene.realm.admin(Method::GET, "/events/config", None);
    assert_eq!((&config["eventsEnabled"], &config["adminEventsEnabled"]), (&json!(true), &json!(true)), "{config}");
}

/// As an administrator who wants no traces: no event tells of it.
fn delete_silently(realm: &Realm, users: &[String]) {
    let stores = |on: bool| {
        let config = json!({ "eventsEnabled": true, "eventsExpiration": 432_000, "adminEventsEnabled": on });
        realm.admin(Method::PUT, "/events/config", Some(&config));
    };
    stores(false);
    for user in users {
        realm.admin(Method::DELETE, &format!("/users/{user}"), None);
    }
    stores(true);
}

#[test]
fn one_who_is_missing_without_a_word_is_gone_after_a_while_and_a_mass_of_them_is_not() {
    let scene = Scene::new(Realm::default());
    let ids: Vec<String> = (0..26).map(|number| scene.made(&format!("u{number}@acme.test"))).collect();
    delete_silently(&scene.realm, &ids[..1]);
    scene.installation.run(&["realm", "compare", "acme"]);
    scene.becomes(&format!("/Users/{}", ids[0]), 404);
    delete_silently(&scene.realm, &ids[1..]);
    scene.installation.run(&["realm", "compare", "acme"]);
    // Each was looked at, and each waits.
    scene.until_sql("select count(*) from absence", "26");
    scene.until_sql(
        "select count(*) from ledger where dirty_seq > seen_seq and next_at > 0 and lease_until is null",
        "25",
    );
    assert_eq!((scene.total(), scene.noted("absences_held")), (25, 1));
    // Somebody looked: they are gone.
    let waits = scene.installation.run(&["held", "show", "acme"]);
    assert_eq!(waits.trim(), "deactivations\t0\nabsences\t25\ngroups\t0");
    let said = scene.installation.run(&["held", "confirm", "acme", "absences", "--yes"]);
    assert_eq!(said.trim(), "decided about 25 users");
    for id in &ids[1..] {
        scene.becomes(&format!("/Users/{id}"), 404);
    }
    assert_eq!(scene.total(), 0);
    assert_eq!(scene.installation.run(&["held", "show", "acme"]).trim(), "deactivations\t0\nabsences\t0\ngroups\t0");
}

#[test]
fn a_realm_made_anew_under_the_same_name_is_left_alone_and_costs_nobody_an_account() {
    let mut scene = Scene::new(Realm::default());
    let ids: Vec<String> = (0..25).map(|number| scene.made(&format!("u{number}@acme.test"))).collect();
    scene.realm.recreate();
    scene.gateway.process.kill();
    scene.gateway.restart();
    // Everybody is looked for there.
    scene.sql("update ledger set dirty_seq = dirty_seq + 1, next_at = 0");
    scene.looked_after();
    let change = patch("name.givenName", &json!("Ada"));
    let answer = scene.ask(Method::PATCH, &format!("/Users/{}", ids[0]), &change).unwrap();
    assert_eq!((answer.status, answer.retry_after.is_some()), (503, true), "{answer:?}");
    let waits = eventually(SOON, || scene.installation.logs().contains("triage waits").then_some(()));
    assert!(waits.is_some() && scene.total() == 25);
    let clients = scene.realm.admin(Method::GET, "/clients?clientId=kevra-scim", None);
    assert_eq!(clients, json!([]), "nothing was set up there");
    let said = scene.installation.try_run(&["doctor", "acme", "--repair"]).unwrap_err();
    assert!(said.contains("another one has its name") && said.contains("tenant move acme --cluster default"), "{said}");
    // An operator's word takes it, and even then nobody is given up at once.
    scene.installation.run(&["tenant", "move", "acme", "--cluster", "default", "--yes"]);
    let held = eventually(SOON, || (scene.noted("absences_held") == 1).then_some(()));
    assert!(held.is_some(), "{}", scene.installation.logs());
    assert_eq!(scene.total(), 25);
    let (status, made) = scene.send(Method::POST, "/Users", &json!({ "userName": "new@acme.test" }));
    assert_eq!(status, 201, "{made}\n{}", scene.installation.logs());
}
