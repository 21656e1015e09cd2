//! What is remembered of who stands in a group of the model.

use std::collections::BTreeSet;

use directory::pushed_member::Member;

use super::application::{Pair, member};
use super::world::{Stands, World};
use crate::rules::Rule;

impl World {
    /// Who should stand in a group and is not known to.
    pub fn missing(&self, group: u8, limit: usize) -> Vec<Member> {
        let held = self.group(group);
        let missing = held.members.iter().filter_map(|user| {
            let (id, verified) = self.user(*user).link.filter(|(_, verified)| *verified >= 0)?;
            (held.pushed.get(&(*user, id)) != Some(&Stands::Sure)).then(|| member((*user, id), verified))
        });
        missing.take(limit).collect()
    }

    /// Who may stand in it and should not; while a late write may come, not who was taken out.
    pub fn surplus(&self, group: u8, late: bool, limit: usize) -> Vec<Member> {
        let held = self.group(group);
        let belongs = |(user, id): &Pair| {
            held.members.contains(user) && self.user(*user).link.is_some_and(|(link, _)| link == *id)
        };
        let wanted = |(pair, stands): &(&Pair, &Stands)| !(belongs(pair) || late && **stands == Stands::TakenOut);
        held.pushed.iter().filter(wanted).take(limit).map(|(pair, _)| member(*pair, 0)).collect()
    }

    /// The group was read: who of ours stands in it. Whoever is not shown may.
    pub fn learn(&mut self, group: u8, late: bool, records: &BTreeSet<u16>) {
        let hides = self.keeps(Rule::HiddenStands) || !self.application.readable;
        let linked: Vec<Pair> = (0..).zip(&self.users).filter_map(|(user, held)| Some((user, held.link?.0))).collect();
        let pushed = &mut self.group_mut(group).pushed;
        pushed.retain(|(_, id), _| hides || late || records.contains(id));
        for ((_, id), stands) in pushed.iter_mut() {
            *stands = match *stands {
                _ if records.contains(id) => Stands::Sure,
                Stands::Sure | Stands::Unsure if hides => Stands::Unsure,
                _ => Stands::TakenOut,
            };
        }
        pushed.extend(linked.into_iter().filter(|(_, id)| records.contains(id)).map(|pair| (pair, Stands::Sure)));
    }

    /// Somebody may stand in it who is not shown to.
    pub fn hides(&self, group: u8) -> bool {
        self.group(group).pushed.values().any(|stands| *stands != Stands::Sure)
    }

    /// The record was just made: nobody stands in it.
    pub fn made(&mut self, group: u8, late: bool) {
        let pushed = &mut self.group_mut(group).pushed;
        pushed.retain(|_, _| late);
        for stands in pushed.values_mut() {
            *stands = Stands::TakenOut;
        }
    }

    /// Members were taken out for sure; whoever is noted to have been put back since stays noted.
    pub fn taken_out(&mut self, group: u8, epoch: i64, late: bool, leaving: &[Pair]) {
        let noted = self.keeps(Rule::NoteMembers);
        let held = self.group_mut(group);
        for pair in leaving.iter().filter(|pair| !noted || held.leaving.get(pair) == Some(&epoch)) {
            if late {
                held.pushed.insert(*pair, Stands::TakenOut);
            } else {
                held.pushed.remove(pair);
            }
        }
    }

    /// Members stand there, or may.
    pub fn noted(&mut self, group: u8, members: &[Pair], stands: Stands) {
        let held = self.group_mut(group);
        held.pushed.extend(members.iter().map(|pair| (*pair, stands)));
        held.leaving.retain(|pair, _| !members.contains(pair));
    }
}
