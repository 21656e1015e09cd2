//! What a failed look at one user's record says: that it is that record's own trouble, or the downstream's, for which a backfill
//! waits (P3). Records are asked for nowhere but in the walk.

use std::time::Duration;

use directory::backfill::Action;
use downstream::Outcome;
use registry::TenantId;
use registry::target;

use super::{Found, LATER, Look, Next};
use crate::round::Error;
use crate::verdict::{TargetVerdict, of_failure};

/// What the downstream said when it was asked about a user.
#[derive(Debug)]
pub(super) enum Heard {
    /// It was not asked.
    Nothing,
    /// An answer.
    Answer,
    /// No answer to what was asked.
    Trouble(Outcome),
}

/// What there is to do with a user whose record cannot be read: the ledger tries, and backs off or parks it.
pub(super) fn unread(linked: bool) -> Action {
    if linked { Action::Update } else { Action::Create }
}

/// Whether a failure is the downstream's, whoever was asked for. Our token may be all right and this record none of its.
fn is_targets(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Unauthorized(answer) => answer.status == 401,
        Outcome::Throttled(..) | Outcome::Tls | Outcome::Blocked => true,
        Outcome::Ok(_)
        | Outcome::NotScim(_)
        | Outcome::NotFound(_)
        | Outcome::Conflict(_)
        | Outcome::Rejected(_)
        | Outcome::Failed(_)
        | Outcome::Ambiguous
        | Outcome::Unreachable
        | Outcome::TimedOut => false,
    }
}

/// The failure of a page that the backfill has to wait for. A record that fails while others are answered for fails by itself;
/// where none of the page is, a probe shows whether any would be.
pub(super) async fn to_wait_for<'h>(look: &Look<'_>, heard: &'h [(Found, Heard)]) -> Option<&'h Outcome> {
    let troubles = || {
        heard.iter().filter_map(|(_, heard)| match heard {
            Heard::Trouble(outcome) => Some(outcome),
            Heard::Nothing | Heard::Answer => None,
        })
    };
    let first = troubles().next()?;
    if let Some(outcome) = troubles().find(|outcome| is_targets(outcome)) {
        return Some(outcome);
    }
    let answers = heard.iter().any(|(_, heard)| matches!(heard, Heard::Answer));
    if answers || look.client.probe().await.is_ok() { None } else { Some(first) }
}

/// Says which records a page goes on without having read.
pub(super) fn note(tenant: TenantId, page: &[(Found, Heard)]) {
    for (found, heard) in page {
        let Heard::Trouble(outcome) = heard else { continue };
        tracing::info!(
            name = "backfill.unread_record",
            tenant.id = %tenant,
            user.id = %found.id,
            outcome = outcome.class(),
            http.status = outcome.status(),
            "a user's record cannot be read; a backfill goes on",
        );
    }
}

/// A downstream that does not answer as it should is treated as a send would treat it; the backfill waits.
pub(super) async fn wait(look: &Look<'_>, outcome: &Outcome) -> Result<Next, Error> {
    let (db, target) = (&look.deps.db, look.target);
    tracing::warn!(
        name = "backfill.silent",
        tenant.id = %target.tenant,
        outcome = outcome.class(),
        http.status = outcome.status(),
        wait_s = Duration::from_micros(LATER.unsigned_abs()).as_secs(),
        "a backfill waits for its downstream",
    );
    let (_, verdict) = of_failure(outcome, 0, rand::random());
    match verdict {
        TargetVerdict::Carry => {}
        TargetVerdict::Pause(wait) => {
            let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2);
            target::pause(db, target.id, target.generation, wait).await?;
        }
        TargetVerdict::Quarantine(cause) => target::quarantine(db, target.id, target.generation, cause).await?,
    }
    Ok(Next::Wait(LATER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use downstream::Answer;

    fn answer(status: u16) -> Answer {
        Answer { status, content_type: None, retry_after: None, location: None, body: None, text: None }
    }

    #[test]
    fn only_what_no_record_can_be_the_cause_of_is_the_downstreams_for_sure() {
        for outcome in [Outcome::Unauthorized(answer(401)), Outcome::Throttled(answer(429), None), Outcome::Tls] {
            assert!(is_targets(&outcome), "{outcome:?}");
        }
        for outcome in [
            Outcome::Unauthorized(answer(403)),
            Outcome::NotFound(answer(404)),
            Outcome::Rejected(answer(410)),
            Outcome::Failed(answer(500)),
            Outcome::TimedOut,
        ] {
            assert!(!is_targets(&outcome), "{outcome:?}");
        }
    }
}
