//! Each of the edge cases that broke real integrations has a test that carries its number.

use std::collections::BTreeSet;
use std::path::Path;

/// How many cases there are.
const CASES: u32 = 66;

/// The numbers in the name of a test: `case_54_55_56_…`, `cases_35_to_37_…`, `cases_32_and_33_…`.
fn numbers(name: &str) -> BTreeSet<u32> {
    let mut numbers = BTreeSet::new();
    let Some((_, rest)) = name.split_once('_').filter(|(prefix, _)| matches!(*prefix, "case" | "cases")) else {
        return numbers;
    };
    let (mut last, mut through) = (None, false);
    for word in rest.split('_') {
        match word.parse::<u32>() {
            Ok(number) => {
                let first = if through { last.unwrap_or(number) } else { number };
                numbers.extend(first..=number);
                (last, through) = (Some(number), false);
            }
            Err(_) if word == "to" => through = true,
            Err(_) if word == "and" => {}
            Err(_) => break,
        }
    }
    numbers
}

fn names_in(directory: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names_in(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let named = text.lines().filter_map(|line| {
                let line = line.trim_start_matches("async ");
                Some(line.strip_prefix("fn ")?.split(['(', '<']).next()?.to_owned())
            });
            names.extend(named);
        }
    }
}

#[test]
fn every_case_has_a_test_with_its_number() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut names = Vec::new();
    for one in std::fs::read_dir(crates).unwrap() {
        let tests = one.unwrap().path().join("tests");
        if tests.is_dir() {
            names_in(&tests, &mut names);
        }
    }
    let told: BTreeSet<u32> = names.iter().flat_map(|name| numbers(name)).collect();
    let missing: Vec<u32> = (1..=CASES).filter(|number| !told.contains(number)).collect();
    assert!(missing.is_empty(), "no test carries the number of {missing:?}");
    assert_eq!(told.last(), Some(&CASES), "a number that is no case");
}

#[test]
fn a_name_may_carry_several_numbers() {
    let of = |name: &str| numbers(name).into_iter().collect::<Vec<_>>();
    assert_eq!(of("case_54_55_56_a_change_of_2_members"), [54, 55, 56]);
    assert_eq!(of("cases_35_to_37_pages_are_stable"), [35, 36, 37]);
    assert_eq!(of("cases_32_and_33_names"), [32, 33]);
    assert_eq!(of("case_closed"), [] as [u32; 0]);
    assert_eq!(of("a_page_of_3"), [] as [u32; 0]);
}
