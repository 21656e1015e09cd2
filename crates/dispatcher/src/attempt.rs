//! One call to a downstream: the lease before it, the span around it, the line, the activity and the metrics after it.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use directory::activity::Entry;
use directory::lease::Lease;
use directory::ledger;
use directory::resource::Kind;
use downstream::Outcome;
use telemetry::metrics::{self, Counter, Histogram, KeyValue};
use telemetry::trace;
use tracing::Instrument;
use tracing::field::Empty;

use crate::fairness::Health;
use crate::round::{Error, Round};

/// An answer that takes longer is a slow one, however good.
const SLOW: Duration = Duration::from_secs(5);

static ATTEMPTS: LazyLock<Counter<u64>> =
    LazyLock::new(|| metrics::counter("outbound_attempts", "Calls to downstreams, by operation and outcome"));
static DURATION: LazyLock<Histogram<f64>> =
    LazyLock::new(|| metrics::duration("outbound_attempt_duration", "How long calls to downstreams take"));

/// How a call ended; `None` is well.
pub(crate) trait Ending {
    fn outcome(&self) -> Option<&Outcome>;
}

impl Ending for Outcome {
    fn outcome(&self) -> Option<&Outcome> {
        Some(self)
    }
}

impl<T> Ending for Result<T, Outcome> {
    fn outcome(&self) -> Option<&Outcome> {
        self.as_ref().err()
    }
}

/// What the end of a call says about the target rather than about the user; `None` is well.
pub(crate) fn health(outcome: Option<&Outcome>, took: Duration) -> Health {
    let answered = if took > SLOW { Health::Slow } else { Health::Good };
    let Some(outcome) = outcome else { return answered };
    match outcome {
        // No SCIM server answers so: whatever stands before it does.
        Outcome::NotFound(answer) if answer.body.is_none() => Health::Bad,
        Outcome::Ok(_) | Outcome::Conflict(_) | Outcome::Rejected(_) | Outcome::NotFound(_) => answered,
        Outcome::Throttled(..) => Health::Throttled,
        Outcome::Unauthorized(_) => Health::Unknown,
        Outcome::Failed(_)
        | Outcome::NotScim(_)
        | Outcome::Ambiguous
        | Outcome::Unreachable
        | Outcome::TimedOut
        | Outcome::Tls
        | Outcome::Blocked => Health::Bad,
    }
}

impl Round<'_> {
    /// Makes a call under the lease and notes it; `names` are the attributes it changes. `None`, and nothing is sent,
    /// where the lease or the target's generation is no longer ours (K20).
    pub async fn call<T: Ending>(
        &mut self,
        operation: &'static str,
        names: &[String],
        call: impl Future<Output = T>,
    ) -> Result<Option<T>, Error> {
        let (lease, generation) = (Lease::asked(ledger::protocol::LEASE), Some(self.target.generation));
        let renewed = ledger::renew(&self.deps.db, self.tenant, self.subject, self.claim.epoch, generation).await?;
        // A process that was frozen on its way here must not begin what could end after its lease.
        if !renewed || !lease.covers(downstream::DEADLINE) {
            return Ok(None);
        }
        let span = tracing::info_span!(
            "outbound.attempt",
            otel.kind = "client",
            otel.name = operation,
            http.response.status_code = Empty,
            outcome = Empty,
        );
        let begun = Instant::now();
        let ended = call.instrument(span.clone()).await;
        let outcome = ended.outcome();
        self.health = match (self.subject.kind, health(outcome, begun.elapsed())) {
            // What a target says to groups neither opens nor closes the way for users (P7).
            (Kind::Group, Health::Good | Health::Slow | Health::Bad) => Health::Unknown,
            // One quick answer makes no round quick.
            (Kind::User, Health::Good) if self.health == Health::Slow => Health::Slow,
            (_, health) => health,
        };
        let (status, class) = outcome.map_or((Some(200), "ok"), |outcome| (outcome.status(), outcome.class()));
        let said = outcome.filter(|_| class != "ok").and_then(Outcome::answer);
        let detail = said.and_then(|answer| downstream::excerpt(answer, &self.sent));
        span.record("outcome", class);
        if let Some(status) = status {
            span.record("http.response.status_code", status);
        }
        drop(span);
        self.note(operation, names, status, class, detail, begun);
        Ok(Some(ended))
    }

    fn note(
        &mut self,
        operation: &'static str,
        names: &[String],
        status: Option<u16>,
        class: &'static str,
        detail: Option<String>,
        begun: Instant,
    ) {
        let elapsed = begun.elapsed();
        let duration_ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        let trace_id = trace::id(trace::current().as_deref());
        let (user, group) = match self.subject.kind {
            Kind::User => (Some(self.subject.id), None),
            Kind::Group => (None, Some(self.subject.id)),
        };
        tracing::info!(
            name = "outbound.attempted",
            tenant.id = %self.tenant,
            user.id = user.map(tracing::field::display),
            group.id = group.map(tracing::field::display),
            operation,
            changed = names.join(","),
            http.status = status,
            outcome = class,
            attempt = self.claim.row.state.attempts + 1,
            duration_ms,
            trace_id,
        );
        let labelled = KeyValue::new("op", operation);
        DURATION.record(elapsed.as_secs_f64(), std::slice::from_ref(&labelled));
        ATTEMPTS.add(1, &[labelled, KeyValue::new("outcome", class)]);
        self.attempts.push(Entry {
            tenant: self.tenant,
            at: micros_now(),
            direction: "out",
            user,
            target: Some(self.target.id),
            operation: operation.to_owned(),
            status,
            class: class.to_owned(),
            reason: group.map(|group| format!("group {group}")),
            changed: names.to_vec(),
            duration_ms,
            seq: Some(self.claim.seq),
            trace_id,
            client: None,
            detail,
            realm_calls: Vec::new(),
        });
    }
}

/// Now by this process's clock; for what is shown, never for leases (K20).
pub(crate) fn micros_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use downstream::Answer;

    #[test]
    fn a_slow_answer_is_no_good_one_and_no_bad_one() {
        let conflict =
            Answer { status: 409, content_type: None, retry_after: None, location: None, body: None, text: None };
        let conflict = Outcome::Conflict(conflict);
        for outcome in [None, Some(&conflict)] {
            assert_eq!(health(outcome, Duration::from_secs(4)), Health::Good);
            assert_eq!(health(outcome, Duration::from_secs(6)), Health::Slow);
        }
        assert_eq!(health(Some(&Outcome::TimedOut), Duration::from_secs(10)), Health::Bad);
    }
}
