//! Who counts as gone (K14): a realm that is misrouted, restored or emptied for a while, administrators who delete people
//! with a word and without, and looks in any order. Judged by the real code; nobody may be given up whom nobody deleted, and
//! whoever was deleted is given up in the end. The same holds of groups, whose looks are the same.

use directory::watch::{Absence, Gone, LASTS};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const SECOND: i64 = 1_000_000;
/// For how long an absence counts.
const WINDOW: i64 = 600 * SECOND;
/// How long one waits that is held, or whose realm is another.
const HELD: i64 = 60 * SECOND;
const PEOPLE: usize = 80;

/// The rules that can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Not found is gone only in the realm we know.
    Identity,
    /// A mass is held.
    Mass,
    /// An absence that nobody told of has to outlast a compare that began after it.
    Outlasts,
    /// A pass notes all it did not find before the first of them is judged.
    Pass,
    /// A deletion that was told of counts at once.
    Told,
    /// Who is deactivated downstream once given up is at stake, managed or not.
    AtStake,
}

#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own that may have happened")]
struct Person {
    /// An administrator deleted this one.
    deleted: bool,
    /// The realm lacks this one for now.
    lost: bool,
    given_up: bool,
    told: bool,
    /// When somebody is to look.
    due: Option<i64>,
    /// Since when absent, and when that was seen last.
    absent: Option<(i64, i64)>,
}

/// A compare under way: it lists people one after the other, and what it missed may be there again, or the other way round.
struct Compare {
    began: i64,
    /// Up to whom it has listed.
    listed: usize,
    missing: Vec<usize>,
}

struct Tenant {
    off: Option<Rule>,
    now: i64,
    people: Vec<Person>,
    misrouted: bool,
    /// A restored realm has lost its newest event: it is compared at once (K28).
    compare_by: Option<i64>,
    compare: Option<Compare>,
    /// When the compare began that ended last.
    compare_from: i64,
    /// Up to when one is wanted.
    wanted_at: i64,
    restored_at: i64,
}

impl Tenant {
    fn keeps(&self, rule: Rule) -> bool {
        self.off != Some(rule)
    }

    fn note(&mut self, who: usize) {
        let now = self.now;
        let absent = &mut self.people[who].absent;
        *absent = Some((absent.filter(|(_, seen)| *seen >= now - WINDOW).map_or(now, |(at, _)| at), now));
    }

    /// Whoever polls and surveys has time: a compare that is wanted begins, one that is under way lists some more.
    fn survey(&mut self, random: &mut StdRng) {
        // Who another realm is, is asked before it is listed; it is tried again a little later.
        if self.misrouted && self.keeps(Rule::Identity) {
            if self.compare.take().is_some() {
                self.compare_by = Some(self.now + 5 * SECOND);
            }
            return;
        }
        let due = self.compare_by.is_some_and(|by| by <= self.now) || self.wanted_at >= self.compare_from;
        if self.compare.is_none() && due {
            self.compare_by = None;
            self.compare = Some(Compare { began: self.now, listed: 0, missing: Vec::new() });
        }
        let Some(mut compare) = self.compare.take() else { return };
        let to = (compare.listed + random.random_range(1..=PEOPLE)).min(PEOPLE);
        let missing = |person: &Person| !person.given_up && (self.misrouted || person.deleted || person.lost);
        compare.missing.extend((compare.listed..to).filter(|who| missing(&self.people[*who])));
        compare.listed = to;
        if to < PEOPLE {
            self.compare = Some(compare);
            return;
        }
        for who in compare.missing {
            if self.keeps(Rule::Pass) {
                self.note(who);
            }
            self.people[who].due = Some(self.now);
        }
        self.compare_from = compare.began;
    }

    /// A compare from the start to the end, without anything between.
    fn survey_all(&mut self, random: &mut StdRng) {
        self.compare_by = Some(self.now);
        self.compare = None;
        self.survey(random);
        while self.compare.is_some() {
            self.survey(random);
        }
    }

    /// After a gap everybody is looked at, one after the other, and the compare that is wanted takes its time (K28).
    fn gap(&mut self, random: &mut StdRng) {
        self.compare_by = Some(self.now + random.random_range(0..LASTS));
        for person in &mut self.people {
            person.due = Some(self.now + random.random_range(0..60) * SECOND);
        }
    }

    fn look(&mut self, who: usize) -> Result<(), String> {
        let person = self.people[who];
        if !self.misrouted && !person.deleted && !person.lost {
            self.people[who].due = None;
            return Ok(());
        }
        if self.misrouted && self.keeps(Rule::Identity) {
            self.people[who].due = Some(self.now + HELD);
            return Ok(());
        }
        // Each other one is only linked downstream.
        let nobodys = !self.keeps(Rule::AtStake) && who.is_multiple_of(2);
        let gone = if nobodys || person.told && self.keeps(Rule::Told) { Gone::Yes } else { self.judge(who) };
        match gone {
            Gone::Yes if person.deleted => self.people[who].given_up = true,
            Gone::Yes => return Err("somebody was given up whom nobody deleted".to_owned()),
            Gone::NotYet => self.people[who].due = Some(self.now + LASTS),
            Gone::Held(again) => self.people[who].due = Some(self.now + again),
        }
        Ok(())
    }

    fn judge(&mut self, who: usize) -> Gone {
        self.note(who);
        let at = self.people[who].absent.map_or(self.now, |(at, _)| at);
        let counts = |person: &&Person| person.absent.is_some_and(|(_, seen)| seen > self.now - WINDOW);
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let absence = Absence {
            compared: self.compare_from > at || !self.keeps(Rule::Outlasts) && self.now - at >= LASTS,
            confirmed: false,
            absent: if self.keeps(Rule::Mass) { count(self.people.iter().filter(counts).count()) } else { 1 },
            known: count(self.people.iter().filter(|person| !person.given_up).count()),
        };
        let gone = absence.judge();
        if gone == Gone::NotYet {
            self.wanted_at = self.wanted_at.max(at);
        }
        gone
    }

    /// Who is due, if anybody.
    fn due(&self, random: &mut StdRng) -> Option<usize> {
        let due = |person: &Person| !person.given_up && person.due.is_some_and(|at| at <= self.now);
        let all: Vec<usize> = (0..PEOPLE).filter(|who| due(&self.people[*who])).collect();
        (!all.is_empty()).then(|| all[random.random_range(0..all.len())])
    }

    fn delete(&mut self, random: &mut StdRng, told: bool) {
        let person = &mut self.people[random.random_range(0..PEOPLE)];
        person.deleted = true;
        person.told |= told;
        person.due = person.due.or(told.then_some(self.now));
    }

    /// The realm has again whom it had lost.
    fn mend(&mut self) {
        for person in &mut self.people {
            person.lost = false;
        }
    }

    fn trouble(&mut self, random: &mut StdRng, silent: &mut usize) -> Result<(), String> {
        match random.random_range(0..100) {
            0..3 => {
                self.misrouted = !self.misrouted;
                // A poll that was away for long has the realm compared (K28).
                if !self.misrouted {
                    self.gap(random);
                }
            }
            // Not again while absences of the last time count: who was found meanwhile counts as absent since then.
            3..5 if self.now > self.restored_at + 2 * WINDOW => {
                self.restored_at = self.now;
                // Restored from before so many came: a mass still without those who are deleted besides.
                let lost = random.random_range(PEOPLE - 10..=PEOPLE);
                for person in &mut self.people[..lost] {
                    person.lost = true;
                }
                self.gap(random);
            }
            5..8 => self.mend(),
            8..12 => self.delete(random, true),
            12..13 if *silent > 0 => {
                *silent -= 1;
                self.delete(random, false);
            }
            13..16 => self.compare_by = Some(self.now),
            // A request or an event asks for a look at somebody.
            16..24 => self.people[random.random_range(0..PEOPLE)].due = Some(self.now),
            24..40 => {
                // Looks are made when they are due, give or take the time of a step.
                while let Some(who) = self.due(random) {
                    self.look(who)?;
                }
                self.now += random.random_range(1..20) * SECOND;
                self.survey(random);
            }
            _ => {
                if let Some(who) = self.due(random) {
                    self.look(who)?;
                }
            }
        }
        Ok(())
    }

    /// Everything is mended, compared now and then, and looked at for as long as an absence counts.
    fn heal(&mut self, random: &mut StdRng) -> Result<(), String> {
        self.misrouted = false;
        self.mend();
        let end = self.now + 3 * WINDOW;
        while self.now < end {
            self.survey_all(random);
            while let Some(who) = self.due(random) {
                self.look(who)?;
            }
            self.now += HELD;
        }
        let settled = |person: &Person| person.given_up == person.deleted;
        if self.people.iter().all(settled) { Ok(()) } else { Err("somebody deleted is kept for ever".to_owned()) }
    }
}

fn run(off: Option<Rule>, seed: u64) -> Result<usize, String> {
    let mut random = StdRng::seed_from_u64(seed);
    let people = vec![Person::default(); PEOPLE];
    let now = 1_000_000 * SECOND;
    let mut tenant = Tenant {
        off,
        now,
        people,
        misrouted: false,
        compare_by: None,
        compare: None,
        compare_from: now,
        wanted_at: 0,
        restored_at: 0,
    };
    let mut silent = 5;
    for _ in 0..400 {
        tenant.trouble(&mut random, &mut silent)?;
    }
    tenant.heal(&mut random)?;
    Ok(tenant.people.iter().filter(|person| person.given_up).count())
}

#[test]
fn nobody_is_given_up_whom_nobody_deleted_in_ten_thousand_worlds() {
    let mut gone = 0;
    for seed in 0..10_000 {
        gone += run(None, seed).unwrap_or_else(|sentence| panic!("seed {seed}: {sentence}"));
    }
    println!("{gone} who were deleted were given up");
    assert!(gone > 10_000, "hardly anybody was deleted");
}

fn fails(rule: Rule, sentence: &str) {
    let failure = (0..2_000).find_map(|seed| run(Some(rule), seed).err());
    let failure = failure.unwrap_or_else(|| panic!("{rule:?} is switched off without being missed"));
    assert!(failure.contains(sentence), "{rule:?} is missed by something else: {failure}");
}

#[test]
fn another_realms_word_gives_people_up() {
    fails(Rule::Identity, "whom nobody deleted");
}

#[test]
fn a_mass_that_is_believed_gives_people_up() {
    fails(Rule::Mass, "whom nobody deleted");
}

#[test]
fn an_absence_that_need_not_outlast_a_compare_gives_people_up_before_the_mass_is_seen() {
    fails(Rule::Outlasts, "whom nobody deleted");
}

#[test]
fn a_pass_that_does_not_count_before_it_judges_gives_people_up() {
    fails(Rule::Pass, "whom nobody deleted");
}

#[test]
fn deletions_that_were_told_of_and_are_not_believed_are_held_with_a_mass() {
    fails(Rule::Told, "kept for ever");
}

#[test]
fn people_nobody_manages_who_are_not_at_stake_are_given_up_with_a_mass() {
    fails(Rule::AtStake, "whom nobody deleted");
}
