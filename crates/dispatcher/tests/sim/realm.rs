//! The realm's side of a user in the model: few fields, so that states repeat, and events that wait to be captured.

use realm::RealmUser;
use uuid::Uuid;

/// A user's fields. `given` 0 is no first name; `family` counts edits where a world asks for order (I3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Person {
    pub enabled: bool,
    pub given: u8,
    pub family: u16,
}

impl Person {
    /// Where every world begins.
    pub const FIRST: Self = Self { enabled: true, given: 1, family: 0 };

    /// As the realm's adapter answers with it.
    pub fn user(self, place: u8) -> RealmUser {
        RealmUser {
            id: id_of(place),
            username: format!("user{place}"),
            email: None,
            first_name: (self.given > 0).then(|| format!("name{}", self.given)),
            last_name: Some(format!("v{:06}", self.family)),
            enabled: self.enabled,
            external_id: None,
            marker: None,
            attributes: std::collections::BTreeMap::new(),
        }
    }
}

/// The realm's id of the user at a place.
pub fn id_of(place: u8) -> Uuid {
    Uuid::from_u128(1 + u128::from(place))
}

/// What happens to a user in the realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edit {
    /// Off if on, on if off.
    Toggle,
    /// The first name goes or comes.
    Name,
    /// The counter in the last name rises.
    Count,
    /// The user is deleted.
    Delete,
}

impl Edit {
    /// A user after it.
    pub fn of(self, mut person: Person) -> Option<Person> {
        match self {
            Self::Toggle => person.enabled = !person.enabled,
            Self::Name => person.given = 1 - person.given.min(1),
            Self::Count => person.family += 1,
            Self::Delete => return None,
        }
        Some(person)
    }
}

/// A change that capture has not marked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Event {
    /// By somebody who was never ours (K26).
    pub touch: bool,
    /// The user was switched off.
    pub urgent: bool,
}
