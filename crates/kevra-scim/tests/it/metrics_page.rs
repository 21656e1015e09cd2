//! The page of metrics says of each what the code that makes it says: name, type, and what it counts. Its labels are
//! compared with a running system, among the tests with servers.

use std::collections::BTreeMap;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// How an instrument is made, the type it is shown with, and what is put behind its name.
const MADE_BY: [(&str, &str, &str); 5] = [
    ("metrics::counter(", "counter", "_total"),
    ("metrics::duration(", "histogram", "_seconds"),
    ("metrics::wait(", "histogram", "_seconds"),
    ("metrics::gauge(", "gauge", ""),
    ("metrics::gauge_seconds(", "gauge", "_seconds"),
];

/// The first two string literals after a place.
fn literals(text: &str) -> (String, String) {
    let mut parts = text.split('"');
    let name = parts.nth(1).unwrap_or_default().to_owned();
    (name, parts.nth(1).unwrap_or_default().to_owned())
}

/// Every source of the program below a directory.
pub fn sources(directory: &Path, texts: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("tests") {
            sources(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn the_page_of_metrics_says_what_the_code_says() {
    let mut texts = Vec::new();
    sources(&Path::new(ROOT).join("crates"), &mut texts);
    let mut made: BTreeMap<String, (String, String)> = BTreeMap::new();
    for text in &texts {
        for (call, kind, suffix) in MADE_BY {
            for (at, _) in text.match_indices(call) {
                let (name, what) = literals(&text[at + call.len()..]);
                made.insert(format!("kevra_scim_{name}{suffix}"), (kind.to_owned(), what));
            }
        }
        // The one that is asked when it is scraped.
        for (at, _) in text.match_indices("i64_observable_gauge(\"kevra_scim") {
            let (name, what) = literals(&text[at..]);
            made.insert(name, ("gauge".to_owned(), what));
        }
    }
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/operate/metrics.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `kevra_scim_"));
    let said: BTreeMap<String, (String, String)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').skip(1).map(str::trim).collect();
            (cells[0].trim_matches('`').to_owned(), (cells[1].to_owned(), cells[3].to_owned()))
        })
        .collect();
    assert!(made.len() > 20, "{made:#?}");
    assert_eq!(said, made);
}
