//! How a round ends.

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub(super) verdict: Verdict,
    pub(super) pause: i64,
    pub(super) link: Option<(Option<u16>, Option<u8>)>,
}

impl Ended {
    pub(super) fn of(verdict: Verdict) -> Self {
        Self { verdict, pause: 0, link: None }
    }

    pub(super) fn again() -> Self {
        Self::of(Verdict::Retry { after: 0, definite: true, charged: false })
    }

    pub(super) fn unlinked(self) -> Self {
        Self { link: Some((None, None)), ..self }
    }
}

impl Round {
    pub(super) fn failed(&self, outcome: &Outcome) -> Ended {
        let (verdict, target) = of_group_failure(outcome, self.attempts, 1.0);
        let pause = match target {
            TargetVerdict::Pause(wait) => i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2),
            TargetVerdict::Carry | TargetVerdict::Quarantine(_) => 0,
        };
        Ended { pause, ..Ended::of(verdict) }
    }

    /// It comes again at once, for the rest.
    pub(super) fn more(&self) -> Ended {
        let id = self.record.as_ref().map(|record| record.id).or(self.link.id);
        Ended { link: Some((id, self.link.sent)), ..Ended::again() }
    }
}

impl World {
    /// The lease or the target's generation went away.
    pub(super) fn away(&self, round: Round) -> Task {
        let named_there = round.record.as_ref().is_some_and(|record| record.named) && self.keeps(Rule::KeepName);
        let wrote = round.wrote && self.keeps(Rule::AwayIsDoubt);
        if wrote || named_there || round.gone && self.keeps(Rule::GoneIsDoubt) {
            let definite = !self.keeps(Rule::AwayIsDoubt);
            let ended = self.kept(&round, Ended::of(Verdict::Retry { after: 0, definite, charged: false }));
            return Task::Record(round, ended);
        }
        Task::Release(round)
    }

    pub(super) fn over(&self, round: Round, ended: Ended) -> Task {
        let ended = self.kept(&round, ended);
        Task::Record(round, ended)
    }

    /// A name that was confirmed or seen is remembered, however its round ends; so is that it was looked at.
    fn kept(&self, round: &Round, mut ended: Ended) -> Ended {
        let Some(record) = &round.record else { return ended };
        let named = record.named && self.keeps(Rule::KeepName);
        let looked = record.looked && self.keeps(Rule::FoundIsSafe);
        let doubted = record.missing && self.keeps(Rule::GoneIsDoubt);
        if (named || looked) && ended.link.is_none() {
            ended.link = Some((Some(record.id), round.link.sent));
        }
        if let Verdict::Retry { after, definite: true, charged } = ended.verdict
            && record.looked
            && self.keeps(Rule::LookCounts)
        {
            ended.verdict = Verdict::Looked { after, charged };
        }
        if let Verdict::Retry { after, charged, .. } = ended.verdict
            && doubted
        {
            ended.verdict = Verdict::Retry { after, definite: false, charged };
        }
        ended
    }
}

/// A record that was found gone is doubted until there is another one.
pub(super) fn without_record(round: &Round, ended: Ended) -> Ended {
    match ended.verdict {
        Verdict::Retry { after, charged, .. } if ended.link.is_none() => {
            Ended { verdict: Verdict::Retry { after, definite: false, charged }, ..ended }
        }
        Verdict::Park if ended.link.is_none() && round.link.intent_at.is_none() => ended.unlinked(),
        _ => ended,
    }
}
