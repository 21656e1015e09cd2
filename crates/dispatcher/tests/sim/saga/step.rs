//! What happens to a saga: the world's part, and the gateway's steps of a change.

use super::model::{Action, At, Kind, Late, Lease, Native, Read, Row, Rule, Saga};
use super::real::Wish;

pub type Held = Result<(), String>;

pub fn hold(condition: bool, sentence: &str) -> Held {
    if condition { Ok(()) } else { Err(sentence.to_owned()) }
}

impl Saga {
    pub fn act(&mut self, action: Action) -> Held {
        match action {
            Action::Step(which) => return self.step(which),
            Action::Ambiguous(which) => {
                self.ambiguous -= 1;
                self.lose(which);
            }
            Action::Crash(which) => {
                self.crashes -= 1;
                self.leave(which);
                self.requests[which].1 = At::Over;
            }
            Action::Lapse => {
                self.freezes -= u8::from(self.is_held());
                self.tardy -= u8::from(!self.late.is_empty());
                self.forget_calls();
                if let Some(row) = &mut self.row {
                    row.lease = Lease::RanOut;
                }
            }
            Action::Land(which) => {
                let late = self.late.remove(which);
                return self.land(late);
            }
            Action::Admin => self.administer(),
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
                    (row.doubt, row.on_lately) = (false, false);
                }
            }
            Action::PayLogout => self.pay_logout(),
            Action::SweepReservation => self.sweep(),
        }
        Ok(())
    }

    fn administer(&mut self) {
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

    fn step(&mut self, which: usize) -> Held {
        let (kind, at) = self.requests[which];
        self.requests[which].1 = match at {
            At::Start if kind == Kind::Create => self.reserve(which)?,
            At::Start => self.claim(kind)?,
            At::Claimed { epoch, wish } => self.begin_put(epoch, wish)?,
            At::Putting { epoch, edits, read, wish } => {
                self.put(epoch, read, wish);
                At::Put { epoch, edits, read, wish }
            }
            At::Put { epoch, wish, .. } if wish.enabled == Some(false) && !self.is_ours(epoch) => At::Over,
            At::Put { epoch, edits, read, wish } => {
                if let Some(account) = self.account.as_mut().filter(|_| wish.enabled == Some(false)) {
                    account.sessions = false;
                }
                match kind {
                    Kind::Delete => At::Leaving { epoch, edits, left: 3 },
                    _ => At::Commit { epoch, edits, put: Some((read.native, wish)) },
                }
            }
            At::Commit { epoch, edits, put } => self.commit(kind, epoch, edits, put)?,
            At::Deleting { epoch } => {
                self.remove(None)?;
                At::Leaving { epoch, edits: 0, left: 1 }
            }
            At::Leaving { epoch, edits, left } => self.take_away(epoch, edits, left)?,
            over @ (At::Done | At::Refused | At::Over) => over,
            creating => self.create(which, creating)?,
        };
        Ok(())
    }

    pub fn is_ours(&self, epoch: u8) -> bool {
        !self.keeps(Rule::OneWriter) || self.row.as_ref().is_some_and(|row| row.epoch == epoch && row.is_held())
    }

    fn claim(&mut self, kind: Kind) -> Result<At, String> {
        if !self.token_alive && self.keeps(Rule::LivingToken) {
            return Ok(At::Refused);
        }
        hold(self.token_alive, "a dead token's request was let in (K1)")?;
        let rules = self.off;
        let owes = self.keeps(Rule::OwedLogout);
        let Some(row) = &mut self.row else { return Ok(At::Refused) };
        let epoch = row.claim(rules);
        // A deactivation whose end nobody saw: the realm may have it or not.
        let unsettled = row.logout_owed && rules != Some(Rule::EndsTheOff);
        let believed = Native { enabled: row.native.enabled && !unsettled, ..row.native };
        if kind == Kind::Back && believed.enabled && rules != Some(Rule::BackOnce) {
            // Whoever came first has brought the user back; for the others the name is taken.
            row.release();
            return Ok(At::Refused);
        }
        if kind == Kind::Delete && !row.adopted {
            return Ok(At::Deleting { epoch });
        }
        row.logout_owed |= owes && kind.switches_off();
        let always = kind.switches_off() && rules != Some(Rule::AlwaysOff) || unsettled;
        let wish = Wish::asked(believed, kind.of(believed), always);
        if wish.is_empty() {
            let edits = self.account.as_ref().map_or(0, |account| account.edits);
            return Ok(At::Commit { epoch, edits, put: None });
        }
        Ok(At::Claimed { epoch, wish })
    }

    /// A fresh read where one is needed, and the PUT is under way.
    fn begin_put(&mut self, epoch: u8, wish: Wish) -> Result<At, String> {
        if !self.is_ours(epoch) {
            return Ok(At::Over);
        }
        let fresh = self.keeps(Rule::FreshRead);
        let Some(row) = &mut self.row else { return Ok(At::Over) };
        let Some(account) = &mut self.account else {
            // Gone from the realm: whoever asks comes again.
            row.release();
            return Ok(At::Over);
        };
        hold(account.busy == 0, "two PUTs to one user overlap (K1, K5)")?;
        account.busy += 1;
        let read = account.read();
        let switches = wish.enabled.is_some();
        let wish = if fresh { wish } else { Wish::all(wish.onto(row.native)) };
        let asked = switches || wish.onto(read.native).enabled == read.native.enabled;
        hold(asked, "a request switched the user that did not ask for it (K3)")?;
        Ok(At::Putting { epoch, edits: account.edits, read, wish })
    }

    /// A switch is written by itself; any other change with all that was read.
    pub fn put(&mut self, epoch: u8, read: Read, wish: Wish) {
        let believed = !self.keeps(Rule::OnlyMarks);
        if let Some(account) = &mut self.account {
            account.busy -= 1;
            let native = if wish.is_merged() { wish.onto(account.native) } else { wish.onto(read.native) };
            if !wish.is_merged() {
                account.marker = read.marker;
            }
            account.off_by_scim |= wish.enabled == Some(false);
            account.off_by_scim &= !native.enabled;
            account.native = native;
            account.writer = epoch;
            account.events.extend(believed.then_some(native));
        }
    }

    fn land(&mut self, late: Late) -> Held {
        match late {
            Late::Put { wish, read, epoch, begun } => {
                if let Some(account) = &mut self.account {
                    account.busy += u8::from(!begun);
                }
                self.put(epoch, read, wish);
            }
            Late::Delete(marker) => self.remove(Some(marker))?,
            Late::Create(nonce) => drop(self.make(nonce)),
            Late::Adopt(nonce, read) => self.take_over(nonce, read),
        }
        Ok(())
    }

    /// Keycloak deletes a user; a call that comes late names one of another id.
    fn remove(&mut self, whose: Option<Option<super::real::Marker>>) -> Held {
        let Some(account) = self.account.take_if(|account| whose.is_none_or(|whose| whose == account.marker)) else {
            return Ok(());
        };
        hold(!account.native_born, "somebody was deleted who was there before SCIM (K2)")
    }

    /// Nobody holds off others any more for calls that have not come: Keycloak begins them some time later.
    fn forget_calls(&mut self) {
        for late in &mut self.late {
            if let (Late::Put { begun, .. }, Some(account)) = (late, &mut self.account) {
                account.busy -= u8::from(std::mem::take(begun));
            }
        }
    }

    /// The call that a request has under way goes its own way.
    fn leave(&mut self, which: usize) {
        let late = match self.requests[which].1 {
            At::Putting { epoch, wish, read, .. } => Late::Put { wish, read, epoch, begun: true },
            At::Deleting { .. } => Late::Delete(self.account.as_ref().and_then(|account| account.marker)),
            At::Creating => Late::Create(nonce_of(which)),
            At::Adopting { read } => Late::Adopt(nonce_of(which), read),
            _ => return,
        };
        self.late.push(late);
    }

    fn lose(&mut self, which: usize) {
        let (kind, at) = self.requests[which];
        self.leave(which);
        if let At::Putting { epoch, .. } | At::Deleting { epoch } = at {
            let released = !self.keeps(Rule::AmbiguousKeepsLease);
            if let Some(row) = self.row.as_mut().filter(|row| row.epoch == epoch) {
                let off = kind.switches_off() && (kind != Kind::Delete || row.adopted);
                row.lease = if released { Lease::Free } else { row.lease };
                row.doubt = true;
                // In doubt nobody is switched on again.
                row.native.enabled &= !off;
                row.on_lately &= !off;
            }
        }
        self.requests[which].1 = At::Over;
    }

    fn commit(&mut self, kind: Kind, epoch: u8, edits: u8, put: Option<(Native, Wish)>) -> Result<At, String> {
        let ours = self.is_ours(epoch);
        let Some(row) = self.row.as_mut().filter(|_| ours) else { return Ok(At::Over) };
        if let Some((read, wish)) = put {
            row.take(read, wish);
            row.committed = epoch;
            row.logout_owed &= wish.enabled.is_none();
            row.on_lately = wish.enabled.unwrap_or(row.on_lately);
        }
        row.release();
        // While a late PUT may still come, what it does is mended.
        let doubt = row.doubt;
        let mended_to = doubt && row.native.enabled && !row.logout_owed;
        let account = self.account.as_ref();
        let stands = doubt || account.is_none_or(|account| account.edits != edits || !account.native.enabled);
        hold(kind != Kind::Off || stands, "active=false was answered while the realm has the user on (K4)")?;
        let on = mended_to || account.is_none_or(|account| account.edits > 0 || account.native.enabled);
        hold(kind != Kind::On || on, "active=true was answered while the realm has the user off")?;
        let back = self.requests.iter().any(|(kind, at)| *kind == Kind::Back && *at == At::Done);
        let off = self.requests.iter().any(|(kind, at)| kind.switches_off() && *at != At::Start)
            || account.is_some_and(|account| account.edits > 0);
        hold(kind != Kind::Back || !back || off, "two creates brought one user back")?;
        Ok(At::Done)
    }

    /// The role, the marker, the row.
    fn take_away(&mut self, epoch: u8, edits: u8, left: u8) -> Result<At, String> {
        if !self.is_ours(epoch) {
            return Ok(At::Over);
        }
        let late = self.row.as_ref().is_some_and(|row| row.doubt);
        let left = match (left, &mut self.account) {
            (3, Some(account)) => {
                account.role = false;
                2
            }
            (2, Some(account)) => {
                account.marker = None;
                1
            }
            (_, account) => {
                let stands = late || account.as_ref().is_none_or(|a| a.edits != edits || !a.native.enabled);
                hold(stands, "somebody was let go of and may log in")?;
                self.row = None;
                return Ok(At::Done);
            }
        };
        Ok(At::Leaving { epoch, edits, left })
    }
}

impl Kind {
    /// The document that a request wants, of the one there is.
    fn of(self, document: Native) -> Native {
        match self {
            Self::Off | Self::Delete => Native { enabled: false, ..document },
            Self::Name(name) => Native { name, ..document },
            Self::On | Self::Back => Native { enabled: true, ..document },
            Self::Create => document,
        }
    }

    /// Whoever is let go of is switched off first.
    pub fn switches_off(self) -> bool {
        matches!(self, Self::Off | Self::Delete)
    }
}

impl Row {
    /// A lease is taken: by a request, or for repair.
    pub fn claim(&mut self, off: Option<Rule>) -> u8 {
        self.doubt |= self.lease == Lease::RanOut && off != Some(Rule::DeadWriter);
        self.lease = Lease::Held;
        self.epoch += 1;
        self.epoch
    }

    pub fn release(&mut self) {
        self.lease = Lease::Free;
    }
}

/// Whose create it is: the request's number.
pub fn nonce_of(which: usize) -> u8 {
    u8::try_from(which).map_or(u8::MAX, |which| which + 1)
}
