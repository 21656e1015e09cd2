//! A realm's user as the rest of the program sees it. `Debug` prints the id alone.

use std::collections::BTreeMap;

use scim::native::Native;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keycloak::Newest;

/// A user of a realm: native fields, our two managed attributes, and whatever else its profile has.
#[derive(Clone, PartialEq, Eq)]
pub struct RealmUser {
    /// The realm's id: the SCIM id, and downstream the `externalId`.
    pub id: Uuid,
    /// Lower-cased by the realm.
    pub username: String,
    /// The one address a realm keeps.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// May log in.
    pub enabled: bool,
    /// The identity provider's id, from the managed attribute `scimExternalId`.
    pub external_id: Option<String>,
    /// `tenant:nonce` of the create that made the user, from the managed attribute `scimManaged` (K2).
    pub marker: Option<String>,
    /// Further attributes of the realm's profile, by their names there: the first value of each.
    pub attributes: BTreeMap<String, String>,
}

/// A user to create.
#[derive(Clone)]
pub struct NewUser {
    /// The login name.
    pub username: String,
    /// The address.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// May log in. Always sent: Keycloak takes its absence for no.
    pub enabled: bool,
    /// The identity provider's id.
    pub external_id: Option<String>,
    /// `tenant:nonce`.
    pub marker: String,
    /// Further managed attributes of the realm's profile, by their names there.
    pub attributes: BTreeMap<String, String>,
}

impl RealmUser {
    /// The native fields.
    pub fn native(&self) -> Native {
        Native {
            user_name: self.username.clone(),
            email: self.email.clone(),
            given_name: self.first_name.clone(),
            family_name: self.last_name.clone(),
            active: self.enabled,
            external_id: self.external_id.clone(),
        }
    }
}

/// A group of a realm.
#[derive(Clone, PartialEq, Eq)]
pub struct RealmGroup {
    /// The realm's id, and the SCIM id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// `tenant:nonce` of the create that made it (K2).
    pub marker: Option<String>,
}

/// A group to create.
#[derive(Clone)]
pub struct NewGroup {
    /// Its name.
    pub name: String,
    /// The identity provider's id.
    pub external_id: Option<String>,
    /// `tenant:nonce`.
    pub marker: String,
}

/// Something that happened in a realm: a user may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealmEvent {
    /// Its id, for de-duplication.
    pub id: String,
    /// When, milliseconds of the realm's clock.
    pub at_ms: i64,
    /// Who.
    pub user: Uuid,
    /// An operator's touch, which re-asserts (K26).
    pub touch: bool,
    /// The user was deleted.
    pub deleted: bool,
    /// The user's roles changed.
    pub roles: bool,
}

/// Something that happened to a group of a realm: another name, or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEvent {
    /// Its id, for de-duplication.
    pub id: String,
    /// Which.
    pub group: Uuid,
    /// It was deleted.
    pub deleted: bool,
}

/// Something that happened to roles or groups of a realm: others may have a hand in its administration now, although nothing
/// happened to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerEvent {
    /// Its id, for de-duplication.
    pub id: String,
    /// Who may have come by it.
    pub gained: Gained,
}

/// Who may have come by a hand in a realm's administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gained {
    /// Nobody: there may be fewer now.
    Nobody,
    /// The members of a group and of those below it.
    Group(Uuid),
    /// Anybody who holds any role: a composite took another in.
    Anybody,
}

/// For how long a realm keeps its events, milliseconds; none for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeping {
    /// The admin events.
    pub admin_ms: Option<i64>,
    /// The user events.
    pub user_ms: Option<i64>,
}

/// The newest event known of either event store: where one is missing later, somebody cleared that store (K28).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Marks {
    /// Of the admin events.
    pub admin: Option<Newest>,
    /// Of the user events that are polled.
    pub user: Option<Newest>,
    /// For how long events are kept, as the realm said last: what has expired is not missing.
    pub keeping: Option<Keeping>,
}

/// What a poll reads.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// From when on, milliseconds of the realm's clock.
    pub since_ms: i64,
    /// When that is asked, milliseconds of our clock.
    pub now_ms: i64,
    /// What is known, and looked for however old it is.
    pub known: Marks,
}

impl Reading {
    /// Whatever happened since a moment.
    pub fn since(since_ms: i64) -> Self {
        Self { since_ms, ..Self::default() }
    }
}

/// A poll's harvest.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// What happened, oldest first.
    pub events: Vec<RealmEvent>,
    /// What happened to groups themselves. Memberships are among what happened to users.
    pub groups: Vec<GroupEvent>,
    /// What happened to roles and to the order of groups.
    pub powers: Vec<PowerEvent>,
    /// The realm's clock when it answered, milliseconds: the cursor never passes it (K28).
    pub server_ms: i64,
    /// Where the harvest broke off, because there was more than it takes at once: what is not among it may come after.
    pub cut_ms: Option<i64>,
    /// What to look for with the next poll.
    pub newest: Marks,
    /// An event that was known is not there any more: events were cleared, and some may be gone that nobody read (K28).
    pub cleared: bool,
}

impl std::fmt::Debug for RealmUser {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RealmUser").field("id", &self.id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NewUser").finish_non_exhaustive()
    }
}
