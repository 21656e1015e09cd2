//! The program: one binary, roles as subcommands. Reads the environment, installs telemetry, opens the database and the
//! broker, hands each role its configuration and a stop token.

mod backfill;
pub mod cli;
mod clusters;
mod demo;
pub mod env;
mod exporters;
mod ops;
mod parked;
mod people;
mod realms;
mod roles;
mod seal;
mod settings;
mod shutdown;
mod tenants;
mod wiring;

pub use cli::main;
