//! A 403: meant for our token, as P4 takes it, or for one user whom nobody may change. The first one quarantines the target; who
//! is refused again when the target was let go has to show by the others whose trouble it is.

use directory::ledger::{LinkUpdate, Verdict};
use directory::refused::{self, Before};
use directory::resource::Kind;
use registry::quarantine::Cause;

use crate::attempt::micros_now;
use crate::ended::Ended;
use crate::round::{Error, Round};
use crate::verdict::{TargetVerdict, backoff};

/// How long a refusal is remembered, microseconds: longer than the longest back-off.
const REMEMBERED: i64 = 60 * 60 * 1_000_000;
/// How long whoever is refused again lets others go first, microseconds: longer than the shortest quarantine.
const BEHIND: i64 = 10_000_000;

/// What follows from a 403, given what came before it.
fn of_refusal(before: Before, attempts: i64, jitter: f64) -> (Verdict, TargetVerdict) {
    let quarantine = TargetVerdict::Quarantine(Cause::Forbidden);
    match before {
        Before::Otherwise => (Verdict::Retry { after: 0, definite: true, charged: false }, quarantine),
        Before::Refused => {
            let after = backoff(attempts, jitter).max(BEHIND);
            // The first time the others are let through to show; after that it is the token's again.
            let target = if attempts == 0 { TargetVerdict::Carry } else { quarantine };
            (Verdict::Retry { after, definite: true, charged: true }, target)
        }
        Before::RefusedAlone => (Verdict::Park, TargetVerdict::Carry),
    }
}

impl Round<'_> {
    /// How a user's round ends that was refused with 403; any other stays as it is.
    pub(crate) async fn refused(&self, ended: Ended) -> Result<Ended, Error> {
        if ended.target != TargetVerdict::Quarantine(Cause::Forbidden) || self.subject.kind != Kind::User {
            return Ok(ended);
        }
        let since = micros_now() - REMEMBERED;
        let before = refused::before(&self.deps.db, self.tenant, self.target.id, self.subject.id, since).await?;
        let (verdict, target) = of_refusal(before, self.claim.row.state.attempts, rand::random());
        Ok(match (verdict, ended.verdict) {
            (Verdict::Park, _) => {
                // As of any record that was found gone, and of which no other is known.
                let lost = self.gone && self.link.create_intent_age.is_none();
                let link = ended.link.or_else(|| lost.then(LinkUpdate::default));
                Ended { verdict, target, reason: Some("rejected".to_owned()), status: ended.status, link }
            }
            (Verdict::Retry { after, charged, .. }, Verdict::Retry { definite, .. }) => {
                Ended { verdict: Verdict::Retry { after, definite, charged }, target, ..ended }
            }
            _ => ended,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_403_is_the_tokens_and_costs_the_row_nothing() {
        let (row, target) = of_refusal(Before::Otherwise, 3, 0.5);
        assert_eq!(row, Verdict::Retry { after: 0, definite: true, charged: false });
        assert_eq!(target, TargetVerdict::Quarantine(Cause::Forbidden));
    }

    #[test]
    fn who_is_refused_again_goes_behind_the_others_and_is_parked_once_they_are_taken() {
        let (row, target) = of_refusal(Before::Refused, 0, 0.0);
        assert_eq!(row, Verdict::Retry { after: BEHIND, definite: true, charged: true });
        assert_eq!(target, TargetVerdict::Carry, "the others go on");
        let alone = of_refusal(Before::RefusedAlone, 1, 0.0);
        assert_eq!(alone, (Verdict::Park, TargetVerdict::Carry));
    }

    #[test]
    fn where_nobody_is_taken_it_stays_the_tokens() {
        let (row, target) = of_refusal(Before::Refused, 9, 1.0);
        assert_eq!(row, Verdict::Retry { after: 512_000_000, definite: true, charged: true });
        assert_eq!(target, TargetVerdict::Quarantine(Cause::Forbidden));
    }
}
