//! Groups of thousands: batches, cheap answers, nobody lost (cases 54 to 56 of the reference's section 5).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::wire::Tenant;

/// So many members to be: users and, because they cost less to make, nested groups.
fn crowd(tenant: &Tenant, count: usize) -> Vec<String> {
    let bulk = |batch: usize| -> Vec<String> {
        let one = |number: usize| {
            let (path, name) =
                if number.is_multiple_of(10) { ("/Users", "userName") } else { ("/Groups", "displayName") };
            let body = json!({ name: format!("c{batch}-{number}") });
            json!({ "method": "POST", "path": path, "bulkId": format!("{number}"), "data": body })
        };
        let operations: Vec<Value> = (0..250).map(one).collect();
        let reply = tenant.post("/Bulk", &json!({ "Operations": operations })).expect(200);
        let results = reply.body["Operations"].as_array().unwrap();
        results.iter().map(|made| made["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
    };
    (0..count / 250).flat_map(bulk).collect()
}

#[test]
fn five_thousand_members_come_in_batches_and_an_answer_beyond_a_thousand_is_204() {
    let tenant = Tenant::new("large");
    let ids = crowd(&tenant, 5_000);
    let (group, _) = tenant.group(&[]);
    let members = |ids: &[String]| ids.iter().map(|id| json!({ "value": id })).collect::<Vec<_>>();
    for (number, batch) in ids.chunks(500).enumerate() {
        let before = number * 500;
        let reply = tenant.patch(&group, &json!([{ "op": "add", "path": "members", "value": members(batch) }]));
        if before + 500 > 1_000 {
            let reply = reply.expect(204);
            assert!(reply.text.is_empty() && reply.header("etag").is_some() && reply.header("content-type").is_none());
        } else {
            assert_eq!(reply.expect(200).values("members").len(), before + 500);
        }
    }
    let read = tenant.get(&group).expect(200);
    let held: BTreeSet<String> = read.values("members").into_iter().collect();
    assert!(read.values("members").len() == 5_000 && held == ids.iter().cloned().collect());
    let patch = |query: &str, operations: Value| {
        tenant.send("PATCH", &format!("{group}?{query}"), &json!({ "Operations": operations }))
    };
    let swap = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[0]) }, { "op": "add", "path": "members", "value": [{ "value": ids[0] }] }]);
    assert_eq!(patch("attributes=members", swap.clone()).expect(200).values("members").len(), 5_000);
    assert!(patch("attributes=displayName", swap.clone()).expect(200).body.get("members").is_none());
    assert!(patch("excludedAttributes=members", swap).expect(200).body.get("members").is_none());
    let thousand: Vec<Value> = ids[..1_000]
        .iter()
        .map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }))
        .collect();
    tenant.patch(&group, &json!(thousand)).expect(204);
    assert_eq!(tenant.get(&group).values("members").len(), 4_000);
    tenant.patch(&group, &json!([{ "op": "replace", "path": "members", "value": members(&ids[..1_000]) }])).expect(200);
    let held: BTreeSet<String> = tenant.get(&group).values("members").into_iter().collect();
    assert!(held == ids[..1_000].iter().cloned().collect());
    let one = tenant.get(&format!("/Users/{}", ids[0])).expect(200);
    assert_eq!(one.values("groups").len(), 1);
    assert_eq!(
        tenant.patch(&group, &json!([{ "op": "remove", "path": "members" }])).expect(200).body.get("members"),
        None
    );
}
