//! What capture keeps in the database of a realm, and what may happen to both.

use std::collections::{BTreeMap, BTreeSet};

use directory::watch::{OVERLAP_MS, REREAD_MS};
use realm::keycloak::Newest;

use super::menu::{Action, Budget, Clocks, Rule, WAITS};
use super::poller::{LEASE, Poller, REREAD_EVERY, Row};
use super::realm::{PEOPLE, Realm};

/// How long ids are remembered, milliseconds.
const REMEMBERED: i64 = 900_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Compare {
    began: i64,
    listed: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    pub off: Option<Rule>,
    pub budget: Budget,
    pub clocks: Clocks,
    pub now: i64,
    pub realm: Realm,
    pub row: Row,
    /// Event ids taken, and when.
    pub seen: BTreeMap<usize, i64>,
    /// What each user was when somebody looked last.
    pub looked: [usize; PEOPLE],
    /// Touches taken, ever.
    pub taken: BTreeSet<usize>,
    pub compare_wanted: Option<i64>,
    pub compare: Option<Compare>,
    pub setup_wanted: bool,
    pub pollers: Vec<Poller>,
    /// Events were taken out by hand.
    pub tampered: bool,
}

impl World {
    pub fn new(off: Option<Rule>, budget: Budget, clocks: Clocks) -> Self {
        let now = 1_000_000_000;
        let newest = |id| Some(Newest { at_ms: now - 5_000, id: format!("1-{id}") });
        let (admin, user) = (newest(0), newest(1));
        let row = Row { cursor: Some(now), epoch: 0, until: None, admin, user, polled: Some(now), reread: None };
        Self {
            off,
            budget,
            clocks,
            now,
            realm: Realm::new(now),
            row,
            seen: BTreeMap::from([(0, now), (1, now)]),
            looked: [0; PEOPLE],
            taken: BTreeSet::from([0, 1]),
            compare_wanted: None,
            compare: None,
            setup_wanted: false,
            pollers: Vec::new(),
            tampered: false,
        }
    }

    pub fn keeps(&self, rule: Rule) -> bool {
        self.off != Some(rule)
    }

    pub fn actions(&self) -> Vec<Action> {
        let Self { budget, realm, .. } = self;
        let mut all = Vec::new();
        if budget.edits > 0 {
            for who in 0..PEOPLE {
                for own in [false, true] {
                    for late in [false, true] {
                        if (budget.own || !own) && (budget.late > 0 || !late) {
                            all.push(Action::Edit { who, own, late });
                        }
                    }
                }
            }
            all.extend((budget.mass && realm.mass.is_none() && realm.stores).then_some(Action::Mass));
        }
        all.extend((0..realm.pending.len()).map(Action::Commit));
        if budget.clears > 0 {
            // Where no event is known nobody can say that any was cleared; the compare that comes by itself finds it.
            all.extend(self.known(self.row.admin.as_ref()).is_some().then_some(Action::Clear { own: false }));
            all.extend(
                (budget.own && self.known(self.row.user.as_ref()).is_some()).then_some(Action::Clear { own: true }),
            );
        }
        all.extend((budget.offs > 0 && realm.stores).then_some(Action::SwitchOff));
        all.extend((budget.restores > 0 && self.newest_known().is_some()).then_some(Action::Restore));
        if budget.pushes > 0 {
            all.extend((0..realm.events.len()).map(Action::Push));
        }
        let free = self.row.until.is_none_or(|until| until <= self.now);
        all.extend((budget.polls > 0 && free && self.pollers.len() < 2).then_some(Action::Claim));
        all.extend((0..self.pollers.len()).map(Action::Poll));
        if budget.crashes > 0 {
            all.extend((0..self.pollers.len()).map(Action::Crash));
        }
        all.extend((self.setup_wanted).then_some(Action::SetUp));
        all.extend((self.compare.is_some() || self.compare_wanted.is_some()).then_some(Action::Compare));
        all.extend((self.kept() != self.seen).then_some(Action::Forget));
        let may = |kind: &usize| budget.waits[*kind] > 0 && !realm.hurries(self.now + WAITS[*kind]);
        all.extend((0..WAITS.len()).filter(may).map(Action::Wait));
        all
    }

    pub fn act(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Edit { who, own, late } => {
                self.budget.edits -= 1;
                self.realm.begin(self.now, self.now + self.clocks.stamp, who, own);
                if late {
                    self.budget.late -= 1;
                } else {
                    self.realm.commit(self.realm.pending.len() - 1);
                }
                self.now += 1;
            }
            Action::Commit(place) => self.realm.commit(place),
            Action::Mass => {
                self.budget.edits -= 1;
                let at = self.now + self.clocks.stamp;
                self.realm.mass = Some(at);
                self.realm.begin(self.now, at, 0, false);
                self.realm.commit(self.realm.pending.len() - 1);
                self.now += 1;
            }
            Action::Clear { own } => {
                self.budget.clears -= 1;
                self.tampered = true;
                self.realm.clear(own);
            }
            Action::SwitchOff => {
                self.budget.offs -= 1;
                self.realm.stores = false;
            }
            Action::Restore => {
                self.budget.restores -= 1;
                self.tampered = true;
                if let Some(known) = self.newest_known() {
                    self.realm.restore(known);
                }
            }
            Action::Push(place) => {
                self.budget.pushes -= 1;
                let event = &self.realm.events[place];
                // One that took long only wakes the poll.
                if event.at >= self.now - REREAD_MS {
                    self.take(event.id)?;
                }
            }
            Action::Claim => self.claim(),
            Action::Poll(place) => self.poll(place)?,
            Action::Crash(place) => {
                self.budget.crashes -= 1;
                self.pollers.remove(place);
            }
            Action::SetUp => self.set_up(),
            Action::Compare => self.compare(),
            Action::Forget => self.seen = self.kept(),
            Action::Wait(kind) => {
                self.budget.waits[kind] -= 1;
                self.wait(WAITS[kind]);
            }
        }
        Ok(())
    }

    /// The newest event known of a store, which is not about to expire.
    fn known(&self, newest: Option<&Newest>) -> Option<usize> {
        let kept = newest.filter(|newest| newest.at_ms >= self.kept_since() + REREAD_MS);
        kept.and_then(|newest| id(&newest.id))
    }

    /// The event known that committed last. A backup that is put back is older than what was read last: that takes longer than
    /// until the next poll.
    fn newest_known(&self) -> Option<usize> {
        let known = [self.known(self.row.admin.as_ref()), self.known(self.row.user.as_ref())];
        let mut events = self.realm.events.iter().rev().map(|event| event.id);
        events.find(|id| known.contains(&Some(*id)))
    }

    fn wait(&mut self, ms: i64) {
        self.now += ms;
        self.realm.expire(self.now);
    }

    /// The ids that are not forgotten.
    fn kept(&self) -> BTreeMap<usize, i64> {
        let cursor = self.row.cursor.filter(|_| self.keeps(Rule::Remembers)).unwrap_or(i64::MAX);
        let from = self.now.min(cursor) - REMEMBERED;
        self.seen.iter().filter(|(_, at)| **at >= from).map(|(id, at)| (*id, *at)).collect()
    }

    fn look(&mut self, who: usize) {
        self.looked[who] = self.realm.people[who];
    }

    pub fn want_compare(&mut self) {
        self.compare_wanted = Some(self.now);
    }

    fn set_up(&mut self) {
        self.setup_wanted = false;
        if !self.realm.stores {
            self.realm.stores = true;
            if self.keeps(Rule::SetUpCompares) {
                self.want_compare();
            }
        }
    }

    /// A compare begins, or looks at one more whom it finds changed.
    fn compare(&mut self) {
        let Some(Compare { began, listed }) = self.compare.take() else {
            self.compare = Some(Compare { began: self.now, listed: 0 });
            self.now += 1;
            return;
        };
        self.look(listed);
        self.now += 1;
        if listed + 1 < PEOPLE {
            self.compare = Some(Compare { began, listed: listed + 1 });
        } else if !self.keeps(Rule::Anew) || self.compare_wanted.is_some_and(|wanted| wanted < began) {
            self.compare_wanted = None;
        }
    }

    /// An event marks its user, once.
    pub fn take(&mut self, id: usize) -> Result<(), String> {
        if self.seen.contains_key(&id) && self.keeps(Rule::Ids) {
            return Ok(());
        }
        self.seen.insert(id, self.now);
        if !self.taken.insert(id) {
            return Err("an event was taken twice".to_owned());
        }
        self.look(self.realm.edits[id]);
        Ok(())
    }

    /// What must hold once everything has committed, the realm was polled for a while, and what was wanted was done.
    pub fn heals(mut self) -> Result<(), String> {
        while !self.realm.pending.is_empty() {
            self.realm.commit(0);
        }
        self.pollers.clear();
        self.budget.polls = 2;
        for _ in 0..2 {
            self.wait(REREAD_EVERY + LEASE);
            self.seen = self.kept();
            self.claim();
            while !self.pollers.is_empty() {
                self.poll(0)?;
            }
            if self.setup_wanted {
                self.set_up();
            }
            while self.compare.is_some() || self.compare_wanted.is_some() {
                self.compare();
            }
        }
        let forgotten = |id: &usize| !self.taken.contains(id) && !self.realm.lost.contains(id);
        if self.looked != self.realm.people {
            return Err("an edit was missed".to_owned());
        }
        if (0..self.realm.edits.len()).any(|id| forgotten(&id)) {
            return Err("a touch was forgotten".to_owned());
        }
        Ok(())
    }
}

pub fn id(text: &str) -> Option<usize> {
    text.strip_prefix("1-")?.parse().ok()
}

const _: () = assert!(OVERLAP_MS < REREAD_MS);
