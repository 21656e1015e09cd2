//! Keycloak's own users and roles: who is protected, taken over, imported, let go of, and what a disable ends.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::faulty_keycloak::{Fault, FaultyKeycloak};
use testkit::installation::Installation;
use testkit::keycloak::Realm;

use crate::PROGRAM;
use crate::scene::{SOON, Scene, patch};

/// A user an administrator makes; the id.
fn native(realm: &Realm, name: &str) -> String {
    let body = json!({ "username": name, "email": name, "firstName": "Nat", "lastName": "Ive", "enabled": true });
    realm.admin(Method::POST, "/users", Some(&body));
    realm.user(name).unwrap()["id"].as_str().unwrap().to_owned()
}

/// Gives or takes `scim-managed`.
fn managed(realm: &Realm, user: &str, method: Method) {
    let role = realm.admin(Method::GET, "/roles/scim-managed", None);
    realm.admin(method, &format!("/users/{user}/role-mappings/realm"), Some(&json!([role])));
}

#[test]
fn an_administrator_of_the_realm_is_neither_changed_nor_shown() {
    let scene = Scene::new(Realm::default());
    let (id, ada) = (scene.made("root@acme.test"), scene.made("ada@acme.test"));
    let crew = json!({ "displayName": "Crew", "members": [{ "value": id }, { "value": ada }] });
    let crew = scene.send(Method::POST, "/Groups", &crew).1["id"].as_str().unwrap().to_owned();
    let clients = scene.realm.admin(Method::GET, "/clients?clientId=realm-management", None);
    let client = clients[0]["id"].as_str().unwrap();
    let role = scene.realm.admin(Method::GET, &format!("/clients/{client}/roles/manage-users"), None);
    scene.realm.admin(Method::POST, &format!("/users/{id}/role-mappings/clients/{client}"), Some(&json!([role])));
    scene.becomes(&format!("/Users/{id}"), 404);
    let (status, _) = scene.send(Method::PATCH, &format!("/Users/{id}"), &patch("active", &json!(false)));
    assert!(matches!(status, 403 | 404), "{status}");
    let (status, _) = scene.send(Method::DELETE, &format!("/Users/{id}"), &Value::Null);
    assert!(matches!(status, 403 | 404), "{status}");
    let held = scene.realm.user("root@acme.test").unwrap();
    assert_eq!(held["enabled"], true, "nothing was done to it");
    // Nor as a member of a group, whatever the members are replaced by.
    let shown = scene.get(&format!("/Groups/{crew}")).1;
    assert_eq!(shown["members"].as_array().map(Vec::len), Some(1), "{shown}");
    let nobody = json!({ "Operations": [{ "op": "replace", "path": "members", "value": [] }] });
    assert_eq!(scene.send(Method::PATCH, &format!("/Groups/{crew}"), &nobody).0, 200);
    let there = scene.realm.admin(Method::GET, &format!("/groups/{crew}/members"), None);
    assert_eq!(there.as_array().unwrap().iter().map(|one| &one["id"]).collect::<Vec<_>>(), [&json!(id)]);
    let add =
        json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": id }, { "value": ada }] }] });
    let (status, joined) = scene.send(Method::PATCH, &format!("/Groups/{crew}"), &add);
    assert_eq!((status, joined["members"].as_array().map(Vec::len)), (200, Some(1)), "{joined}");
    assert_eq!(scene.send(Method::DELETE, &format!("/Users/{ada}"), &Value::Null).0, 204);
    assert_eq!(scene.get("/Users").1["totalResults"], 0);
}

/// A role of the realm's administration, and the path under a user, group or client by which it is given.
fn administrative(realm: &Realm) -> (String, Value) {
    let client = realm.admin(Method::GET, "/clients?clientId=realm-management", None)[0]["id"].take();
    let client = client.as_str().unwrap();
    let role = realm.admin(Method::GET, &format!("/clients/{client}/roles/manage-users"), None);
    (format!("/role-mappings/clients/{client}"), json!([role]))
}

/// A group an administrator makes, at the top or below another; the id.
fn native_group(realm: &Realm, path: &str, name: &str) -> String {
    realm.admin(Method::POST, path, Some(&json!({ "name": name })));
    let at = if path == "/groups" { "/groups?max=100".to_owned() } else { path.to_owned() };
    let listed = realm.admin(Method::GET, &at, None);
    let found = listed.as_array().unwrap().iter().find(|group| group["name"] == name).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

#[test]
fn whoever_a_group_or_a_composite_makes_an_administrator_is_hidden_for_as_long_as_it_does() {
    let scene = Scene::new(Realm::default());
    let realm = &scene.realm;
    let [ada, bea, cid] = ["ada", "bea", "cid"].map(|name| scene.made(&format!("{name}@acme.test")));
    let (path, role) = administrative(realm);
    let above = native_group(realm, "/groups", "Staff");
    let below = native_group(realm, &format!("/groups/{above}/children"), "Interns");
    realm.admin(Method::PUT, &format!("/users/{ada}/groups/{below}"), None);
    realm.admin(Method::POST, "/roles", Some(&json!({ "name": "lead" })));
    let lead = json!([realm.admin(Method::GET, "/roles/lead", None)]);
    realm.admin(Method::POST, &format!("/users/{bea}/role-mappings/realm"), Some(&lead));
    let shown = |user: &str, status| scene.becomes(&format!("/Users/{user}"), status);
    // Looked at for what happened to them, and nobody is an administrator yet.
    let last = realm.admin(Method::GET, "/admin-events?max=1", None)[0]["id"].take();
    scene.until_sql(&format!("select count(*) from seen_event where event_id = '{}'", last.as_str().unwrap()), "1");
    scene.until_sql("select count(*) from ledger where check_roles", "0");
    for user in [&ada, &bea, &cid] {
        shown(user, 200);
    }

    realm.admin(Method::POST, &format!("/groups/{above}{path}"), Some(&role));
    shown(&ada, 404);
    realm.admin(Method::POST, "/roles/lead/composites", Some(&role));
    shown(&bea, 404);
    assert_eq!(scene.get(&format!("/Users/{cid}")).0, 200, "nobody else is");
    let off = patch("active", &json!(false));
    for user in [&ada, &bea] {
        assert!(matches!(scene.send(Method::PATCH, &format!("/Users/{user}"), &off).0, 403 | 404));
        assert_eq!(realm.admin(Method::GET, &format!("/users/{user}"), None)["enabled"], true);
    }

    realm.admin(Method::DELETE, "/roles/lead/composites", Some(&role));
    realm.admin(Method::DELETE, &format!("/groups/{above}{path}"), Some(&role));
    for user in [&ada, &bea] {
        shown(user, 200);
    }
}

#[test]
fn a_group_that_gives_administrative_roles_itself_or_by_one_below_is_hidden() {
    let scene = Scene::new(Realm::default());
    let (path, role) = administrative(&scene.realm);
    let user = scene.made("ada@acme.test");
    let group = |name: &str| {
        let (status, made) = scene.send(Method::POST, "/Groups", &json!({ "displayName": name }));
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let (direct, parent) = (group("Direct"), group("Parent"));
    scene.realm.admin(Method::POST, &format!("/groups/{direct}{path}"), Some(&role));
    let child = native_group(&scene.realm, &format!("/groups/{parent}/children"), "Child");
    scene.realm.admin(Method::POST, &format!("/groups/{child}{path}"), Some(&role));
    for id in [&direct, &parent] {
        scene.becomes(&format!("/Groups/{id}"), 404);
        let join = json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": user }] }] });
        assert!(matches!(scene.send(Method::PATCH, &format!("/Groups/{id}"), &join).0, 403 | 404));
        assert!(matches!(scene.send(Method::DELETE, &format!("/Groups/{id}"), &Value::Null).0, 403 | 404));
        assert_eq!(scene.realm.admin(Method::GET, &format!("/groups/{id}/members"), None), json!([]));
    }
    scene.realm.admin(Method::DELETE, &format!("/groups/{direct}{path}"), Some(&role));
    scene.becomes(&format!("/Groups/{direct}"), 200);
}

#[test]
fn cases_43_44_a_user_of_the_realm_is_a_conflict_until_the_tenant_adopts_and_is_released_by_a_delete() {
    let scene = Scene::new(Realm::default());
    let id = native(&scene.realm, "old@acme.test");
    let body = json!({ "userName": "old@acme.test", "externalId": "x1", "name": { "givenName": "Olga" } });
    let (status, refused) = scene.send(Method::POST, "/Users", &body);
    assert_eq!((status, &refused["scimType"]), (409, &json!("uniqueness")), "{refused}");
    assert_eq!(scene.realm.user("old@acme.test").unwrap()["firstName"], "Nat", "untouched");

    scene.console.inbound_options("acme", &json!({ "existing_users": "adopt" }));
    let (status, adopted) = scene.send(Method::POST, "/Users", &body);
    assert_eq!(status, 201, "{adopted}");
    assert_eq!(adopted["id"], id, "the id is the realm user's");
    assert_eq!(scene.realm.user("old@acme.test").unwrap()["firstName"], "Olga");
    assert!(scene.realm.roles(&id).contains(&"scim-managed".to_owned()));

    let (status, _) = scene.send(Method::DELETE, &format!("/Users/{id}"), &Value::Null);
    assert_eq!(status, 204);
    let held = scene.realm.user("old@acme.test").unwrap();
    assert_eq!((&held["id"], &held["enabled"]), (&json!(id), &json!(false)), "disabled, not deleted");
    assert!(!scene.realm.roles(&id).contains(&"scim-managed".to_owned()), "released");
}

#[test]
fn a_group_of_the_realm_is_a_conflict_until_the_tenant_adopts_and_stays_there_when_it_is_deleted() {
    let scene = Scene::new(Realm::default());
    let realm = &scene.realm;
    let (ada, bea) = (scene.made("ada@acme.test"), scene.made("bea@acme.test"));
    let (crew, boss) = (native_group(realm, "/groups", "Crew"), native_group(realm, "/groups", "Boss"));
    let stranger = native(realm, "old@acme.test");
    for user in [&ada, &stranger] {
        realm.admin(Method::PUT, &format!("/users/{user}/groups/{crew}"), None);
    }
    let (path, role) = administrative(realm);
    realm.admin(Method::POST, &format!("/groups/{boss}{path}"), Some(&role));
    let post = |name: &str| {
        let body = json!({ "displayName": name, "externalId": name, "members": [{ "value": bea }] });
        scene.send(Method::POST, "/Groups", &body)
    };
    let (status, refused) = post("Crew");
    assert_eq!((status, &refused["scimType"]), (409, &json!("uniqueness")), "{refused}");

    scene.console.inbound_options("acme", &json!({ "existing_users": "adopt" }));
    assert_eq!(post("Boss").0, 409, "one that makes administrators is never taken over");
    let (status, adopted) = post("Crew");
    assert_eq!((status, &adopted["id"]), (201, &json!(crew)), "{adopted}");
    let members = |wanted: &[&String]| {
        let held = scene.get(&format!("/Groups/{crew}")).1["members"].take();
        let held: Vec<&str> = held.as_array().into_iter().flatten().filter_map(|one| one["value"].as_str()).collect();
        (held.len() == wanted.len() && wanted.iter().all(|one| held.contains(&one.as_str()))).then_some(())
    };
    assert!(members(&[&ada, &bea]).is_some(), "whoever was in it is in it still: {adopted}");
    let there = || realm.admin(Method::GET, &format!("/groups/{crew}/members"), None).as_array().unwrap().len();
    assert_eq!(there(), 3, "the stranger too");
    // What the next request says of the members is true of those as well.
    let only = json!({ "Operations": [{ "op": "replace", "path": "members", "value": [{ "value": bea }] }] });
    assert_eq!(scene.send(Method::PATCH, &format!("/Groups/{crew}"), &only).0, 200);
    scene.until_sql("select count(*) from realm_watch where compare_wanted", "0");
    assert!(members(&[&bea]).is_some(), "{}", scene.get(&format!("/Groups/{crew}")).1);
    assert_eq!(there(), 2, "and the stranger stays");

    assert_eq!(scene.send(Method::DELETE, &format!("/Groups/{crew}"), &Value::Null).0, 204);
    assert_eq!(scene.get(&format!("/Groups/{crew}")).0, 404);
    assert_eq!(there(), 2, "a group that was there before stays");
    assert_eq!(post("Crew").1["id"], json!(crew), "and can be taken over again");
}

#[test]
fn who_is_managed_already_keeps_the_id_and_is_never_unknown_meanwhile() {
    let realm = Realm::default();
    realm.admin(Method::POST, "/roles", Some(&json!({ "name": "scim-managed" })));
    let ids: Vec<String> = (0..12).map(|number| native(&realm, &format!("u{number}@acme.test"))).collect();
    for id in &ids {
        managed(&realm, id, Method::POST);
    }
    let scene = Scene::new(realm);
    // At once, import done or not (K8).
    for (number, id) in ids.iter().enumerate() {
        let (status, user) = scene.get(&format!("/Users/{id}"));
        assert_eq!((status, &user["userName"]), (200, &json!(format!("u{number}@acme.test"))), "{user}");
        let (_, found) = scene.get(&format!("/Users?filter=userName+eq+%22u{number}@acme.test%22"));
        assert_eq!(found["Resources"][0]["id"], *id, "{found}");
    }
    let all = eventually(SOON, || (scene.get("/Users").1["totalResults"] == 12).then_some(()));
    assert!(all.is_some(), "{}", scene.installation.logs());
    let import = || scene.console.call(Method::GET, "/tenants/acme/identity-sync", None).1["inbound"]["import"].take();
    let done = eventually(SOON, || Some(import()).filter(|import| import["state"] == "done"));
    assert_eq!(done.map(|import| import["imported"].clone()), Some(json!(12)), "the panel says so: {}", import());
    // Let go of in the realm, and taken in again.
    managed(&scene.realm, &ids[0], Method::DELETE);
    scene.becomes(&format!("/Users/{}", ids[0]), 404);
    managed(&scene.realm, &ids[0], Method::POST);
    scene.becomes(&format!("/Users/{}", ids[0]), 200);
}

/// The realm's user profile with an attribute for externalIds.
fn with_external_ids(realm: &Realm) -> Value {
    let mut profile = realm.admin(Method::GET, "/users/profile", None);
    let attribute = json!({ "name": "scimExternalId", "permissions": { "view": ["admin"], "edit": ["admin"] } });
    profile["attributes"].as_array_mut().unwrap().push(attribute);
    profile
}

#[test]
fn who_is_not_taken_in_yet_is_changed_joins_and_leaves_as_if_it_were() {
    let realm = Realm::default();
    realm.admin(Method::POST, "/roles", Some(&json!({ "name": "scim-managed" })));
    let ids: Vec<String> = (0..4).map(|number| native(&realm, &format!("u{number}@acme.test"))).collect();
    for id in &ids[..3] {
        managed(&realm, id, Method::POST);
    }
    // Keycloak finds people by attributes it was told of alone.
    realm.admin(Method::PUT, "/users/profile", Some(&with_external_ids(&realm)));
    let known = json!({ "username": "u4@acme.test", "enabled": true, "attributes": { "scimExternalId": ["E 4"] } });
    realm.admin(Method::POST, "/users", Some(&known));
    let fifth = realm.user("u4@acme.test").unwrap()["id"].as_str().unwrap().to_owned();
    managed(&realm, &fifth, Method::POST);
    // Nobody imports them.
    let scene = Scene::of(Installation::on_keycloak(PROGRAM), realm, false);
    let path = |number: usize| format!("/Users/{}", ids[number]);
    let (status, off) = scene.send(Method::PATCH, &path(0), &patch("active", &json!(false)));
    assert_eq!((status, &off["active"]), (200, &json!(false)), "{off}");
    assert_eq!(scene.realm.user("u0@acme.test").unwrap()["enabled"], false);
    let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    let (status, crew) = scene.send(Method::POST, "/Groups", &json!({ "displayName": "Crew", "members": members }));
    let joined: Vec<&Value> = crew["members"].as_array().unwrap().iter().map(|member| &member["value"]).collect();
    assert_eq!((status, joined), (201, ids[..3].iter().map(|id| json!(id)).collect::<Vec<_>>().iter().collect()));
    assert_eq!(scene.send(Method::DELETE, &path(2), &Value::Null).0, 204);
    assert_eq!(scene.send(Method::PATCH, &path(3), &patch("active", &json!(false))).0, 404, "not ours to change");
    assert_eq!(scene.realm.user("u3@acme.test").unwrap()["enabled"], true);

    let find = |filter: &str| scene.get(&format!("/Users?filter={filter}"));
    let (status, nobody) = find("userName+eq+%22nobody@acme.test%22");
    assert_eq!((status, &nobody["totalResults"]), (200, &json!(0)), "the realm was asked");
    let found = find("externalId+eq+%22E+4%22").1;
    assert_eq!(found["Resources"][0]["id"], json!(fifth), "{found}");
    assert_eq!(find("externalId+eq+%22e+4%22").1["totalResults"], 0);
}

#[test]
fn ten_thousand_are_taken_in_with_their_ids_though_the_dispatcher_is_killed_meanwhile() {
    let realm = Realm::default();
    realm.admin(Method::POST, "/roles", Some(&json!({ "name": "scim-managed" })));
    let user = |number| json!({ "username": format!("u{number:05}"), "enabled": true, "realmRoles": ["scim-managed"] });
    for first in (0..10_000).step_by(500) {
        let some: Vec<Value> = (first..first + 500).map(user).collect();
        realm.admin(Method::POST, "/partialImport", Some(&json!({ "ifResourceExists": "FAIL", "users": some })));
    }
    let mut scene = Scene::of(Installation::on_keycloak(PROGRAM), realm, true);
    let import = |scene: &Scene| {
        scene.console.call(Method::GET, "/tenants/acme/identity-sync", None).1["inbound"]["import"].take()
    };
    // Whoever was made a moment ago is looked at for that as well, beside the import.
    let some = eventually(Duration::from_mins(5), || {
        let import = import(&scene);
        import["imported"].as_i64().filter(|count| *count > 500).map(|count| (count, import["state"].clone()))
    });
    let (count, state) = some.unwrap_or_else(|| panic!("{}", scene.installation.logs()));
    assert!(count < 10_000 && state != "done", "{count} {state}: there is nothing left to be killed in");
    scene.dispatcher.as_mut().unwrap().process.kill();
    scene.dispatcher.as_mut().unwrap().restart();
    let done = eventually(Duration::from_mins(5), || Some(import(&scene)).filter(|import| import["state"] == "done"));
    assert_eq!(done.map(|import| import["imported"].clone()), Some(json!(10_000)), "{}", scene.installation.logs());
    assert_eq!(scene.total(), 10_000);
    for number in [0, 4_999, 9_999] {
        let there = scene.realm.user(&format!("u{number:05}")).unwrap();
        let (status, user) = scene.get(&format!("/Users/{}", there["id"].as_str().unwrap()));
        assert_eq!((status, &user["userName"]), (200, &there["username"]), "{user}");
    }
}

#[test]
fn a_realm_too_slow_for_a_long_page_is_asked_for_shorter_ones_and_a_service_account_ends_no_import() {
    let (keycloak, realm) = (FaultyKeycloak::default(), Realm::default());
    realm.admin(Method::POST, "/roles", Some(&json!({ "name": "scim-managed" })));
    let user = |number| json!({ "username": format!("u{number:02}"), "enabled": true, "realmRoles": ["scim-managed"] });
    let everybody: Vec<Value> = (0..120).map(user).collect();
    realm.admin(Method::POST, "/partialImport", Some(&json!({ "ifResourceExists": "FAIL", "users": everybody })));
    // It is listed among them, on the first page by its name, and is nobody's business.
    realm.admin(Method::POST, "/clients", Some(&json!({ "clientId": "batch", "serviceAccountsEnabled": true })));
    let account = realm.user("service-account-batch").unwrap();
    managed(&realm, account["id"].as_str().unwrap(), Method::POST);
    let slow =
        keycloak.on(Fault::Answer(504), |call| ["max=1000", "max=250"].iter().any(|many| call.path.contains(many)));
    let scene = Scene::of(Installation::on_keycloak_at(PROGRAM, &keycloak.url()), realm, true);
    scene.until_sql("select count(*) from realm_watch where import_done_at is not null", "1");
    assert_eq!(scene.total(), 120);
    assert!(slow.met() > 0, "nobody asked for a long page");
}

#[test]
fn a_rename_reaches_the_realm_or_is_refused_before_it_as_the_tenant_says() {
    let scene = Scene::new(Realm::default());
    let id = scene.made("ada@acme.test");
    let rename = |name: &str| {
        let operation = json!({ "op": "replace", "path": "userName", "value": name });
        scene.send(Method::PATCH, &format!("/Users/{id}"), &json!({ "Operations": [operation] }))
    };
    scene.console.inbound_options("acme", &json!({ "allow_rename": false }));
    let (status, error) = rename("grace@acme.test");
    assert_eq!((status, &error["scimType"]), (400, &json!("mutability")), "{error}");
    scene.agrees("ada@acme.test");
    assert!(scene.realm.user("grace@acme.test").is_none());
    scene.console.inbound_options("acme", &json!({ "allow_rename": true }));
    let (status, renamed) = rename("grace@acme.test");
    assert_eq!((status, &renamed["id"]), (200, &json!(id)), "{renamed}");
    scene.agrees("grace@acme.test");
    assert!(scene.realm.user("ada@acme.test").is_none());
}

#[test]
fn a_username_of_another_script_is_refused_until_the_tenant_has_the_realms_rule_lifted() {
    let scene = Scene::new(Realm::default());
    let post = || scene.send(Method::POST, "/Users", &json!({ "userName": "日本 太郎" }));
    let (status, refused) = post();
    assert_eq!((status, &refused["scimType"]), (400, &json!("invalidValue")), "{refused}");
    scene.console.inbound_options("acme", &json!({ "any_username": true }));
    let (status, made) = post();
    assert_eq!((status, &made["userName"]), (201, &json!("日本 太郎")), "{made}");
    assert!(scene.realm.user("日本 太郎").is_some());
}

#[test]
fn who_is_deleted_in_the_realm_is_gone_and_the_name_is_free() {
    let scene = Scene::new(Realm::default());
    let id = scene.made("ada@acme.test");
    scene.realm.admin(Method::DELETE, &format!("/users/{id}"), None);
    scene.becomes(&format!("/Users/{id}"), 404);
    let again = scene.made("ada@acme.test");
    assert_ne!(again, id);
}

#[test]
fn case_52_a_disable_ends_sessions_and_no_token_is_refreshed() {
    let scene = Scene::new(Realm::default());
    let id = scene.made("ada@acme.test");
    let password = json!({ "type": "password", "value": "correct horse", "temporary": false });
    scene.realm.admin(Method::PUT, &format!("/users/{id}/reset-password"), Some(&password));
    scene.realm.save_user(&id, |user| {
        user["firstName"] = json!("Ada");
        user["lastName"] = json!("Byron");
        user["email"] = json!("ada@acme.test");
        user["requiredActions"] = json!([]);
    });
    let app = json!({ "clientId": "app", "publicClient": true, "directAccessGrantsEnabled": true, "enabled": true });
    scene.realm.admin(Method::POST, "/clients", Some(&app));
    let sign_in = |scope| {
        scene.realm.token_of(
            "app",
            &[
                ("grant_type", "password"),
                ("username", "ada@acme.test"),
                ("password", "correct horse"),
                ("scope", scope),
            ],
        )
    };
    let tokens = [sign_in("openid"), sign_in("openid offline_access")];
    let refresh = |token: &Value| {
        let text = token["refresh_token"].as_str().unwrap_or_else(|| panic!("signed in: {token}"));
        scene.realm.token_of("app", &[("grant_type", "refresh_token"), ("refresh_token", text)])
    };
    let tokens: Vec<Value> = tokens.iter().map(refresh).collect();
    let knows = |token: &Value| {
        let url = format!("{}/protocol/openid-connect/userinfo", scene.realm.url());
        let token = token["access_token"].as_str().unwrap_or_else(|| panic!("refreshed: {token}"));
        testkit::http().get(url).bearer_auth(token).send().unwrap().status().as_u16()
    };
    assert_eq!(knows(&tokens[0]), 200);
    let (status, answer) = scene.send(Method::PATCH, &format!("/Users/{id}"), &patch("active", &json!(false)));
    assert_eq!(status, 200, "{answer}");
    let sessions = scene.realm.admin(Method::GET, &format!("/users/{id}/sessions"), None);
    assert_eq!(sessions, json!([]));
    for token in &tokens {
        assert!(refresh(token)["access_token"].is_null(), "a session outlived the disable");
        assert_eq!(knows(token), 401, "an access token outlived the disable");
    }
    // Enabled again, the old tokens stay dead: the sessions are gone, not asleep. Keycloak counts seconds: until the next one
    // the deactivation's log-out would not have ended what began in its own.
    let ended = scene.realm.admin(Method::GET, &format!("/users/{id}"), None)["notBefore"].as_u64().unwrap();
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(eventually(SOON, || (second() > ended).then_some(())).is_some());
    scene.send(Method::PATCH, &format!("/Users/{id}"), &patch("active", &json!(true)));
    let again = scene.realm.admin(Method::GET, &format!("/users/{id}"), None)["notBefore"].as_u64().unwrap();
    assert!(again > ended, "logged out once more");
    // The oldest Keycloak we take asks no log-out about an access token that came with an offline one: until it expires it counts
    // again with its user.
    let oldest =
        testkit::servers::wish::<String>("KEVRA_TEST_KEYCLOAK_VERSION").is_some_and(|version| version == "26.4.0");
    for (token, of_offline) in tokens.iter().zip([false, true]) {
        assert!(refresh(token)["access_token"].is_null(), "a session came back with its user");
        let counts = if oldest && of_offline { 200 } else { 401 };
        assert_eq!(knows(token), counts, "an access token came back with its user");
    }
}

#[test]
fn a_group_of_scim_is_a_group_of_the_realm_with_its_members() {
    let scene = Scene::new(Realm::default());
    let (ada, eve) = (scene.made("ada@acme.test"), scene.made("eve@acme.test"));
    let body = json!({ "displayName": "Guides", "members": [{ "value": ada }] });
    let (status, group) = scene.send(Method::POST, "/Groups", &body);
    assert_eq!(status, 201, "{group}");
    let id = group["id"].as_str().unwrap();
    let names = || {
        let members = scene.realm.admin(Method::GET, &format!("/groups/{id}/members"), None);
        let mut names: Vec<String> =
            members.as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["ada@acme.test"]);
    let change = json!({ "Operations": [
        { "op": "add", "path": "members", "value": [{ "value": eve }] },
        { "op": "remove", "path": format!("members[value eq \"{ada}\"]") },
        { "op": "replace", "path": "displayName", "value": "Tour Guides" },
    ] });
    let (status, answer) = scene.send(Method::PATCH, &format!("/Groups/{id}"), &change);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(names(), ["eve@acme.test"]);
    assert_eq!(scene.realm.admin(Method::GET, &format!("/groups/{id}"), None)["name"], "Tour Guides");
    assert_eq!(scene.send(Method::DELETE, &format!("/Groups/{id}"), &Value::Null).0, 204);
    let groups = scene.realm.admin(Method::GET, "/groups", None);
    assert_eq!(groups, json!([]));
}
