//! What 64 KiB of hostile text cost: filters, paths and PATCH bodies made to hurt, each read and answered to its end.
//! `cargo bench -p scim` prints the median CPU time of each in microseconds, the worst first; the goal is a millisecond.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints its table")]

use std::hint::black_box;
use std::time::Duration;

use scim::filter::Filter;
use scim::patch::{self, Options};
use scim::schema::USER;
use scim::{Object, document, json as body};
use serde_json::{Value, json};

const SIZE: usize = 64 * 1_024;
const ROUNDS: usize = 21;
const GOAL: Duration = Duration::from_millis(1);

const PIECES: [&str; 28] = [
    "(",
    ")",
    "not (",
    "a.",
    "[",
    "]",
    "\"\\",
    "\\",
    "\"",
    "emails[",
    "emails[type eq \"x\" and ",
    "title pr or ",
    "title eq \"x\" or ",
    "emails[type eq \"x\"].value eq \"y\" and ",
    " ",
    "\u{0}",
    "ü",
    "İ",
    "e\u{301}",
    "😀",
    "urn:",
    "urn:ietf:params:scim:schemas:core:2.0:User:title eq \"x\" and ",
    "9",
    "1e",
    "null ",
    "(title pr) and (",
    "\\u0041",
    "\t",
];

fn texts() -> Vec<(String, String)> {
    let long = PIECES.iter().map(|piece| (format!("64 KiB of {piece:?}"), piece.repeat(SIZE / piece.len())));
    let within = PIECES.iter().map(|piece| (format!("2,000 bytes of {piece:?}"), piece.repeat(2_000 / piece.len())));
    let mut texts: Vec<(String, String)> = long.chain(within).collect();
    texts.push(("a string of 64 KiB".to_owned(), format!("title eq \"{}\"", "x".repeat(SIZE))));
    let terms = vec!["emails[type eq \"work\" or value co \"a\"]"; 32].join(" and ");
    texts.push(("64 terms".to_owned(), terms));
    texts
}

/// A user as a person has one: ten values in each list.
fn person() -> Object {
    let values = |name: &str| (0..10).map(|id| json!({ "value": format!("{name}{id}"), "type": "work" })).collect();
    let lists =
        ["emails", "roles", "phoneNumbers", "entitlements"].map(|name| (name.to_owned(), Value::Array(values(name))));
    let mut person = json!({ "userName": "ada@acme.test", "name": { "givenName": "Ada" }, "active": true });
    person.as_object_mut().unwrap().extend(lists);
    document::accept(&USER, &person).unwrap()
}

/// As many operations as fit.
fn operations(one: &Value) -> Value {
    let count = (SIZE / one.to_string().len()).clamp(1, patch::MAX_OPERATIONS);
    json!({ "Operations": vec![one.clone(); count] })
}

fn bodies() -> Vec<(String, String)> {
    let mut bodies: Vec<(String, Value)> = Vec::new();
    let terms = vec!["type eq \"home\""; 60].join(" or ");
    for (name, one) in [
        ("the shortest operations", json!({ "op": "add", "path": "title", "value": "x" })),
        ("removals by value", json!({ "op": "remove", "path": "roles[value eq \"none\"]" })),
        ("replacements by value", json!({ "op": "replace", "path": "roles[value eq \"roles9\"].type", "value": "x" })),
        ("sixty terms in a path", json!({ "op": "remove", "path": format!("emails[{terms}]") })),
        ("additions to a list", json!({ "op": "add", "path": "emails", "value": { "value": "emails3", "type": "x" } })),
        ("primaries", json!({ "op": "add", "path": "roles[value sw \"roles\"].primary", "value": true })),
        ("keys without path", json!({ "op": "add", "value": { "name.givenName": "x", "title": "y", "nothing": 1 } })),
        (
            "managers",
            json!({ "op": "add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "m" }),
        ),
    ] {
        bodies.push((format!("operations: {name}"), operations(&one)));
    }
    let different: Vec<Value> = (0..1_000)
        .map(|id| json!({ "op": "add", "path": "roles", "value": { "value": format!("new-{id}") } }))
        .collect();
    bodies.push(("operations: a list that grows".to_owned(), json!({ "Operations": different })));
    let emails: Vec<Value> = (0..1_500).map(|id| json!({ "value": format!("{id}@x"), "primary": "True" })).collect();
    bodies.push((
        "a long list".to_owned(),
        json!({ "Operations": [{ "op": "add", "path": "emails", "value": emails }] }),
    ));
    let keys: Object = (0..2_000).map(|id| (format!("emails[type eq \"{id}\"].value"), json!("x"))).collect();
    bodies.push(("value paths as keys".to_owned(), json!({ "Operations": [{ "op": "add", "value": keys }] })));
    for (name, text) in texts() {
        bodies.push((
            format!("path: {name}"),
            json!({ "Operations": [{ "op": "replace", "path": text, "value": "x" }] }),
        ));
        bodies.push((format!("key: {name}"), json!({ "Operations": [{ "op": "replace", "value": { text: "x" } }] })));
    }
    bodies.into_iter().map(|(name, body)| (name, body.to_string())).collect()
}

/// CPU time of this thread: what else the machine does is no cost of ours.
fn clock() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = clock();
            work();
            clock().saturating_sub(began)
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}

fn print(what: &str, mut measured: Vec<(String, Duration)>) {
    measured.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let over = measured.iter().filter(|(_, time)| *time > GOAL).count();
    println!("{what}: {} texts, {over} over a millisecond", measured.len());
    for (name, time) in measured.iter().take(8) {
        println!("{:>10.1} µs  {name}", time.as_secs_f64() * 1e6);
    }
}

fn main() {
    let person = person();
    let shown = document::render(
        &USER,
        person.clone(),
        &document::Meta { id: "1", created: 0, last_modified: 0, version: 1, base_url: "" },
    );
    let filters = texts().into_iter().map(|(name, text)| {
        let work = || drop(black_box(Filter::parse(&USER, &text).map(|filter| filter.matches(&shown))));
        (name, median(work))
    });
    print("filters", filters.collect());
    let paths = texts().into_iter().map(|(name, text)| {
        let patch = json!({ "Operations": [{ "op": "replace", "path": text, "value": "x" }] });
        let work = || {
            let patch = patch::parse(&patch).unwrap();
            drop(black_box(patch::apply(&USER, &person, &patch, Options::default())));
        };
        (name, median(work))
    });
    print("paths", paths.collect());
    let patches = bodies().into_iter().map(|(name, text)| {
        let work = || {
            let patch = body::parse(text.as_bytes()).and_then(|body| patch::parse(&body));
            drop(black_box(patch.and_then(|patch| patch::apply(&USER, &person, &patch, Options::default()))));
        };
        (name, median(work))
    });
    print("PATCH bodies", patches.collect());
}
