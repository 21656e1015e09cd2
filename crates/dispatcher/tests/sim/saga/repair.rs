//! What looks after a saga: triage, and the sweeper's log-outs.

use super::model::{Native, Row, Rule, Saga};
use super::real::Wish;
use super::step::{Held, hold};

impl Saga {
    /// The directory follows the realm; in doubt the realm is mended from the directory, because what it shows may be a
    /// late write of our own (K5).
    pub fn triage(&mut self) -> Held {
        let Some(account) = &mut self.account else {
            self.row = None;
            return Ok(());
        };
        let Some(row) = &mut self.row else { return self.look_at_a_stranger() };
        let off = row.logout_owed && self.off != Some(Rule::OwedIsOff);
        let may = account.native.enabled || row.on_lately || self.off == Some(Rule::LockedOut);
        let wanted = Native { enabled: row.native.enabled && !off && may, ..row.native };
        let mends = self.off != Some(Rule::Doubt);
        if row.doubt && mends && wanted != account.native {
            let mended = Wish::mending(account.native, wanted).onto(account.native);
            let newer = account.off_by_scim && !account.native.enabled && account.writer > row.committed;
            hold(!newer || !mended.enabled, "whom a request switched off was switched on by ourselves (K5)")?;
            let locked_out = account.writer == 0 && !account.native.enabled && !row.on_lately;
            hold(!locked_out || !mended.enabled, "somebody an admin locked out was let in on a doubt")?;
            row.claim(self.off);
            row.release();
            account.sessions &= mended.enabled;
            account.off_by_scim |= account.native.enabled;
            account.off_by_scim &= !mended.enabled;
            account.native = mended;
            account.writer = row.epoch;
            return Ok(());
        }
        if !account.role {
            // Order: the marker before the row that answers for it.
            if account.marker.take().is_some() {
                row.claim(self.off);
                row.release();
            } else {
                self.row = None;
            }
            return Ok(());
        }
        // In doubt it is what the directory has all the same.
        let late = !(row.doubt && mends) && account.writer != 0 && account.writer < row.committed;
        row.follow(account.native);
        hold(!late, "a late write of ours was taken for an admin's wish (K5)")
    }

    /// Somebody of whom the directory has nothing: a create of ours made it too late, or an admin has it managed.
    fn look_at_a_stranger(&mut self) -> Held {
        let Some(account) = &self.account else { return Ok(()) };
        if account.role {
            let nonce = account.marker.map_or(u8::MAX, |marker| marker.nonce);
            self.row = Some(Row::of(account.native, nonce, true));
        } else if let Some(marker) = account.marker {
            return self.undo(marker.nonce);
        }
        Ok(())
    }

    pub fn pay_logout(&mut self) {
        if let (Some(row), Some(account)) = (&mut self.row, &mut self.account) {
            row.claim(self.off);
            row.release();
            row.logout_owed = false;
            // In doubt it is the directory's word that counts, and nobody else says that the user was to be off.
            row.native.enabled &= !row.doubt || self.off == Some(Rule::PaidIsOff);
            account.sessions = false;
        }
    }
}
