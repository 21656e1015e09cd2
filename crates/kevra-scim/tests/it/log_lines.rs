//! Every line the program can log has a name, and the page of logs has every name with its level, its fields and its
//! words. What the lines of every day look like in a running system is asked among the tests with servers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use crate::metrics_page::sources;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

#[derive(Debug, Default, PartialEq, Eq)]
struct Line {
    levels: BTreeSet<String>,
    words: BTreeSet<String>,
    fields: BTreeSet<String>,
}

/// The arguments of a macro's call, from behind its opening parenthesis to its end.
fn arguments(text: &str) -> Vec<String> {
    let (mut found, mut current, mut depth, mut quoted) = (Vec::new(), String::new(), 0, false);
    for letter in text.chars() {
        match letter {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 && !quoted {
            found.push(std::mem::take(&mut current).trim().to_owned());
        } else {
            current.push(letter);
        }
    }
    found.push(current.trim().to_owned());
    found.retain(|argument| !argument.is_empty());
    found
}

/// The lines of one source, put to those of the others.
fn gather(text: &str, made: &mut BTreeMap<String, Line>) {
    for level in LEVELS.into_iter().chain(["event"]) {
        let call = format!("{level}!(");
        for (at, _) in text.match_indices(&call) {
            let before = &text[..at];
            if before.ends_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_') {
                continue;
            }
            let line = &text[at..text[at..].find(';').map_or(text.len(), |end| at + end)];
            assert!(
                before.ends_with("tracing::") && level != "event",
                "write tracing::{level}!, so that it is found: {line}"
            );
            let arguments = arguments(&text[at + call.len()..]);
            let named = arguments.first().and_then(|first| first.strip_prefix("name = \""));
            let name =
                named.and_then(|name| name.strip_suffix('"')).unwrap_or_else(|| panic!("without a name: {line}"));
            let entry = made.entry(name.to_owned()).or_default();
            entry.levels.insert(level.to_owned());
            for argument in &arguments[1..] {
                if let Some(words) = argument.strip_prefix('"') {
                    entry.words.insert(words.trim_end_matches('"').to_owned());
                } else {
                    let field = argument.split(" = ").next().unwrap_or(argument);
                    entry.fields.insert(field.trim_start_matches(['%', '?']).to_owned());
                }
            }
        }
    }
}

fn made() -> BTreeMap<String, Line> {
    let mut texts = Vec::new();
    sources(&Path::new(ROOT).join("crates"), &mut texts);
    let mut made = BTreeMap::new();
    for text in &texts {
        gather(text, &mut made);
    }
    assert!(made.len() > 40, "{:?}", made.keys());
    made
}

fn row(name: &str, line: &Line) -> String {
    let joined = |parts: &BTreeSet<String>| parts.iter().cloned().collect::<Vec<_>>().join(" / ");
    let fields: Vec<String> = line.fields.iter().map(|field| format!("`{field}`")).collect();
    format!("| `{name}` | {} | {} | {} |", joined(&line.levels), joined(&line.words), fields.join(" "))
}

/// The rows of a section, by name.
fn rows<'a>(page: &'a str, section: &str) -> BTreeMap<&'a str, &'a str> {
    let (_, rest) = page.split_once(&format!("\n## {section}\n")).unwrap_or_else(|| panic!("there is no {section}"));
    let (table, _) = rest.split_once("\n## ").unwrap_or((rest, ""));
    let rows = table.lines().filter(|line| line.starts_with("| `") && !line.starts_with("| `name`"));
    rows.map(|row| (row.split('`').nth(1).unwrap(), row)).collect()
}

#[test]
fn the_page_of_logs_has_every_line_that_the_program_can_write_and_no_other() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/operate/logs.md")).unwrap();
    let (daily, seldom) = (rows(&page, "Lines of every day"), rows(&page, "All other lines"));
    let (mut wanted, mut missing) = (String::new(), Vec::new());
    let made = made();
    for (name, line) in &made {
        if let Some(said) = daily.get(name.as_str()) {
            let cells: Vec<&str> = said.split('|').map(str::trim).collect();
            let fields: BTreeSet<String> = cells[4].split('`').skip(1).step_by(2).map(str::to_owned).collect();
            assert_eq!((&fields, [cells[2].to_owned()].into()), (&line.fields, line.levels.clone()), "{name}");
            continue;
        }
        assert!(line.levels.len() == 1 && !line.words.is_empty(), "{name} says nothing, or at two levels: {line:?}");
        let row = row(name, line);
        if seldom.get(name.as_str()) != Some(&row.as_str()) {
            missing.push(name);
        }
        let _ = writeln!(wanted, "{row}");
    }
    assert!(missing.is_empty(), "the page should say of {missing:?}, among these:\n{wanted}");
    let gone = daily.keys().chain(seldom.keys()).filter(|name| !made.contains_key(**name));
    assert_eq!(gone.collect::<Vec<_>>(), Vec::<&&str>::new(), "no line has these names");
    assert_eq!(daily.keys().filter(|name| seldom.contains_key(*name)).count(), 0);
}

#[test]
fn names_are_two_words_in_small_letters_and_no_field_is_for_what_people_are_called() {
    for (name, line) in made() {
        let short = ["started", "stopped", "log_filter", "panic"].contains(&name.as_str());
        let words: Vec<&str> = name.split('.').collect();
        let small = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'.');
        assert!(small && (short || words.len() == 2), "{name}");
        for field in &line.fields {
            let private =
                ["user_name", "username", "email", "display", "token", "secret", "password", "body", "value", "url"];
            assert!(!private.iter().any(|word| field.contains(word)), "{name}: {field}");
        }
    }
}

#[test]
fn a_line_without_a_name_is_found_and_so_is_one_that_hides() {
    let read = |text: &'static str| std::panic::catch_unwind(move || gather(text, &mut BTreeMap::new())).is_ok();
    assert!(read(r#"tracing::warn!(name = "a.b", %error, user.id = f(1, "x, y"), "said")"#));
    assert!(read("compile_error!(\"no line at all\")"));
    assert!(!read("tracing::warn!(%error, \"no name\")"));
    assert!(!read("warn!(name = \"a.b\")"));
    let mut made = BTreeMap::new();
    gather(
        r#"tracing::warn!(name = "a.b", %error, user.id = f(1, "x, y"), "said, so") => tracing::warn!(name = "a.b", n)"#,
        &mut made,
    );
    assert_eq!(row("a.b", &made["a.b"]), "| `a.b` | warn | said, so | `error` `n` `user.id` |");
}
