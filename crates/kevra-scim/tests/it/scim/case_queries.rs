//! Queries that broke real integrations: cases 28 to 39 of the reference's section 5.

use std::sync::OnceLock;

use serde_json::json;
use testkit::unique;

use super::wire::{ENTERPRISE, Tenant};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("queries"))
}

/// A filter as a client puts it into a URL: everything but letters and digits encoded.
fn encoded(filter: &str) -> String {
    filter
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[test]
fn case_28_a_filter_that_does_not_parse_never_lists_everybody() {
    tenant().user(&json!({ "title": "t" }));
    let long = format!("userName eq \"{}\"", "x".repeat(2_100));
    let many = vec!["userName eq \"x\""; 65].join(" or ");
    let deep = format!("{}userName pr{}", "(".repeat(300), ")".repeat(300));
    for filter in [
        "",
        " ",
        "userName",
        "userName eq",
        "userName xx \"a\"",
        "userName regex \"a\"",
        "userName eq \"a\" xor title pr",
        "userName eq \"a",
        "(userName eq \"a\"",
        "userName eq \"a\")",
        "emails[type eq \"work\"",
        "emails[]",
        "not userName pr",
        "eq \"a\"",
        "userName eq \"a\" and",
        "and",
        "userName eq \"a\" userName eq \"b\"",
        "userName eq 'a'",
        "active gt true",
        "nothing eq \"x\"",
        "userName.x eq \"a\"",
        "userName eq \"\\x\"",
        "1 eq 1",
        "true",
        "*",
        "userName eq \"a\";drop table users",
        "password pr and",
        "\0",
        &"[".repeat(5_000),
        &"(".repeat(2_000),
        &"not (".repeat(300),
        &long,
        &many,
        &deep,
        &"userName pr or ".repeat(140),
    ] {
        for endpoint in ["/Users", "/Groups"] {
            let got = tenant().get(&format!("{endpoint}?filter={}", encoded(filter)));
            let searched = tenant().post(&format!("{endpoint}/.search"), &json!({ "filter": filter }));
            assert_eq!(got.text, searched.text, "{filter}");
            if filter.starts_with("nothing") && got.status == 200 {
                assert_eq!(got.total(), 0);
            } else {
                got.refused(400, Some("invalidFilter"));
            }
        }
    }
    for body in [json!({ "filter": 5 }), json!({ "filter": ["userName pr"] }), json!({ "filter": {} })] {
        tenant().post("/Users/.search", &body).refused(400, Some("invalidFilter"));
    }
}

#[test]
fn case_29_values_are_decoded_once_and_then_read_as_json_strings() {
    for value in [
        "a b",
        "O'Brien",
        "say \"hi\"",
        "back\\slash",
        "a&b=c?d#e",
        "100%",
        "literal%20twenty",
        "%2B",
        "[x]",
        "(y)",
        "a,b",
        "Zoë",
        "日本",
        "🦀",
        "a+b",
        "a\tb",
        "' or 1=1 --",
        "%",
        "_",
        "a%b",
        "a_b",
        "null",
        "*",
    ] {
        let name = format!("{value}{}", unique("n"));
        let (path, _) = tenant().user(&json!({ "userName": name, "displayName": value }));
        let literal = serde_json::to_string(&name).unwrap();
        let found = tenant().get(&format!("/Users?filter=userName%20eq%20{}", encoded(&literal))).expect(200);
        assert_eq!(
            (found.total(), found.body["Resources"][0]["id"].as_str()),
            (1, path.strip_prefix("/Users/")),
            "{value:?}"
        );
        let whole = serde_json::to_string(value).unwrap();
        for operator in ["eq", "co", "sw", "ew"] {
            let filter = format!("displayName {operator} {whole} and userName eq {literal}");
            assert_eq!(tenant().find("/Users", &filter).expect(200).total(), 1, "{filter}");
        }
    }
    let (_, name) = tenant().user(&json!({ "userName": unique("esc\u{e9}") }));
    let escaped = name.replace('\u{e9}', "\\u00e9");
    assert_eq!(tenant().find("/Users", &format!("userName eq \"{escaped}\"")).total(), 1);
}

#[test]
fn case_30_a_plus_is_a_space_and_an_encoded_plus_a_plus() {
    let tag = unique("tag");
    tenant().user(&json!({ "userName": format!("user+{tag}@x.test") }));
    assert_eq!(tenant().get(&format!("/Users?filter=userName+eq+%22user%2B{tag}@x.test%22")).expect(200).total(), 1);
    assert_eq!(tenant().get(&format!("/Users?filter=userName+eq+%22user+{tag}@x.test%22")).expect(200).total(), 0);
}

#[test]
fn case_31_emails_are_found_in_every_spelling() {
    let mail = format!("{}@acme.test", unique("mail"));
    tenant().user(
        &json!({ "emails": [{ "type": "work", "value": mail }, { "type": "home", "value": format!("home-{mail}") }] }),
    );
    for filter in [
        "emails[type eq \"work\"].value eq \"M\"",
        "emails[type eq \"work\" and value eq \"M\"]",
        "emails.value eq \"M\"",
        "emails eq \"M\"",
        "email.value eq \"M\"",
        "emails co \"M\"",
        "EMAILS[TYPE EQ \"WORK\"].VALUE EQ \"M\"",
        "emails[type eq \"home\"].value ew \"M\"",
        "emails.type eq \"home\" and emails.value eq \"M\"",
    ] {
        let filter = filter.replace("\"M\"", &format!("\"{mail}\""));
        let found = tenant().find("/Users", &filter).expect(200);
        assert_eq!(found.total(), 1, "{filter}");
    }
    for filter in [
        "emails[type eq \"home\"].value eq \"M\"",
        "emails[type eq \"home\" and value eq \"M\"]",
        "emails ne \"M\" and emails eq \"none\"",
    ] {
        assert_eq!(
            tenant().find("/Users", &filter.replace("\"M\"", &format!("\"{mail}\""))).expect(200).total(),
            0,
            "{filter}"
        );
    }
}

#[test]
fn cases_32_and_33_names_and_operators_know_no_letter_case_nor_does_a_user_name() {
    let (_, name) = tenant().user(&json!({ "userName": format!("MiXed-{}", unique("Case")), "title": "Tsar" }));
    for filter in [
        "username Eq \"N\"",
        "USERNAME EQ \"N\"",
        "uSeRnAmE eQ \"N\" AND TITLE CO \"sA\"",
        "NOT (userName NE \"N\")",
        "URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:USERNAME EQ \"N\"",
    ] {
        for name in [name.clone(), name.to_lowercase(), name.to_uppercase()] {
            let filter =
                filter.replace('N', "\u{1}").replace("\"\u{1}\"", &format!("\"{name}\"")).replace('\u{1}', "N");
            assert_eq!(tenant().find("/Users", &filter).expect(200).total(), 1, "{filter}");
        }
    }
    tenant().post("/Users", &json!({ "userName": name.to_lowercase() })).refused(409, Some("uniqueness"));
    let (_, group) = tenant().group(&[]);
    assert_eq!(tenant().find("/Groups", &format!("DisplayName EQ \"{}\"", group.to_uppercase())).total(), 1);
    tenant().post("/Groups", &json!({ "displayName": group.to_uppercase() })).refused(409, Some("uniqueness"));
    // Compared as prepared: composed and decomposed, wide and narrow are one name.
    let one = unique("caf\u{e9}");
    tenant().user(&json!({ "userName": one }));
    tenant().post("/Users", &json!({ "userName": one.replace('\u{e9}', "e\u{301}") })).refused(409, Some("uniqueness"));
    assert_eq!(tenant().find("/Users", &format!("userName eq \"{}\"", one.replace('\u{e9}', "e\u{301}"))).total(), 1);
}

#[test]
fn case_34_an_external_id_is_compared_exactly() {
    let external = unique("Ext");
    let other = external.to_uppercase();
    let (one, _) = tenant().user(&json!({ "externalId": external }));
    let (two, _) = tenant().user(&json!({ "externalId": other }));
    for (value, path) in [(&external, &one), (&other, &two)] {
        let found = tenant().find("/Users", &format!("externalId eq \"{value}\"")).expect(200);
        assert_eq!((found.total(), found.body["Resources"][0]["id"].as_str()), (1, path.strip_prefix("/Users/")));
    }
}

#[test]
fn cases_35_to_37_pages_are_stable_counted_and_clamped() {
    let tenant = Tenant::new("paging");
    let ids = tenant.users(7);
    for (query, start, count) in [
        ("", 1, 7),
        ("count=3", 1, 3),
        ("startIndex=6&count=3", 6, 2),
        ("startIndex=0&count=2", 1, 2),
        ("startIndex=-5&count=2", 1, 2),
        ("count=0", 1, 0),
        ("count=-1", 1, 0),
        ("startIndex=8", 8, 0),
        ("startIndex=4294967296&count=5", 0, 0),
        ("count=1000000000", 1, 7),
        ("count=999999999999999999999", 1, 7),
        ("STARTINDEX=2&COUNT=2", 2, 2),
    ] {
        let page = tenant.get(&format!("/Users?{query}")).expect(200);
        assert_eq!((page.total(), &page.body["itemsPerPage"]), (7, &json!(count)), "{query}");
        let found: Vec<&str> =
            page.body["Resources"].as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap()).collect();
        assert_eq!(found.len(), count, "{query}");
        if start > 0 {
            assert_eq!(page.body["startIndex"], start, "{query}");
            assert_eq!(found, ids.iter().skip(start - 1).take(count).collect::<Vec<_>>(), "{query}");
        }
    }
    for query in ["startIndex=x", "count=x", "count=1.5", "count=", "startIndex=0x1"] {
        let reply = tenant.get(&format!("/Users?{query}"));
        if query != "count=" || reply.status != 200 {
            reply.refused(400, Some("invalidValue"));
        }
    }
}

#[test]
fn case_38_who_is_disabled_is_found_all_the_same() {
    let (path, name) = tenant().user(&json!({ "active": false, "externalId": unique("off") }));
    for filter in [
        format!("userName eq \"{name}\""),
        format!("active eq false and userName eq \"{name}\""),
        format!("id eq \"{}\"", &path["/Users/".len()..]),
    ] {
        let found = tenant().find("/Users", &filter).expect(200);
        assert_eq!((found.total(), &found.body["Resources"][0]["active"]), (1, &json!(false)), "{filter}");
    }
    assert_eq!(tenant().find("/Users", &format!("active eq true and userName eq \"{name}\"")).total(), 0);
}

#[test]
fn case_39_members_are_left_out_where_they_are_not_wanted() {
    let (path, name) = tenant().group(&tenant().users(2));
    for query in [
        format!("{path}?excludedAttributes=members"),
        format!("{path}?attributes=displayName"),
        format!("{path}?EXCLUDEDATTRIBUTES=MEMBERS"),
        format!("/Groups?excludedAttributes=members&filter=displayName+eq+%22{name}%22"),
    ] {
        let reply = tenant().get(&query).expect(200);
        assert!(!reply.text.contains("members") && reply.text.contains(&name), "{}", reply.text);
    }
    assert!(tenant().get(&format!("{path}?attributes=members.value")).expect(200).values("members").len() == 2);
}

#[test]
fn every_operator_on_every_kind_of_attribute_is_answered() {
    let mine = unique("ops");
    tenant().user(&json!({ "title": mine, "nickName": "N", "emails": [{ "value": "a@b.test", "type": "work", "primary": true }], "active": true,
        "x509Certificates": [{ "value": "AAAA" }], "profileUrl": "https://acme.test/a", ENTERPRISE: { "manager": { "value": "m" } } }));
    let attributes = [
        "userName",
        "title",
        "active",
        "emails",
        "emails.value",
        "emails.primary",
        "name",
        "name.givenName",
        "meta.created",
        "meta.lastModified",
        "meta",
        "meta.version",
        "id",
        "schemas",
        "externalId",
        "x509Certificates",
        "x509Certificates.value",
        "profileUrl",
        "groups",
        "groups.value",
        "manager",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "password",
        "roles",
    ];
    let values = [json!("a"), json!(true), json!(null), json!("2020-01-01T00:00:00+02:00")];
    for attribute in attributes {
        for operator in ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"] {
            for value in &values {
                let filter = format!("title eq \"{mine}\" and {attribute} {operator} {value}");
                let (yes, no) = (
                    tenant().find("/Users", &filter),
                    tenant().find("/Users", &format!("title eq \"{mine}\" and not ({attribute} {operator} {value})")),
                );
                assert!(yes.status == 200 || yes.status == 400, "{filter}: {}", yes.text);
                assert_eq!(yes.status, no.status, "{filter}");
                if yes.status == 200 {
                    assert_eq!(yes.total() + no.total(), 1, "{filter}");
                } else {
                    yes.refused(400, Some("invalidFilter"));
                }
            }
        }
    }
}
