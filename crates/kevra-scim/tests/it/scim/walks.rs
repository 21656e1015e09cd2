//! Paging by cursor (RFC 9865): walks while others write, and cursors that are no good.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use testkit::unique;

use super::wire::{Reply, Tenant, at_once};

/// All pages of a walk.
fn walk(tenant: &Tenant, query: &str) -> Vec<Reply> {
    let mut pages: Vec<Reply> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = tenant.get(&format!("{query}&cursor={cursor}")).expect(200);
        assert!(
            pages.is_empty() != page.body.get("previousCursor").is_none() || page.body.get("previousCursor").is_none()
        );
        let next = page.body["nextCursor"].as_str().map(str::to_owned);
        pages.push(page);
        match next {
            Some(next) => {
                assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)), "{next}");
                cursor = next;
            }
            None => return pages,
        }
        assert!(pages.len() < 1_000, "the walk does not end");
    }
}

fn ids(pages: &[Reply]) -> Vec<String> {
    let resources = pages.iter().flat_map(|page| page.body["Resources"].as_array().unwrap());
    resources.map(|resource| resource["id"].as_str().unwrap().to_owned()).collect()
}

/// Walks while another thread creates, changes and deletes: who was there throughout comes exactly once.
fn walked_amid_writes(endpoint: &str, query: &str) {
    let tenant = Tenant::new("walks");
    let body = |number: usize| json!({ "userName": unique("w"), "displayName": unique("w"), "title": format!("t{}", number % 5), "externalId": unique("e") });
    let lasting: Vec<String> =
        (0..40).map(|number| tenant.post(endpoint, &body(number)).expect(201).id().to_owned()).collect();
    let (done, path) = (AtomicBool::new(false), |id: &str| format!("{endpoint}/{id}"));
    let results = at_once(2, |role| {
        if role == 0 {
            let mut passing = Vec::new();
            for number in 0.. {
                if done.load(Ordering::SeqCst) {
                    break;
                }
                passing.push(tenant.post(endpoint, &body(number)).expect(201).id().to_owned());
                // Changed in what no walk here is sorted or filtered by.
                let change = json!([{ "op": "replace", "path": "externalId", "value": unique("x") }]);
                tenant.patch(&path(&lasting[number * 7 % 40]), &change).expect(200);
                if number % 2 == 0 {
                    tenant.delete(&path(&passing.swap_remove(0))).expect(204);
                }
            }
            return Vec::new();
        }
        let walks = (0..4).map(|_| ids(&walk(&tenant, &format!("{endpoint}?count=7{query}")))).collect::<Vec<_>>();
        done.store(true, Ordering::SeqCst);
        walks
    });
    for seen in &results[1] {
        let mut times: HashMap<&str, usize> = HashMap::new();
        for id in seen {
            *times.entry(id.as_str()).or_default() += 1;
        }
        assert!(times.values().all(|times| *times == 1), "{endpoint}{query}: one came twice");
        for id in &lasting {
            assert!(times.contains_key(id.as_str()), "{endpoint}{query}: one was skipped");
        }
    }
}

#[test]
fn a_walk_over_users_meets_everybody_once_whatever_is_written_meanwhile() {
    walked_amid_writes("/Users", "");
}

#[test]
fn so_does_one_in_an_order() {
    walked_amid_writes("/Users", "&sortBy=title");
}

#[test]
fn so_does_one_of_a_filter() {
    walked_amid_writes("/Users", "&filter=title+sw+%22t%22");
}

#[test]
fn so_does_one_of_a_filter_in_descending_order() {
    walked_amid_writes("/Users", "&filter=title+sw+%22t%22&sortBy=userName&sortOrder=descending");
}

#[test]
fn so_does_one_over_groups() {
    walked_amid_writes("/Groups", "");
}

#[test]
fn so_does_one_over_groups_in_an_order() {
    walked_amid_writes("/Groups", "&sortBy=displayName&filter=displayName+pr");
}

#[test]
fn a_walk_has_a_next_page_until_there_is_none() {
    let tenant = Tenant::new("walks");
    let everybody = tenant.users(10);
    for (count, pages) in [(3, 4), (5, 2), (10, 1), (100, 1)] {
        let walked = walk(&tenant, &format!("/Users?count={count}"));
        assert_eq!((walked.len(), ids(&walked)), (pages, everybody.clone()));
        for page in &walked {
            assert_eq!(page.total(), 10);
            assert_eq!(page.body["itemsPerPage"], page.body["Resources"].as_array().unwrap().len());
        }
    }
    // The count of the first page is the walk's where it is left out later.
    let first = tenant.get("/Users?count=4&cursor=").expect(200);
    let second = tenant.get(&format!("/Users?cursor={}", first.body["nextCursor"].as_str().unwrap())).expect(200);
    assert_eq!(second.body["itemsPerPage"], 4);
    let searched =
        tenant.post("/Users/.search", &json!({ "count": 4, "cursor": first.body["nextCursor"] })).expect(200);
    assert_eq!(searched.body["Resources"], second.body["Resources"]);
    assert_eq!(tenant.get("/Users?count=0&cursor=").expect(200).total(), 10);
    assert!(tenant.get("/Users?count=4").body.get("nextCursor").is_none(), "index paging is the default");
}

#[test]
fn a_cursor_is_good_for_its_own_walk_alone() {
    let (tenant, other) = (Tenant::new("walks"), Tenant::new("walks"));
    tenant.users(6);
    other.users(6);
    tenant.group(&[]);
    let cursor = |tenant: &Tenant, query: &str| {
        tenant.get(&format!("{query}&cursor=")).expect(200).body["nextCursor"].as_str().unwrap().to_owned()
    };
    let mine = cursor(&tenant, "/Users?count=2");
    let foreign = cursor(&other, "/Users?count=2");
    let mut forged = mine.clone().into_bytes();
    forged[20] = if forged[20] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for (query, cursor, kind) in [
        ("/Users?count=2", foreign.as_str(), "invalidCursor"),
        ("/Users?count=2", &forged, "invalidCursor"),
        ("/Users?count=2", &mine[..mine.len() - 2], "invalidCursor"),
        ("/Users?count=2", "nonsense", "invalidCursor"),
        ("/Users?count=2", "%00", "invalidCursor"),
        ("/Users?count=2", &"A".repeat(6_000), "invalidCursor"),
        ("/Groups?count=2", &mine, "invalidCursor"),
        ("/Users?count=3", &mine, "invalidCount"),
        ("/Users?count=2&filter=userName+pr", &mine, "invalidCursor"),
        ("/Users?count=2&sortBy=userName", &mine, "invalidCursor"),
    ] {
        tenant.get(&format!("{query}&cursor={cursor}")).refused(400, Some(kind));
    }
    tenant.post("/Users/.search", &json!({ "count": 2, "cursor": 5 })).refused(400, Some("invalidCursor"));
    // It is good again and again, and after its resource is gone too.
    let second = tenant.get(&format!("/Users?count=2&cursor={mine}")).expect(200);
    let first = tenant.get("/Users?count=2").body["Resources"][1]["id"].as_str().unwrap().to_owned();
    tenant.delete(&format!("/Users/{first}")).expect(204);
    let after = tenant.get(&format!("/Users?count=2&cursor={mine}")).expect(200);
    let ids = |reply: &Reply| {
        reply.body["Resources"].as_array().unwrap().iter().map(|user| user["id"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(ids(&after), ids(&second));
}
