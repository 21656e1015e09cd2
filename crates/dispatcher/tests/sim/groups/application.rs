//! A customer's application in the model, as far as groups go: their records, who stands in them, and whose records people
//! have. It is strict where those in the field are: one member it does not have refuses a whole request.

use std::collections::{BTreeMap, BTreeSet};

use directory::pushed_member::Member;
use uuid::Uuid;

use crate::realm::id_of;
use crate::world::{Violation, hold};

/// A group there. `owner` is the group whose id it carries, if it is one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub id: u16,
    pub owner: Option<u8>,
    pub name: u8,
    pub members: BTreeSet<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a way in which applications differ")]
pub struct Application {
    /// Which workspace our token opens; another one behind the same URL has another token.
    pub workspace: u8,
    pub records: Vec<Record>,
    /// Records of people, and which of our users they carry.
    pub people: BTreeMap<u16, Option<u8>>,
    /// One of those that nobody can read.
    pub broken: Option<u16>,
    pub next: u16,
    pub unique: bool,
    pub filters: bool,
    pub patches: bool,
    /// Refuses to take out who is not there.
    pub strict: bool,
    /// Its groups are not too long to be read with their members.
    pub readable: bool,
    /// So many members of a group it shows.
    pub shows: usize,
}

/// A user and the record it is meant by.
pub type Pair = (u8, u16);

/// A call to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Find { again: bool },
    Post(u8),
    Read(u16),
    Name(u16, u8),
    Add(u16, Vec<Pair>),
    Remove(u16, Vec<Pair>),
    Put { id: u16, name: u8, records: BTreeSet<u16>, joining: Vec<Pair>, leaving: Vec<Pair> },
    Person(Pair),
}

impl Call {
    pub fn writes(&self) -> bool {
        !matches!(self, Self::Find { .. } | Self::Read(_) | Self::Person(_))
    }

    /// The members it adds.
    pub fn joining(&self) -> &[Pair] {
        match self {
            Self::Add(_, pairs) | Self::Put { joining: pairs, .. } => pairs,
            _ => &[],
        }
    }

    /// The members it takes out.
    pub fn leaving(&self) -> &[Pair] {
        match self {
            Self::Remove(_, pairs) | Self::Put { leaving: pairs, .. } => pairs,
            _ => &[],
        }
    }
}

/// What it answers in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Done,
    Group(Record),
    Groups(Vec<Record>),
    Whose(Option<u8>),
    Missing,
    Refused,
    Taken,
    Broken,
}

impl Application {
    pub fn of(&self, group: u8) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.owner == Some(group))
    }

    /// Makes a record of a person; its id.
    pub fn person(&mut self, owner: Option<u8>) -> u16 {
        let id = self.next;
        self.next += 1;
        self.people.insert(id, owner);
        id
    }

    /// A user's own round gets nowhere: its record cannot be read.
    pub fn is_broken(&self, user: u8) -> bool {
        self.broken.is_some_and(|id| self.people.get(&id) == Some(&Some(user)))
    }

    /// Of those who stand in a record, whoever is one of ours.
    pub fn ours(&self, record: &Record) -> BTreeSet<u16> {
        record.members.iter().copied().filter(|id| self.people.get(id).copied().flatten().is_some()).collect()
    }

    /// Does what it is asked by a group's round.
    pub fn apply(&mut self, group: u8, call: &Call) -> Result<Said, Violation> {
        let held = |id: u16| self.records.iter().position(|record| record.id == id);
        let place = match call {
            Call::Read(id) | Call::Name(id, _) | Call::Add(id, _) | Call::Remove(id, _) | Call::Put { id, .. } => {
                match held(*id) {
                    Some(place) => place,
                    None => return Ok(Said::Missing),
                }
            }
            Call::Find { .. } => return Ok(Said::Groups(self.records.clone())),
            Call::Person((_, id)) if self.broken == Some(*id) && self.people.contains_key(id) => {
                return Ok(Said::Broken);
            }
            Call::Person((_, id)) => return Ok(self.people.get(id).map_or(Said::Missing, |owner| Said::Whose(*owner))),
            Call::Post(name) => {
                if self.unique && self.records.iter().any(|record| record.name == *name) {
                    return Ok(Said::Taken);
                }
                let (id, owner) = (self.next, Some(group));
                self.next += 1;
                self.records.push(Record { id, owner, name: *name, members: BTreeSet::new() });
                hold(self.of(group).count() < 2, "one group has two records (I2)")?;
                return Ok(self.records.last().map_or(Said::Missing, |record| Said::Group(record.clone())));
            }
        };
        if call.writes() {
            hold(self.records[place].owner == Some(group), "a stranger's group was written (K22)")?;
        }
        self.write(place, call)
    }

    fn write(&mut self, place: usize, call: &Call) -> Result<Said, Violation> {
        let known = |id: &u16| self.people.contains_key(id);
        let record = &mut self.records[place];
        match call {
            Call::Name(_, name) => record.name = *name,
            Call::Add(_, pairs) => {
                if !pairs.iter().all(|(_, id)| known(id)) {
                    return Ok(Said::Refused);
                }
                joined(&self.people, pairs)?;
                record.members.extend(pairs.iter().map(|(_, id)| *id));
            }
            Call::Remove(_, pairs) => {
                if self.strict && !pairs.iter().all(|(_, id)| record.members.contains(id)) {
                    return Ok(Said::Refused);
                }
                record.members.retain(|id| pairs.iter().all(|(_, leaving)| leaving != id));
            }
            Call::Put { name, records, joining, .. } => {
                if !records.iter().all(known) {
                    return Ok(Said::Refused);
                }
                joined(&self.people, joining)?;
                (record.name, record.members) = (*name, records.clone());
            }
            _ => {
                let mut shown = record.clone();
                let shows = if self.readable { self.shows } else { 0 };
                shown.members = shown.members.into_iter().take(shows).collect();
                return Ok(Said::Group(shown));
            }
        }
        Ok(Said::Done)
    }
}

/// Nobody joins under a record that is another's.
fn joined(people: &BTreeMap<u16, Option<u8>>, pairs: &[Pair]) -> Result<(), Violation> {
    let theirs = |(user, id): &Pair| people.get(id) == Some(&Some(*user));
    hold(pairs.iter().all(theirs), "a stranger joined a group (K22)")
}

/// As the real plan knows a member.
pub fn member((user, id): Pair, verified_generation: i64) -> Member {
    Member { user_id: id_of(user), downstream_id: id.to_string(), verified_generation }
}

/// And back.
pub fn pair(member: &Member) -> Pair {
    let place = |id: Uuid| u8::try_from(id.as_u128() - 1).unwrap_or(u8::MAX);
    (place(member.user_id), member.downstream_id.parse().unwrap_or(u16::MAX))
}
