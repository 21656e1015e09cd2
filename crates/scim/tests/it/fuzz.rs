//! A bounded, seeded mutation fuzzer over the corpus in `tests/corpus`: nothing may panic, and what is accepted keeps
//! the laws. `SCIM_FUZZ_SECONDS` bounds each target, `SCIM_FUZZ_SEED` makes another run of it.

use std::path::Path;
use std::time::{Duration, Instant};

use scim::filter::Filter;
use scim::patch::{self, Options};
use scim::schema::{GROUP, USER};
use scim::{bulk, document, json as body, members};

use crate::support::*;

#[expect(clippy::disallowed_methods, reason = "the length of a fuzzing run is the developer's to say")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A small generator (xorshift), so that a run can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }
}

const TOKENS: [&str; 40] = [
    "\"",
    "\\",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    ".",
    " ",
    "eq",
    "ne",
    "pr",
    "and",
    "or",
    "not",
    "null",
    "true",
    "\"value\"",
    "\"op\"",
    "\"path\"",
    "\"remove\"",
    "members",
    "emails",
    "type",
    "value",
    "bulkId:a",
    "bulkId:b",
    "[]",
    "{}",
    "\"\"",
    "-1",
    "1e9",
    "\u{0}",
    "é",
    "\\u0041",
    "urn:ietf:params:scim:schemas:core:2.0:User:",
    "primary",
];

/// One change of an input: bytes and words in, out, moved, doubled; pieces of another input.
fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let to = (at + random.below(8)).min(input.len());
    match random.below(7) {
        0 => drop(input.splice(at..at, TOKENS[random.below(TOKENS.len())].bytes())),
        1 => drop(input.drain(at..to)),
        2 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        3 => drop(input.splice(at..to, TOKENS[random.below(TOKENS.len())].bytes())),
        4 => {
            let piece = input[at..to].to_vec();
            input.splice(at..at, piece.repeat(1 + random.below(20)));
        }
        5 => {
            let from = random.below(other.len() + 1);
            let until = (from + random.below(60)).min(other.len());
            drop(input.splice(at..to, other[from..until].iter().copied()));
        }
        _ => input.truncate(at),
    }
    input.truncate(4_096);
}

/// Runs a target over the corpus, then over mutations of it until the time is up; at least a thousand.
fn fuzz(folder: &str, target: impl Fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let mut corpus: Vec<_> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    corpus.sort();
    // A file of filters or paths has one a line; a body is a file.
    let whole = matches!(folder, "patch" | "bulk");
    let seeds: Vec<Vec<u8>> =
        corpus
            .iter()
            .map(|path| std::fs::read(path).unwrap())
            .flat_map(|bytes| {
                if whole { vec![bytes] } else { bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect() }
            })
            .collect();
    assert!(!seeds.is_empty());
    for seed in &seeds {
        target(seed);
    }
    let mut random = Random(setting("SCIM_FUZZ_SEED", 0x9E37_79B9_7F4A_7C15).max(1));
    let end = Instant::now() + Duration::from_secs(setting("SCIM_FUZZ_SECONDS", 5));
    let mut runs = 0_u32;
    while runs < 1_000 || Instant::now() < end {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(5) {
            let other = &seeds[random.below(seeds.len())];
            mutate(&mut input, other, &mut random);
        }
        target(&input);
        runs += 1;
    }
}

#[test]
fn no_filter_panics_and_what_is_taken_prints_itself() {
    let person = rendered(&USER, &ada());
    let types = [&*USER, &*GROUP];
    fuzz("filter", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = Filter::parse_among(&GROUP, &types, &text);
        if let Ok(parsed) = Filter::parse(&USER, &text) {
            let printed = parsed.to_string();
            match Filter::parse(&USER, &printed) {
                Ok(again) => {
                    assert_eq!(again, parsed, "{text:?}");
                    assert_eq!(again.matches(&person), parsed.matches(&person));
                }
                // Canonical names and escapes may be longer than what was sent.
                Err(_) => assert!(printed.chars().count() > scim::filter::MAX_LENGTH, "{text:?} -> {printed:?}"),
            }
        }
    });
}

#[test]
fn no_path_panics_and_what_fails_changes_nothing() {
    let before = ada();
    fuzz("path", |bytes| {
        let path = String::from_utf8_lossy(bytes);
        for op in ["add", "remove", "replace"] {
            let operations = serde_json::json!([{ "op": op, "path": path, "value": "x" }]);
            if let Ok(applied) = try_patch(&USER, &before, operations) {
                lawful(&applied.document);
            }
        }
        let _ = scim::projection::Projection::parse(&USER, Some(&path), None);
        let _ = scim::sort::Sort::parse(&USER, &path, None);
    });
}

/// What every document is: accepted again as it is.
fn lawful(document: &scim::Object) {
    let again = document::accept(&USER, &serde_json::Value::Object(document.clone())).unwrap();
    assert_eq!(&again, document);
}

#[test]
fn no_patch_panics_and_what_is_taken_is_lawful() {
    let (person, team) = (ada(), group(serde_json::json!({ "displayName": "x", "members": ["a", "b"] })));
    fuzz("patch", |bytes| {
        let Ok(patch) = body::parse(bytes).and_then(|body| patch::parse(&body)) else { return };
        for create_on_replace in [false, true] {
            let options = Options { create_on_replace };
            if let Ok(applied) = patch::apply(&USER, &person, &patch, options) {
                lawful(&applied.document);
                assert_eq!(applied.changed.is_empty(), applied.document == person);
                // What was done once is done.
                let _ = patch.deactivates(&USER);
            }
            let whole = patch::apply(&GROUP, &team, &patch, options);
            let mut alone = team.clone();
            let current = members::split(&mut alone).unwrap();
            let divided = members::divide(&GROUP, patch.clone(), options).and_then(|(rest, membership)| {
                let delta = membership.resolve(&current)?;
                Ok((patch::apply(&GROUP, &alone, &rest, options)?.document, delta.apply(&current)))
            });
            match (whole, divided) {
                (Ok(whole), Ok((mut document, after))) => {
                    let mut expected = whole.document;
                    let mut ids: Vec<String> = ids(&expected);
                    let mut after: Vec<String> = after.into_iter().map(|member| member.value).collect();
                    ids.sort();
                    after.sort();
                    assert_eq!(ids, after);
                    expected.shift_remove("members");
                    document.shift_remove("members");
                    assert_eq!(document, expected);
                }
                (whole, divided) => assert_eq!(whole.is_err(), divided.is_err(), "{}", String::from_utf8_lossy(bytes)),
            }
        }
    });
}

#[test]
fn no_bulk_request_panics_and_every_one_ends() {
    fuzz("bulk", |bytes| {
        let Ok(mut plan) = body::parse(bytes).and_then(|body| bulk::parse(&body)) else { return };
        let mut steps = 0;
        while let Some(step) = plan.next_step() {
            steps += 1;
            assert!(steps <= 2 * bulk::MAX_OPERATIONS);
            plan.done(if step.data.as_ref().is_some_and(|body| body["displayName"] == "bad") {
                bulk::Outcome::Failed(scim::Error::taken("displayName"))
            } else {
                bulk::Outcome::Done { status: 200, id: Some(format!("id-{steps}")), version: None }
            });
        }
        let answer = plan.response(BASE);
        assert!(answer["Operations"].as_array().unwrap().iter().all(|one| one["status"].is_string()));
    });
}
