//! What may happen in a world, and the rules that can be switched off in it.

/// The rules of K28 that can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A page that does not get past its millisecond is asked for again, larger.
    Widens,
    /// The cursor stays at or below the realm's clock.
    RealmsClock,
    /// Marks and cursor are one transaction.
    OneTransaction,
    /// Only the poller that owns the realm stores what it read.
    Owner,
    /// The last ten minutes are read again once a minute.
    Rereads,
    /// An event marks once.
    Ids,
    /// Ids are remembered for as long as a poll may go back.
    Remembers,
    /// A newest event that vanished has the realm compared.
    Vanished,
    /// It is looked for however long ago it was.
    GoesBack,
    /// Each store has a newest event of its own.
    EachStore,
    /// What has expired did not vanish.
    Expires,
    /// Stores that are off have the realm compared, and are switched on again.
    StoresOff,
    /// Switched on again, they do once more.
    SetUpCompares,
    /// A long pause has the realm compared.
    Pauses,
    /// A compare under way may be past what is wanted.
    Anew,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Somebody is edited, by an administrator or by himself; it commits at once, or later.
    Edit {
        who: usize,
        own: bool,
        late: bool,
    },
    Commit(usize),
    /// More events in one millisecond than a page holds, and an edit in the same.
    Mass,
    /// An administrator clears a store.
    Clear {
        own: bool,
    },
    /// An administrator switches the stores off.
    SwitchOff,
    Restore,
    /// A listener tells of an event.
    Push(usize),
    Claim,
    Poll(usize),
    Crash(usize),
    SetUp,
    Compare,
    Forget,
    Wait(usize),
}

/// What may still happen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Budget {
    pub edits: usize,
    pub late: usize,
    pub own: bool,
    pub mass: bool,
    pub clears: usize,
    pub offs: usize,
    pub restores: usize,
    pub pushes: usize,
    pub polls: usize,
    pub crashes: usize,
    /// Of each of [`WAITS`].
    pub waits: [usize; 4],
}

/// How long it is waited, milliseconds: until a lease has ended, the last minutes are read again, most of them are over, and
/// until nobody has read for so long that it is a pause.
pub const WAITS: [i64; 4] = [11_000, 70_000, 8 * 60_000, 16 * 60_000];

/// The clocks of a world against the true time, milliseconds: of the nodes that stamp events, of the one that answers, ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Clocks {
    pub stamp: i64,
    pub date: i64,
    pub ours: i64,
}
