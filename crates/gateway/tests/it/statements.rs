//! How many SQL statements a request may cost: a read its token and its resource, a write of one resource five.

use serde_json::{Value, json};

use crate::served::{Served, served};

const READ: usize = 2;
const WRITE: usize = 5;
/// A new group's members are looked up, and written, beside it; they are part of no other write's budget.
const WITH_MEMBERS: usize = WRITE + 1;

/// Asserts a budget and answers with the body.
#[track_caller]
fn within(budget: usize, (body, statements): (Value, Vec<String>), what: &str) -> Value {
    assert!(!statements.is_empty(), "{what}: the statements are not seen");
    assert!(statements.len() <= budget, "{what}: {} statements\n{}", statements.len(), statements.join("\n\n"));
    body
}

fn patch(operation: &Value) -> Value {
    json!({ "Operations": [operation] })
}

fn user(served: &Served, name: &str) -> String {
    let body = json!({ "userName": name, "externalId": name, "emails": [{ "value": format!("{name}@acme.test"), "type": "work" }], "title": "t" });
    let made = within(WRITE, served.call("POST", "/Users", Some(&body)), "the create of a user");
    format!("/Users/{}", made["id"].as_str().unwrap())
}

fn group(served: &Served, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> =
        members.iter().map(|path| json!({ "value": path.trim_start_matches("/Users/") })).collect();
    let body = json!({ "displayName": name, "members": members });
    let budget = if members.is_empty() { WRITE } else { WITH_MEMBERS };
    let made = within(budget, served.call("POST", "/Groups", Some(&body)), "the create of a group");
    format!("/Groups/{}", made["id"].as_str().unwrap())
}

#[test]
fn a_read_costs_two_statements() {
    served(|served| {
        let users = ["a", "b", "c"].map(|name| user(served, name));
        // The tenant's cursor key is made once.
        served.call("GET", "/Users?count=1&cursor=", None);
        let group = group(served, "g", &[&users[0], &users[1]]);
        let id = users[0].trim_start_matches("/Users/");
        for path in [
            users[0].clone(),
            group.clone(),
            format!("{group}?excludedAttributes=members"),
            "/Users".to_owned(),
            "/Groups".to_owned(),
            "/Users?startIndex=2&count=1".to_owned(),
            "/Users?filter=userName+eq+%22a%22".to_owned(),
            "/Users?filter=externalId+eq+%22a%22".to_owned(),
            "/Users?filter=emails[type+eq+%22work%22].value+eq+%22a@acme.test%22".to_owned(),
            "/Users?filter=emails.value+eq+%22a@acme.test%22".to_owned(),
            format!("/Users?filter=id+eq+%22{id}%22"),
            "/Groups?filter=displayName+eq+%22g%22&excludedAttributes=members".to_owned(),
            format!("/Groups?filter=members+eq+%22{id}%22"),
            "/Users?filter=active+eq+true".to_owned(),
            "/Users?filter=title+eq+%22t%22".to_owned(),
            "/Users?filter=userName+eq+%22nobody%22".to_owned(),
            "/Users?sortBy=title".to_owned(),
            "/Users?sortBy=userName&sortOrder=descending&count=2".to_owned(),
            "/Users?filter=active+eq+true+and+meta.lastModified+ge+%222021-09-23T19:35:41.8420572Z%22&sortBy=meta.lastModified".to_owned(),
            "/Users?filter=active+ne+true&sortBy=externalId&count=1&cursor=".to_owned(),
            "/Groups?sortBy=displayName".to_owned(),
            "/Users?startIndex=99".to_owned(),
            "/Users?count=0".to_owned(),
            "/Users?count=0&filter=title+eq+%22t%22".to_owned(),
            "/Users?count=2&cursor=".to_owned(),
        ] {
            within(READ, served.call("GET", &path, None), &path);
        }
        // Discovery asks for nothing but whose the token is.
        for path in ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes"] {
            within(1, served.call("GET", path, None), path);
        }
    });
}

#[test]
fn a_page_that_is_walked_to_costs_no_more() {
    served(|served| {
        for name in ["a", "b", "c"] {
            user(served, name);
        }
        // The tenant's cursor key is made once.
        served.call("GET", "/Users?count=1&cursor=", None);
        let (first, _) = served.call("GET", "/Users?count=1&cursor=", None);
        let next = format!("/Users?count=1&cursor={}", first["nextCursor"].as_str().unwrap());
        within(READ, served.call("GET", &next, None), "the next page of a walk");
        let (first, _) = served.call("GET", "/Users?count=1&cursor=&sortBy=userName", None);
        let next = format!("/Users?count=1&sortBy=userName&cursor={}", first["nextCursor"].as_str().unwrap());
        within(READ, served.call("GET", &next, None), "the next page of a walk in an order");
    });
}

#[test]
fn a_write_of_a_user_costs_five_statements() {
    served(|served| {
        let path = user(served, "a");
        let put = json!({ "userName": "a", "title": "put", "externalId": "a" });
        within(WRITE, served.call("PUT", &path, Some(&put)), "a PUT");
        for (what, operation) in [
            ("a PATCH of the document", json!({ "op": "replace", "path": "title", "value": "x" })),
            ("a PATCH of a name", json!({ "op": "replace", "path": "name.givenName", "value": "x" })),
            ("a PATCH that disables", json!({ "op": "replace", "path": "active", "value": false })),
            ("a PATCH that enables", json!({ "op": "replace", "path": "active", "value": true })),
            ("a PATCH that changes nothing", json!({ "op": "replace", "path": "active", "value": true })),
            ("a rename", json!({ "op": "replace", "path": "userName", "value": "b" })),
        ] {
            within(WRITE, served.call("PATCH", &path, Some(&patch(&operation))), what);
        }
        within(WRITE, served.call("DELETE", &path, None), "a DELETE");
    });
}

#[test]
fn a_change_of_one_member_costs_five_statements_however_many_there_are() {
    served(|served| {
        let users: Vec<String> = (0..12).map(|number| user(served, &format!("u{number}"))).collect();
        let group = group(served, "g", &[]);
        for path in &users {
            let id = path.trim_start_matches("/Users/");
            let add = patch(&json!({ "op": "add", "path": "members", "value": [{ "value": id }] }));
            within(WRITE, served.call("PATCH", &group, Some(&add)), "one more member");
            within(WRITE, served.call("PATCH", &group, Some(&add)), "a member once more");
        }
        let id = users[3].trim_start_matches("/Users/");
        let remove = patch(&json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }));
        within(WRITE, served.call("PATCH", &group, Some(&remove)), "one member less");
        let rename = patch(&json!({ "op": "replace", "path": "displayName", "value": "h" }));
        within(WRITE, served.call("PATCH", &group, Some(&rename)), "another name");
        within(WRITE, served.call("DELETE", &group, None), "a DELETE");
    });
}

#[test]
fn what_relates_to_a_resource_is_read_of_the_page_alone() {
    served(|served| {
        let users = ["a", "b", "c"].map(|name| user(served, name));
        group(served, "g", &[&users[0], &users[1]]);
        let members = |statements: &[String]| statements.iter().filter(|one| one.contains("from membership")).count();
        // A filter the database does not answer is walked without members; the page has them.
        let (page, statements) = served.call("GET", "/Groups?filter=displayName+co+%22g%22", None);
        assert_eq!(page["Resources"][0]["members"].as_array().map(Vec::len), Some(2));
        assert_eq!((statements.len(), members(&statements)), (3, 1), "{}", statements.join("\n\n"));
        for path in [
            "/Groups?filter=displayName+co+%22g%22&excludedAttributes=members",
            "/Groups?filter=displayName+co+%22nothing%22",
            "/Users?filter=title+pr&attributes=userName",
        ] {
            let (_, statements) = served.call("GET", path, None);
            assert_eq!((statements.len(), members(&statements)), (2, 0), "{path}");
        }
        // One that looks at them needs them.
        let (page, statements) = served.call("GET", "/Groups?filter=members.type+eq+%22User%22", None);
        assert_eq!((&page["totalResults"], statements.len()), (&json!(1), 2));
    });
}
