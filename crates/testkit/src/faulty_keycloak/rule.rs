//! Rules of a Keycloak that misbehaves: which calls, what becomes of them, and for how long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{Call, locked};

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It hangs until the rule is lifted, and never reaches Keycloak.
    Swallow,
    /// It hangs until the rule is lifted, and reaches Keycloak then.
    Late,
    /// It reaches Keycloak so much later, or when the rule is lifted.
    Slow(Duration),
    /// Keycloak does its work; the reply hangs until the rule is lifted.
    LateReply,
    /// Keycloak does its work; the connection breaks before the reply.
    LoseReply,
    /// Keycloak answers with a list; what holds this text is left out of it.
    Without(&'static str),
    /// Keycloak is not asked; this status comes back.
    Answer(u16),
    /// Keycloak is not asked; this status and JSON come back.
    Say(u16, &'static str),
}

pub(super) type Matcher = Box<dyn Fn(&Call) -> bool + Send + Sync>;

pub(super) struct Rule {
    matches: Matcher,
    pub(super) fault: Fault,
    /// How many calls it still applies to.
    left: Mutex<usize>,
    met: Mutex<usize>,
    lifted: AtomicBool,
    changed: Condvar,
}

impl Rule {
    pub(super) fn new(fault: Fault, left: usize, matches: Matcher) -> Self {
        let (left, met) = (Mutex::new(left), Mutex::default());
        Self { matches, fault, left, met, lifted: AtomicBool::new(false), changed: Condvar::new() }
    }

    pub(super) fn is_lifted(&self) -> bool {
        self.lifted.load(Ordering::SeqCst)
    }

    pub(super) fn applies(&self, call: &Call) -> bool {
        if self.lifted.load(Ordering::SeqCst) || !(self.matches)(call) {
            return false;
        }
        let mut left = locked(&self.left);
        let applies = *left > 0;
        *left -= usize::from(applies);
        applies
    }

    pub(super) fn note(&self) {
        *locked(&self.met) += 1;
        self.changed.notify_all();
    }

    pub(super) fn wait_until_lifted(&self) {
        let mut met = locked(&self.met);
        while !self.lifted.load(Ordering::SeqCst) {
            met = self.changed.wait(met).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits so long, and no longer than until it is lifted.
    pub(super) fn wait(&self, long: Duration) {
        let met = locked(&self.met);
        let goes_on = |_: &mut usize| !self.lifted.load(Ordering::SeqCst);
        drop(self.changed.wait_timeout_while(met, long, goes_on));
    }

    pub(super) fn lift(&self) {
        let _met = locked(&self.met);
        self.lifted.store(true, Ordering::SeqCst);
        self.changed.notify_all();
    }
}

/// A rule in force; lifted when dropped.
pub struct InForce(pub(super) Arc<Rule>);

impl InForce {
    /// How many calls it was applied to.
    pub fn met(&self) -> usize {
        *locked(&self.0.met)
    }

    /// Waits until it has been applied to so many calls.
    pub fn wait_for(&self, count: usize) {
        let there = crate::eventually(Duration::from_mins(1), || (self.met() >= count).then_some(()));
        assert!(there.is_some(), "{} of {count} calls came", self.met());
    }

    /// Ends it.
    pub fn lift(self) {}
}

impl Drop for InForce {
    fn drop(&mut self) {
        self.0.lift();
    }
}
