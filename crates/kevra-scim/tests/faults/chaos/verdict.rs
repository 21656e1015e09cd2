//! What must be so at the end, whatever happened; and proof that this notices where it is not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testkit::network::Change;

use super::crews::Crew;
use super::workload::{Left, Person, family};

/// One downstream at the end.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub tenant: String,
    pub records: Vec<Value>,
    pub groups: Vec<Value>,
    pub changes: Vec<Change>,
}

/// Everything that is wrong: changes that are lost, people and groups that are there twice or of whom nobody knows, members
/// who are missing or too many, counters that went back. A late write, which its sender had given up, may stand over newer
/// ones for a while; whatever follows it may not be older than what was there before it.
pub(super) fn judge(seen: &[Seen], left: &Left) -> Vec<String> {
    let wrong = |seen| [misplaced(seen, &left.people), misgrouped(seen, &left.crews), turned_back(seen)];
    seen.iter().flat_map(wrong).flatten().collect()
}

fn misplaced(seen: &Seen, people: &[Person]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut records = by_owner(&seen.records);
    for person in people.iter().filter(|person| person.tenant == seen.tenant) {
        match records.remove(person.id.as_str()).unwrap_or_default().as_slice() {
            [] => wrong.push(format!("{person:?} is missing")),
            [record] if is_up_to_date(record, person) => {}
            [record] => wrong.push(format!("{person:?} is out of date: {record}")),
            several => wrong.push(format!("{person:?} is there {} times", several.len())),
        }
    }
    wrong.extend(records.into_keys().map(|owner| format!("{}: nobody knows {owner:?}", seen.tenant)));
    wrong
}

fn misgrouped(seen: &Seen, crews: &[Crew]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut groups = by_owner(&seen.groups);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let whose: BTreeMap<String, String> =
        seen.records.iter().map(|record| (text(&record["id"]), text(&record["externalId"]))).collect();
    // A member whose record nobody has counts as somebody nobody knows.
    let members = |group: &Value| -> Vec<String> {
        let standing = group["members"].as_array().into_iter().flatten();
        standing.map(|member| whose.get(&text(&member["value"])).cloned().unwrap_or_default()).collect()
    };
    for crew in crews.iter().filter(|crew| crew.tenant == seen.tenant) {
        match groups.remove(crew.id.as_str()).unwrap_or_default().as_slice() {
            [] if crew.deleted => {}
            [] => wrong.push(format!("{crew:?} is missing")),
            // The record of a deleted group stays, and holds nobody.
            [group] if crew.deleted && members(group).is_empty() => {}
            [group] if !crew.deleted && group["displayName"] == crew.name() => {
                let standing = members(group);
                if standing.len() != crew.members.len() || BTreeSet::from_iter(standing.clone()) != crew.members {
                    wrong.push(format!("{crew:?} holds {standing:?}"));
                }
            }
            [group] => wrong.push(format!("{crew:?} is out of date: {group}")),
            several => wrong.push(format!("{crew:?} is there {} times", several.len())),
        }
    }
    wrong.extend(groups.into_keys().map(|owner| format!("{}: nobody knows the group {owner:?}", seen.tenant)));
    wrong
}

fn by_owner(records: &[Value]) -> BTreeMap<&str, Vec<&Value>> {
    let mut owned: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for record in records {
        owned.entry(record["externalId"].as_str().unwrap_or_default()).or_default().push(record);
    }
    owned
}

fn is_up_to_date(record: &Value, person: &Person) -> bool {
    // The provider makes everybody with this family name.
    let wanted = if person.counter == 0 { "F0".to_owned() } else { family(person.counter) };
    record["userName"] == person.name.as_str()
        && record["active"] == person.active
        && record["name"]["familyName"] == wanted.as_str()
}

fn turned_back(seen: &Seen) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
    for change in &seen.changes {
        let owner = change.record["externalId"].as_str().unwrap_or_default();
        let Some(counter) = counted(&change.record) else { continue };
        let highest = newest.entry(owner).or_default();
        if counter < *highest && !change.late {
            wrong.push(format!("{}: {owner} went back from {highest} to {counter}", seen.tenant));
        }
        *highest = counter.max(*highest);
    }
    wrong
}

/// The counter in the family name of a person, or in the name of a group.
fn counted(record: &Value) -> Option<u64> {
    let name = match record["displayName"].as_str().filter(|_| record["userName"].is_null()) {
        Some(name) => name.rsplit(' ').next()?,
        None => record["name"]["familyName"].as_str()?,
    };
    if name == "F0" { Some(0) } else { name.strip_prefix('v')?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(id: &str, counter: u64, active: bool) -> Value {
        json!({ "id": format!("downstream-{counter}"), "externalId": id, "userName": format!("{id}@acme.test"),
            "active": active, "name": { "familyName": family(counter) } })
    }

    fn group(members: &[&str]) -> Value {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        json!({ "id": "7", "externalId": "crew", "displayName": "crew-0 v000002", "members": members })
    }

    fn right() -> (Seen, Left) {
        let person = |id: &str, counter| Person {
            tenant: "acme".to_owned(),
            id: id.to_owned(),
            name: format!("{id}@acme.test"),
            counter,
            active: true,
        };
        let crew = |id: &str, deleted| Crew {
            tenant: "acme".to_owned(),
            id: id.to_owned(),
            number: 0,
            counter: 2,
            members: BTreeSet::from(["ada".to_owned(), "bob".to_owned()]),
            deleted,
        };
        let change = |counter, late| Change { record: record("ada", counter, true), late };
        let changes = vec![change(1, false), change(3, false), change(2, true), change(3, false)];
        let records = vec![record("ada", 3, true), record("bob", 1, true)];
        let gone = json!({ "id": "8", "externalId": "gone", "displayName": "crew-0 v000001", "members": [] });
        let groups = vec![group(&["downstream-3", "downstream-1"]), gone];
        let seen = Seen { tenant: "acme".to_owned(), records, groups, changes };
        let crews = vec![crew("crew", false), crew("gone", true), crew("never there", true)];
        (seen, Left { people: vec![person("ada", 3), person("bob", 1)], crews })
    }

    fn verdict(spoil: impl FnOnce(&mut Seen)) -> String {
        let (mut seen, left) = right();
        spoil(&mut seen);
        judge(&[seen], &left).join("; ")
    }

    #[test]
    fn a_right_end_is_right_and_every_wrong_one_is_noticed() {
        assert_eq!(verdict(|_| {}), "");
        assert!(verdict(|seen| drop(seen.records.pop())).contains("is missing"));
        assert!(verdict(|seen| seen.records[0] = record("ada", 2, true)).contains("out of date"));
        assert!(verdict(|seen| seen.records[0] = record("ada", 3, false)).contains("out of date"));
        assert!(verdict(|seen| seen.records.push(record("ada", 3, true))).contains("2 times"));
        assert!(verdict(|seen| seen.records.push(record("eve", 1, true))).contains("nobody knows"));
        let on_time = |seen: &mut Seen| seen.changes[2].late = false;
        assert!(verdict(on_time).contains("went back from 3 to 2"));
    }

    #[test]
    fn a_group_that_is_missing_doubled_or_holds_others_is_noticed() {
        let holds = |members: &[&str]| verdict(|seen| seen.groups[0] = group(members));
        assert_eq!(holds(&["downstream-1", "downstream-3"]), "");
        assert!(holds(&["downstream-1"]).contains("holds [\"bob\"]"));
        assert!(holds(&["downstream-1", "downstream-3", "downstream-3"]).contains("holds"));
        assert!(holds(&["downstream-1", "downstream-3", "stranger"]).contains("holds"));
        assert!(verdict(|seen| drop(seen.groups.remove(0))).contains("is missing"));
        assert!(verdict(|seen| seen.groups.push(group(&[]))).contains("2 times"));
        assert!(verdict(|seen| seen.groups[0]["displayName"] = json!("crew-0 v000001")).contains("out of date"));
        let haunted = |seen: &mut Seen| seen.groups[1]["members"] = json!([{ "value": "downstream-1" }]);
        assert!(verdict(haunted).contains("out of date"));
        assert!(verdict(|seen| seen.groups[1]["externalId"] = json!("other")).contains("nobody knows the group"));
        let renamed = |name: &str| Change { record: json!({ "externalId": "crew", "displayName": name }), late: false };
        let back = |seen: &mut Seen| seen.changes.extend([renamed("crew-0 v000002"), renamed("crew-0 v000001")]);
        assert!(verdict(back).contains("crew went back from 2 to 1"));
    }
}
