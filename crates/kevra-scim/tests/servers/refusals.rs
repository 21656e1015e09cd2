//! What Keycloak refuses, and whom it must not be asked to touch: the right SCIM error, and nothing changed anywhere.
//! Nobody polls the realm here, so that it is the request itself that finds out.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::installation::Installation;
use testkit::keycloak::Realm;

use crate::PROGRAM;
use crate::scene::{Scene, patch};

/// Everything that both sides hold of users and groups.
fn everything(scene: &Scene) -> [Value; 5] {
    let realm = |path: &str| scene.realm.admin(Method::GET, path, None);
    let reserved = "select (select count(*) from reservation) + (select count(*) from group_reservation)";
    [
        realm("/users?max=100&briefRepresentation=false"),
        realm("/groups?briefRepresentation=false&populateHierarchy=false"),
        scene.get("/Users").1,
        scene.get("/Groups").1,
        json!(scene.sql(reserved)),
    ]
}

/// Keycloak's own rules, with renames allowed.
fn strict() -> Scene {
    let scene = Scene::of(Installation::on_keycloak(PROGRAM), Realm::default(), false);
    scene.console.inbound_options("acme", &json!({ "allow_rename": true }));
    scene.installation.run(&["realm", "provision", "acme"]);
    scene
}

#[test]
fn a_member_who_became_an_administrator_is_no_reason_to_refuse_everybody_else() {
    let scene = Scene::of(Installation::on_keycloak(PROGRAM), Realm::default(), false);
    scene.console.inbound_options("acme", &json!({ "strict_members": true }));
    let (ada, eve) = (scene.made("ada@acme.test"), scene.made("eve@acme.test"));
    scene.sql(&format!("update directory_user set protected = true where id = '{ada}'"));
    let members = json!([{ "value": ada }, { "value": eve }]);
    let (status, group) = scene.send(Method::POST, "/Groups", &json!({ "displayName": "Team", "members": members }));
    assert_eq!((status, &group["members"][0]["value"], &group["members"][1]), (201, &json!(eve), &Value::Null));
    let stranger = json!([{ "value": eve }, { "value": "ac1bd0e1-0000-4000-8000-000000000000" }]);
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    let (status, answer) = scene.send(Method::PUT, &path, &json!({ "displayName": "Team", "members": stranger }));
    assert_eq!(status, 400, "{answer}");
}

#[test]
fn a_deactivation_that_is_refused_owes_no_log_out() {
    let scene = strict();
    let ada = scene.made("ada@acme.test");
    for refused in [json!({ "userName": "ab" }), json!({ "userType": 5 })] {
        let mut value = refused.clone();
        value["active"] = json!(false);
        let body = json!({ "Operations": [{ "op": "replace", "value": value }] });
        let (status, answer) = scene.send(Method::PATCH, &format!("/Users/{ada}"), &body);
        assert_eq!(status, 400, "{refused}: {answer}");
        assert_eq!(scene.sql("select count(*) from directory_user where logout_owed"), "0", "{refused}");
    }
    scene.agrees("ada@acme.test");
}

#[test]
fn a_value_that_keycloak_does_not_take_is_refused_by_name_and_nothing_changes() {
    let scene = strict();
    let ada = scene.made("ada@acme.test");
    let (status, group) = scene.send(Method::POST, "/Groups", &json!({ "displayName": "Guides" }));
    assert_eq!(status, 201, "{group}");
    let before = everything(&scene);
    let long = "a".repeat(256);
    let email = |address: &str| json!([{ "value": address, "type": "work", "primary": true }]);
    for (attribute, path, value) in [
        ("userName", "userName", json!("o'brien@acme.test")),
        ("userName", "userName", json!("ada lovelace")),
        ("userName", "userName", json!("ab")),
        ("userName", "userName", json!(long)),
        ("userName", "userName", json!("日本語の人")),
        ("name.givenName", "name.givenName", json!("Dr. (PhD)")),
        ("name.familyName", "name.familyName", json!(long)),
        ("familyName", "name.familyName", json!("Love\u{0}lace")),
        ("emails", "emails", email("a..b@acme.test")),
        ("emails", "emails", email(&format!("{}@acme.test", "a".repeat(65)))),
        ("externalId", "externalId", json!("e".repeat(2_049))),
    ] {
        let mut made = json!({ "userName": "new@acme.test" });
        match path.split_once('.') {
            Some((above, below)) => made[above] = json!({ below: value }),
            None => made[path] = value.clone(),
        }
        let changed = patch(path, &value);
        for (method, at, body) in
            [(Method::POST, "/Users".to_owned(), made), (Method::PATCH, format!("/Users/{ada}"), changed)]
        {
            let (status, error) = scene.send(method.clone(), &at, &body);
            assert_eq!((status, &error["scimType"]), (400, &json!("invalidValue")), "{method} {path} {value}: {error}");
            let says = error["detail"].as_str().is_some_and(|detail| detail.contains(attribute));
            assert!(says, "{method} {path}: {error}");
        }
    }
    let (group, named) = (format!("/Groups/{}", group["id"].as_str().unwrap()), json!({ "displayName": long }));
    for (method, at, body) in
        [(Method::POST, "/Groups", &named), (Method::PATCH, group.as_str(), &patch("displayName", &json!(long)))]
    {
        let (status, error) = scene.send(method.clone(), at, body);
        assert_eq!((status, &error["scimType"]), (400, &json!("invalidValue")), "{method} {at}: {error}");
    }
    assert_eq!(everything(&scene), before);
    // Nothing is held by what was refused.
    assert_eq!(scene.send(Method::PATCH, &format!("/Users/{ada}"), &patch("name.givenName", &json!("Ada"))).0, 200);
    assert_eq!(scene.send(Method::POST, "/Users", &json!({ "userName": "new@acme.test" })).0, 201);
}

#[test]
fn what_somebody_in_the_realm_has_already_is_taken_whoever_that_is() {
    let scene = strict();
    let person = |name: &str| json!({ "userName": name, "emails": [{ "value": format!("{name}@acme.test") }] });
    let ada = {
        let (status, made) = scene.send(Method::POST, "/Users", &person("ada"));
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(scene.send(Method::POST, "/Users", &person("eve")).0, 201);
    let native = json!({ "username": "root", "email": "root@acme.test", "enabled": true });
    scene.realm.admin(Method::POST, "/users", Some(&native));
    let (_, group) = scene.send(Method::POST, "/Groups", &json!({ "displayName": "Guides" }));
    scene.realm.admin(Method::POST, "/groups", Some(&json!({ "name": "Guards" })));
    let (ada, group) = (format!("/Users/{ada}"), format!("/Groups/{}", group["id"].as_str().unwrap()));
    let before = everything(&scene);
    for taken in ["eve", "root"] {
        let address = json!([{ "value": format!("{taken}@acme.test") }]);
        for (method, at, body) in [
            (Method::POST, "/Users", json!({ "userName": taken })),
            (Method::POST, "/Users", json!({ "userName": "new", "emails": address })),
            // One who signs in by an address must not meet a name that looks like it.
            (Method::POST, "/Users", json!({ "userName": format!("{taken}@acme.test") })),
            (Method::PATCH, &*ada, patch("userName", &json!(taken))),
            (Method::PATCH, &*ada, patch("emails", &address)),
            (Method::PUT, &*ada, json!({ "userName": "ada", "emails": address })),
        ] {
            let (status, error) = scene.send(method.clone(), at, &body);
            assert_eq!((status, &error["scimType"]), (409, &json!("uniqueness")), "{method} {body}: {error}");
        }
    }
    for (method, at, body) in [
        (Method::POST, "/Groups", json!({ "displayName": "Guards" })),
        (Method::PATCH, &*group, patch("displayName", &json!("Guards"))),
    ] {
        let (status, error) = scene.send(method.clone(), at, &body);
        assert_eq!((status, &error["scimType"]), (409, &json!("uniqueness")), "{method} {body}: {error}");
    }
    assert_eq!(everything(&scene), before);
}

/// A role of the realm's administration, and where under a user, a group or a role it is given.
fn administrative(realm: &Realm) -> (String, Value) {
    let clients = realm.admin(Method::GET, "/clients?clientId=realm-management", None);
    let client = clients[0]["id"].as_str().unwrap();
    let role = realm.admin(Method::GET, &format!("/clients/{client}/roles/manage-users"), None);
    (format!("/role-mappings/clients/{client}"), json!([role]))
}

fn made_group(realm: &Realm, path: &str, name: &str) -> String {
    realm.admin(Method::POST, path, Some(&json!({ "name": name })));
    let listed = realm.admin(Method::GET, path, None);
    let made = listed.as_array().unwrap().iter().find(|group| group["name"] == name).unwrap();
    made["id"].as_str().unwrap().to_owned()
}

/// Makes four people administrators: directly, by a group, by the parent of one, and by a composite role of the realm.
fn promote(realm: &Realm, people: &[String; 4]) {
    let (path, role) = administrative(realm);
    let [direct, in_group, below, composite] = people;
    let (group, child) = {
        let group = made_group(realm, "/groups", "Staff");
        let child = made_group(realm, &format!("/groups/{group}/children"), "Interns");
        (group, child)
    };
    realm.admin(Method::POST, "/roles", Some(&json!({ "name": "lead" })));
    realm.admin(Method::POST, "/roles/lead/composites", Some(&role));
    let lead = json!([realm.admin(Method::GET, "/roles/lead", None)]);
    realm.admin(Method::POST, &format!("/users/{direct}{path}"), Some(&role));
    realm.admin(Method::POST, &format!("/groups/{group}{path}"), Some(&role));
    for (user, group) in [(in_group, &group), (below, &child)] {
        realm.admin(Method::PUT, &format!("/users/{user}/groups/{group}"), None);
    }
    realm.admin(Method::POST, &format!("/users/{composite}/role-mappings/realm"), Some(&lead));
}

#[test]
fn an_administrator_of_the_realm_is_never_taken_over() {
    let scene = strict();
    scene.console.inbound_options("acme", &json!({ "existing_users": "adopt" }));
    let people = ["direct", "grouped", "below", "composite"].map(|name| {
        scene.realm.admin(Method::POST, "/users", Some(&json!({ "username": name, "enabled": true })));
        scene.realm.user(name).unwrap()["id"].as_str().unwrap().to_owned()
    });
    promote(&scene.realm, &people);
    let before = everything(&scene);
    for name in ["direct", "grouped", "below", "composite"] {
        let body = json!({ "userName": name, "externalId": name, "active": false });
        let (status, error) = scene.send(Method::POST, "/Users", &body);
        assert_eq!((status, &error["scimType"]), (409, &json!("uniqueness")), "{name}: {error}");
    }
    assert_eq!(everything(&scene), before);
    for id in &people {
        assert!(!scene.realm.roles(id).contains(&"scim-managed".to_owned()), "{id}");
    }
}

/// A gateway that remembers nobody's rights.
fn forgets(scene: &mut Scene) {
    scene.gateway.process.kill();
    scene.gateway.restart();
}

#[test]
fn whoever_became_an_administrator_is_refused_at_the_write_that_finds_out() {
    let mut scene = strict();
    let people = ["direct", "grouped", "below", "composite"].map(|name| scene.made(name));
    promote(&scene.realm, &people);
    forgets(&mut scene);
    let users = |scene: &Scene| scene.realm.admin(Method::GET, "/users?max=100&briefRepresentation=false", None);
    let before = users(&scene);
    let put = json!({ "userName": "renamed", "active": false });
    let writes = [
        (Method::PATCH, patch("active", &json!(false))),
        (Method::DELETE, Value::Null),
        (Method::PUT, put),
        (Method::PATCH, patch("name.givenName", &json!("Changed"))),
    ];
    for (first, id) in people.iter().enumerate() {
        let path = format!("/Users/{id}");
        for turn in 0..writes.len() {
            let (method, body) = &writes[(first + turn) % writes.len()];
            let (status, answer) = scene.send(method.clone(), &path, body);
            // Whom one request has found out about is not shown to the next.
            assert_eq!(status, if turn == 0 { 403 } else { 404 }, "{first} {method}: {answer}");
        }
    }
    assert_eq!(users(&scene), before);
}

#[test]
fn a_group_that_came_to_give_administrative_roles_is_refused_at_the_write_that_finds_out() {
    let mut scene = strict();
    let (path, role) = administrative(&scene.realm);
    let [ada, eve] = ["ada", "eve"].map(|name| scene.made(name));
    let group = |name: &str| {
        let body = json!({ "displayName": name, "members": [{ "value": ada }] });
        let (status, made) = scene.send(Method::POST, "/Groups", &body);
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let groups: Vec<String> = (0..5).map(|number| group(&format!("Guides {number}"))).collect();
    let above = made_group(&scene.realm, "/groups", "Staff");
    for (number, id) in groups.iter().enumerate() {
        if number % 2 == 0 {
            scene.realm.admin(Method::POST, &format!("/groups/{id}{path}"), Some(&role));
        } else {
            let moved = json!({ "id": id, "name": format!("Guides {number}") });
            scene.realm.admin(Method::POST, &format!("/groups/{above}/children"), Some(&moved));
        }
    }
    scene.realm.admin(Method::POST, &format!("/groups/{above}{path}"), Some(&role));
    forgets(&mut scene);
    let held = |scene: &Scene| -> Vec<[Value; 2]> {
        let get = |path: &str| scene.realm.admin(Method::GET, path, None);
        groups.iter().map(|id| [get(&format!("/groups/{id}")), get(&format!("/groups/{id}/members"))]).collect()
    };
    let before = held(&scene);
    let joins = json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": eve }] }] });
    let leaves = json!({ "Operations": [{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }] });
    let writes = [
        (Method::PATCH, joins),
        (Method::PATCH, leaves),
        (Method::PATCH, patch("displayName", &json!("Renamed"))),
        (Method::PUT, json!({ "displayName": "Renamed", "members": [{ "value": eve }] })),
        (Method::DELETE, Value::Null),
    ];
    for (first, id) in groups.iter().enumerate() {
        let path = format!("/Groups/{id}");
        for turn in 0..writes.len() {
            let (method, body) = &writes[(first + turn) % writes.len()];
            let (status, answer) = scene.send(method.clone(), &path, body);
            assert_eq!(status, if turn == 0 { 403 } else { 404 }, "{first} {method} {body}: {answer}");
        }
    }
    assert_eq!(held(&scene), before);
    assert_eq!(scene.sql("select count(*) from membership where state = 'pending'"), "0");
}
