//! How long a lease still lasts, as its holder may count it (K20): from before the claim was sent, because the database
//! counts from when it arrived, and on a clock that goes on while the machine sleeps.

use std::time::Duration;

/// A lease as its holder sees it.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    asked: Duration,
    lasts: Duration,
}

impl Lease {
    /// To be made before the claim or renewal is sent; `lasts` in microseconds.
    pub fn asked(lasts: i64) -> Self {
        Self { asked: boot_time(), lasts: Duration::from_micros(lasts.unsigned_abs()) }
    }

    /// Whether a call that may take so long ends within it.
    pub fn covers(&self, call: Duration) -> bool {
        boot_time().saturating_sub(self.asked) + call <= self.lasts
    }
}

fn boot_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::from_secs(now.tv_sec.unsigned_abs()) + Duration::from_nanos(now.tv_nsec.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_covers_what_ends_within_it() {
        let lease = Lease::asked(15_000_000);
        assert!(lease.covers(Duration::from_secs(10)));
        assert!(!lease.covers(Duration::from_secs(16)));
    }
}
