//! Bulk: order, references, circles, accounting, the answer.

use std::collections::HashMap;

use scim::bulk::{self, Method, Outcome, Plan, Step};
use scim::{Error, ScimType};
use serde_json::{Value, json};

use crate::support::*;

fn plan(operations: Value) -> Plan {
    bulk::parse(&json!({ "Operations": operations })).unwrap()
}

/// Runs a plan: POSTs get ids by their order; those whose displayName is "bad" fail.
fn run(plan: &mut Plan) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut made = 0;
    while let Some(step) = plan.next_step() {
        let bad = step.data.as_ref().is_some_and(|body| body["displayName"] == "bad");
        plan.done(match step.method {
            _ if bad => Outcome::Failed(Error::taken("displayName")),
            Method::Post => {
                made += 1;
                Outcome::Done { status: 201, id: Some(format!("id-{made}")), version: Some("W/\"1\"".to_owned()) }
            }
            Method::Delete => Outcome::Done { status: 204, id: None, version: None },
            Method::Put | Method::Patch => Outcome::Done { status: 200, id: None, version: Some("W/\"2\"".to_owned()) },
        });
        steps.push(step);
    }
    steps
}

fn post(bulk_id: &str, body: Value) -> Value {
    let path = if body.get("userName").is_some() { "/Users" } else { "/Groups" };
    json!({ "method": "POST", "path": path, "bulkId": bulk_id, "data": body })
}

#[test]
fn operations_run_in_their_order_and_are_answered_in_it() {
    let mut plan = plan(json!([
        post("a", json!({ "userName": "ada" })),
        { "method": "put", "path": "/Users/u1", "version": "W/\"1\"", "data": { "userName": "x" } },
        { "METHOD": "PATCH", "path": "/Users/u1", "data": { "Operations": [] } },
        { "method": "DELETE", "path": "Users/u2", "bulkId": "gone" }
    ]));
    let steps = run(&mut plan);
    let done: Vec<_> = steps.iter().map(|step| (step.operation, step.method, step.id.as_deref())).collect();
    assert_eq!(
        done,
        [
            (0, Method::Post, None),
            (1, Method::Put, Some("u1")),
            (2, Method::Patch, Some("u1")),
            (3, Method::Delete, Some("u2"))
        ]
    );
    assert_eq!(steps[1].version.as_deref(), Some("W/\"1\""));
    let answer = plan.response(BASE);
    assert_eq!(answer["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
    assert_eq!(
        answer["Operations"][0],
        json!({
            "location": format!("{BASE}/Users/id-1"), "method": "POST", "bulkId": "a", "version": "W/\"1\"", "status": "201"
        })
    );
    assert_eq!(answer["Operations"][3]["status"], "204");
    assert_eq!(answer["Operations"][3]["bulkId"], "gone");
    assert_eq!(answer["Operations"][3]["location"], format!("{BASE}/Users/u2"));
}

#[test]
fn references_become_ids_forward_ones_too() {
    let mut plan = plan(json!([
        post("g", json!({ "displayName": "Team", "members": [{ "value": "bulkId:u" }, { "value": "other" }] })),
        { "method": "PATCH", "path": "/Groups/bulkId:g", "data": { "Operations": [
            { "op": "remove", "path": "members[value eq \"bulkId:u\"]" }
        ] } },
        post("u", json!({ "userName": "ada", "nickName": "bulkIdea" }))
    ]));
    let steps = run(&mut plan);
    assert_eq!(steps.iter().map(|step| step.operation).collect::<Vec<_>>(), [2, 0, 1]);
    assert_eq!(steps[1].data.as_ref().unwrap()["members"], json!([{ "value": "id-1" }, { "value": "other" }]));
    assert_eq!(steps[2].id.as_deref(), Some("id-2"));
    assert_eq!(steps[2].data.as_ref().unwrap()["Operations"][0]["path"], "members[value eq \"id-1\"]");
    assert_eq!(steps[0].data.as_ref().unwrap()["nickName"], "bulkIdea");
}

#[test]
fn operations_on_one_resource_keep_their_order() {
    let mut plan = plan(json!([
        { "method": "PUT", "path": "/Groups/g", "data": { "displayName": "x", "members": ["bulkId:u"] } },
        { "method": "DELETE", "path": "/Groups/g" },
        { "method": "DELETE", "path": "/Groups/h" },
        post("u", json!({ "userName": "ada" }))
    ]));
    assert_eq!(run(&mut plan).iter().map(|step| step.operation).collect::<Vec<_>>(), [2, 3, 0, 1]);
}

#[test]
fn a_circle_is_created_first_and_completed_afterwards() {
    let manager = |name: &str| json!({ "department": "d", "manager": { "value": format!("bulkId:{name}") } });
    let mut plan = plan(json!([
        post("a", json!({ "userName": "ada", ENTERPRISE: manager("b") })),
        post("b", json!({ "userName": "bob", ENTERPRISE: manager("a") })),
        post("self", json!({ "userName": "cyd", ENTERPRISE: manager("self") }))
    ]));
    let steps = run(&mut plan);
    let order: Vec<_> = steps.iter().map(|step| (step.operation, step.method)).collect();
    assert_eq!(
        order,
        [(0, Method::Post), (1, Method::Post), (0, Method::Patch), (2, Method::Post), (2, Method::Patch)]
    );
    assert_eq!(steps[0].data.as_ref().unwrap()[ENTERPRISE], json!({ "department": "d" }));
    assert_eq!(steps[1].data.as_ref().unwrap()[ENTERPRISE]["manager"]["value"], "id-1");
    assert_eq!(steps[2].id.as_deref(), Some("id-1"));
    let path = format!("{ENTERPRISE}:manager");
    let operation = json!({ "op": "add", "path": path, "value": { "value": "id-2" } });
    assert_eq!(steps[2].data.as_ref().unwrap()["Operations"], json!([operation]));
    let answer = plan.response(BASE);
    let first = &answer["Operations"][0];
    assert_eq!((&first["status"], &first["version"]), (&json!("201"), &json!("W/\"2\"")));
    assert_eq!(answer["Operations"].as_array().unwrap().len(), 3);
}

#[test]
fn a_circle_of_lists_postpones_only_what_is_not_known() {
    let mut plan = plan(json!([
        post("u", json!({ "userName": "ada" })),
        post("a", json!({ "displayName": "A", "members": ["bulkId:u", "bulkId:b", "x"] })),
        post("b", json!({ "displayName": "B", "members": ["bulkId:a"] }))
    ]));
    let steps = run(&mut plan);
    assert_eq!(steps[1].data.as_ref().unwrap()["members"], json!(["id-1", "x"]));
    assert_eq!(steps[2].data.as_ref().unwrap()["members"], json!(["id-2"]));
    let patch = &steps[3].data.as_ref().unwrap()["Operations"][0];
    assert_eq!(*patch, json!({ "op": "add", "path": "members", "value": ["id-3"] }));
}

#[test]
fn what_refers_to_a_failure_fails_and_the_rest_goes_on() {
    let mut plan = plan(json!([
        post("g", json!({ "displayName": "bad" })),
        { "method": "PATCH", "path": "/Groups/bulkId:g", "data": {} },
        { "method": "DELETE", "path": "/Users/u" },
        { "method": "DELETE", "path": "/Users/bulkId:nobody" }
    ]));
    assert_eq!(run(&mut plan).iter().map(|step| step.operation).collect::<Vec<_>>(), [0, 2]);
    let answer = plan.response(BASE);
    let statuses: Vec<_> = answer["Operations"].as_array().unwrap().iter().map(|one| one["status"].as_str()).collect();
    assert_eq!(statuses, [Some("409"), Some("409"), Some("204"), Some("400")]);
    let failed = &answer["Operations"][0];
    assert!(failed.get("location").is_none());
    assert_eq!((&failed["response"]["status"], &failed["response"]["scimType"]), (&json!("409"), &json!("uniqueness")));
}

#[test]
fn a_circle_with_a_failure_in_it_is_answered_whole() {
    let mut plan = plan(json!([
        post("a", json!({ "displayName": "A", "members": ["bulkId:b"] })),
        post("b", json!({ "displayName": "bad", "members": ["bulkId:a"] }))
    ]));
    run(&mut plan);
    let answer = plan.response(BASE);
    assert_eq!(answer["Operations"][0]["status"], "409");
    assert_eq!(answer["Operations"][0]["location"], format!("{BASE}/Groups/id-1"));
    assert_eq!(answer["Operations"][1]["status"], "409");
}

#[test]
fn fail_on_errors_ends_the_request() {
    let operations = json!([
        { "method": "DELETE", "path": "/Users/u" },
        post("a", json!({ "displayName": "bad" })),
        { "method": "PUT", "path": "/Users/u" },
        { "method": "DELETE", "path": "/Users/v" }
    ]);
    for (limit, listed) in [(json!(1), 2), (json!(2), 3), (json!(3), 4), (json!(0), 4), (Value::Null, 4)] {
        let mut plan = bulk::parse(&json!({ "failOnErrors": limit, "Operations": operations })).unwrap();
        run(&mut plan);
        assert_eq!(plan.response(BASE)["Operations"].as_array().unwrap().len(), listed, "{limit}");
    }
    let wrong = bulk::parse(&json!({ "failOnErrors": "x", "Operations": [] }));
    assert_eq!(refusal(wrong), (400, Some(ScimType::InvalidValue)));
}

#[test]
fn a_wrong_operation_fails_alone() {
    let mut plan = plan(json!([
        { "method": "POST", "path": "/Users", "data": {} },
        { "method": "GET", "path": "/Users/x" },
        { "method": "DELETE", "path": "/Users" },
        { "method": "POST", "path": "/Users/x", "bulkId": "p", "data": {} },
        { "method": "PUT", "path": "/Users/x", "data": [] },
        { "method": "DELETE", "path": "/a/b/c" },
        { "method": "DELETE" },
        { "method": "DELETE", "path": "/Users/x" }
    ]));
    assert_eq!(run(&mut plan).len(), 1);
    let answer = plan.response(BASE);
    let statuses: Vec<_> = answer["Operations"].as_array().unwrap().iter().map(|one| one["status"].as_str()).collect();
    assert_eq!(statuses[..7], [Some("400"); 7]);
    assert_eq!(statuses[7], Some("204"));
}

#[test]
fn a_body_that_is_no_list_of_operations_fails() {
    assert_eq!(refusal(bulk::parse(&json!({}))), (400, Some(ScimType::InvalidSyntax)));
    assert_eq!(refusal(bulk::parse(&json!({ "Operations": [1] }))), (400, Some(ScimType::InvalidSyntax)));
    let twice = json!({ "Operations": [post("a", json!({})), post("a", json!({}))] });
    assert_eq!(refusal(bulk::parse(&twice)), (400, Some(ScimType::InvalidValue)));
    let many = json!({ "Operations": vec![json!({}); 1_001] });
    let error = bulk::parse(&many).unwrap_err();
    assert_eq!((error.status, error.scim_type), (413, None));
    assert!(error.detail.contains("1000"));
}

#[test]
fn a_ring_of_a_thousand_ends() {
    let name = |place: usize| format!("g{}", place % 1_000);
    let ring: Vec<Value> = (0..1_000)
        .map(|place| {
            post(&name(place), json!({ "displayName": "x", "members": [format!("bulkId:{}", name(place + 1))] }))
        })
        .collect();
    let mut plan = plan(json!(ring));
    let steps = run(&mut plan);
    assert_eq!(steps.len(), 1_001);
    let ids: HashMap<usize, usize> = steps.iter().enumerate().map(|(at, step)| (step.operation, at)).collect();
    assert_eq!(ids.len(), 1_000);
}
