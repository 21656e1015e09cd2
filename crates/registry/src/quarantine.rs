//! Why nothing is sent to a target: the words are stored and shown to people, the code is for programs.

/// What a target is quarantined for. It stays the first one, whatever a probe meets later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It answers 401: our token is refused.
    Unauthorized,
    /// It answers 403: our token may not do this.
    Forbidden,
    /// Many of its records are gone; a person decides (K23).
    Gone,
}

impl Cause {
    const ALL: [Self; 3] = [Self::Unauthorized, Self::Forbidden, Self::Gone];

    /// What stands in the target's row.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unauthorized => "the downstream answers 401: it does not take our token",
            Self::Forbidden => "the downstream answers 403: our token may not do this",
            Self::Gone => "many records are gone at the downstream: check it, then disable and enable outbound SCIM",
        }
    }

    /// The cause stored in these words; those of another release are known by their text alone.
    pub fn of(words: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.words() == words)
    }
}
