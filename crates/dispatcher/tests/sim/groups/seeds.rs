//! Random worlds of groups: a while of trouble, then everything heals, and what is left must be right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::application::{Application, Record};
use super::round::Worker;
use super::world::{Budget, FIRST, FROZEN, Group, Link, Target, User, World};
use crate::downstream::Fault;
use crate::rules::Rules;
use crate::seeds::WILD;
use crate::world::Violation;
use directory::ledger::protocol::State;

/// Steps of trouble, and steps in which a healed world must have come to rest.
const TROUBLE: usize = 200;
const HEALING: usize = 6_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Join(u8, u8),
    Leave(u8, u8),
    Rename(u8),
    Delete(u8),
    Arrive(u8),
    Rob(u16),
    Owe(u8),
    Start(usize, u8),
    Work(usize, Fault),
    Freeze(usize),
    Crash(usize),
    Land(usize),
    Disable,
    AnswerDisable,
    Enable(bool),
    Choose(bool),
    Tick,
}

/// A failing seed, with the shortest prefix of its trace from which a world that has no more trouble still goes wrong.
pub struct Failure {
    pub seed: u64,
    pub violation: Violation,
    trace: Vec<Action>,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "SIM_SEED={}: {}", self.seed, self.violation.0)?;
        self.trace.iter().try_for_each(|action| writeln!(formatter, "  {action:?}"))
    }
}

/// Few things happen in most worlds, so that each of them is met in every order.
fn budget(random: &mut StdRng, small: bool) -> Budget {
    if small {
        let edits = random.random_range(3..=8);
        return Budget { edits, faults: 2, freezes: 1, ..Budget::default() };
    }
    let mut some = |most: u8| if random.random_bool(0.4) { random.random_range(1..=most) } else { 0 };
    let (freezes, crashes, thefts, switches) = (some(2), some(2), some(2), some(3));
    let (edits, faults) = (random.random_range(3..=14), random.random_range(1..=8));
    Budget { edits, faults, freezes, crashes, thefts, switches }
}

fn world(seed: u64, random: &mut StdRng, rules: Rules) -> World {
    let kinds = *[1, 2, WILD.faults.len()].choose(random).unwrap_or(&1);
    // In small worlds what takes long comes about: little else happens meanwhile.
    let small = random.random_bool(0.2);
    let patches = random.random_bool(0.7);
    let mut application = Application {
        workspace: 0,
        records: Vec::new(),
        people: BTreeMap::from([(0, None)]),
        broken: None,
        next: FIRST + 1,
        unique: random.random_bool(0.5),
        filters: random.random_bool(0.8),
        patches,
        strict: random.random_bool(0.5),
        readable: !patches || random.random_bool(0.7),
        shows: usize::MAX,
    };
    let users: u8 = random.random_range(1..=if small { 2 } else { 8 });
    let mut group = Group {
        name: Some(0),
        members: BTreeSet::new(),
        ledger: None,
        lease_generation: None,
        link: Link::default(),
        pushed: BTreeMap::new(),
        leaving: BTreeMap::new(),
        robbed: false,
        parked_seq: None,
    };
    let mut groups = Vec::new();
    for place in 0..random.random_range(1..=if small { 1 } else { 3_u8 }) {
        group.name = Some(2 * place);
        groups.push(group.clone());
    }
    // The first group is there already, with somebody in it whom the application put there.
    let id = FIRST;
    application.records.push(Record { id, owner: Some(0), name: 0, members: BTreeSet::from([0]) });
    let mut row = State::first(0);
    (row.dirty_seq, row.seen_seq, row.owed_seq, row.acked_seq) = (1, 1, 1, 1);
    groups[0].ledger = Some(row);
    groups[0].link = Link { id: Some(id), verified: 1, sent: Some(0), intent_at: None };
    let target =
        Target { generation: 1, active: true, draining: false, answered_off: false, pushes: true, paused_until: 0 };
    let users = (0..users)
        .map(|user| {
            let linked = random.random_bool(0.6);
            User { link: linked.then(|| (application.person(Some(user)), 1)), owed: !linked }
        })
        .collect();
    // Apart, so that whatever is drawn of a world stays what it was without.
    let mut habits = StdRng::seed_from_u64(!seed);
    // Without PATCH, whom it does not show nobody can keep there.
    if patches && habits.random_bool(0.3) {
        application.shows = habits.random_range(0..3);
    }
    if habits.random_bool(0.1) {
        application.broken = Some(habits.random_range(FIRST + 1..=application.next));
    }
    World {
        now: 1_000_000_000,
        rules,
        target,
        application,
        users,
        groups,
        workers: vec![Worker::IDLE; random.random_range(2..=3)],
        flying: Vec::new(),
        budget: budget(random, small),
        faults: WILD.faults.sample(random, kinds).copied().collect(),
    }
}

impl World {
    /// All that may happen now.
    fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        let idle = self.workers.iter().position(Worker::is_idle);
        let mut pressing = self.flying.iter().any(|flying| flying.lands_by <= self.now);
        for group in self.all_groups() {
            if self.is_to_be_owed(group) {
                pressing = true;
                actions.push(Action::Owe(group));
            }
            if self.is_due(group) {
                pressing |= idle.is_some();
                actions.extend(idle.map(|worker| Action::Start(worker, group)));
            }
        }
        let arriving = (0..)
            .zip(&self.users)
            .filter(|(place, user)| user.owed && self.target.active && !self.application.is_broken(*place));
        let arriving: Vec<u8> = arriving.map(|(user, _)| user).collect();
        pressing |= !arriving.is_empty();
        actions.extend(arriving.into_iter().map(Action::Arrive));
        for (which, worker) in self.workers.iter().enumerate().filter(|(_, worker)| !worker.is_idle()) {
            let frozen = worker.frozen_until > self.now;
            pressing |= !frozen;
            actions.push(Action::Work(which, Fault::None));
            if worker.calls() && self.budget.faults > 0 {
                actions.extend(self.faults.iter().map(|fault| Action::Work(which, *fault)));
            }
            // Not again before its next step: a POST is waited for as long as a freeze may take (K21).
            if worker.frozen_until == 0 && self.budget.freezes > 0 {
                actions.push(Action::Freeze(which));
            }
            if self.budget.crashes > 0 && !worker.overdue {
                actions.push(Action::Crash(which));
            }
        }
        actions.extend((0..self.flying.len()).map(Action::Land));
        if self.target.draining && self.is_drained() {
            pressing = true;
            actions.push(Action::AnswerDisable);
        }
        if !pressing && self.next_moment().is_some() {
            actions.push(Action::Tick);
        }
        self.outside(&mut actions);
        actions
    }

    /// What comes from outside, as far as the budget goes.
    fn outside(&self, actions: &mut Vec<Action>) {
        if self.budget.edits > 0 {
            for (place, group) in (0..).zip(&self.groups).filter(|(_, group)| group.name.is_some()) {
                let users = 0..u8::try_from(self.users.len()).unwrap_or(u8::MAX);
                let other =
                    |user| if group.members.contains(&user) { Action::Leave } else { Action::Join }(place, user);
                actions.extend(users.map(other));
                actions.extend([Action::Rename(place), Action::Delete(place)]);
            }
        }
        if self.budget.thefts > 0 {
            let ours = self.application.records.iter().filter(|record| record.owner.is_some()).map(|record| record.id);
            let people = self.application.people.iter().filter(|(_, owner)| owner.is_some()).map(|(id, _)| *id);
            actions.extend(ours.chain(people).map(Action::Rob));
        }
        if self.budget.switches > 0 && !self.target.draining {
            actions.extend(if self.target.active {
                [Action::Disable, Action::Choose(!self.target.pushes)]
            } else {
                [Action::Enable(false), Action::Enable(true)]
            });
        }
    }

    fn is_at_rest(&self) -> bool {
        self.actions().is_empty()
    }

    fn act(&mut self, action: Action) -> Result<(), Violation> {
        match action {
            Action::Join(group, _) | Action::Leave(group, _) | Action::Rename(group) | Action::Delete(group) => {
                self.budget.edits -= 1;
                let held = self.group_mut(group);
                match action {
                    Action::Join(_, user) => drop(held.members.insert(user)),
                    Action::Leave(_, user) => drop(held.members.remove(&user)),
                    // Between two names, so that a name may come back.
                    Action::Rename(_) => held.name = held.name.map(|name| name ^ 1),
                    _ => (held.name, held.members) = (None, BTreeSet::new()),
                }
                // One that was never pushed has nothing to be taken back.
                if self.group(group).name.is_some() || self.group(group).ledger.is_some() {
                    self.mark(group);
                }
            }
            Action::Arrive(user) => self.arrive(user),
            Action::Rob(id) => {
                self.budget.thefts -= 1;
                self.rob(id);
            }
            Action::Owe(group) => self.owe(group),
            Action::Start(worker, group) => self.start(worker, group),
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
            Action::Disable => {
                self.budget.switches -= 1;
                self.target.generation += 1;
                (self.target.active, self.target.draining) = (false, true);
            }
            Action::AnswerDisable => (self.target.draining, self.target.answered_off) = (false, true),
            Action::Enable(other) => {
                self.budget.switches -= 1;
                self.enable(other);
            }
            Action::Choose(pushes) => {
                self.budget.switches -= 1;
                self.choose(pushes);
            }
            Action::Tick => self.now = self.next_moment().unwrap_or(self.now),
        }
        Ok(())
    }

    /// No more trouble: everything that can happen happens, and groups are pushed.
    fn heal(&mut self, random: &mut StdRng, trace: &mut Vec<Action>) -> Result<(), Violation> {
        self.budget = Budget::default();
        if !self.target.pushes {
            self.choose(true);
        }
        for _ in 0..HEALING {
            if self.is_at_rest() && self.target.active {
                return self.at_rest();
            }
            if self.is_at_rest() {
                self.enable(false);
                continue;
            }
            let Some(action) = choose(self, random) else { break };
            trace.push(action);
            self.act(action)?;
        }
        Err(Violation("a healed world does not come to rest".to_owned()))
    }
}

/// Work is likelier than trouble, so that rounds get somewhere.
fn choose(world: &World, random: &mut StdRng) -> Option<Action> {
    let actions = world.actions();
    let frozen = |worker: usize| world.workers[worker].frozen_until > world.now;
    let chosen = actions.choose_weighted(random, |action| match action {
        // Whoever is frozen mostly stays so, while the others go on.
        Action::Work(worker, _) if frozen(*worker) => 3,
        // It hurts most between the last look at the lease and the call.
        Action::Freeze(worker) if world.workers[*worker].calls() => 20,
        Action::Work(_, Fault::None) | Action::Tick => 240,
        Action::Start(..) | Action::Owe(_) | Action::AnswerDisable | Action::Enable(_) | Action::Choose(true) => 120,
        Action::Arrive(_) | Action::Land(_) => 20,
        Action::Join(..)
        | Action::Leave(..)
        | Action::Rename(_)
        | Action::Choose(false)
        | Action::Work(..)
        | Action::Rob(_) => 10,
        _ => 2,
    });
    chosen.ok().copied()
}

fn simulated(seed: u64, rules: Rules, trace: &mut Vec<Action>) -> Result<(), Violation> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = world(seed, &mut random, rules);
    for _ in 0..TROUBLE {
        let Some(action) = choose(&world, &mut random) else { break };
        trace.push(action);
        world.act(action)?;
    }
    world.heal(&mut random, trace)
}

/// Runs one seed.
pub fn run(seed: u64, rules: Rules) -> Result<(), Failure> {
    let mut trace = Vec::new();
    simulated(seed, rules, &mut trace).map_err(|violation| {
        let shortest = (0..trace.len()).find(|length| fails(seed, rules, &trace[..*length], &violation));
        trace.truncate(shortest.unwrap_or(trace.len()));
        Failure { seed, violation, trace }
    })
}

fn fails(seed: u64, rules: Rules, prefix: &[Action], violation: &Violation) -> bool {
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = world(seed, &mut random, rules);
    let replayed = prefix.iter().try_for_each(|action| world.act(*action));
    replayed.and_then(|()| world.heal(&mut random, &mut Vec::new())).err().as_ref() == Some(violation)
}

/// The first seed that fails.
pub fn first_failure(seeds: impl IntoIterator<Item = u64>, rules: Rules) -> Option<Failure> {
    seeds.into_iter().find_map(|seed| run(seed, rules).err())
}
