//! A RabbitMQ that one test may do anything to.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{command_as, give};
use crate::process::Process;
use crate::scratch::Scratch;
use crate::{eventually, free_port, unique};

const USER: &str = "rabbitmq";
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// A running broker, without its management.
pub struct OwnBroker {
    node: String,
    port: u16,
    ports: [u16; 2],
    process: Process,
    /// The port mapper, which the broker would otherwise leave behind.
    mapper: Process,
    scratch: Scratch,
}

impl Default for OwnBroker {
    fn default() -> Self {
        let (scratch, port, ports) = (Scratch::default(), free_port(), [free_port(), free_port()]);
        scratch.write("rabbitmq.conf", format!("listeners.tcp.1 = 127.0.0.1:{port}\n").as_str());
        scratch.write("enabled_plugins", "[].\n");
        give(scratch.path(), USER);
        let mut mapper = Command::new("epmd");
        mapper.args(["-address", "127.0.0.1", "-port", &ports[1].to_string()]);
        let mapper = Process::start(&mut mapper, &scratch.file("epmd.log"));
        let node = format!("{}@localhost", unique("kevra"));
        let process = Process::start(&mut server(&node, &scratch, ports), &scratch.file("server.log"));
        let broker = Self { node, port, ports, process, mapper, scratch };
        assert!(broker.answers_within(Duration::from_mins(2)), "RabbitMQ does not start:\n{}", broker.process.output());
        broker
    }
}

impl OwnBroker {
    /// What a program is given as `AMQP_URL`.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port)
    }

    /// Whether it takes connections.
    pub fn answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    /// Waits until it takes connections.
    pub fn answers_within(&self, time: Duration) -> bool {
        eventually(time, || self.answers().then_some(())).is_some()
    }

    /// Kills it and starts it again, without waiting.
    pub fn kill_and_restart(&mut self) {
        self.process.kill_all();
        self.start();
    }

    /// Likewise, with all its data gone: exchanges, queues, messages.
    pub fn wipe_and_restart(&mut self) {
        self.process.kill_all();
        let wiped = std::fs::remove_dir_all(data(&self.scratch));
        wiped.expect("the broker's data is wiped");
        self.start();
    }

    /// Stops the clock for it: connections stay open and nothing is answered.
    pub fn freeze(&self) {
        self.process.signal_all("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process.signal_all("CONT");
    }

    fn start(&mut self) {
        let mut server = server(&self.node, &self.scratch, self.ports);
        self.process = Process::start(&mut server, &self.scratch.file("server.log"));
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        self.process.kill_all();
        self.mapper.kill();
    }
}

fn data(scratch: &Scratch) -> std::path::PathBuf {
    scratch.file("mnesia")
}

fn server(node: &str, scratch: &Scratch, [distribution, mapper]: [u16; 2]) -> Command {
    let home: &Path = scratch.path();
    let mut server = command_as(USER, SERVER);
    server.env("RABBITMQ_NODENAME", node).env("HOME", home).env("RABBITMQ_MNESIA_BASE", data(scratch));
    server.env("RABBITMQ_LOG_BASE", scratch.file("log")).env("RABBITMQ_CONFIG_FILE", scratch.file("rabbitmq.conf"));
    server.env("RABBITMQ_ENABLED_PLUGINS_FILE", scratch.file("enabled_plugins"));
    server.env("RABBITMQ_DIST_PORT", distribution.to_string()).env("ERL_EPMD_PORT", mapper.to_string());
    server
}
