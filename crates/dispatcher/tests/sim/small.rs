//! The small worlds, explored whole: one user, two workers, few changes and faults, in every order.

use crate::downstream::{Application, Fault};
use crate::explore::{Explored, explore};
use crate::faults::{Action, Menu};
use crate::realm::Edit;
use crate::rules::Rules;
use crate::world::{Account, Budget, Violation, World};

/// Nothing may happen.
pub const NONE: Budget = Budget { edits: 0, faults: 0, freezes: 0, crashes: 0, doubles: 0, writes: 0, switches: 0 };

const PLAIN: Menu = Menu {
    edits: &[Edit::Toggle, Edit::Name],
    faults: &[Fault::LostReply, Fault::Unreachable, Fault::Slow],
    touch: false,
    other_workspace: false,
};

const TOGGLES: Menu = Menu { edits: &[Edit::Toggle], ..PLAIN };

/// The small worlds by what happens in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Small {
    /// A linked user changes three times.
    Changes,
    /// A linked user changes twice, and two calls go wrong.
    Faults,
    /// A user is made while two calls go wrong.
    Create,
    /// A user is made where nobody can be asked whether it was.
    BlindCreate,
    /// A worker is frozen, another one works on.
    Freeze,
    /// A first name goes while a worker is frozen that writes it.
    FreezeName,
    /// A worker dies, a hint is doubled.
    Crash,
    /// The target is switched off and on while somebody writes.
    Switch,
    /// The target is switched off and on while a worker is frozen.
    SwitchFrozen,
    /// The target is switched off and on while a user waits to be made there.
    SwitchFresh,
    /// The target is enabled for the first time while users change.
    FirstEnable,
    /// The target is enabled for the first time while an inbound write is under way.
    FirstEnableInbound,
    /// Behind the same URL stands another workspace.
    Workspace,
    /// An inbound write meets triage.
    Inbound,
    /// The target refuses our token and goes on doing so.
    Quarantine,
    /// The target refuses the user, throttles us.
    Refused,
}

impl Small {
    fn parts(self) -> (Account, Menu, Budget) {
        let (linked, fresh) = (Account::linked(0), Account::fresh(0));
        match self {
            Self::Changes => (linked, PLAIN, Budget { edits: 3, ..NONE }),
            Self::Faults => (linked, TOGGLES, Budget { edits: 2, faults: 2, ..NONE }),
            Self::Create => (fresh, PLAIN, Budget { faults: 2, ..NONE }),
            Self::BlindCreate => (fresh, PLAIN, Budget { faults: 1, ..NONE }),
            Self::Freeze => (linked, TOGGLES, Budget { edits: 2, freezes: 1, ..NONE }),
            Self::FreezeName => {
                (linked, Menu { edits: &[Edit::Name], ..PLAIN }, Budget { edits: 3, freezes: 1, ..NONE })
            }
            Self::Crash => (linked, TOGGLES, Budget { edits: 2, crashes: 1, doubles: 1, ..NONE }),
            Self::Switch => (linked, TOGGLES, Budget { edits: 1, switches: 2, faults: 1, ..NONE }),
            Self::SwitchFrozen => (linked, TOGGLES, Budget { edits: 1, switches: 2, freezes: 1, ..NONE }),
            Self::SwitchFresh => (fresh, TOGGLES, Budget { switches: 2, ..NONE }),
            Self::FirstEnable => (fresh, TOGGLES, Budget { edits: 2, switches: 1, ..NONE }),
            Self::FirstEnableInbound => (fresh, TOGGLES, Budget { writes: 2, switches: 1, ..NONE }),
            Self::Workspace => (
                linked,
                Menu { other_workspace: true, ..TOGGLES },
                Budget { edits: 1, switches: 2, freezes: 1, ..NONE },
            ),
            Self::Inbound => (linked, TOGGLES, Budget { edits: 1, writes: 1, ..NONE }),
            Self::Quarantine => {
                let menu = Menu { faults: &[Fault::Unauthorized], ..TOGGLES };
                (linked, menu, Budget { edits: 2, faults: 1, ..NONE })
            }
            Self::Refused => {
                let menu = Menu {
                    faults: &[Fault::Rejected, Fault::Throttled, Fault::BusyAfter, Fault::LostReply],
                    ..TOGGLES
                };
                (linked, menu, Budget { edits: 2, faults: 2, ..NONE })
            }
        }
    }

    /// Explores it.
    pub fn explored(self, rules: Rules) -> Explored {
        let (account, menu, budget) = self.parts();
        let mut world = World::small(account, rules, budget);
        let application = &mut world.tenants[0].application;
        application.unique = false;
        if matches!(self, Self::FirstEnable | Self::FirstEnableInbound) {
            let target = &mut world.tenants[0].target;
            (target.active, target.known) = (false, false);
        }
        let application = &mut world.tenants[0].application;
        if self == Self::BlindCreate {
            *application = Application { filters: false, ..application.clone() };
        }
        explore(&world, &menu)
    }
}

/// A failure, to be read.
pub fn told(failure: &(Violation, Vec<Action>)) -> String {
    let steps: Vec<String> = failure.1.iter().map(|action| format!("  {action:?}")).collect();
    format!("{}\n{}", failure.0.0, steps.join("\n"))
}

/// Explores a world and holds that nothing in it fails.
fn holds(small: Small) {
    let Explored { worlds, rests, failure } = small.explored(Rules::default());
    if let Some(failure) = failure {
        panic!("{small:?}: {}", told(&failure));
    }
    assert!(rests > 0, "{small:?} never comes to rest");
    println!("{small:?}: {worlds} worlds, {rests} at rest");
}

#[test]
fn three_changes_in_any_order_end_in_step() {
    holds(Small::Changes);
}

#[test]
fn calls_that_go_wrong_leave_nothing_behind() {
    for small in [Small::Faults, Small::Refused, Small::Quarantine] {
        holds(small);
    }
}

#[test]
fn nobody_is_created_twice() {
    holds(Small::Create);
    holds(Small::BlindCreate);
}

#[test]
fn a_frozen_worker_does_no_harm() {
    holds(Small::Freeze);
    holds(Small::FreezeName);
}

#[test]
fn a_dead_worker_and_a_doubled_hint_do_no_harm() {
    holds(Small::Crash);
}

#[test]
fn switching_the_target_loses_nothing() {
    for small in [Small::Switch, Small::SwitchFrozen, Small::SwitchFresh, Small::Workspace] {
        holds(small);
    }
    for small in [Small::FirstEnable, Small::FirstEnableInbound] {
        holds(small);
    }
}

#[test]
fn an_inbound_write_is_never_undone_by_an_old_read() {
    holds(Small::Inbound);
}
