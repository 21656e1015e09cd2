//! A realm's groups: made, named, marked, joined and left. The embedded realm keeps none.

use uuid::Uuid;

use crate::calls::told;
use crate::{Error, NewGroup, Page, Realm, RealmGroup};

impl Realm {
    /// Whether it keeps groups. The embedded realm does not: there the directory's are all there are.
    pub fn keeps_groups(&self) -> bool {
        matches!(self, Self::Keycloak(_))
    }

    /// Creates a top-level group with its marker (K2); its id.
    pub async fn create_group(&self, group: &NewGroup) -> Result<Uuid, Error> {
        match self {
            Self::Embedded(_) => Ok(Uuid::new_v4()),
            Self::Keycloak(client) => told("create group", client.create_group(group)).await,
        }
    }

    /// A top-level group by exact name.
    pub async fn find_group(&self, name: &str) -> Result<Option<RealmGroup>, Error> {
        match self {
            Self::Embedded(_) => Ok(None),
            Self::Keycloak(client) => told("find group", client.find_group(name)).await,
        }
    }

    /// A group by id; `None` only where the realm itself says that there is no such group.
    pub async fn group(&self, id: Uuid) -> Result<Option<RealmGroup>, Error> {
        match self {
            Self::Embedded(_) => Ok(None),
            Self::Keycloak(client) => client.group(id).await,
        }
    }

    /// Gives a group another name and external id.
    pub async fn rename_group(&self, id: Uuid, name: &str, external_id: Option<&str>) -> Result<(), Error> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Keycloak(client) => told("rename group", client.rename_group(id, name, external_id)).await,
        }
    }

    /// Gives a group another external id and marker, or takes them away.
    pub async fn mark_group(&self, id: Uuid, external_id: Option<&str>, marker: Option<&str>) -> Result<(), Error> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Keycloak(client) => told("mark group", client.mark_group(id, external_id, marker)).await,
        }
    }

    /// Deletes a group; absent is fine.
    pub async fn delete_group(&self, id: Uuid) -> Result<(), Error> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Keycloak(client) => told("delete group", client.delete_group(id)).await,
        }
    }

    /// Makes a user a member of a group, or not any more; both repeatable. [`Error::NotFound`] where it has not both.
    pub async fn set_member(&self, user: Uuid, group: Uuid, member: bool) -> Result<(), Error> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Keycloak(client) if member => told("add member", client.join(user, group)).await,
            Self::Keycloak(client) => told("remove member", client.leave(user, group)).await,
        }
    }

    /// The groups a user is in, directly.
    pub async fn groups_of(&self, user: Uuid) -> Result<Vec<Uuid>, Error> {
        match self {
            Self::Embedded(_) => Ok(Vec::new()),
            Self::Keycloak(client) => client.groups_of(user).await,
        }
    }

    /// A page of the top-level groups, by name.
    pub async fn groups(&self, first: u32, max: u32) -> Result<Page<RealmGroup>, Error> {
        match self {
            Self::Embedded(_) => Ok(Page { entries: Vec::new(), listed: 0 }),
            Self::Keycloak(client) => client.groups(first, max).await,
        }
    }

    /// A page of a group's direct members, by username; service accounts are among them.
    pub async fn members(&self, group: Uuid, first: u32, max: u32) -> Result<Page<Uuid>, Error> {
        match self {
            Self::Embedded(_) => Ok(Page { entries: Vec::new(), listed: 0 }),
            Self::Keycloak(client) => client.members(group, first, max).await,
        }
    }
}
