//! `/Bulk` on the wire (reference section 2.8): references, order, accounting.

use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::unique;

use super::wire::{ERROR, Reply, Tenant};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("bulk"))
}

fn bulk(more: &Value, operations: &[Value]) -> Reply {
    let mut body =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    tenant().post("/Bulk", &body)
}

fn statuses(reply: &Reply) -> Vec<&str> {
    reply.body["Operations"].as_array().unwrap().iter().map(|result| result["status"].as_str().unwrap()).collect()
}

fn user(bulk_id: &str, more: &Value) -> Value {
    let mut body = json!({ "userName": unique("bulk") });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": body })
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "type": "User", "value": id })).collect();
    json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": { "displayName": unique("bulk"), "members": members } })
}

/// The path of a result's resource.
fn path(result: &Value) -> String {
    result["location"].as_str().unwrap()[tenant().base.len()..].to_owned()
}

#[test]
fn a_reference_backward_or_forward_becomes_the_real_id() {
    for operations in
        [[user("u", &json!({})), group("g", &["bulkId:u"])], [group("g", &["bulkId:u"]), user("u", &json!({}))]]
    {
        let reply = bulk(&json!({}), &operations).expect(200);
        assert_eq!(reply.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
        assert_eq!(statuses(&reply), ["201", "201"]);
        let results = reply.body["Operations"].as_array().unwrap();
        let of = |name: &str| results.iter().find(|result| result["bulkId"] == name).unwrap();
        for (name, method) in [("u", "POST"), ("g", "POST")] {
            assert_eq!(of(name)["method"], method);
            let read = tenant().get(&path(of(name))).expect(200);
            let version = of(name)["version"].as_str().unwrap();
            // Who joins a group is shown otherwise from then on, and is still at the same version.
            let same = if name == "g" { read.version() == version } else { read.version() != version };
            assert!(same, "{version} {}", read.version());
            let unchanged = json!({ "method": "PATCH", "path": path(of(name)), "version": version,
                "data": { "Operations": [{ "op": "add", "value": {} }] } });
            assert_eq!(statuses(&bulk(&json!({}), &[unchanged]).expect(200)), ["200"]);
        }
        let id = path(of("u"))["/Users/".len()..].to_owned();
        assert_eq!(tenant().get(&path(of("g"))).values("members"), [id]);
    }
}

#[test]
fn circles_are_tried() {
    let enterprise = super::wire::ENTERPRISE;
    let manager = |other: &str| json!({ enterprise: { "manager": { "value": other } } });
    let reply = bulk(&json!({}), &[user("a", &manager("bulkId:b")), user("b", &manager("bulkId:a"))]).expect(200);
    assert_eq!(statuses(&reply), ["201", "201"]);
    let results = reply.body["Operations"].as_array().unwrap();
    let (one, two) = (path(&results[0]), path(&results[1]));
    assert_eq!(tenant().get(&one).body[enterprise]["manager"]["value"], two["/Users/".len()..]);
    assert_eq!(tenant().get(&two).body[enterprise]["manager"]["value"], one["/Users/".len()..]);
    let (left, right) = (group("x", &["bulkId:y"]), group("y", &["bulkId:x"]));
    let reply = bulk(&json!({}), &[left, right]).expect(200);
    assert!(statuses(&reply).iter().all(|status| ["201", "400", "409"].contains(status)), "{}", reply.text);
}

#[test]
fn every_method_is_done_and_a_version_counts_as_if_match() {
    let (one, name) = tenant().user(&json!({}));
    let (two, _) = tenant().user(&json!({}));
    let version = tenant().get(&one).version().to_owned();
    let title = |value: &str| json!({ "Operations": [{ "op": "replace", "path": "title", "value": value }] });
    let reply = bulk(
        &json!({}),
        &[
            json!({ "method": "PATCH", "path": one, "version": version, "data": title("first") }),
            json!({ "method": "PATCH", "path": one, "version": version, "data": title("second") }),
            json!({ "method": "put", "path": one, "data": { "userName": name, "nickName": "n" } }),
            json!({ "method": "DELETE", "path": two }),
            json!({ "method": "DELETE", "path": two }),
            user("u", &json!({ "userName": name })),
            json!({ "method": "PATCH", "path": "/Users/none", "data": title("x") }),
            json!({ "method": "PATCH", "path": "/Groups", "data": title("x") }),
            json!({ "method": "GET", "path": one }),
            json!({ "method": "POST", "path": "/Users", "data": { "userName": unique("u") } }),
        ],
    );
    let reply = reply.expect(200);
    assert_eq!(
        statuses(&reply),
        ["200", "412", "200", "204", "404", "409", "404", "400", "400", "400"],
        "{}",
        reply.text
    );
    let read = tenant().get(&one).expect(200);
    assert_eq!((&read.body["nickName"], read.body.get("title")), (&json!("n"), None));
    for (number, result) in reply.body["Operations"].as_array().unwrap().iter().enumerate() {
        let failed = result["status"].as_str().unwrap() >= "400";
        assert_eq!(failed, result["response"].is_object(), "{result}");
        if failed {
            assert_eq!(
                (&result["response"]["schemas"], &result["response"]["status"]),
                (&json!([ERROR]), &result["status"])
            );
        }
        assert_eq!(result["location"].is_string(), number < 5 || number == 6, "{result}");
    }
    assert_eq!(reply.body["Operations"][5]["response"]["scimType"], "uniqueness");
}

#[test]
fn only_users_and_groups_can_be_written_in_bulk() {
    let hidden = user("inner", &json!({}));
    let inner = json!({ "Operations": [hidden] });
    for (path, body) in [
        ("/Bulk", inner),
        ("/.search", json!({})),
        ("/Nothing", json!({})),
        ("/Schemas", json!({})),
        ("/ServiceProviderConfig", json!({})),
        ("/Me", json!({})),
        ("/Users/.search", json!({})),
        ("/users", json!({ "userName": unique("u") })),
        ("/", json!({})),
        ("", json!({})),
        ("https://evil.test/Users", json!({})),
    ] {
        let reply =
            bulk(&json!({}), &[json!({ "method": "POST", "path": path, "bulkId": "q", "data": body })]).expect(200);
        let status: u16 = statuses(&reply)[0].parse().unwrap();
        assert!((400..500).contains(&status) || status == 501, "{path}: {}", reply.text);
    }
    let name = hidden["data"]["userName"].as_str().unwrap();
    assert_eq!(
        tenant().find("/Users", &format!("userName eq \"{name}\"")).total(),
        0,
        "nobody was created on the side"
    );
}

#[test]
fn errors_are_counted_and_what_comes_after_the_last_is_not_done() {
    let (_, taken) = tenant().user(&json!({}));
    let bad = |name: &str| user(name, &json!({ "userName": taken }));
    for (limit, expected) in [
        (json!(1), vec!["201", "409"]),
        (json!(2), vec!["201", "409", "201", "409"]),
        (json!(0), vec!["201", "409", "201", "409", "201"]),
        (json!(null), vec!["201", "409", "201", "409", "201"]),
    ] {
        let operations = [user("1", &json!({})), bad("2"), user("3", &json!({})), bad("4"), user("5", &json!({}))];
        let reply = bulk(&json!({ "failOnErrors": limit }), &operations).expect(200);
        assert_eq!(statuses(&reply), expected, "{limit}");
        let last = operations[4]["data"]["userName"].as_str().unwrap();
        let found = tenant().find("/Users", &format!("userName eq \"{last}\"")).total();
        assert_eq!(found == 1, expected.len() == 5);
    }
    for wrong in [json!("x"), json!(-1), json!(1.5), json!([])] {
        assert_eq!(bulk(&json!({ "failOnErrors": wrong }), &[]).status, 400, "{wrong}");
    }
    let dangling = bulk(&json!({}), &[group("g", &["bulkId:nobody"])]).expect(200);
    assert_eq!(statuses(&dangling), ["400"]);
    let failed = bulk(&json!({}), &[bad("u"), group("g", &["bulkId:u"])]).expect(200);
    assert_eq!(statuses(&failed)[0], "409");
    assert_ne!(statuses(&failed)[1], "201", "what refers to a failure fails: {}", failed.text);
}
