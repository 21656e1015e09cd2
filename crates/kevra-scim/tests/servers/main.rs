//! The built program as separate processes on real parts: PostgreSQL, RabbitMQ, Keycloak, other people's SCIM software.
//! `scripts/test` starts the servers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here")]

mod backlog;
mod budget;
mod capture;
mod certificates;
mod commands;
mod conformance;
mod contended;
mod creates;
mod demo;
mod doubts;
mod downstreams;
mod events;
mod hung;
mod isolation;
mod journey;
mod json_output;
mod kills;
mod late_creates;
mod leaving;
mod listening;
mod mapped;
mod masses;
mod mistaken;
mod moves;
mod observed;
mod overlap;
mod proxied;
mod realm;
mod refusals;
mod released;
mod restored;
mod ringing;
mod rolling;
mod rotation;
mod scene;
mod setups;
mod telemetry;
mod unwell;
mod upkeep;

use testkit::console::Console;
use testkit::installation::{Installation, Role};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kevra-scim");

/// Control and a gateway of an installation, with its default cluster.
fn front(installation: &Installation) -> (Console, Role, Role) {
    let (control, gateway) = (installation.start("control"), installation.start("gateway"));
    installation.make_cluster(&gateway);
    (installation.console(&control), control, gateway)
}

/// The host the world knows a gateway by; its replicas are asked under the same.
fn host_of(gateway: &Role) -> String {
    gateway.url.trim_start_matches("http://").to_owned()
}
