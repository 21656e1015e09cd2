//! The realm: who may log in. One surface, two implementations: Keycloak 26 through its Admin REST API, and the
//! embedded realm of a program that runs without Keycloak.
//!
//! A caller sees native fields only; Keycloak's representations stay in this crate. No call retries a write whose
//! fate is unknown (K5), and no two writes to one user may overlap: that is the caller's lease (K1), because Keycloak
//! corrupts a user under overlapping PUTs.

mod calls;
mod change;
pub mod embedded;
mod error;
mod group;
pub mod keycloak;
mod user;
mod walk;

pub use calls::{Asked, Calls};
pub use change::UserChange;
pub use error::Error;
pub use user::{
    Changes, Gained, GroupEvent, Keeping, Marks, NewGroup, NewUser, PowerEvent, Reading, RealmEvent, RealmGroup,
    RealmUser,
};
pub use walk::{Page, Walk};

use std::time::Duration;

use uuid::Uuid;

use calls::told;

/// The longest that an operation on one thing takes, waiting for turns included: less than any write lease (K1).
pub const CALL: Duration = Duration::from_secs(8);

/// The realm role of users that SCIM manages.
pub const MANAGED_ROLE: &str = "scim-managed";

/// A user as just read, with whatever else its realm keeps of it: what goes back with a write.
pub enum Fresh {
    /// Of an embedded realm.
    Embedded(RealmUser),
    /// Of Keycloak, with its representation.
    Keycloak(RealmUser, serde_json::Value),
}

impl Fresh {
    /// The user.
    pub fn user(&self) -> &RealmUser {
        match self {
            Self::Embedded(user) | Self::Keycloak(user, _) => user,
        }
    }
}

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
        told("create user", async {
            match self {
                Self::Embedded(realm) => realm.create(user).await,
                Self::Keycloak(client) => client.create(user).await,
            }
        })
        .await
    }

    /// Grants `scim-managed`; idempotent.
    pub async fn grant_role(&self, id: Uuid) -> Result<(), Error> {
        told("grant role", async {
            match self {
                Self::Embedded(realm) => realm.grant_role(id).await,
                Self::Keycloak(client) => client.grant_role(id).await,
            }
        })
        .await
    }

    /// A user by id; `None` only where the realm itself says that there is no such user.
    pub async fn user(&self, id: Uuid) -> Result<Option<RealmUser>, Error> {
        told("read user", async {
            match self {
                Self::Embedded(realm) => realm.user(id).await,
                Self::Keycloak(client) => client.user(id).await,
            }
        })
        .await
    }

    /// A user by exact username, letter case aside.
    pub async fn find_by_username(&self, username: &str) -> Result<Option<RealmUser>, Error> {
        told("find user", async {
            match self {
                Self::Embedded(realm) => realm.find_by_username(username).await,
                Self::Keycloak(client) => client.find_by_username(username).await,
            }
        })
        .await
    }

    /// A user by exact externalId, while the directory may not know it yet. In an embedded realm it knows them all: only SCIM
    /// gives any.
    pub async fn find_by_external_id(&self, external_id: &str) -> Result<Option<RealmUser>, Error> {
        told("find user", async {
            match self {
                Self::Embedded(_) => Ok(None),
                Self::Keycloak(client) => client.find_by_external_id(external_id).await,
            }
        })
        .await
    }

    /// A user as the realm holds it, to be written back with a change: one call.
    pub async fn read(&self, id: Uuid) -> Result<Fresh, Error> {
        told("read user", async {
            match self {
                Self::Embedded(realm) => realm.user(id).await?.ok_or(Error::NotFound).map(Fresh::Embedded),
                Self::Keycloak(client) => client.read(id).await,
            }
        })
        .await
    }

    /// Writes a user as it was just read plus this change, nothing else (K3): one call. Answers with the user as it is
    /// afterwards.
    pub async fn write(&self, fresh: Fresh, change: &UserChange) -> Result<RealmUser, Error> {
        told("update user", async {
            match (self, fresh) {
                (Self::Embedded(realm), Fresh::Embedded(user)) => realm.save(user.id, change, None).await,
                (Self::Keycloak(client), Fresh::Keycloak(user, body)) => client.write(user, &body, change).await,
                (Self::Embedded(_), Fresh::Keycloak(..)) | (Self::Keycloak(_), Fresh::Embedded(_)) => {
                    Err(Error::RealmGone)
                }
            }
        })
        .await
    }

    /// Writes what of a user changes and nothing else: one call. Nothing that it holds is read, so that nothing which others
    /// write meanwhile is lost. For native fields alone: Keycloak takes attributes all or none.
    pub async fn merge(&self, id: Uuid, change: &UserChange) -> Result<(), Error> {
        let operation = match change.enabled {
            Some(true) => "enable user",
            Some(false) => "disable user",
            None => "update user",
        };
        told(operation, async {
            match self {
                Self::Embedded(realm) => realm.save(id, change, None).await.map(drop),
                Self::Keycloak(client) => client.merge(id, change).await,
            }
        })
        .await
    }

    /// Lets a user go: without role and marker it is SCIM's no more (K30).
    pub async fn release(&self, id: Uuid) -> Result<(), Error> {
        told("release user", async {
            match self {
                Self::Embedded(realm) => realm.release(id).await,
                Self::Keycloak(client) => client.release(id).await,
            }
        })
        .await
    }

    /// Whether a user holds `scim-managed`.
    pub async fn is_managed(&self, id: Uuid) -> Result<bool, Error> {
        told("check role", async {
            match self {
                Self::Embedded(realm) => realm.is_managed(id).await,
                Self::Keycloak(client) => client.is_managed(id).await,
            }
        })
        .await
    }

    /// A page of the ids of the holders of `scim-managed`, by username, without service accounts.
    pub async fn managed(&self, first: u32, max: u32) -> Result<Page<Uuid>, Error> {
        match self {
            Self::Embedded(realm) => realm.managed(first, max).await,
            Self::Keycloak(client) => client.managed(first, max).await,
        }
    }

    /// Whether a user has a hand in the realm's administration; asked at most once a minute. Nobody has in an embedded
    /// realm.
    pub async fn user_is_protected(&self, id: Uuid) -> Result<bool, Error> {
        match self {
            Self::Embedded(_) => Ok(false),
            Self::Keycloak(client) => client.user_is_protected(id).await,
        }
    }

    /// Whether a group gives a hand in the realm's administration.
    pub async fn group_is_protected(&self, id: Uuid) -> Result<bool, Error> {
        match self {
            Self::Embedded(_) => Ok(false),
            Self::Keycloak(client) => client.group_is_protected(id).await,
        }
    }

    /// The groups above a group, nearest first: what they give, it gives too.
    pub async fn groups_above(&self, id: Uuid) -> Result<Vec<Uuid>, Error> {
        match self {
            Self::Embedded(_) => Ok(Vec::new()),
            Self::Keycloak(client) => client.groups_above(id).await,
        }
    }

    /// The groups below a group, at any depth.
    pub async fn groups_below(&self, id: Uuid) -> Result<Vec<Uuid>, Error> {
        match self {
            Self::Embedded(_) => Ok(Vec::new()),
            Self::Keycloak(client) => client.groups_below(id).await,
        }
    }

    /// The roles of a user or group have changed: what is known of its protection is no more.
    pub fn forget_protection(&self, id: Uuid) {
        if let Self::Keycloak(client) = self {
            client.protection.forget(id);
        }
    }

    /// The realm's own UUID: its identity, whatever it is called (K29). None for an embedded realm.
    pub async fn identity(&self) -> Result<Option<Uuid>, Error> {
        match self {
            Self::Embedded(_) => Ok(None),
            Self::Keycloak(client) => client.identity().await.map(Some),
        }
    }

    /// The id of the realm role `scim-managed` as it is now: one that was deleted and made anew has another. None for an
    /// embedded realm.
    pub async fn role(&self) -> Result<Option<Uuid>, Error> {
        match self {
            Self::Embedded(_) => Ok(None),
            Self::Keycloak(client) => client.role_id().await.map(Some),
        }
    }

    /// Ends a user's sessions; repeatable.
    pub async fn logout(&self, id: Uuid) -> Result<(), Error> {
        told("end sessions", async {
            match self {
                Self::Embedded(realm) => realm.logout(id).await,
                Self::Keycloak(client) => client.logout(id).await,
            }
        })
        .await
    }

    /// Deletes a user; absent is fine.
    pub async fn delete(&self, id: Uuid) -> Result<(), Error> {
        told("delete user", async {
            match self {
                Self::Embedded(realm) => realm.delete(id).await,
                Self::Keycloak(client) => client.delete(id).await,
            }
        })
        .await
    }

    /// Whether its credentials were refused when they were used last: there may be others by now.
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Embedded(_) => false,
            Self::Keycloak(client) => client.is_refused(),
        }
    }

    /// A page of people by username, without service accounts.
    pub async fn users(&self, first: u32, max: u32) -> Result<Page<RealmUser>, Error> {
        match self {
            Self::Embedded(realm) => realm.users(first, max).await,
            Self::Keycloak(client) => client.users(first, max).await,
        }
    }

    /// For how long the realm keeps the events the poll lives on; nothing where it does not store them.
    pub async fn keeps_events(&self) -> Result<Option<Keeping>, Error> {
        match self {
            Self::Embedded(_) => Ok(Some(Keeping { admin_ms: None, user_ms: None })),
            Self::Keycloak(client) => client.keeps_events().await,
        }
    }

    /// What may have changed since a moment (the event poll). `ours` are the internal ids of every client that was ever
    /// ours: their writes are no operator's touch (K26). An embedded realm keeps each user's newest change, is never cleared,
    /// and knows no marks.
    pub async fn changes(&self, reading: &Reading, ours: &[Uuid]) -> Result<Changes, Error> {
        match self {
            Self::Embedded(realm) => realm.changes(reading.since_ms).await,
            Self::Keycloak(client) => client.changes(reading, ours).await,
        }
    }
}
