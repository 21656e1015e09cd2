//! The breaker of one target: when too many calls fail, nothing is sent but one probe now and then. Pure; times are
//! counted from any fixed moment.

use std::time::Duration;

/// How long a call counts.
const WINDOW: Duration = Duration::from_mins(5);
const BUCKETS: usize = 10;
/// Seconds of one bucket.
const PERIOD: u64 = WINDOW.as_secs() / 10;
/// So many calls say something.
const ENOUGH: u32 = 10;
/// So many failures in a row, and nothing but failures in the window, say it sooner.
const IN_A_ROW: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Short enough that a target that is back is noticed within a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Duration, wait: Duration },
    HalfOpen { wait: Duration, probing: bool },
}

/// How the breaker moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Not at all.
    No,
    /// Nothing is sent for so long.
    Opened(Duration),
    /// The target answers again.
    Closed,
}

/// A breaker.
#[derive(Debug, Clone)]
pub struct Breaker {
    state: State,
    /// Period, good calls, failed calls.
    buckets: [(u64, u32, u32); BUCKETS],
    in_a_row: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed, buckets: [(0, 0, 0); BUCKETS], in_a_row: 0 }
    }
}

impl Breaker {
    /// Whether a call may begin now.
    pub fn admits(&self, now: Duration) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until, .. } => now >= until,
            State::HalfOpen { probing, .. } => !probing,
        }
    }

    /// A call begins; says whether it is the probe that decides.
    pub fn began(&mut self, now: Duration) -> bool {
        match self.state {
            State::Open { wait, until } if now >= until => {
                self.state = State::HalfOpen { wait, probing: true };
                true
            }
            State::Closed | State::Open { .. } => false,
            State::HalfOpen { wait, .. } => {
                self.state = State::HalfOpen { wait, probing: true };
                true
            }
        }
    }

    /// A call ended: well, badly, or without saying anything about the target.
    pub fn ended(&mut self, good: Option<bool>, now: Duration) -> Moved {
        if let State::HalfOpen { wait, .. } = self.state {
            return match good {
                None => {
                    self.state = State::HalfOpen { wait, probing: false };
                    Moved::No
                }
                Some(true) => {
                    *self = Self::default();
                    Moved::Closed
                }
                Some(false) => self.open((wait * 2).min(LONGEST_WAIT), now),
            };
        }
        let Some(good) = good else { return Moved::No };
        let period = now.as_secs() / PERIOD;
        let bucket = &mut self.buckets[usize::try_from(period).unwrap_or(0) % BUCKETS];
        if bucket.0 != period {
            *bucket = (period, 0, 0);
        }
        if good {
            bucket.1 += 1;
            self.in_a_row = 0;
        } else {
            bucket.2 += 1;
            self.in_a_row += 1;
        }
        let recent = self.buckets.iter().filter(|bucket| period.saturating_sub(bucket.0) < 10);
        let (well, badly) = recent.fold((0, 0), |(well, badly), bucket| (well + bucket.1, badly + bucket.2));
        let many = well + badly >= ENOUGH && badly * 10 >= (well + badly) * 7;
        let only = well == 0 && self.in_a_row >= IN_A_ROW;
        if !good && self.state == State::Closed && (many || only) {
            return self.open(FIRST_WAIT, now);
        }
        Moved::No
    }

    fn open(&mut self, wait: Duration, now: Duration) -> Moved {
        self.state = State::Open { until: now + wait, wait };
        Moved::Opened(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn after(calls: &str) -> Breaker {
        let mut breaker = Breaker::default();
        for (second, call) in calls.chars().enumerate() {
            breaker.ended(Some(call == '+'), at(second as u64));
        }
        breaker
    }

    #[test]
    fn it_opens_when_most_calls_fail() {
        for (calls, open) in [
            ("", false),
            ("----", false),
            ("-----", true),
            ("+--------", false),
            ("+---------", true),
            ("+++-------", true),
            ("++++------", false),
            ("-+-+-+-+-+-+-", false),
            ("++++++++++", false),
        ] {
            assert_eq!(
                !after(calls).admits(at(20)) || matches!(after(calls).state, State::Open { .. }),
                open,
                "{calls}"
            );
        }
    }

    #[test]
    fn what_is_long_ago_does_not_count() {
        let mut breaker = after("+---");
        for second in 400..406 {
            assert_eq!(breaker.ended(Some(true), at(second)), Moved::No);
        }
        for second in 406..410 {
            assert_eq!(breaker.ended(Some(false), at(second)), Moved::No, "4 of 10");
        }
    }

    #[test]
    fn one_probe_decides_and_failures_wait_longer_each_time() {
        let mut breaker = after("----");
        let mut now = at(10);
        assert_eq!(breaker.ended(Some(false), now), Moved::Opened(at(5)));
        for wait in [10, 20, 30, 30] {
            assert!(!breaker.admits(now + at(4)));
            now += LONGEST_WAIT;
            assert!(breaker.admits(now) && breaker.began(now));
            assert!(!breaker.admits(now), "one probe at a time");
            assert_eq!(breaker.ended(Some(false), now), Moved::Opened(at(wait)));
        }
        now += LONGEST_WAIT;
        assert!(breaker.began(now));
        assert_eq!(breaker.ended(None, now), Moved::No);
        assert!(breaker.admits(now), "a probe that said nothing is followed by another");
        assert!(breaker.began(now));
        assert_eq!(breaker.ended(Some(true), now), Moved::Closed);
        assert!(breaker.admits(now) && !breaker.began(now));
    }
}
