//! The protocol of one ledger row as a pure state machine: `step(row, event) → (row, effect)`.
//!
//! The statements beside this file do what is written here, and the record of a round *is* this code: the row is
//! read under a lock, stepped, and written back. Times are microseconds of the database's clock. No IO, no clock of
//! its own, so that small worlds can be explored exhaustively (see the tests).

pub use super::verdict::Verdict;

/// Lane of deactivations: they overtake everything else (P7).
pub const URGENT: i16 = 0;
/// Lane of every other change.
pub const NORMAL: i16 = 1;
/// How long a claim lasts without renewal, microseconds (K20).
pub const LEASE: i64 = 15_000_000;
/// For how long after the acknowledgement of a round begun in doubt a late write may still arrive, microseconds: what is
/// acknowledged within is asserted once more at its end (K18).
pub const REASSERT_AFTER: i64 = 30_000_000;
/// `next_at` of a row that waits for its user to change or for a person to act.
pub const NEVER: i64 = i64::MAX;

/// The columns that carry the protocol, of one user of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, sea_orm::FromQueryResult)]
pub struct State {
    /// Counts marks: something may have changed.
    pub dirty_seq: i64,
    /// The mark up to which triage has looked at the realm.
    pub seen_seq: i64,
    /// The mark up to which the downstream is in step.
    pub acked_seq: i64,
    /// The mark for which triage found that something is owed.
    pub owed_seq: i64,
    /// Up to this mark, a push happens even where nothing differs (K18, K26).
    pub reassert_seq: Option<i64>,
    /// Counts claims; only the newest claim may write.
    pub epoch: i64,
    /// Until then a write nobody waits for may stand over what was acknowledged (K18). It ends with the claim of a round that
    /// looks and begins after it.
    pub assert_at: Option<i64>,
    /// The claim whose calls all got definite answers (K17).
    pub settled_epoch: i64,
    /// Until when the newest claim holds.
    pub lease_until: Option<i64>,
    /// When triage is due.
    pub triage_at: i64,
    /// When a send is due; [`NEVER`] while parked.
    pub next_at: i64,
    /// [`URGENT`] or [`NORMAL`].
    pub lane: i16,
    /// Failed rounds since the last acknowledgement.
    pub attempts: i64,
}

/// What happens to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Something may have changed (K9). `reassert` when an operator touched the user (K26).
    Mark {
        /// Now, by the database's clock.
        now: i64,
        /// A deactivation is known to be part of it.
        urgent: bool,
        /// Push even if nothing differs.
        reassert: bool,
    },
    /// A worker wants to triage or to send.
    Claim {
        /// Now, by the database's clock.
        now: i64,
        /// Triage or send.
        stage: Stage,
    },
    /// Triage looked at the realm (K10).
    Triaged {
        /// The claim.
        epoch: i64,
        /// The mark read with the claim.
        seq: i64,
        /// Now, by the database's clock.
        now: i64,
        /// A pushed attribute differs from what was seen before.
        differs: bool,
        /// The user is disabled now.
        urgent: bool,
    },
    /// A send ended (K16–K19).
    Sent {
        /// The claim.
        epoch: i64,
        /// The mark read with the claim.
        seq: i64,
        /// Whether the round began in doubt.
        doubt: bool,
        /// Now, by the database's clock.
        now: i64,
        /// What was decided.
        verdict: Verdict,
    },
    /// A worker gives its claim back without having called anybody.
    Release {
        /// The claim.
        epoch: i64,
    },
}

/// Triage reads the realm and ignores the target; send obeys the target (K10, K16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Look at the realm, refresh the directory, decide what is owed.
    Triage,
    /// Push what is owed.
    Send,
}

/// What came of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The row changed as asked.
    Applied,
    /// A claim was granted; the round begins in doubt or not (K17).
    Claimed {
        /// The plan must ignore digests and send everything.
        doubt: bool,
    },
    /// Not due, or somebody else's turn: the row is unchanged.
    Refused,
    /// The claim was no longer ours. A late acknowledgement has re-dirtied the row (K18).
    Stale,
}

impl State {
    /// A row at its first mark.
    pub fn first(now: i64) -> Self {
        Self {
            dirty_seq: 0,
            seen_seq: 0,
            acked_seq: 0,
            owed_seq: 0,
            reassert_seq: None,
            assert_at: None,
            epoch: 0,
            settled_epoch: 0,
            lease_until: None,
            triage_at: now,
            next_at: now,
            lane: NORMAL,
            attempts: 0,
        }
    }

    /// Somebody holds the row now.
    pub fn leased(&self, now: i64) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }

    /// A send is owed.
    pub fn owed(&self) -> bool {
        self.owed_seq > self.acked_seq
    }

    /// The next claim's predecessor never settled (K17).
    pub fn in_doubt(&self) -> bool {
        self.settled_epoch < self.epoch
    }

    /// Whether what a triage sees for a mark may become what is compared with from now on. Of a mark that a send has
    /// answered for meanwhile it may not: the send saw an older state, and the newer one has its own mark still to come.
    pub fn observes(&self, seq: i64) -> bool {
        seq > self.acked_seq
    }

    /// A push is asked for even where nothing differs.
    pub fn reasserts(&self) -> bool {
        self.reassert_seq.is_some_and(|seq| seq > self.acked_seq)
    }

    /// The one transition function.
    #[must_use]
    pub fn step(mut self, event: Event) -> (Self, Effect) {
        let effect = match event {
            Event::Mark { now, urgent, reassert } => self.mark(now, urgent, reassert),
            Event::Claim { now, stage } => self.claim(now, stage),
            Event::Triaged { epoch, seq, now, differs, urgent } => self.triaged(epoch, seq, now, differs, urgent),
            Event::Sent { epoch, seq, doubt, now, verdict } => self.sent(epoch, seq, doubt, now, verdict),
            Event::Release { epoch } => self.release(epoch),
        };
        (self, effect)
    }

    fn mark(&mut self, now: i64, urgent: bool, reassert: bool) -> Effect {
        self.dirty_seq += 1;
        self.triage_at = now;
        if reassert {
            self.reassert_seq = Some(self.dirty_seq);
        }
        if urgent {
            self.lane = URGENT;
        }
        Effect::Applied
    }

    fn claim(&mut self, now: i64, stage: Stage) -> Effect {
        let due = match stage {
            Stage::Triage => self.dirty_seq > self.seen_seq && self.triage_at <= now,
            Stage::Send => self.owed() && self.next_at <= now,
        };
        if !due || self.leased(now) {
            return Effect::Refused;
        }
        let doubt = self.in_doubt();
        self.epoch += 1;
        self.lease_until = Some(now + LEASE);
        // This round looks, and begins when no late write can come any more: however long it takes, it asserts for good.
        if stage == Stage::Send && self.reasserts() {
            self.assert_at = self.assert_at.filter(|at| *at > now);
        }
        Effect::Claimed { doubt }
    }

    fn triaged(&mut self, epoch: i64, seq: i64, now: i64, differs: bool, urgent: bool) -> Effect {
        if self.epoch != epoch {
            return Effect::Stale;
        }
        self.free_without_calls();
        self.seen_seq = self.seen_seq.max(seq);
        // Asked for once; whoever is owed it already waits for it as it is.
        let asked = self.reassert_seq.is_some_and(|wanted| wanted <= seq && wanted > self.owed_seq);
        if asked || differs && self.observes(seq) {
            self.owed_seq = self.owed_seq.max(seq);
            // A real change lifts back-off and parking: those belonged to the state before it (K19).
            self.next_at = now;
            self.attempts = 0;
            if urgent {
                self.lane = URGENT;
            }
        } else if !self.owed() {
            self.acked_seq = self.acked_seq.max(seq);
            self.owed_seq = self.owed_seq.max(self.acked_seq);
        }
        self.calm();
        Effect::Applied
    }

    fn sent(&mut self, epoch: i64, seq: i64, doubt: bool, now: i64, verdict: Verdict) -> Effect {
        if self.epoch != epoch {
            // A late writer: whatever it sent may stand over something newer, or is on its way still (K18).
            match verdict {
                Verdict::Done => self.dirty_again(now),
                Verdict::Retry { definite: false, .. } => {
                    self.assert_at = Some(now + REASSERT_AFTER);
                    self.dirty_again(now);
                }
                Verdict::Retry { .. } | Verdict::Looked { .. } | Verdict::Park => {}
            }
            return Effect::Stale;
        }
        self.lease_until = None;
        match verdict {
            Verdict::Done => {
                self.settled_epoch = self.epoch;
                self.acked_seq = self.acked_seq.max(seq);
                self.owed_seq = self.owed_seq.max(self.acked_seq);
                self.attempts = 0;
                if self.reassert_seq.is_some_and(|wanted| wanted <= self.acked_seq) {
                    self.reassert_seq = None;
                }
                self.calm();
                if doubt {
                    self.assert_at = Some(now + REASSERT_AFTER);
                }
                if let Some(at) = self.assert_at {
                    self.dirty_again(at.max(now));
                }
            }
            Verdict::Retry { after, definite, charged } => {
                if definite {
                    self.settle();
                }
                self.put_off(seq, now.saturating_add(after), charged);
            }
            Verdict::Looked { after, charged } => {
                self.settled_epoch = self.epoch;
                self.looked(seq, doubt, now);
                self.put_off(seq, now.saturating_add(after), charged);
            }
            Verdict::Park => {
                self.settle();
                if self.dirty_seq == seq {
                    self.next_at = NEVER;
                }
            }
        }
        Effect::Applied
    }

    /// What was to be looked at was; a late write that may still come is asserted over when the row is done.
    fn looked(&mut self, seq: i64, doubt: bool, now: i64) {
        if self.reassert_seq.is_some_and(|wanted| wanted <= seq) {
            self.reassert_seq = None;
        }
        if doubt {
            self.assert_at = Some(now + REASSERT_AFTER);
        }
    }

    /// A failure counts only for the mark it was about (K19).
    fn put_off(&mut self, seq: i64, until: i64, charged: bool) {
        if self.dirty_seq == seq {
            self.next_at = until;
            self.attempts += i64::from(charged);
        }
    }

    fn release(&mut self, epoch: i64) -> Effect {
        if self.epoch != epoch {
            return Effect::Stale;
        }
        self.free_without_calls();
        Effect::Applied
    }

    /// Ends a claim that called nobody.
    fn free_without_calls(&mut self) {
        self.settle();
        self.lease_until = None;
    }

    /// A claim leaves nothing open itself. Doubt stays as it was found: only an acknowledgement ends it (K17).
    fn settle(&mut self) {
        if self.settled_epoch == self.epoch - 1 {
            self.settled_epoch = self.epoch;
        }
    }

    /// A row that owes nothing is in no hurry.
    fn calm(&mut self) {
        if self.acked_seq == self.dirty_seq {
            self.lane = NORMAL;
        }
    }

    /// Marks the row to be pushed once more, whatever stands downstream. What waits to be seen is not put off by it.
    fn dirty_again(&mut self, due: i64) {
        self.triage_at = if self.dirty_seq > self.seen_seq { self.triage_at.min(due) } else { due };
        self.dirty_seq += 1;
        self.reassert_seq = Some(self.dirty_seq);
    }
}
