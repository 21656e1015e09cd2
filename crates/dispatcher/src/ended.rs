//! What a round came to, before it is recorded.

use directory::ledger::{LinkUpdate, Verdict};

use crate::verdict::TargetVerdict;

/// What a round came to.
pub(crate) struct Ended {
    pub verdict: Verdict,
    pub target: TargetVerdict,
    pub reason: Option<String>,
    pub status: Option<u16>,
    pub link: Option<LinkUpdate>,
}

impl Ended {
    pub fn done(link: Option<LinkUpdate>) -> Self {
        Self { verdict: Verdict::Done, target: TargetVerdict::Carry, reason: None, status: None, link }
    }

    pub fn park(reason: &str, status: Option<u16>) -> Self {
        let reason = Some(reason.to_owned());
        Self { verdict: Verdict::Park, target: TargetVerdict::Carry, reason, status, link: None }
    }

    /// Not done yet, for no fault of anybody's.
    pub fn again() -> Self {
        Self { reason: None, ..Self::retry(0, "") }
    }

    /// Something was sent that nobody can say any more whether it stands over something newer (K18).
    pub fn in_doubt() -> Self {
        Self { verdict: Verdict::Retry { after: 0, definite: false, charged: false }, ..Self::again() }
    }

    pub fn retry(after: i64, reason: &str) -> Self {
        let verdict = Verdict::Retry { after, definite: true, charged: false };
        Self { verdict, target: TargetVerdict::Carry, reason: Some(reason.to_owned()), status: None, link: None }
    }
}
