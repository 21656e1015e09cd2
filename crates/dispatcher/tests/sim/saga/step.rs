//! What happens to a saga: the gateway's steps, the sweeper's, triage's and the world's.

use super::model::{Account, Action, At, Kind, Late, Native, ON, Row, Rule, Saga};
use super::real::{Wish, made};

type Held = Result<(), String>;

fn hold(condition: bool, sentence: &str) -> Held {
    if condition { Ok(()) } else { Err(sentence.to_owned()) }
}

impl Saga {
    pub fn act(&mut self, action: Action) -> Held {
        match action {
            Action::Step(which) => return self.step(which),
            Action::Ambiguous(which) => {
                self.ambiguous -= 1;
                self.requests[which].1 = self.lose(which);
            }
            Action::Crash(which) => {
                self.crashes -= 1;
                self.requests[which].1 = At::Over;
            }
            Action::Lapse => {
                let held =
                    self.requests.iter().any(|(kind, at)| *kind != Kind::Create && !at.is_over() && *at != At::Start);
                self.freezes -= u8::from(held);
                self.tardy -= u8::from(!self.late.is_empty());
                self.forget_calls();
                if let Some(row) = &mut self.row {
                    row.leased = false;
                }
            }
            Action::Land(which) => match self.late.remove(which) {
                Late::Put { wish, epoch, begun } => {
                    if let Some(account) = &mut self.account {
                        account.busy += u8::from(!begun);
                    }
                    self.put(epoch, wish);
                }
                Late::Create(nonce) => drop(self.create(nonce)),
            },
            Action::Admin => {
                self.admin -= 1;
                let believed = !self.keeps(Rule::OnlyMarks);
                if let Some(account) = &mut self.account {
                    account.native.enabled = !account.native.enabled;
                    account.edits += 1;
                    account.off_by_scim &= !account.native.enabled;
                    account.writer = 0;
                    account.events.extend(believed.then_some(account.native));
                }
            }
            Action::Rotate => {
                self.rotations -= 1;
                self.token_alive = false;
            }
            Action::Triage => return self.triage(),
            Action::Capture(which) => {
                if let (Some(row), Some(account)) = (&mut self.row, &mut self.account) {
                    row.follow(account.events.remove(which));
                }
            }
            Action::DoubtEnds => {
                if let Some(row) = &mut self.row {
                    row.doubt = false;
                }
            }
            Action::PayLogout => {
                if let (Some(row), Some(account)) = (&mut self.row, &mut self.account) {
                    row.epoch += 1;
                    row.logout_owed = false;
                    account.sessions = false;
                }
            }
            Action::SweepReservation => self.sweep(),
        }
        Ok(())
    }

    fn step(&mut self, which: usize) -> Held {
        let (kind, at) = self.requests[which];
        self.requests[which].1 = match at {
            At::Start if kind == Kind::Create => self.reserve(which)?,
            At::Start => self.claim(kind)?,
            At::Claimed { epoch, wish } => self.begin_put(kind, epoch, wish)?,
            At::Putting { epoch, edits, read, wish } => {
                self.put(epoch, wish);
                At::Put { epoch, edits, read, wish }
            }
            At::Put { epoch, edits, read, wish } => {
                if kind != Kind::Off {
                    At::Commit { epoch, edits, put: Some((read, wish)) }
                } else if self.is_ours(epoch) {
                    if let Some(account) = &mut self.account {
                        account.sessions = false;
                    }
                    At::Commit { epoch, edits, put: Some((read, wish)) }
                } else {
                    At::Over
                }
            }
            At::Commit { epoch, edits, put } => self.commit(kind, epoch, edits, put)?,
            At::Reserved => self.make(nonce_of(which))?,
            At::Made => {
                if let Some(account) = &mut self.account {
                    account.role = true;
                }
                At::Granted
            }
            At::Granted => self.complete(nonce_of(which))?,
            over @ (At::Done | At::Refused | At::Over) => over,
        };
        Ok(())
    }

    fn is_ours(&self, epoch: u8) -> bool {
        !self.keeps(Rule::OneWriter) || self.row.as_ref().is_some_and(|row| row.epoch == epoch && row.leased)
    }

    fn claim(&mut self, kind: Kind) -> Result<At, String> {
        if !self.token_alive && self.keeps(Rule::LivingToken) {
            return Ok(At::Refused);
        }
        hold(self.token_alive, "a dead token's request was let in (K1)")?;
        let owed = kind == Kind::Off && self.keeps(Rule::OwedLogout);
        let edits = self.account.as_ref().map_or(0, |account| account.edits);
        let Some(row) = &mut self.row else { return Ok(At::Refused) };
        row.epoch += 1;
        row.leased = true;
        let back = row.native.enabled;
        if kind == Kind::Back && back && self.off != Some(Rule::BackOnce) {
            // Whoever came first has brought the user back; for the others the name is taken.
            row.leased = false;
            return Ok(At::Refused);
        }
        row.logout_owed |= owed;
        let (epoch, always) = (row.epoch, self.off != Some(Rule::AlwaysOff));
        let wish = Wish::asked(row.native, kind.of(row.native), kind == Kind::Off && always);
        Ok(if wish.is_empty() { At::Commit { epoch, edits, put: None } } else { At::Claimed { epoch, wish } })
    }

    /// A fresh read where one is needed, and the PUT is under way.
    fn begin_put(&mut self, kind: Kind, epoch: u8, wish: Wish) -> Result<At, String> {
        if !self.is_ours(epoch) {
            return Ok(At::Over);
        }
        let fresh = self.keeps(Rule::FreshRead);
        let (Some(account), Some(row)) = (&mut self.account, &self.row) else { return Ok(At::Over) };
        hold(account.busy == 0, "two PUTs to one user overlap (K1, K5)")?;
        account.busy += 1;
        let read = account.native;
        let wish = if fresh { wish } else { Wish::all(wish.onto(row.native)) };
        let written = wish.onto(read);
        let asked = matches!(kind, Kind::Off | Kind::Back) || written.enabled == read.enabled;
        hold(asked, "a request switched the user that did not ask for it (K3)")?;
        Ok(At::Putting { epoch, edits: account.edits, read, wish })
    }

    fn put(&mut self, epoch: u8, wish: Wish) {
        let believed = !self.keeps(Rule::OnlyMarks);
        if let Some(account) = &mut self.account {
            account.busy -= 1;
            let native = wish.onto(account.native);
            account.off_by_scim |= account.native.enabled && !native.enabled;
            account.native = native;
            account.writer = epoch;
            account.events.extend(believed.then_some(native));
        }
    }

    /// Nobody holds off others any more for calls that have not come: Keycloak begins them some time later.
    fn forget_calls(&mut self) {
        for late in &mut self.late {
            if let (Late::Put { begun, .. }, Some(account)) = (late, &mut self.account) {
                account.busy -= u8::from(std::mem::take(begun));
            }
        }
    }

    /// The directory follows the realm; in doubt the realm is mended from the directory, because what it shows may be a
    /// late write of our own (K5).
    fn triage(&mut self) -> Held {
        let mends = self.keeps(Rule::Doubt);
        let (Some(row), Some(account)) = (&mut self.row, &mut self.account) else { return Ok(()) };
        if row.doubt && mends {
            let mended = Wish::mending(account.native, row.native).onto(account.native);
            account.sessions &= mended.enabled;
            account.off_by_scim |= account.native.enabled && !mended.enabled;
            account.native = mended;
            account.writer = row.epoch;
            row.base = mended;
            return Ok(());
        }
        let late = account.writer != 0 && account.writer < row.committed;
        row.follow(account.native);
        hold(!late, "a late write of ours was taken for an admin's wish (K5)")
    }

    fn lose(&mut self, which: usize) -> At {
        match self.requests[which].1 {
            At::Putting { epoch, wish, .. } => {
                let kind = self.requests[which].0;
                self.late.push(Late::Put { wish, epoch, begun: true });
                let (released, off) = (!self.keeps(Rule::AmbiguousKeepsLease), kind == Kind::Off);
                if let Some(row) = self.row.as_mut().filter(|row| row.epoch == epoch) {
                    row.leased &= !released;
                    row.doubt = true;
                    // In doubt nobody is switched on again.
                    row.native.enabled &= !off;
                }
            }
            _ => self.late.push(Late::Create(nonce_of(which))),
        }
        At::Over
    }

    fn commit(&mut self, kind: Kind, epoch: u8, edits: u8, put: Option<(Native, Wish)>) -> Result<At, String> {
        let ours = self.is_ours(epoch);
        let Some(row) = self.row.as_mut().filter(|_| ours) else { return Ok(At::Over) };
        if let Some((read, wish)) = put {
            row.take(read, wish);
        }
        row.leased = false;
        row.committed = if put.is_some() { epoch } else { row.committed };
        // While a late PUT may still come, what it does is mended.
        let doubt = row.doubt;
        row.logout_owed &= kind != Kind::Off;
        let account = self.account.as_ref();
        let stands = doubt || account.is_none_or(|account| account.edits != edits || !account.native.enabled);
        hold(kind != Kind::Off || stands, "active=false was answered while the realm has the user on (K4)")?;
        let back = self.requests.iter().any(|(kind, at)| *kind == Kind::Back && *at == At::Done);
        let off = self.requests.iter().any(|(kind, at)| *kind == Kind::Off && *at != At::Start)
            || account.is_some_and(|account| account.edits > 0);
        hold(kind != Kind::Back || !back || off, "two creates brought one user back")?;
        Ok(At::Done)
    }

    fn reserve(&mut self, which: usize) -> Result<At, String> {
        if !self.token_alive && self.keeps(Rule::LivingToken) {
            return Ok(At::Refused);
        }
        hold(self.token_alive, "a dead token's request was let in (K1)")?;
        if self.keeps(Rule::Reservation) {
            if self.reservation.is_some() || self.row.is_some() {
                return Ok(At::Refused);
            }
            self.reservation = Some(nonce_of(which));
        }
        Ok(At::Reserved)
    }

    /// The realm takes a user name once.
    fn create(&mut self, nonce: u8) -> bool {
        if self.account.is_some() {
            return false;
        }
        self.account = Some(Account::made(ON, nonce));
        true
    }

    fn make(&mut self, nonce: u8) -> Result<At, String> {
        if self.create(nonce) {
            return Ok(At::Made);
        }
        let own = self.account.as_ref().is_some_and(|account| made(nonce, account.nonce));
        // Without reservations there is no nonce to go by.
        if own || !self.keeps(Rule::Nonce) || !self.keeps(Rule::Reservation) {
            let stranger = self.account.as_ref().is_some_and(|account| account.nonce == 0);
            hold(!stranger, "a stranger was adopted (K2)")?;
            return Ok(At::Made);
        }
        self.reservation = None;
        Ok(At::Refused)
    }

    fn complete(&mut self, nonce: u8) -> Result<At, String> {
        if self.keeps(Rule::Reservation) {
            if self.reservation != Some(nonce) {
                return Ok(if self.row.is_some() { At::Done } else { At::Over });
            }
            self.reservation = None;
        }
        let answered = self.requests.iter().any(|(kind, at)| *kind == Kind::Create && *at == At::Done);
        hold(!answered, "one user was created for two requests (K2)")?;
        self.row = self.account.as_ref().map(|account| Row::of(account.native));
        Ok(At::Done)
    }

    /// A create whose request is gone: finished where the realm has its user, else forgotten.
    fn sweep(&mut self) {
        let Some(nonce) = self.reservation.take() else { return };
        if let Some(account) = self.account.as_mut().filter(|account| made(nonce, account.nonce)) {
            account.role = true;
            self.row = Some(Row::of(account.native));
        }
    }
}

impl Kind {
    /// The document that a request wants, of the one there is.
    fn of(self, document: Native) -> Native {
        match self {
            Self::Off => Native { enabled: false, ..document },
            Self::Name(name) => Native { name, ..document },
            Self::Back => Native { enabled: true, ..document },
            Self::Create => document,
        }
    }
}

impl Account {
    /// As a create makes it: without sessions and without its role.
    pub fn made(native: Native, nonce: u8) -> Self {
        let (sessions, role, off_by_scim) = (false, false, false);
        let (busy, edits, writer) = (0, 0, 0);
        Self { native, sessions, nonce, role, busy, edits, off_by_scim, writer, events: Vec::new() }
    }
}

impl Row {
    pub fn of(native: Native) -> Self {
        let (epoch, committed) = (0, 0);
        Self { native, base: native, epoch, leased: false, logout_owed: false, committed, doubt: false }
    }
}

/// Whose create it is: the request's number.
fn nonce_of(which: usize) -> u8 {
    u8::try_from(which).map_or(u8::MAX, |which| which + 1)
}
