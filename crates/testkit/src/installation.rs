//! The product as it runs in production: a process per role, PostgreSQL, RabbitMQ, Keycloak.

use std::cell::Cell;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use demo::issuer::Issuer;

use crate::broker::Vhost;
use crate::console::Console;
use crate::database::Database;
use crate::own::{OwnBroker, OwnPostgres};
use crate::process::Process;
use crate::scratch::Scratch;
use crate::{free_port, http, servers};

const SCOPES: &str = "sync:read sync:write tenants:admin realm:write";
/// 32 zero bytes: a keyring for tests.
const KEYRING: &str = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Servers, settings and keys that the processes of one installation share.
pub struct Installation {
    program: PathBuf,
    database: Database,
    _vhost: Option<Vhost>,
    issuer: Issuer,
    scratch: Scratch,
    started: Cell<u32>,
    settings: Vec<(String, String)>,
}

/// A role as a process.
pub struct Role {
    /// The process.
    pub process: Process,
    /// Where it serves, for control and gateway.
    pub url: String,
    /// Its ops port.
    pub ops_url: String,
    command: Box<dyn Fn() -> Command + Send>,
    log: PathBuf,
}

impl Installation {
    /// On PostgreSQL and RabbitMQ, with the realms of Keycloak.
    pub fn on_keycloak(program: &str) -> Self {
        Self::on_keycloak_at(program, &servers::fact("KEVRA_TEST_KEYCLOAK_URL"))
    }

    /// Likewise, with Keycloak at another address, such as a proxy's.
    pub fn on_keycloak_at(program: &str, url: &str) -> Self {
        Self::on_embedded_realms(program).with_keycloak(url)
    }

    /// Likewise, on the vhost that Keycloak's listener tells: only one of them at a time hears everything.
    pub fn hearing_keycloak(program: &str) -> Self {
        let (vhost, keycloak) = (Vhost::of_keycloak(), servers::fact("KEVRA_TEST_KEYCLOAK_URL"));
        let url = vhost.url();
        Self::on(program, Database::postgres(), &url, Some(vhost)).with_keycloak(&keycloak)
    }

    fn with_keycloak(mut self, url: &str) -> Self {
        self.set("KEYCLOAK_URL", url);
        for name in ["KEYCLOAK_CLIENT_ID", "KEYCLOAK_CLIENT_SECRET"] {
            self.set(name, &servers::fact(&format!("KEVRA_TEST_{name}")));
        }
        self
    }

    /// On PostgreSQL and RabbitMQ, with embedded realms.
    pub fn on_embedded_realms(program: &str) -> Self {
        let vhost = Vhost::default();
        let url = vhost.url();
        Self::on(program, Database::postgres(), &url, Some(vhost))
    }

    /// On servers of the test's own, which it may kill, with embedded realms.
    pub fn on_own_servers(program: &str, postgres: &OwnPostgres, broker: &OwnBroker) -> Self {
        Self::on(program, Database::whole_server(&postgres.url()), &broker.url(), None)
    }

    fn on(program: &str, database: Database, amqp_url: &str, vhost: Option<Vhost>) -> Self {
        let scratch = Scratch::default();
        let issuer = Issuer::new("https://console.test", "kevra-scim-control").expect("a signing key");
        let jwks = scratch.write("jwks.json", issuer.jwks());
        let settings = [
            ("DATABASE_URL", database.url()),
            ("AMQP_URL", amqp_url),
            ("KEVRA_SEAL_KEYRING", KEYRING),
            ("KEVRA_REALM_KEYRING", KEYRING),
            ("KEVRA_JWT_ISSUER", "https://console.test"),
            ("KEVRA_JWKS", &jwks.to_string_lossy()),
            ("KEVRA_DEVELOPMENT", "true"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let program = PathBuf::from(program);
        Self { program, database, _vhost: vhost, issuer, scratch, started: Cell::new(0), settings }
    }

    /// Adds a setting for everything started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(held, _)| held != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// A setting that everything is started with.
    pub fn setting(&self, name: &str) -> &str {
        let held = self.settings.iter().find(|(held, _)| held == name);
        held.map(|(_, value)| value.as_str()).expect("the setting is made")
    }

    /// Runs a command of the program to its end; what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        self.try_run(arguments).unwrap_or_else(|said| panic!("{arguments:?}: {said}"))
    }

    /// Runs a command that has to fail; what it said.
    pub fn refused(&self, arguments: &[&str]) -> String {
        match self.try_run(arguments) {
            Ok(printed) => panic!("{arguments:?} was not refused: {printed}"),
            Err(said) => said,
        }
    }

    /// Runs a command: what it printed, or everything it said where it failed.
    pub fn try_run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.attempt(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let printed = text(&output.stdout);
        if output.status.success() { Ok(printed) } else { Err(printed + "\n" + &text(&output.stderr)) }
    }

    /// Runs a command of the program to its end, which may be a bad one.
    pub fn attempt(&self, arguments: &[&str]) -> Output {
        let output = Command::new(&self.program).args(arguments).envs(self.settings.clone()).output();
        output.expect("the program runs")
    }

    /// The same, with something on its standard input.
    pub fn attempt_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(&self.program);
        command.args(arguments).envs(self.settings.clone());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        // Dropped at once, so that it ends. A command that reads nothing has none to take.
        drop(child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes())));
        child.wait_with_output().expect("the program ends")
    }

    /// Says which host the identity providers reach the default cluster's realms under: a gateway of this installation.
    pub fn make_cluster(&self, gateway: &Role) {
        let keycloak = self.settings.iter().find(|(name, _)| name == "KEYCLOAK_URL").map(|(_, url)| url.as_str());
        let mut arguments = vec!["cluster", "set", "default", "--public-host", &gateway.url];
        arguments.extend(keycloak.into_iter().flat_map(|url| ["--keycloak-url", url]));
        self.run(&arguments);
    }

    /// Starts a role and waits until it is ready.
    pub fn start(&self, role: &str) -> Role {
        let number = self.started.get() + 1;
        self.started.set(number);
        let (program, settings, name) = (self.program.clone(), self.settings.clone(), role.to_owned());
        let (port, ops) = (free_port(), free_port());
        let command = move || {
            let mut command = Command::new(&program);
            command.arg(&name).envs(settings.clone());
            for variable in ["KEVRA_CONTROL_LISTEN", "KEVRA_GATEWAY_LISTEN"] {
                command.env(variable, format!("127.0.0.1:{port}"));
            }
            command.env("KEVRA_OPS_LISTEN", format!("127.0.0.1:{ops}"));
            command
        };
        let log = self.scratch.file(&format!("{number}-{role}.log"));
        let mut role = Role {
            process: Process::start(&mut command(), &log),
            url: format!("http://127.0.0.1:{port}"),
            ops_url: format!("http://127.0.0.1:{ops}"),
            command: Box::new(command),
            log,
        };
        role.wait_ready();
        role
    }

    /// An operator who may do everything.
    pub fn console(&self, control: &Role) -> Console {
        let token = self.issuer.mint("operator@test", "*", SCOPES, Duration::from_hours(1)).expect("a token");
        Console::new(&control.url, &token)
    }

    /// An operator's token for one tenant and some scopes.
    pub fn operator_token(&self, tenant: &str, scopes: &str) -> String {
        self.issuer.mint("admin@tenant.test", tenant, scopes, Duration::from_hours(1)).expect("a token")
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Every line that any process has written.
    pub fn logs(&self) -> String {
        let files = std::fs::read_dir(self.scratch.path()).expect("the logs").flatten();
        let logs = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "log"));
        logs.map(|file| String::from_utf8_lossy(&std::fs::read(file.path()).unwrap_or_default()).into_owned()).collect()
    }
}

impl Role {
    /// Starts it again on the same ports, after it was killed.
    pub fn restart(&mut self) {
        self.process = Process::start(&mut (self.command)(), &self.log);
        self.wait_ready();
    }

    /// Likewise, without waiting.
    pub fn restart_unready(&mut self) {
        self.process = Process::start(&mut (self.command)(), &self.log);
    }

    fn wait_ready(&mut self) {
        let (url, client) = (format!("{}/readyz", self.ops_url), http());
        let ready = || client.get(&url).send().is_ok_and(|answer| answer.status().is_success());
        self.process.wait_until(Duration::from_mins(1), "the role", ready);
    }
}
