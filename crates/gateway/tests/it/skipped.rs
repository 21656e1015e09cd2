//! Members nobody knows are told of by id, in the audit too.

use std::time::Duration;

use registry::audit;
use serde_json::{Value, json};
use testkit::eventually;
use uuid::Uuid;

use crate::served::{Served, served};

/// The facts of the audit entries about skipped members, newest first, once there are so many: they are written behind the
/// request.
fn told(served: &Served, count: usize) -> Vec<Value> {
    let entries = || {
        let newest = served.wait(audit::newest(&served.db, served.tenant, 20)).unwrap();
        let mine = newest.into_iter().filter(|entry| entry.action == "members.skip" && entry.actor == "scim");
        mine.map(|entry| serde_json::from_str(&entry.detail).unwrap()).collect::<Vec<Value>>()
    };
    eventually(Duration::from_secs(10), || Some(entries()).filter(|entries| entries.len() == count)).unwrap()
}

#[test]
fn case_57_unknown_members_are_in_the_audit_by_id_and_no_more_than_a_few() {
    served(|served| {
        let (stranger, other) = (Uuid::new_v4(), Uuid::new_v4());
        let members = json!([{ "value": stranger }, { "value": "ada@acme.test" }]);
        let (_, made) = served.send("POST", "/Groups", Some(&json!({ "displayName": "g", "members": members })));
        let id = made["id"].as_str().unwrap();
        assert_eq!(told(served, 1), [json!({ "group": id, "count": 2, "members": [stranger] })], "no name is told");
        let mut many: Vec<Value> = (0..100).map(|_| json!({ "value": Uuid::new_v4() })).collect();
        many.insert(0, json!({ "value": other }));
        let patch = json!({ "Operations": [{ "op": "add", "path": "members", "value": many }] });
        assert_eq!(served.send("PATCH", &format!("/Groups/{id}"), Some(&patch)).0, 200);
        let newest = &told(served, 2)[0];
        assert_eq!(
            (&newest["group"], &newest["count"], &newest["members"][0]),
            (&json!(id), &json!(101), &json!(other))
        );
        assert_eq!(newest["members"].as_array().unwrap().len(), 20);
    });
}
