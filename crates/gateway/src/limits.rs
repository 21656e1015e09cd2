//! How much one tenant may ask of one gateway process: a bucket of tokens per tenant, refilled at the tenant's rate; turns to be
//! worked on, and room for the bodies that wait for one.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use registry::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests per second where a tenant has no rate of its own: four times what Entra ID asks of an application at least.
const DEFAULT: NonZeroU32 = NonZeroU32::new(100).expect("more than none");
/// No tenant gets less: Entra ID gives an application up that takes less (its provisioning service's published floor).
const FLOOR: NonZeroU32 = NonZeroU32::new(25).expect("more than none");
/// How many seconds' worth may come at once.
const BURST: u32 = 10;
/// Buckets kept; beyond that all but those in use are dropped, and their tenants begin with a full one.
const KEPT: usize = 10_000;

type Bucket = Arc<DefaultDirectRateLimiter>;

/// Requests of one tenant that are worked on at once; more wait for their turn.
const AT_ONCE: usize = 64;
/// Bytes of one tenant's bodies that are held at once, those still arriving included: what has not come to its turn takes room
/// and nothing else.
const ROOM: usize = 64 << 20;
/// How long one waits for its turn before it is told to come again.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(crate) struct Limits {
    buckets: Mutex<HashMap<TenantId, (NonZeroU32, Bucket)>>,
    shares: Mutex<HashMap<TenantId, Share>>,
}

/// What one tenant may have under way.
#[derive(Clone)]
struct Share {
    turns: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

impl Share {
    fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), room: Arc::new(Semaphore::new(ROOM)) }
    }

    fn is_whole(&self) -> bool {
        // Whoever holds a part may not have taken anything of it yet.
        Arc::strong_count(&self.turns) == 1 && Arc::strong_count(&self.room) == 1
    }
}

/// Room for one body; what it took is given back with it.
pub(crate) struct Room {
    of: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Whether there is room for so many bytes more.
    pub fn take(&mut self, bytes: usize) -> bool {
        let more = u32::try_from(bytes).ok().and_then(|bytes| self.of.clone().try_acquire_many_owned(bytes).ok());
        match (more, &mut self.taken) {
            (None, _) => return false,
            (Some(more), Some(taken)) => taken.merge(more),
            (more, taken) => *taken = more,
        }
        true
    }
}

impl Limits {
    /// Waits until few enough requests of the tenant are under way; `None` where that takes too long.
    pub async fn turn(&self, tenant: TenantId) -> Option<OwnedSemaphorePermit> {
        let turns = self.share(tenant).turns;
        tokio::time::timeout(PATIENCE, turns.acquire_owned()).await.ok()?.ok()
    }

    /// Room for a body of the tenant's.
    pub fn room(&self, tenant: TenantId) -> Room {
        Room { of: self.share(tenant).room, taken: None }
    }

    fn share(&self, tenant: TenantId) -> Share {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.len() >= KEPT {
            shares.retain(|_, share| !share.is_whole());
        }
        shares.entry(tenant).or_insert_with(Share::new).clone()
    }

    /// Takes one token; where there is none, in how many whole seconds there will be one.
    pub fn take(&self, tenant: TenantId, rate: Option<i64>) -> Result<(), u32> {
        let rate = rate.and_then(|rate| u32::try_from(rate).ok()).and_then(NonZeroU32::new).unwrap_or(DEFAULT);
        let bucket = self.bucket(tenant, rate.max(FLOOR));
        bucket.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
        })
    }

    fn bucket(&self, tenant: TenantId, rate: NonZeroU32) -> Bucket {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bucket)) = buckets.get(&tenant).filter(|(held, _)| *held == rate) {
            return bucket.clone();
        }
        if buckets.len() >= KEPT {
            buckets.retain(|_, (_, bucket)| Arc::strong_count(bucket) > 1);
        }
        let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST - 1));
        let bucket: Bucket = Arc::new(RateLimiter::direct(Quota::per_second(rate).allow_burst(burst)));
        buckets.insert(tenant, (rate, bucket.clone()));
        bucket
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn taken(limits: &Limits, tenant: TenantId, rate: Option<i64>) -> usize {
        (0..20_000).take_while(|_| limits.take(tenant, rate).is_ok()).count()
    }

    #[test]
    fn a_tenant_gets_its_burst_and_then_its_rate_and_no_other_tenant_pays_for_it() {
        let limits = Limits::default();
        let (one, other) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        assert!((1_000..1_200).contains(&taken(&limits, one, None)));
        assert_eq!(limits.take(one, None), Err(1));
        assert!((2_000..2_400).contains(&taken(&limits, other, Some(200))));
    }

    #[test]
    fn a_tenants_bodies_take_room_until_they_are_done_and_no_other_tenants() {
        let limits = Limits::default();
        let (one, other) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let (mut first, mut second) = (limits.room(one), limits.room(one));
        assert!(first.take(ROOM - 10) && first.take(4) && second.take(6) && !second.take(1));
        assert!(limits.room(other).take(ROOM));
        drop(first);
        assert!(second.take(ROOM - 6) && !second.take(1));
    }

    #[test]
    fn no_rate_is_under_the_floor_and_a_new_rate_counts_at_once() {
        let limits = Limits::default();
        let tenant = TenantId(Uuid::from_u128(1));
        assert!((250..300).contains(&taken(&limits, tenant, Some(1))));
        assert!(limits.take(tenant, Some(50)).is_ok());
    }
}
