//! Test parts: the built program as a process, with its ports and facts.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running demo; stops when dropped.
pub struct Demo {
    child: Child,
    directory: PathBuf,
    facts: Value,
}

impl Demo {
    /// Starts a built program's demo on free ports and waits until everything answers.
    ///
    /// # Panics
    /// If it does not start within a minute.
    #[expect(clippy::expect_used, clippy::panic, reason = "a test part: a failure here is a failed test")]
    pub fn start(program: &Path) -> Self {
        let unique = format!("kevra-test-{}-{:?}", std::process::id(), std::thread::current().id());
        let directory = std::env::temp_dir().join(unique.replace(['(', ')'], ""));
        std::fs::create_dir_all(&directory).expect("a directory for the test");
        let ready = directory.join("ready.json");
        let log = std::fs::File::create(directory.join("log")).expect("a log file");
        let child = Command::new(program)
            .args(["demo", "--port", "0", "--data"])
            .arg(directory.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let mut demo = Self { child, directory, facts: Value::Null };
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_mins(1) {
            if let Ok(text) = std::fs::read_to_string(&ready) {
                demo.facts = serde_json::from_str(&text).expect("the ready file is JSON");
                return demo;
            }
            if demo.child.try_wait().ok().flatten().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(demo.directory.join("log")).unwrap_or_default();
        panic!("the demo did not become ready:\n{log}");
    }

    /// A fact of the ready file.
    pub fn fact(&self, name: &str) -> &str {
        self.facts.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// Asks again and again until an answer comes, at most for so long.
pub fn eventually<T>(within: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if begun.elapsed() > within {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
