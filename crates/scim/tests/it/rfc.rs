//! The examples of RFC 7644: the filters of Figure 3 and the operations of §3.5.2.

use scim::filter::Filter;
use scim::schema::{GROUP, USER};
use serde_json::{Value, json};

use crate::support::*;

fn barbara() -> scim::Object {
    user(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": "bjensen",
        "userName": "bjensen",
        "name": { "formatted": "Ms. Barbara J Jensen III", "familyName": "Jensen", "givenName": "Barbara" },
        "title": "Vice President",
        "userType": "Employee",
        "emails": [
            { "value": "bjensen@example.com", "type": "work", "primary": true }, { "value": "babs@jensen.org", "type": "home" }
        ],
        "ims": [{ "value": "someaimhandle", "type": "aim" }],
        "addresses": [{ "type": "work", "streetAddress": "100 Universal City Plaza", "region": "CA" }]
    }))
}

#[test]
fn the_filters_of_figure_3_find_who_they_should() {
    for (filter, found) in [
        (r#"userName eq "bjensen""#, true),
        (r#"name.familyName co "O'Malley""#, false),
        (r#"userName sw "J""#, false),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "B""#, true),
        ("title pr", true),
        (r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, true),
        (r#"meta.lastModified ge "2011-05-13T04:42:34Z""#, true),
        (r#"meta.lastModified lt "2011-05-13T04:42:34Z""#, false),
        (r#"meta.lastModified le "2011-05-13T04:42:34Z""#, false),
        (r#"title pr and userType eq "Employee""#, true),
        (r#"title pr or userType eq "Intern""#, true),
        (r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#, false),
        (r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#, true),
        (r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#, false),
        (r#"userType eq "Employee" and (emails.type eq "work")"#, true),
        (r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#, true),
        (r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#, true),
        (r#"emails[type eq "home" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#, false),
    ] {
        let filter = Filter::parse(&USER, filter).unwrap();
        assert_eq!(filter.matches(&rendered(&USER, &barbara())), found, "{filter}");
    }
}

#[test]
fn members_are_added_and_removed_as_in_the_examples() {
    let team = group(json!({ "displayName": "Tour Guides", "members": [
        { "value": "2819c223-7f76-453a-919d-413861904646", "$ref": "../Users/2819", "display": "Babs" },
        { "value": "902c246b-6245-4190-8e05-00816be7344a", "display": "Mandy" }
    ] }));
    let added = patched_group(
        &team,
        json!([{ "op": "add", "path": "members", "value": [
        { "display": "Babs Jensen", "$ref": "https://example.com/v2/Users/2819c223", "value": "new" }
    ] }]),
    );
    assert_eq!(added["members"][2], json!({ "value": "new", "type": "User", "display": "Babs Jensen" }));
    // The RFC's own example leaves out a space.
    let path = "members[value eq\"2819c223-7f76-453a-919d-413861904646\"]";
    assert_eq!(
        ids(&patched_group(&team, json!([{ "op": "remove", "path": path }]))),
        ["902c246b-6245-4190-8e05-00816be7344a"]
    );
    assert!(ids(&patched_group(&team, json!([{ "op": "remove", "path": "members" }]))).is_empty());
    let swap = patched_group(
        &team,
        json!([
            { "op": "remove", "path": path },
            { "op": "add", "path": "members", "value": [{ "display": "James", "value": "08e1d05d" }] }
        ]),
    );
    assert_eq!(ids(&swap), ["902c246b-6245-4190-8e05-00816be7344a", "08e1d05d"]);
    let swap = patched_group(
        &team,
        json!([{ "op": "replace", "path": "members", "value": [{ "value": "x" }, { "value": "y" }] }]),
    );
    assert_eq!(ids(&swap), ["x", "y"]);
}

#[test]
fn attributes_change_as_in_the_examples() {
    let after = patched(
        &barbara(),
        json!([{ "op": "add", "value": {
        "emails": [{ "value": "babs@jensen.org", "type": "home" }], "nickName": "Babs"
    } }]),
    );
    assert_eq!((after["emails"].as_array().unwrap().len(), &after["nickName"]), (2, &json!("Babs")));
    let path = "emails[type eq \"work\" and value ew \"example.com\"]";
    let after = patched(&barbara(), json!([{ "op": "remove", "path": path }]));
    assert_eq!(after["emails"], json!([{ "value": "babs@jensen.org", "type": "home" }]));
    let new = json!({ "type": "work", "streetAddress": "911 Universal City Plaza", "locality": "Hollywood", "primary": true });
    let after = patched(&barbara(), json!([{ "op": "replace", "path": "addresses[type eq \"work\"]", "value": new }]));
    assert_eq!(after["addresses"], json!([new]));
    let path = "addresses[type eq \"work\"].streetAddress";
    let after = patched(&barbara(), json!([{ "op": "replace", "path": path, "value": "1010 Broadway Ave" }]));
    assert_eq!(after["addresses"][0], json!({ "type": "work", "streetAddress": "1010 Broadway Ave", "region": "CA" }));
    let emails: Value = json!([{ "value": "bjensen@example.com", "type": "work", "primary": true }]);
    let after = patched(&barbara(), json!([{ "op": "replace", "value": { "emails": emails, "nickName": "Babs" } }]));
    assert_eq!(after["emails"], emails);
}

#[test]
fn a_group_has_no_attributes_of_users() {
    assert!(Filter::parse(&GROUP, "userName pr").is_err());
    assert!(
        try_patch(&GROUP, &group(json!({ "displayName": "x" })), json!([{ "op": "remove", "path": "emails" }]))
            .is_err()
    );
}
