//! How a round ends, for its row.

/// What a round decided about its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The downstream is in step with the mark.
    Done,
    /// Try again after so many microseconds; `definite` when the target answered for sure (K17).
    Retry {
        /// Back-off in microseconds.
        after: i64,
        /// Whether every call of the round got a definite answer.
        definite: bool,
        /// Whether the row is charged with the attempt.
        charged: bool,
    },
    /// Not done either, but how the record stands was looked at and is remembered, and every call got a definite answer: the
    /// next round goes on from there and need not look again (K17).
    Looked {
        /// Back-off in microseconds.
        after: i64,
        /// Whether the row is charged with the attempt.
        charged: bool,
    },
    /// Set aside until the user changes or a person acts.
    Park,
}
