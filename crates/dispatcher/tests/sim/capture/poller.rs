//! A poller's steps: claim, reading, the gap it may have found, and what it stores (K28).

use std::collections::BTreeSet;

use directory::watch::Watch;
use realm::keycloak::{EventWalk, Newest};
use registry::TenantId;
use uuid::Uuid;

use super::menu::Rule;
use super::realm::KEPT;
use super::world::{World, id};

/// A poller's claim, and how often the last minutes are read again, milliseconds.
pub const LEASE: i64 = 10_000;
pub const REREAD_EVERY: i64 = 60_000;
/// How far apart clocks may be.
const CLOCKS: i64 = 60_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Row {
    pub cursor: Option<i64>,
    pub epoch: i64,
    pub until: Option<i64>,
    pub admin: Option<Newest>,
    pub user: Option<Newest>,
    pub polled: Option<i64>,
    pub reread: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Read {
    ids: BTreeSet<usize>,
    pub until: i64,
    pub admin: Option<Newest>,
    pub user: Option<Newest>,
    gap: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum At {
    Claimed,
    Read(Read),
    /// It noted the gap that it found, if it found one.
    Noted(Read),
    /// Without one transaction: the cursor has moved.
    Moved(Read),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Poller {
    pub row: Row,
    pub unread: Option<i64>,
    pub rereads: bool,
    pub at: At,
}

impl World {
    pub fn claim(&mut self) {
        self.budget.polls -= 1;
        self.row.epoch += 1;
        self.row.until = Some(self.now + LEASE);
        let rereads = self.row.reread.is_none_or(|at| at <= self.now - REREAD_EVERY);
        let unread = self.row.polled.map(|at| self.now - at);
        self.pollers.push(Poller { row: self.row.clone(), unread, rereads, at: At::Claimed });
    }

    /// The next step of a poller.
    pub fn poll(&mut self, place: usize) -> Result<(), String> {
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
            self.setup_wanted = self.keeps(Rule::StoresOff);
            gap = self.setup_wanted;
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

    pub fn kept_since(&self) -> i64 {
        self.now + self.clocks.ours - KEPT + CLOCKS
    }

    fn kept_from(&self) -> Option<i64> {
        let from = if self.keeps(Rule::Expires) { self.kept_since() } else { i64::MIN };
        self.keeps(Rule::GoesBack).then_some(from)
    }
}
