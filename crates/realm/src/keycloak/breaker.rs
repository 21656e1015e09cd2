//! Breakers: a realm that does not answer is asked by one call now and then instead of by all, so that nobody waits for it.
//! Where realm after realm of a server went silent, each of the others is asked by one call first: a server that is down
//! costs each of them one wait, and a realm that is well is never kept by those that are not. Whatever is an answer counts
//! as one, errors and refusals too: only silence costs time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Calls of a realm in a row that went without an answer.
const CALLS: u32 = 5;
/// Realms of a server in a row that went silent.
const REALMS: u32 = 2;
/// For how long an answer speaks for a realm whose server is suspected.
const OF_LATE: Duration = Duration::from_mins(1);
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Short enough that a Keycloak that is back is noticed before an identity provider asks again.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { silent: u32 },
    Open { until: Instant, wait: Duration },
    Probing { wait: Duration },
}

/// Whether a call may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    No,
    Yes,
    /// It decides for all others.
    Probe,
}

#[derive(Debug)]
struct Breaker {
    enough: u32,
    state: State,
    answered_at: Option<Instant>,
}

impl Breaker {
    fn new(enough: u32) -> Self {
        Self { enough, state: State::Closed { silent: 0 }, answered_at: None }
    }

    fn admits(&self, now: Instant) -> Admission {
        match self.state {
            State::Closed { .. } => Admission::Yes,
            State::Open { until, .. } if now >= until => Admission::Probe,
            State::Open { .. } | State::Probing { .. } => Admission::No,
        }
    }

    fn probe(&mut self) {
        if let State::Open { wait, .. } = self.state {
            self.state = State::Probing { wait };
        }
    }

    /// An answer came, of whichever call; says whether that is news.
    fn answered(&mut self, now: Instant) -> bool {
        self.answered_at = Some(now);
        let news = !matches!(self.state, State::Closed { .. });
        self.state = State::Closed { silent: 0 };
        news
    }

    /// No answer came; says whether it opens with that.
    fn silent(&mut self, probe: bool, now: Instant) -> bool {
        let open = |wait| State::Open { until: now + wait, wait };
        match self.state {
            State::Closed { silent } if silent + 1 >= self.enough => self.state = open(FIRST_WAIT),
            State::Closed { silent } => self.state = State::Closed { silent: silent + 1 },
            State::Probing { wait } if probe => self.state = open((wait * 2).min(LONGEST_WAIT)),
            // Calls that began before it opened say nothing new.
            State::Probing { .. } | State::Open { .. } => return false,
        }
        matches!(self.state, State::Open { .. })
    }

    /// The next call is a probe, unless the realm is silent already, or answered of late.
    fn suspect(&mut self, now: Instant) {
        let of_late = self.answered_at.is_some_and(|at| now.saturating_duration_since(at) < OF_LATE);
        let well = matches!(self.state, State::Closed { silent: 0 }) && of_late;
        if matches!(self.state, State::Closed { .. }) && !well {
            self.state = State::Open { until: now, wait: FIRST_WAIT };
        }
    }

    /// A probe ended without a word on the matter: the next call is one.
    fn given_up(&mut self, now: Instant) {
        if let State::Probing { wait } = self.state {
            self.state = State::Open { until: now, wait };
        }
    }
}

fn locked(breaker: &Mutex<Breaker>) -> MutexGuard<'_, Breaker> {
    breaker.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The Keycloak servers of a process.
#[derive(Default)]
pub struct Servers(Mutex<HashMap<String, Server>>);

impl Servers {
    /// The server at a base URL, shared by all its realms.
    pub fn at(&self, base_url: &str) -> Server {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        servers.entry(base_url.to_owned()).or_default().clone()
    }
}

/// What is known of one Keycloak server: how many of its realms went silent since one answered.
#[derive(Clone, Default)]
pub struct Server(Arc<AtomicU32>);

impl Server {
    fn is_suspect(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= REALMS
    }

    fn silent(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Says whether that is news.
    fn answered(&self) -> bool {
        self.0.swap(0, Ordering::Relaxed) >= REALMS
    }
}

/// The gate before one realm.
pub(super) struct Gate {
    server: Server,
    name: String,
    realm: Mutex<Breaker>,
}

impl Gate {
    /// `name` is the realm's, for the log.
    pub fn new(server: Server, name: &str) -> Self {
        Self { server, name: name.to_owned(), realm: Mutex::new(Breaker::new(CALLS)) }
    }

    /// Lets a call through; `None` while the realm is silent. Of a server whose realms went silent, each realm is asked by
    /// one call at a time until one answers: nobody waits for a server that is down, and a realm that is well shows it.
    pub fn pass(&self) -> Option<Pass<'_>> {
        let (now, mut realm) = (Instant::now(), locked(&self.realm));
        if self.server.is_suspect() {
            realm.suspect(now);
        }
        let probes = match realm.admits(now) {
            Admission::No => return None,
            Admission::Yes => false,
            Admission::Probe => {
                realm.probe();
                true
            }
        };
        Some(Pass { gate: self, probes, ended: false })
    }
}

/// A call under way.
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    probes: bool,
    ended: bool,
}

impl Pass<'_> {
    /// It was answered, or not.
    pub fn end(mut self, answered: bool) {
        self.ended = true;
        let (now, mut realm) = (Instant::now(), locked(&self.gate.realm));
        if answered {
            let news = realm.answered(now);
            if self.gate.server.answered() || news {
                tracing::info!(name = "realm.back", realm = self.gate.name, "a realm answers again");
            }
            return;
        }
        if realm.silent(self.probes, now) {
            // A realm that was silent before says nothing new of its server.
            if !self.probes {
                self.gate.server.silent();
            }
            let realm = &self.gate.name;
            tracing::warn!(
                name = "realm.silent",
                realm,
                "a realm does not answer; it is asked by one call now and then"
            );
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.ended && self.probes {
            locked(&self.gate.realm).given_up(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn silent(gate: &Gate, calls: u32) {
        for call in 0..calls {
            gate.pass().unwrap_or_else(|| panic!("call {call} may begin")).end(false);
        }
    }

    #[test]
    fn five_calls_without_an_answer_close_a_realm_and_answers_between_them_do_not() {
        let gate = Gate::new(Server::default(), "acme");
        for _ in 0..3 {
            silent(&gate, CALLS - 1);
            gate.pass().unwrap().end(true);
        }
        silent(&gate, CALLS);
        assert!(gate.pass().is_none());
    }

    #[test]
    fn one_probe_at_a_time_decides_and_waits_grow_up_to_a_bound() {
        let mut breaker = Breaker::new(1);
        let mut now = Instant::now();
        assert!(breaker.silent(false, now));
        for wait in [1, 2, 4, 8, 8] {
            assert_eq!(breaker.admits(now + SECOND * (wait - 1)), Admission::No);
            now += SECOND * wait;
            assert_eq!(breaker.admits(now), Admission::Probe);
            breaker.probe();
            assert_eq!(breaker.admits(now), Admission::No, "one at a time");
            assert!(!breaker.silent(false, now), "what began before says nothing new");
            assert!(breaker.silent(true, now));
        }
        now += LONGEST_WAIT;
        breaker.probe();
        breaker.given_up(now);
        assert_eq!(breaker.admits(now), Admission::Probe, "a probe that said nothing is followed by another");
        assert!(breaker.answered(now));
        assert_eq!((breaker.admits(now), breaker.answered(now)), (Admission::Yes, false));
    }

    #[test]
    fn after_two_silent_realms_each_other_one_of_their_server_is_asked_by_one_call() {
        let server = Server::default();
        let [first, second, third, fourth] = [0; 4].map(|_| Gate::new(server.clone(), "acme"));
        let elsewhere = Gate::new(Server::default(), "acme");
        silent(&first, CALLS);
        let calls = [second.pass(), second.pass()];
        assert!(first.pass().is_none() && calls.iter().all(Option::is_some), "one says nothing about the others");
        drop(calls);
        silent(&second, CALLS);
        let of_third = third.pass().unwrap();
        assert!(third.pass().is_none() && fourth.pass().is_some(), "one call each");
        of_third.end(false);
        assert!(third.pass().is_none(), "and no other one has to wait to find out");
        assert!([elsewhere.pass(), elsewhere.pass()].iter().all(Option::is_some));
    }

    #[test]
    fn a_realm_that_is_well_is_kept_by_no_number_of_silent_ones_and_clears_its_server() {
        let server = Server::default();
        let well = Gate::new(server.clone(), "well");
        well.pass().unwrap().end(true);
        let ill: Vec<Gate> = (0..50).map(|_| Gate::new(server.clone(), "ill")).collect();
        for one in &ill {
            while let Some(pass) = one.pass() {
                pass.end(false);
            }
            let both = [well.pass(), well.pass()];
            assert!(both.iter().all(Option::is_some), "it answered of late, whatever the others do");
            for pass in both.into_iter().flatten() {
                pass.end(true);
            }
        }
        assert!(ill.iter().all(|one| one.pass().is_none()), "the silent ones are judged by themselves");
    }

    #[test]
    fn a_call_that_is_given_up_leaves_its_probe_to_the_next() {
        let gate = Gate::new(Server::default(), "acme");
        silent(&gate, CALLS);
        locked(&gate.realm).state = State::Open { until: Instant::now(), wait: SECOND };
        let probe = gate.pass().unwrap();
        assert!(gate.pass().is_none());
        drop(probe);
        gate.pass().unwrap().end(true);
        assert!(gate.pass().is_some());
    }
}
