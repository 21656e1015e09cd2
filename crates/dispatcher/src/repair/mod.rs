//! Repair: what a crash of the gateway left half done, groups to be looked at, and quarantined targets that may
//! take us again. One tenant's trouble
//! is its own: each piece is tried by itself and comes again.

mod creates;
mod groups;
mod logouts;
mod memberships;
mod probes;

use std::fmt::Display;

use tokio_util::sync::CancellationToken;

use crate::{Config, Deps};

/// Pieces of one kind that one pass takes on.
const AT_ONCE: u32 = 50;

pub(crate) async fn run(config: Config, deps: Deps, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let passes = async {
            tokio::join!(
                creates::finish_all(&deps),
                logouts::pay_all(&deps),
                memberships::tell_all(&deps),
                groups::look_at_all(&deps),
                probes::ask_all(&deps)
            )
        };
        passes.await;
        tokio::select! {
            () = tokio::time::sleep(config.sweep) => {}
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
        tracing::warn!(%error, what, "what waits for repair cannot be read");
        Vec::new()
    })
}
