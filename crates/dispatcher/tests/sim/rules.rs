//! The rules of the protocol as switches: every negative control turns one off and must be caught.

/// A rule that the model keeps unless it is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Rule {
    /// K10: triage ignores the target's back-off, park and quarantine.
    TriageIgnoresTarget,
    /// K11: triage commits behind a fence.
    Fence,
    /// K12: the directory follows the difference from its base.
    Base,
    /// K16: the mark is read before the user.
    SeqBeforeRead,
    /// K16: a look goes on to its send only while no mark has come since its claim.
    GoOnUnmarked,
    /// K16: a generation that moved writes nothing.
    Generation,
    /// K16: a pause, like a quarantine, holds every send back.
    Pause,
    /// K16: a send notes what it saw, so that triage compares with what was sent.
    SendObserves,
    /// K17: an unsettled predecessor means that digests are not trusted.
    Doubt,
    /// K17: only an acknowledgement ends doubt.
    DoubtStays,
    /// K18: what is acknowledged while a late write may come is asserted after it.
    AssertWindow,
    /// K18: a late or doubtful acknowledgement is asserted once more.
    Reassert,
    /// K18: an assertion reads the record, so that it can also remove.
    AssertReads,
    /// K19: a verdict counts only for what it was made for.
    VerdictOfSeq,
    /// K21: an unconfirmed create is looked up before another one, at once and after a minute.
    CreateIntent,
    /// K21: without look-ups an unconfirmed create is never repeated.
    UnconfirmedParks,
    /// K22: a link is shown to be ours once per enable.
    VerifyLink,
    /// K24: an enable of a known downstream forgets nothing.
    EnableKeeps,
    /// K24: what an identity provider was promised is pushed, though an enable noted it as what was there before.
    AcceptedIsPushed,
    /// K25: a disable answers when nothing is in flight.
    DisableDrains,
    /// Groups: the members a request is about are noted before it.
    NoteMembers,
    /// Groups: in doubt the record is looked at.
    LookInDoubt,
    /// Groups: nobody joins under a record that was not shown to be theirs since the enable.
    VerifyMember,
    /// Groups: who gets a record marks the groups that wait for it.
    JoinMarks,
    /// Groups: switched on again, those that were pushed before are marked.
    ChoiceMarks,
    /// Groups: a name that was confirmed is remembered, however its round ends.
    KeepName,
    /// K17: a record that was found gone is doubted until there is another one.
    GoneIsDoubt,
    /// Groups: a record that was found is remembered before anybody joins it.
    FoundIsSafe,
    /// K17: a look that is remembered counts for the rounds after it, until the group is in step.
    LookCounts,
    /// K18: a round whose claim went away after a write leaves its row in doubt.
    AwayIsDoubt,
    /// K18: whom a late writer may have added is noted under any claim.
    NoteLate,
    /// K18: a late write of an older generation is asserted over too.
    LateEnable,
    /// K18: whoever was taken out while a late write may come is taken out once more after it.
    TakenOutAgain,
    /// Groups: whoever is not shown in a group may stand there all the same.
    HiddenStands,
    /// Groups: a member whose record cannot be read keeps no other one waiting.
    MembersOwnTrouble,
}

/// Which rules are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rules {
    off: u64,
}

impl Rules {
    /// All but one.
    pub fn without(rule: Rule) -> Self {
        Self { off: 1 << rule as u64 }
    }

    /// Whether a rule is kept.
    pub fn keeps(self, rule: Rule) -> bool {
        self.off & (1 << rule as u64) == 0
    }
}
