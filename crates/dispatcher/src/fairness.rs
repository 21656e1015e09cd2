//! Who may start now, and in which order (P7, P8). Pure: no clock, no IO; times are counted from any fixed moment.
//!
//! Each target has a cap of its own that grows with success and falls with failure and slowness, a pace that halves when the target asks
//! for less, and a breaker. A fifth of everything is for deactivations alone. What is refused here holds nothing: its row
//! stays in the ledger.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use directory::ledger::Due;
use directory::ledger::protocol::URGENT;
use registry::TenantId;

use crate::breaker::{Breaker, Moved};

/// One in so many places, of the process and of a target, is for deactivations alone.
const RESERVE: usize = 5;
/// Calls a second to one target at which it counts as one that never complained, and the fewest to one that does.
const FASTEST: f64 = 200.0;
const SLOWEST: f64 = 0.5;
/// What a tenant is given each time round, in milliseconds of work.
const QUANTUM: u64 = 50;
/// What a start costs at least and at most.
const COST: std::ops::RangeInclusive<u64> = 5..=1_000;
/// So many failures in a row make the next success a recovery.
const FAILING: u32 = 3;

/// What a round says about its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answered.
    Good,
    /// It answered, and took its time.
    Slow,
    /// It did not, or not as it should.
    Bad,
    /// It asked for less.
    Throttled,
    /// Nothing.
    Unknown,
}

/// A granted start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// A deactivation.
    pub urgent: bool,
    /// The probe of a breaker that is half open.
    pub probe: bool,
}

/// What follows from the end of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// Send nothing to the target for so long.
    pub pause: Option<Duration>,
    /// The target is back: what backed off because of it is due.
    pub recovered: bool,
}

#[derive(Debug)]
struct Share {
    cap: usize,
    running: usize,
    normal: usize,
    failures: u32,
    /// Calls a second, and when the next may start.
    pace: f64,
    next_start: Duration,
    /// What a round costs, milliseconds, smoothed; and what this tenant may still spend.
    cost: u64,
    deficit: u64,
    breaker: Breaker,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            cap: 1,
            running: 0,
            normal: 0,
            failures: 0,
            pace: FASTEST,
            next_start: Duration::ZERO,
            cost: *COST.start(),
            deficit: 0,
            breaker: Breaker::default(),
        }
    }
}

impl Share {
    fn admits(&self, urgent: bool, now: Duration) -> bool {
        let room = if urgent {
            self.running < self.cap + self.cap.div_ceil(RESERVE)
        } else {
            // Who never complained is held to its places alone: a backlog is tried many at a time.
            self.normal < self.cap && (self.pace >= FASTEST || now >= self.next_start)
        };
        room && self.breaker.admits(now)
    }

    /// Says nothing that a fresh one would not say.
    fn is_idle(&self) -> bool {
        self.running == 0 && self.failures == 0 && self.pace >= FASTEST
    }
}

/// All targets of a process.
#[derive(Debug)]
pub struct Fairness {
    /// Rounds at once in this process.
    process: usize,
    /// Rounds at once to one target.
    most: usize,
    running: usize,
    normal: usize,
    shares: HashMap<TenantId, Share>,
}

impl Fairness {
    /// With so many places in the process, and at most so many of them for one target.
    pub fn new(process: usize, most: usize) -> Self {
        Self { process: process.max(2), most: most.max(1), running: 0, normal: 0, shares: HashMap::new() }
    }

    /// Gives a place, or none now.
    pub fn admit(&mut self, tenant: TenantId, urgent: bool, now: Duration) -> Option<Place> {
        let for_normal = self.process - self.process.div_ceil(RESERVE);
        if self.running >= self.process || (!urgent && self.normal >= for_normal) {
            return None;
        }
        let share = self.shares.entry(tenant).or_default();
        if !share.admits(urgent, now) {
            return None;
        }
        self.running += 1;
        share.running += 1;
        if !urgent {
            self.normal += 1;
            share.normal += 1;
            share.next_start = now + Duration::from_secs_f64(1.0 / share.pace);
        }
        Some(Place { urgent, probe: share.breaker.began(now) })
    }

    /// Takes a place back, with what its round says about the target.
    pub fn ended(&mut self, tenant: TenantId, place: Place, health: Health, took: Duration, now: Duration) -> After {
        self.running = self.running.saturating_sub(1);
        self.normal = self.normal.saturating_sub(usize::from(!place.urgent));
        let Some(share) = self.shares.get_mut(&tenant) else { return After { pause: None, recovered: false } };
        share.running = share.running.saturating_sub(1);
        share.normal = share.normal.saturating_sub(usize::from(!place.urgent));
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).clamp(*COST.start(), *COST.end());
        share.cost = (share.cost * 3 + took) / 4;
        let was_failing = share.failures >= FAILING;
        let good = match health {
            Health::Good => {
                share.failures = 0;
                share.cap = (share.cap + 1).min(self.most);
                share.pace = (share.pace + 1.0).min(FASTEST);
                Some(true)
            }
            // It works, one at a time: of what all targets share it must hold no more than that for long.
            Health::Slow => {
                share.failures = 0;
                share.cap = (share.cap / 2).max(1);
                Some(true)
            }
            Health::Bad => {
                share.failures = share.failures.saturating_add(1);
                share.cap = 1;
                Some(false)
            }
            Health::Throttled => {
                share.cap = (share.cap / 2).max(1);
                share.pace = if share.pace >= FASTEST { 10.0 } else { (share.pace / 2.0).max(SLOWEST) };
                None
            }
            Health::Unknown => None,
        };
        let moved = share.breaker.ended(good, now);
        if self.shares.len() > 1_000 {
            self.shares.retain(|_, share| !share.is_idle());
        }
        let pause = if let Moved::Opened(wait) = moved { Some(wait) } else { None };
        After { pause, recovered: moved == Moved::Closed || (was_failing && good == Some(true)) }
    }

    /// Tenants that would get no place now, whatever they ask for.
    pub fn full(&self, now: Duration) -> Vec<TenantId> {
        let full = self.shares.iter().filter(|(_, share)| !share.admits(true, now) && !share.admits(false, now));
        full.map(|(tenant, _)| *tenant).collect()
    }

    /// In how long the first of those that wait for their pace alone may start again.
    pub fn opens_in(&self, now: Duration) -> Option<Duration> {
        let paced = self.shares.values().filter(|share| share.normal < share.cap && share.pace < FASTEST);
        paced.filter_map(|share| share.next_start.checked_sub(now)).filter(|rest| !rest.is_zero()).min()
    }

    /// The order in which due rows are tried: deactivations first, one of each tenant in turn; then deficit round robin,
    /// so that a tenant whose rounds take long starts as many fewer of them.
    pub fn turns(&mut self, rows: Vec<Due>) -> Vec<Due> {
        let (urgent, normal): (Vec<Due>, Vec<Due>) = rows.into_iter().partition(|row| row.lane == URGENT);
        let mut ordered = Vec::with_capacity(urgent.len() + normal.len());
        let mut queues = queues(urgent);
        while !queues.is_empty() {
            for queue in queues.values_mut() {
                ordered.extend(queue.pop_front());
            }
            queues.retain(|_, queue| !queue.is_empty());
        }
        let mut queues = self::queues(normal);
        while !queues.is_empty() {
            for (tenant, queue) in &mut queues {
                let share = self.shares.entry(TenantId(*tenant)).or_default();
                share.deficit += QUANTUM;
                while share.deficit >= share.cost {
                    let Some(row) = queue.pop_front() else { break };
                    share.deficit -= share.cost;
                    ordered.push(row);
                }
                if queue.is_empty() {
                    share.deficit = 0;
                }
            }
            queues.retain(|_, queue| !queue.is_empty());
        }
        ordered
    }
}

fn queues(rows: Vec<Due>) -> BTreeMap<uuid::Uuid, VecDeque<Due>> {
    let mut queues: BTreeMap<uuid::Uuid, VecDeque<Due>> = BTreeMap::new();
    for row in rows {
        queues.entry(row.tenant_id.0).or_default().push_back(row);
    }
    queues
}

#[cfg(test)]
#[path = "fairness_tests.rs"]
mod tests;
