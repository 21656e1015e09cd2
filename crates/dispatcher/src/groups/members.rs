//! The calls of a group's round: a look at its record, its name, its members. What a call may do is noted before it, what it
//! did after it.

use std::collections::BTreeSet;

use directory::ledger::{self, Mark};
use directory::pushed_member::{self, Member};
use downstream::{Outcome, Remote};
use serde_json::Value;

use super::{CALLS, Joining, Record, Went, plan};
use crate::ended::Ended;
use crate::round::{Error, Round};
use crate::verdict::is_members_own;

const PATCH: &str = "PATCH /Groups/{id}";

impl Round<'_> {
    /// Reads the record, and remembers who stands in it. Its id is emptied where it is not ours.
    pub(super) async fn look(&mut self, record: &mut Record) -> Result<Option<Went>, Error> {
        let (client, id) = (self.client.clone(), record.id.clone());
        let Some(mut read) = self.call("GET /Groups/{id}", &[], client.read(&id)).await? else {
            return Ok(Some(Went::Away));
        };
        let mut complete = true;
        if let Outcome::Ok(answer) = &read
            && answer.body.is_none()
        {
            // Too long to be read with all its members.
            complete = false;
            let without = self.call("GET /Groups/{id}", &[], client.read_without_members(&id)).await?;
            let Some(without) = without else { return Ok(Some(Went::Away)) };
            read = without;
        }
        let remote = match read {
            Outcome::Ok(answer) => answer.body.as_ref().and_then(Remote::read),
            Outcome::NotFound(answer) => return Ok(Some(Went::Lost(answer))),
            other => return Ok(Some(Went::Over(self.failed(&other)))),
        };
        (record.looked, record.missing) = (true, false);
        // A record that is not ours is no group we may touch (K22), unless a person linked it.
        let Some(remote) = remote.filter(|remote| self.is_ours(remote) || self.link.adopted) else {
            record.id.clear();
            return Ok(Some(Went::On));
        };
        let text = |name: &str| remote.resource.get(name).and_then(Value::as_str).unwrap_or_default();
        text("displayName").clone_into(&mut record.stands_as);
        record.differs = record.name.as_ref().is_some_and(|name| *name != record.stands_as || !self.is_ours(&remote));
        let (db, held) = (&self.deps.db, self.claimed());
        let shown = if complete { standing(&remote) } else { BTreeSet::new() };
        let records: Vec<String> = shown.iter().cloned().collect();
        let remembered = pushed_member::learn(db, &held, &records).await?;
        // Without PATCH all that is sent is what is shown, and who is to join or to leave.
        let says = complete && !(self.target.supports_patch && pushed_member::hides(db, &held).await?);
        record.records = says.then_some(shown);
        // What it was given once may not be what it is called now, and the next round need not look again.
        let named = record.name.as_ref().filter(|_| !record.differs);
        self.link.digests = named.map(|name| self.naming_digests(name)).unwrap_or_default();
        Ok(Some(if remembered { Went::On } else { Went::Away }))
    }

    /// Asks whose the records of some members are: nobody joins a group under a stranger's (K22).
    pub(super) async fn verify(&mut self, members: &[Member]) -> Result<Went, Error> {
        let room = CALLS.saturating_sub(self.attempts.len()).max(1);
        let (_, went) = self.ask(&members[..members.len().min(room)]).await?;
        Ok(went)
    }

    /// Asks for members one by one; how many of them are not shown to have a record of theirs there. The users' own rounds see
    /// to those, and have them join afterwards.
    async fn ask(&mut self, members: &[Member]) -> Result<(usize, Went), Error> {
        let (client, mut strangers) = (self.client.users(), 0);
        for member in members {
            let Some(read) = self.call("GET /Users/{id}", &[], client.read(&member.downstream_id)).await? else {
                return Ok((strangers, Went::Away));
            };
            let ours = match read {
                Outcome::Ok(answer) => {
                    let remote = answer.body.as_ref().and_then(Remote::read);
                    let theirs = member.user_id.to_string();
                    remote.is_some_and(|remote| remote.external_id.as_deref() == Some(theirs.as_str()))
                }
                other if is_members_own(&other, self.claim.row.state.attempts) => false,
                other => return Ok((strangers, Went::Over(self.failed(&other)))),
            };
            let generation = ours.then_some(self.target.generation);
            pushed_member::verified(&self.deps.db, &self.claimed(), member, generation).await?;
            if !ours {
                strangers += 1;
                let mark = Mark { reassert: true, ..Mark::default() };
                ledger::mark(self.deps.db.connection(), self.tenant, member.user_id, &mark).await?;
            }
        }
        Ok((strangers, Went::On))
    }

    pub(super) async fn remove(&mut self, record: &mut Record, members: &[Member]) -> Result<Went, Error> {
        let held = self.claimed();
        let members = if record.alone { &members[..members.len().min(1)] } else { members };
        if !pushed_member::leaving(&self.deps.db, &held, members).await? {
            return Ok(Went::Away);
        }
        let outcome = self.patch(record, "members", &plan::removal(members)).await?;
        // Of a group that was read just now, it is not the group that is missing.
        let unreadable = record.looked && record.records.is_none();
        match &outcome {
            Some(missing @ Outcome::NotFound(_)) if !record.looked => {
                record.missing = true;
                Ok(Went::Refused(self.failed(missing)))
            }
            Some(Outcome::Rejected(_) | Outcome::NotFound(_)) if unreadable => {
                self.refused_removal(record, members, outcome).await
            }
            Some(Outcome::Ok(_)) => self.left(members).await,
            _ => Ok(self.went(outcome)),
        }
    }

    /// One member who is not there is enough for some servers to refuse a removal, and a group that hides members does not say
    /// who: they are taken out one by one, and whoever is shown not to be there is not.
    async fn refused_removal(
        &mut self,
        record: &mut Record,
        members: &[Member],
        outcome: Option<Outcome>,
    ) -> Result<Went, Error> {
        let [member] = members else {
            record.alone = true;
            return Ok(Went::On);
        };
        let absent = match &outcome {
            Some(Outcome::Rejected(answer)) => {
                // Whom it took out once, it would take out again.
                plan::says_no_target(answer.body.as_ref())
                    || pushed_member::was_taken_out(&self.deps.db, &self.claimed(), member).await?
                    || self.is_gone(member).await?
            }
            _ => true,
        };
        if absent { self.left(members).await } else { Ok(self.went(outcome)) }
    }

    /// Whose record is gone stands in no group.
    async fn is_gone(&mut self, member: &Member) -> Result<bool, Error> {
        let client = self.client.users();
        let read = self.call("GET /Users/{id}", &[], client.read(&member.downstream_id)).await?;
        Ok(matches!(read, Some(Outcome::NotFound(answer)) if answer.body.is_some()))
    }

    async fn left(&self, members: &[Member]) -> Result<Went, Error> {
        let ours = pushed_member::removed(&self.deps.db, &self.claimed(), members).await?;
        Ok(if ours { Went::On } else { Went::Away })
    }

    pub(super) async fn add(&mut self, record: &mut Record, members: &[Member]) -> Result<Went, Error> {
        let held = self.claimed();
        let members = &members[..members.len().min(record.joining.at_once)];
        if !pushed_member::unsure(&self.deps.db, &held, members).await? {
            return Ok(Went::Away);
        }
        let outcome = self.patch(record, "members", &plan::addition(members)).await?;
        let went = self.went(outcome);
        self.over(&went, members).await?;
        record.missing |= matches!(went, Went::Lost(_));
        match went {
            Went::On if self.joined(members).await? => {
                record.joining.began = true;
                Ok(Went::On)
            }
            Went::On => Ok(Went::Away),
            Went::Refused(ended) => self.refused_addition(record, members, ended).await,
            // One member who is not there any more is enough; the others are not kept waiting for it.
            Went::Lost(_) => match self.ask(members).await? {
                (0, Went::On) => Ok(went),
                // Nobody may be left to be added; it may have been the group that was missing.
                (_, Went::On) => Ok(self.look(record).await?.unwrap_or(Went::On)),
                (_, went) => Ok(went),
            },
            went => Ok(went),
        }
    }

    /// One member is enough for a refusal of all: fewer join at once, until that one is found. If it has a record of its own, the
    /// group is parked for it when everybody else has joined.
    async fn refused_addition(&mut self, record: &mut Record, members: &[Member], ended: Ended) -> Result<Went, Error> {
        if members.len() > 1 {
            record.joining.at_once = members.len() / 2;
            return Ok(Went::On);
        }
        let (strangers, went) = self.ask(members).await?;
        if !matches!(went, Went::On) {
            return Ok(went);
        }
        record.joining.at_once = Joining::default().at_once;
        if strangers == 0 {
            record.joining.refused.extend(members.iter().map(|member| member.user_id));
            record.joining.refusal.get_or_insert(ended);
        }
        Ok(Went::On)
    }

    /// An addition nobody waits for any more may arrive after whoever has the claim by then took its members out.
    async fn over(&self, went: &Went, members: &[Member]) -> Result<(), Error> {
        if matches!(went, Went::Over(_)) {
            pushed_member::late(&self.deps.db, &self.claimed(), members).await?;
        }
        Ok(())
    }

    /// Remembers who was added; not if the claim went away meanwhile.
    async fn joined(&self, members: &[Member]) -> Result<bool, Error> {
        let (db, held) = (&self.deps.db, self.claimed());
        let ours = pushed_member::added(db, &held, members).await?;
        if !ours {
            pushed_member::late(db, &held, members).await?;
        }
        Ok(ours)
    }

    pub(super) async fn rename(&mut self, record: &mut Record) -> Result<Went, Error> {
        let name = record.name.clone().unwrap_or_default();
        let outcome = self.patch(record, "displayName", &plan::naming(self.subject.id, &name)).await?;
        let went = self.went(outcome);
        if matches!(went, Went::On) {
            (record.differs, record.named) = (false, true);
            self.link.digests = self.naming_digests(&name);
            // Under a claim that went away meanwhile, somebody else may have named it since.
            if !pushed_member::unsure(&self.deps.db, &self.claimed(), &[]).await? {
                return Ok(Went::Away);
            }
        }
        Ok(went)
    }

    async fn patch(&mut self, record: &Record, changed: &str, with: &[Value]) -> Result<Option<Outcome>, Error> {
        self.kind = Some("group");
        let client = self.client.clone();
        self.call(PATCH, &[changed.to_owned()], client.patch(&record.id, with)).await
    }

    /// Replaces the whole group, for a target without PATCH; whoever else stands in it stays.
    pub(super) async fn put(
        &mut self,
        record: &mut Record,
        missing: &[Member],
        surplus: &[Member],
    ) -> Result<Went, Error> {
        let Some(mut records) = record.records.clone() else {
            return Ok(Went::Over(Ended::park("too large", None)));
        };
        let held = self.claimed();
        let noted = pushed_member::unsure(&self.deps.db, &held, missing).await?
            && pushed_member::leaving(&self.deps.db, &held, surplus).await?;
        if !noted {
            return Ok(Went::Away);
        }
        records.retain(|id| surplus.iter().all(|member| member.downstream_id != *id));
        records.extend(missing.iter().map(|member| member.downstream_id.clone()));
        let name = record.name.clone().unwrap_or_else(|| record.stands_as.clone());
        let whole = plan::whole(self.subject.id, &name, &records);
        let names = ["displayName".to_owned(), "members".to_owned()];
        self.kind = Some("group");
        let client = self.client.clone();
        let outcome = self.call("PUT /Groups/{id}", &names, client.replace(&record.id, &whole)).await?;
        let went = self.went(outcome);
        self.over(&went, missing).await?;
        if !matches!(went, Went::On) {
            return Ok(went);
        }
        (record.differs, record.named) = (false, true);
        record.records = Some(records);
        self.link.digests = self.naming_digests(&name);
        let db = &self.deps.db;
        let noted = self.joined(missing).await? && pushed_member::removed(db, &held, surplus).await?;
        Ok(if noted { Went::On } else { Went::Away })
    }

    fn went(&self, outcome: Option<Outcome>) -> Went {
        match outcome {
            None => Went::Away,
            Some(Outcome::Ok(_)) => Went::On,
            Some(Outcome::NotFound(answer)) => Went::Lost(answer),
            Some(refused @ Outcome::Rejected(_)) => Went::Refused(self.failed(&refused)),
            Some(other) => Went::Over(self.failed(&other)),
        }
    }
}

/// Whom a group shows to stand in it; nobody is absent for not being shown.
pub(crate) fn standing(remote: &Remote) -> BTreeSet<String> {
    let members = remote.resource.get("members").and_then(Value::as_array);
    let value = |member: &Value| member.get("value").and_then(Value::as_str).map(str::to_owned);
    members.into_iter().flatten().filter_map(value).collect()
}
