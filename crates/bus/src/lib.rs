//! The doorbell: "user U of tenant T may have changed", over RabbitMQ or in process.
//!
//! A hint carries no state, so that duplicates, reordering and loss cost latency, never data: what is owed stands in the
//! ledger, and the dispatcher's sweeper rings for what was forgotten. Ringing therefore never blocks and never fails.

mod consumer;
mod hint;
mod news;
mod publisher;
mod session;
mod topology;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use hint::Hint;
pub use news::News;

/// Hints held while the broker is slow; beyond that they are dropped.
const CAPACITY: usize = 10_000;

/// The ringing end.
#[derive(Clone)]
pub struct Doorbell {
    hints: mpsc::Sender<Hint>,
    connected: Arc<AtomicBool>,
}

/// The listening end.
pub struct Hints(mpsc::Receiver<Hint>);

impl Doorbell {
    /// Rings. Never blocks: where there is no room the hint is dropped and the sweeper rings instead (K31).
    pub fn ring(&self, hint: Hint) {
        if self.hints.try_send(hint).is_err() {
            tracing::debug!(name = "hint.dropped", "a hint was dropped; the sweeper will ring");
        }
    }

    /// Whether the broker's session is up; always true in process.
    pub fn connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }
}

impl Hints {
    /// The next hint; `None` when the doorbell is gone.
    pub async fn next(&mut self) -> Option<Hint> {
        self.0.recv().await
    }
}

/// A doorbell within this process.
pub fn in_process() -> (Doorbell, Hints) {
    let (hints, receiver) = mpsc::channel(CAPACITY);
    (Doorbell { hints, connected: Arc::new(AtomicBool::new(true)) }, Hints(receiver))
}

/// A doorbell over RabbitMQ that only rings. The session is kept up by a task of the tracker until shutdown.
pub fn ringing(url: SecretString, shutdown: &CancellationToken, tracker: &TaskTracker) -> Doorbell {
    let (hints, outgoing) = mpsc::channel(CAPACITY);
    let connected = Arc::new(AtomicBool::new(false));
    tracker.spawn(session::keep_publishing(url, outgoing, connected.clone(), shutdown.clone()));
    Doorbell { hints, connected }
}

/// The listening end of a doorbell over RabbitMQ, and whether its session is up.
pub fn listening(url: SecretString, shutdown: &CancellationToken, tracker: &TaskTracker) -> (Hints, Arc<AtomicBool>) {
    let (incoming, receiver) = mpsc::channel(CAPACITY);
    let connected = Arc::new(AtomicBool::new(false));
    tracker.spawn(session::keep_consuming(url, incoming, connected.clone(), shutdown.clone()));
    (Hints(receiver), connected)
}

/// Opens a session with the broker and closes it again; why not, in words, where it cannot be had.
pub async fn reach(url: &SecretString) -> Result<(), String> {
    session::reach(url).await.map_err(|ended| ended.to_string())
}

/// What Keycloak's listeners say, until shutdown. Its session is one of its own: where the listeners' exchange cannot be
/// had, hints go on.
pub fn realm_news(url: SecretString, shutdown: &CancellationToken, tracker: &TaskTracker) -> mpsc::Receiver<News> {
    let (incoming, receiver) = mpsc::channel(CAPACITY);
    tracker.spawn(session::keep_capturing(url, incoming, shutdown.clone()));
    receiver
}
