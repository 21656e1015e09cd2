//! Breakers: a Keycloak that does not answer is asked by one call now and then instead of by all, so that nobody waits for
//! it. One per realm, and one per server, which opens when realm after realm of it went silent. Whatever is an answer
//! counts as one, errors and refusals too: only silence costs time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Calls of a realm in a row that went without an answer.
const CALLS: u32 = 5;
/// Realms of a server in a row that went silent.
const REALMS: u32 = 2;
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
}

impl Breaker {
    fn new(enough: u32) -> Self {
        Self { enough, state: State::Closed { silent: 0 } }
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
    fn answered(&mut self) -> bool {
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

/// What is known of one Keycloak server.
#[derive(Clone)]
pub struct Server(Arc<Mutex<Breaker>>);

impl Default for Server {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Breaker::new(REALMS))))
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

    /// Lets a call through; `None` while realm or server are silent.
    pub fn pass(&self) -> Option<Pass<'_>> {
        let now = Instant::now();
        // Order: realm before server, here and below.
        let (mut realm, mut server) = (locked(&self.realm), locked(&self.server.0));
        let (of_realm, of_server) = (realm.admits(now), server.admits(now));
        if of_realm == Admission::No || of_server == Admission::No {
            return None;
        }
        let (probes_realm, probes_server) = (of_realm == Admission::Probe, of_server == Admission::Probe);
        if probes_realm {
            realm.probe();
        }
        if probes_server {
            server.probe();
        }
        Some(Pass { gate: self, probes_realm, probes_server, ended: false })
    }
}

/// A call under way.
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    probes_realm: bool,
    probes_server: bool,
    ended: bool,
}

impl Pass<'_> {
    /// It was answered, or not.
    pub fn end(mut self, answered: bool) {
        self.ended = true;
        let now = Instant::now();
        let (mut realm, mut server) = (locked(&self.gate.realm), locked(&self.gate.server.0));
        if answered {
            let news = realm.answered();
            if server.answered() || news {
                tracing::info!(name = "realm.back", realm = self.gate.name, "a realm answers again");
            }
            return;
        }
        let opened = realm.silent(self.probes_realm, now);
        // The server is judged by realms, except by the call that probes it.
        if (opened && !self.probes_realm) || self.probes_server {
            server.silent(self.probes_server, now);
        }
        if opened {
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
        if self.ended {
            return;
        }
        let (now, mut realm) = (Instant::now(), locked(&self.gate.realm));
        if self.probes_realm {
            realm.given_up(now);
        }
        if self.probes_server {
            locked(&self.gate.server.0).given_up(now);
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
        assert!(breaker.answered());
        assert_eq!((breaker.admits(now), breaker.answered()), (Admission::Yes, false));
    }

    #[test]
    fn a_silent_realm_closes_itself_and_two_of_a_server_close_all_of_it() {
        let server = Server::default();
        let [first, second, third] = [0; 3].map(|_| Gate::new(server.clone(), "acme"));
        let elsewhere = Gate::new(Server::default(), "acme");
        silent(&first, CALLS);
        assert!(first.pass().is_none() && second.pass().is_some(), "one realm says nothing about the others");
        silent(&second, CALLS);
        assert!(third.pass().is_none(), "two in a row do");
        assert!(elsewhere.pass().is_some());
    }

    #[test]
    fn an_answer_from_any_realm_opens_its_server_again() {
        let server = Server::default();
        let [first, second, third] = [0; 3].map(|_| Gate::new(server.clone(), "acme"));
        let under_way = third.pass().unwrap();
        silent(&first, CALLS);
        silent(&second, CALLS);
        assert!(third.pass().is_none());
        under_way.end(true);
        assert!(third.pass().is_some() && first.pass().is_none(), "the silent realm is judged by itself");
    }

    #[test]
    fn a_call_that_is_given_up_leaves_its_probe_to_the_next() {
        let gate = Gate::new(Server::default(), "acme");
        silent(&gate, CALLS);
        *locked(&gate.realm) = Breaker { enough: CALLS, state: State::Open { until: Instant::now(), wait: SECOND } };
        let probe = gate.pass().unwrap();
        assert!(gate.pass().is_none());
        drop(probe);
        gate.pass().unwrap().end(true);
        assert!(gate.pass().is_some());
    }
}
