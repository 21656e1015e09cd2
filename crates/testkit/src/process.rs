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

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the process can be asked").is_none()
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

    /// Sends a signal by name to it and to everything it has started.
    pub fn signal_all(&self, name: &str) {
        let family: Vec<String> = family(self.child.id()).iter().map(u32::to_string).collect();
        // Some may have ended by themselves meanwhile.
        drop(Command::new("kill").arg(format!("-{name}")).args(family).stderr(Stdio::null()).status());
    }

    /// Ends it and everything it has started the hard way.
    pub fn kill_all(&mut self) {
        self.signal_all("KILL");
        self.kill();
    }

    /// Asks it to stop, and waits for its end.
    pub fn stop(&mut self, within: Duration) -> ExitStatus {
        self.signal("TERM");
        self.wait_until_ended(within)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// With the program's output, if it goes on.
    pub fn wait_until_ended(&mut self, within: Duration) -> ExitStatus {
        let status = eventually(within, || self.child.try_wait().expect("the process can be asked"));
        status.unwrap_or_else(|| panic!("it did not stop:\n{}", self.output()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A process and its descendants.
fn family(id: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // "id (name) state parent …", and the name may hold anything.
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (child, parent)));
    }
    let mut family = vec![id];
    let mut next = 0;
    while let Some(member) = family.get(next).copied() {
        family.extend(parents.iter().filter(|(_, parent)| *parent == member).map(|(child, _)| *child));
        next += 1;
    }
    family
}
