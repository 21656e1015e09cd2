//! What a tenant sees of its identity provider: changes and refusals in the activity, the last contact of either kind.
//!
//! Written in batches behind the requests, and bounded: what does not fit is dropped and counted, a refusal is told once
//! per reason in a while, so that a flood fills neither memory nor the table.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use directory::activity::{self, Entry};
use directory::contact::{self, Accepted, Rejected};
use registry::{Db, TenantId, audit};
use serde_json::Value;
use telemetry::metrics::{self, Counter};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_util::sync::CancellationToken;

use crate::ignored::Ignored;

static DROPPED: LazyLock<Counter<u64>> =
    LazyLock::new(|| metrics::counter("activity_dropped", "Activity rows that did not fit the queue"));

/// Lines that wait to be written.
const QUEUE: usize = 10_000;
/// Lines of one batch.
const BATCH: usize = 500;
/// How long a line waits for others.
const PAUSE: Duration = Duration::from_millis(250);
/// How often the same refusal of the same tenant is told.
const QUIET: Duration = Duration::from_secs(10);
/// Refusals remembered for that.
const KEPT: usize = 10_000;

/// A line of the journal.
pub(crate) enum Line {
    Accepted(TenantId, Accepted),
    Rejected(TenantId, Rejected),
    Entry(Box<Entry>),
    /// Members nobody knows, for the audit.
    Skipped(TenantId, Value),
}

pub(crate) struct Journal {
    lines: Sender<Line>,
    told: Mutex<HashMap<String, Instant>>,
    pub ignored: Ignored,
}

impl Journal {
    /// A journal and the work that writes it, to be run until the end.
    pub fn new(db: Db, shutdown: CancellationToken) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (lines, received) = mpsc::channel(QUEUE);
        (Self { lines, told: Mutex::default(), ignored: Ignored::default() }, keep(db, received, shutdown))
    }

    pub fn write(&self, line: Line) {
        if self.lines.try_send(line).is_err() {
            DROPPED.add(1, &[]);
        }
    }

    /// Whether a refusal is news: the first of its kind in a while.
    pub fn news(&self, kind: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if told.get(kind).is_some_and(|at| now.duration_since(*at) < QUIET) {
            return false;
        }
        if told.len() >= KEPT {
            told.retain(|_, at| now.duration_since(*at) < QUIET);
        }
        // A flood of different kinds is a flood too.
        if told.len() >= KEPT {
            return false;
        }
        told.insert(kind.to_owned(), now);
        true
    }
}

async fn keep(db: Db, mut lines: Receiver<Line>, shutdown: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let first = tokio::select! {
            first = lines.recv() => first,
            () = shutdown.cancelled() => lines.try_recv().ok(),
        };
        let Some(first) = first else { return };
        batch.push(first);
        if !shutdown.is_cancelled() {
            tokio::time::sleep(PAUSE).await;
        }
        while batch.len() < BATCH
            && let Ok(line) = lines.try_recv()
        {
            batch.push(line);
        }
        if let Err(error) = store(&db, std::mem::take(&mut batch)).await {
            tracing::warn!(name = "activity.unwritten", %error, "activity could not be written");
        }
    }
}

async fn store(db: &Db, batch: Vec<Line>) -> Result<(), directory::Error> {
    let (mut accepted, mut rejected) = (HashMap::new(), HashMap::new());
    let (mut entries, mut skipped) = (Vec::new(), Vec::new());
    for line in batch {
        match line {
            Line::Accepted(tenant, one) => drop(accepted.insert(tenant, one)),
            Line::Rejected(tenant, one) => drop(rejected.insert(tenant, one)),
            Line::Entry(entry) => entries.push(*entry),
            Line::Skipped(tenant, detail) => skipped.push((tenant, detail)),
        }
    }
    activity::insert(db.connection(), &entries).await?;
    for (tenant, detail) in skipped {
        if let Err(error) = audit::note(db, tenant, "scim", "members.skip", detail).await {
            tracing::warn!(name = "audit.unwritten", %error, "an audit entry could not be written");
        }
    }
    for (tenant, one) in &accepted {
        contact::accepted(db, *tenant, one).await?;
    }
    for (tenant, one) in &rejected {
        contact::rejected(db, *tenant, one).await?;
    }
    Ok(())
}

/// The product behind a `User-Agent`, as a person knows it.
pub(crate) fn client(user_agent: Option<&str>) -> Option<String> {
    let text = user_agent?;
    let lower = text.to_ascii_lowercase();
    let known = [
        ("okta", "Okta"),
        ("azure", "Entra ID"),
        ("microsoft", "Entra ID"),
        ("onelogin", "OneLogin"),
        ("jumpcloud", "JumpCloud"),
        ("ping", "Ping"),
        ("sailpoint", "SailPoint"),
        ("rippling", "Rippling"),
        ("google", "Google"),
    ];
    if let Some((_, name)) = known.iter().find(|(part, _)| lower.contains(part)) {
        return Some((*name).to_owned());
    }
    let product: String = text
        .split(['/', '(', ';'])
        .next()?
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || " -_.".contains(*c))
        .collect();
    let product = product.trim().get(..product.trim().len().min(40))?.to_owned();
    Some(product).filter(|product| !product.is_empty())
}

#[cfg(test)]
mod tests {
    use super::client;

    #[test]
    fn a_client_is_named_as_people_know_it() {
        let named = |text: &str| client(Some(text));
        assert_eq!(named("Okta SCIM Client 1.0.0").as_deref(), Some("Okta"));
        assert_eq!(named("Mozilla/5.0 (Microsoft Azure AD)").as_deref(), Some("Entra ID"));
        assert_eq!(named("curl/8.1").as_deref(), Some("curl"));
        assert_eq!(named("\u{1}<script>").as_deref(), Some("script"));
        assert_eq!(named(""), None);
        assert_eq!(client(None), None);
    }
}
