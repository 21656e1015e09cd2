//! Stopping: the first signal is soft and lets work in flight end, a second one ends the process at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels the token at SIGTERM or SIGINT; exits at the next.
#[expect(clippy::disallowed_methods, reason = "it tells the others to stop; nobody waits for it")]
pub(crate) fn on_signals() -> anyhow::Result<CancellationToken> {
    let token = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let soft = token.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if soft.is_cancelled() {
                std::process::exit(1);
            }
            soft.cancel();
        }
    });
    Ok(token)
}
