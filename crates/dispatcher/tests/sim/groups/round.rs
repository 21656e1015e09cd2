//! A group's round as a program of steps, as the dispatcher does them; what is sent next is its real plan, how a failure is
//! taken its real verdict. Between any two steps a worker may be frozen or die.

use std::collections::BTreeSet;

use directory::ledger::protocol::{Effect, Event as Step, Verdict};
use directory::pushed_member::Member;
use dispatcher::group_plan::{self, Known};
use dispatcher::{TargetVerdict, of_group_failure};
use downstream::Outcome;

use super::application::{Call, Pair, Record, Said, pair};
use super::world::{HELD, Link, SEND, World};
use crate::downstream::{Fault, answer, is_done, outcome_of};
use crate::rules::Rule;
use crate::world::{SECOND, Violation, hold, wrapped};

/// Calls of one round, and members of one request: few, so that rounds come again.
const CALLS: u8 = 5;
const MEMBERS: usize = 2;
const UNCONFIRMED: i64 = 60 * SECOND;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    pub task: Task,
    pub frozen_until: i64,
}

impl Worker {
    pub const IDLE: Self = Self { task: Task::Idle, frozen_until: 0 };

    pub fn is_idle(&self) -> bool {
        self.task == Task::Idle
    }

    pub fn calls(&self) -> bool {
        matches!(self.task, Task::Call(..))
    }
}

/// The point a worker is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    Idle,
    /// Claims, with the target as it was read.
    Claim(u8, i64, u8),
    Begin(Round),
    /// Decides what is next.
    Next(Round),
    /// Notes the members a call is about.
    Note(Round, Call),
    Renew(Round, Call),
    Call(Round, Call),
    /// Remembers what a call did.
    Confirm(Round, Call),
    /// Asks for the members of a refused addition one by one; the strangers among them so far.
    Ask(Round, Vec<Pair>, usize, Refusal),
    Record(Round, Ended),
    Release(Round),
}

/// Why members are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Refused(Ended),
    Lost,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    pub group: u8,
    epoch: i64,
    seq: i64,
    doubt: bool,
    reassert: bool,
    attempts: i64,
    generation: i64,
    workspace: u8,
    lease_until: i64,
    name: Option<u8>,
    link: Link,
    record: Option<Held>,
    calls: u8,
    gone: bool,
    /// Members of a refused addition, while they are asked for.
    asking: Option<(Vec<Pair>, usize, Refusal)>,
}

/// The group's record, as far as a round knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    id: u16,
    differs: bool,
    looked: bool,
    named: bool,
    stands_as: u8,
    records: Option<BTreeSet<u16>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    verdict: Verdict,
    pause: i64,
    link: Option<(Option<u16>, Option<u8>)>,
}

impl Ended {
    fn of(verdict: Verdict) -> Self {
        Self { verdict, pause: 0, link: None }
    }

    fn again() -> Self {
        Self::of(Verdict::Retry { after: 0, definite: true, charged: false })
    }

    fn unlinked(self) -> Self {
        Self { link: Some((None, None)), ..self }
    }
}

impl Round {
    fn failed(&self, outcome: &Outcome) -> Ended {
        let (verdict, target) = of_group_failure(outcome, self.attempts, 1.0);
        let pause = match target {
            TargetVerdict::Pause(wait) => i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2),
            TargetVerdict::Carry | TargetVerdict::Quarantine(_) => 0,
        };
        Ended { pause, ..Ended::of(verdict) }
    }

    /// It comes again at once, for the rest.
    fn more(self) -> Task {
        let id = self.record.as_ref().map(|record| record.id).or(self.link.id);
        let ended = Ended { link: Some((id, self.link.sent)), ..Ended::again() };
        Task::Record(self, ended)
    }
}

impl World {
    /// Begins a round, if the target allows it.
    pub fn start(&mut self, worker: usize, group: u8) {
        if self.is_open() {
            self.workers[worker].task = Task::Claim(group, self.target.generation, self.application.workspace);
        }
    }

    /// One step of a worker.
    pub fn work(&mut self, worker: usize, fault: Fault) -> Result<(), Violation> {
        let frozen = std::mem::take(&mut self.workers[worker].frozen_until) > 0;
        let task = std::mem::replace(&mut self.workers[worker].task, Task::Idle);
        self.workers[worker].task = match task {
            Task::Idle => Task::Idle,
            Task::Claim(group, generation, workspace) => self.claim(group, generation, workspace),
            Task::Begin(round) => self.begin(round),
            Task::Next(round) => self.next(round),
            Task::Note(round, call) => self.note(round, call),
            Task::Renew(round, call) => self.renew(round, call),
            Task::Call(round, call) => self.call(round, call, fault, frozen)?,
            Task::Confirm(round, call) => self.confirm(round, &call),
            Task::Ask(round, left, strangers, why) => self.ask(round, left, strangers, why),
            Task::Record(round, ended) => self.record(&round, ended),
            Task::Release(round) => self.release(round),
        };
        Ok(())
    }

    fn step(&mut self, group: u8, event: Step) -> Effect {
        let rules = self.rules;
        let held = self.group_mut(group);
        let Some(row) = held.ledger.take() else { return Effect::Refused };
        let (after, effect) = wrapped(rules, row, event);
        held.ledger = Some(after);
        effect
    }

    fn is_ours(&self, round: &Round) -> bool {
        self.group(round.group).ledger.as_ref().is_some_and(|row| row.epoch == round.epoch)
    }

    fn claim(&mut self, group: u8, generation: i64, workspace: u8) -> Task {
        if !self.is_open() || self.target.generation != generation {
            return Task::Idle;
        }
        let now = self.now;
        let Effect::Claimed { doubt } = self.step(group, Step::Claim { now, stage: SEND }) else { return Task::Idle };
        let held = self.group_mut(group);
        held.lease_generation = Some(generation);
        let Some(row) = &held.ledger else { return Task::Idle };
        Task::Begin(Round {
            group,
            epoch: row.epoch,
            seq: row.dirty_seq,
            doubt,
            reassert: row.reasserts(),
            attempts: row.attempts,
            generation,
            workspace,
            lease_until: now + HELD,
            name: None,
            link: Link::default(),
            record: None,
            calls: 0,
            gone: false,
            asking: None,
        })
    }

    fn begin(&self, mut round: Round) -> Task {
        let held = self.group(round.group);
        (round.name, round.link) = (held.name, held.link.clone());
        let Some(id) = round.link.id else { return self.make(round) };
        let unverified = round.link.verified != round.generation;
        let doubt = (round.doubt || round.reassert) && self.keeps(Rule::LookInDoubt);
        let look = doubt || unverified || !self.application.patches;
        self.in_step_with(round, id, look)
    }

    fn in_step_with(&self, mut round: Round, id: u16, look: bool) -> Task {
        let differs = round.name.is_some() && round.link.sent != round.name;
        round.record = Some(Held { id, differs, looked: false, named: false, stands_as: u8::MAX, records: None });
        if look { Task::Renew(round, Call::Read(id)) } else { Task::Next(round) }
    }

    /// Finds the group's record, or makes it.
    fn make(&self, mut round: Round) -> Task {
        round.record = None;
        if round.name.is_none() {
            return Task::Record(round, Ended::of(Verdict::Done).unlinked());
        }
        let unsure = round.link.intent_at.is_some() && self.keeps(Rule::CreateIntent);
        if self.application.filters || unsure || round.gone {
            return Task::Renew(round, Call::Find { again: false });
        }
        self.post(round)
    }

    fn post(&self, round: Round) -> Task {
        let Some(name) = round.name else { return Task::Release(round) };
        let age = round.link.intent_at.map(|at| self.now - at).filter(|_| self.keeps(Rule::CreateIntent));
        if let Some(age) = age.filter(|age| *age < UNCONFIRMED) {
            let verdict = Verdict::Retry { after: UNCONFIRMED - age, definite: true, charged: false };
            return Task::Record(round, Ended::of(verdict));
        }
        Task::Renew(round, Call::Post(name))
    }

    /// The next request, by the real plan.
    fn next(&self, round: Round) -> Task {
        let Some(record) = &round.record else { return Task::Release(round) };
        let patches = self.application.patches;
        let limit = if patches { MEMBERS } else { usize::MAX };
        let (mut missing, surplus) = (self.missing(round.group, limit), self.surplus(round.group, limit));
        if !self.keeps(Rule::VerifyMember) {
            missing.iter_mut().for_each(|member| member.verified_generation = round.generation);
        }
        let step = group_plan::next(&Known {
            name_differs: record.differs,
            missing: &missing,
            surplus: &surplus,
            generation: round.generation,
            supports_patch: patches,
        });
        let (id, pairs) = (record.id, |members: &[Member]| members.iter().map(pair).collect::<Vec<_>>());
        if step != group_plan::Step::Nothing && round.calls >= CALLS {
            return round.more();
        }
        match step {
            group_plan::Step::Nothing => {
                let ended = Ended { link: Some((Some(id), round.link.sent)), ..Ended::of(Verdict::Done) };
                Task::Record(round, ended)
            }
            group_plan::Step::Verify(members) => match pairs(&members).first() {
                Some(first) => Task::Renew(round, Call::Person(*first)),
                None => Task::Release(round),
            },
            group_plan::Step::Remove(members) => Task::Note(round, Call::Remove(id, pairs(&members))),
            group_plan::Step::Name => match round.name {
                Some(name) => Task::Renew(round, Call::Name(id, name)),
                None => Task::Release(round),
            },
            group_plan::Step::Add(members) => Task::Note(round, Call::Add(id, pairs(&members))),
            group_plan::Step::Put => {
                let Some(mut records) = record.records.clone() else {
                    return Task::Record(round, Ended::of(Verdict::Park));
                };
                let (joining, leaving) = (pairs(&missing), pairs(&surplus));
                records.retain(|id| leaving.iter().all(|(_, leaving)| leaving != id));
                records.extend(joining.iter().map(|(_, id)| *id));
                let name = round.name.unwrap_or(record.stands_as);
                Task::Note(round, Call::Put { id, name, records, joining, leaving })
            }
        }
    }

    /// Whatever comes of a call, the members it is about may stand there.
    fn note(&mut self, round: Round, call: Call) -> Task {
        if !self.is_ours(&round) {
            return self.away(round);
        }
        if self.keeps(Rule::NoteMembers) {
            self.group_mut(round.group).pushed.extend(call.members().into_iter().map(|pair| (pair, false)));
        }
        Task::Renew(round, call)
    }

    fn renew(&mut self, mut round: Round, call: Call) -> Task {
        let now = self.now;
        let ours = self.is_ours(&round);
        let current = self.target.active && self.target.pushes && self.target.generation == round.generation;
        let held = self.group_mut(round.group);
        if matches!(call, Call::Post(_)) {
            if !ours {
                return Task::Release(round);
            }
            held.link.intent_at = Some(now);
        }
        match held.ledger.as_mut().filter(|row| ours && current && row.leased(now)) {
            None => return self.away(round),
            Some(row) => row.lease_until = Some(now + HELD),
        }
        round.lease_until = now + HELD;
        round.calls += 1;
        Task::Call(round, call)
    }

    /// The lease or the target's generation went away.
    fn away(&self, round: Round) -> Task {
        let named_there = round.record.as_ref().is_some_and(|record| record.named) && self.keeps(Rule::KeepName);
        match named_there || round.gone && self.keeps(Rule::GoneIsDoubt) {
            true => {
                let ended = named(&round, Ended::again());
                Task::Record(round, ended)
            }
            false => Task::Release(round),
        }
    }

    fn over(&self, round: Round, ended: Ended) -> Task {
        let ended = if self.keeps(Rule::KeepName) { named(&round, ended) } else { ended };
        Task::Record(round, ended)
    }

    fn call(&mut self, round: Round, call: Call, fault: Fault, late: bool) -> Result<Task, Violation> {
        let group = round.group;
        if fault == Fault::Slow && call.writes() {
            let (call, workspace, lands_by) = (call.clone(), round.workspace, self.now + 20 * SECOND);
            self.flying.push(super::world::Flying { group, call, workspace, lands_by });
        }
        let mut said = None;
        if is_done(fault) {
            let in_time = !late && self.now < round.lease_until;
            let off = in_time && call.writes() && self.target.answered_off;
            hold(!off, "a write after an acknowledged disable of the target (K25)")?;
            said = Some(self.said(group, &call, round.workspace)?);
        }
        let blind = fault == Fault::WithoutId && matches!(call, Call::Post(_));
        let failure = outcome_of(fault, call.writes()).or_else(|| blind.then_some(Outcome::Ambiguous));
        Ok(match (failure, said) {
            (Some(outcome), _) => self.failed(round, call, &outcome),
            (None, Some(said)) => self.told(round, call, said),
            (None, None) => self.failed(round, call, &Outcome::Ambiguous),
        })
    }

    fn said(&mut self, group: u8, call: &Call, workspace: u8) -> Result<Said, Violation> {
        if self.application.workspace == workspace {
            let said = self.application.apply(group, call)?;
            if matches!(call, Call::Read(_)) || said == Said::Missing {
                self.group_mut(group).robbed = false;
            }
            return Ok(said);
        }
        // A workspace that is no longer looked at has whatever it is asked for.
        let record = |id, name| Record { id, owner: Some(group), name, members: BTreeSet::new() };
        Ok(match call {
            Call::Find { .. } => Said::Groups(Vec::new()),
            Call::Post(name) => Said::Group(record(1, *name)),
            Call::Read(id) => Said::Group(record(*id, u8::MAX)),
            Call::Person((user, _)) => Said::Whose(Some(*user)),
            _ => Said::Done,
        })
    }

    /// What the application said itself.
    fn told(&mut self, mut round: Round, call: Call, said: Said) -> Task {
        match (call, said) {
            (Call::Find { again }, Said::Groups(records)) => self.found(round, records, again),
            (Call::Post(_), Said::Group(record)) => {
                round.link.sent = round.name;
                if !self.is_ours(&round) {
                    return Task::Release(round);
                }
                self.learn(round.group, &BTreeSet::new());
                round.link.id = Some(record.id);
                round.more()
            }
            (Call::Post(_), Said::Taken) => Task::Renew(round, Call::Find { again: true }),
            (Call::Read(_), Said::Group(record)) => self.looked(round, record),
            (Call::Person(asked), said @ (Said::Whose(_) | Said::Missing)) => {
                self.whose(round, asked, said == Said::Whose(Some(asked.0)))
            }
            (call, Said::Done) => Task::Confirm(round, call),
            (Call::Add(_, pairs), Said::Missing) => Task::Ask(round, pairs, 0, Refusal::Lost),
            (_, Said::Missing) => self.lost(round),
            (call, _) => self.failed(round, call, &Outcome::Rejected(answer(400, None))),
        }
    }

    fn failed(&mut self, round: Round, call: Call, outcome: &Outcome) -> Task {
        let ended = round.failed(outcome);
        match (&call, outcome) {
            (Call::Post(_), Outcome::Conflict(_)) => Task::Renew(round, Call::Find { again: true }),
            (Call::Post(_), _) => {
                let ended = if outcome.did_nothing() { ended.unlinked() } else { ended };
                Task::Record(round, ended)
            }
            (Call::Add(_, pairs), Outcome::Rejected(_)) => {
                let pairs = pairs.clone();
                Task::Ask(round, pairs, 0, Refusal::Refused(ended))
            }
            (call, Outcome::Rejected(_)) if call.writes() => self.refused(round, ended),
            _ => self.over(round, ended),
        }
    }

    /// What stands there may not be what is remembered.
    fn refused(&self, round: Round, ended: Ended) -> Task {
        match round.record.as_ref().filter(|record| !record.looked).map(|record| record.id) {
            Some(id) => Task::Renew(round, Call::Read(id)),
            None => self.over(round, ended),
        }
    }

    fn found(&self, mut round: Round, records: Vec<Record>, again: bool) -> Task {
        if let Some(record) = records.into_iter().find(|record| record.owner == Some(round.group)) {
            if !self.keeps(Rule::FoundIsSafe) {
                round.link = Link { intent_at: round.link.intent_at, ..Link::default() };
                return self.in_step_with(round, record.id, true);
            }
            let verdict = Verdict::Retry { after: 0, definite: false, charged: false };
            return Task::Record(round, Ended { link: Some((Some(record.id), None)), ..Ended::of(verdict) });
        }
        if again {
            return Task::Record(round, Ended::of(Verdict::Park).unlinked());
        }
        self.post(round)
    }

    fn looked(&mut self, mut round: Round, read: Record) -> Task {
        if !self.is_ours(&round) {
            return self.away(round);
        }
        let Some(record) = &mut round.record else { return Task::Release(round) };
        if read.owner != Some(round.group) {
            round.link = Link { intent_at: round.link.intent_at, ..Link::default() };
            return self.make(round);
        }
        (record.looked, record.stands_as) = (true, read.name);
        record.differs = round.name.is_some_and(|name| name != read.name);
        let readable = self.application.readable;
        record.records = readable.then(|| read.members.clone());
        if round.name.is_some() && !record.differs {
            round.link.sent = round.name;
        }
        if readable {
            self.learn(round.group, &read.members);
        } else {
            self.group_mut(round.group).pushed.values_mut().for_each(|sure| *sure = false);
        }
        Task::Next(round)
    }

    /// The record answers 404, and is made anew.
    fn lost(&self, mut round: Round) -> Task {
        if round.gone {
            let ended = round.failed(&Outcome::NotFound(answer(404, None))).unlinked();
            return Task::Record(round, ended);
        }
        round.gone = true;
        round.link = Link { intent_at: round.link.intent_at, ..Link::default() };
        self.make(round)
    }

    /// A member was asked for: shown to be ours, or a stranger whose user's own round sees to it.
    fn whose(&mut self, mut round: Round, (user, id): Pair, ours: bool) -> Task {
        let held = &mut self.users[usize::from(user)];
        if let Some((_, verified)) = held.link.as_mut().filter(|(link, _)| *link == id) {
            *verified = if ours { round.generation } else { -1 };
        }
        held.owed |= !ours;
        match round.asking.take() {
            Some((left, strangers, why)) => Task::Ask(round, left, strangers + usize::from(!ours), why),
            None => Task::Next(round),
        }
    }

    fn ask(&self, mut round: Round, mut left: Vec<Pair>, strangers: usize, why: Refusal) -> Task {
        if let Some(next) = left.pop() {
            round.asking = Some((left, strangers, why));
            return Task::Renew(round, Call::Person(next));
        }
        match why {
            _ if strangers > 0 => Task::Next(round),
            Refusal::Refused(ended) => self.over(round, ended),
            Refusal::Lost => self.lost(round),
        }
    }

    fn confirm(&mut self, mut round: Round, call: &Call) -> Task {
        if !self.is_ours(&round) {
            return self.away(round);
        }
        let pushed = &mut self.group_mut(round.group).pushed;
        match call {
            Call::Add(_, pairs) => pushed.extend(pairs.iter().map(|pair| (*pair, true))),
            Call::Remove(_, pairs) => pushed.retain(|pair, _| !pairs.contains(pair)),
            Call::Put { joining, leaving, .. } => {
                pushed.extend(joining.iter().map(|pair| (*pair, true)));
                pushed.retain(|pair, _| !leaving.contains(pair));
            }
            _ => {}
        }
        let Some(record) = &mut round.record else { return Task::Release(round) };
        match call {
            Call::Name(_, name) => {
                (record.differs, record.named, round.link.sent) = (false, true, Some(*name));
            }
            Call::Put { name, records, .. } => {
                (record.differs, record.named, round.link.sent) = (false, true, Some(*name));
                record.records = Some(records.clone());
            }
            _ => {}
        }
        Task::Next(round)
    }

    fn record(&mut self, round: &Round, ended: Ended) -> Task {
        let now = self.now;
        let ended = if round.gone && self.keeps(Rule::GoneIsDoubt) { without_record(round, ended) } else { ended };
        let current = self.target.generation == round.generation;
        if current && ended.pause > 0 {
            self.target.paused_until = now + ended.pause;
        }
        if !current {
            if self.is_ours(round)
                && let Some(row) = &mut self.group_mut(round.group).ledger
            {
                row.lease_until = None;
            }
            return Task::Idle;
        }
        let (epoch, seq, doubt, verdict) = (round.epoch, round.seq, round.doubt, ended.verdict);
        if self.step(round.group, Step::Sent { epoch, seq, doubt, now, verdict }) == Effect::Stale {
            return Task::Idle;
        }
        let held = self.group_mut(round.group);
        held.parked_seq = (verdict == Verdict::Park).then_some(seq);
        if let Some((id, sent)) = ended.link {
            held.link = Link { id, verified: round.generation, sent, intent_at: None };
        }
        Task::Idle
    }

    fn release(&mut self, round: Round) -> Task {
        self.step(round.group, Step::Release { epoch: round.epoch });
        Task::Idle
    }

    /// A request that nobody waits for is done at last.
    pub fn land(&mut self, which: usize) -> Result<(), Violation> {
        let flying = self.flying.remove(which);
        if flying.workspace == self.application.workspace {
            self.application.apply(flying.group, &flying.call)?;
        }
        Ok(())
    }
}

/// A record that was found gone is doubted until there is another one.
fn without_record(round: &Round, ended: Ended) -> Ended {
    match ended.verdict {
        Verdict::Retry { after, charged, .. } if ended.link.is_none() => {
            Ended { verdict: Verdict::Retry { after, definite: false, charged }, ..ended }
        }
        Verdict::Park if ended.link.is_none() && round.link.intent_at.is_none() => ended.unlinked(),
        _ => ended,
    }
}

/// A name that was confirmed is remembered, however its round ends.
fn named(round: &Round, ended: Ended) -> Ended {
    match &round.record {
        Some(record) if record.named && ended.link.is_none() => {
            Ended { link: Some((Some(record.id), round.link.sent)), ..ended }
        }
        _ => ended,
    }
}
