//! What survives kills and a network that loses replies. Apart from the other tests, because it kills the broker they
//! would share. `scripts/test` starts the servers.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails here")]

mod chaos;
mod groups;
mod lost_reply;
mod no_filters;
mod nothing_lost;
mod provider;
mod scene;
mod throttled;

use testkit::console::Console;
use testkit::installation::{Installation, Role};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kevra-scim");

/// Control and a gateway of an installation, with its default cluster.
fn front(installation: &Installation) -> (Console, Role, Role) {
    let (control, gateway) = (installation.start("control"), installation.start("gateway"));
    installation.make_cluster(&gateway);
    (installation.console(&control), control, gateway)
}
