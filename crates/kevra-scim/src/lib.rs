//! The program: one binary, roles as subcommands. Reads the environment, installs telemetry, opens the database and the
//! broker, hands each role its configuration and a stop token.

mod attempts;
mod backfill;
pub mod cli;
mod clusters;
mod consent;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
pub mod env;
mod exporters;
mod held;
mod manual;
mod offboard;
mod ops;
mod outbound;
mod output;
mod parked;
mod people;
mod realm_commands;
mod realms;
mod roles;
mod seal;
mod settings;
mod shutdown;
mod tenants;
mod wiring;

pub use cli::main;
