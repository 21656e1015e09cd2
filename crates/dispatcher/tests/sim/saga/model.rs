//! The things of the saga and what may happen to them next.

use super::real::Wish;

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

/// A user in the realm. `nonce` 0 is somebody else's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    pub native: Native,
    pub sessions: bool,
    pub nonce: u8,
    pub role: bool,
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

/// A row of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Row {
    pub native: Native,
    pub base: Native,
    pub epoch: u8,
    pub leased: bool,
    pub logout_owed: bool,
    /// The claim that committed last.
    pub committed: u8,
    /// A PUT of ours may still come (K5).
    pub doubt: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Off,
    Name(u8),
    /// A create of somebody who is inactive: brings that user back.
    Back,
    Create,
}

/// The point a request is at.
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
        read: Native,
        wish: Wish,
    },
    Put {
        epoch: u8,
        edits: u8,
        read: Native,
        wish: Wish,
    },
    Commit {
        epoch: u8,
        edits: u8,
        put: Option<(Native, Wish)>,
    },
    Reserved,
    Made,
    Granted,
    Done,
    Refused,
    /// Answered 503, or dead: nobody works for it any more.
    Over,
}

impl At {
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Refused | Self::Over)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Late {
    /// Under a claim; `begun` while its lease holds everybody else off.
    Put {
        wish: Wish,
        epoch: u8,
        begun: bool,
    },
    Create(u8),
}

/// A world of one user name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Saga {
    pub off: Option<Rule>,
    pub account: Option<Account>,
    pub row: Option<Row>,
    /// The nonce of the reservation; the request of that number made it.
    pub reservation: Option<u8>,
    pub token_alive: bool,
    pub requests: Vec<(Kind, At)>,
    pub late: Vec<Late>,
    pub admin: u8,
    pub crashes: u8,
    pub ambiguous: u8,
    pub freezes: u8,
    pub rotations: u8,
    /// Leases that run out before a late PUT has come.
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
        Self {
            off,
            account: native.map(|native| Account { sessions: true, role: nonce > 0, ..Account::made(native, nonce) }),
            row: native.filter(|_| nonce > 0).map(Row::of),
            reservation: None,
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

    /// The worlds to be explored, with a rule switched off.
    pub fn all(off: Option<Rule>) -> Vec<Self> {
        let world = |native, nonce, requests: &[Kind]| Self::of(off, native, nonce, requests);
        vec![
            world(Some(ON), 9, &[Kind::Off, Kind::Name(1)]),
            world(Some(OFF), 9, &[Kind::Off, Kind::Name(1)]),
            world(Some(ON), 9, &[Kind::Name(1), Kind::Name(2)]),
            Self { admin: 0, ..world(None, 0, &[Kind::Create, Kind::Create]) },
            Self { admin: 0, ..world(Some(ON), 0, &[Kind::Create]) },
            Self { admin: 0, ..world(Some(OFF), 9, &[Kind::Back, Kind::Back]) },
            Self { admin: 0, rotations: 0, tardy: 1, ..world(Some(ON), 9, &[Kind::Off, Kind::Name(1)]) },
            Self { admin: 0, rotations: 0, tardy: 1, ..world(Some(OFF), 9, &[Kind::Back, Kind::Name(1)]) },
            Self { admin: 2, rotations: 0, freezes: 0, ..world(Some(ON), 9, &[Kind::Name(1)]) },
        ]
    }

    pub fn keeps(&self, rule: Rule) -> bool {
        self.off != Some(rule)
    }

    /// The request that made a reservation works on it still.
    fn is_attended(&self, nonce: u8) -> bool {
        self.requests.get(usize::from(nonce) - 1).is_some_and(|(_, at)| !at.is_over())
    }

    /// Somebody holds the row and works.
    fn is_held(&self) -> bool {
        self.requests.iter().any(|(kind, at)| *kind != Kind::Create && !at.is_over() && *at != At::Start)
    }

    /// All that may happen now.
    pub fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        for (which, (_, at)) in self.requests.iter().enumerate() {
            let waits =
                *at == At::Start && self.row.as_ref().is_some_and(|row| row.leased) && self.keeps(Rule::OneWriter);
            if at.is_over() || waits {
                continue;
            }
            actions.push(Action::Step(which));
            if self.ambiguous > 0 && matches!(at, At::Putting { .. } | At::Reserved) {
                actions.push(Action::Ambiguous(which));
            }
            // A PUT that was sent is done there, whoever dies.
            if self.crashes > 0 && !matches!(at, At::Start | At::Putting { .. }) {
                actions.push(Action::Crash(which));
            }
        }
        actions.extend((0..self.late.len()).map(Action::Land));
        let putting = self.requests.iter().any(|(_, at)| matches!(at, At::Putting { .. }));
        // A call ends within its lease, also one that nobody waits for; hardly ever it does not.
        let in_time = self.late.is_empty() || self.tardy > 0;
        let lapses = in_time && !putting && (!self.is_held() || self.freezes > 0);
        if self.row.as_ref().is_some_and(|row| row.leased) && lapses {
            actions.push(Action::Lapse);
        }
        if self.admin > 0 && self.account.is_some() && !putting && self.late.is_empty() {
            actions.push(Action::Admin);
        }
        if self.rotations > 0 {
            actions.push(Action::Rotate);
        }
        if let (Some(row), Some(account)) = (&self.row, &self.account)
            && !row.leased
        {
            let differs = row.base != account.native || (row.doubt && row.native != account.native);
            if differs && self.keeps(Rule::OnlyMarks) {
                actions.push(Action::Triage);
            }
            actions.extend((0..account.events.len()).map(Action::Capture));
            if row.doubt && self.late.is_empty() && !differs {
                actions.push(Action::DoubtEnds);
            }
            if row.logout_owed {
                actions.push(Action::PayLogout);
            }
        }
        if self.reservation.is_some_and(|nonce| !self.is_attended(nonce)) && self.late.is_empty() {
            actions.push(Action::SweepReservation);
        }
        actions
    }

    /// What must hold once nothing is left to do.
    pub fn at_rest(&self) -> Result<(), String> {
        let say = |holds: bool, sentence: &str| if holds { Ok(()) } else { Err(sentence.to_owned()) };
        say(self.reservation.is_none(), "a reservation is left (K2)")?;
        say(self.requests.iter().all(|(_, at)| at.is_over()), "a request is never answered")?;
        let Some(account) = &self.account else {
            return say(self.row.is_none(), "a row without a user in the realm");
        };
        if account.nonce == 0 {
            return say(self.row.is_none(), "a stranger was adopted (K2)");
        }
        let Some(row) = &self.row else { return Err("a user of ours without a row (K2)".to_owned()) };
        say(account.role, "a user of ours without its role (K2)")?;
        say(row.native == account.native, "directory and realm differ (K9)")?;
        say(!row.logout_owed && !row.leased, "a log-out is owed for ever (K4)")?;
        say(!account.off_by_scim || !account.sessions, "a deactivated user keeps sessions (K4)")
    }
}
