//! What a round makes of an answer.

use dispatcher::{is_members_own, of_found_group};

use super::*;

impl World {
    pub(super) fn said(&mut self, group: u8, call: &Call, workspace: u8) -> Result<Said, Violation> {
        if self.application.workspace == workspace {
            let said = self.application.apply(group, call)?;
            if matches!(call, Call::Read(_)) || said == Said::Missing {
                self.group_mut(group).robbed = false;
            }
            return Ok(said);
        }
        // A workspace that is no longer looked at has whatever it is asked for.
        let record = |id, name| Record { id, owner: Some(group), name, members: BTreeSet::new() };
        Ok(match call {
            Call::Find { .. } => Said::Groups(Vec::new()),
            Call::Post(name) => Said::Group(record(1, *name)),
            Call::Read(id) => Said::Group(record(*id, u8::MAX)),
            Call::Person((user, _)) => Said::Whose(Some(*user)),
            _ => Said::Done,
        })
    }

    /// What the application said itself.
    pub(super) fn told(&mut self, mut round: Round, call: Call, said: Said) -> Task {
        if let (Call::Add(..) | Call::Remove(..), Said::Missing, Some(record)) = (&call, &said, &mut round.record) {
            record.missing = true;
        }
        match (call, said) {
            (Call::Find { again }, Said::Groups(records)) => self.found(round, records, again),
            (Call::Post(_), Said::Group(record)) => {
                round.link.sent = round.name;
                if !self.is_ours(&round) {
                    return self.away(round);
                }
                self.made(round.group, round.late);
                round.link.id = Some(record.id);
                let ended = round.more();
                Task::Record(round, ended)
            }
            (Call::Post(_), Said::Taken) => Task::Renew(round, Call::Find { again: true }),
            (Call::Read(_), Said::Group(record)) => self.looked(round, &record),
            (Call::Person(asked), said @ (Said::Whose(_) | Said::Missing)) => {
                self.whose(round, asked, said == Said::Whose(Some(asked.0)))
            }
            (call, Said::Done) => Task::Confirm(round, call),
            (Call::Add(_, pairs), Said::Missing) => Task::Ask(round, pairs, 0, Refusal::Lost),
            (Call::Remove(..), Said::Missing) if round.record.as_ref().is_some_and(|record| !record.looked) => {
                let ended = round.failed(&Outcome::NotFound(answer(404, None)));
                self.refused(round, ended)
            }
            (_, Said::Missing) => self.lost(round),
            (call @ Call::Remove(..), Said::Refused) if looked_in_vain(&round) => Self::absent(round, call),
            (call, Said::Broken) => self.failed(round, &call, &Outcome::Failed(answer(500, None))),
            (call, _) => self.failed(round, &call, &Outcome::Rejected(answer(400, None))),
        }
    }

    /// Somebody who is to be taken out is not there: they are taken out one by one.
    fn absent(mut round: Round, call: Call) -> Task {
        match &mut round.record {
            Some(record) if call.leaving().len() > 1 => {
                record.alone = true;
                Task::Next(round)
            }
            _ => Task::Confirm(round, call),
        }
    }

    pub(super) fn failed(&mut self, round: Round, call: &Call, outcome: &Outcome) -> Task {
        let ended = round.failed(outcome);
        if !matches!(outcome, Outcome::Rejected(_) | Outcome::NotFound(_)) {
            self.note_late(&round, call);
        }
        match (call, outcome) {
            (Call::Post(_), Outcome::Conflict(_)) => Task::Renew(round, Call::Find { again: true }),
            (Call::Post(_), _) => {
                let ended = if outcome.did_nothing() { ended.unlinked() } else { ended };
                Task::Record(round, ended)
            }
            (Call::Add(_, pairs), Outcome::Rejected(_)) => Self::refused_addition(round, pairs, ended),
            (Call::Person(asked), outcome)
                if is_members_own(outcome, round.attempts) && self.keeps(Rule::MembersOwnTrouble) =>
            {
                self.whose(round, *asked, false)
            }
            (call, Outcome::Rejected(_)) if call.writes() => self.refused(round, ended),
            _ => self.over(round, ended),
        }
    }

    /// Fewer join at once, until whoever is refused is found.
    fn refused_addition(mut round: Round, pairs: &[Pair], ended: Ended) -> Task {
        match &mut round.record {
            Some(record) if pairs.len() > 1 => {
                record.joining.at_once = pairs.len() / 2;
                Task::Next(round)
            }
            _ => Task::Ask(round, pairs.to_vec(), 0, Refusal::Refused(ended, pairs.to_vec())),
        }
    }

    /// What stands there may not be what is remembered.
    pub(super) fn refused(&self, round: Round, ended: Ended) -> Task {
        match round.record.as_ref().filter(|record| !record.looked).map(|record| record.id) {
            Some(id) => Task::Renew(round, Call::Read(id)),
            None => self.over(round, ended),
        }
    }

    pub(super) fn found(&self, mut round: Round, records: Vec<Record>, again: bool) -> Task {
        if let Some(record) = records.into_iter().find(|record| record.owner == Some(round.group)) {
            if !self.keeps(Rule::FoundIsSafe) {
                round.link = Link { intent_at: round.link.intent_at, ..Link::default() };
                return Self::in_step_with(round, record.id, true);
            }
            let verdict = of_found_group(round.lost, round.attempts, 1.0);
            return Task::Record(round, Ended { link: Some((Some(record.id), None)), ..Ended::of(verdict) });
        }
        if again {
            return Task::Record(round, Ended::of(Verdict::Park).unlinked());
        }
        self.post(round)
    }

    pub(super) fn looked(&mut self, mut round: Round, read: &Record) -> Task {
        if !self.is_ours(&round) {
            return self.away(round);
        }
        if read.owner != Some(round.group) {
            round.link = Link { intent_at: round.link.intent_at, ..Link::default() };
            round.lost = true;
            return self.make(round);
        }
        self.learn(round.group, round.late, &read.members);
        let says = self.application.readable && !(self.application.patches && self.hides(round.group));
        let Some(record) = &mut round.record else { return Task::Release(round) };
        (record.looked, record.missing, record.stands_as) = (true, false, read.name);
        record.differs = round.name.is_some_and(|name| name != read.name);
        record.records = says.then(|| read.members.clone());
        round.link.sent = round.name.filter(|_| !record.differs);
        Task::Next(round)
    }

    /// The record answers 404, and is made anew.
    pub(super) fn lost(&self, mut round: Round) -> Task {
        if round.gone {
            let ended = round.failed(&Outcome::NotFound(answer(404, None))).unlinked();
            return Task::Record(round, ended);
        }
        (round.gone, round.lost) = (true, true);
        round.link = Link { intent_at: round.link.intent_at, ..Link::default() };
        self.make(round)
    }

    /// A member was asked for: shown to be ours, or a stranger whose user's own round sees to it.
    pub(super) fn whose(&mut self, mut round: Round, (user, id): Pair, ours: bool) -> Task {
        let held = &mut self.users[usize::from(user)];
        if let Some((_, verified)) = held.link.as_mut().filter(|(link, _)| *link == id) {
            *verified = if ours { round.generation } else { -1 };
        }
        held.owed |= !ours;
        match round.asking.take() {
            Some((left, strangers, why)) => Task::Ask(round, left, strangers + usize::from(!ours), why),
            None => Task::Next(round),
        }
    }

    pub(super) fn ask(&self, mut round: Round, mut left: Vec<Pair>, strangers: usize, why: Refusal) -> Task {
        if let Some(next) = left.pop() {
            round.asking = Some((left, strangers, why));
            return Task::Renew(round, Call::Person(next));
        }
        let id = round.record.as_ref().map(|record| record.id);
        match (why, id) {
            (Refusal::Lost, Some(id)) if strangers > 0 => Task::Renew(round, Call::Read(id)),
            (Refusal::Refused(ended, pairs), _) => {
                let Some(record) = &mut round.record else { return Task::Release(round) };
                record.joining.at_once = MEMBERS;
                if strangers == 0 {
                    record.joining.refused.extend(pairs);
                    record.joining.refusal.get_or_insert(ended);
                }
                Task::Next(round)
            }
            (Refusal::Lost, _) if strangers > 0 => Task::Next(round),
            (Refusal::Lost, _) => self.lost(round),
        }
    }

    /// Noted under any claim: somebody else may have taken them out before they were added, or are.
    fn note_late(&mut self, round: &Round, call: &Call) {
        if self.keeps(Rule::NoteLate) {
            self.noted(round.group, call.joining(), Stands::Unsure);
        }
    }

    pub(super) fn confirm(&mut self, mut round: Round, call: &Call) -> Task {
        if !self.is_ours(&round) {
            self.note_late(&round, call);
            return self.away(round);
        }
        self.noted(round.group, call.joining(), Stands::Sure);
        self.taken_out(round.group, round.epoch, round.late, call.leaving());
        let Some(record) = &mut round.record else { return Task::Release(round) };
        match call {
            Call::Name(_, name) => {
                (record.differs, record.named, round.link.sent) = (false, true, Some(*name));
            }
            Call::Put { name, records, .. } => {
                (record.differs, record.named, round.link.sent) = (false, true, Some(*name));
                record.records = Some(records.clone());
            }
            Call::Add(..) => record.joining.began = true,
            _ => {}
        }
        Task::Next(round)
    }

    pub(super) fn record(&mut self, round: &Round, ended: Ended) -> Task {
        let now = self.now;
        let ended = if round.gone && self.keeps(Rule::GoneIsDoubt) { without_record(round, ended) } else { ended };
        let current = self.target.generation == round.generation;
        if current && ended.pause > 0 {
            self.target.paused_until = now + ended.pause;
        }
        let ours = self.is_ours(round);
        if !current && (ours || !self.keeps(Rule::LateEnable)) {
            if let Some(row) = self.group_mut(round.group).ledger.as_mut().filter(|_| ours) {
                row.lease_until = None;
            }
            return Task::Idle;
        }
        let (epoch, seq, doubt, verdict) = (round.epoch, round.seq, round.doubt, ended.verdict);
        if self.step(round.group, Step::Sent { epoch, seq, doubt, now, verdict }) == Effect::Stale {
            return Task::Idle;
        }
        let held = self.group_mut(round.group);
        held.parked_seq = (verdict == Verdict::Park).then_some(seq);
        if let Some((id, sent)) = ended.link {
            held.link = Link { id, verified: round.generation, sent, intent_at: None };
        }
        Task::Idle
    }

    pub(super) fn release(&mut self, round: &Round) -> Task {
        self.step(round.group, Step::Release { epoch: round.epoch });
        Task::Idle
    }

    /// A request that nobody waits for is done at last.
    pub fn land(&mut self, which: usize) -> Result<(), Violation> {
        let flying = self.flying.remove(which);
        if flying.workspace == self.application.workspace {
            self.application.apply(flying.group, &flying.call)?;
        }
        Ok(())
    }
}

/// Its record was read in this round, and does not say who stands in it.
fn looked_in_vain(round: &Round) -> bool {
    round.record.as_ref().is_some_and(|record| record.looked && record.records.is_none())
}
