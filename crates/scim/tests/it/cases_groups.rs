//! Groups and scale: cases 54 to 58, as far as they are decided here. A change costs what it changes.

use scim::members::{self, Member};
use scim::patch::{self, Options};
use scim::schema::GROUP;
use serde_json::json;

use crate::support::*;

#[test]
fn case_54_55_56_a_change_of_members_is_a_delta_without_the_members() {
    let body = json!({ "Operations": [
        { "op": "add", "path": "members", "value": [{ "value": "x" }] },
        { "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": "y" }] },
        { "op": "replace", "value": { "displayName": "New" } }
    ] });
    let (rest, membership) = members::divide(&GROUP, patch::parse(&body).unwrap(), Options::default()).unwrap();
    let delta = membership.delta().unwrap();
    assert!(!delta.clear);
    assert_eq!(delta.add, [Member::new("x")]);
    assert_eq!(delta.remove.iter().collect::<Vec<_>>(), ["y"]);
    let document = group(json!({ "displayName": "Old" }));
    let applied = patch::apply(&GROUP, &document, &rest, Options::default()).unwrap();
    assert_eq!(applied.changed.into_iter().collect::<Vec<_>>(), ["displayName"]);
    assert!(!applied.document.contains_key("members"));
}

#[test]
fn case_58_a_group_may_be_a_member() {
    let nested = group(json!({ "displayName": "Outer", "members": [{ "value": "g", "type": "group" }] }));
    assert_eq!(nested["members"][0]["type"], "Group");
    let shown = members::render(&members::split(&mut nested.clone()).unwrap(), BASE);
    assert_eq!(shown[0]["$ref"], format!("{BASE}/Groups/g"));
}
