//! What may happen next in a world, and doing it.

use directory::ledger::protocol::{NEVER, Stage};

use crate::downstream::{Call, Fault};
use crate::realm::Edit;
use crate::rules::Rule;
use crate::worker::{Task, Worker};
use crate::world::{SECOND, Violation, World};

/// Something that may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Edit(u8, u8, Edit),
    Capture(u8, u8),
    Double(u8, u8),
    Write(u8, u8),
    AbandonWrite(u8, u8),
    Start(usize, u8, u8, Stage),
    Work(usize, Fault),
    /// A look is committed, and the send it found owed claimed with it.
    GoOn(usize),
    Freeze(usize),
    Crash(usize),
    Land(usize),
    Disable(u8),
    AnswerDisable(u8),
    Enable(u8, bool),
    Baseline(u8),
    Tick,
}

/// What a world may bring; the rest is counted by its budget.
#[derive(Debug, Clone, Copy)]
pub struct Menu {
    pub edits: &'static [Edit],
    pub faults: &'static [Fault],
    /// Edits are an operator's touch (K26).
    pub touch: bool,
    /// An enable may meet another workspace.
    pub other_workspace: bool,
}

/// How long a frozen process may stay so.
const FROZEN: i64 = 40 * SECOND;

impl World {
    /// All that may happen now.
    pub fn actions(&self, menu: &Menu) -> Vec<Action> {
        let mut actions = Vec::new();
        let idle = self.workers.iter().position(Worker::is_idle);
        let mut pressing = !self.flying.is_empty() && self.flying.iter().any(|flying| flying.lands_by <= self.now);
        for (tenant, held) in (0..).zip(&self.tenants) {
            for (place, account) in (0..).zip(&held.accounts) {
                if self.budget.edits > 0 && account.person.is_some() {
                    actions.extend(menu.edits.iter().map(|edit| Action::Edit(tenant, place, *edit)));
                }
                if !account.events.is_empty() {
                    pressing = true;
                    actions.push(Action::Capture(tenant, place));
                    if self.budget.doubles > 0 {
                        actions.push(Action::Double(tenant, place));
                    }
                }
                let writable = account.entry.is_some_and(|entry| entry.write_until <= self.now);
                if account.write.is_some() || writable && self.budget.writes > 0 {
                    pressing |= account.write.is_some();
                    actions.push(Action::Write(tenant, place));
                    if account.write.is_some() && self.budget.crashes > 0 {
                        actions.push(Action::AbandonWrite(tenant, place));
                    }
                }
                for stage in [Stage::Triage, Stage::Send] {
                    if self.is_due(tenant, place, stage) {
                        pressing |= idle.is_some();
                        actions.extend(idle.map(|worker| Action::Start(worker, tenant, place, stage)));
                    }
                }
            }
            let target = &held.target;
            if target.draining {
                if self.is_drained(tenant) {
                    pressing = true;
                    actions.push(Action::AnswerDisable(tenant));
                }
            } else if self.budget.switches > 0 {
                if target.active {
                    actions.push(Action::Disable(tenant));
                } else if self.is_drained(tenant) {
                    actions.push(Action::Enable(tenant, false));
                    if menu.other_workspace {
                        actions.push(Action::Enable(tenant, true));
                    }
                }
            }
            if target.active && target.baseline_due {
                pressing = true;
                actions.push(Action::Baseline(tenant));
            }
        }
        for (which, worker) in self.workers.iter().enumerate() {
            if worker.is_idle() {
                continue;
            }
            let frozen = worker.is_frozen(self.now);
            pressing |= !frozen;
            actions.push(Action::Work(which, Fault::None));
            if worker.commits() {
                actions.push(Action::GoOn(which));
            }
            if let Some(call) = worker.calls().filter(|_| self.budget.faults > 0) {
                let fits = |fault: &&Fault| **fault != Fault::WithoutId || matches!(call, Call::Post(_));
                actions.extend(menu.faults.iter().filter(fits).map(|fault| Action::Work(which, *fault)));
            }
            let interesting = !matches!(worker.task, Task::Claim { .. } | Task::Release(_));
            if !frozen && self.budget.freezes > 0 && interesting {
                actions.push(Action::Freeze(which));
            }
            if self.budget.crashes > 0 && interesting {
                actions.push(Action::Crash(which));
            }
        }
        actions.extend((0..self.flying.len()).map(Action::Land));
        if !pressing && self.next_moment().is_some() {
            actions.push(Action::Tick);
        }
        actions
    }

    /// Nothing is left to do, however long one waits.
    pub fn is_at_rest(&self) -> bool {
        let quiet = |action: &Action| {
            matches!(action, Action::Edit(..) | Action::Write(..) | Action::Disable(_) | Action::Enable(..))
        };
        const NOTHING: Menu = Menu { edits: &[], faults: &[], touch: false, other_workspace: false };
        self.tenants.iter().flat_map(|tenant| &tenant.accounts).all(|account| account.write.is_none())
            && self.actions(&NOTHING).iter().all(quiet)
    }

    fn is_due(&self, tenant: u8, place: u8, stage: Stage) -> bool {
        let row = &self.account(tenant, place).ledger;
        let target = &self.tenants[usize::from(tenant)].target;
        let open = target.active && !target.quarantined && target.paused_until <= self.now;
        let shown = self.rules.keeps(Rule::TriageIgnoresTarget) || open && row.next_at <= self.now;
        let writing = self.account(tenant, place).entry.is_some_and(|entry| entry.write_until > self.now);
        !row.leased(self.now)
            && match stage {
                Stage::Triage => row.dirty_seq > row.seen_seq && row.triage_at <= self.now && !writing && shown,
                Stage::Send => row.owed() && row.next_at <= self.now && open,
            }
    }

    /// When something changes by itself next.
    fn next_moment(&self) -> Option<i64> {
        let mut moments: Vec<i64> = self.flying.iter().map(|flying| flying.lands_by).collect();
        moments.extend(self.workers.iter().filter(|worker| !worker.is_idle()).map(|worker| worker.frozen_until));
        for tenant in &self.tenants {
            for account in &tenant.accounts {
                let row = &account.ledger;
                moments.extend(row.lease_until);
                moments.extend(account.entry.map(|entry| entry.write_until));
                if row.dirty_seq > row.seen_seq {
                    moments.push(row.triage_at);
                }
                if row.owed() && tenant.target.active && !tenant.target.quarantined {
                    moments.extend([row.next_at, tenant.target.paused_until]);
                }
            }
        }
        moments.into_iter().filter(|moment| *moment > self.now && *moment != NEVER).min()
    }

    /// Lets it happen.
    pub fn act(&mut self, action: Action, menu: &Menu) -> Result<(), Violation> {
        match action {
            Action::Edit(tenant, place, edit) => {
                self.budget.edits -= 1;
                self.edit(tenant, place, edit, menu.touch);
            }
            Action::Capture(tenant, place) => self.capture(tenant, place, false),
            Action::Double(tenant, place) => {
                self.budget.doubles -= 1;
                self.capture(tenant, place, true);
            }
            Action::Write(tenant, place) => {
                self.budget.writes -= u8::from(self.account(tenant, place).write.is_none());
                self.write(tenant, place);
            }
            Action::AbandonWrite(tenant, place) => {
                self.budget.crashes -= 1;
                self.account_mut(tenant, place).write = None;
            }
            Action::GoOn(worker) => self.go_on(worker)?,
            Action::Start(worker, tenant, place, stage) => self.start(worker, tenant, place, stage),
            Action::Work(worker, fault) => {
                self.budget.faults -= u8::from(fault != Fault::None);
                return self.work(worker, fault);
            }
            Action::Freeze(worker) => {
                self.budget.freezes -= 1;
                self.workers[worker].frozen_until = self.now + FROZEN;
            }
            Action::Crash(worker) => {
                self.budget.crashes -= 1;
                self.workers[worker] = Worker::IDLE;
            }
            Action::Land(which) => return self.land(which),
            Action::Disable(tenant) => {
                self.budget.switches -= 1;
                self.disable(tenant);
            }
            Action::AnswerDisable(tenant) => self.answer_disable(tenant),
            Action::Enable(tenant, other) => {
                self.budget.switches -= 1;
                self.enable(tenant, other);
            }
            Action::Baseline(tenant) => self.baseline(tenant),
            Action::Tick => self.now = self.next_moment().unwrap_or(self.now),
        }
        Ok(())
    }
}
