//! Queries over several types, page by page: users first, then groups, or in the order asked for.

use serde_json::{Value, json};

use crate::served::{Served, served};

fn populate(served: &Served) -> Vec<String> {
    let id = |(status, made): (u16, Value)| {
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    // In turn, so that the order of creation alone would mix them.
    let made: Vec<(String, String)> = (0..5)
        .map(|number| {
            let user =
                json!({ "userName": format!("u{number}"), "displayName": format!("{}", 9 - number), "title": "t" });
            let group = json!({ "displayName": format!("{}", 5 - number) });
            (id(served.send("POST", "/Users", Some(&user))), id(served.send("POST", "/Groups", Some(&group))))
        })
        .collect();
    made.iter().map(|(user, _)| user).chain(made.iter().map(|(_, group)| group)).cloned().collect()
}

fn ids(page: &Value) -> Vec<String> {
    page["Resources"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// Walks by cursor in pages of a size; what was seen.
fn walked(served: &Served, size: usize, more: &str) -> Vec<String> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = served.send("GET", &format!("/?count={size}&cursor={cursor}{more}"), None);
        assert_eq!(status, 200, "{page}");
        assert!(ids(&page).len() <= size);
        seen.extend(ids(&page));
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return seen,
        }
    }
}

#[test]
fn a_walk_by_cursor_over_all_types_returns_everything_once() {
    served(|served| {
        let all = populate(served);
        for size in 1..=11 {
            assert_eq!(walked(served, size, ""), all, "pages of {size}");
            // What the database does not answer is walked in memory, in the same order.
            let some = walked(served, size, "&filter=title+pr+or+displayName+co+%221%22");
            assert_eq!(some, [&all[..5], &all[9..]].concat(), "pages of {size}");
            let sorted = walked(served, size, "&sortBy=displayName");
            // Groups are called 5 to 1, users 9 to 5: of two fives the one made first comes first.
            let expected: Vec<String> = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map(|place: usize| all[place].clone()).to_vec();
            assert_eq!(sorted, expected, "pages of {size}");
        }
        let (_, page) = served.send("GET", "/?count=3&cursor=", None);
        assert_eq!((&page["totalResults"], ids(&page).as_slice()), (&json!(10), &all[..3]));
        let next = page["nextCursor"].as_str().unwrap();
        for (query, kind) in [("count=4", "invalidCount"), ("filter=title+pr", "invalidCursor")] {
            let (status, error) = served.send("GET", &format!("/?cursor={next}&{query}"), None);
            assert_eq!((status, &error["scimType"]), (400, &json!(kind)));
        }
        let (status, error) = served.send("GET", &format!("/Users?cursor={next}"), None);
        assert_eq!((status, &error["scimType"]), (400, &json!("invalidCursor")), "a cursor of another endpoint");
    });
}

#[test]
fn a_walk_goes_on_whatever_is_written_meanwhile() {
    served(|served| {
        let all = populate(served);
        let (_, page) = served.send("GET", "/?count=4&cursor=", None);
        let mut seen = ids(&page);
        let last = format!("/Users/{}", seen.last().unwrap());
        assert_eq!(served.send("DELETE", &last, None).0, 204, "the place itself may go");
        let (_, made) = served.send("POST", "/Users", Some(&json!({ "userName": "late" })));
        let (_, rest) = served.send("GET", &format!("/?cursor={}", page["nextCursor"].as_str().unwrap()), None);
        seen.extend(ids(&rest));
        let late = made["id"].as_str().unwrap().to_owned();
        let expected: Vec<String> = all[..5].iter().chain([&late]).chain(&all[5..]).take(8).cloned().collect();
        assert_eq!(seen, expected);
    });
}

#[test]
fn pages_by_number_cover_all_types_and_cost_a_statement_for_each() {
    served(|served| {
        let all = populate(served);
        for size in 1..=11 {
            let mut seen = Vec::new();
            for start in (1..=10).step_by(size) {
                let (page, statements) = served.call("GET", &format!("/?startIndex={start}&count={size}"), None);
                assert_eq!(page["totalResults"], 10);
                assert!(statements.len() <= 3, "{}", statements.join("\n\n"));
                seen.extend(ids(&page));
            }
            assert_eq!(seen, all, "pages of {size}");
        }
        let (page, _) = served.call("GET", "/?startIndex=99", None);
        assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(10), &json!(0)));
        let (page, _) = served.call("POST", "/.search", Some(&json!({ "filter": "displayName eq \"3\"" })));
        assert_eq!(ids(&page), all[7..8]);
    });
}
