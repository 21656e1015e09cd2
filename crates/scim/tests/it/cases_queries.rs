//! Queries that broke real integrations: cases 28 to 39, as far as they are decided here.

use scim::ScimType;
use scim::filter::Filter;
use scim::list::{self, MAX_RESULTS, Page};
use scim::projection::Projection;
use scim::schema::{GROUP, USER};
use serde_json::json;

use crate::support::*;

fn finds(filter: &str) -> bool {
    Filter::parse(&USER, filter).unwrap().matches(&rendered(&USER, &ada()))
}

#[test]
fn case_28_a_filter_that_is_not_understood_is_an_error() {
    for filter in [
        "",
        " ",
        "userName",
        "userName eq",
        "userName regex \"x\"",
        "userName eq \"a\" xor title pr",
        "(title pr",
        "title pr)",
        "emails[type eq \"work\"",
        "emails]",
        "nosuch eq \"x\"",
        "userName eq jyoung",
        "userName eq 'x'",
        "not title pr",
        "userName eq \"a\" title pr",
        "userName eq \"a",
        "userName ne 5",
        "active eq \"banana\"",
        "active gt true",
        "x509Certificates gt \"a\"",
        "meta.created gt \"yesterday\"",
        "name eq \"Ada\"",
        "emails[nosuch eq \"x\"]",
        "userName[value eq \"x\"]",
        "emails.type.x eq \"y\"",
        "members pr",
    ] {
        assert_eq!(refusal(Filter::parse(&USER, filter)), (400, Some(ScimType::InvalidFilter)), "{filter}");
    }
}

#[test]
fn case_29_values_hold_what_json_strings_hold() {
    let odd = "a 'b' \"c\" \\ & = ? # % %20 [x] (y), ü 漢 😀 \u{7}";
    let found = user(json!({ "userName": odd }));
    let filter = format!("userName eq {}", json!(odd));
    assert!(Filter::parse(&USER, &filter).unwrap().matches(&found));
    let escaped = Filter::parse(&USER, r#"userName sw "\u0061 '" and userName co "\"c\" \\""#).unwrap();
    assert!(escaped.matches(&found));
}

#[test]
fn case_30_a_plus_in_a_value_is_a_plus() {
    let tagged = user(json!({ "userName": "user+tag@x" }));
    assert!(Filter::parse(&USER, r#"userName eq "user+tag@x""#).unwrap().matches(&tagged));
    assert!(!Filter::parse(&USER, r#"userName eq "user tag@x""#).unwrap().matches(&tagged));
}

#[test]
fn case_31_emails_are_found_in_every_way_clients_ask() {
    for filter in [
        r#"emails[type eq "work"].value eq "ada@acme.test""#,
        r#"emails[type eq "work" and value eq "ada@acme.test"]"#,
        r#"emails.value eq "ada@acme.test""#,
        r#"emails eq "ada@acme.test""#,
        r#"emails co "ACME""#,
        r#"email.value eq "ada@acme.test""#,
        r#"emails[type eq "work"].value pr"#,
    ] {
        assert!(finds(filter), "{filter}");
    }
    assert!(!finds(r#"emails[type eq "work"].value eq "ada@home.test""#));
    assert!(finds(r#"emails.type eq "work" and emails.value co "home""#));
    assert!(!finds(r#"emails[type eq "work" and value co "home"]"#));
}

#[test]
fn case_32_letter_case_of_names_and_operators_does_not_matter() {
    assert!(finds(r#"username Eq "ADA@acme.test" AND (ActiVe eq true) and Not (title eq "x")"#));
    assert!(finds(r#"(ActiVe eq true) and meta.lastmodified ge "2021-09-23T19:35:41.8420572Z""#));
    let urn = ENTERPRISE.to_uppercase();
    assert!(finds(&format!("{urn}:DEPARTMENT eq \"engines\"")));
}

#[test]
fn case_33_names_compare_by_their_prepared_form() {
    use scim::key::{display_name_key, username_key};
    assert_eq!(username_key("ÅSE@acme.test"), username_key("a\u{30a}se@ACME.test"));
    assert_eq!(username_key("ａｄａ"), "ada");
    assert_eq!(username_key("ΟΔΥΣΣΕΥΣ"), username_key("οδυσσευς"));
    assert_eq!(username_key("ｶﾞ"), username_key("ガ"));
    // Not NFKC: these are different names.
    assert_ne!(username_key("ada²"), username_key("ada2"));
    assert_eq!(display_name_key("Team Ü"), display_name_key("team ü"));
    for text in ["ÅSE", "İ", "ΣΑΣ", "ｶﾞ", "ﬁx", "\u{1e9e}"] {
        assert_eq!(username_key(&username_key(text)), username_key(text), "{text}");
    }
}

#[test]
fn case_34_an_external_id_compares_exactly() {
    assert!(finds(r#"externalId eq "Ext-1""#));
    assert!(!finds(r#"externalId eq "EXT-1""#));
    let filter = Filter::parse(&USER, r#"externalId eq "EXT-1""#).unwrap();
    assert_eq!(filter.as_equality(), Some(("externalId".to_owned(), "EXT-1")));
}

#[test]
fn case_36_the_numbers_of_a_list_are_true() {
    let page = list::response(vec![ada()], 42, 41);
    assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(42), &json!(1)));
    assert_eq!(list::response(Vec::new(), 0, 1)["Resources"], json!([]));
}

#[test]
fn case_37_a_page_out_of_range_is_clamped_and_no_number_is_refused() {
    let page = |start, count| Page::parse(start, count);
    assert_eq!(page(Some("0"), Some("-3")).unwrap(), Page { start_index: 1, count: 0 });
    assert_eq!(page(Some("-5"), Some("99999999999999999999")).unwrap(), Page { start_index: 1, count: MAX_RESULTS });
    assert_eq!(page(Some("99999999999999999999"), None).unwrap().start_index, u32::MAX);
    for text in ["", "ten", "1.5", "1e3", "0x1"] {
        assert_eq!(refusal(page(Some(text), None)), (400, Some(ScimType::InvalidValue)), "{text}");
    }
}

#[test]
fn case_39_excluded_members_need_not_be_read() {
    let excluded = Projection::parse(&GROUP, None, Some("MEMBERS")).unwrap();
    assert!(!excluded.shows(&GROUP, "members"));
    assert!(excluded.shows(&GROUP, "displayName"));
    assert!(!Projection::parse(&GROUP, Some("displayName"), None).unwrap().shows(&GROUP, "members"));
    assert!(Projection::parse(&GROUP, Some("members.value"), None).unwrap().shows(&GROUP, "members"));
    assert!(Projection::parse(&GROUP, None, Some("members.display")).unwrap().shows(&GROUP, "members"));
    assert!(Projection::default().shows(&GROUP, "members"));
    for (attributes, excluded, shown) in [
        (None, None, true),
        (None, Some("meta.created,members"), true),
        (None, Some("meta.VERSION"), false),
        (None, Some("meta"), false),
        (Some("meta"), None, true),
        (Some("displayName,meta.version"), None, true),
        (Some("displayName,meta.created"), None, false),
    ] {
        let projection = Projection::parse(&GROUP, attributes, excluded).unwrap();
        assert_eq!(projection.shows(&GROUP, "meta.version"), shown, "{attributes:?} {excluded:?}");
    }
}

#[test]
fn width_is_mapped_as_unicode_has_it() {
    use unicode_normalization::UnicodeNormalization;
    // One step of decomposition; NFKC agrees but for a macron, and for letters of Hangul, which it takes further.
    for code in (0xFF01..=0xFF9F).chain(0xFFE0..=0xFFEE).chain([0x3000]).filter(|code| ![0xFFE3, 0xFFE7].contains(code))
    {
        let letter = char::from_u32(code).unwrap().to_string();
        let expected: String = letter.nfkc().flat_map(char::to_lowercase).collect();
        assert_eq!(scim::key::case_key(&letter), expected, "U+{code:04X}");
    }
    for code in (0xFFA0..=0xFFDC_u32).filter_map(char::from_u32) {
        let (narrow, key) = (code.to_string(), scim::key::case_key(&code.to_string()));
        assert_eq!(narrow.nfkc().collect::<String>(), key.nfkc().collect::<String>(), "{code:?}");
    }
}
