//! Properties: PATCH against the slow reference, members against lists, filters against their print and brute force,
//! projections against their laws. `PROPTEST_CASES=1000000` makes them longer.

use proptest::prelude::*;
use scim::filter::Filter;
use scim::members::{self, Member};
use scim::patch::{self, Options};
use scim::projection::Projection;
use scim::schema::{GROUP, USER};
use serde_json::{Value, json};

use crate::naive::Model;
use crate::spelling::Bytes;
use crate::support::*;

/// At least so many cases; more if the environment asks.
fn cases(at_least: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases.max(at_least), failure_persistence: None, ..config }
}

/// Bytes as numbers: a generator of few numbers takes a fraction of the time of one of many bytes.
fn start() -> impl Strategy<Value = [u64; 2]> {
    any::<[u64; 2]>()
}

fn operations() -> impl Strategy<Value = Vec<[u64; 3]>> {
    proptest::collection::vec(any::<[u64; 3]>(), 1..6)
}

fn bytes(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

// A hundred thousand sequences, in two tests that run beside each other.
proptest! {
    #![proptest_config(cases(50_000))]

    #[test]
    fn patch_agrees_with_the_slow_reference(start in start(), operations in operations()) {
        agrees(&start, &operations, false)?;
    }

    #[test]
    fn patch_agrees_with_the_slow_reference_where_a_replace_creates(start in start(), operations in operations()) {
        agrees(&start, &operations, true)?;
    }
}

fn agrees(start: &[u64], operations: &[[u64; 3]], creates: bool) -> Result<(), TestCaseError> {
    let before = Model { creates, ..Bytes(&bytes(start)).model() };
    let (mut meanings, mut spelled) = (Vec::new(), Vec::new());
    for numbers in operations {
        let bytes = bytes(numbers);
        let mut bytes = Bytes(&bytes);
        let meaning = bytes.meaning();
        spelled.push(bytes.spelled(&meaning));
        meanings.push(meaning);
    }
    let document = before.document();
    let patch = patch::parse(&json!({ "Operations": spelled })).unwrap();
    let engine = patch::apply(&USER, &document, &patch, Options { create_on_replace: creates });
    match (before.patched(&meanings), engine) {
        (Ok(after), Ok(applied)) => {
            let expected = after.document();
            prop_assert_eq!(&applied.document, &expected, "{:?}", spelled);
            prop_assert_eq!(applied.changed.is_empty(), document == expected, "{:?}", spelled);
            let top: std::collections::BTreeSet<&str> = applied
                .changed
                .iter()
                .map(|name| name.strip_prefix(ENTERPRISE).map_or(name.as_str(), |_| ENTERPRISE))
                .collect();
            let differs = |name: &&String| document.get(*name) != expected.get(*name);
            let expected: std::collections::BTreeSet<&str> =
                document.keys().chain(expected.keys()).filter(differs).map(String::as_str).collect();
            prop_assert_eq!(top, expected);
        }
        (Err(kind), Err(error)) => prop_assert_eq!(error.scim_type, Some(kind), "{:?}", spelled),
        (reference, engine) => prop_assert!(false, "{:?}: {:?} {:?}", spelled, reference, engine),
    }
    Ok(())
}

/// What a change of members means, on a plain list.
fn change(list: &mut Vec<String>, kind: u8, named: &[String]) {
    match kind {
        0 => {
            for id in named {
                if !list.contains(id) {
                    list.push(id.clone());
                }
            }
        }
        1 | 2 => list.retain(|id| !named.contains(id)),
        3 => list.clear(),
        _ => {
            list.clear();
            change(list, 0, named);
        }
    }
}

fn spelled(kind: u8, named: &[String], style: u8) -> Value {
    let list: Vec<Value> = match style % 3 {
        0 => named.iter().map(|id| json!({ "value": id, "$ref": null })).collect(),
        1 => named.iter().map(|id| json!({ "VALUE": id, "display": "x", "type": "User" })).collect(),
        _ => named.iter().map(|id| json!(id)).collect(),
    };
    let terms: Vec<String> = named.iter().map(|id| format!("value eq \"{id}\"")).collect();
    match kind {
        0 if style.is_multiple_of(2) => json!({ "op": "add", "value": { "members": list } }),
        0 => json!({ "op": "Add", "path": "members", "value": list }),
        2 if !named.is_empty() => json!({ "op": "remove", "path": format!("members[{}]", terms.join(" or ")) }),
        1 | 2 => json!({ "op": "Remove", "path": "members", "value": list }),
        3 => json!({ "op": "remove", "path": "members" }),
        _ if style.is_multiple_of(2) => json!({ "op": "replace", "value": { "MEMBERS": list, "displayName": "x" } }),
        _ => json!({ "op": "replace", "path": "members", "value": list }),
    }
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn a_delta_agrees_with_a_list_and_with_the_whole_document(
        start in proptest::collection::vec(0..8_u8, 0..8),
        changes in proptest::collection::vec((0..5_u8, proptest::collection::vec(0..8_u8, 0..4), any::<u8>()), 1..8),
    ) {
        let id = |number: &u8| format!("id-{number}");
        let mut list: Vec<String> = Vec::new();
        change(&mut list, 0, &start.iter().map(id).collect::<Vec<_>>());
        let current: Vec<Member> = list.iter().map(Member::new).collect();
        let mut operations = Vec::new();
        for (kind, named, style) in &changes {
            let named: Vec<String> = named.iter().map(id).collect();
            change(&mut list, *kind, &named);
            operations.push(spelled(*kind, &named, *style));
        }
        let body = json!({ "Operations": operations });
        let (_, membership) = members::divide(&GROUP, patch::parse(&body).unwrap(), Options::default()).unwrap();
        let delta = membership.delta().unwrap();
        prop_assert!(delta.add.iter().all(|member| !delta.remove.contains(&member.value)));
        prop_assert!(!delta.clear || delta.remove.is_empty());
        let sorted = |mut ids: Vec<String>| { ids.sort(); ids };
        let after = delta.apply(&current).into_iter().map(|member| member.value).collect();
        prop_assert_eq!(sorted(after), sorted(list.clone()), "{:?}", &operations);
        let whole = group(json!({ "displayName": "x", "members": current.iter().map(Member::to_json).collect::<Vec<_>>() }));
        prop_assert_eq!(ids(&patched_group(&whole, json!(operations))), list);
    }
}

/// Filters as text, over attributes of every kind.
fn filter() -> impl Strategy<Value = String> {
    let word = prop_oneof!["[aAbB@ü]{0,3}", Just("a\"\\b".to_owned()), Just("() [] and".to_owned())];
    let text = word.prop_map(|word| json!(word).to_string());
    let operator = prop_oneof!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
    let attribute =
        prop_oneof!["userName", "TITLE", r"name\.givenName", "emails", r"emails\.type", "externalId", "manager"];
    let compare = (attribute, operator.clone(), text.clone()).prop_map(|(a, o, v)| format!("{a} {o} {v}"));
    let inner = (prop_oneof!["type", "value"], operator, text).prop_map(|(a, o, v)| format!("{a} {o} {v}"));
    let elements =
        (inner.clone(), inner.clone(), prop_oneof!["and", "or"], prop_oneof!["", "\\.value pr", "\\.type eq \"a\""])
            .prop_map(|(left, right, word, tail)| format!("emails[{left} {word} {right}]{tail}"));
    let plain = prop_oneof![
        Just("active eq \"True\"".to_owned()),
        Just("title pr".to_owned()),
        Just("active ne false".to_owned()),
        Just("nickName eq null".to_owned()),
        Just("meta.created ge \"2020-01-01T00:00:00Z\"".to_owned()),
    ];
    let leaf = prop_oneof![4 => compare, 2 => elements, 1 => plain];
    leaf.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) and ({right})")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("{left} or {right}")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("{left} AND {right}")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

fn person() -> impl Strategy<Value = scim::Object> {
    let text = || prop_oneof![Just(Value::Null), "[aAbB]{1,2}".prop_map(Value::from)];
    let email = (text(), text()).prop_map(|(value, kind)| json!({ "value": value, "type": kind }));
    (text(), text(), proptest::collection::vec(email, 0..3), any::<bool>()).prop_map(
        |(title, given, emails, active)| {
            let body = json!({
                "userName": "ab", "title": title, "name": { "givenName": given }, "emails": emails, "active": active
            });
            rendered(&USER, &user(body))
        },
    )
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn a_filter_means_what_it_prints(text in filter(), person in person()) {
        // Some are deeper than the limit; what is parsed is printed within it.
        if let Ok(parsed) = Filter::parse(&USER, &text) {
            let printed = parsed.to_string();
            let again = Filter::parse(&USER, &printed);
            prop_assert_eq!(again.as_ref(), Ok(&parsed), "{} -> {}", text, printed);
            prop_assert_eq!(again.unwrap().matches(&person), parsed.matches(&person));
            let negated = Filter::parse(&USER, &format!("not ({printed})"));
            prop_assert!(negated.is_err() || negated.unwrap().matches(&person) != parsed.matches(&person));
        }
    }

    #[test]
    fn projections_keep_their_laws(
        one in proptest::collection::vec(0..NAMES.len(), 1..4), two in proptest::collection::vec(0..NAMES.len(), 1..4),
        person in person(),
    ) {
        let list = |picked: &[usize]| picked.iter().map(|place| NAMES[*place]).collect::<Vec<_>>().join(",");
        let show = |attributes: Option<&str>, excluded: Option<&str>, resource: &scim::Object| {
            Projection::parse(&USER, attributes, excluded).unwrap().apply(&USER, resource.clone())
        };
        let (one, two) = (list(&one), list(&two));
        let only = show(Some(&one), None, &person);
        let without = show(None, Some(&one), &person);
        for shown in [&only, &without] {
            prop_assert!(shown.contains_key("id") && shown.contains_key("schemas"), "always returned");
        }
        prop_assert_eq!(&show(Some(&one), None, &only), &only, "attributes are idempotent");
        prop_assert_eq!(&show(None, Some(&one), &without), &without, "exclusions are idempotent");
        // What is asked for and what is left when it is excluded share only what is always returned, and containers.
        let minimal = show(Some("id"), None, &person);
        prop_assert_eq!(show(None, Some(&one), &only), minimal, "{}", one);
        // Exclusions do not depend on their order.
        let both = show(None, Some(&two), &without);
        prop_assert_eq!(both, show(None, Some(&format!("{two},{one}")), &person));
    }
}

const NAMES: [&str; 8] =
    ["userName", "title", "name", "NAME.givenName", "emails", "emails.value", "meta.created", "nosuch"];
