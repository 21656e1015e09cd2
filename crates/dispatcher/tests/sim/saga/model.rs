//! The things of the saga and what may happen to them next.

use super::real::{Marker, Wish};

/// The rules of inbound that can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// K1: one writer per resource, by a lease and its epoch.
    OneWriter,
    /// K1: a claim needs a living token.
    LivingToken,
    /// K2: a create begins with a reservation.
    Reservation,
    /// K2: on the realm's 409 only what carries the own nonce is adopted.
    Nonce,
    /// K2: that somebody is taken over is noted before the realm is written.
    NotedAdoption,
    /// K2: what a create made too late is found by its marker, and undone.
    Orphans,
    /// K3: a PUT is a fresh read and this request's change.
    FreshRead,
    /// K4: a deactivation runs its realm calls whatever the directory believes.
    AlwaysOff,
    /// K4: the log-out is owed from the claim on.
    OwedLogout,
    /// K5: an ambiguous write keeps its lease.
    AmbiguousKeepsLease,
    /// K5: in doubt the realm is mended from the directory, not followed.
    Doubt,
    /// K5: what the dead wrote last is in doubt once somebody takes over from them.
    DeadWriter,
    /// K5: in doubt whoever's log-out is owed is off.
    OwedIsOff,
    /// K5: whoever's log-out is paid in doubt is off in the directory.
    PaidIsOff,
    /// K5: in doubt nobody is switched on whom SCIM did not switch on lately.
    LockedOut,
    /// K4: a write after a deactivation whose end nobody saw ends it, or switches on.
    EndsTheOff,
    /// K9: capture marks, and writes nothing of what an event carries.
    OnlyMarks,
    /// A create that brings somebody back looks under its claim whether another one has.
    BackOnce,
}

/// The native fields that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Native {
    pub enabled: bool,
    pub name: u8,
}

/// A user who may log in, and one who may not.
pub const ON: Native = Native { enabled: true, name: 0 };
pub const OFF: Native = Native { enabled: false, name: 0 };

/// A user in the realm.
#[expect(clippy::struct_excessive_bools, reason = "each is true or not whatever the others are")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    pub native: Native,
    pub sessions: bool,
    /// Of the create that made it or took it over; nobody's where SCIM does not know it.
    pub marker: Option<Marker>,
    pub role: bool,
    /// It was there before SCIM came: nobody but an admin may delete it.
    pub native_born: bool,
    /// PUTs under way.
    pub busy: u8,
    /// Edits by an admin.
    pub edits: u8,
    pub off_by_scim: bool,
    /// The claim whose PUT wrote last; 0 is an admin.
    pub writer: u8,
    /// What events carry that nobody took yet; kept only where somebody takes them for the truth.
    pub events: Vec<Native>,
}

/// The write lease of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lease {
    Free,
    Held,
    /// Nobody gave it back.
    RanOut,
}

/// A row of the directory.
#[expect(clippy::struct_excessive_bools, reason = "each is true or not whatever the others are")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Row {
    pub native: Native,
    pub base: Native,
    pub nonce: u8,
    pub adopted: bool,
    pub epoch: u8,
    pub lease: Lease,
    pub logout_owed: bool,
    /// The claim that committed last.
    pub committed: u8,
    /// A PUT of ours may still come (K5).
    pub doubt: bool,
    /// SCIM switched on for as long as such a PUT may come.
    pub on_lately: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Off,
    Name(u8),
    On,
    /// A create of somebody who is inactive: brings that user back.
    Back,
    Create,
    /// Whoever was there before is switched off and let go of, anybody else is deleted.
    Delete,
}

/// The point a request is at. What ends in `ing` is a call of the realm under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    Start,
    Claimed {
        epoch: u8,
        wish: Wish,
    },
    Putting {
        epoch: u8,
        edits: u8,
        read: Read,
        wish: Wish,
    },
    Put {
        epoch: u8,
        edits: u8,
        read: Read,
        wish: Wish,
    },
    Commit {
        epoch: u8,
        edits: u8,
        put: Option<(Native, Wish)>,
    },
    Deleting {
        epoch: u8,
    },
    /// What is left to be taken away: 3 with the role, 2 with the marker, 1 the row alone.
    Leaving {
        epoch: u8,
        edits: u8,
        left: u8,
    },
    Reserved,
    Creating,
    /// Somebody is found whom the tenant wants taken over.
    Found,
    Adopting {
        read: Read,
    },
    Made,
    Granted,
    /// The reservation is somebody else's by now, or gone.
    Overtaken,
    Done,
    Refused,
    /// Answered 503, or dead: nobody works for it any more.
    Over,
}

impl At {
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Refused | Self::Over)
    }

    fn is_call(self) -> bool {
        matches!(self, Self::Putting { .. } | Self::Deleting { .. } | Self::Creating | Self::Adopting { .. })
    }
}

/// What a write read of a user: it puts all of that back beside its change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Read {
    pub native: Native,
    pub marker: Option<Marker>,
}

/// A call that nobody waits for any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Late {
    /// Under a claim; `begun` while its lease holds everybody else off.
    Put {
        wish: Wish,
        read: Read,
        epoch: u8,
        begun: bool,
    },
    Delete(Option<Marker>),
    Create(u8),
    Adopt(u8, Read),
}

/// A create that is under way, by the number of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reservation {
    pub nonce: u8,
    pub adopts: bool,
}

/// A world of one user name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Saga {
    pub off: Option<Rule>,
    pub account: Option<Account>,
    pub row: Option<Row>,
    pub reservation: Option<Reservation>,
    /// The tenant wants those taken over who were there before.
    pub adopts: bool,
    pub token_alive: bool,
    pub requests: Vec<(Kind, At)>,
    pub late: Vec<Late>,
    pub admin: u8,
    pub crashes: u8,
    pub ambiguous: u8,
    pub freezes: u8,
    pub rotations: u8,
    /// Leases that run out before a late call has come.
    pub tardy: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Step(usize),
    /// The realm call's fate is unknown.
    Ambiguous(usize),
    Crash(usize),
    /// A lease runs out.
    Lapse,
    Land(usize),
    /// An admin switches the user.
    Admin,
    Rotate,
    Triage,
    /// An event is captured.
    Capture(usize),
    /// So long after an unconfirmed write that it comes no more.
    DoubtEnds,
    PayLogout,
    SweepReservation,
}

impl Saga {
    /// A world of one user name: whose it is in the realm, if anybody's, and what is asked for.
    pub fn of(off: Option<Rule>, native: Option<Native>, nonce: u8, requests: &[Kind]) -> Self {
        let marker = (nonce > 0).then_some(Marker { nonce, adopted: false });
        Self {
            off,
            account: native.map(|native| Account {
                sessions: true,
                role: nonce > 0,
                native_born: nonce == 0,
                ..Account::made(native, marker)
            }),
            row: native.filter(|_| nonce > 0).map(|native| Row::of(native, nonce, false)),
            reservation: None,
            adopts: false,
            token_alive: true,
            requests: requests.iter().map(|kind| (*kind, At::Start)).collect(),
            late: Vec::new(),
            admin: 1,
            crashes: 1,
            ambiguous: 1,
            freezes: 1,
            rotations: 1,
            tardy: 0,
        }
    }

    /// The user was taken over.
    #[must_use]
    pub fn adopted(mut self) -> Self {
        let marker = self.row.as_mut().map(|row| {
            row.adopted = true;
            Marker { nonce: row.nonce, adopted: true }
        });
        if let Some(account) = &mut self.account {
            (account.marker, account.native_born) = (marker, true);
        }
        self
    }

    /// The worlds to be explored, with a rule switched off.
    pub fn all(off: Option<Rule>) -> Vec<Self> {
        let world = |native, nonce, requests: &[Kind]| Self::of(off, native, nonce, requests);
        let calm = |saga: Self| Self { admin: 0, rotations: 0, ..saga };
        let late = |saga: Self| Self { tardy: 1, ..calm(saga) };
        let adopts = |saga: Self| Self { adopts: true, ..saga };
        vec![
            world(Some(ON), 9, &[Kind::Off, Kind::Name(1)]),
            world(Some(OFF), 9, &[Kind::Off, Kind::Name(1)]),
            world(Some(ON), 9, &[Kind::Name(1), Kind::Name(2)]),
            Self { admin: 0, ..world(None, 0, &[Kind::Create, Kind::Create]) },
            Self { admin: 0, ..world(Some(ON), 0, &[Kind::Create]) },
            Self { admin: 0, ..world(Some(OFF), 9, &[Kind::Back, Kind::Back]) },
            late(world(Some(ON), 9, &[Kind::Off, Kind::Name(1)])),
            late(world(Some(OFF), 9, &[Kind::Back, Kind::Name(1)])),
            Self { admin: 2, rotations: 0, freezes: 0, ..world(Some(ON), 9, &[Kind::Name(1)]) },
            Self { crashes: 2, ..late(world(Some(ON), 9, &[Kind::Off, Kind::On])) },
            calm(world(Some(ON), 9, &[Kind::Off, Kind::Name(1), Kind::On])),
            calm(world(Some(OFF), 9, &[Kind::On, Kind::Off, Kind::Name(1)])),
            late(world(None, 0, &[Kind::Create, Kind::Create])),
            calm(world(Some(ON), 9, &[Kind::Delete, Kind::Name(1)])),
            late(world(Some(ON), 9, &[Kind::Delete, Kind::Off])),
            Self { crashes: 2, ..calm(world(Some(ON), 9, &[Kind::Delete, Kind::Delete]).adopted()) },
            calm(world(Some(ON), 9, &[Kind::Delete, Kind::Name(1)]).adopted()),
            calm(adopts(world(Some(ON), 0, &[Kind::Create, Kind::Create]))),
            late(adopts(world(Some(ON), 0, &[Kind::Create, Kind::Create]))),
            calm(adopts(world(Some(OFF), 0, &[Kind::Create, Kind::Delete]))),
        ]
    }

    pub fn keeps(&self, rule: Rule) -> bool {
        self.off != Some(rule)
    }

    /// The request that made a reservation works on it still.
    pub fn is_attended(&self, reservation: Reservation) -> bool {
        self.requests.get(usize::from(reservation.nonce) - 1).is_some_and(|(_, at)| !at.is_over())
    }

    /// Whether a create under way, or what it made, answers for a nonce.
    pub fn answers_for(&self, nonce: u8) -> bool {
        self.reservation.is_some_and(|reservation| reservation.nonce == nonce)
            || self.row.as_ref().is_some_and(|row| row.nonce == nonce)
    }

    /// Somebody holds the row and works.
    pub fn is_held(&self) -> bool {
        self.requests.iter().any(|(kind, at)| *kind != Kind::Create && !at.is_over() && *at != At::Start)
    }

    /// All that may happen now.
    pub fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        for (which, (_, at)) in self.requests.iter().enumerate() {
            let waits = *at == At::Start && self.row.as_ref().is_some_and(Row::is_held) && self.keeps(Rule::OneWriter);
            if at.is_over() || waits {
                continue;
            }
            actions.push(Action::Step(which));
            if self.ambiguous > 0 && at.is_call() {
                actions.push(Action::Ambiguous(which));
            }
            if self.crashes > 0 && *at != At::Start {
                actions.push(Action::Crash(which));
            }
        }
        actions.extend((0..self.late.len()).map(Action::Land));
        let putting = self.requests.iter().any(|(_, at)| matches!(at, At::Putting { .. } | At::Deleting { .. }));
        // A call ends within its lease, also one that nobody waits for; hardly ever it does not.
        let in_time = self.late.is_empty() || self.tardy > 0;
        let lapses = in_time && !putting && (!self.is_held() || self.freezes > 0);
        if self.row.as_ref().is_some_and(Row::is_held) && lapses {
            actions.push(Action::Lapse);
        }
        if self.admin > 0 && self.account.is_some() && !putting && self.late.is_empty() {
            actions.push(Action::Admin);
        }
        if self.rotations > 0 {
            actions.push(Action::Rotate);
        }
        if self.is_owed_a_look() && self.keeps(Rule::OnlyMarks) {
            actions.push(Action::Triage);
        }
        if let (Some(row), Some(account)) = (&self.row, &self.account)
            && !row.is_held()
        {
            actions.extend((0..account.events.len()).map(Action::Capture));
            if row.doubt && self.late.is_empty() && !self.is_owed_a_look() {
                actions.push(Action::DoubtEnds);
            }
            if row.logout_owed {
                actions.push(Action::PayLogout);
            }
        }
        if let Some(reservation) = self.reservation {
            let freed = !self.is_attended(reservation) || self.freezes > 0;
            actions.extend((freed && in_time).then_some(Action::SweepReservation));
        }
        actions
    }

    /// Whether the realm has anything otherwise than the directory has heard of.
    fn is_owed_a_look(&self) -> bool {
        match (&self.row, &self.account) {
            (Some(row), Some(account)) => {
                let differs = row.base != account.native || (row.doubt && row.native != account.native);
                !row.is_held() && (differs || !account.role)
            }
            (Some(row), None) => !row.is_held(),
            (None, Some(account)) => self.is_left_over(account) || account.role && !self.is_made_now(account),
            (None, None) => false,
        }
    }

    /// A create made it too late: nobody answers for it, and it never got its role.
    pub fn is_left_over(&self, account: &Account) -> bool {
        let nobodys = account.marker.is_some_and(|marker| !self.answers_for(marker.nonce));
        nobodys && !account.role && self.keeps(Rule::Orphans)
    }

    fn is_made_now(&self, account: &Account) -> bool {
        account.marker.is_some_and(|marker| self.answers_for(marker.nonce))
    }

    /// What must hold once nothing is left to do.
    pub fn at_rest(&self) -> Result<(), String> {
        let say = |holds: bool, sentence: &str| if holds { Ok(()) } else { Err(sentence.to_owned()) };
        say(self.reservation.is_none(), "a reservation is left (K2)")?;
        say(self.requests.iter().all(|(_, at)| at.is_over()), "a request is never answered")?;
        let Some(account) = &self.account else {
            return say(self.row.is_none(), "a row without a user in the realm");
        };
        let Some(row) = &self.row else {
            say(account.marker.is_none() && !account.role, "a user of ours without a row (K2)")?;
            return say(account.native_born, "a user whom SCIM made was let go of");
        };
        say(row.adopted || !account.native_born, "a stranger was adopted (K2)")?;
        say(account.role, "a user of ours without its role (K2)")?;
        say(row.native == account.native, "directory and realm differ (K9)")?;
        say(!row.logout_owed && !row.is_held(), "a log-out is owed for ever (K4)")?;
        say(!account.off_by_scim || !account.sessions, "a deactivated user keeps sessions (K4)")
    }
}

impl Account {
    /// As a create makes it: without sessions and without its role.
    pub fn made(native: Native, marker: Option<Marker>) -> Self {
        let (sessions, role, off_by_scim, native_born) = (false, false, false, false);
        let (busy, edits, writer) = (0, 0, 0);
        Self { native, sessions, marker, role, native_born, busy, edits, off_by_scim, writer, events: Vec::new() }
    }

    /// As it is read.
    pub fn read(&self) -> Read {
        Read { native: self.native, marker: self.marker }
    }
}

impl Row {
    pub fn is_held(&self) -> bool {
        self.lease == Lease::Held
    }

    pub fn of(native: Native, nonce: u8, adopted: bool) -> Self {
        let (lease, logout_owed, doubt, on_lately) = (Lease::Free, false, false, false);
        let (epoch, committed) = (0, 0);
        Self { native, base: native, nonce, adopted, epoch, lease, logout_owed, committed, doubt, on_lately }
    }
}
