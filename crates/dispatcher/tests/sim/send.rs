//! The send half of a worker, step by step as `send`, `create` and `attempt` do it; plan and verdict are theirs.

use directory::ledger::protocol::{Effect, Event as Step, LEASE, NEVER, Verdict};
use dispatcher::{TargetVerdict, Trust, of_failure};
use downstream::Outcome;

use crate::downstream::{Call, Fault, answer, is_done, outcome_of, planned};
use crate::realm::Person;
use crate::rules::Rule;
use crate::worker::{Claim, Task};
use crate::world::{Flying, Link, Observed, SECOND, Violation, World, hold};

const UNCONFIRMED: i64 = 60 * SECOND;

/// A send under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Round {
    pub claim: Claim,
    pub generation: i64,
    /// Where its token leads.
    pub workspace: u8,
    /// The lease as its holder counts it.
    pub lease_until: i64,
    pub person: Option<Person>,
    pub link: Link,
}

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ended {
    pub verdict: Verdict,
    pub pause: i64,
    pub quarantine: bool,
    pub link: Option<(Option<u16>, Option<Person>)>,
}

impl Ended {
    fn of(verdict: Verdict) -> Self {
        Self { verdict, pause: 0, quarantine: false, link: None }
    }

    fn done(id: u16, person: Person) -> Self {
        Self { link: Some((Some(id), Some(person))), ..Self::of(Verdict::Done) }
    }
}

/// What an answered call says.
enum Answered {
    Record(u16, Option<u8>, Person),
    Records(Vec<(u16, Option<u8>, Person)>),
    Ended(Outcome),
}

impl Round {
    pub fn new(claim: Claim, (generation, workspace): (i64, u8), lease_until: i64) -> Self {
        Self { claim, generation, workspace, lease_until, person: None, link: Link::default() }
    }

    fn failed(&self, outcome: &Outcome) -> Ended {
        let (verdict, target) = of_failure(outcome, self.claim.attempts, 1.0);
        let mut ended = Ended::of(verdict);
        match target {
            TargetVerdict::Carry => {}
            TargetVerdict::Pause(wait) => ended.pause = i64::try_from(wait.as_micros()).unwrap_or(NEVER),
            TargetVerdict::Quarantine(_) => ended.quarantine = true,
        }
        ended
    }

    fn update(self, id: u16, trust: Trust, remote: Option<Person>, patches: bool) -> Task {
        let Some(person) = self.person else { return Task::Record(self, Ended::of(Verdict::Done)) };
        match planned(person, self.link.sent, trust, remote, patches) {
            None => Task::Record(self, Ended::done(id, person)),
            Some(change) => Task::Renew(self, Call::Write(id, change)),
        }
    }
}

/// What a workspace that is no longer looked at answers: it has whatever it is asked for.
fn elsewhere(place: u8, call: Call) -> Answered {
    match call {
        Call::Read(id) | Call::Write(id, _) => Answered::Record(id, Some(place), Person::FIRST),
        Call::Post(person) => Answered::Record(1, Some(place), person),
        Call::Find { .. } => Answered::Records(Vec::new()),
    }
}

impl World {
    pub(crate) fn begin(&self, mut round: Round) -> Task {
        let account = self.account(round.claim.tenant, round.claim.place);
        (round.person, round.link) = (account.person, account.link);
        self.set_out(round)
    }

    /// What a round does first with what it has read.
    pub(crate) fn set_out(&self, round: Round) -> Task {
        if round.person.is_none() {
            return Task::Record(round, Ended::of(Verdict::Done));
        }
        let Some(id) = round.link.id else { return self.look_up(round) };
        let unverified = round.link.verified != round.generation && self.rules.keeps(Rule::VerifyLink);
        let assert = round.claim.doubt || round.claim.reassert;
        let reads = round.claim.doubt || round.claim.reassert && self.rules.keeps(Rule::AssertReads);
        if unverified || reads {
            return Task::Renew(round, Call::Read(id));
        }
        let trust = if assert || unverified { Trust::Nothing } else { Trust::Digests };
        let patches = self.tenants[usize::from(round.claim.tenant)].application.patches;
        round.update(id, trust, None, patches)
    }

    /// Create begins with a look-up, where there are look-ups.
    fn look_up(&self, round: Round) -> Task {
        if self.tenants[usize::from(round.claim.tenant)].application.filters {
            Task::Renew(round, Call::Find { again: false })
        } else {
            self.intend(round)
        }
    }

    fn intend(&self, round: Round) -> Task {
        let Some(person) = round.person else { return Task::Record(round, Ended::of(Verdict::Done)) };
        let filters = self.tenants[usize::from(round.claim.tenant)].application.filters;
        if self.rules.keeps(Rule::UnconfirmedParks) && !filters && round.link.intent_at.is_some() {
            return Task::Record(round, Ended::of(Verdict::Park));
        }
        let age = round.link.intent_at.map(|at| self.now - at).filter(|_| self.rules.keeps(Rule::CreateIntent));
        if let Some(age) = age.filter(|age| *age < UNCONFIRMED) {
            let verdict = Verdict::Retry { after: UNCONFIRMED - age, definite: true, charged: false };
            return Task::Record(round, Ended::of(verdict));
        }
        Task::Renew(round, Call::Post(person))
    }

    /// The lease is renewed, by the generation too; before a POST its intent is committed.
    pub(crate) fn renew(&mut self, mut round: Round, call: Call) -> Task {
        let (now, rules) = (self.now, self.rules);
        let claim = round.claim;
        let target = &self.tenants[usize::from(claim.tenant)].target;
        let current = target.active && target.generation == round.generation || !rules.keeps(Rule::Generation);
        let account = self.account_mut(claim.tenant, claim.place);
        let ours = account.ledger.epoch == claim.epoch;
        if matches!(call, Call::Post(_)) {
            if !ours {
                return Task::Release(claim);
            }
            account.link.intent_at = Some(now);
        }
        if !ours || !current || !account.ledger.leased(now) {
            return Task::Release(claim);
        }
        account.ledger.lease_until = Some(now + LEASE);
        round.lease_until = now + LEASE;
        Task::Call(round, call)
    }

    /// The call goes out, comes to something there, and is answered or not.
    pub(crate) fn call(&mut self, round: Round, call: Call, fault: Fault, late: bool) -> Result<Task, Violation> {
        let (tenant, place) = (round.claim.tenant, round.claim.place);
        if fault == Fault::Slow && call.writes() {
            let (workspace, lands_by) = (round.workspace, self.now + 20 * SECOND);
            self.flying.push(Flying { tenant, place, call, workspace, lands_by });
        }
        let mut answered = None;
        if is_done(fault) {
            let in_time = !late && self.now < round.lease_until;
            answered = Some(self.apply((tenant, place), call, round.workspace, in_time)?);
        }
        let answered = match outcome_of(fault, call.writes()) {
            Some(outcome) => Answered::Ended(outcome),
            None => answered.unwrap_or(Answered::Ended(Outcome::Ambiguous)),
        };
        let answered = match answered {
            Answered::Record(..) if fault == Fault::WithoutId && matches!(call, Call::Post(_)) => {
                Answered::Ended(Outcome::Ambiguous)
            }
            other => other,
        };
        Ok(self.after(round, call, answered))
    }

    fn after(&self, mut round: Round, call: Call, answered: Answered) -> Task {
        let place = round.claim.place;
        let patches = self.tenants[usize::from(round.claim.tenant)].application.patches;
        match (call, answered) {
            (Call::Read(id), Answered::Record(_, Some(owner), remote)) if owner == place => {
                let assert = round.claim.doubt || round.claim.reassert || round.link.verified != round.generation;
                let trust = if assert { Trust::Nothing } else { Trust::Digests };
                round.update(id, trust, Some(remote), patches)
            }
            // A record that is not ours is nobody we may touch (K22).
            (Call::Read(_), Answered::Record(..) | Answered::Ended(Outcome::NotFound(_))) => {
                // A POST whose fate is unknown stays unknown.
                let intent_at = round.link.intent_at.filter(|_| self.rules.keeps(Rule::CreateIntent));
                round.link = Link { intent_at, ..Link::default() };
                self.look_up(round)
            }
            (Call::Find { again }, Answered::Records(found)) => {
                match found.into_iter().find(|(_, owner, _)| *owner == Some(place)) {
                    Some((id, _, remote)) => {
                        round.link = Link::default();
                        round.update(id, Trust::Nothing, Some(remote), patches)
                    }
                    None if again => {
                        Task::Record(round, Ended { link: Some((None, None)), ..Ended::of(Verdict::Park) })
                    }
                    None => self.intend(round),
                }
            }
            (Call::Post(person), Answered::Record(id, ..)) => Task::Record(round, Ended::done(id, person)),
            (Call::Post(_), Answered::Ended(Outcome::Conflict(_))) => {
                if self.tenants[usize::from(round.claim.tenant)].application.filters {
                    Task::Renew(round, Call::Find { again: true })
                } else {
                    Task::Record(round, Ended { link: Some((None, None)), ..Ended::of(Verdict::Park) })
                }
            }
            (Call::Write(id, _), Answered::Record(..)) => {
                let ended = round.person.map_or(Ended::of(Verdict::Done), |person| Ended::done(id, person));
                Task::Record(round, ended)
            }
            (Call::Write(..), Answered::Ended(outcome @ Outcome::NotFound(_))) => {
                let ended = round.failed(&outcome);
                Task::Record(round, Ended { link: Some((None, None)), ..ended })
            }
            (Call::Post(_), Answered::Ended(outcome)) => {
                let mut ended = round.failed(&outcome);
                if !matches!(ended.verdict, Verdict::Retry { definite: false, .. }) {
                    ended.link = Some((None, None));
                }
                Task::Record(round, ended)
            }
            (_, Answered::Ended(outcome)) => {
                let ended = round.failed(&outcome);
                Task::Record(round, ended)
            }
            (_, Answered::Record(..) | Answered::Records(_)) => {
                let ended = round.failed(&Outcome::Ambiguous);
                Task::Record(round, ended)
            }
        }
    }

    /// What a call does there. `in_time`: its sender holds the lease and was never frozen.
    fn apply(
        &mut self,
        (tenant, place): (u8, u8),
        call: Call,
        workspace: u8,
        in_time: bool,
    ) -> Result<Answered, Violation> {
        let target = &self.tenants[usize::from(tenant)].target;
        let off = target.answered_off;
        hold(!(in_time && call.writes() && off), "a write after an acknowledged disable of the target (K25)")?;
        let account = self.account(tenant, place);
        let switched_off = account.off_acknowledged && account.person.is_some_and(|person| !person.enabled);
        hold(!(in_time && call.activates() && switched_off), "active=true after an acknowledged disable (I4)")?;
        let application = &mut self.tenants[usize::from(tenant)].application;
        if application.workspace != workspace {
            return Ok(elsewhere(place, call));
        }
        let told = match call {
            Call::Read(id) => {
                application.find(id).map_or(Answered::Ended(Outcome::NotFound(answer(404, None))), |found| {
                    Answered::Record(found.id, found.owner, found.person)
                })
            }
            Call::Find { .. } => Answered::Records(
                application
                    .records
                    .iter()
                    .filter(|record| application.ignores_filters || record.owner == Some(place))
                    .map(|record| (record.id, record.owner, record.person))
                    .collect(),
            ),
            Call::Post(person) => match application.create(place, person) {
                Ok(id) => Answered::Record(id, Some(place), person),
                Err(_) => Answered::Ended(Outcome::Conflict(answer(409, None))),
            },
            Call::Write(id, change) => match application.records.iter_mut().find(|record| record.id == id) {
                Some(record) => {
                    hold(record.owner == Some(place), "a stranger's record was written (K22)")?;
                    let before = record.person;
                    change.apply(&mut record.person);
                    hold(!in_time || record.person.family >= before.family, "a counter went back (I3)")?;
                    Answered::Record(id, record.owner, record.person)
                }
                None => Answered::Ended(Outcome::NotFound(answer(404, None))),
            },
        };
        hold(application.of(place).count() < 2, "one user has two records (I2)")?;
        if let (true, Answered::Record(_, _, person)) = (call.writes(), &told) {
            let person = *person;
            let applied = &mut self.account_mut(tenant, place).applied;
            if let Err(at) = applied.binary_search(&person) {
                applied.insert(at, person);
            }
        }
        Ok(told)
    }

    /// A request that nobody waits for is done at last.
    pub fn land(&mut self, which: usize) -> Result<(), Violation> {
        let Flying { tenant, place, call, workspace, .. } = self.flying.remove(which);
        self.apply((tenant, place), call, workspace, false).map(drop)
    }

    pub(crate) fn record(&mut self, round: &Round, ended: Ended) -> Result<Task, Violation> {
        let (now, rules) = (self.now, self.rules);
        let Claim { tenant, place, epoch, doubt, .. } = round.claim;
        let target = &mut self.tenants[usize::from(tenant)].target;
        let current = target.generation == round.generation;
        if current && ended.pause > 0 {
            target.paused_until = now + ended.pause;
        }
        target.quarantined |= current && ended.quarantine;
        let account = self.account_mut(tenant, place);
        // One whose claim is another's as well may have written to a downstream that was enabled again (K18).
        if !current && rules.keeps(Rule::Generation) && account.ledger.epoch == epoch {
            account.ledger.lease_until = None;
            return Ok(Task::Idle);
        }
        let seq = if rules.keeps(Rule::SeqBeforeRead) { round.claim.seq } else { account.ledger.dirty_seq };
        let effect = self.step(tenant, place, Step::Sent { epoch, seq, doubt, now, verdict: ended.verdict })?;
        if effect == Effect::Stale {
            return Ok(Task::Idle);
        }
        let account = self.account_mut(tenant, place);
        if ended.verdict == Verdict::Done
            && let Some(person) = round.person
        {
            let known = account.applied.contains(&person);
            hold(known || !current, "an acknowledgement of a state that was never sent")?;
            account.off_acknowledged = !person.enabled && account.person.is_some_and(|person| !person.enabled);
        }
        account.parked_for = if ended.verdict == Verdict::Park { round.person } else { account.parked_for };
        if rules.keeps(Rule::SendObserves) {
            account.observed = Some(round.person.map_or(Observed::Gone, Observed::Is));
        }
        if let Some((id, sent)) = ended.link {
            account.link = Link { id, verified: round.generation, sent, intent_at: None };
        }
        Ok(Task::Idle)
    }
}
