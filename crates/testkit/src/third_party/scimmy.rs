//! SCIMMY, the SCIM library of the Node world, as a small application: npm packages that `scripts/test` installs.

use std::process::Command;
use std::time::Duration;

use crate::process::Process;
use crate::scratch::Scratch;
use crate::{free_port, http, servers, unique};

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/scimmy.mjs");

/// A running SCIMMY application.
pub struct Scimmy {
    url: String,
    token: String,
    process: Process,
    _scratch: Scratch,
}

impl Default for Scimmy {
    fn default() -> Self {
        let (scratch, token, port) = (Scratch::default(), unique("downstream"), free_port());
        let mut command = Command::new("node");
        command.current_dir(servers::fact("KEVRA_TEST_SCIMMY")).args([SERVER, &port.to_string(), &token]);
        let mut process = Process::start(&mut command, &scratch.file("scimmy.log"));
        let url = format!("http://127.0.0.1:{port}/scim");
        process.wait_until(Duration::from_secs(30), "SCIMMY", || http().get(&url).send().is_ok());
        Self { url, token, process, _scratch: scratch }
    }
}

impl Scimmy {
    /// Its SCIM base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process's id.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// The bearer token it expects.
    pub fn token(&self) -> &str {
        &self.token
    }
}
