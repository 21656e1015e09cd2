//! The built program's demo as a process, with the facts of its ready file.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::process::Process;
use crate::scratch::Scratch;

/// A running demo; stops when dropped.
pub struct Demo {
    process: Process,
    facts: Value,
    scratch: Scratch,
}

/// Runs a program until its own standard input ends, then stops it and clears up.
const UNTIL_INPUT_ENDS: &str = r#"scratch=$1; shift; "$@" & read -r _; kill $!; wait $!; rm -rf "$scratch""#;

impl Demo {
    /// Starts a built program's demo on free ports and waits until everything answers.
    pub fn start(program: &Path) -> Self {
        Self::start_with(program, &[])
    }

    /// Likewise, with settings in its environment.
    pub fn start_with(program: &Path, settings: &[(&str, &str)]) -> Self {
        let scratch = Scratch::default();
        let place = scratch.file("data");
        Self::started(program, scratch, &place, &["--port", "0"], settings)
    }

    /// Likewise, with a data directory of the caller's and further arguments, a port among them.
    pub fn start_in(program: &Path, place: &Path, arguments: &[&str]) -> Self {
        Self::started(program, Scratch::default(), place, arguments, &[])
    }

    fn started(program: &Path, scratch: Scratch, place: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let ready = scratch.file("ready.json");
        let mut command = Command::new(program);
        command.arg("demo").args(arguments).arg("--data").arg(place);
        command.arg("--ready-file").arg(&ready).envs(settings.iter().copied());
        let process = Process::start(&mut command, &scratch.file("log"));
        Self::ready(process, &ready, scratch)
    }

    /// Likewise, for a `static` shared by many tests, which is never dropped: the demo stops when the tests' process ends,
    /// however it does.
    pub fn start_shared(program: &Path) -> Self {
        let scratch = Scratch::default();
        let ready = scratch.file("ready.json");
        let mut command = Command::new("sh");
        command.args(["-c", UNTIL_INPUT_ENDS, "sh"]).arg(scratch.path()).arg(program);
        command.args(["demo", "--port", "0", "--data"]).arg(scratch.file("data"));
        command.arg("--ready-file").arg(&ready).stdin(Stdio::piped());
        let process = Process::start_reading(&mut command, &scratch.file("log"));
        Self::ready(process, &ready, scratch)
    }

    fn ready(mut process: Process, ready: &Path, scratch: Scratch) -> Self {
        process.wait_until(Duration::from_mins(1), "the demo", || ready.exists());
        let text = std::fs::read_to_string(ready).expect("the ready file");
        let facts = serde_json::from_str(&text).expect("the ready file is JSON");
        Self { process, facts, scratch }
    }

    /// A fact of the ready file.
    pub fn fact(&self, name: &str) -> &str {
        self.facts.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Its ready file.
    pub fn ready_file(&self) -> PathBuf {
        self.scratch.file("ready.json")
    }

    /// Its database, where it brought its own.
    pub fn sqlite(&self) -> String {
        format!("sqlite://{}", self.scratch.file("data/kevra.db").display())
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
