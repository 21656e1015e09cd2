//! The verdict: what follows from how a round ended. Pure; decided here and nowhere else.

use std::time::Duration;

use directory::ledger::Verdict;
use downstream::Outcome;
use registry::quarantine::Cause;

/// The longest back-off.
const LONGEST: u64 = 15 * 60;

/// What follows for the target, beside the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetVerdict {
    /// Nothing.
    Carry,
    /// Send nothing to it for so long.
    Pause(Duration),
    /// It refuses our token: send nothing until it takes it again (P4).
    Quarantine(Cause),
}

/// How a failed call is taken. `attempts` are the failed rounds so far; `jitter` is a number from 0 to 1.
pub fn of_failure(outcome: &Outcome, attempts: i64, jitter: f64) -> (Verdict, TargetVerdict) {
    let retry = |definite: bool| Verdict::Retry { after: backoff(attempts, jitter), definite, charged: true };
    match outcome {
        // The answer is definite, what it means for the record is not: a 5xx may have done its work (K17).
        Outcome::Failed(_) | Outcome::Ambiguous | Outcome::NotScim(_) => (retry(false), TargetVerdict::Carry),
        Outcome::Throttled(_, wait) => {
            let wait = wait.unwrap_or(Duration::from_secs(5)).max(Duration::from_secs(1));
            // A 429 refused the request; a 503 may have done its work first (K17).
            let definite = outcome.did_nothing();
            (Verdict::Retry { after: 0, definite, charged: false }, TargetVerdict::Pause(wait))
        }
        Outcome::Unauthorized(answer) => {
            let cause = if answer.status == 401 { Cause::Unauthorized } else { Cause::Forbidden };
            (Verdict::Retry { after: 0, definite: true, charged: false }, TargetVerdict::Quarantine(cause))
        }
        Outcome::Rejected(_) | Outcome::Conflict(_) => (Verdict::Park, TargetVerdict::Carry),
        // Nothing was done for sure; a 404 where a record or the endpoint should be is looked up again next time.
        Outcome::Unreachable
        | Outcome::TimedOut
        | Outcome::Tls
        | Outcome::Blocked
        | Outcome::NotFound(_)
        | Outcome::Ok(_) => (retry(true), TargetVerdict::Carry),
    }
}

/// How a failed call about a group is taken: as a user's, but that it is the group's own. A token that may not touch groups
/// says nothing about users, who must not wait for it.
pub fn of_group_failure(outcome: &Outcome, attempts: i64, jitter: f64) -> (Verdict, TargetVerdict) {
    match outcome {
        Outcome::Unauthorized(_) => {
            let verdict = Verdict::Retry { after: backoff(attempts, jitter), definite: true, charged: true };
            (verdict, TargetVerdict::Carry)
        }
        other => of_failure(other, attempts, jitter),
    }
}

/// Whether what came of asking for a member's record is that member's own trouble: its own round sees to it, and the others
/// join without it. A failure is the application's until it comes again.
pub fn is_members_own(outcome: &Outcome, attempts: i64) -> bool {
    match outcome {
        Outcome::NotFound(answer) if answer.body.is_some() => true,
        Outcome::Rejected(_) | Outcome::Conflict(_) => true,
        Outcome::NotFound(_) | Outcome::Failed(_) | Outcome::NotScim(_) => attempts > 0,
        Outcome::Ok(_)
        | Outcome::Unauthorized(_)
        | Outcome::Throttled(..)
        | Outcome::Ambiguous
        | Outcome::Unreachable
        | Outcome::TimedOut
        | Outcome::Tls
        | Outcome::Blocked => false,
    }
}

/// How a round ends that found a group's record: the next one begins in doubt, and looks. Not at once where this one had lost
/// a record already: a look-up may go on finding what no longer answers by its id.
pub fn of_found_group(lost: bool, attempts: i64, jitter: f64) -> Verdict {
    let after = if lost { backoff(attempts, jitter) } else { 0 };
    Verdict::Retry { after, definite: false, charged: lost }
}

/// Full jitter: anything from nothing to one second doubled per failure, at most a quarter of an hour. Microseconds.
pub fn backoff(attempts: i64, jitter: f64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(0, 20)).unwrap_or(20);
    let longest = (1_u64 << doublings).min(LONGEST);
    let share = Duration::from_secs(longest).mul_f64(jitter.clamp(0.0, 1.0));
    i64::try_from(share.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use downstream::Answer;

    fn answer(status: u16) -> Answer {
        Answer { status, content_type: None, retry_after: None, location: None, body: None, text: None }
    }

    #[test]
    fn the_backoff_doubles_and_is_bounded() {
        assert_eq!(backoff(0, 1.0), 1_000_000);
        assert_eq!(backoff(3, 1.0), 8_000_000);
        assert_eq!(backoff(3, 0.0), 0);
        assert_eq!(backoff(1_000, 1.0), 900_000_000);
    }

    #[test]
    fn a_refused_token_quarantines_the_target_and_costs_the_row_nothing() {
        let (row, target) = of_failure(&Outcome::Unauthorized(answer(401)), 4, 0.5);
        assert_eq!(row, Verdict::Retry { after: 0, definite: true, charged: false });
        assert!(matches!(target, TargetVerdict::Quarantine(_)));
    }

    #[test]
    fn a_token_that_may_not_touch_groups_keeps_no_user_waiting() {
        for status in [401, 403] {
            let (row, target) = of_group_failure(&Outcome::Unauthorized(answer(status)), 3, 1.0);
            assert_eq!(row, Verdict::Retry { after: 8_000_000, definite: true, charged: true });
            assert_eq!(target, TargetVerdict::Carry);
        }
        assert_eq!(of_group_failure(&Outcome::Conflict(answer(409)), 0, 0.5).0, Verdict::Park);
    }

    #[test]
    fn only_a_refusal_of_the_request_itself_parks() {
        assert_eq!(of_failure(&Outcome::Rejected(answer(400)), 0, 0.5).0, Verdict::Park);
        assert_eq!(of_failure(&Outcome::Conflict(answer(409)), 0, 0.5).0, Verdict::Park);
        for outcome in [Outcome::Failed(answer(500)), Outcome::Ambiguous, Outcome::TimedOut, Outcome::Unreachable] {
            assert!(matches!(of_failure(&outcome, 0, 0.5).0, Verdict::Retry { .. }), "{outcome:?}");
        }
    }

    #[test]
    fn a_member_keeps_its_group_waiting_only_for_what_may_be_the_applications_trouble() {
        for (outcome, at_once, again) in [
            (Outcome::NotFound(Answer { body: Some(serde_json::json!({})), ..answer(404) }), true, true),
            (Outcome::Rejected(answer(400)), true, true),
            (Outcome::Rejected(answer(410)), true, true),
            (Outcome::Failed(answer(500)), false, true),
            (Outcome::NotFound(answer(404)), false, true),
            (Outcome::Unauthorized(answer(403)), false, false),
            (Outcome::Throttled(answer(429), None), false, false),
            (Outcome::TimedOut, false, false),
        ] {
            assert_eq!((is_members_own(&outcome, 0), is_members_own(&outcome, 1)), (at_once, again), "{outcome:?}");
        }
    }

    #[test]
    fn a_group_that_is_found_again_where_it_was_lost_backs_off() {
        assert_eq!(of_found_group(false, 3, 1.0), Verdict::Retry { after: 0, definite: false, charged: false });
        assert_eq!(of_found_group(true, 3, 1.0), Verdict::Retry { after: 8_000_000, definite: false, charged: true });
    }

    #[test]
    fn what_may_have_done_its_work_leaves_the_row_in_doubt() {
        for (outcome, settled) in [
            (Outcome::Failed(answer(502)), false),
            (Outcome::Ambiguous, false),
            (Outcome::Throttled(answer(503), None), false),
            (Outcome::Throttled(answer(429), None), true),
            (Outcome::Unreachable, true),
        ] {
            let (Verdict::Retry { definite, .. }, _) = of_failure(&outcome, 0, 0.5) else { panic!("no retry") };
            assert_eq!(definite, settled, "{outcome:?}");
        }
    }

    #[test]
    fn a_throttling_target_is_paused_for_at_least_what_it_asked() {
        let (_, target) = of_failure(&Outcome::Throttled(answer(429), Some(Duration::from_mins(2))), 0, 0.0);
        assert_eq!(target, TargetVerdict::Pause(Duration::from_mins(2)));
    }
}
