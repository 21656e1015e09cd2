//! Everything goes wrong on real parts: PostgreSQL and RabbitMQ are killed, frozen and wiped, dispatchers and the gateway
//! killed and frozen, and the network before every downstream loses, cuts, delays and replaces what passes. Afterwards
//! nothing is lost, nobody is there twice, and no counter has gone back.
//!
//! `KEVRA_TEST_CHAOS_FAULTS` says how many faults (60), `KEVRA_TEST_CHAOS_SEED` repeats a run's choices; `just chaos` takes both.

mod crews;
mod trouble;
mod verdict;
mod workload;
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use testkit::{eventually, servers};

use trouble::{Deck, Kind};
use workload::Workload;
use world::World;

/// Changes that are made between two faults.
const BETWEEN: usize = 12;

#[test]
fn nothing_is_lost_doubled_or_turned_back_while_everything_fails() {
    let seed: u64 = servers::wish("KEVRA_TEST_CHAOS_SEED").unwrap_or_else(rand::random);
    let wanted: usize = servers::wish("KEVRA_TEST_CHAOS_FAULTS").unwrap_or(60);
    eprintln!("seed {seed}, {wanted} faults");
    let mut world = World::new();
    let mut deck = Deck::new(StdRng::seed_from_u64(seed));
    let workload = Workload::begin(&world, seed);
    let begun = Instant::now();
    let mut felt: BTreeMap<Kind, usize> = BTreeMap::new();
    let patience = Duration::from_secs(60 + 6 * wanted as u64);
    while felt.values().sum::<usize>() + world.hits() < wanted {
        assert!(begun.elapsed() < patience, "seed {seed}: {felt:?} and {} on the network", world.hits());
        // Who is made late is looked up for a minute after a lost create; so they come early.
        workload.make_people(felt.values().sum::<usize>() + world.hits() < wanted / 2);
        if let Some(kind) = deck.next(&mut world) {
            *felt.entry(kind).or_default() += 1;
        }
        let goes_on = workload.goes_on(BETWEEN, || world.tend());
        assert!(goes_on, "seed {seed}: changes are no longer accepted: {felt:?}\n{}", world.state());
    }
    world.heal();
    let healed = Instant::now();
    let faults = felt.values().sum::<usize>() + world.hits();
    let kinds = felt.len() + world.kinds_of_hits().len();
    let changes = workload.accepted();
    let left = workload.end();
    let wrong = || verdict::judge(&world.seen(), &left);
    let right = eventually(Duration::from_mins(3), || wrong().is_empty().then_some(()));
    assert!(right.is_some(), "seed {seed}: {:#?}\n{}", wrong(), world.state());
    let converged = healed.elapsed();
    // And it stays so: nothing late is on its way.
    let rests = eventually(Duration::from_mins(2), || world.rests().then_some(()));
    assert!(rests.is_some(), "seed {seed}: the ledger does not come to rest\n{}", world.state());
    assert_eq!(wrong(), Vec::<String>::new(), "seed {seed}");
    assert!(kinds >= 10.min(wanted / 3), "seed {seed}: only {kinds} kinds of fault");
    eprintln!(
        "seed {seed}: {faults} faults of {kinds} kinds in {} s, {changes} changes of {} people and {} groups, all there {} s \
         after the last; {felt:?}, network {:?}, crashes {}",
        begun.elapsed().as_secs(),
        left.people.len(),
        left.crews.len(),
        converged.as_secs(),
        world.kinds_of_hits(),
        world.crashes(),
    );
}
