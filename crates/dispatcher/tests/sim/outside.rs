//! What happens to a world from outside its workers: edits in the realm and their capture, inbound writes, and the
//! operator's switch with its baseline.

use directory::ledger::protocol::{LEASE, NORMAL};
use scim::Object;
use scim::native::{self, Native};
use serde_json::json;

use crate::downstream::{Application, Record};
use crate::realm::{Edit, Event, Person};
use crate::rules::Rule;
use crate::world::{Account, Entry, Observed, Violation, World, Write};

impl Entry {
    fn object(&self) -> Object {
        let mut object = Object::new();
        object.insert("userName".to_owned(), json!("User"));
        object.insert("active".to_owned(), json!(self.document.enabled));
        let mut name = json!({ "familyName": format!("v{:06}", self.document.family) });
        if self.document.given > 0 {
            let space = if self.spelled { " " } else { "" };
            name["givenName"] = json!(format!("name{}{space}", self.document.given));
        }
        object.insert("name".to_owned(), name);
        object
    }

    fn native(person: Person) -> Native {
        let user = person.user(0);
        Native {
            user_name: "user".to_owned(),
            email: None,
            given_name: user.first_name,
            family_name: user.last_name,
            active: person.enabled,
            external_id: None,
        }
    }

    /// The real difference, applied: from the base, or, without K12, from the document itself.
    pub fn follow(&mut self, fresh: Person, by_base: bool) {
        let mut object = self.object();
        let base = if by_base { Self::native(self.base) } else { Native::of(&object) };
        self.base = fresh;
        let fresh = Self::native(fresh);
        if base == fresh || native::follow(&mut object, &base, &fresh).is_empty() {
            return;
        }
        let told = Native::of(&object);
        let number = |text: Option<String>, skip: usize| {
            text.and_then(|text| text.get(skip..).and_then(|digits| digits.trim().parse::<u16>().ok())).unwrap_or(0)
        };
        self.spelled = told.given_name.as_ref().is_some_and(|given| given.ends_with(' '));
        self.document = Person {
            enabled: told.active,
            given: u8::try_from(number(told.given_name, 4)).unwrap_or(0),
            family: number(told.family_name, 1),
        };
    }
}

impl World {
    pub fn edit(&mut self, tenant: u8, place: u8, edit: Edit, touch: bool) {
        let account = self.account_mut(tenant, place);
        let Some(person) = account.person else { return };
        account.person = edit.of(person);
        account.version += 1;
        if account.person.is_none() {
            account.entry = None;
        }
        let urgent = account.person.is_some_and(|person| !person.enabled);
        account.off_acknowledged &= urgent;
        account.events.push(Event { touch, urgent });
    }

    /// Capture marks what waits; a doubled event marks once more.
    pub fn capture(&mut self, tenant: u8, place: u8, doubled: bool) {
        let now = self.now;
        let account = self.account_mut(tenant, place);
        let event = if doubled { account.events.first().copied() } else { Some(account.events.remove(0)) };
        if let Some(event) = event {
            account.mark(now, false, event.touch);
        }
    }

    /// One step of an inbound write that switches the user off or on: claim, realm, commit.
    pub fn write(&mut self, tenant: u8, place: u8) {
        let (now, accepts) = (self.now, self.rules.keeps(Rule::AcceptedIsPushed));
        let generation = self.tenants[usize::from(tenant)].target.generation;
        let account = self.account_mut(tenant, place);
        let (Some(entry), Some(person)) = (&mut account.entry, account.person) else {
            account.write = None;
            return;
        };
        match account.write {
            None => {
                entry.write_epoch += 1;
                entry.write_until = now + LEASE;
                account.write = Some(Write { epoch: entry.write_epoch, written: None });
            }
            Some(Write { epoch, written: None }) => {
                self.edit(tenant, place, Edit::Toggle, false);
                let account = self.account_mut(tenant, place);
                let written = Person { enabled: !person.enabled, ..person };
                account.write = Some(Write { epoch, written: Some((written, account.version)) });
            }
            Some(Write { epoch, written: Some((written, version)) }) => {
                account.write = None;
                if entry.write_epoch == epoch {
                    entry.follow(written, true);
                    entry.write_until = 0;
                    entry.committed = version;
                    let shown = account.link.id.is_some() && account.link.verified == generation;
                    let in_doubt = !account.ledger.owed() && !shown;
                    account.mark(now, !written.enabled, accepts && in_doubt);
                    account.exempt = [None; 2];
                }
            }
        }
    }

    /// The first half of a disable: the target is off, the generation moves (K25).
    pub fn disable(&mut self, tenant: u8) {
        let target = &mut self.tenants[usize::from(tenant)].target;
        target.generation += 1;
        (target.active, target.draining) = (false, true);
    }

    /// Nothing of an older generation is in flight.
    pub fn is_drained(&self, tenant: u8) -> bool {
        let tenant = &self.tenants[usize::from(tenant)];
        let old = |account: &&Account| {
            account.lease_generation.is_some_and(|generation| generation < tenant.target.generation)
                && account.ledger.leased(self.now)
        };
        !self.rules.keeps(Rule::DisableDrains) || !tenant.accounts.iter().any(|account| old(&account))
    }

    /// The second half: the operator is told.
    pub fn answer_disable(&mut self, tenant: u8) {
        let target = &mut self.tenants[usize::from(tenant)].target;
        (target.draining, target.answered_off) = (false, true);
    }

    /// Enables the downstream: the same workspace, or behind the same URL another one, full of strangers.
    pub fn enable(&mut self, tenant: u8, other: bool) {
        let forgets = !self.rules.keeps(Rule::EnableKeeps);
        let tenant = &mut self.tenants[usize::from(tenant)];
        let first = !tenant.target.known;
        let target = &mut tenant.target;
        target.generation += 1;
        (target.active, target.known, target.baseline_due) = (true, true, true);
        (target.quarantined, target.paused_until, target.answered_off) = (false, 0, false);
        if other {
            let strangers = tenant.application.records.iter().map(|record| Record { owner: None, ..*record });
            tenant.application = Application {
                records: strangers.collect(),
                workspace: tenant.application.workspace + 1,
                ..tenant.application.clone()
            };
        }
        for account in &mut tenant.accounts {
            let linked = account.link.id.is_some() || account.link.intent_at.is_some();
            let owed = account.ledger.owed() || account.observed != account.person.map(Observed::Is);
            if other {
                account.applied.clear();
            }
            if first && !linked || forgets {
                let row = &mut account.ledger;
                (row.acked_seq, row.owed_seq) = (row.dirty_seq, row.dirty_seq);
                (row.reassert_seq, row.attempts, row.lane) = (None, 0, NORMAL);
            }
            let settled = first && !linked || other && !owed;
            if settled {
                let seen = account.observed.and_then(|observed| match observed {
                    Observed::Is(person) => Some(person),
                    Observed::Gone => None,
                });
                account.exempt = [account.person, seen];
            }
        }
    }

    /// The baseline marks whoever is linked and differs from what was sent (K24).
    pub fn baseline(&mut self, tenant: u8) {
        let (now, place) = (self.now, usize::from(tenant));
        self.tenants[place].target.baseline_due = false;
        for account in &mut self.tenants[place].accounts {
            if let Some(person) = account.person
                && account.link.id.is_some()
                && account.link.sent != Some(person)
            {
                account.mark(now, !person.enabled, true);
            }
        }
    }

    /// What must hold once nothing is left to do.
    pub fn at_rest(&self) -> Result<(), Violation> {
        for tenant in &self.tenants {
            for (place, account) in (0..).zip(&tenant.accounts) {
                crate::checks::at_rest(tenant, account, place)?;
            }
        }
        Ok(())
    }
}
