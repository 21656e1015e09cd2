//! What must be so at the end, whatever happened; and proof that this notices where it is not.

use std::collections::BTreeMap;

use serde_json::Value;
use testkit::network::Change;

use super::workload::{Person, family};

/// One downstream at the end.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub tenant: String,
    pub records: Vec<Value>,
    pub changes: Vec<Change>,
}

/// Everything that is wrong: changes that are lost, people who are there twice or of whom nobody knows, counters that went
/// back. A late write, which its sender had given up, may stand over newer ones for a while; whatever follows it may not be
/// older than what was there before it.
pub(super) fn judge(seen: &[Seen], people: &[Person]) -> Vec<String> {
    seen.iter().flat_map(|seen| [misplaced(seen, people), turned_back(seen)]).flatten().collect()
}

fn misplaced(seen: &Seen, people: &[Person]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut records: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for record in &seen.records {
        records.entry(record["externalId"].as_str().unwrap_or_default()).or_default().push(record);
    }
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
        let Some(counter) = change.record["name"]["familyName"].as_str().and_then(counter) else { continue };
        let highest = newest.entry(owner).or_default();
        if counter < *highest && !change.late {
            wrong.push(format!("{}: {owner} went back from {highest} to {counter}", seen.tenant));
        }
        *highest = counter.max(*highest);
    }
    wrong
}

fn counter(family: &str) -> Option<u64> {
    if family == "F0" { Some(0) } else { family.strip_prefix('v')?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(id: &str, counter: u64, active: bool) -> Value {
        json!({ "id": format!("downstream-{counter}"), "externalId": id, "userName": format!("{id}@acme.test"),
            "active": active, "name": { "familyName": family(counter) } })
    }

    fn right() -> (Seen, Vec<Person>) {
        let person = |id: &str, counter| Person {
            tenant: "acme".to_owned(),
            id: id.to_owned(),
            name: format!("{id}@acme.test"),
            counter,
            active: true,
        };
        let change = |counter, late| Change { record: record("ada", counter, true), late };
        let changes = vec![change(1, false), change(3, false), change(2, true), change(3, false)];
        let records = vec![record("ada", 3, true), record("bob", 1, true)];
        let seen = Seen { tenant: "acme".to_owned(), records, changes };
        (seen, vec![person("ada", 3), person("bob", 1)])
    }

    fn verdict(spoil: impl FnOnce(&mut Seen)) -> String {
        let (mut seen, people) = right();
        spoil(&mut seen);
        judge(&[seen], &people).join("; ")
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
}
