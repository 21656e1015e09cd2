//! A world: tenants with realm, ledger, directory and downstream, workers at some point of their rounds, and what is in
//! flight. Everything in it is data, so that it can be copied, compared and remembered.

use directory::ledger::protocol::{Effect, Event as Step, NEVER, State, Verdict};

use crate::downstream::{Application, Call};
use crate::realm::{Event, Person};
use crate::rules::{Rule, Rules};
use crate::worker::Worker;

pub const SECOND: i64 = 1_000_000;

/// What must not happen, happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub String);

/// Fails with a sentence unless a condition holds.
pub fn hold(condition: bool, sentence: &str) -> Result<(), Violation> {
    if condition { Ok(()) } else { Err(Violation(sentence.to_owned())) }
}

/// What may still happen in a world from outside.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Budget {
    pub edits: u8,
    pub faults: u8,
    pub freezes: u8,
    pub crashes: u8,
    /// Marks beside those of capture: doubled events.
    pub doubles: u8,
    /// Inbound writes.
    pub writes: u8,
    /// Disables and enables.
    pub switches: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    pub now: i64,
    pub rules: Rules,
    pub tenants: Vec<Tenant>,
    pub workers: Vec<Worker>,
    pub flying: Vec<Flying>,
    pub budget: Budget,
}

/// A request that nobody waits for any more and that is done later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flying {
    pub tenant: u8,
    pub place: u8,
    pub call: Call,
    pub workspace: u8,
    pub lands_by: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tenant {
    pub target: Target,
    pub application: Application,
    pub accounts: Vec<Account>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the target, or what the operator was told")]
pub struct Target {
    pub generation: i64,
    pub active: bool,
    pub paused_until: i64,
    pub quarantined: bool,
    /// The downstream was enabled before (K24).
    pub known: bool,
    pub baseline_due: bool,
    /// A disable that waits for what is in flight.
    pub draining: bool,
    /// A disable was answered, and no enable came since.
    pub answered_off: bool,
}

/// What a triage or a send last saw of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Observed {
    Gone,
    Is(Person),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Link {
    pub id: Option<u16>,
    pub verified: i64,
    pub sent: Option<Person>,
    pub intent_at: Option<i64>,
}

/// The directory's row of a user: the document's native part, whether the client spelled it in a way the realm does not
/// keep, and the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    pub document: Person,
    pub spelled: bool,
    pub base: Person,
    pub write_epoch: i64,
    pub write_until: i64,
    /// The realm's state when the last inbound write committed, and when a triage last followed it.
    pub committed: u32,
    pub followed: u32,
}

/// An inbound write under way (K1): the smallest that can meet a triage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Write {
    pub epoch: i64,
    /// What the realm answered with, and which of its states that is.
    pub written: Option<(Person, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    pub person: Option<Person>,
    /// Counts the realm's states of this user.
    pub version: u32,
    pub events: Vec<Event>,
    pub ledger: State,
    pub lease_generation: Option<i64>,
    pub observed: Option<Observed>,
    pub link: Link,
    pub entry: Option<Entry>,
    pub write: Option<Write>,
    // What only the checks know.
    /// Every state that was ever applied downstream.
    pub applied: Vec<Person>,
    /// The downstream need not have the user while it is as it was at the enable, or as it was last seen then (P2, K26).
    pub exempt: [Option<Person>; 2],
    /// What the row was parked for.
    pub parked_for: Option<Person>,
    /// The last acknowledged state was off, and the realm has not switched on since.
    pub off_acknowledged: bool,
}

impl Account {
    /// Linked and in step, nothing owed.
    pub fn linked(now: i64) -> Self {
        let mut account = Self::fresh(now);
        account.ledger.dirty_seq = 1;
        (account.ledger.seen_seq, account.ledger.owed_seq, account.ledger.acked_seq) = (1, 1, 1);
        account.observed = Some(Observed::Is(Person::FIRST));
        account.link = Link { id: Some(1), verified: 1, sent: Some(Person::FIRST), intent_at: None };
        account.applied = vec![Person::FIRST];
        account
    }

    /// In the realm, marked, unknown downstream.
    pub fn fresh(now: i64) -> Self {
        let mut ledger = State::first(now);
        ledger.dirty_seq = 1;
        let person = Person::FIRST;
        let base = person;
        let entry =
            Entry { document: person, spelled: true, base, write_epoch: 0, write_until: 0, committed: 0, followed: 0 };
        Self {
            person: Some(person),
            version: 0,
            events: Vec::new(),
            ledger,
            lease_generation: None,
            observed: None,
            link: Link::default(),
            entry: Some(entry),
            write: None,
            applied: Vec::new(),
            exempt: [None; 2],
            parked_for: None,
            off_acknowledged: false,
        }
    }

    /// A mark, as by capture or an inbound write.
    pub fn mark(&mut self, now: i64, urgent: bool, reassert: bool) {
        let (next, _) = self.ledger.clone().step(Step::Mark { now, urgent, reassert });
        self.ledger = next;
    }
}

impl World {
    /// One tenant with one user and two workers.
    pub fn small(account: Account, rules: Rules, budget: Budget) -> Self {
        let mut application = Application::EMPTY;
        if let (Some(id), Some(person)) = (account.link.id, account.link.sent) {
            application.records.push(crate::downstream::Record { id, owner: Some(0), person });
            application.next = id + 1;
        }
        let target = Target {
            generation: 1,
            active: true,
            paused_until: 0,
            quarantined: false,
            known: true,
            baseline_due: false,
            draining: false,
            answered_off: false,
        };
        let tenant = Tenant { target, application, accounts: vec![account] };
        let workers = vec![Worker::IDLE, Worker::IDLE];
        Self { now: 1_000 * SECOND, rules, tenants: vec![tenant], workers, flying: Vec::new(), budget }
    }

    pub fn account(&self, tenant: u8, place: u8) -> &Account {
        &self.tenants[usize::from(tenant)].accounts[usize::from(place)]
    }

    pub fn account_mut(&mut self, tenant: u8, place: u8) -> &mut Account {
        &mut self.tenants[usize::from(tenant)].accounts[usize::from(place)]
    }

    /// Steps a row by the protocol, some rules of which may be switched off, and holds what must hold of every step.
    pub fn step(&mut self, tenant: u8, place: u8, event: Step) -> Result<Effect, Violation> {
        let rules = self.rules;
        let row = &mut self.account_mut(tenant, place).ledger;
        let before = row.clone();
        let (after, effect) = wrapped(rules, before.clone(), event);
        crate::checks::transition(&before, event, &after, effect)?;
        *row = after;
        Ok(effect)
    }

    /// The same world with times told from now, so that worlds that differ only in when they happen are one.
    pub fn canonical(&self) -> Self {
        let mut world = self.clone();
        let now = world.now;
        let rebase = |time: &mut i64, past: i64| {
            if *time != NEVER {
                *time = (*time - now).max(past);
            }
        };
        world.now = 0;
        for flying in &mut world.flying {
            rebase(&mut flying.lands_by, 0);
        }
        for worker in &mut world.workers {
            rebase(&mut worker.frozen_until, 0);
            worker.lease(|time| rebase(time, 0));
        }
        for tenant in &mut world.tenants {
            rebase(&mut tenant.target.paused_until, 0);
            for account in &mut tenant.accounts {
                rebase(&mut account.ledger.triage_at, 0);
                rebase(&mut account.ledger.next_at, 0);
                if let Some(at) = &mut account.ledger.assert_at {
                    rebase(at, 0);
                }
                if let Some(until) = &mut account.ledger.lease_until {
                    rebase(until, 0);
                }
                if let Some(at) = &mut account.link.intent_at {
                    rebase(at, -60 * SECOND);
                }
                if let Some(entry) = &mut account.entry {
                    rebase(&mut entry.write_until, 0);
                }
            }
        }
        world
    }
}

/// The protocol's step with some of its rules switched off.
pub fn wrapped(rules: Rules, mut state: State, event: Step) -> (State, Effect) {
    match event {
        Step::Claim { .. } if !rules.keeps(Rule::Doubt) => match state.step(event) {
            (state, Effect::Claimed { .. }) => (state, Effect::Claimed { doubt: false }),
            other => other,
        },
        Step::Sent { epoch, seq, now, verdict, .. } if !rules.keeps(Rule::Reassert) => {
            let unchanged = state.clone();
            match state.step(Step::Sent { epoch, seq, doubt: false, now, verdict }) {
                (_, Effect::Stale) => (unchanged, Effect::Stale),
                other => other,
            }
        }
        Step::Sent { epoch, seq, verdict: Verdict::Retry { .. } | Verdict::Park, .. }
            if !rules.keeps(Rule::VerdictOfSeq) && epoch == state.epoch =>
        {
            let newest = state.dirty_seq;
            state.dirty_seq = seq;
            let (mut state, effect) = state.step(event);
            state.dirty_seq += newest - seq;
            (state, effect)
        }
        Step::Sent { epoch, verdict: Verdict::Retry { definite: true, .. } | Verdict::Park, .. }
            if !rules.keeps(Rule::DoubtStays) && epoch == state.epoch =>
        {
            let (mut state, effect) = state.step(event);
            state.settled_epoch = state.epoch;
            (state, effect)
        }
        Step::Sent { .. } if !rules.keeps(Rule::AssertWindow) => {
            state.assert_at = None;
            state.step(event)
        }
        _ => state.step(event),
    }
}
