//! A PostgreSQL that one test may do anything to.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::{command_as, give};
use crate::process::Process;
use crate::scratch::Scratch;
use crate::{eventually, free_port, servers};

const USER: &str = "postgres";

/// A running server.
pub struct OwnPostgres {
    binaries: PathBuf,
    port: u16,
    process: Process,
    scratch: Scratch,
}

impl Default for OwnPostgres {
    fn default() -> Self {
        let binaries = Path::new(&servers::fact("KEVRA_TEST_PSQL")).parent().expect("its directory").to_owned();
        let scratch = Scratch::default();
        give(scratch.path(), USER);
        let mut initialize = command_as(USER, binaries.join("initdb"));
        initialize.args(["-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync", "-D"]).arg(scratch.file("data"));
        let made = initialize.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(made.expect("initdb runs").success(), "initdb failed");
        let port = free_port();
        let process = start(&binaries, &scratch, port);
        Self { binaries, port, process, scratch }
    }
}

impl OwnPostgres {
    /// What a program is given as `DATABASE_URL`.
    pub fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/postgres", self.port)
    }

    /// Kills the server and every connection of it, and starts it again.
    pub fn kill_and_restart(&mut self) {
        self.process.kill_all();
        self.process = start(&self.binaries, &self.scratch, self.port);
    }

    /// Stops it as an administrator does who does not wait for its clients, and starts it again.
    pub fn restart(&mut self) {
        self.process.signal("INT");
        self.process.wait_until_ended(Duration::from_mins(1));
        self.process = start(&self.binaries, &self.scratch, self.port);
    }

    /// Stops the clock for it: connections stay open and nothing is answered.
    pub fn freeze(&self) {
        self.process.signal_all("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process.signal_all("CONT");
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        self.process.kill_all();
    }
}

fn start(binaries: &Path, scratch: &Scratch, port: u16) -> Process {
    let asks = || {
        let mut ask = command_as(USER, binaries.join("pg_isready"));
        ask.args(["--quiet", "--host", "127.0.0.1", "--port", &port.to_string()]);
        ask.status().is_ok_and(|answer| answer.success())
    };
    let mut process = launch(binaries, scratch, port);
    let ready = eventually(Duration::from_mins(1), || {
        // Processes of one that was killed hold its memory a moment longer, and the next one ends at once.
        if !process.is_running() {
            process = launch(binaries, scratch, port);
        }
        asks().then_some(())
    });
    assert!(ready.is_some(), "PostgreSQL did not become ready:\n{}", process.output());
    process
}

fn launch(binaries: &Path, scratch: &Scratch, port: u16) -> Process {
    let mut server = command_as(USER, binaries.join("postgres"));
    server.arg("-D").arg(scratch.file("data")).args(["-p", &port.to_string(), "-k"]).arg(scratch.path());
    // A test loses no power; a benchmark pays for what it commits.
    let fsync = format!("fsync={}", servers::wish("KEVRA_TEST_FSYNC").unwrap_or_else(|| "off".to_owned()));
    server.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", &fsync]);
    Process::start(&mut server, &scratch.file("server.log"))
}
