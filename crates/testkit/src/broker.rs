//! A RabbitMQ vhost per test.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{eventually, http, servers, unique};

/// A vhost of a test's own.
pub struct Vhost {
    name: String,
}

impl Default for Vhost {
    fn default() -> Self {
        let vhost = Self { name: unique("test") };
        assert!(vhost.admin(reqwest::Method::PUT), "the vhost {} was not made", vhost.name);
        vhost
    }
}

impl Vhost {
    /// What a program is given as `AMQP_URL`.
    pub fn url(&self) -> String {
        format!("{}/{}", servers::fact("KEVRA_TEST_AMQP_URL"), self.name)
    }

    fn admin(&self, method: reqwest::Method) -> bool {
        let url = format!("{}/api/vhosts/{}", servers::fact("KEVRA_TEST_AMQP_ADMIN"), self.name);
        let answer = http().request(method, url).basic_auth("guest", Some("guest")).send();
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        self.admin(reqwest::Method::DELETE);
    }
}

/// Kills the whole broker (`kill -9`) and starts it anew; every vhost of it suffers.
pub fn kill_and_restart() {
    let script = servers::fact("KEVRA_TEST_RABBITMQ");
    let killed = Command::new(&script).arg("kill").status().expect("the broker's script runs");
    assert!(killed.success(), "the broker was not killed");
    let start = Command::new(&script).arg("start").stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    drop(start.expect("the broker's script runs"));
    let url = format!("{}/api/overview", servers::fact("KEVRA_TEST_AMQP_ADMIN"));
    let up = eventually(Duration::from_mins(2), || {
        let answer = http().get(&url).basic_auth("guest", Some("guest")).send().ok()?;
        answer.status().is_success().then_some(())
    });
    assert!(up.is_some(), "the broker did not come back");
}
