//! What a round knows of its group's record, and how members join it.

use std::collections::BTreeSet;

use super::{Ended, MEMBERS, Pair};

/// The group's record, as far as a round knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a record")]
pub(super) struct Held {
    pub id: u16,
    pub differs: bool,
    pub looked: bool,
    pub named: bool,
    /// A removal of several was refused.
    pub alone: bool,
    /// It answered 404, and has not been seen since.
    pub missing: bool,
    pub stands_as: u8,
    pub records: Option<BTreeSet<u16>>,
    pub joining: Joining,
}

/// How members join in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Joining {
    pub at_once: usize,
    pub began: bool,
    pub refused: Vec<Pair>,
    pub refusal: Option<Ended>,
}

impl Joining {
    pub const ALL: Self = Self { at_once: MEMBERS, began: false, refused: Vec::new(), refusal: None };

    pub fn seeks(&self) -> bool {
        !self.began && (self.at_once < MEMBERS || !self.refused.is_empty())
    }
}
