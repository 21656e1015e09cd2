//! Random worlds with virtual time: several tenants and users, some workers, a broker that loses, doubles and reorders
//! hints, every fault there is, for a while; then everything heals, and what is left must be right.

use directory::ledger::protocol::Stage;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::downstream::{Application, Fault, Record};
use crate::faults::{Action, Menu};
use crate::realm::{Edit, Person};
use crate::rules::Rules;
use crate::worker::Worker;
use crate::world::{Account, Budget, Violation, World};

/// Everything goes wrong.
pub const WILD: Menu = Menu {
    edits: &[Edit::Toggle, Edit::Name, Edit::Count, Edit::Count, Edit::Delete],
    faults: &[
        Fault::LostReply,
        Fault::Reset,
        Fault::Unreachable,
        Fault::Slow,
        Fault::FailedAfter,
        Fault::Failed,
        Fault::Page,
        Fault::WithoutId,
        Fault::Throttled,
        Fault::BusyAfter,
        Fault::Unauthorized,
        Fault::NotFound,
        Fault::Conflict,
        Fault::Rejected,
    ],
    touch: false,
    other_workspace: false,
};

/// Steps of trouble, and steps in which a healed world must have come to rest.
const TROUBLE: usize = 160;
const HEALING: usize = 4_000;

/// A failing seed.
#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    pub violation: Violation,
    pub trace: Vec<Action>,
}

/// A hint: somebody may have changed.
type Hint = (u8, u8);

/// A world with its broker.
struct Simulation {
    world: World,
    hints: Vec<Hint>,
    random: StdRng,
    menu: Menu,
    trace: Vec<Action>,
}

/// The world a seed begins with.
fn world(random: &mut StdRng, rules: Rules) -> World {
    let mut world = World::small(Account::fresh(0), rules, Budget::default());
    let first = world.tenants.remove(0);
    for _ in 0..random.random_range(1..=3) {
        let mut tenant = first.clone();
        let patches = random.random_bool(0.7);
        let filters = random.random_bool(0.8);
        let ignores_filters = random.random_bool(0.2);
        let unique = random.random_bool(0.5) || !filters;
        tenant.application = Application { unique, filters, ignores_filters, patches, ..Application::EMPTY };
        tenant.accounts.clear();
        for place in 0..random.random_range(1..=3) {
            let linked = random.random_bool(0.5);
            let mut account = if linked { Account::linked(0) } else { Account::fresh(0) };
            if linked {
                let id = tenant.application.next;
                tenant.application.next += 1;
                account.link.id = Some(id);
                tenant.application.records.push(Record { id, owner: Some(place), person: Person::FIRST });
            }
            tenant.accounts.push(account);
        }
        world.tenants.push(tenant);
    }
    world.workers = vec![Worker::IDLE; random.random_range(2..=3)];
    world.budget = Budget { edits: 12, faults: 8, freezes: 2, crashes: 2, doubles: 3, writes: 4, switches: 3 };
    world
}

impl Simulation {
    fn new(seed: u64, rules: Rules) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let world = world(&mut random, rules);
        let menu = Menu { touch: random.random_bool(0.3), other_workspace: random.random_bool(0.3), ..WILD };
        Self { world, hints: Vec::new(), random, menu, trace: Vec::new() }
    }

    fn act(&mut self, action: Action) -> Result<(), Violation> {
        self.trace.push(action);
        if let Action::Capture(tenant, place) | Action::Double(tenant, place) | Action::Write(tenant, place) = action {
            self.publish((tenant, place));
        }
        self.world.act(action, &self.menu)
    }

    /// A third of the hints is lost, some come twice, and they wait in any order.
    fn publish(&mut self, hint: Hint) {
        let copies = match self.random.random_range(0..10) {
            0..3 => 0,
            3..8 => 1,
            _ => 2,
        };
        for _ in 0..copies {
            let place = self.random.random_range(0..=self.hints.len());
            self.hints.insert(place, hint);
        }
    }

    /// A hint starts a round, due or not; the claim decides.
    fn hinted(&mut self) -> Option<Action> {
        let worker = self.world.workers.iter().position(Worker::is_idle)?;
        let (tenant, place) = self.hints.pop()?;
        let stage = if self.random.random_bool(0.5) { Stage::Triage } else { Stage::Send };
        Some(Action::Start(worker, tenant, place, stage))
    }

    /// Work is likelier than trouble, so that rounds get somewhere.
    fn choose(&mut self) -> Option<Action> {
        if self.random.random_bool(0.2)
            && let Some(action) = self.hinted()
        {
            return Some(action);
        }
        let actions = self.world.actions(&self.menu);
        actions
            .choose_weighted(&mut self.random, |action| match action {
                Action::Work(_, Fault::None) | Action::GoOn(_) | Action::Tick => 60,
                Action::Start(..) | Action::Capture(..) | Action::Baseline(_) | Action::AnswerDisable(_) => 30,
                Action::Write(..) | Action::Enable(..) | Action::Land(_) => 6,
                Action::Disable(_) => 3,
                Action::Work(..)
                | Action::Double(..)
                | Action::AbandonWrite(..)
                | Action::Freeze(_)
                | Action::Crash(_)
                | Action::Edit(..) => 1,
            })
            .ok()
            .copied()
    }

    fn run(&mut self) -> Result<(), Violation> {
        for _ in 0..TROUBLE {
            let Some(action) = self.choose() else { break };
            self.act(action)?;
        }
        self.heal()
    }

    /// No more trouble: targets are on and take our token, and everything that can happen happens.
    fn heal(&mut self) -> Result<(), Violation> {
        self.world.budget = Budget::default();
        for tenant in &mut self.world.tenants {
            tenant.target.quarantined = false;
        }
        for _ in 0..HEALING {
            if self.world.is_at_rest() {
                return self.world.at_rest();
            }
            let Some(action) = self.choose() else { break };
            self.act(action)?;
        }
        Err(Violation("a healed world does not come to rest".to_owned()))
    }
}

/// Runs one seed.
pub fn run(seed: u64, rules: Rules) -> Result<(), Failure> {
    let mut simulation = Simulation::new(seed, rules);
    match simulation.run() {
        Ok(()) => Ok(()),
        Err(violation) => {
            let trace = shrunk(seed, rules, &violation, &simulation.trace);
            Err(Failure { seed, violation, trace })
        }
    }
}

/// The shortest prefix of a trace from which a world that has no more trouble still goes wrong.
fn shrunk(seed: u64, rules: Rules, violation: &Violation, trace: &[Action]) -> Vec<Action> {
    let fails = |length: usize| {
        let mut simulation = Simulation::new(seed, rules);
        let replayed = trace[..length].iter().try_for_each(|action| simulation.world.act(*action, &simulation.menu));
        replayed.and_then(|()| simulation.heal()).err().as_ref() == Some(violation)
    };
    let length = (0..trace.len()).find(|length| fails(*length)).unwrap_or(trace.len());
    trace[..length].to_vec()
}

/// The first seed that fails.
pub fn first_failure(seeds: impl IntoIterator<Item = u64>, rules: Rules) -> Option<Failure> {
    seeds.into_iter().find_map(|seed| run(seed, rules).err())
}

fn setting(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

/// The seeds to be run: `SIM_SEEDS` says how many, `SIM_SEED` is one alone.
pub fn wished() -> std::ops::Range<u64> {
    match setting("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("SIM_SEEDS").unwrap_or(10_000),
    }
}

#[test]
fn random_worlds_heal_whatever_happened_to_them() {
    if let Some(Failure { seed, violation, trace }) = first_failure(wished(), Rules::default()) {
        let told: Vec<String> = trace.iter().map(|action| format!("  {action:?}")).collect();
        panic!("SIM_SEED={seed}: {}\n{}", violation.0, told.join("\n"));
    }
}
