//! A Keycloak beside the one that the tests share: another process of the same distribution, with a database and keys of its
//! own. It takes the better part of a minute to start, and is for tests of what lies between two of them.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::database::Database;
use crate::{eventually, free_port, http, servers};

/// A running server.
pub struct OwnKeycloak {
    name: String,
    url: String,
    _database: Database,
}

impl Default for OwnKeycloak {
    fn default() -> Self {
        let database = Database::empty_postgres();
        let name = database.url().rsplit('/').next().expect("its name").to_owned();
        let (port, management) = (free_port(), free_port());
        let keycloak = Self { name, url: format!("http://127.0.0.1:{port}"), _database: database };
        let mut start = keycloak.script("start");
        start.args([port, management].map(|port| port.to_string()));
        drop(start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("its script runs"));
        let health = format!("http://127.0.0.1:{management}/health/ready");
        let ready = || http().get(&health).send().is_ok_and(|answer| answer.status().is_success()).then_some(());
        assert!(eventually(Duration::from_mins(10), ready).is_some(), "the second Keycloak did not start");
        keycloak
    }
}

impl OwnKeycloak {
    /// Its base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Kills it, `kill -9`.
    pub fn kill(&self) {
        // One that is dead already is what is wanted.
        drop(self.script("kill").stderr(Stdio::null()).status());
    }

    fn script(&self, verb: &str) -> Command {
        let mut command = Command::new(servers::fact("KEVRA_TEST_KEYCLOAK"));
        command.args([verb, &self.name]);
        command
    }
}

impl Drop for OwnKeycloak {
    fn drop(&mut self) {
        self.kill();
    }
}
