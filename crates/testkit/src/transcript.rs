//! Shell sessions in Markdown, replayed: every fenced block tagged `console` of a page, in one shell, in order.
//!
//! A line `$ command` is run, with lines `> …` as its continuation. What follows is what it has to print, standard error
//! included; `…` stands for anything within a line, and a line `…` alone for any lines. A line `[64]` right after the
//! command says that it ends with that code; without it, 0 is expected.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a block begins that is replayed.
const FENCE: &str = "```console";

/// Whether a page has such a block.
pub fn is_in(text: &str) -> bool {
    text.lines().any(|line| line.trim_start() == FENCE)
}

/// One command with what it has to do.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    line: usize,
    command: String,
    code: i32,
    output: Vec<String>,
}

/// Replays a page in a directory, with a program in the path and some settings; how many commands there were.
///
/// # Panics
/// At the first command that does something else than the page says.
pub fn replay(page: &Path, program: &Path, directory: &Path, settings: &[(&str, &str)]) -> usize {
    let text = std::fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let steps = steps(&text);
    let programs = program.parent().expect("the program's directory");
    let mut shell = Command::new("bash");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display());
    shell.current_dir(directory).env_clear().env("PATH", path).envs(settings.iter().copied());
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bash runs");
    // What a page starts in the background ends with it, also where the page is wrong.
    let mut script = "trap '[ -z \"$(jobs -p)\" ] || kill $(jobs -p)' EXIT\n".to_owned();
    for step in &steps {
        // The mark cannot be part of any output.
        let _ = writeln!(script, "{{ {}\n}} 2>&1 </dev/null\nprintf '\\001%s\\001' $?", step.command);
    }
    let mut input = shell.stdin.take().expect("its input");
    let writer = std::thread::spawn(move || drop(input.write_all(script.as_bytes())));
    let said = shell.wait_with_output().expect("bash ends").stdout;
    writer.join().expect("the script is read");
    let said = String::from_utf8_lossy(&said).into_owned();
    let mut parts = said.split('\u{1}');
    for Step { line, command, code, output } in &steps {
        let place = format!("{}:{line}: {command}", page.display());
        let printed = parts.next().unwrap_or_default();
        let ended = parts.next().unwrap_or_else(|| panic!("{place}\nthe shell ended before it did:\n{printed}"));
        let printed: Vec<&str> = printed.lines().collect();
        assert_eq!(ended, code.to_string(), "{place}\nits exit code\n{}", printed.join("\n"));
        let wanted: Vec<&str> = output.iter().map(String::as_str).collect();
        assert!(
            lines_match(&wanted, &printed),
            "{place}\nwanted\n{}\nprinted\n{}",
            wanted.join("\n"),
            printed.join("\n")
        );
    }
    steps.len()
}

/// The blocks tagged `console`, as commands.
fn steps(text: &str) -> Vec<Step> {
    let (mut steps, mut inside, mut indent) = (Vec::<Step>::new(), false, 0);
    for (number, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        if bare.starts_with("```") {
            // In a list, a block stands as far to the right as its fence.
            (inside, indent) = (bare == FENCE, line.len() - bare.len());
            continue;
        }
        let line = line.get(indent.min(line.len() - bare.len())..).unwrap_or_default();
        if inside && let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { line: number + 1, command: command.to_owned(), code: 0, output: Vec::new() });
        } else if inside && let Some(step) = steps.last_mut() {
            let code =
                line.strip_prefix('[').and_then(|line| line.strip_suffix(']')).and_then(|code| code.parse().ok());
            match (line.strip_prefix("> "), code) {
                (Some(more), _) if step.output.is_empty() => {
                    step.command.push('\n');
                    step.command.push_str(more);
                }
                (_, Some(code)) if step.output.is_empty() => step.code = code,
                _ => step.output.push(line.to_owned()),
            }
        }
    }
    steps
}

/// Whether the printed lines are the wanted ones; a line `…` stands for any number of them.
fn lines_match(wanted: &[&str], printed: &[&str]) -> bool {
    match wanted {
        [] => printed.is_empty(),
        ["…", rest @ ..] => (0..=printed.len()).any(|skipped| lines_match(rest, &printed[skipped..])),
        [line, rest @ ..] => {
            printed.first().is_some_and(|first| line_matches(line, first)) && lines_match(rest, &printed[1..])
        }
    }
}

fn line_matches(wanted: &str, printed: &str) -> bool {
    let mut parts = wanted.split('…');
    let Some(mut rest) = printed.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_tagged_console_are_commands() {
        let page = "```\n$ not this\n```\n```console\n$ one \\\n> two\n[2]\nsaid\n$ three\n```\n$ nor this\n   ```console\n   $ four\n     far\n   ```\n";
        let found = steps(page);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!((found[2].command.as_str(), found[2].output.as_slice()), ("four", ["  far".to_owned()].as_slice()));
        assert_eq!((found[0].command.as_str(), found[0].code, found[0].output.len()), ("one \\\ntwo", 2, 1));
        assert_eq!((found[1].command.as_str(), found[1].code), ("three", 0));
    }

    #[test]
    fn dots_stand_for_anything_and_nothing_else_does() {
        assert!(line_matches("token …, kept", "token kvs_1, kept"));
        assert!(line_matches("…", "") && line_matches("a…", "a") && line_matches("a…b…c", "a1b2c"));
        for (wanted, printed) in [("a", "ab"), ("a…", "ba"), ("a…b", "ac"), ("…b", "bc"), ("", "a")] {
            assert!(!line_matches(wanted, printed), "{wanted} {printed}");
        }
        assert!(lines_match(&["a", "…", "d"], &["a", "b", "c", "d"]));
        assert!(!lines_match(&["a", "…", "d"], &["a", "b"]));
        assert!(!lines_match(&["a"], &["a", "b"]));
    }
}
