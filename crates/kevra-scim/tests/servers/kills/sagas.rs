//! Requests with the realm call at which they are cut short, and how they have to end once they were asked again.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::faulty_keycloak::Call;
use testkit::unique;

use crate::scene::{Scene, patch};

type At = Arc<dyn Fn(&Call) -> bool + Send + Sync>;

/// A request that is cut short.
pub(super) struct Saga {
    pub method: Method,
    pub path: String,
    pub body: Value,
    pub cut_at: At,
    /// What counts as done when it is asked again.
    pub done: &'static [u16],
    /// It is accepted before the realm knows all of it; the rest follows by itself.
    pub follows: bool,
    /// Somebody is left in the realm whom SCIM does not manage.
    pub stays: bool,
    /// What has to be so.
    pub ends: Box<dyn Fn(&Scene)>,
}

const CREATED: &[u16] = &[201, 409];
const CHANGED: &[u16] = &[200, 204];
const DELETED: &[u16] = &[204, 404];

impl Saga {
    fn new(method: Method, path: &str, body: Value, cut_at: At, ends: impl Fn(&Scene) + 'static) -> Self {
        let done = match method {
            Method::POST => CREATED,
            Method::DELETE => DELETED,
            _ => CHANGED,
        };
        let (path, ends) = (path.to_owned(), Box::new(ends));
        Self { method, path, body, cut_at, done, follows: false, stays: false, ends }
    }
}

/// A call such as `PUT /users/{id}` in whichever realm.
fn call(method: Method, end: &str) -> At {
    let end = end.to_owned();
    Arc::new(move |call| call.method == method && call.path.ends_with(&end))
}

/// Likewise, with something in its body.
fn saying(method: Method, end: &str, said: &str) -> At {
    let (call, said) = (call(method, end), said.to_owned());
    Arc::new(move |one| call(one) && one.body.contains(&said))
}

fn name() -> String {
    format!("{}@acme.test", unique("u"))
}

fn group_of(scene: &Scene, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "displayName": unique("group"), "members": members });
    let (status, made) = scene.send(Method::POST, "/Groups", &body);
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

fn creates(cut_at: impl Fn(&str) -> At) -> Saga {
    let name = name();
    let body = json!({ "userName": name, "name": { "givenName": "Made" } });
    let cut_at = cut_at(&name);
    Saga::new(Method::POST, "/Users", body, cut_at, move |scene| scene.agrees(&name))
}

fn changes(scene: &Scene, body: Value, cut_at: (Method, &str), ends: (&'static str, Value)) -> Saga {
    let name = name();
    let id = scene.made(&name);
    let cut_at = call(cut_at.0, &format!("/users/{id}{}", cut_at.1));
    Saga::new(Method::PATCH, &format!("/Users/{id}"), body, cut_at, move |scene| {
        scene.agrees(&name);
        assert_eq!(scene.realm.user(&name).unwrap()[ends.0], ends.1, "{name}");
    })
}

/// Somebody who was switched off and is to come back.
fn off(scene: &Scene) -> (String, String) {
    let name = name();
    let (status, made) = scene.send(Method::POST, "/Users", &json!({ "userName": name, "externalId": name }));
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    let (status, answer) = scene.send(Method::PATCH, &format!("/Users/{id}"), &patch("active", &json!(false)));
    assert_eq!(status, 200, "{answer}");
    (name, id)
}

fn is_back(scene: &Scene, name: &str, id: &str) {
    scene.agrees(name);
    let held = scene.realm.user(name).unwrap();
    assert_eq!((&held["id"], &held["enabled"]), (&json!(id), &json!(true)), "{name}");
}

/// Users of SCIM: made, changed, switched off, switched on again, brought back, deleted.
pub(super) fn of_users(scene: &Scene) -> Vec<Saga> {
    let off_again = || patch("active", &json!(false));
    let (name, id) = off(scene);
    let on = Saga::new(
        Method::PATCH,
        &format!("/Users/{id}"),
        patch("active", &json!(true)),
        call(Method::PUT, &format!("/users/{id}")),
        move |scene| is_back(scene, &name, &id),
    );
    let (name, id) = off(scene);
    let comes_back = Saga::new(
        Method::POST,
        "/Users",
        json!({ "userName": name, "externalId": name }),
        call(Method::PUT, &format!("/users/{id}")),
        move |scene| is_back(scene, &name, &id),
    );
    let leaver = name_and_delete(scene);
    vec![
        // The role's call names nobody: it is the only one of its kind under way.
        creates(|_| call(Method::POST, "/role-mappings/realm")),
        creates(|name| saying(Method::POST, "/users", name)),
        changes(scene, patch("name.givenName", &json!("Changed")), (Method::PUT, ""), ("firstName", json!("Changed"))),
        changes(scene, off_again(), (Method::PUT, ""), ("enabled", json!(false))),
        changes(scene, off_again(), (Method::POST, "/logout"), ("enabled", json!(false))),
        on,
        comes_back,
        leaver,
    ]
}

fn name_and_delete(scene: &Scene) -> Saga {
    let name = name();
    let id = scene.made(&name);
    let (path, cut_at) = (format!("/Users/{id}"), call(Method::DELETE, &format!("/users/{id}")));
    Saga::new(Method::DELETE, &path.clone(), Value::Null, cut_at, move |scene| {
        assert!(scene.realm.user(&name).is_none(), "{name}");
        assert_eq!(scene.get(&path).0, 404, "{name}");
    })
}

/// A group is in the realm and in the directory under one name, with these members and no others.
fn is_group(scene: &Scene, name: &str, members: &[String]) {
    let found = scene.realm.admin(Method::GET, &format!("/groups?search={name}&exact=true"), None);
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{name}: {found}");
    let id = found[0]["id"].as_str().unwrap();
    let (status, shown) = scene.get(&format!("/Groups/{id}"));
    assert_eq!((status, &shown["displayName"]), (200, &json!(name)), "{shown}");
    let there = scene.realm.admin(Method::GET, &format!("/groups/{id}/members"), None);
    let sorted = |list: &Value, field: &str| {
        let mut ids: Vec<String> =
            list.as_array().into_iter().flatten().map(|one| one[field].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    let mut wanted = members.to_vec();
    wanted.sort();
    assert_eq!((sorted(&there, "id"), sorted(&shown["members"], "value")), (wanted.clone(), wanted), "{name}");
}

fn name_of_group(scene: &Scene, id: &str) -> String {
    scene.get(&format!("/Groups/{id}")).1["displayName"].as_str().unwrap().to_owned()
}

/// A change of a group's members.
fn members(scene: &Scene, group: &str, change: (Method, Value), cut_at: (Method, &str), after: &[&str]) -> Saga {
    let (name, after) = (name_of_group(scene, group), after.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    let cut_at = call(cut_at.0, &format!("/users/{}/groups/{group}", cut_at.1));
    Saga::new(change.0, &format!("/Groups/{group}"), change.1, cut_at, move |scene| is_group(scene, &name, &after))
}

fn joins(id: &str) -> Value {
    json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": id }] }] })
}

fn leaves(id: &str) -> Value {
    json!({ "Operations": [{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }] })
}

/// Groups: made, renamed, deleted, and their members.
pub(super) fn of_groups(scene: &Scene) -> Vec<Saga> {
    let (ada, eve) = (scene.made(&name()), scene.made(&name()));
    let makes = |cut_at: &dyn Fn(&str) -> At| {
        let (name, wanted) = (unique("made"), vec![ada.clone()]);
        let (body, cut_at) = (json!({ "displayName": name, "members": [{ "value": ada }] }), cut_at(&name));
        Saga::new(Method::POST, "/Groups", body, cut_at, move |scene| is_group(scene, &name, &wanted))
    };
    let joining = format!("/users/{ada}/groups/");
    let made_and_joined = Saga {
        follows: true,
        ..makes(&|_| {
            let joining = joining.clone();
            Arc::new(move |call| call.method == Method::PUT && call.path.contains(&joining))
        })
    };
    let (renamed, name, wanted) = (group_of(scene, &[&ada]), unique("renamed"), vec![ada.clone()]);
    let rename = Saga::new(
        Method::PATCH,
        &format!("/Groups/{renamed}"),
        patch("displayName", &json!(name)),
        call(Method::PUT, &format!("/groups/{renamed}")),
        move |scene| is_group(scene, &name, &wanted),
    );
    let deleted = group_of(scene, &[&ada]);
    let (name, path) = (name_of_group(scene, &deleted), format!("/Groups/{deleted}"));
    let cut_at = call(Method::DELETE, &format!("/groups/{deleted}"));
    let delete = Saga::new(Method::DELETE, &path.clone(), Value::Null, cut_at, move |scene| {
        let found = scene.realm.admin(Method::GET, &format!("/groups?search={name}&exact=true"), None);
        assert_eq!((found, scene.get(&path).0), (json!([]), 404), "{name}");
    });
    let [joined, left, told] = [vec![&*ada], vec![&*ada, &*eve], vec![&*ada]].map(|members| group_of(scene, &members));
    let exactly = json!({ "displayName": name_of_group(scene, &told), "members": [{ "value": eve }] });
    vec![
        makes(&|name| saying(Method::POST, "/groups", &format!("\"{name}\""))),
        made_and_joined,
        rename,
        delete,
        members(scene, &joined, (Method::PATCH, joins(&eve)), (Method::PUT, &eve), &[&ada, &eve]),
        members(scene, &left, (Method::PATCH, leaves(&ada)), (Method::DELETE, &ada), &[&eve]),
        members(scene, &told, (Method::PUT, exactly), (Method::DELETE, &ada), &[&eve]),
    ]
}

/// Somebody whom the realm had before SCIM came.
fn native(scene: &Scene) -> (String, String) {
    let name = name();
    scene.realm.admin(Method::POST, "/users", Some(&json!({ "username": name, "enabled": true })));
    let id = scene.realm.user(&name).unwrap()["id"].as_str().unwrap().to_owned();
    (name, id)
}

/// A delete of an adopted user, who is switched off, logged out and let go of.
fn lets_go(scene: &Scene, cut_at: impl Fn(&str) -> At) -> Saga {
    let (name, id) = native(scene);
    let (status, adopted) = scene.send(Method::POST, "/Users", &json!({ "userName": name, "externalId": name }));
    assert_eq!((status, &adopted["id"]), (201, &json!(id)), "{adopted}");
    let (path, cut_at) = (format!("/Users/{id}"), cut_at(&id));
    let saga = Saga::new(Method::DELETE, &path.clone(), Value::Null, cut_at, move |scene| {
        let held = scene.realm.user(&name).unwrap_or_else(|| panic!("{name} was deleted"));
        assert_eq!((&held["id"], &held["enabled"]), (&json!(id), &json!(false)), "{name}");
        assert!(held["attributes"]["scimManaged"].is_null(), "{held}");
        assert!(!scene.realm.roles(&id).contains(&"scim-managed".to_owned()), "{name}");
        assert_eq!(scene.get(&path).0, 404, "{name}");
    });
    Saga { stays: true, ..saga }
}

/// Deactivations and deletes of adopted users.
pub(super) fn of_leavers(scene: &Scene) -> Vec<Saga> {
    scene.console.inbound_options("acme", &json!({ "existing_users": "adopt" }));
    let off = |cut_at| changes(scene, patch("active", &json!(false)), cut_at, ("enabled", json!(false)));
    let mut leavers: Vec<Saga> = (0..3).map(|_| off((Method::PUT, ""))).collect();
    leavers.push(off((Method::POST, "/logout")));
    leavers.extend(lets_go_at_each_call(scene));
    leavers
}

fn lets_go_at_each_call(scene: &Scene) -> [Saga; 4] {
    let put = |id: &str, said: &str| saying(Method::PUT, &format!("/users/{id}"), said);
    [
        lets_go(scene, |id| put(id, "{\"enabled\":false}")),
        lets_go(scene, |id| call(Method::POST, &format!("/users/{id}/logout"))),
        lets_go(scene, |id| call(Method::DELETE, &format!("/users/{id}/role-mappings/realm"))),
        lets_go(scene, |id| put(id, "username")),
    ]
}

/// A bulk of three, cut short in one of them.
fn bulk(scene: &Scene, cut_at: impl Fn(&str, &str, &str) -> At) -> Saga {
    let (new, changed, joined) = (name(), name(), name());
    let (user, member) = (scene.made(&changed), scene.made(&joined));
    let group = group_of(scene, &[]);
    let group_name = name_of_group(scene, &group);
    let cut_at = cut_at(&new, &user, &member);
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        { "method": "POST", "path": "/Users", "bulkId": "new", "data": { "userName": new } },
        { "method": "PATCH", "path": format!("/Users/{user}"), "data": patch("name.givenName", &json!("Changed")) },
        { "method": "PATCH", "path": format!("/Groups/{group}"), "data": joins(&member) },
    ] });
    let saga = Saga::new(Method::POST, "/Bulk", body, cut_at, move |scene| {
        for name in [&new, &changed, &joined] {
            scene.agrees(name);
        }
        assert_eq!(scene.realm.user(&changed).unwrap()["firstName"], "Changed");
        is_group(scene, &group_name, std::slice::from_ref(&member));
    });
    Saga { done: &[200, 201, 204, 409], ..saga }
}

/// Those who were there before, taken over and let go of, and several at once.
pub(super) fn of_others(scene: &Scene) -> Vec<Saga> {
    scene.console.inbound_options("acme", &json!({ "existing_users": "adopt" }));
    let (name, id) = native(scene);
    let body = json!({ "userName": name, "externalId": name });
    let adopts = Saga::new(Method::POST, "/Users", body, call(Method::PUT, &format!("/users/{id}")), move |scene| {
        is_back(scene, &name, &id);
    });
    let mut others = vec![
        adopts,
        bulk(scene, |new, _, _| saying(Method::POST, "/users", new)),
        bulk(scene, |_, user, _| call(Method::PUT, &format!("/users/{user}"))),
        bulk(scene, |_, _, member| {
            let joining = format!("/users/{member}/groups/");
            Arc::new(move |call| call.method == Method::PUT && call.path.contains(&joining))
        }),
    ];
    others.extend(lets_go_at_each_call(scene));
    others
}
