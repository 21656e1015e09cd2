//! Who is who, in the three places that have to agree.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::Value;

use crate::stage::{Stage, members};

/// What counts of a user: userName, e-mail, given and family name, whether active.
pub type Person = (String, Option<String>, Option<String>, Option<String>, bool);
/// What counts of a group: its name and its members.
pub type Group = (String, BTreeSet<String>);

/// Users and groups by the realm's ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    pub users: BTreeMap<String, Person>,
    pub groups: BTreeMap<String, Group>,
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn id(value: &Value) -> String {
    text(&value["id"]).unwrap_or_default()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn of_scim(user: &Value) -> Person {
    let (name, email) = (&user["name"], text(&user["emails"][0]["value"]));
    let user_name = text(&user["userName"]).unwrap_or_default().to_lowercase();
    (user_name, email, text(&name["givenName"]), text(&name["familyName"]), user["active"] == true)
}

/// Everybody of the realm, and of these and of the groups what SCIM manages.
pub fn in_realm(stage: &Stage) -> (BTreeMap<String, Person>, People) {
    let ask = |path: &str| stage.realm.admin(Method::GET, path, None);
    let person = |user: &Value| {
        let field = |name: &str| text(&user[name]);
        let user_name = field("username").unwrap_or_default();
        (id(user), (user_name, field("email"), field("firstName"), field("lastName"), user["enabled"] == true))
    };
    let everybody: BTreeMap<_, _> = array(&ask("/users?max=100000")).map(person).collect();
    let users: BTreeMap<_, _> = array(&ask("/roles/scim-managed/users?max=100000")).map(person).collect();
    let group = |group: &Value| {
        let listed = ask(&format!("/groups/{}/members?max=100000", id(group)));
        let there = array(&listed).map(id).filter(|id| users.contains_key(id)).collect();
        (id(group), (text(&group["name"]).unwrap_or_default(), there))
    };
    let groups = array(&ask("/groups?max=100000")).map(group).collect();
    (everybody, People { users, groups })
}

/// Everybody and every group, read through SCIM.
pub fn in_directory(stage: &Stage) -> People {
    let list = |path: &str| stage.scim(Method::GET, &format!("{path}?count=1000"), None).1["Resources"].clone();
    let users = array(&list("/Users")).map(|user| (id(user), of_scim(user))).collect();
    let group = |group: &Value| {
        let there = members(group).into_iter().map(str::to_owned).collect();
        (id(group), (text(&group["displayName"]).unwrap_or_default(), there))
    };
    People { users, groups: array(&list("/Groups")).map(group).collect() }
}

/// The downstream's records of those who are in the realm; records of the deleted stay there (the stated limit).
pub fn downstream(stage: &Stage, of: &BTreeMap<String, Person>) -> BTreeMap<String, Person> {
    let records = stage.downstream.app().users().into_iter().map(Value::Object);
    let record = |record: Value| (text(&record["externalId"]).unwrap_or_default(), of_scim(&record));
    records.map(record).filter(|(id, _)| of.contains_key(id)).collect()
}

/// What of two maps differs, for a failure's text.
pub fn difference<T: PartialEq + std::fmt::Debug>(
    left: &BTreeMap<String, T>,
    right: &BTreeMap<String, T>,
) -> Vec<String> {
    let ids: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let differs = ids.into_iter().filter(|id| left.get(*id) != right.get(*id));
    differs.map(|id| format!("{id}: {:?} / {:?}", left.get(id), right.get(id))).collect()
}
