//! What the product costs: CPU per operation, read from the processes that do the work, beside a floor or a peer measured
//! in the same run. Ratios travel between machines, absolutes do not. See `bench/README.md`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod cpu;
mod floor;
mod gateway;
mod keycloak;
mod latency;
mod load;
mod neighbors;
mod peers;
mod replicas;
mod report;
mod scale;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    suite: Suite,
    /// The program to measure.
    #[arg(long, global = true, default_value = "target/release/kevra-scim")]
    program: PathBuf,
}

#[derive(Subcommand)]
enum Suite {
    /// Requests to a gateway on PostgreSQL with an embedded realm, against a bare server's look-up.
    Gateway,
    /// The same requests to the gateway and to Keycloak's own SCIM server, with the same users in the same Keycloak.
    Keycloak {
        /// How many users.
        #[arg(long, default_value_t = 1_000)]
        users: usize,
    },
    /// The same look-ups in a small installation and in a large one.
    Scale {
        /// How many tenants the large one has.
        #[arg(long, default_value_t = 10_000)]
        tenants: u64,
        /// How many users each tenant has.
        #[arg(long, default_value_t = 100)]
        users: u64,
    },
    /// What the gateway adds to the time its realm takes.
    Latency,
    /// Forty tenants at 25 requests a second, without and with a noisy one.
    Neighbors,
    /// The gateway beside other SCIM servers.
    Peers {
        /// How many users.
        #[arg(long, default_value_t = gateway::USERS)]
        users: u64,
    },
    /// One, two and four gateways.
    Replicas,
    /// A floor as a process of its own; for the suites.
    #[command(hide = true)]
    Floor { kind: floor::Kind, port: u16, upstream: Option<String> },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.suite {
        Suite::Gateway => gateway::run(&arguments.program),
        Suite::Keycloak { users } => keycloak::run(&arguments.program, users),
        Suite::Scale { tenants, users } => scale::run(&arguments.program, tenants, users),
        Suite::Latency => latency::run(&arguments.program),
        Suite::Neighbors => neighbors::run(&arguments.program),
        Suite::Peers { users } => peers::run(&arguments.program, users),
        Suite::Replicas => replicas::run(&arguments.program),
        Suite::Floor { kind, port, upstream } => floor::serve(kind, port, upstream),
    }
}
