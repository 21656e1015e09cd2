//! Refusals that tell nobody's name: a create is a conflict only with somebody who is there. Whoever is told one does not come
//! again, and what is neither here nor in the realm would never be made.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::faulty_keycloak::{Call, Fault, FaultyKeycloak};
use testkit::{eventually, unique};

use crate::scene::{SOON, Scene};

/// What Keycloak says to a write that lost a race, or that met something it does not name.
const LOST: [&str; 4] = [
    r#"{"errorMessage":"Duplicate resource error"}"#,
    r#"{"error":"conflict","error_description":"For more on this error consult the server log."}"#,
    r#"{"error":"unknown_error"}"#,
    r#"{"errorMessage":"User exists with same username or email"}"#,
];

fn creates(call: &Call) -> bool {
    call.method == Method::POST && (call.path.ends_with("/users") || call.path.ends_with("/groups"))
}

fn user(name: &str) -> Value {
    json!({ "userName": name })
}

fn group(name: &str) -> Value {
    json!({ "displayName": name })
}

type Kind = (&'static str, fn(&str) -> Value);
const KINDS: [Kind; 2] = [("/Users", user), ("/Groups", group)];

#[test]
fn a_409_that_names_nobody_is_told_as_come_again_where_nobody_is_found() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    for (path, body) in KINDS {
        for said in LOST {
            let name = unique("lost");
            let rule = keycloak.once(Fault::Say(409, said), creates);
            let answer = scene.ask(Method::POST, path, &body(&name)).unwrap();
            assert_eq!((rule.met(), answer.status, answer.retry_after.is_some()), (1, 503, true), "{said}: {answer:?}");
            let (status, made) = scene.send(Method::POST, path, &body(&name));
            assert_eq!(status, 201, "the name is free at once: {made}");
        }
    }
}

#[test]
fn it_is_a_conflict_with_somebody_who_is_found_and_adopted_where_the_tenant_wants_that() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let (name, team) = (unique("there"), unique("team"));
    scene.realm.admin(Method::POST, "/users", Some(&json!({ "username": name, "enabled": true })));
    scene.realm.admin(Method::POST, "/groups", Some(&json!({ "name": team })));
    let both = [("/Users", user(&name)), ("/Groups", group(&team))];
    for wanted in [409, 201] {
        for (path, body) in &both {
            let rule = keycloak.once(Fault::Say(409, LOST[0]), creates);
            let (status, answer) = scene.send(Method::POST, path, body);
            assert_eq!((rule.met(), status), (1, wanted), "{answer}");
            assert_eq!(answer["scimType"] == "uniqueness", wanted == 409, "{answer}");
        }
        scene.console.inbound_options("acme", &json!({ "existing_users": "adopt" }));
    }
}

#[test]
fn a_name_whose_holder_gives_it_up_while_it_is_asked_for_is_no_conflict() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    for (path, body) in KINDS {
        let (table, name) =
            if path == "/Users" { ("reservation", unique("u")) } else { ("group_reservation", unique("g")) };
        // A create whose request died. The sweeper gives it up between a look at the name and the question who has it.
        let rule = keycloak.once(Fault::Answer(500), creates);
        scene.dispatcher.as_ref().unwrap().process.signal("STOP");
        assert_eq!((scene.send(Method::POST, path, &body(&name)).0, rule.met()), (503, 1));
        scene.sql(&format!(
            "create function give_up() returns trigger language plpgsql as
                 $$ begin delete from {table} where unsettled; return null; end $$;
             create trigger give_up after insert on {table} for each statement execute function give_up()"
        ));
        let (status, made) = scene.send(Method::POST, path, &body(&name));
        assert_eq!(status, 201, "{made}");
        scene.sql(&format!("drop trigger give_up on {table}; drop function give_up"));
        scene.dispatcher.as_ref().unwrap().process.signal("CONT");
    }
}

#[test]
fn a_membership_or_role_that_met_another_write_is_nobodys_value_and_follows_by_itself() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let ada = scene.made("ada@acme.test");
    let (_, team) = scene.send(Method::POST, "/Groups", &group("Engines"));
    let path = format!("/Groups/{}", team["id"].as_str().unwrap());
    let joins = json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": ada }] }] });
    let joining = |call: &Call| call.method == Method::PUT && call.path.contains("/groups/");
    let rule = keycloak.once(Fault::Say(409, LOST[0]), joining);
    let answer = scene.ask(Method::PATCH, &path, &joins).unwrap();
    assert_eq!((rule.met(), answer.status, answer.retry_after.is_some()), (1, 503, true), "{answer:?}");
    scene.until_sql("select count(*) from membership where state = 'pending'", "0");
    let members = format!("/groups/{}/members", team["id"].as_str().unwrap());
    assert_eq!(scene.realm.admin(Method::GET, &members, None)[0]["id"], json!(ada));

    // Who says who all the members are, and says it again, is not answered before the realm knows.
    let nobody = json!({ "Operations": [{ "op": "replace", "path": "members", "value": [] }] });
    let leaving = |call: &Call| call.method == Method::DELETE && call.path.contains("/groups/");
    scene.dispatcher.as_ref().unwrap().process.signal("STOP");
    let rule = keycloak.on(Fault::Say(409, LOST[0]), leaving);
    let told: Vec<u16> = (0..2).map(|_| scene.send(Method::PATCH, &path, &nobody).0).collect();
    assert_eq!((told, rule.met()), (vec![503, 503], 2));
    rule.lift();
    assert_eq!(scene.send(Method::PATCH, &path, &nobody).0, 200);
    assert_eq!(scene.realm.admin(Method::GET, &members, None), json!([]));
    scene.dispatcher.as_ref().unwrap().process.signal("CONT");

    let granting = |call: &Call| call.method == Method::POST && call.path.ends_with("/role-mappings/realm");
    let rule = keycloak.once(Fault::Say(400, r#"{"errorMessage":"Could not add user role mappings!"}"#), granting);
    let answer = scene.ask(Method::POST, "/Users", &user("eve@acme.test")).unwrap();
    assert_eq!((rule.met(), answer.status, answer.retry_after.is_some()), (1, 503, true), "{answer:?}");
    scene.leases_run_out();
    let there = || (scene.send(Method::POST, "/Users", &user("eve@acme.test")).0 == 409).then_some(());
    assert!(eventually(SOON, there).is_some(), "{}", scene.installation.logs());
    scene.agrees("eve@acme.test");
}
