//! What survives kills and a network that loses replies. Apart from the other tests, because it kills the broker they
//! would share. `scripts/test` starts the servers.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails here")]

mod chaos;
mod controls;
mod groups;
mod lost_reply;
mod no_filters;
mod nothing_lost;
mod probes;
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

/// Has a tenant's groups pushed.
fn choose_groups(console: &Console, tenant: &str) {
    let choices = serde_json::json!({ "on_delete": "nothing", "hold_mass_deactivation": false, "push_groups": true });
    let path = format!("/tenants/{tenant}/outbound/options");
    let (status, answer) = console.call(reqwest::Method::PUT, &path, Some(&choices));
    assert_eq!(status, 204, "{answer}");
}
