//! A program as a process: killed when dropped, its output in a file.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::eventually;

/// A running program.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a command; its output is appended to a file.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        Self::start_reading(command.stdin(Stdio::null()), log)
    }

    /// Likewise, with the standard input its command has.
    pub fn start_reading(command: &mut Command, log: &Path) -> Self {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("a log file");
        let second = file.try_clone().expect("a log file");
        let child = command.stdout(file).stderr(second).spawn();
        Self { child: child.expect("the program starts"), log: log.to_owned() }
    }

    /// Waits until a question is answered with yes, while the program runs.
    ///
    /// # Panics
    /// With the program's output, if it ends or does not get there.
    pub fn wait_until(&mut self, within: Duration, what: &str, mut ready: impl FnMut() -> bool) {
        let ended = |child: &mut Child| child.try_wait().expect("the process can be asked").is_some();
        let there = eventually(within, || {
            if ready() {
                return Some(true);
            }
            ended(&mut self.child).then_some(false)
        });
        assert!(there == Some(true), "{what} did not become ready:\n{}", self.output());
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written.
    pub fn output(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ends it the hard way, `kill -9`.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Sends a signal by name: TERM, STOP, CONT.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill runs").success(), "SIG{name} was not sent");
    }

    /// Asks it to stop, and waits for its end.
    pub fn stop(&mut self, within: Duration) -> ExitStatus {
        self.signal("TERM");
        let status = eventually(within, || self.child.try_wait().expect("the process can be asked"));
        status.unwrap_or_else(|| panic!("it did not stop:\n{}", self.output()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
