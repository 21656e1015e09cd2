//! A worker of the model: one round of triage or send as a program of steps, as the dispatcher does them. Between any two
//! steps it may be frozen or die.

use directory::ledger::protocol::{Effect, Event as Step, LEASE, Stage};

use crate::downstream::{Call, Fault};
use crate::realm::Person;
use crate::rules::Rule;
use crate::send::{Ended, Round};
use crate::world::{Link, Observed, Violation, World, hold};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Worker {
    pub task: Task,
    /// Frozen: time goes on without it, up to this.
    pub frozen_until: i64,
}

/// Which user a round is about, and the claim it runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    pub tenant: u8,
    pub place: u8,
    pub epoch: i64,
    pub seq: i64,
    pub doubt: bool,
    pub reassert: bool,
    pub attempts: i64,
}

/// What triage reads after its claim and before the realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Setting {
    fence: Option<i64>,
    generation: i64,
    workspace: u8,
    link: Link,
}

/// The point a worker is at: what it does next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Task {
    Idle,
    /// Claims; for a send, with the target's generation as it was read.
    Claim {
        tenant: u8,
        place: u8,
        stage: Stage,
        generation: i64,
        workspace: u8,
    },
    /// Reads the realm, after the fence.
    Look {
        claim: Claim,
        setting: Setting,
    },
    /// Commits what triage saw.
    Commit {
        claim: Claim,
        setting: Setting,
        seen: Option<Person>,
        version: u32,
    },
    /// Reads realm and link.
    Begin(Round),
    /// Renews the lease for a call.
    Renew(Round, Call),
    /// Makes the call.
    Call(Round, Call),
    /// Records the end.
    Record(Round, Ended),
    /// Gives the claim back.
    Release(Claim),
}

impl Worker {
    pub const IDLE: Self = Self { task: Task::Idle, frozen_until: 0 };

    pub fn is_idle(&self) -> bool {
        self.task == Task::Idle
    }

    pub fn is_frozen(&self, now: i64) -> bool {
        self.frozen_until > now
    }

    /// Whether the next step is the commit of a look, which may go on to a send.
    pub fn commits(&self) -> bool {
        matches!(self.task, Task::Commit { .. })
    }

    /// The end of the lease as the worker knows it, if it is in a send.
    pub fn lease(&mut self, change: impl Fn(&mut i64)) {
        if let Task::Begin(round) | Task::Renew(round, _) | Task::Call(round, _) | Task::Record(round, _) =
            &mut self.task
        {
            change(&mut round.lease_until);
            if let Some(at) = &mut round.link.intent_at {
                change(at);
            }
        }
        if let Task::Look { setting, .. } | Task::Commit { setting, .. } = &mut self.task
            && let Some(at) = &mut setting.link.intent_at
        {
            change(at);
        }
    }

    /// Whether the next step is a call, with which a fault may come.
    pub fn calls(&self) -> Option<Call> {
        match &self.task {
            Task::Call(_, call) => Some(*call),
            _ => None,
        }
    }
}

impl World {
    /// Begins a round, if the target allows it.
    pub fn start(&mut self, worker: usize, tenant: u8, place: u8, stage: Stage) {
        let target = &self.tenants[usize::from(tenant)].target;
        if stage == Stage::Send && (!target.active || target.quarantined) {
            return;
        }
        let generation = target.generation;
        let workspace = self.tenants[usize::from(tenant)].application.workspace;
        self.workers[worker].task = Task::Claim { tenant, place, stage, generation, workspace };
    }

    /// One step of a worker.
    pub fn work(&mut self, worker: usize, fault: Fault) -> Result<(), Violation> {
        let frozen = std::mem::take(&mut self.workers[worker].frozen_until) > 0;
        let task = std::mem::replace(&mut self.workers[worker].task, Task::Idle);
        self.workers[worker].task = match task {
            Task::Idle => Task::Idle,
            Task::Claim { tenant, place, stage, generation, workspace } => {
                self.claim((tenant, place), stage, generation, workspace)?
            }
            Task::Look { claim, setting } => {
                let account = self.account(claim.tenant, claim.place);
                Task::Commit { claim, setting, seen: account.person, version: account.version }
            }
            Task::Commit { claim, setting, seen, version } => {
                self.commit(claim, setting.fence, seen, version)?.unwrap_or(Task::Idle)
            }
            Task::Begin(round) => self.begin(round),
            Task::Renew(round, call) => self.renew(round, call),
            Task::Call(round, call) => self.call(round, call, fault, frozen)?,
            Task::Record(round, ended) => self.record(&round, ended)?,
            Task::Release(claim) => self.release(claim)?,
        };
        Ok(())
    }

    /// A worker whose look found a send owed claims it with the commit, and goes on with what it saw.
    pub fn go_on(&mut self, worker: usize) -> Result<(), Violation> {
        self.workers[worker].frozen_until = 0;
        let task = std::mem::replace(&mut self.workers[worker].task, Task::Idle);
        let Task::Commit { claim, setting, seen, version } = task else { return Ok(()) };
        let Setting { fence, generation, workspace, link } = setting;
        let marked = self.account(claim.tenant, claim.place).ledger.dirty_seq != claim.seq;
        self.workers[worker].task = match self.commit(claim, fence, seen, version)? {
            Some(task) => task,
            None if marked && self.rules.keeps(Rule::GoOnUnmarked) => Task::Idle,
            None => match self.claim((claim.tenant, claim.place), Stage::Send, generation, workspace)? {
                Task::Begin(round) => self.set_out(Round { person: seen, link, ..round }),
                task => task,
            },
        };
        Ok(())
    }

    fn claim(
        &mut self,
        (tenant, place): (u8, u8),
        stage: Stage,
        generation: i64,
        workspace: u8,
    ) -> Result<Task, Violation> {
        let (now, rules) = (self.now, self.rules);
        let target = &self.tenants[usize::from(tenant)].target;
        let (open, quarantined) = (target.paused_until <= now && !target.quarantined, target.quarantined);
        let current = target.active && target.generation == generation && !quarantined;
        match stage {
            Stage::Triage if !rules.keeps(Rule::TriageIgnoresTarget) => {
                let waits = self.account(tenant, place).ledger.next_at > now;
                if !open || waits {
                    return Ok(Task::Idle);
                }
            }
            Stage::Send if rules.keeps(Rule::Pause) && !(open && current) => return Ok(Task::Idle),
            Stage::Triage | Stage::Send => {}
        }
        let effect = self.step(tenant, place, Step::Claim { now, stage })?;
        let Effect::Claimed { doubt } = effect else { return Ok(Task::Idle) };
        hold(stage == Stage::Triage || open, "a send to a target that asked us to wait (K16)")?;
        let account = self.account_mut(tenant, place);
        account.lease_generation = (stage == Stage::Send).then_some(generation);
        let row = &account.ledger;
        let claim = Claim {
            tenant,
            place,
            epoch: row.epoch,
            seq: row.dirty_seq,
            doubt,
            reassert: row.reasserts(),
            attempts: row.attempts,
        };
        Ok(match stage {
            Stage::Send => Task::Begin(Round::new(claim, (generation, workspace), now + LEASE)),
            Stage::Triage => match account.entry {
                Some(entry) if entry.write_until > now => Task::Release(claim),
                entry => {
                    let (fence, link) = (entry.map(|entry| entry.write_epoch), account.link);
                    Task::Look { claim, setting: Setting { fence, generation, workspace, link } }
                }
            },
        })
    }

    /// Triage's commit: directory, ledger and observation, all or nothing; nothing comes after it then.
    fn commit(
        &mut self,
        claim: Claim,
        fence: Option<i64>,
        seen: Option<Person>,
        version: u32,
    ) -> Result<Option<Task>, Violation> {
        let (now, rules) = (self.now, self.rules);
        let fenced = rules.keeps(Rule::Fence);
        let account = self.account_mut(claim.tenant, claim.place);
        if let Some(entry) = account.entry.filter(|_| fenced)
            && (Some(entry.write_epoch) != fence || entry.write_until > now)
        {
            return Ok(Some(Task::Release(claim)));
        }
        if account.ledger.epoch != claim.epoch {
            return Ok(Some(Task::Idle));
        }
        let mut followed = account.entry;
        if let (Some(entry), Some(fresh)) = (&mut followed, seen) {
            hold(version >= entry.committed, "an old read overwrote a newer inbound write (K11)")?;
            let unchanged = version == entry.committed.max(entry.followed);
            let before = (entry.document, entry.spelled);
            entry.follow(fresh, rules.keeps(Rule::Base));
            entry.followed = version;
            hold(!unchanged || (entry.document, entry.spelled) == before, "a document changed without an edit (K12)")?;
        }
        let observed = seen.map_or(Observed::Gone, Observed::Is);
        let differs = account.observed != Some(observed);
        let urgent = seen.is_some_and(|person| !person.enabled);
        let event = Step::Triaged {
            epoch: claim.epoch,
            seq: claim.seq,
            now,
            differs: differs && (seen.is_some() || account.ledger.owed()),
            urgent,
        };
        let observes = account.ledger.observes(claim.seq) || !rules.keeps(Rule::SendObserves);
        self.step(claim.tenant, claim.place, event)?;
        let account = self.account_mut(claim.tenant, claim.place);
        account.entry = followed;
        if observes {
            account.observed = Some(observed);
        }
        Ok(None)
    }

    fn release(&mut self, claim: Claim) -> Result<Task, Violation> {
        self.step(claim.tenant, claim.place, Step::Release { epoch: claim.epoch })?;
        Ok(Task::Idle)
    }
}
