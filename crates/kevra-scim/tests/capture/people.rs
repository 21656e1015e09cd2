//! Who is who, in the three places that have to agree.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::Value;

use crate::stage::{Stage, members};

/// What counts of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    user_name: String,
    email: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    active: bool,
    external_id: Option<String>,
}

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
    Person {
        user_name: text(&user["userName"]).unwrap_or_default().to_lowercase(),
        email: text(&user["emails"][0]["value"]),
        given_name: text(&user["name"]["givenName"]),
        family_name: text(&user["name"]["familyName"]),
        active: user["active"] == true,
        external_id: text(&user["externalId"]),
    }
}

/// Everybody of the realm, as they are to stand downstream, and of these and of the groups what SCIM manages.
pub fn in_realm(stage: &Stage) -> (BTreeMap<String, Person>, People) {
    let ask = |path: &str| stage.realm.admin(Method::GET, path, None);
    let person = |user: &Value| {
        let person = Person {
            user_name: text(&user["username"]).unwrap_or_default(),
            email: text(&user["email"]),
            given_name: text(&user["firstName"]),
            family_name: text(&user["lastName"]),
            active: user["enabled"] == true,
            external_id: text(&user["attributes"]["scimExternalId"][0]),
        };
        (id(user), person)
    };
    // There the realm's id is what we call them by, whatever the identity provider does (P1).
    let pushed = |user: &Value| (id(user), Person { external_id: text(&user["id"]), ..person(user).1 });
    let everybody: BTreeMap<_, _> = array(&ask("/users?max=100000")).map(pushed).collect();
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

/// The downstream's records of whom and what the realm has, by externalId; records of the deleted stay there (the stated limit),
/// though in no group. A second one of somebody gets a name of its own, so that it is met as one too many.
pub fn downstream(stage: &Stage, everybody: &BTreeMap<String, Person>, managed: &People) -> People {
    let users: Vec<Value> = stage.downstream.app().users().into_iter().map(Value::Object).collect();
    let external = |record: &Value| text(&record["externalId"]).unwrap_or_default();
    let whose: BTreeMap<String, String> = users.iter().map(|record| (id(record), external(record))).collect();
    let mut there = People::default();
    for record in users.iter().filter(|record| everybody.contains_key(&external(record))) {
        put(&mut there.users, external(record), of_scim(record));
    }
    let groups = stage.downstream.app().groups().into_iter().map(Value::Object);
    for record in groups.filter(|record| managed.groups.contains_key(&external(record))) {
        let who = |member: &str| whose.get(member).cloned().unwrap_or_else(|| format!("nobody: {member}"));
        let members = members(&record).into_iter().map(who).collect();
        put(&mut there.groups, external(&record), (text(&record["displayName"]).unwrap_or_default(), members));
    }
    there
}

fn put<T>(records: &mut BTreeMap<String, T>, mut id: String, record: T) {
    while records.contains_key(&id) {
        id.push_str(" again");
    }
    records.insert(id, record);
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
