//! The order of a bulk request, and what became of it so far.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::{Method, Operation, Outcome, Parsed, Step, reference};
use crate::Error;

/// A bulk request under way.
pub struct Plan {
    pub(super) entries: Vec<Entry>,
    /// The ids of the resources made so far, by `bulkId`.
    pub(super) ids: HashMap<String, String>,
    makers: HashMap<String, usize>,
    ready: BTreeSet<usize>,
    current: Option<usize>,
    fail_on_errors: Option<u64>,
    errors: u64,
}

/// An operation and where it stands.
pub(super) struct Entry {
    pub method: Option<Method>,
    pub bulk_id: Option<String>,
    pub operation: Option<Operation>,
    /// Operations that have to end first.
    waits_for: HashSet<usize>,
    /// Operations that wait for this one; for its id, or (`false`) only for their turn.
    followers: Vec<(usize, bool)>,
    /// A circular reference: the PATCH that completes the resource.
    postponed: Option<Value>,
    /// Why it fails when its turn comes.
    doom: Option<Error>,
    pub state: State,
}

impl Entry {
    fn new(parsed: Parsed) -> Self {
        let (method, bulk_id, operation, doom) = match parsed {
            Parsed::Operation(operation) => (Some(operation.method), operation.bulk_id.clone(), Some(operation), None),
            Parsed::Wrong { method, bulk_id, error } => (method, bulk_id, None, Some(error)),
        };
        let (waits_for, followers, postponed) = (HashSet::new(), Vec::new(), None);
        Self { method, bulk_id, operation, waits_for, followers, postponed, doom, state: State::Waiting }
    }

    fn doom(&mut self, error: Error) {
        self.doom.get_or_insert(error);
    }
}

/// Where an operation stands.
pub(super) enum State {
    Waiting,
    /// Created, and to be completed by a PATCH.
    Incomplete(Outcome),
    Ended(Outcome),
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (operations, errors) = (self.entries.len(), self.errors);
        formatter.debug_struct("Plan").field("operations", &operations).field("errors", &errors).finish_non_exhaustive()
    }
}

impl Plan {
    pub(super) fn new(parsed: Vec<Parsed>, fail_on_errors: Option<u64>) -> Self {
        let entries = parsed.into_iter().map(Entry::new).collect();
        let (ids, makers, ready) = (HashMap::new(), HashMap::new(), BTreeSet::new());
        let mut plan = Self { entries, ids, makers, ready, current: None, fail_on_errors, errors: 0 };
        for (place, entry) in plan.entries.iter().enumerate() {
            if let (Some(Method::Post), Some(name)) = (entry.method, &entry.bulk_id) {
                plan.makers.insert(name.clone(), place);
            }
        }
        plan.connect();
        plan
    }

    /// Notes who waits for whom.
    fn connect(&mut self) {
        let mut last: HashMap<String, usize> = HashMap::new();
        for place in 0..self.entries.len() {
            let mut needs: Vec<(usize, bool)> = Vec::new();
            let mut unknown = false;
            if let Some(operation) = &self.entries[place].operation {
                let mut note = |name: &str| match self.makers.get(name) {
                    Some(maker) => needs.push((*maker, true)),
                    None => unknown = true,
                };
                operation.id.as_deref().and_then(reference::name).into_iter().for_each(&mut note);
                if let Some(body) = &operation.data {
                    reference::each(body, &mut note);
                }
                // Order: operations on one resource keep theirs, or the last one would not win.
                if let Some(id) = &operation.id {
                    let path = format!("{}/{id}", operation.endpoint);
                    needs.extend(last.insert(path, place).map(|earlier| (earlier, false)));
                }
            }
            if unknown {
                let error = Error::value("it refers to a bulkId that no POST of this request has");
                self.entries[place].doom(error);
            }
            for (maker, for_its_id) in needs {
                if self.entries[place].waits_for.insert(maker) || for_its_id {
                    self.entries[maker].followers.push((place, for_its_id));
                }
            }
        }
        self.ready = (0..self.entries.len()).filter(|place| self.entries[*place].waits_for.is_empty()).collect();
    }

    /// What to do next; none when all is done, or when `failOnErrors` is reached. Until a step is [`done`](Self::done)
    /// it is the next.
    pub fn next_step(&mut self) -> Option<Step> {
        loop {
            if let Some(place) = self.current {
                return self.step(place);
            }
            if self.stopped() {
                return None;
            }
            let place = self.ready.pop_first().or_else(|| self.break_circle())?;
            match self.entries[place].doom.take() {
                Some(error) => self.end(place, Outcome::Failed(error)),
                None => self.current = Some(place),
            }
        }
    }

    fn stopped(&self) -> bool {
        self.fail_on_errors.is_some_and(|limit| self.errors >= limit)
    }

    /// The first operation of a circle, which is to run although it refers to others of it.
    fn break_circle(&mut self) -> Option<usize> {
        let waiting = |place: &usize| matches!(self.entries[*place].state, State::Waiting);
        let mut place = (0..self.entries.len()).find(waiting)?;
        let mut passed = Vec::new();
        // Whoever waits leads, step by step, into the circle it waits for.
        while !passed.contains(&place) {
            passed.push(place);
            place = self.entries[place].waits_for.iter().copied().min()?;
        }
        let circle = passed.iter().skip_while(|passed| **passed != place);
        let first = circle.copied().min()?;
        let entry = &mut self.entries[first];
        entry.waits_for.clear();
        if let Some(body) = entry.operation.as_mut().and_then(|operation| operation.data.as_mut()) {
            entry.postponed = reference::postpone(body, &self.ids);
        }
        Some(first)
    }

    fn step(&self, place: usize) -> Option<Step> {
        let entry = &self.entries[place];
        let operation = entry.operation.as_ref()?;
        let endpoint = operation.endpoint.clone();
        if let State::Incomplete(Outcome::Done { id, .. }) = &entry.state {
            let body = entry.postponed.as_ref().map(|patch| reference::resolved(patch, &self.ids));
            let (method, id) = (Method::Patch, id.clone());
            return Some(Step { operation: place, method, endpoint, id, data: body, version: None });
        }
        Some(Step {
            operation: place,
            method: operation.method,
            endpoint,
            id: self.id(operation),
            data: operation.data.as_ref().map(|body| reference::resolved(body, &self.ids)),
            version: operation.version.clone(),
        })
    }

    /// Whom an operation is about, as far as that is known.
    pub(super) fn id(&self, operation: &Operation) -> Option<String> {
        let id = operation.id.as_ref()?;
        match reference::name(id) {
            Some(name) => self.ids.get(name).cloned(),
            None => Some(id.clone()),
        }
    }

    /// Says how the current step ended.
    pub fn done(&mut self, outcome: Outcome) {
        let Some(place) = self.current.take() else { return };
        let entry = &mut self.entries[place];
        let completing = match std::mem::replace(&mut entry.state, State::Waiting) {
            State::Incomplete(created) => Some(created),
            State::Waiting | State::Ended(_) => None,
        };
        let outcome = match (completing, outcome) {
            // Invariant: a POST that was done has an id, or nobody could refer to it.
            (None, Outcome::Done { id: None, .. }) if entry.method == Some(Method::Post) => {
                Outcome::Failed(Error::plain(500, "the resource was created without an id"))
            }
            (None, Outcome::Done { status, id, version }) => {
                if let (Some(Method::Post), Some(name), Some(id)) = (entry.method, &entry.bulk_id, &id) {
                    self.ids.insert(name.clone(), id.clone());
                }
                let done = Outcome::Done { status, id, version };
                if entry.postponed.is_some() {
                    return self.wait_for_circle(place, done);
                }
                done
            }
            // The resource was created by its POST, and has the version its PATCH gave it.
            (Some(Outcome::Done { status, id, .. }), Outcome::Done { version, .. }) => {
                Outcome::Done { status, id, version }
            }
            (_, outcome) => outcome,
        };
        self.end(place, outcome);
    }

    /// A resource that lacks its circular references: others may refer to it now, and it waits for them in turn.
    fn wait_for_circle(&mut self, place: usize, outcome: Outcome) {
        let mut needs = HashSet::new();
        if let Some(patch) = &self.entries[place].postponed {
            reference::each(patch, &mut |name| needs.extend(self.makers.get(name).copied()));
        }
        needs.retain(|maker| {
            let name = self.entries[*maker].bulk_id.as_ref();
            *maker != place && !name.is_some_and(|name| self.ids.contains_key(name))
        });
        self.entries[place].state = State::Incomplete(outcome);
        self.release(place, false);
        if needs.is_empty() {
            self.ready.insert(place);
        }
        for maker in &needs {
            self.entries[*maker].followers.push((place, true));
        }
        self.entries[place].waits_for = needs;
    }

    fn end(&mut self, place: usize, outcome: Outcome) {
        let failed = matches!(outcome, Outcome::Failed(_));
        self.errors += u64::from(failed);
        self.entries[place].state = State::Ended(outcome);
        self.release(place, failed);
    }

    /// Lets those go on that waited for an operation; if it failed, those that needed its id fail in their turn.
    fn release(&mut self, place: usize, failed: bool) {
        for (follower, for_its_id) in std::mem::take(&mut self.entries[place].followers) {
            let entry = &mut self.entries[follower];
            if matches!(entry.state, State::Ended(_)) {
                continue;
            }
            if failed && for_its_id {
                entry.doom(Error::plain(409, "an operation it refers to has failed"));
            }
            entry.waits_for.remove(&place);
            if entry.waits_for.is_empty() && self.current != Some(follower) {
                self.ready.insert(follower);
            }
        }
    }
}
