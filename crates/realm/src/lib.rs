//! The realm: who may log in. One surface, two implementations: Keycloak 26 through its Admin REST API, and the
//! embedded realm of a program that runs without Keycloak.
//!
//! A caller sees native fields only; Keycloak's representations stay in this crate. No call retries a write whose
//! fate is unknown (K5), and no two writes to one user may overlap: that is the caller's lease (K1), because Keycloak
//! corrupts a user under overlapping PUTs.

pub mod embedded;
mod error;
pub mod keycloak;
mod user;

pub use error::Error;
pub use user::{Changes, NewUser, RealmEvent, RealmUser, UserChange};

use uuid::Uuid;

/// The realm role of users that SCIM manages.
pub const MANAGED_ROLE: &str = "scim-managed";

/// One tenant's realm.
#[derive(Clone)]
pub enum Realm {
    /// People in our own database.
    Embedded(embedded::Embedded),
    /// A Keycloak realm.
    Keycloak(keycloak::Client),
}

impl Realm {
    /// Creates a user, enabled or not, with its marker (K2). The role is granted by a call of its own.
    pub async fn create(&self, user: &NewUser) -> Result<RealmUser, Error> {
        match self {
            Self::Embedded(realm) => realm.create(user).await,
            Self::Keycloak(client) => client.create(user).await,
        }
    }

    /// Grants `scim-managed`; idempotent.
    pub async fn grant_role(&self, id: Uuid) -> Result<(), Error> {
        match self {
            Self::Embedded(realm) => realm.grant_role(id).await,
            Self::Keycloak(client) => client.grant_role(id).await,
        }
    }

    /// A user by id; `None` only where the realm itself says that there is no such user.
    pub async fn user(&self, id: Uuid) -> Result<Option<RealmUser>, Error> {
        match self {
            Self::Embedded(realm) => realm.user(id).await,
            Self::Keycloak(client) => client.user(id).await,
        }
    }

    /// A user by exact username, letter case aside.
    pub async fn find_by_username(&self, username: &str) -> Result<Option<RealmUser>, Error> {
        match self {
            Self::Embedded(realm) => realm.find_by_username(username).await,
            Self::Keycloak(client) => client.find_by_username(username).await,
        }
    }

    /// Changes a user: a fresh read plus this change, nothing else (K3). Answers with the user as it is afterwards.
    pub async fn update(&self, id: Uuid, change: &UserChange) -> Result<RealmUser, Error> {
        match self {
            Self::Embedded(realm) => realm.update(id, change).await,
            Self::Keycloak(client) => client.update(id, change).await,
        }
    }

    /// Ends a user's sessions; repeatable.
    pub async fn logout(&self, id: Uuid) -> Result<(), Error> {
        match self {
            Self::Embedded(realm) => realm.logout(id).await,
            Self::Keycloak(client) => client.logout(id).await,
        }
    }

    /// Deletes a user; absent is fine.
    pub async fn delete(&self, id: Uuid) -> Result<(), Error> {
        match self {
            Self::Embedded(realm) => realm.delete(id).await,
            Self::Keycloak(client) => client.delete(id).await,
        }
    }

    /// A page of people by username, without service accounts.
    pub async fn users(&self, first: u32, max: u32) -> Result<Vec<RealmUser>, Error> {
        match self {
            Self::Embedded(realm) => realm.users(first, max).await,
            Self::Keycloak(client) => client.users(first, max).await,
        }
    }

    /// What may have changed since a moment, milliseconds of the realm's clock (the event poll). `ours` are the internal
    /// ids of every client that was ever ours: their writes are no operator's touch (K26).
    pub async fn changes(&self, since_ms: i64, ours: &[Uuid]) -> Result<Changes, Error> {
        match self {
            Self::Embedded(realm) => realm.changes(since_ms).await,
            Self::Keycloak(client) => client.changes(since_ms, ours).await,
        }
    }
}
