//! A group's round as a program of steps, as the dispatcher does them; what is sent next is its real plan, how a failure is
//! taken its real verdict. Between any two steps a worker may be frozen or die.

use std::collections::BTreeSet;

use directory::ledger::protocol::{Effect, Event as Step, Verdict};
use directory::pushed_member::Member;
use dispatcher::group_plan::{self, Known};
use dispatcher::{TargetVerdict, of_group_failure};
use downstream::Outcome;

use super::application::{Call, Pair, Record, Said, pair};
use super::world::{ASSERTED, FROZEN, HELD, Link, SEND, Stands, World};
use crate::downstream::{Fault, answer, is_done, outcome_of};
use crate::rules::Rule;
use crate::world::{SECOND, Violation, hold, wrapped};

mod answers;
mod ended;
mod held;

pub use ended::Ended;
use ended::without_record;
use held::{Held, Joining};

/// Calls of one round, and members of one request: few, so that rounds come again.
const CALLS: u8 = 4;
const MEMBERS: usize = 2;
const UNCONFIRMED: i64 = 60 * SECOND;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    pub task: Task,
    pub frozen_until: i64,
    /// It was frozen for so long that what it calls now may come after every assertion.
    pub overdue: bool,
}

impl Worker {
    pub const IDLE: Self = Self { task: Task::Idle, frozen_until: 0, overdue: false };

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
    Refused(Ended, Vec<Pair>),
    Lost,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a round")]
pub struct Round {
    pub group: u8,
    epoch: i64,
    seq: i64,
    doubt: bool,
    reassert: bool,
    /// A write from before its claim may still arrive.
    late: bool,
    attempts: i64,
    generation: i64,
    workspace: u8,
    lease_until: i64,
    name: Option<u8>,
    link: Link,
    record: Option<Held>,
    calls: u8,
    gone: bool,
    /// A call of this round changed something, or may have.
    wrote: bool,
    /// It had a record before it looked for one.
    lost: bool,
    /// Members of a refused addition, while they are asked for.
    asking: Option<(Vec<Pair>, usize, Refusal)>,
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
        let frozen_until = std::mem::take(&mut self.workers[worker].frozen_until);
        let frozen = frozen_until > 0;
        self.workers[worker].overdue |= frozen && self.now > frozen_until - FROZEN + ASSERTED;
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
            Task::Release(round) => self.release(&round),
        };
        self.workers[worker].overdue &= !self.workers[worker].is_idle();
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
        let again = self.keeps(Rule::TakenOutAgain);
        let held = self.group_mut(group);
        held.lease_generation = Some(generation);
        let Some(row) = &held.ledger else { return Task::Idle };
        Task::Begin(Round {
            group,
            epoch: row.epoch,
            seq: row.dirty_seq,
            doubt,
            reassert: row.reasserts(),
            late: again && (doubt || row.assert_at.is_some()),
            attempts: row.attempts,
            generation,
            workspace,
            lease_until: now + HELD,
            name: None,
            link: Link::default(),
            record: None,
            calls: 0,
            gone: false,
            wrote: false,
            lost: false,
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
        Self::in_step_with(round, id, look)
    }

    fn in_step_with(mut round: Round, id: u16, look: bool) -> Task {
        let differs = round.name.is_some() && round.link.sent != round.name;
        let (looked, named, alone, missing, stands_as, records) = (false, false, false, false, u8::MAX, None);
        let joining = Joining::ALL;
        round.record = Some(Held { id, differs, looked, named, alone, missing, stands_as, records, joining });
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
        let refused = &record.joining.refused;
        let mut missing = self.missing(round.group, limit.saturating_add(refused.len()));
        missing.retain(|member| !refused.contains(&pair(member)));
        let surplus = self.surplus(round.group, round.late, limit);
        if !self.keeps(Rule::VerifyMember) {
            for member in &mut missing {
                member.verified_generation = round.generation;
            }
        }
        let step = group_plan::next(&Known {
            name_differs: record.differs,
            missing: &missing,
            surplus: &surplus,
            generation: round.generation,
            supports_patch: patches,
        });
        let (id, pairs) = (record.id, |members: &[Member]| -> Vec<Pair> { members.iter().map(pair).collect() });
        if step != group_plan::Step::Nothing && round.calls >= CALLS && !record.joining.seeks() {
            let ended = round.more();
            return self.over(round, ended);
        }
        match step {
            group_plan::Step::Nothing => {
                if let Some(refusal) = record.joining.refusal {
                    return self.over(round, refusal);
                }
                let ended = Ended { link: Some((Some(id), round.link.sent)), ..Ended::of(Verdict::Done) };
                Task::Record(round, ended)
            }
            group_plan::Step::Verify(members) => match pairs(&members).first() {
                Some(first) => Task::Renew(round, Call::Person(*first)),
                None => Task::Release(round),
            },
            group_plan::Step::Remove(members) if record.alone => {
                Task::Note(round, Call::Remove(id, pairs(&members[..1])))
            }
            group_plan::Step::Remove(members) => Task::Note(round, Call::Remove(id, pairs(&members))),
            group_plan::Step::Name => match round.name {
                Some(name) => Task::Renew(round, Call::Name(id, name)),
                None => Task::Release(round),
            },
            group_plan::Step::Add(members) => {
                let some = members.len().min(record.joining.at_once);
                Task::Note(round, Call::Add(id, pairs(&members[..some])))
            }
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
            self.noted(round.group, call.joining(), Stands::Unsure);
            let held = self.group_mut(round.group);
            for pair in call.leaving() {
                // Who is about to be taken out once more was taken out before.
                if let Some(stands) = held.pushed.get_mut(pair).filter(|stands| **stands == Stands::Sure) {
                    *stands = Stands::Unsure;
                }
                held.leaving.insert(*pair, round.epoch);
            }
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

    fn call(&mut self, mut round: Round, call: Call, fault: Fault, late: bool) -> Result<Task, Violation> {
        round.wrote |= call.writes();
        let group = round.group;
        // A freeze before a POST and a slow way after it are longer than anybody waits for it (K21).
        if fault == Fault::Slow && call.writes() && !(late && matches!(call, Call::Post(_))) {
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
            (Some(outcome), _) => self.failed(round, &call, &outcome),
            (None, Some(said)) => self.told(round, call, said),
            (None, None) => self.failed(round, &call, &Outcome::Ambiguous),
        })
    }
}
