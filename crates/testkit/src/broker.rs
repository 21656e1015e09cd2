//! A RabbitMQ vhost per test.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{eventually, http, servers, unique};

/// A vhost of a test's own, or the one Keycloak's listener tells.
pub struct Vhost {
    name: String,
    lasts: bool,
}

impl Default for Vhost {
    fn default() -> Self {
        let vhost = Self { name: unique("test"), lasts: false };
        // The broker may be on its way up again after another test killed it.
        let made = eventually(Duration::from_mins(2), || vhost.admin(reqwest::Method::PUT).then_some(()));
        assert!(made.is_some(), "the vhost {} was not made", vhost.name);
        vhost
    }
}

impl Vhost {
    /// The broker's default one, which every test's Keycloak tells of every realm.
    pub fn of_keycloak() -> Self {
        Self { name: "%2f".to_owned(), lasts: true }
    }

    /// What a program is given as `AMQP_URL`.
    pub fn url(&self) -> String {
        format!("{}/{}", servers::fact("KEVRA_TEST_AMQP_URL"), self.name)
    }

    /// Whether anything has queues there.
    pub fn has_queues(&self) -> bool {
        let url = format!("{}/api/queues/{}", servers::fact("KEVRA_TEST_AMQP_ADMIN"), self.name);
        let answer =
            http().get(url).basic_auth("guest", Some("guest")).send().expect("the broker's management answers");
        answer.json::<Vec<serde_json::Value>>().is_ok_and(|queues| !queues.is_empty())
    }

    /// Publishes a message to `amq.topic`, as the community's listener does; whether a queue took it.
    pub fn tell(&self, key: &str, message: &serde_json::Value) -> bool {
        let admin = servers::fact("KEVRA_TEST_AMQP_ADMIN");
        let url = format!("{admin}/api/exchanges/{}/amq.topic/publish", self.name);
        let properties = serde_json::json!({ "app_id": "Keycloak", "content_type": "application/json" });
        let body = serde_json::json!({ "routing_key": key, "payload": message.to_string(),
            "payload_encoding": "string", "properties": properties });
        let answer = http().post(url).basic_auth("guest", Some("guest")).json(&body).send();
        let answer = answer.and_then(reqwest::blocking::Response::json::<serde_json::Value>);
        answer.expect("the broker's management answers")["routed"] == true
    }

    fn admin(&self, method: reqwest::Method) -> bool {
        let url = format!("{}/api/vhosts/{}", servers::fact("KEVRA_TEST_AMQP_ADMIN"), self.name);
        let answer = http().request(method, url).basic_auth("guest", Some("guest")).send();
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        if !self.lasts {
            self.admin(reqwest::Method::DELETE);
        }
    }
}

/// Kills the whole broker, `kill -9`; every vhost of it suffers.
pub fn kill() {
    command("kill");
}

/// Starts the broker again.
pub fn start() {
    let script = servers::fact("KEVRA_TEST_RABBITMQ");
    let start = Command::new(script).arg("start").stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    drop(start.expect("the broker's script runs"));
    let url = format!("{}/api/overview", servers::fact("KEVRA_TEST_AMQP_ADMIN"));
    let up = eventually(Duration::from_mins(2), || {
        let answer = http().get(&url).basic_auth("guest", Some("guest")).send().ok()?;
        answer.status().is_success().then_some(())
    });
    assert!(up.is_some(), "the broker did not come back");
}

/// Stops the whole broker where it stands; connections stay open and nothing answers.
pub fn freeze() {
    command("freeze");
}

/// Lets a frozen broker go on.
pub fn thaw() {
    command("thaw");
}

fn command(name: &str) {
    let done = Command::new(servers::fact("KEVRA_TEST_RABBITMQ")).arg(name).status();
    assert!(done.expect("the broker's script runs").success(), "the broker did not {name}");
}
