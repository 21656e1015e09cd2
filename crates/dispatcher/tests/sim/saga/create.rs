//! A create's steps: reservation, realm, role, row; and the sweeper's, where its request is gone.

use super::model::{Account, At, Kind, ON, Read, Reservation, Row, Rule, Saga};
use super::real::{Marker, Wish, made};
use super::step::{Held, hold, nonce_of};

impl Saga {
    pub fn reserve(&mut self, which: usize) -> Result<At, String> {
        if !self.token_alive && self.keeps(Rule::LivingToken) {
            return Ok(At::Refused);
        }
        hold(self.token_alive, "a dead token's request was let in (K1)")?;
        if self.keeps(Rule::Reservation) {
            if self.reservation.is_some() || self.row.is_some() {
                return Ok(At::Refused);
            }
            self.reservation = Some(Reservation { nonce: nonce_of(which), adopts: false });
        }
        Ok(At::Reserved)
    }

    pub fn create(&mut self, which: usize, at: At) -> Result<At, String> {
        let nonce = nonce_of(which);
        Ok(match at {
            At::Reserved if self.is_reserved(nonce) => At::Creating,
            At::Reserved => At::Over,
            At::Creating => self.created(nonce)?,
            At::Found => self.begin_adoption(nonce),
            At::Adopting { read } => {
                self.take_over(nonce, read);
                At::Made
            }
            At::Made if self.is_reserved(nonce) => {
                if let Some(account) = &mut self.account {
                    account.role = true;
                }
                At::Granted
            }
            At::Granted if self.is_reserved(nonce) => self.complete(nonce)?,
            At::Made | At::Granted => At::Overtaken,
            At::Overtaken => self.take_back(nonce)?,
            other => other,
        })
    }

    /// To be asked before a call: whether the reservation is this request's still.
    fn is_reserved(&self, nonce: u8) -> bool {
        !self.keeps(Rule::Reservation) || self.reservation.is_some_and(|reservation| reservation.nonce == nonce)
    }

    /// The realm takes a user name once.
    pub fn make(&mut self, nonce: u8) -> bool {
        if self.account.is_some() {
            return false;
        }
        self.account = Some(Account::made(ON, Some(Marker { nonce, adopted: false })));
        true
    }

    fn created(&mut self, nonce: u8) -> Result<At, String> {
        if self.make(nonce) {
            return Ok(At::Made);
        }
        let Some(account) = &self.account else { return Ok(At::Over) };
        // Without reservations there is no nonce to go by.
        let own = made(Reservation { nonce, adopts: false }, account.marker);
        if own || !self.keeps(Rule::Nonce) || !self.keeps(Rule::Reservation) {
            hold(account.marker.is_some(), "a stranger was adopted (K2)")?;
            return Ok(At::Made);
        }
        if self.is_left_over(account) && account.marker.is_some_and(|marker| !marker.adopted) {
            // It will be found and deleted: who is told of a conflict now would not create again.
            self.abandon(nonce);
            return Ok(At::Over);
        }
        if self.adopts && account.marker.is_none() && !account.role {
            return Ok(At::Found);
        }
        self.abandon(nonce);
        Ok(At::Refused)
    }

    /// Noted before the realm is written, so that whoever ends this create never deletes that user.
    fn begin_adoption(&mut self, nonce: u8) -> At {
        let notes = self.keeps(Rule::NotedAdoption);
        let ours = self.reservation.as_mut().filter(|reservation| reservation.nonce == nonce);
        let (Some(reservation), Some(account)) = (ours, &mut self.account) else { return At::Over };
        reservation.adopts = notes;
        At::Adopting { read: account.read() }
    }

    /// A write of all that was read, with our marker and what the request says.
    pub fn take_over(&mut self, nonce: u8, read: Read) {
        let adopted = self.keeps(Rule::NotedAdoption);
        if let Some(account) = &mut self.account {
            account.native = Wish::asked(read.native, ON, false).onto(read.native);
            account.marker = Some(Marker { nonce, adopted });
        }
    }

    fn complete(&mut self, nonce: u8) -> Result<At, String> {
        let adopted = self.reservation.is_some_and(|reservation| reservation.adopts);
        self.abandon(nonce);
        if self.row.is_some() && self.keeps(Rule::Reservation) {
            // Taken in meanwhile, with its role: it is left alone.
            return Ok(At::Refused);
        }
        let answered = self.requests.iter().any(|(kind, at)| *kind == Kind::Create && *at == At::Done);
        let left = self.requests.iter().any(|(kind, at)| *kind == Kind::Delete && *at != At::Start);
        hold(!answered || left, "one user was created for two requests (K2)")?;
        self.row = self.account.as_ref().map(|account| Row::of(account.native, nonce, adopted));
        Ok(At::Done)
    }

    /// The sweeper was faster. Either the user is there all the same, or nobody answers for it.
    fn take_back(&mut self, nonce: u8) -> Result<At, String> {
        if self.row.as_ref().is_some_and(|row| row.nonce == nonce) {
            return Ok(At::Done);
        }
        if !self.answers_for(nonce) {
            self.undo(nonce)?;
        }
        Ok(At::Over)
    }

    /// What a create made is undone: deleted, or let go of if it was there before.
    pub fn undo(&mut self, nonce: u8) -> Held {
        let Some(account) = self.account.as_mut().filter(|a| a.marker.is_some_and(|m| m.nonce == nonce)) else {
            return Ok(());
        };
        if account.marker.is_some_and(|marker| marker.adopted) {
            (account.role, account.marker) = (false, None);
            return Ok(());
        }
        hold(!account.native_born, "somebody was deleted who was there before SCIM (K2)")?;
        self.account = None;
        Ok(())
    }

    fn abandon(&mut self, nonce: u8) {
        self.reservation.take_if(|reservation| reservation.nonce == nonce);
    }

    /// A create whose request is gone, or frozen: finished where the realm has its user, else forgotten.
    pub fn sweep(&mut self) {
        let Some(reservation) = self.reservation.take() else { return };
        self.freezes -= u8::from(self.is_attended(reservation));
        self.tardy -= u8::from(!self.late.is_empty());
        if let Some(account) = self.account.as_mut().filter(|account| made(reservation, account.marker)) {
            account.role = true;
            self.row = Some(Row::of(account.native, reservation.nonce, reservation.adopts));
        }
    }
}
