//! SCIM software of other people: the servers `scim2-server` and SCIMMY as downstreams, the client `scim2-cli` as an identity
//! provider. The former come from PyPI into the environment `scripts/test` makes.

mod scimmy;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::process::Process;
use crate::scratch::Scratch;
use crate::{free_port, http, servers, unique};

pub use scimmy::Scimmy;

fn tool(name: &str) -> PathBuf {
    PathBuf::from(servers::fact("KEVRA_TEST_VENV")).join("bin").join(name)
}

/// A running `scim2-server`.
pub struct Scim2Server {
    url: String,
    token: String,
    process: Process,
    _scratch: Scratch,
}

impl Default for Scim2Server {
    fn default() -> Self {
        let (scratch, token, port) = (Scratch::default(), unique("downstream"), free_port());
        let mut command = Command::new(tool("scim2-server"));
        command.args(["--hostname", "127.0.0.1", "--port", &port.to_string(), "--bearer-token", &token]);
        let mut process = Process::start(&mut command, &scratch.file("scim2-server.log"));
        let server = format!("http://127.0.0.1:{port}");
        process.wait_until(Duration::from_secs(30), "scim2-server", || http().get(&server).send().is_ok());
        Self { url: server, token, process, _scratch: scratch }
    }
}

impl Scim2Server {
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

    /// All users it holds.
    pub fn users(&self) -> Vec<Value> {
        let answer = http().get(format!("{}/Users", self.url)).bearer_auth(&self.token).send();
        let list: Value = answer.expect("scim2-server answers").json().expect("a list");
        list["Resources"].as_array().cloned().unwrap_or_default()
    }

    /// Its record of a user.
    pub fn user(&self, user_name: &str) -> Option<Value> {
        self.users().into_iter().find(|user| user["userName"] == user_name)
    }
}

/// `scim2-cli` as somebody's identity provider.
pub struct Scim2Cli {
    url: String,
    token: String,
}

impl Scim2Cli {
    /// Against a SCIM base URL, with a bearer token.
    pub fn new(url: &str, token: &str) -> Self {
        Self { url: url.to_owned(), token: token.to_owned() }
    }

    /// Runs a command with a JSON payload; what it prints, as JSON.
    ///
    /// # Panics
    /// If the client reports a failure: it checks every answer against the schemas it discovered.
    pub fn run(&self, arguments: &[&str], payload: &Value) -> Value {
        let mut child = Command::new(tool("scim2"))
            .args(["--url", &self.url])
            .args(arguments)
            .env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {}", self.token))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("scim2 runs");
        let mut input = child.stdin.take().expect("its input");
        input.write_all(payload.to_string().as_bytes()).expect("a payload is read");
        drop(input);
        let output = child.wait_with_output().expect("scim2 ends");
        let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "scim2 {arguments:?}: {said}{wrong}");
        serde_json::from_str(&said).unwrap_or(Value::Null)
    }
}

/// What the RFC checker `scim2-tester` says of a SCIM base URL, a verdict per line.
///
/// # Panics
/// If it cannot be run.
pub fn scim2_test(url: &str, token: &str) -> String {
    let mut command = Command::new(tool("scim2"));
    command.args(["--url", url, "test"]).env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {token}"));
    let output = command.output().expect("scim2 runs");
    [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
}
