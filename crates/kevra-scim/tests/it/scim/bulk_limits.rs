//! `/Bulk` at its limits, and a token that dies half-way.

use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::unique;

use super::wire::{Reply, Tenant, at_once};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("bulk-limits"))
}

fn users(count: usize, prefix: &str) -> Value {
    let one = |number| json!({ "method": "POST", "path": "/Users", "bulkId": format!("{number}"), "data": { "userName": format!("{prefix}-{number}") } });
    json!({ "Operations": (0..count).map(one).collect::<Vec<_>>() })
}

#[test]
fn a_thousand_operations_and_no_more() {
    let prefix = unique("many");
    let reply = tenant().post("/Bulk", &users(1_001, &prefix)).refused(413, None);
    assert!(reply.text.contains("1000"), "{}", reply.text);
    assert_eq!(tenant().find("/Users", &format!("userName sw \"{prefix}\"")).total(), 0);
    let deletes: Vec<Value> =
        (0..1_000).map(|number| json!({ "method": "DELETE", "path": format!("/Users/{number}") })).collect();
    let reply = tenant().post("/Bulk", &json!({ "Operations": deletes })).expect(200);
    assert_eq!(reply.body["Operations"].as_array().unwrap().len(), 1_000);
    assert!(reply.body["Operations"].as_array().unwrap().iter().all(|result| result["status"] == "404"));
}

#[test]
fn a_mebibyte_and_no_more() {
    let big = json!({ "Operations": [{ "method": "POST", "path": "/Users", "bulkId": "x", "data": { "userName": unique("u"), "title": "x".repeat(1 << 20) } }] });
    let reply = tenant().post("/Bulk", &big).refused(413, None);
    assert!(reply.text.contains("1048576"), "{}", reply.text);
}

#[test]
fn a_body_that_is_no_list_of_operations_is_400() {
    for body in [
        json!({}),
        json!({ "Operations": {} }),
        json!({ "Operations": [5] }),
        json!({ "Operations": null }),
        json!({ "Operations": [{ "method": "POST", "path": "/Users", "bulkId": "x", "data": {} }, { "method": "POST", "path": "/Users", "bulkId": "x", "data": {} }] }),
    ] {
        assert_eq!(tenant().post("/Bulk", &body).status, 400, "{body}");
    }
    assert_eq!(tenant().post("/Bulk", &json!({ "operations": [] })).expect(200).body["Operations"], json!([]));
}

#[test]
fn a_token_rotated_in_the_middle_ends_the_writing() {
    let tenant = Tenant::new("bulk-rotated");
    let prefix = unique("rotated");
    let list = |token: &str| Reply::of(tenant.bare("GET", "/Users?count=0").bearer_auth(token).send().unwrap());
    let replies = at_once(2, |role| {
        if role == 0 {
            return (tenant.post("/Bulk", &users(1_000, &prefix)), String::new());
        }
        testkit::eventually(std::time::Duration::from_secs(30), || (list(&tenant.token).total() >= 5).then_some(()))
            .unwrap();
        let fresh = tenant.rotate();
        // From here on nothing more is written.
        let held = list(&fresh).total();
        (list(&fresh), format!("{held}\n{fresh}"))
    });
    let (held, fresh) = replies[1].1.split_once('\n').unwrap();
    let results = replies[0].0.body["Operations"].as_array().unwrap();
    let done = results.iter().filter(|result| result["status"] == "201").count();
    assert!(
        results.iter().all(|result| result["status"] == "201" || result["status"] == "401"),
        "{}",
        replies[0].0.text
    );
    // One create may have passed its claim just before.
    let (held, done) = (held.parse::<usize>().unwrap(), done);
    assert!(done < 1_000 && done <= held + 1, "{held} at the rotation, {done} in the end");
    assert_eq!(list(fresh).total(), done as u64);
}
