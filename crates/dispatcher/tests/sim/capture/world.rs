//! What capture keeps in the database, who polls, and what both make of the realm.

use std::collections::{BTreeMap, BTreeSet};

use directory::watch::{OVERLAP_MS, REREAD_MS, Watch};
use realm::keycloak::{EventWalk, Newest};
use registry::TenantId;
use uuid::Uuid;

use super::realm::{KEPT, PEOPLE, Realm};

/// A poller's claim, how often the last minutes are read again, and how long ids are remembered, milliseconds.
const LEASE: i64 = 10_000;
const REREAD_EVERY: i64 = 60_000;
const REMEMBERED: i64 = 900_000;
/// How far apart clocks may be.
const CLOCKS: i64 = 60_000;

/// The rules of K28 that can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A page that does not get past its millisecond is asked for again, larger.
    Widens,
    /// The cursor stays at or below the realm's clock.
    RealmsClock,
    /// Marks and cursor are one transaction.
    OneTransaction,
    /// Only the poller that owns the realm stores what it read.
    Owner,
    /// The last ten minutes are read again once a minute.
    Rereads,
    /// An event marks once.
    Ids,
    /// Ids are remembered for as long as a poll may go back.
    Remembers,
    /// A newest event that vanished has the realm compared.
    Vanished,
    /// It is looked for however long ago it was.
    GoesBack,
    /// Each store has a newest event of its own.
    EachStore,
    /// What has expired did not vanish.
    Expires,
    /// Stores that are off have the realm compared.
    StoresOff,
    /// Switched on again, they do once more.
    SetUpCompares,
    /// A long pause has the realm compared.
    Pauses,
    /// A compare under way may be past what is wanted.
    Anew,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Somebody is edited, by an administrator or by himself; it commits at once, or later.
    Edit {
        who: usize,
        own: bool,
        late: bool,
    },
    Commit(usize),
    /// More events in one millisecond than a page holds, and an edit in the same.
    Mass,
    /// An administrator clears a store.
    Clear {
        own: bool,
    },
    /// An administrator switches the stores off.
    SwitchOff,
    Restore,
    /// A listener tells of an event.
    Push(usize),
    Claim,
    Poll(usize),
    Crash(usize),
    SetUp,
    Compare,
    Forget,
    Wait(usize),
}

/// What may still happen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Budget {
    pub edits: usize,
    pub late: usize,
    pub own: bool,
    pub mass: bool,
    pub clears: usize,
    pub offs: usize,
    pub restores: usize,
    pub pushes: usize,
    pub polls: usize,
    pub crashes: usize,
    /// Of each of [`WAITS`].
    pub waits: [usize; 4],
}

/// How long it is waited, milliseconds: until a lease has ended, the last minutes are read again, most of them are over, and
/// until nobody has read for so long that it is a pause.
pub const WAITS: [i64; 4] = [11_000, 70_000, 8 * 60_000, 16 * 60_000];

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Row {
    cursor: Option<i64>,
    epoch: i64,
    until: Option<i64>,
    admin: Option<Newest>,
    user: Option<Newest>,
    polled: Option<i64>,
    reread: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Read {
    ids: BTreeSet<usize>,
    until: i64,
    admin: Option<Newest>,
    user: Option<Newest>,
    gap: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum At {
    Claimed,
    Read(Read),
    /// It noted the gap that it found, if it found one.
    Noted(Read),
    /// Without one transaction: the cursor has moved.
    Moved(Read),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Poller {
    row: Row,
    unread: Option<i64>,
    rereads: bool,
    at: At,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Compare {
    began: i64,
    listed: usize,
}

/// The clocks of a world against the true time, milliseconds: of the nodes that stamp events, of the one that answers, ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Clocks {
    pub stamp: i64,
    pub date: i64,
    pub ours: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    pub off: Option<Rule>,
    pub budget: Budget,
    pub clocks: Clocks,
    now: i64,
    realm: Realm,
    row: Row,
    /// Event ids taken, and when.
    seen: BTreeMap<usize, i64>,
    /// What each user was when somebody looked last.
    looked: [usize; PEOPLE],
    /// Touches taken, ever.
    taken: BTreeSet<usize>,
    compare_wanted: Option<i64>,
    compare: Option<Compare>,
    setup_wanted: bool,
    pollers: Vec<Poller>,
    /// Events were taken out by hand.
    tampered: bool,
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

    fn keeps(&self, rule: Rule) -> bool {
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

    fn want_compare(&mut self) {
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

    fn claim(&mut self) {
        self.budget.polls -= 1;
        self.row.epoch += 1;
        self.row.until = Some(self.now + LEASE);
        let rereads = self.row.reread.is_none_or(|at| at <= self.now - REREAD_EVERY);
        let unread = self.row.polled.map(|at| self.now - at);
        self.pollers.push(Poller { row: self.row.clone(), unread, rereads, at: At::Claimed });
    }

    /// The next step of a poller.
    fn poll(&mut self, place: usize) -> Result<(), String> {
        let poller = self.pollers.remove(place);
        let at = match poller.at.clone() {
            At::Claimed => At::Read(self.read(&poller)?),
            At::Read(read) => {
                if read.gap {
                    self.want_compare();
                }
                At::Noted(read)
            }
            At::Noted(read) => {
                let owns = self.row.epoch == poller.row.epoch && self.row.until.is_some_and(|until| until > self.now);
                if !owns && self.keeps(Rule::Owner) {
                    return Ok(());
                }
                self.store(&poller, &read);
                if self.keeps(Rule::OneTransaction) {
                    return read.ids.into_iter().try_for_each(|id| self.take(id));
                }
                At::Moved(read)
            }
            At::Moved(read) => return read.ids.into_iter().try_for_each(|id| self.take(id)),
        };
        self.pollers.insert(place, Poller { at, ..poller });
        Ok(())
    }

    fn store(&mut self, poller: &Poller, read: &Read) {
        let cursor = self.watch(poller).cursor_after(read.until);
        self.row = Row {
            cursor: Some(cursor),
            epoch: self.row.epoch,
            until: None,
            admin: read.admin.clone(),
            user: read.user.clone(),
            polled: Some(self.now),
            reread: if poller.rereads { Some(self.now) } else { self.row.reread },
        };
    }

    fn watch(&self, poller: &Poller) -> Watch {
        Watch {
            tenant_id: TenantId(Uuid::nil()),
            cursor_ms: poller.row.cursor,
            poll_epoch: poller.row.epoch,
            realm_uuid: None,
            client_ids: String::new(),
            idle_polls: 0,
            reread: poller.rereads && self.keeps(Rule::Rereads),
            newest_event: None,
            unread: poller.unread.map(|unread| unread * 1_000),
        }
    }

    /// What a poller reads, and what it says of the time before.
    fn read(&mut self, poller: &Poller) -> Result<Read, String> {
        let mut gap = false;
        if poller.rereads && !self.realm.stores {
            self.setup_wanted = true;
            gap = self.keeps(Rule::StoresOff);
        }
        let watch = self.watch(poller);
        let (since, kept_from) = (watch.since_ms(self.now + self.clocks.ours), self.kept_from());
        let stores = [(false, &poller.row.admin), (true, &poller.row.user)];
        let [admins, users] = stores.map(|(own, known)| {
            let known = known.clone().filter(|_| !own || self.keeps(Rule::EachStore));
            let mut walk = EventWalk::new(since, known, kept_from);
            while let Some((from, max)) = walk.next() {
                let max = if self.keeps(Rule::Widens) { max } else { max.min(100) };
                // By the second, as a header says it.
                let date = (self.now + self.clocks.date) / 1_000 * 1_000;
                let told = if self.keeps(Rule::RealmsClock) { date } else { self.now + self.clocks.ours };
                walk.took(self.realm.page(own, from, max), Some(told));
            }
            walk.end()
        });
        let cleared = admins.cleared || users.cleared;
        if cleared && !self.tampered {
            return Err("events were taken for cleared that had expired".to_owned());
        }
        let until = admins.until_ms.min(users.until_ms);
        gap |= cleared && self.keeps(Rule::Vanished);
        gap |= watch.paused(until) && self.keeps(Rule::Pauses);
        let ids = admins.events.iter().chain(&users.events).filter_map(|event| id(event["id"].as_str()?)).collect();
        Ok(Read { ids, until, admin: admins.newest, user: users.newest, gap })
    }

    fn kept_since(&self) -> i64 {
        self.now + self.clocks.ours - KEPT + CLOCKS
    }

    fn kept_from(&self) -> Option<i64> {
        let from = if self.keeps(Rule::Expires) { self.kept_since() } else { i64::MIN };
        self.keeps(Rule::GoesBack).then_some(from)
    }

    /// An event marks its user, once.
    fn take(&mut self, id: usize) -> Result<(), String> {
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

fn id(text: &str) -> Option<usize> {
    text.strip_prefix("1-")?.parse().ok()
}

const _: () = assert!(OVERLAP_MS < REREAD_MS);
