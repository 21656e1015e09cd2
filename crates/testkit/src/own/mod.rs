//! Servers of one test's own, which it may kill, freeze and wipe.

mod keycloak;
mod postgres;
mod rabbitmq;

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

pub use keycloak::OwnKeycloak;
pub use postgres::OwnPostgres;
pub use rabbitmq::OwnBroker;

fn are_we_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// A server as the ordinary user it insists on where we are root, as ourselves elsewhere. The process is the server itself.
fn command_as(user: &str, program: impl AsRef<OsStr>) -> Command {
    if !are_we_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).args(["--clear-groups", "--"]).arg(program);
    command
}

/// Gives a directory to the user the server runs as.
fn give(directory: &Path, user: &str) {
    if are_we_root() {
        let given = Command::new("chown").args(["-R", user]).arg(directory).status();
        assert!(given.expect("chown runs").success(), "{} was not given to {user}", directory.display());
    }
}
