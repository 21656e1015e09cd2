//! Gauges read the ledger, not the broker: a short queue says nothing about a long backlog.

use std::sync::LazyLock;
use std::time::Duration;

use directory::ledger;
use registry::Db;
use telemetry::metrics::{self, Counter, Gauge, Histogram, KeyValue};
use tokio_util::sync::CancellationToken;

static WAITING: LazyLock<Gauge<i64>> = LazyLock::new(|| {
    metrics::gauge("outbound_waiting", "Changes to be looked at, or delivered now or after a back-off")
});
static PARKED: LazyLock<Gauge<i64>> = LazyLock::new(|| {
    metrics::gauge(
        "outbound_parked",
        "Changes set aside until their user or group changes or a person acts, which nobody has yet",
    )
});
static OLDEST: LazyLock<Gauge<f64>> = LazyLock::new(|| {
    metrics::gauge_seconds(
        "outbound_oldest_waiting",
        "How long the oldest change of a user waits whose downstream takes changes",
    )
});
static TARGETS: LazyLock<Gauge<i64>> =
    LazyLock::new(|| metrics::gauge("outbound_targets", "Downstreams in use, by state"));

pub(crate) static CHANGES: LazyLock<Counter<u64>> = LazyLock::new(|| {
    metrics::counter("outbound_changes", "Users and groups brought in step downstream, by kind of change")
});
pub(crate) static LAG: LazyLock<Histogram<f64>> =
    LazyLock::new(|| metrics::wait("outbound_lag", "From a change of a user to its delivery"));

const EVERY: Duration = Duration::from_secs(10);

/// Reads them again and again. Every replica shows the same numbers: take the maximum, not the sum.
pub(crate) async fn keep(db: Db, shutdown: CancellationToken) {
    loop {
        match (ledger::backlog(&db).await, ledger::targets(&db).await) {
            (Ok(backlog), Ok(targets)) => {
                WAITING.record(backlog.waiting, &[]);
                PARKED.record(backlog.parked, &[]);
                let oldest = Duration::from_micros(u64::try_from(backlog.oldest).unwrap_or(0));
                OLDEST.record(oldest.as_secs_f64(), &[]);
                let states = [
                    ("delivering", targets.delivering),
                    ("paused", targets.paused),
                    ("quarantined", targets.quarantined),
                ];
                for (state, count) in states {
                    TARGETS.record(count, &[KeyValue::new("state", state)]);
                }
            }
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(name = "backlog.uncounted", %error, "the backlog cannot be counted");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.cancelled() => return,
        }
    }
}
