//! Pages that people write about what the code decides: they name all of it, and nothing else.

use std::path::Path;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands first in the rows of a section's table, as code.
fn codes(text: &str, section: &str) -> Vec<String> {
    let (_, rest) = text.split_once(&format!("\n## {section}\n")).unwrap_or_else(|| panic!("there is no {section}"));
    let (table, _) = rest.split_once("\n## ").unwrap_or((rest, ""));
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect()
}

#[test]
fn every_code_that_asks_for_a_person_has_its_heading_in_troubleshooting() {
    let listed = page("integrate/error-codes.md");
    let sections = [
        "Refused credentials of an identity provider",
        "A downstream that fails its probe",
        "Parked users",
        "Notes about a realm",
    ];
    let wanted: Vec<String> = sections.iter().flat_map(|section| codes(&listed, section)).collect();
    let text = page("operate/troubleshooting.md");
    let headings = text.lines().filter_map(|line| line.strip_prefix("### `").and_then(|rest| rest.strip_suffix('`')));
    assert_eq!(headings.collect::<Vec<_>>(), wanted);
    assert!(wanted.len() > 20, "{wanted:?}");
}

/// Whoever adds a reason or a class adds it to the list.
#[test]
fn every_code_in_the_sources_is_listed_and_the_other_way_round() {
    let listed = page("integrate/error-codes.md");
    let source =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap();
    // What follows a text in a source, up to the closing quote.
    let after = |text: &str, before: &str| -> Vec<String> {
        text.match_indices(before)
            .map(|(at, _)| text[at + before.len()..].split('"').next().unwrap().to_owned())
            .collect()
    };
    let same = |section: &str, mut found: Vec<String>, besides: &[&str]| {
        found.extend(besides.iter().map(|code| (*code).to_owned()));
        found.sort();
        found.dedup();
        let mut wanted = codes(&listed, section);
        wanted.sort();
        assert_eq!(found, wanted, "{section}");
    };
    let provisioner = source("gateway/src/provisioner.rs");
    let (_, class) = provisioner.split_once("fn class(").unwrap();
    let mut refusals = after(class.split_once("fn as_str").unwrap().0, "=> \"");
    refusals.extend(after(&provisioner, "class: \""));
    refusals.extend(after(&provisioner, "=> (\""));
    same("Refused credentials of an identity provider", refusals, &["disabled"]);
    let dispatcher: String = ["alarm", "capture", "regrant", "triage", "create", "mass", "send", "work"]
        .map(|file| source(&format!("dispatcher/src/{file}.rs")))
        .concat();
    // However the user is named before it.
    let notes = ["None, \"", "Some(user), \"", "tenant, user, \""].iter().flat_map(|before| after(&dispatcher, before));
    same("Notes about a realm", notes.collect(), &[]);
    let mut parked = after(&dispatcher, "Ended::park(\"");
    parked.extend(after(&source("directory/src/held.rs"), "const DEACTIVATION: &str = \""));
    same("Parked users", parked, &["ignored", "rejected"]);
    same("The SCIM interface", after(source("scim/src/error.rs").split_once("fn as_str").unwrap().1, "=> \""), &[]);
}

#[test]
fn the_retry_schedule_is_the_one_that_is_followed() {
    let text = page("reference/retry-schedule.md");
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.split('|').skip(1).map(str::trim);
        let failure = cells.next()?.split(' ').next()?.parse::<i64>().ok()?;
        Some((failure, cells.next()?.parse::<i64>().ok()?, line.contains("and more")))
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() > 8, "{rows:?}");
    for (failure, seconds, and_more) in &rows {
        assert_eq!(dispatcher::backoff(failure - 1, 1.0), seconds * 1_000_000, "failure {failure}");
        assert_eq!(dispatcher::backoff(failure - 1, 0.0), 0, "full jitter");
        if *and_more {
            assert_eq!(dispatcher::backoff(1_000, 1.0), seconds * 1_000_000);
        }
    }
    let order: Vec<i64> = rows.iter().map(|(failure, ..)| *failure).collect();
    assert_eq!(order, (1..=i64::try_from(rows.len()).unwrap()).collect::<Vec<_>>());
    assert!(rows.last().is_some_and(|(.., and_more)| *and_more));
}
