//! The realm of the model: two people, an admin store and a user store, transactions that commit late on nodes whose clocks
//! differ, and an administrator who clears, restores and switches off.

use serde_json::{Value, json};

/// People of the realm.
pub const PEOPLE: usize = 2;
/// How late a transaction commits at most, milliseconds.
pub const LATEST: i64 = 300_000;
/// For how long events are kept, milliseconds.
pub const KEPT: i64 = 40 * 60_000;
/// Events of one millisecond that concern nobody: more than a page holds.
pub const MASS: usize = 150;

/// An event, or the transaction that it commits with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    pub id: usize,
    /// By the clock of the node that made it.
    pub at: i64,
    pub who: usize,
    /// By the user: an event of the other store.
    pub own: bool,
    /// What the user is after it, and was before it.
    pub is: usize,
    pub was: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Realm {
    /// What each user is: the number of the edit that made it so.
    pub people: [usize; PEOPLE],
    pub stores: bool,
    pub events: Vec<Event>,
    /// Transactions under way, and when each began.
    pub pending: Vec<(Event, i64)>,
    /// Whose edit each was; the first two are from before.
    pub edits: Vec<usize>,
    /// When so many events came in one millisecond that no page holds them.
    pub mass: Option<i64>,
    /// Events that an administrator took out of the store.
    pub lost: Vec<usize>,
}

impl Realm {
    /// With an event in each store, of long enough ago to be known.
    pub fn new(now: i64) -> Self {
        let event = |id, own| Event { id, at: now - 5_000, who: id, own, is: 0, was: 0 };
        Self {
            people: [0; PEOPLE],
            stores: true,
            events: vec![event(0, false), event(1, true)],
            pending: Vec::new(),
            edits: vec![0, 1],
            mass: None,
            lost: Vec::new(),
        }
    }

    pub fn begin(&mut self, now: i64, at: i64, who: usize, own: bool) {
        let id = self.edits.len();
        self.edits.push(who);
        let event = Event { id, at, who, own, is: id, was: 0 };
        self.pending.push((event, now));
    }

    pub fn commit(&mut self, place: usize) {
        let (mut event, _) = self.pending.remove(place);
        event.was = self.people[event.who];
        self.people[event.who] = event.is;
        if self.stores {
            self.events.push(event);
        } else {
            self.lost.push(event.id);
        }
    }

    /// Whether a transaction under way would be too late by then.
    pub fn hurries(&self, then: i64) -> bool {
        self.pending.iter().any(|(_, began)| then - began > LATEST)
    }

    pub fn clear(&mut self, own: bool) {
        self.take_out(|event| event.own == own);
        self.mass = self.mass.filter(|_| own);
    }

    pub fn expire(&mut self, now: i64) {
        self.take_out(|event| event.at < now - KEPT);
        self.mass = self.mass.filter(|at| *at >= now - KEPT);
    }

    /// The realm as it was before an event: what has committed since is undone, with its events.
    pub fn restore(&mut self, before: usize) {
        self.pending.clear();
        while let Some(event) = self.events.pop() {
            self.people[event.who] = event.was;
            self.lost.push(event.id);
            if event.id == before {
                break;
            }
        }
    }

    fn take_out(&mut self, which: impl Fn(&Event) -> bool) {
        self.lost.extend(self.events.iter().filter(|event| which(event)).map(|event| event.id));
        self.events.retain(|event| !which(event));
    }

    /// As Keycloak answers: by time.
    pub fn page(&self, own: bool, from: i64, max: usize) -> Vec<Value> {
        let mass = self.mass.filter(|_| !own).into_iter().flat_map(|at| (0..MASS).map(move |number| (at, 0, number)));
        let events = self.events.iter().filter(|event| event.own == own).map(|event| (event.at, 1, event.id));
        let mut there: Vec<(i64, i32, usize)> = mass.chain(events).filter(|(at, ..)| *at >= from).collect();
        there.sort_unstable();
        let told = |(at, kind, id): (i64, i32, usize)| json!({ "id": format!("{kind}-{id}"), "time": at });
        there.into_iter().take(max).map(told).collect()
    }
}
