//! What a command says: lines for people, or one JSON document for programs, always on standard output.

use std::io::Write;

use clap::ValueEnum;
use serde::Serialize;

/// The form of what a command says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Lines for people; they may change with any release.
    Text,
    /// One JSON document; its fields only ever become more.
    Json,
}

impl Output {
    /// Says one thing.
    pub fn show<T: Serialize>(self, what: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        match self {
            Self::Text => {
                let text = text(what);
                if text.is_empty() { Ok(()) } else { say(&format!("{text}\n")) }
            }
            Self::Json => say(&format!("{}\n", serde_json::to_string_pretty(what)?)),
        }
    }

    /// Says a list of things, a line each.
    pub fn list<T: Serialize>(self, rows: &[T], line: impl Fn(&T) -> String) -> anyhow::Result<()> {
        self.show(&rows, |rows| rows.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    /// Says that something was done.
    pub fn done(self, what: &str) -> anyhow::Result<()> {
        self.show(&serde_json::json!({ "done": what }), |_| what.to_owned())
    }
}

/// Writes to standard output. Whoever reads it may stop reading: that is no failure of the command.
pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
