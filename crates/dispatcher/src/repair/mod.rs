//! Repair: what a crash of the gateway left half done, groups to be looked at, and quarantined targets that may
//! take us again. One tenant's trouble
//! is its own: each piece is tried by itself and comes again.

mod creates;
mod groups;
mod logouts;
mod memberships;
mod probes;

use std::fmt::Display;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{Config, Deps};

/// Pieces of one kind that one pass takes on.
const AT_ONCE: u32 = 50;

pub(crate) async fn run(config: Config, deps: Deps, shutdown: CancellationToken) {
    let (every, deps, shutdown) = (config.sweep, &deps, &shutdown);
    tokio::join!(
        again(every, shutdown, || creates::finish_all(deps)),
        again(every, shutdown, || logouts::pay_all(deps)),
        again(every, shutdown, || memberships::tell_all(deps)),
        again(every, shutdown, || groups::look_at_all(deps)),
        again(every, shutdown, || probes::ask_all(deps)),
    );
}

/// One kind of repair, pass after pass. The kinds do not wait for each other, nor do the pieces of a pass: a realm or
/// downstream that does not answer keeps nobody waiting.
async fn again<F: Future<Output = ()>>(every: Duration, shutdown: &CancellationToken, pass: impl Fn() -> F) {
    while !shutdown.is_cancelled() {
        pass().await;
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// What one piece of repair failed with: told, and tried again with the next pass.
type Repaired = Result<(), String>;

fn text(error: &impl Display) -> String {
    error.to_string()
}

/// The pieces that wait, or none where the database does not say.
fn waiting<T>(what: &str, found: Result<Vec<T>, impl Display>) -> Vec<T> {
    found.unwrap_or_else(|error| {
        tracing::warn!(name = "repair.unread", %error, what, "what waits for repair cannot be read");
        Vec::new()
    })
}
