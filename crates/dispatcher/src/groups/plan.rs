//! What is sent of a group next, and how it is said. Pure.

use std::collections::BTreeSet;

use directory::pushed_member::Member;
use scim::Object;
use serde_json::{Value, json};
use uuid::Uuid;

/// Members one operation, and one request, is about at most.
pub const MEMBERS: u32 = 100;

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// The next request.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// In step.
    Nothing,
    /// Some of these have not been shown to be ours since the target was enabled: asked for one by one (K22).
    Verify(Vec<Member>),
    /// Members leave.
    Remove(Vec<Member>),
    /// It is called otherwise, or was linked by a person and does not say whose it is.
    Name,
    /// Members join.
    Add(Vec<Member>),
    /// The whole group, for a target without PATCH.
    Put,
}

/// What is known of a group.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The name, or whose it is, differs from what stands there.
    pub name_differs: bool,
    /// Who should stand there and is not known to; no more than fit one request.
    pub missing: &'a [Member],
    /// Who may stand there and should not; likewise.
    pub surplus: &'a [Member],
    /// The target's generation.
    pub generation: i64,
    /// The target takes PATCH.
    pub supports_patch: bool,
}

/// One request at a time, each remembered when it is confirmed. Who leaves comes first: that ends somebody's access.
pub fn next(known: &Known<'_>) -> Step {
    let is_verified = |member: &&Member| member.verified_generation == known.generation;
    let verified: Vec<Member> = known.missing.iter().filter(is_verified).cloned().collect();
    if known.supports_patch && !known.surplus.is_empty() {
        Step::Remove(known.surplus.to_vec())
    } else if known.supports_patch && known.name_differs {
        Step::Name
    } else if verified.len() < known.missing.len() {
        Step::Verify(known.missing.iter().filter(|member| !is_verified(member)).cloned().collect())
    } else if !known.supports_patch && (known.name_differs || !known.missing.is_empty() || !known.surplus.is_empty()) {
        Step::Put
    } else if verified.is_empty() {
        Step::Nothing
    } else {
        Step::Add(verified)
    }
}

/// A removal names each member by a filter, which every server understands; a list of values wipes the group on some.
pub fn removal(members: &[Member]) -> Vec<Value> {
    let path = |member: &Member| format!("members[value eq {}]", json!(member.downstream_id));
    members.iter().map(|member| json!({ "op": "remove", "path": path(member) })).collect()
}

/// A server says that a removal names nobody who stands there (RFC 7644, section 3.12).
pub fn says_no_target(answer: Option<&Value>) -> bool {
    answer.and_then(|answer| answer.get("scimType")).and_then(Value::as_str) == Some("noTarget")
}

/// An addition is one operation.
pub fn addition(members: &[Member]) -> Vec<Value> {
    vec![json!({ "op": "add", "path": "members", "value": values(members.iter().map(|member| &member.downstream_id)) })]
}

/// The name, and whose group it is.
pub fn naming(id: Uuid, name: &str) -> Vec<Value> {
    vec![
        json!({ "op": "replace", "path": "displayName", "value": name }),
        json!({ "op": "replace", "path": "externalId", "value": id }),
    ]
}

/// The group as it is made: without members, whom some servers refuse in a POST.
pub fn resource(id: Uuid, name: &str) -> Object {
    let mut object = Object::new();
    object.insert("schemas".to_owned(), json!([GROUP]));
    object.insert("displayName".to_owned(), json!(name));
    object.insert("externalId".to_owned(), json!(id));
    object
}

/// The whole group. Whoever stands in it and is nobody of ours stays.
pub fn whole(id: Uuid, name: &str, records: &BTreeSet<String>) -> Object {
    let mut object = resource(id, name);
    object.insert("members".to_owned(), values(records.iter()));
    object
}

fn values<'a>(ids: impl Iterator<Item = &'a String>) -> Value {
    ids.map(|id| json!({ "value": id })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, verified_generation: i64) -> Member {
        Member { user_id: Uuid::nil(), downstream_id: name.to_owned(), verified_generation }
    }

    #[test]
    fn who_leaves_comes_first_and_nobody_joins_whose_record_may_be_a_strangers() {
        let (ada, old, gone) = (member("ada", 7), member("old", 6), member("gone", 0));
        let (joins, unverified, leaves) = ([ada.clone()], [ada.clone(), old.clone()], [gone.clone()]);
        for (supports_patch, name_differs, missing, surplus, wanted) in [
            (true, false, &[] as &[Member], &[] as &[Member], Step::Nothing),
            (true, true, &joins, &leaves, Step::Remove(vec![gone.clone()])),
            (true, true, &joins, &[], Step::Name),
            (true, false, &joins, &[], Step::Add(vec![ada.clone()])),
            (true, false, &unverified, &[], Step::Verify(vec![old.clone()])),
            (true, false, &unverified, &leaves, Step::Remove(vec![gone])),
            (false, false, &[], &[], Step::Nothing),
            (false, true, &[], &[], Step::Put),
            (false, false, &joins, &[], Step::Put),
            (false, false, &[], &leaves, Step::Put),
            (false, true, &unverified, &leaves, Step::Verify(vec![old])),
        ] {
            let known = Known { name_differs, missing, surplus, generation: 7, supports_patch };
            assert_eq!(next(&known), wanted, "{known:?}");
        }
    }

    #[test]
    fn each_change_is_said_in_the_words_every_server_understands() {
        let (ada, bob) = (member("1", 7), member("a\"b", 7));
        assert_eq!(
            Value::from(addition(&[ada.clone(), bob.clone()])),
            json!([{ "op": "add", "path": "members", "value": [{ "value": "1" }, { "value": "a\"b" }] }])
        );
        assert_eq!(
            Value::from(removal(&[ada, bob])),
            json!([{ "op": "remove", "path": "members[value eq \"1\"]" },
                   { "op": "remove", "path": "members[value eq \"a\\\"b\"]" }])
        );
        let whole = whole(Uuid::nil(), "Crew", &BTreeSet::from(["1".to_owned()]));
        assert_eq!(
            Value::Object(whole),
            json!({ "schemas": [GROUP], "displayName": "Crew", "externalId": Uuid::nil(), "members": [{ "value": "1" }] })
        );
    }
}
