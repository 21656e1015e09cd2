//! Whose row it is: a user's, or a group's where groups are pushed. Either kind has tables of its own, so that nothing that
//! counts, compares or walks users ever meets a group; the statements of the protocol are the same for both.

use uuid::Uuid;

use crate::resource::Kind;

/// A user or a group of the realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Which of both.
    pub kind: Kind,
    /// The realm's id.
    pub id: Uuid,
}

impl Subject {
    /// A group.
    pub fn group(id: Uuid) -> Self {
        Self { kind: Kind::Group, id }
    }
}

impl From<Uuid> for Subject {
    /// A user, as nearly every one is.
    fn from(id: Uuid) -> Self {
        Self { kind: Kind::User, id }
    }
}

impl Kind {
    pub(crate) fn ledger(self) -> &'static str {
        match self {
            Self::User => "ledger",
            Self::Group => "group_ledger",
        }
    }

    pub(crate) fn link(self) -> &'static str {
        match self {
            Self::User => "link",
            Self::Group => "group_link",
        }
    }

    /// The column that names the subject in both tables.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::User => "user_id",
            Self::Group => "group_id",
        }
    }

    /// What a target has to be, beside active, to be sent a subject of this kind: a condition on its columns.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Self::User => "true",
            Self::Group => "target.push_groups",
        }
    }
}
