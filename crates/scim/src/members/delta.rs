//! What a request changes about who is a member, whoever is one already.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Member;

/// A change of membership: first everything goes if `clear`, then `remove` goes, then `add` comes.
///
/// Invariant: no id is both added and removed; after `clear` nothing is left to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// Everybody who was a member is none any more, unless added.
    pub clear: bool,
    /// Who becomes a member, in the order first named. Who is one already stays as they are.
    pub add: Vec<Member>,
    /// The ids of who is a member no more. An id that is none is no error.
    pub remove: BTreeSet<String>,
}

impl Delta {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        !self.clear && self.add.is_empty() && self.remove.is_empty()
    }

    /// What it makes of a list of members. For a server that keeps members in a table this is two statements instead.
    #[must_use]
    pub fn apply(&self, current: &[Member]) -> Vec<Member> {
        let mut held: HashSet<&str> = HashSet::new();
        let mut members = Vec::new();
        if !self.clear {
            for member in current.iter().filter(|member| !self.remove.contains(&member.value)) {
                if held.insert(&member.value) {
                    members.push(member.clone());
                }
            }
        }
        members.extend(self.add.iter().filter(|member| !held.contains(member.value.as_str())).cloned());
        members
    }

    /// The difference between two lists of members.
    pub fn between(before: &[Member], after: &[Member]) -> Self {
        let ids = |members: &[Member]| members.iter().map(|member| member.value.clone()).collect::<BTreeSet<_>>();
        let (old, new) = (ids(before), ids(after));
        let add = after.iter().filter(|member| !old.contains(&member.value)).cloned().collect();
        Self { clear: false, add, remove: old.difference(&new).cloned().collect() }
    }
}

/// Changes in their order, folded to one. Each costs its own length.
#[derive(Debug, Default)]
pub(super) struct Fold {
    clear: bool,
    named: usize,
    added: HashMap<String, (usize, Member)>,
    removed: BTreeSet<String>,
}

impl Fold {
    pub(super) fn add(&mut self, members: Vec<Member>) {
        for member in members {
            self.named += 1;
            self.removed.remove(&member.value);
            self.added.entry(member.value.clone()).or_insert((self.named, member));
        }
    }

    pub(super) fn remove(&mut self, ids: impl IntoIterator<Item = String>) {
        for id in ids {
            self.added.remove(&id);
            if !self.clear {
                self.removed.insert(id);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.clear = true;
        self.added.clear();
        self.removed.clear();
    }

    pub(super) fn finish(self) -> Delta {
        let mut add: Vec<(usize, Member)> = self.added.into_values().collect();
        add.sort_unstable_by_key(|(place, _)| *place);
        Delta { clear: self.clear, add: add.into_iter().map(|(_, member)| member).collect(), remove: self.removed }
    }
}
