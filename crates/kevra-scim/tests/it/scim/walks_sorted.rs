//! Orders, pages by number, `.search` and the root.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::unique;

use super::wire::{Reply, Tenant};

/// Five users of known names, in the order of creation.
fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| {
        let tenant = Tenant::new("sorted");
        for (name, family, title, mails) in [
            ("delta", Some("Berg"), Some("x"), vec![("z@a.test", false), ("b@a.test", true)]),
            ("Alpha", None, None, vec![("d@a.test", false)]),
            ("charlie", Some("ahn"), Some("X"), vec![]),
            ("Bravo", Some("Zed"), None, vec![("a@a.test", false), ("y@a.test", false)]),
            ("echo", Some("BERG"), Some("w"), vec![("c@a.test", true)]),
        ] {
            let mails: Vec<Value> = mails.iter().map(|(value, primary)| json!({ "value": value, "primary": primary })).collect();
            let body = json!({ "userName": name, "name": { "familyName": family }, "title": title, "emails": mails, "externalId": name });
            tenant.post("/Users", &body).expect(201);
        }
        tenant.post("/Groups", &json!({ "displayName": "Beta", "externalId": "g" })).expect(201);
        tenant.post("/Groups", &json!({ "displayName": "alpha" })).expect(201);
        tenant
    })
}

fn names(reply: &Reply) -> Vec<String> {
    let name =
        |resource: &Value| resource.get("userName").unwrap_or(&resource["displayName"]).as_str().unwrap().to_owned();
    reply.body["Resources"].as_array().unwrap().iter().map(name).collect()
}

#[test]
fn an_order_is_ascending_by_default_with_what_is_missing_last() {
    for (by, up, down) in [
        ("userName", "Alpha Bravo charlie delta echo", "echo delta charlie Bravo Alpha"),
        ("USERNAME", "Alpha Bravo charlie delta echo", "echo delta charlie Bravo Alpha"),
        ("name.familyName", "charlie delta echo Bravo Alpha", "Alpha Bravo delta echo charlie"),
        ("title", "echo delta charlie Alpha Bravo", "Alpha Bravo delta charlie echo"),
        ("emails", "Bravo delta echo Alpha charlie", "charlie Alpha echo delta Bravo"),
        ("emails.value", "Bravo delta echo Alpha charlie", "charlie Alpha echo delta Bravo"),
        ("externalId", "Alpha Bravo charlie delta echo", "echo delta charlie Bravo Alpha"),
        ("meta.created", "delta Alpha charlie Bravo echo", "echo Bravo charlie Alpha delta"),
        ("active", "delta Alpha charlie Bravo echo", "delta Alpha charlie Bravo echo"),
    ] {
        for (order, expected) in [("", up), ("&sortOrder=ascending", up), ("&sortOrder=Descending", down)] {
            let found = names(&tenant().get(&format!("/Users?sortBy={by}{order}")).expect(200)).join(" ");
            assert_eq!(found, expected, "{by}{order}");
            // Pages of it are parts of it.
            let mut paged = Vec::new();
            for start in [1, 3, 5] {
                paged.extend(names(
                    &tenant().get(&format!("/Users?sortBy={by}{order}&count=2&startIndex={start}")).expect(200),
                ));
            }
            assert_eq!(paged.join(" "), expected, "{by}{order}");
        }
    }
    let groups = tenant().get("/Groups?sortBy=displayName").expect(200);
    assert_eq!(names(&groups), ["alpha", "Beta"]);
    for query in ["sortBy=nothing", "sortBy=emails[type%20eq%20%22x%22]", "sortBy=userName&sortOrder=sideways"] {
        let reply = tenant().get(&format!("/Users?{query}"));
        assert!(reply.status == 400 || reply.status == 200, "{}", reply.text);
        assert!(reply.status == 200 || reply.body["scimType"].is_string(), "{}", reply.text);
    }
}

#[test]
fn a_search_is_a_get() {
    for (query, body) in [
        ("", json!({})),
        ("?count=2&startIndex=2", json!({ "count": 2, "startIndex": 2 })),
        ("?filter=title+pr", json!({ "filter": "title pr" })),
        (
            "?filter=title+pr&attributes=userName,title",
            json!({ "FILTER": "title pr", "Attributes": ["userName", "title"] }),
        ),
        (
            "?excludedAttributes=emails&sortBy=userName&sortOrder=descending",
            json!({ "excludedAttributes": ["emails"], "sortBy": "userName", "sortOrder": "descending" }),
        ),
        ("?count=0", json!({ "count": 0 })),
        ("?count=x", json!({ "count": "x" })),
        ("?filter=nonsense", json!({ "filter": "nonsense" })),
    ] {
        for endpoint in ["/Users", "/Groups"] {
            let searched = tenant().post(&format!("{endpoint}/.search"), &body);
            assert_eq!(searched.text, tenant().get(&format!("{endpoint}{query}")).text, "{endpoint}{query}");
        }
    }
    for body in
        [json!({ "count": [] }), json!({ "attributes": 5 }), json!({ "sortBy": {} }), json!({ "startIndex": "x" })]
    {
        assert_eq!(tenant().post("/Users/.search", &body).status, 400, "{body}");
    }
}

#[test]
fn the_root_asks_all_types_at_once() {
    let all = tenant().get("/").expect(200);
    assert_eq!(all.total(), 7);
    assert_eq!(names(&all), ["delta", "Alpha", "charlie", "Bravo", "echo", "Beta", "alpha"]);
    for (filter, total) in [
        ("externalId eq \"g\"", 1),
        ("userName pr", 5),
        ("displayName eq \"beta\"", 1),
        ("meta.resourceType eq \"Group\"", 2),
        ("title eq \"x\"", 2),
        ("not (userName pr)", 2),
    ] {
        let found = tenant().find("/", filter).expect(200);
        let searched = tenant().post("/.search", &json!({ "filter": filter })).expect(200);
        assert_eq!((found.total(), searched.text), (total, found.text.clone()), "{filter}");
    }
    let mut seen = BTreeSet::new();
    for start in [1, 4, 7, 10] {
        let page = tenant().get(&format!("/?count=3&startIndex={start}")).expect(200);
        assert_eq!(page.total(), 7);
        for name in names(&page) {
            assert!(seen.insert(name.clone()), "{name} came twice");
        }
    }
    assert_eq!(seen.len(), 7);
    tenant().find("/", "nothing eq 1").refused(400, Some("invalidFilter"));
    let cursor = tenant().get("/?cursor=");
    assert!(cursor.status == 200 || cursor.status == 501 || cursor.status == 400, "{}", cursor.text);
    assert_eq!(names(&tenant().get("/?sortBy=displayName&filter=displayName+pr")), ["alpha", "Beta"]);
}

#[test]
fn of_a_parameter_that_comes_twice_one_counts_everywhere() {
    let name = unique("twice");
    tenant().get(&format!("/Users?filter=userName+eq+%22{name}%22&filter=userName+pr")).expect(200);
    let reply = tenant().get("/Users?attributes=userName&attributes=title&count=1&count=2").expect(200);
    assert_eq!(reply.body["Resources"].as_array().unwrap().len(), 1);
    assert_eq!(tenant().get("/Users?unknown=1&filter=title+pr&$top=1").expect(200).total(), 3);
}
