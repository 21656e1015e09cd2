//! Filters: precedence, values, the tree for databases, queries over several types.

use scim::ScimType;
use scim::filter::{Expression, Filter, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Operand, Operator};
use scim::schema::{GROUP, Kind, USER};
use serde_json::json;

use crate::support::*;

fn finds(filter: &str) -> bool {
    Filter::parse(&USER, filter).unwrap().matches(&rendered(&USER, &ada()))
}

#[test]
fn grouping_binds_before_not_before_and_before_or() {
    assert!(finds(r#"title pr or title eq "x" and title eq "y""#));
    assert!(!finds(r#"(title pr or title eq "x") and title eq "y""#));
    assert!(finds(r#"not (title eq "x") and title pr"#));
    assert!(!finds(r#"not (title eq "x" or title pr)"#));
    let printed = Filter::parse(&USER, r#"(title pr or title eq "x") and not (title pr)"#).unwrap().to_string();
    assert_eq!(printed, r#"(title pr or title eq "x") and not (title pr)"#);
}

#[test]
fn every_operator_compares() {
    for (filter, expected) in [
        (r#"title eq "countess""#, true),
        (r#"title ne "countess""#, false),
        (r#"title co "NTE""#, true),
        (r#"title sw "coun""#, true),
        (r#"title ew "ess""#, true),
        (r#"title gt "Baroness""#, true),
        (r#"title ge "COUNTESS""#, true),
        (r#"title lt "countess""#, false),
        (r#"title le "countess""#, true),
        (r#"nickName eq "x""#, false),
        (r#"nickName ne "x""#, true),
        (r#"nickName gt "a""#, false),
        ("nickName pr", false),
        ("title eq null", false),
        ("nickName eq null", true),
        ("title ne null", true),
        ("emails pr", true),
        ("name pr", true),
        ("name.middleName pr", false),
        ("active eq true", true),
        (r#"active eq "True""#, true),
        ("active ne false", true),
    ] {
        assert_eq!(finds(filter), expected, "{filter}");
    }
}

#[test]
fn instants_compare_whatever_their_offset() {
    let created = "2020-09-13T12:26:40Z";
    assert_eq!(rendered(&USER, &ada())["meta"]["created"], "2020-09-13T12:26:40.000Z");
    assert!(finds(&format!("meta.created eq \"{created}\"")));
    assert!(finds(r#"meta.created eq "2020-09-13T14:26:40.0000000+02:00""#));
    assert!(finds(r#"meta.created lt "2020-09-13T12:26:40.0000001Z""#));
    assert!(!finds(r#"meta.created gt "2020-09-13T13:26:40+01:00""#));
    assert!(finds(r#"meta.created sw "2020-09""#));
}

#[test]
fn names_with_a_urn_and_common_attributes_are_known() {
    for filter in [
        r#"urn:ietf:params:scim:schemas:core:2.0:User:title eq "countess""#.to_owned(),
        format!("{ENTERPRISE}:department eq \"engines\""),
        format!("{ENTERPRISE}:manager.value eq \"m-1\""),
        format!("{ENTERPRISE}:manager eq \"m-1\""),
        r#"manager eq "m-1""#.to_owned(),
        format!("schemas eq \"{ENTERPRISE}\""),
        r#"meta.resourceType eq "User""#.to_owned(),
        r#"id eq "2819c223-7f76-453a-919d-413861904646" and manager eq "m-1""#.to_owned(),
        format!("{ENTERPRISE} pr"),
        r#"meta.lastModified gt "2011-05-13T04:42:34Z""#.to_owned(),
    ] {
        assert!(finds(&filter), "{filter}");
    }
    assert!(!finds(r#"manager eq "M-1""#));
    let team = rendered(&GROUP, &group(json!({ "displayName": "x", "members": ["a", "b"] })));
    for filter in [r#"members eq "a""#, r#"members.value eq "b""#, r#"members[value eq "a" and type eq "user"]"#] {
        assert!(Filter::parse(&GROUP, filter).unwrap().matches(&team), "{filter}");
    }
}

#[test]
fn limits_are_exact() {
    let nested = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&USER, &nested(MAX_DEPTH)).is_ok());
    assert!(Filter::parse(&USER, &nested(MAX_DEPTH + 1)).is_err());
    let terms = |count: usize| vec!["title pr"; count].join(" or ");
    assert!(Filter::parse(&USER, &terms(MAX_TERMS)).is_ok());
    assert!(Filter::parse(&USER, &terms(MAX_TERMS + 1)).is_err());
    let long = |length: usize| format!("title eq \"{}\"", "ü".repeat(length - 11));
    assert!(Filter::parse(&USER, &long(MAX_LENGTH)).is_ok());
    assert!(Filter::parse(&USER, &long(MAX_LENGTH + 1)).is_err());
}

#[test]
fn an_error_says_where() {
    let error = Filter::parse(&USER, r#"title eq "x" and shoeSize pr"#).unwrap_err();
    assert_eq!(error.detail, "column 18: User has no attribute shoeSize");
}

#[test]
fn a_database_can_read_the_tree() {
    let filter =
        Filter::parse(&USER, r#"userName sw "A" and manager eq "m" or emails[type eq "work"].value pr"#).unwrap();
    let Expression::Or(left, right) = filter.expression() else { panic!("or is outermost") };
    let Expression::And(name, manager) = left.as_ref() else { panic!("and binds closer") };
    let Expression::Compare(operand, operator, literal) = name.as_ref() else { panic!("a comparison") };
    assert_eq!((operand.to_string().as_str(), *operator, literal), ("userName", Operator::StartsWith, &json!("A")));
    let compared = operand.compared().unwrap();
    assert_eq!((compared.kind, compared.case_exact), (Kind::String, false));
    let Expression::Compare(operand @ Operand::Resource(path), ..) = manager.as_ref() else { panic!("a comparison") };
    assert_eq!(path.to_string(), format!("{ENTERPRISE}:manager"));
    assert_eq!((operand.compared().unwrap().name.as_str(), operand.compared().unwrap().case_exact), ("value", true));
    let Expression::Elements(path, inner, Some(tail)) = right.as_ref() else { panic!("a value path") };
    assert_eq!((path.to_string().as_str(), tail.sub.name.as_str()), ("emails", "value"));
    assert!(matches!(inner.as_ref(), Expression::Compare(Operand::Element(_), Operator::Equal, _)));
}

#[test]
fn one_equality_is_what_an_index_answers() {
    let equality =
        |text: &str| Filter::parse(&USER, text).unwrap().as_equality().map(|(path, text)| (path, text.to_owned()));
    assert_eq!(equality(r#"USERNAME eq "a""#), Some(("userName".to_owned(), "a".to_owned())));
    assert_eq!(equality(r#"(userName eq "a")"#), Some(("userName".to_owned(), "a".to_owned())));
    assert_eq!(equality(r#"userName ne "a""#), None);
    assert_eq!(equality("active eq true"), None);
}

#[test]
fn in_a_query_over_types_what_one_lacks_is_no_value() {
    let types = [&*USER, &*GROUP];
    let parse = |text: &str| types.map(|resource| Filter::parse_among(resource, &types, text).unwrap());
    let (person, team) = (rendered(&USER, &ada()), rendered(&GROUP, &group(json!({ "displayName": "Ada" }))));
    for (filter, user_matches, group_matches) in [
        (r#"userName sw "ada""#, true, false),
        (r#"displayName eq "ada""#, true, true),
        (r#"userName ne "x""#, true, true),
        ("userName eq null", false, true),
        ("userName ne null", true, false),
        ("not (userName pr)", false, true),
        (r#"emails[type eq "work"]"#, true, false),
        (r#"not (emails[type eq "work"].value pr) and displayName pr"#, false, true),
        ("members pr or title pr", true, false),
        (r#"meta.resourceType eq "Group""#, false, true),
        ("urn:ietf:params:scim:schemas:core:2.0:User:displayName pr", true, false),
    ] {
        let [users, groups] = parse(filter);
        assert_eq!((users.matches(&person), groups.matches(&team)), (user_matches, group_matches), "{filter}");
    }
    assert_eq!(refusal(Filter::parse_among(&USER, &types, "shoeSize pr")), (400, Some(ScimType::InvalidFilter)));
    let [_, groups] = parse("userName pr");
    assert_eq!(groups.expression(), &Expression::Constant(false));
}

#[test]
fn a_filter_says_whether_it_asks_for_members() {
    for (filter, asks) in [
        (r#"displayName eq "x" and not (members[value eq "a"])"#, true),
        (r#"members.value eq "a" or displayName pr"#, true),
        ("MEMBERS pr", true),
        (r#"displayName eq "members""#, false),
    ] {
        assert_eq!(Filter::parse(&GROUP, filter).unwrap().mentions("members"), asks, "{filter}");
    }
}
