//! Another reading of filters, the crate `scim_v2`, as an oracle on what both understand: filters of RFC 7644 without
//! our extensions (a tail behind `]`, literals beside a word without a space), over strings.

use std::str::FromStr;

use proptest::prelude::*;
use scim::filter::Filter;
use scim::schema::USER;
use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, Filter as Theirs, ValFilter};
use serde_json::{Value, json};

use crate::support::*;

/// Evaluates the oracle's tree over strings, all of them without regard to letter case.
fn holds(filter: &Theirs, document: &Value) -> bool {
    match filter {
        Theirs::Attr(expression) => compare(expression, document),
        Theirs::ValuePath(path) => {
            let elements = document[path.attr.name.to_lowercase().as_str()].as_array().cloned().unwrap_or_default();
            elements.iter().any(|element| inside(&path.filter, element))
        }
        Theirs::Not(inner) => !holds(inner, document),
        Theirs::And(all) => all.iter().all(|one| holds(one, document)),
        Theirs::Or(any) => any.iter().any(|one| holds(one, document)),
    }
}

fn inside(filter: &ValFilter, element: &Value) -> bool {
    match filter {
        ValFilter::Attr(expression) => compare(expression, element),
        ValFilter::Not(inner) => !inside(inner, element),
        ValFilter::And(all) => all.iter().all(|one| inside(one, element)),
        ValFilter::Or(any) => any.iter().any(|one| inside(one, element)),
    }
}

fn strings(path: &AttrPath, document: &Value) -> Vec<String> {
    let found = &document[path.name.to_lowercase().as_str()];
    let list = found.as_array().cloned().unwrap_or_else(|| vec![found.clone()]);
    let sub = path.sub_attr.as_ref().map_or_else(|| "value".to_owned(), |sub| sub.to_lowercase());
    list.iter()
        .filter_map(|one| if one.is_object() { one[sub.as_str()].as_str() } else { one.as_str() })
        .map(str::to_lowercase)
        .collect()
}

fn compare(expression: &AttrExp, document: &Value) -> bool {
    let (path, operator, wanted) = match expression {
        AttrExp::Present(path) => return strings(path, document).iter().any(|text| !text.is_empty()),
        AttrExp::Comparison(path, operator, CompValue::Str(wanted)) => (path, operator, wanted.to_lowercase()),
        AttrExp::Comparison(..) => panic!("only strings are compared here"),
    };
    let held = strings(path, document);
    let any = |test: &dyn Fn(&str) -> bool| held.iter().any(|text| test(text));
    match operator {
        CompareOp::Eq => any(&|text| text == wanted),
        CompareOp::Ne => !any(&|text| text == wanted),
        CompareOp::Co => any(&|text| text.contains(&wanted)),
        CompareOp::Sw => any(&|text| text.starts_with(&wanted)),
        CompareOp::Ew => any(&|text| text.ends_with(&wanted)),
        CompareOp::Gt => any(&|text| text > wanted.as_str()),
        CompareOp::Ge => any(&|text| text >= wanted.as_str()),
        CompareOp::Lt => any(&|text| text < wanted.as_str()),
        CompareOp::Le => any(&|text| text <= wanted.as_str()),
    }
}

/// The document with names in lower case, for the simple evaluator above.
fn lowered(document: &scim::Object) -> Value {
    document.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect::<scim::Object>().into()
}

fn expression() -> impl Strategy<Value = String> {
    let operator = || prop_oneof!["eq", "NE", "co", "sw", "ew", "gt", "ge", "lt", "le"];
    let text = || "[abAB]{0,2}".prop_map(|text| json!(text).to_string());
    let attribute = prop_oneof!["userName", "TITLE", "nickName", "emails", r"emails\.value", r"emails\.type"];
    let compare = (attribute, operator(), text()).prop_map(|(name, op, text)| format!("{name} {op} {text}"));
    let inner = || (prop_oneof!["type", "value"], operator(), text()).prop_map(|(n, o, t)| format!("{n} {o} {t}"));
    let elements = (inner(), prop_oneof!["and", "or"], inner())
        .prop_map(|(left, word, right)| format!("emails[{left} {word} {right}]"));
    let present = prop_oneof![Just("title pr".to_owned()), Just("emails.type pr".to_owned())];
    prop_oneof![4 => compare, 2 => elements, 1 => present].prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("{left} and {right}")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("{left} or {right}")),
            inner.clone().prop_map(|inner| format!("({inner})")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

fn person() -> impl Strategy<Value = scim::Object> {
    let text = || proptest::option::of("[abAB]{1,2}");
    let email = (text(), text()).prop_map(|(value, kind)| json!({ "value": value, "type": kind }));
    ("[abAB]{1,2}", text(), text(), proptest::collection::vec(email, 0..3)).prop_map(|(name, title, nick, emails)| {
        user(json!({ "userName": name, "title": title, "nickName": nick, "emails": emails }))
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(2_000), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn both_read_and_judge_a_filter_alike(text in expression(), people in proptest::collection::vec(person(), 4)) {
        let theirs = Theirs::from_str(&text);
        // Within our limits, which are narrower, both understand it.
        if let Ok(ours) = Filter::parse(&USER, &text) {
            let theirs = theirs.unwrap();
            for person in &people {
                prop_assert_eq!(ours.matches(person), holds(&theirs, &lowered(person)), "{}", text);
            }
            prop_assert!(Theirs::from_str(&ours.to_string()).is_ok(), "{}", ours);
        } else {
            prop_assert!(text.matches('(').count() > scim::filter::MAX_DEPTH || text.len() > scim::filter::MAX_LENGTH);
        }
    }

    #[test]
    fn both_refuse_the_same_words_in_disorder(picked in proptest::collection::vec(0..WORDS.len(), 1..9)) {
        let text = picked.iter().map(|place| WORDS[*place]).collect::<Vec<_>>().join(" ");
        match (Filter::parse(&USER, &text), Theirs::from_str(&text)) {
            // The oracle knows no schema: `eq pr` asks it for an attribute of the name `eq`.
            (Err(error), Ok(_)) => prop_assert!(error.detail.contains("has no attribute"), "{}: {}", text, error),
            (ours, theirs) => prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{}", text),
        }
    }
}

const WORDS: [&str; 16] = [
    "title",
    "title",
    "userName",
    "emails.value",
    "eq",
    "eq",
    "co",
    "pr",
    "pr",
    "and",
    "or",
    "not",
    "(",
    ")",
    "\"a\"",
    "\"b\"",
];
