//! Identity providers that change people and groups without end: each change carries a number that only grows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use testkit::eventually;

use super::crews::{Crew, Crews};
use super::world::World;
use crate::provider::Provider;

/// People of one tenant.
const MOST: usize = 14;
/// How many of the changes are about groups.
const GROUPS: f64 = 0.35;

/// Somebody as the identity provider last saw them accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub tenant: String,
    pub id: String,
    pub name: String,
    pub counter: u64,
    pub active: bool,
}

/// The family name that carries a counter.
pub(super) fn family(counter: u64) -> String {
    format!("v{counter:06}")
}

#[derive(Default)]
struct Shared {
    /// Changes that may still be begun; `None` at the end.
    allowed: Mutex<Option<usize>>,
    more: Condvar,
    done: AtomicUsize,
    making: AtomicBool,
}

/// Everybody and every group, as the identity providers left them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub people: Vec<Person>,
    pub crews: Vec<Crew>,
}

/// What the identity providers do, from the side of those who break things.
pub(super) struct Workload {
    shared: Arc<Shared>,
    writers: Vec<JoinHandle<Left>>,
}

impl Workload {
    /// One identity provider for each tenant.
    pub fn begin(world: &World, seed: u64) -> Self {
        let shared = Arc::new(Shared { allowed: Mutex::new(Some(0)), ..Shared::default() });
        let writers = world.providers().into_iter().zip(&world.tenants).zip(1..);
        let writers = writers.map(|((provider, tenant), number)| {
            let (shared, tenant) = (shared.clone(), tenant.slug.clone());
            let random = StdRng::seed_from_u64(seed.wrapping_add(number));
            std::thread::spawn(move || write(&shared, &provider, &tenant, random))
        });
        let writers = writers.collect();
        Self { shared, writers }
    }

    /// Whether new people are made, beside changes of those there are.
    pub fn make_people(&self, making: bool) {
        self.shared.making.store(making, Ordering::SeqCst);
    }

    /// Allows so many changes more and waits until they are accepted, tending the world meanwhile; says whether they were.
    pub fn goes_on(&self, changes: usize, mut tend: impl FnMut()) -> bool {
        let wanted = self.accepted() + changes;
        {
            let mut allowed = self.shared.allowed.lock().unwrap_or_else(PoisonError::into_inner);
            *allowed = allowed.map(|_| changes);
        }
        self.shared.more.notify_all();
        // A writer may still be at a change of before.
        let enough = wanted.saturating_sub(self.writers.len());
        let accepted = eventually(Duration::from_mins(2), || {
            tend();
            (self.accepted() >= enough).then_some(())
        });
        accepted.is_some()
    }

    pub fn accepted(&self) -> usize {
        self.shared.done.load(Ordering::SeqCst)
    }

    /// What is there once the last change is accepted.
    pub fn end(self) -> Left {
        *self.shared.allowed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.shared.more.notify_all();
        let mut left = Left::default();
        for writer in self.writers {
            let Left { people, crews } = writer.join().expect("every change is accepted in the end");
            left.people.extend(people);
            left.crews.extend(crews);
        }
        left
    }
}

impl Shared {
    /// Waits for a change to be allowed; `false` at the end.
    fn begin_one(&self) -> bool {
        let mut allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match *allowed {
                None => return false,
                Some(0) => allowed = self.more.wait(allowed).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    *allowed = Some(left - 1);
                    return true;
                }
            }
        }
    }
}

fn write(shared: &Shared, provider: &Provider, tenant: &str, mut random: StdRng) -> Left {
    let mut people: BTreeMap<usize, Person> = BTreeMap::new();
    let mut crews = Crews::new(tenant);
    while shared.begin_one() {
        let (number, making) = (people.len(), shared.making.load(Ordering::SeqCst));
        let make = number == 0 || (number < MOST && making && random.random_bool(0.3));
        if make {
            let name = format!("user-{number}@{tenant}.test");
            let (id, tenant) = (provider.create(&name), tenant.to_owned());
            people.insert(number, Person { tenant, id, name, counter: 0, active: true });
        } else if random.random_bool(GROUPS) {
            let ids: Vec<&str> = people.values().map(|person| person.id.as_str()).collect();
            crews.change(provider, &mut random, &ids, making);
        } else if let Some(person) = people.get_mut(&random.random_range(0..number)) {
            person.counter += 1;
            person.active = random.random_bool(0.7);
            let values = [("name.familyName", json!(family(person.counter))), ("active", json!(person.active))];
            provider.replace(&person.id, &values);
        }
        shared.done.fetch_add(1, Ordering::SeqCst);
    }
    Left { people: people.into_values().collect(), crews: crews.end() }
}
