//! Queries: GET parameters and SearchRequest bodies are one thing.

use scim::ScimType;
use scim::list::Page;
use scim::query::{Paging, Query};
use scim::schema::{GROUP, USER};
use serde_json::json;

use crate::support::*;

#[test]
fn parameters_and_body_come_to_the_same() {
    let parameters = [
        ("FILTER", r#"userName sw "a""#),
        ("sortby", "name.familyName"),
        ("SortOrder", "DESCENDING"),
        ("startIndex", "11"),
        ("count", "5"),
        ("attributes", "userName, emails.value"),
        ("aadOptscim062020", ""),
        ("count", "7"),
    ];
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "Filter": r#"userName sw "a""#,
        "sortBy": "name.familyName", "sortorder": "descending", "STARTINDEX": 11, "count": 5,
        "attributes": ["userName", "emails.value"], "unknown": true, "cursor": null
    });
    let query = Query::of_parameters(&USER, parameters).unwrap();
    assert_eq!(query, Query::of_body(&USER, &body).unwrap());
    assert_eq!(query.paging, Paging::Index(Page { start_index: 11, count: 5 }));
    assert!(query.sort.unwrap().descending);
}

#[test]
fn nothing_asked_is_the_first_page_of_everything() {
    let query = Query::of_body(&USER, &json!({})).unwrap();
    assert_eq!(query, Query::of_parameters(&USER, []).unwrap());
    assert!(query.filter.is_none() && query.sort.is_none());
    assert_eq!(query.paging, Paging::Index(Page { start_index: 1, count: 100 }));
}

#[test]
fn a_cursor_asks_for_paging_by_cursor() {
    let paging = |parameters: &[(&str, &str)]| Query::of_parameters(&USER, parameters.iter().copied()).unwrap().paging;
    assert_eq!(paging(&[("cursor", "")]), Paging::Cursor { cursor: None, count: None });
    assert_eq!(
        paging(&[("cursor", "abc"), ("count", "5000"), ("startIndex", "3")]),
        Paging::Cursor { cursor: Some("abc".to_owned()), count: Some(1_000) }
    );
    let body = Query::of_body(&USER, &json!({ "cursor": "", "count": 10 })).unwrap();
    assert_eq!(body.paging, Paging::Cursor { cursor: None, count: Some(10) });
}

#[test]
fn errors_are_the_same_in_both() {
    for (name, text, value, kind) in [
        ("filter", "", json!(""), ScimType::InvalidFilter),
        ("filter", "x eq", json!("x eq"), ScimType::InvalidFilter),
        ("count", "ten", json!("ten"), ScimType::InvalidValue),
        ("count", "1.5", json!(1.5), ScimType::InvalidValue),
        ("startIndex", "true", json!(true), ScimType::InvalidValue),
        ("sortBy", "shoeSize", json!("shoeSize"), ScimType::InvalidPath),
        ("sortBy", "name", json!("name"), ScimType::InvalidPath),
    ] {
        let get = Query::of_parameters(&USER, [(name, text)]).unwrap_err();
        let post = Query::of_body(&USER, &json!({ name: value })).unwrap_err();
        assert_eq!((get.status, get.scim_type), (400, Some(kind)), "{name}={text}");
        assert_eq!(get, post);
    }
    let order = [("sortBy", "title"), ("sortOrder", "random")];
    assert_eq!(refusal(Query::of_parameters(&USER, order)), (400, Some(ScimType::InvalidValue)));
    for body in
        [json!({ "attributes": 5 }), json!({ "attributes": ["a", 1] }), json!({ "sortOrder": 1, "sortBy": "id" })]
    {
        assert_eq!(refusal(Query::of_body(&USER, &body)), (400, Some(ScimType::InvalidValue)), "{body}");
    }
    assert_eq!(refusal(Query::of_body(&USER, &json!({ "filter": 5 }))).1, Some(ScimType::InvalidFilter));
    assert_eq!(refusal(Query::of_body(&USER, &json!({ "cursor": 5 }))).1, Some(ScimType::InvalidCursor));
    let both = json!({ "attributes": ["userName"], "excludedAttributes": ["title"] });
    assert_eq!(refusal(Query::of_body(&USER, &both)), (400, Some(ScimType::InvalidValue)));
    assert!(Query::of_body(&USER, &json!({ "attributes": ["userName"], "excludedAttributes": [] })).is_ok());
}

#[test]
fn a_root_query_is_one_for_each_type() {
    let types = [&*USER, &*GROUP];
    let body = json!({ "filter": "userName pr or members pr", "sortBy": "userName", "attributes": ["displayName"] });
    let queries = Query::of_root_body(&types, &body).unwrap();
    assert_eq!(queries.iter().map(|query| query.resource.name.as_str()).collect::<Vec<_>>(), ["User", "Group"]);
    assert!(queries[0].sort.unwrap().path.is_some() && queries[1].sort.unwrap().path.is_none());
    let parameters = [("filter", "userName pr or members pr"), ("sortBy", "userName"), ("attributes", "displayName")];
    assert_eq!(queries, Query::of_root_parameters(&types, parameters).unwrap());
    let unknown = Query::of_root_body(&types, &json!({ "sortBy": "shoeSize" }));
    assert_eq!(refusal(unknown), (400, Some(ScimType::InvalidPath)));
}
