//! Cursors: where they lead, and what is refused.

use proptest::prelude::*;
use scim::ScimType;
use scim::cursor::{self, Position, Walk};
use scim::filter::Filter;
use scim::list;
use scim::query::Query;
use scim::schema::{GROUP, USER};
use scim::sort::{Key, Sort};
use serde_json::json;

use crate::support::*;

const KEY: &[u8] = b"a key of the deployment";
const HOUR: i64 = 3_600;

fn position() -> Position {
    Position { created: 1_700_000_000_000_001, id: "2819c223".to_owned(), sort_key: None }
}

fn walk() -> Walk {
    Walk::new("tenant", "/Users", None, None, Some(10))
}

#[test]
fn a_cursor_leads_back_to_its_place() {
    let text = cursor::encode(KEY, &walk(), &position(), 100).unwrap();
    let (place, count) = cursor::decode(KEY, &walk(), &text, 100 + HOUR, HOUR).unwrap();
    assert_eq!((place, count), (position(), Some(10)));
    // The count may be left out on later pages; the walk's own comes back.
    let open = Walk::new("tenant", "/Users", None, None, None);
    assert_eq!(cursor::decode(KEY, &open, &text, 100, HOUR).unwrap().1, Some(10));
}

#[test]
fn another_key_query_endpoint_or_identity_is_no_cursor_of_this_walk() {
    let text = cursor::encode(KEY, &walk(), &position(), 100).unwrap();
    let filter = Filter::parse(&USER, "title pr").unwrap();
    let sort = Sort::parse(&USER, "title", None).unwrap();
    for other in [
        Walk::new("tenant2", "/Users", None, None, Some(10)),
        Walk::new("tenant", "/Groups", None, None, Some(10)),
        Walk::new("tenant/", "Users", None, None, Some(10)),
        Walk::new("tenant", "/Users", Some(&filter), None, Some(10)),
        Walk::new("tenant", "/Users", None, Some(&sort), Some(10)),
    ] {
        assert_eq!(refusal(cursor::decode(KEY, &other, &text, 100, HOUR)), (400, Some(ScimType::InvalidCursor)));
    }
    let forged = cursor::decode(b"another key", &walk(), &text, 100, HOUR);
    assert_eq!(refusal(forged), (400, Some(ScimType::InvalidCursor)));
    for nonsense in ["", "x", "!!!!", "AAAA", &"A".repeat(100_000)] {
        assert_eq!(refusal(cursor::decode(KEY, &walk(), nonsense, 1, HOUR)), (400, Some(ScimType::InvalidCursor)));
    }
}

#[test]
fn a_filter_in_another_spelling_is_the_same_walk() {
    let one = Filter::parse(&USER, r#"USERNAME eq "a" and (title pr)"#).unwrap();
    let two = Filter::parse(&USER, r#"userName EQ "a"  and title pr"#).unwrap();
    let walk = |filter| Walk::new("t", "/Users", Some(filter), None, None);
    assert_eq!(walk(&one), walk(&two));
}

#[test]
fn the_walk_of_a_query_at_the_root_knows_the_filter_of_every_type() {
    let types = [&*USER, &*GROUP];
    let walk = |filter: &str| {
        let parameters = [("filter", filter), ("cursor", ""), ("count", "5")];
        Walk::of("t", "/", &Query::of_root_parameters(&types, parameters).unwrap())
    };
    // For users both are "no value".
    assert_ne!(walk(r#"members eq "a""#), walk(r#"members eq "b""#));
    let user = Query::of_parameters(&USER, [("cursor", ""), ("count", "5")]).unwrap();
    assert_eq!(Walk::of("t", "/Users", &[user]), Walk::new("t", "/Users", None, None, Some(5)));
}

#[test]
fn an_old_cursor_and_a_changed_count_have_their_own_errors() {
    let text = cursor::encode(KEY, &walk(), &position(), 100).unwrap();
    let old = cursor::decode(KEY, &walk(), &text, 101 + HOUR, HOUR);
    assert_eq!(refusal(old), (400, Some(ScimType::ExpiredCursor)));
    let other = Walk::new("tenant", "/Users", None, None, Some(11));
    assert_eq!(refusal(cursor::decode(KEY, &other, &text, 100, HOUR)), (400, Some(ScimType::InvalidCount)));
    // A replica's clock may be behind.
    assert!(cursor::decode(KEY, &walk(), &text, 90, HOUR).is_ok());
}

#[test]
fn a_place_too_long_for_a_url_has_no_cursor() {
    let long = Position { sort_key: Some("x".repeat(10_000)), ..position() };
    assert_eq!(cursor::encode(KEY, &walk(), &long, 1), None);
}

#[test]
fn a_value_of_any_length_is_a_place_that_fits() {
    let sort = Sort::parse(&USER, "title", None).unwrap();
    let key = sort.key(&rendered(&USER, &user(json!({ "userName": "a", "title": "\u{10348}".repeat(60_000) }))));
    let Key::Text(text) = key else { panic!("a title is text") };
    let place = Position {
        sort_key: Some(format!("t{text}")),
        id: "2819c223-7f76-453a-919d-413861904646".to_owned(),
        ..position()
    };
    assert!(cursor::encode(KEY, &walk(), &place, 1).is_some());
}

#[test]
fn a_list_says_where_it_goes_on_and_the_last_does_not() {
    let page = list::cursor_response(vec![ada()], Some(9), Some("next"), None);
    assert_eq!(
        (&page["nextCursor"], &page["itemsPerPage"], &page["totalResults"]),
        (&"next".into(), &1.into(), &9.into())
    );
    let last = list::cursor_response(Vec::new(), None, None, Some("back"));
    assert!(last.get("nextCursor").is_none() && last.get("totalResults").is_none() && last.get("startIndex").is_none());
    assert_eq!(last["previousCursor"], "back");
    assert_eq!(last["Resources"], serde_json::json!([]));
}

proptest! {
    #[test]
    fn every_place_comes_back_in_unreserved_characters(
        created in any::<i64>(), id in ".{0,40}", sort_key in proptest::option::of(".{0,60}"), now in 0..i64::MAX / 2,
        count in proptest::option::of(any::<u32>()),
    ) {
        let place = Position { created, id, sort_key };
        let walk = Walk::new("t", "/Users", None, None, count);
        let text = cursor::encode(KEY, &walk, &place, now).unwrap();
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)));
        prop_assert_eq!(cursor::decode(KEY, &walk, &text, now, HOUR).unwrap(), (place, count));
    }

    #[test]
    fn no_changed_character_goes_unnoticed(at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_-]") {
        let text = cursor::encode(KEY, &walk(), &position(), 100).unwrap();
        let at = at.index(text.len());
        let mut forged = text.clone();
        forged.replace_range(at..=at, &with);
        if forged != text {
            let result = cursor::decode(KEY, &walk(), &forged, 100, HOUR);
            prop_assert_eq!(result.unwrap_err().scim_type, Some(ScimType::InvalidCursor));
        }
    }
}
