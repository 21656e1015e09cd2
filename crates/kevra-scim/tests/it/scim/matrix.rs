//! Who may do what: every route and method with every token that is no good, and with another tenant's that is.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::unique;

use super::routes::{METHODS, ROUTES, UNSERVED, at};
use super::wire::{Reply, Tenant};

/// A body that would do something, for whoever may.
fn body(method: &str, route: &str, user: &str) -> Value {
    let (name, title) = (unique("intruder"), json!([{ "op": "replace", "path": "title", "value": "changed" }]));
    match (method, route) {
        ("PATCH", "/Groups/{group}") => {
            json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": name }] })
        }
        ("PATCH", _) => json!({ "Operations": title }),
        (_, "/Bulk") => json!({ "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": "q", "data": { "userName": name } },
            { "method": "DELETE", "path": format!("/Users/{user}") },
        ] }),
        (_, "/.search" | "/Users/.search" | "/Groups/.search") => json!({ "filter": "id pr" }),
        _ => json!({ "userName": name, "displayName": name }),
    }
}

fn state(tenant: &Tenant) -> String {
    format!("{}{}", tenant.get("/Users").expect(200).text, tenant.get("/Groups").expect(200).text)
}

#[test]
fn no_token_that_is_no_good_reads_or_changes_anything() {
    let (mut one, other) = (Tenant::new("matrix"), Tenant::new("matrix"));
    let (user, _) = one.user(&json!({}));
    let (group, _) = one.group(&one.users(2));
    let fresh = one.rotate();
    let rotated = std::mem::replace(&mut one.token, fresh);
    let before = state(&one);
    let tokens = [None, Some("kvs_wrong"), Some(rotated.as_str()), Some(other.token.as_str())];
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let (user, group) = (id(&user), id(&group));
    let mut asked = 0;
    for route in ROUTES.into_iter().map(|(route, _)| route).chain(UNSERVED) {
        for (method, token) in METHODS.into_iter().flat_map(|method| tokens.map(|token| (method, token))) {
            let request = one.bare(method, &at(route, &user, &group)).header("content-type", "application/scim+json");
            let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
            let reply = Reply::of(request.body(body(method, route, &user).to_string()).send().unwrap());
            assert_eq!(reply.status, 401, "{method} {route} {token:?}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
            if method != "HEAD" {
                reply.refused(401, None);
            }
            asked += 1;
        }
    }
    assert_eq!(asked, 16 * 9 * 4, "every route, method and kind of token");
    assert_eq!(state(&one), before, "nothing changed");
}

#[test]
fn anothers_ids_are_nobodys() {
    let (one, other) = (Tenant::new("matrix"), Tenant::new("matrix"));
    let (user, _) = one.user(&json!({}));
    let (group, _) = one.group(&one.users(2));
    let before = state(&one);
    for (path, endpoint) in [(&user, "/Users"), (&group, "/Groups")] {
        let unknown = format!("{endpoint}/{}", "6f4bd2a0-0000-4000-8000-000000000000");
        let body = json!({ "userName": unique("u"), "displayName": unique("g"),
            "Operations": [{ "op": "replace", "path": "displayName", "value": "x" }] });
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let (theirs, nobodys) = (other.send(method, path, &body), other.send(method, &unknown, &body));
            assert_eq!((theirs.status, &theirs.text), (404, &nobodys.text), "{method} {path}");
            let names = |reply: &Reply| reply.headers.keys().map(ToString::to_string).collect::<BTreeSet<_>>();
            assert_eq!(names(&theirs), names(&nobodys));
        }
        let id = path.rsplit('/').next().unwrap();
        assert_eq!(other.find(endpoint, &format!("id eq \"{id}\"")).total(), 0);
        let bulk = json!({ "Operations": [{ "method": "DELETE", "path": path }] });
        assert_eq!(other.post("/Bulk", &bulk).expect(200).body["Operations"][0]["status"], "404");
    }
    let (theirs, _) = other.group(&[user["/Users/".len()..].to_owned()]);
    assert!(other.get(&theirs).values("members").is_empty(), "another tenant's user is no member");
    assert_eq!(state(&one), before);
}

#[test]
fn an_id_in_a_body_reaches_nobody() {
    let (one, other) = (Tenant::new("matrix"), Tenant::new("matrix"));
    let (user, _) = one.user(&json!({}));
    let id = &user["/Users/".len()..];
    let before = state(&one);
    let meta = json!({ "location": "https://evil.test", "version": "W/\"99\"", "created": "2000-01-01T00:00:00Z", "resourceType": "Group" });
    let made = other.post("/Users", &json!({ "userName": unique("u"), "id": id, "meta": meta })).expect(201);
    assert_ne!(made.id(), id);
    assert_eq!(made.body["meta"]["resourceType"], "User");
    assert!(!made.text.contains("evil") && !made.text.contains("2000-01-01"));
    let path = format!("/Users/{}", made.id());
    let put = other.put(&path, &json!({ "userName": made.body["userName"], "id": id, "meta": meta })).expect(200);
    assert_eq!((put.id(), put.version()), (made.id(), made.version()));
    assert_eq!(state(&one), before);
}
