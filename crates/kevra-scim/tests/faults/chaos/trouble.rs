//! Every kind of fault, dealt from a shuffled deck: all kinds come in a short run already.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use testkit::eventually;
use testkit::network::{Canned, Fault};

use super::world::World;

/// A fault of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    KillDispatcher,
    FreezeDispatcher,
    FreezeDispatcherPastItsLease,
    KillGateway,
    KillDatabase,
    RestartDatabase,
    FreezeDatabase,
    KillBroker,
    WipeBroker,
    FreezeBroker,
}

#[derive(Clone, Copy)]
enum Card {
    Part(Kind),
    Network(Fault, Option<&'static str>),
}

const CARDS: [(usize, Card); 28] = [
    (3, Card::Part(Kind::KillDispatcher)),
    (2, Card::Part(Kind::FreezeDispatcher)),
    (1, Card::Part(Kind::FreezeDispatcherPastItsLease)),
    (2, Card::Part(Kind::KillGateway)),
    (2, Card::Part(Kind::KillDatabase)),
    (1, Card::Part(Kind::RestartDatabase)),
    (1, Card::Part(Kind::FreezeDatabase)),
    (1, Card::Part(Kind::KillBroker)),
    (1, Card::Part(Kind::WipeBroker)),
    (1, Card::Part(Kind::FreezeBroker)),
    (1, Card::Network(Fault::Reset, None)),
    (1, Card::Network(Fault::Reset, Some("PATCH"))),
    (2, Card::Network(Fault::LoseReply, Some("POST"))),
    (2, Card::Network(Fault::LoseReply, Some("PATCH"))),
    (1, Card::Network(Fault::LoseReply, Some("PUT"))),
    (1, Card::Network(Fault::CutReply, None)),
    (1, Card::Network(Fault::Drip, None)),
    (1, Card::Network(Fault::Stall, None)),
    (1, Card::Network(Fault::Slow, None)),
    (2, Card::Network(Fault::Late, Some("PATCH"))),
    (1, Card::Network(Fault::Answer(Canned::Error(500)), None)),
    (2, Card::Network(Fault::WorkThenAnswer(Canned::Error(502)), None)),
    (2, Card::Network(Fault::WorkThenAnswer(Canned::Empty(201)), Some("POST"))),
    (1, Card::Network(Fault::Answer(Canned::TooMany(1)), None)),
    (1, Card::Network(Fault::Answer(Canned::BusyUntil(2)), None)),
    (1, Card::Network(Fault::Answer(Canned::Page(200)), None)),
    (1, Card::Network(Fault::Answer(Canned::Page(404)), None)),
    (1, Card::Network(Fault::WorkThenAnswer(Canned::Page(200)), None)),
];

/// Plans that may wait before one downstream: its breaker may be open.
const WAITING: usize = 3;

pub(super) struct Deck {
    random: StdRng,
    left: Vec<Card>,
}

impl Deck {
    pub fn new(random: StdRng) -> Self {
        Self { random, left: Vec::new() }
    }

    /// Does the next thing; its kind where it is one of the parts'. What is done to the network counts when it is met.
    pub fn next(&mut self, world: &mut World) -> Option<Kind> {
        if self.left.is_empty() {
            self.left = CARDS.iter().flat_map(|(times, card)| std::iter::repeat_n(*card, *times)).collect();
            self.left.shuffle(&mut self.random);
        }
        match self.left.pop()? {
            Card::Part(kind) => self.break_part(world, kind).then_some(kind),
            Card::Network(fault, method) => {
                let times = self.random.random_range(1..=2);
                let free: Vec<_> = world.tenants.iter().filter(|tenant| tenant.network.waiting() < WAITING).collect();
                if let Some(tenant) = free.choose(&mut self.random) {
                    tenant.network.next(fault, method, times);
                }
                None
            }
        }
    }

    /// Says whether it happened: a broker that is just starting is left alone.
    fn break_part(&mut self, world: &mut World, kind: Kind) -> bool {
        let number = self.random.random_range(0..world.dispatchers.len());
        let moment = Duration::from_millis(self.random.random_range(500..2_500));
        match kind {
            Kind::KillDispatcher => world.kill_dispatcher(number),
            Kind::FreezeDispatcher => world.freeze_dispatcher(number, moment),
            Kind::FreezeDispatcherPastItsLease => world.freeze_dispatcher(number, Duration::from_secs(17)),
            Kind::KillGateway => {
                world.gateway.process.kill();
                world.gateway.restart_unready();
            }
            Kind::KillDatabase => world.postgres.kill_and_restart(),
            Kind::RestartDatabase => world.postgres.restart(),
            Kind::FreezeDatabase => {
                world.postgres.freeze();
                last(moment);
                world.postgres.thaw();
            }
            Kind::KillBroker | Kind::WipeBroker | Kind::FreezeBroker if !world.broker.answers() => return false,
            Kind::KillBroker => world.broker.kill_and_restart(),
            Kind::WipeBroker => world.broker.wipe_and_restart(),
            Kind::FreezeBroker => {
                world.broker.freeze();
                last(moment);
                world.broker.thaw();
            }
        }
        true
    }
}

/// For as long as a fault lasts.
fn last(time: Duration) {
    let _: Option<()> = eventually(time, || None);
}
