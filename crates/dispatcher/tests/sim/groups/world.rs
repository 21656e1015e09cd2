//! A world of groups: users with and without records downstream, the groups they are in, the ledger's rows of those, and
//! workers at some point of their rounds.

use std::collections::{BTreeMap, BTreeSet};

use directory::ledger::protocol::{Event as Step, LEASE, NEVER, Stage, State};

use super::application::{Application, Call, Pair};
use super::round::Worker;
use crate::downstream::Fault;
use crate::rules::{Rule, Rules};
use crate::world::{SECOND, Violation, hold};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    pub id: Option<u16>,
    pub verified: i64,
    pub sent: Option<u8>,
    pub intent_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What the directory calls it; nothing once it is gone from there.
    pub name: Option<u8>,
    pub members: BTreeSet<u8>,
    /// Its row, if it was ever marked.
    pub ledger: Option<State>,
    pub lease_generation: Option<i64>,
    pub link: Link,
    /// Who stands in it as far as we brought it about.
    pub pushed: BTreeMap<Pair, Stands>,
    /// Who of them is being taken out, and under which claim.
    pub leaving: BTreeMap<Pair, i64>,
    // What only the checks know.
    /// Its record was taken away or became a stranger's, and no call of ours has noticed yet.
    pub robbed: bool,
    /// The mark it was parked for.
    pub parked_seq: Option<i64>,
}

/// How a member stands in a group, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    Sure,
    Unsure,
    /// Taken out, while a late write could still put them back.
    TakenOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct User {
    /// Its record, and the generation it was last shown to be its own in.
    pub link: Option<(u16, i64)>,
    /// Its own round is to make or find its record.
    pub owed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the target, or what the operator was told")]
pub struct Target {
    pub generation: i64,
    pub active: bool,
    pub draining: bool,
    pub answered_off: bool,
    pub pushes: bool,
    pub paused_until: i64,
}

/// A request that nobody waits for any more and that is done later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flying {
    pub group: u8,
    pub call: Call,
    pub workspace: u8,
    pub lands_by: i64,
}

/// What may still happen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    pub edits: u8,
    pub faults: u8,
    pub freezes: u8,
    pub crashes: u8,
    pub thefts: u8,
    pub switches: u8,
}

#[derive(Debug, Clone)]
pub struct World {
    pub now: i64,
    pub rules: Rules,
    pub target: Target,
    pub application: Application,
    pub users: Vec<User>,
    pub groups: Vec<Group>,
    pub workers: Vec<Worker>,
    pub flying: Vec<Flying>,
    pub budget: Budget,
    /// What calls may meet.
    pub faults: Vec<Fault>,
}

impl World {
    pub fn keeps(&self, rule: Rule) -> bool {
        self.rules.keeps(rule)
    }

    pub fn group(&self, group: u8) -> &Group {
        &self.groups[usize::from(group)]
    }

    pub fn group_mut(&mut self, group: u8) -> &mut Group {
        &mut self.groups[usize::from(group)]
    }

    pub fn user(&self, user: u8) -> User {
        self.users[usize::from(user)]
    }

    pub fn all_groups(&self) -> impl Iterator<Item = u8> + use<> {
        0..u8::try_from(self.groups.len()).unwrap_or(u8::MAX)
    }

    /// Sends go out now.
    pub fn is_open(&self) -> bool {
        self.target.active && self.target.pushes && self.target.paused_until <= self.now
    }

    /// A group may have changed: nothing is stored for a target that is pushed none.
    pub fn mark(&mut self, group: u8) {
        if !self.target.pushes {
            return;
        }
        let now = self.now;
        let held = self.group_mut(group);
        let row = held.ledger.take().unwrap_or_else(|| State::first(now));
        held.ledger = Some(row.step(Step::Mark { now, urgent: false, reassert: false }).0);
    }

    pub fn mark_linked(&mut self) {
        for group in self.all_groups() {
            if self.group(group).link.id.is_some() {
                self.mark(group);
            }
        }
    }

    /// What was marked is owed, in one statement, which needs no claim.
    pub fn owe(&mut self, group: u8) {
        let now = self.now;
        if let Some(row) = &mut self.group_mut(group).ledger {
            (row.seen_seq, row.owed_seq) = (row.dirty_seq, row.dirty_seq);
            (row.next_at, row.attempts) = (now, 0);
        }
    }

    pub fn is_to_be_owed(&self, group: u8) -> bool {
        let row = self.group(group).ledger.as_ref();
        row.is_some_and(|row| row.dirty_seq > row.seen_seq && row.triage_at <= self.now && !row.leased(self.now))
    }

    pub fn is_due(&self, group: u8) -> bool {
        let row = self.group(group).ledger.as_ref();
        self.is_open() && row.is_some_and(|row| row.owed() && row.next_at <= self.now && !row.leased(self.now))
    }

    /// A user's own round: it has a record of its own now, and the groups that wait for that are marked.
    pub fn arrive(&mut self, user: u8) {
        let found = self.application.people.iter().find(|(_, owner)| **owner == Some(user)).map(|(id, _)| *id);
        let id = found.unwrap_or_else(|| self.application.person(Some(user)));
        let generation = self.target.generation;
        self.users[usize::from(user)] = User { link: Some((id, generation)), owed: false };
        if !self.keeps(Rule::JoinMarks) {
            return;
        }
        for group in self.all_groups() {
            let held = self.group(group);
            let waits = held.members.contains(&user) && held.pushed.get(&(user, id)) != Some(&Stands::Sure);
            if waits && held.ledger.is_some() {
                self.mark(group);
            }
        }
    }

    /// Nothing of an older generation is in flight (K25).
    pub fn is_drained(&self) -> bool {
        let old = |group: &Group| {
            group.lease_generation.is_some_and(|generation| generation < self.target.generation)
                && group.ledger.as_ref().is_some_and(|row| row.leased(self.now))
        };
        !self.groups.iter().any(old)
    }

    /// Enables the target again: the same workspace, or behind the same URL another one, full of strangers.
    pub fn enable(&mut self, other: bool) {
        self.target.generation += 1;
        (self.target.active, self.target.answered_off, self.target.paused_until) = (true, false, 0);
        if other {
            self.application.workspace += 1;
            self.application.people.values_mut().for_each(|owner| *owner = None);
            for record in &mut self.application.records {
                (record.owner, record.name) = (None, u8::MAX);
            }
            self.groups.iter_mut().for_each(|group| group.robbed = true);
        }
        self.mark_linked();
    }

    /// Groups are pushed from now on, or not any more.
    pub fn choose(&mut self, pushes: bool) {
        self.target.pushes = pushes;
        if self.keeps(Rule::ChoiceMarks) {
            self.mark_linked();
        }
    }

    /// A record goes that nobody is told of.
    pub fn rob(&mut self, id: u16) {
        let application = &mut self.application;
        let owner = application.records.iter().find(|record| record.id == id).and_then(|record| record.owner);
        application.people.remove(&id);
        application.records.retain(|record| record.id != id);
        for record in &mut application.records {
            record.members.remove(&id);
        }
        if let Some(owner) = owner {
            self.group_mut(owner).robbed = true;
        }
    }

    /// When something changes by itself next.
    pub fn next_moment(&self) -> Option<i64> {
        let mut moments: Vec<i64> = self.flying.iter().map(|flying| flying.lands_by).collect();
        moments.extend(self.workers.iter().filter(|worker| !worker.is_idle()).map(|worker| worker.frozen_until));
        for row in self.groups.iter().filter_map(|group| group.ledger.as_ref()) {
            moments.extend(row.lease_until);
            if row.dirty_seq > row.seen_seq {
                moments.push(row.triage_at);
            }
            if row.owed() && self.target.active && self.target.pushes {
                moments.extend([row.next_at, self.target.paused_until]);
            }
        }
        moments.into_iter().filter(|moment| *moment > self.now && *moment != NEVER).min()
    }

    /// What must hold once nothing is left to do.
    pub fn at_rest(&self) -> Result<(), Violation> {
        for (place, group) in (0..).zip(&self.groups) {
            let Some(row) = &group.ledger else { continue };
            hold(row.seen_seq == row.dirty_seq, "a mark was never owed (I6)")?;
            if !self.target.active || !self.target.pushes {
                continue;
            }
            if row.owed() && row.next_at == NEVER {
                hold(group.parked_seq == Some(row.dirty_seq), "a group is parked for what it no longer is (K19)")?;
                continue;
            }
            hold(row.acked_seq == row.dirty_seq, "the ledger is not clean (I6)")?;
            self.in_step(place, group)?;
        }
        Ok(())
    }

    fn in_step(&self, place: u8, group: &Group) -> Result<(), Violation> {
        let records: Vec<_> = self.application.of(place).collect();
        hold(records.len() < 2, "one group has two records (I2)")?;
        let Some(record) = records.first() else {
            return hold(group.name.is_none() || group.robbed, "the downstream lacks a group (I1)");
        };
        let there = self.application.ours(record);
        let Some(name) = group.name else {
            return hold(there.is_empty(), "a deleted group holds somebody (I1)");
        };
        hold(group.robbed || record.name == name, "a group is called otherwise (I1)")?;
        let wanted = group.members.iter().filter_map(|user| {
            let (id, _) = self.user(*user).link?;
            (self.application.people.get(&id) == Some(&Some(*user))).then_some(id)
        });
        let wanted: BTreeSet<u16> = wanted.collect();
        let lacking = wanted.difference(&there).any(|id| self.application.broken != Some(*id));
        hold(!lacking, "a member is missing (I1)")?;
        hold(there.is_subset(&wanted), "somebody stands in a group who left it (I1)")?;
        let stays = record.id != FIRST || record.members.contains(&0);
        hold(stays, "somebody whom the application put there is gone (K22)")
    }
}

/// The record that is there when a world begins, with somebody in it whom the application put there: person 0.
pub const FIRST: u16 = 1;
/// How long a frozen process may stay so.
pub const FROZEN: i64 = 55 * SECOND;
/// For how long a late write is asserted over, whoever dies after it: what is written after a longer freeze is known to whoever
/// wrote it alone.
pub const ASSERTED: i64 = 40 * SECOND;
/// The lease of a claim, for those who hold one.
pub const HELD: i64 = LEASE;
/// The stage of every claim of a group.
pub const SEND: Stage = Stage::Send;
