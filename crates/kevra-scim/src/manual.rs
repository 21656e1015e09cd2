//! What a shell and a reader get to know of the command line, made from its definition: completions, manual pages, and
//! the page of the documentation.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use clap::{Arg, Command};
use clap_complete::Shell;

use crate::output::say;

/// Prints the completions for a shell.
pub(crate) fn completions(shell: Shell, mut program: Command) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program, "kevra-scim", &mut script);
    say(&String::from_utf8(script)?)
}

/// Writes a manual page for each command into a directory.
pub(crate) fn pages(directory: &Path, program: Command) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    clap_mangen::generate_to(program, directory).with_context(|| format!("{} cannot be written", directory.display()))
}

const PAGE: &str = "# Command line

One program; each role is a subcommand, and so is everything an operator does from a shell. This page is generated:
`kevra-scim reference cli`.

- **Settings** come from the [environment](../configuration.md). What works on the registry needs `DATABASE_URL`; what
  calls Keycloak also `KEVRA_REALM_KEYRING` and the credential of the cluster, as `control` has them.
- **Output** is for people; `--output json` prints one JSON document instead. Its fields only ever become more.
- **A token is printed once**, on standard output, by the command that mints it.
- **What cannot be taken back** is asked for at a terminal. Elsewhere, `--yes` is needed.
- **Who did it**: changes leave an audit entry of the actor `cli`.
- **Shells**: `kevra-scim completions bash` (or `zsh`, `fish`, …) prints completions, `kevra-scim man DIRECTORY` writes
  manual pages.

| Exit code | Means |
|---|---|
| 0 | done |
| 1 | it failed; the last line on standard error says why |
| 2 | the arguments are wrong, or the demo lacks something it was told to use |
| 64 | a setting is missing or wrong, or nobody consented |
";

/// The page of the documentation.
pub(crate) fn page(mut program: Command) -> String {
    program.build();
    let mut page = PAGE.to_owned();
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        section(&mut page, "kevra-scim", command, 2);
    }
    page
}

fn section(page: &mut String, parent: &str, command: &Command, level: usize) {
    let name = format!("{parent} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, "\n{} {name}\n\n{}\n", "#".repeat(level), sentence(&about));
    let rows: String = command.get_arguments().filter(|argument| is_own(argument)).map(row).collect();
    if !rows.is_empty() {
        let _ = write!(page, "\n| Argument | Default | Meaning |\n|---|---|---|\n{rows}");
    }
    for below in command.get_subcommands().filter(|command| command.get_name() != "help") {
        section(page, &name, below, level + 1);
    }
}

/// Not one that every command has.
fn is_own(argument: &Arg) -> bool {
    !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version" | "output")
}

fn row(argument: &Arg) -> String {
    let takes = argument.get_action().takes_values();
    let value = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let value = value.unwrap_or_else(|| argument.get_id().to_string().to_uppercase());
    let shown = match argument.get_long() {
        Some(long) if takes => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None => value,
    };
    let shown =
        if argument.get_long().is_some() && argument.is_required_set() { format!("{shown} (needed)") } else { shown };
    let default: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default =
        if takes && !default.concat().is_empty() { format!("`{}`", default.join(" ")) } else { String::new() };
    let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> =
        argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if takes && !values.is_empty() {
        let _ = write!(help, " One of {}", values.join(", "));
    }
    let shown = shown.replace('|', "\\|");
    format!("| `{shown}` | {default} | {} |\n", sentence(&help.replace('|', "\\|")))
}

/// With a full stop, as it is in running text.
fn sentence(text: &str) -> String {
    if text.is_empty() || text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}
