//! One path through every trouble with the broker: connect, declare, work; on any error, time-out or end of stream drop
//! everything, wait with jitter, begin again, without limit. lapin's own recovery stays off: it gives up after 16 tries
//! and knows nothing of deleted queues.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use telemetry::metrics::{self, Counter, Gauge, KeyValue};

use crate::{Hint, News, consumer, publisher};

/// Seconds between two signs of life, where the URL asks for no other: the broker's own minute would leave one that hangs
/// unnoticed for two.
const HEARTBEAT: u16 = 10;
const CONNECT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: u64 = 10_000;

static CONNECTED: LazyLock<Gauge<i64>> =
    LazyLock::new(|| metrics::gauge("amqp_connected", "Whether a session with the broker is up, 0 or 1"));
static RECONNECTS: LazyLock<Counter<u64>> =
    LazyLock::new(|| metrics::counter("amqp_reconnects", "Sessions with the broker that ended and are begun anew"));

/// Why a session ended. The broker's URL is never part of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    #[error("the broker: {0}")]
    Broker(#[from] lapin::Error),
    #[error("the broker's URL cannot be read")]
    Unreadable,
    #[error("the broker did not answer in time")]
    TimedOut,
    #[error("the broker did not take a message")]
    NotTaken,
    #[error("the broker ended the stream")]
    Closed,
    #[error("shutdown")]
    Shutdown,
}

pub(crate) async fn keep_publishing(
    url: SecretString,
    mut hints: mpsc::Receiver<Hint>,
    connected: Arc<AtomicBool>,
    shutdown: CancellationToken,
) {
    let mut failures = 0;
    while !shutdown.is_cancelled() {
        let session = async {
            let connection = connect(&url).await?;
            publisher::run(&connection, &mut hints, &connected, &mut failures, &shutdown).await
        };
        if ended("publish", session.await, &connected, &mut failures, &shutdown).await {
            return;
        }
    }
}

pub(crate) async fn keep_consuming(
    url: SecretString,
    hints: mpsc::Sender<Hint>,
    connected: Arc<AtomicBool>,
    shutdown: CancellationToken,
) {
    let mut failures = 0;
    while !shutdown.is_cancelled() {
        let session = async {
            let connection = connect(&url).await?;
            consumer::run(&connection, &hints, &connected, &mut failures, &shutdown).await
        };
        if ended("consume", session.await, &connected, &mut failures, &shutdown).await {
            return;
        }
    }
}

pub(crate) async fn keep_capturing(url: SecretString, news: mpsc::Sender<News>, shutdown: CancellationToken) {
    let (mut failures, connected) = (0, AtomicBool::new(false));
    while !shutdown.is_cancelled() {
        let session = async {
            let connection = connect(&url).await?;
            consumer::capture(&connection, &news, &connected, &mut failures, &shutdown).await
        };
        if ended("capture", session.await, &connected, &mut failures, &shutdown).await {
            return;
        }
    }
}

/// Opens a session with the broker and closes it again: whether it is reached, and takes our credentials.
pub(crate) async fn reach(url: &SecretString) -> Result<(), Ended> {
    let connection = connect(url).await?;
    Ok(connection.close(200, "looked".into()).await?)
}

async fn connect(url: &SecretString) -> Result<Connection, Ended> {
    let properties = ConnectionProperties::default().with_connection_name("kevra-scim".into());
    let mut uri: AMQPUri = url.expose_secret().parse().map_err(|_| Ended::Unreadable)?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT);
    let connecting = Connection::connect_uri(uri, properties);
    Ok(tokio::time::timeout(CONNECT, connecting).await.map_err(|_| Ended::TimedOut)??)
}

/// Notes that a session is up.
pub(crate) fn up(which: &'static str, connected: &AtomicBool) {
    connected.store(true, Ordering::Relaxed);
    CONNECTED.record(1, &[KeyValue::new("session", which)]);
}

/// Notes the end of a session and waits before the next; says whether there will be none.
async fn ended(
    which: &'static str,
    outcome: Result<(), Ended>,
    connected: &AtomicBool,
    failures: &mut u32,
    shutdown: &CancellationToken,
) -> bool {
    connected.store(false, Ordering::Relaxed);
    CONNECTED.record(0, &[KeyValue::new("session", which)]);
    let Err(reason) = outcome else { return true };
    if matches!(reason, Ended::Shutdown) || shutdown.is_cancelled() {
        return true;
    }
    let longest = (200_u64 << (*failures).min(6)).min(LONGEST_WAIT);
    *failures = failures.saturating_add(1);
    let wait = Duration::from_millis(rand::random_range(longest / 2..=longest));
    RECONNECTS.add(1, &[KeyValue::new("session", which)]);
    tracing::warn!(
        name = "broker.lost",
        %reason,
        wait_ms = wait.as_millis(),
        "the broker's session ended; hints wait for the sweeper",
    );
    tokio::select! {
        () = tokio::time::sleep(wait) => false,
        () = shutdown.cancelled() => true,
    }
}
