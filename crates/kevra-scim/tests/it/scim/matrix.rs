//! Who may do what: every route and method with every token that is no good, and with another tenant's that is.

use serde_json::{Value, json};
use testkit::unique;

use super::wire::{Reply, Tenant};

/// Every route there is with a body that would do something, for a tenant's user and group.
fn requests(user: &str, group: &str) -> Vec<(&'static str, String, Value)> {
    let (name, title) = (unique("intruder"), json!([{ "op": "replace", "path": "title", "value": "changed" }]));
    let rename = json!([{ "op": "replace", "path": "displayName", "value": name }]);
    let bulk = json!([{ "method": "POST", "path": "/Users", "bulkId": "q", "data": { "userName": name } },
        { "method": "DELETE", "path": user }]);
    let mut requests = vec![
        ("POST", "/Users".to_owned(), json!({ "userName": name })),
        ("PUT", user.to_owned(), json!({ "userName": name })),
        ("PATCH", user.to_owned(), json!({ "Operations": title })),
        ("DELETE", user.to_owned(), json!({})),
        ("POST", "/Groups".to_owned(), json!({ "displayName": name })),
        ("PUT", group.to_owned(), json!({ "displayName": name })),
        ("PATCH", group.to_owned(), json!({ "Operations": rename })),
        ("DELETE", group.to_owned(), json!({})),
        ("POST", "/Bulk".to_owned(), json!({ "Operations": bulk })),
    ];
    for route in ["/Users/.search", "/Groups/.search", "/.search"] {
        requests.push(("POST", route.to_owned(), json!({ "filter": "id pr" })));
    }
    for route in [
        "/",
        "/Users",
        "/Groups",
        user,
        group,
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/ResourceTypes/User",
        "/Schemas",
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
        "/Me",
        "/nothing",
    ] {
        for method in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] {
            requests.push((method, route.to_owned(), json!({})));
        }
    }
    requests
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
    for (method, route, body) in requests(&user, &group) {
        for token in tokens {
            let mut request = one.bare(method, &route).header("content-type", "application/scim+json");
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let reply = Reply::of(request.body(body.to_string()).send().unwrap());
            assert_eq!(reply.status, 401, "{method} {route} {token:?}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
            if method != "HEAD" {
                reply.refused(401, None);
            }
        }
    }
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
            let names = |reply: &Reply| reply.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
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
