//! Groups: create, rename, delete, and memberships one by one. Keycloak's groups hold people; groups in groups are a
//! hierarchy of another kind there, so nested members stay in the directory.

use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Client;
use super::representation::{EXTERNAL_ID, MARKER};
use super::users::encode;
use crate::{Error, NewGroup, Page, RealmGroup};

/// Characters of a group's name at most.
const LONGEST: usize = 255;

impl Client {
    pub(crate) async fn create_group(&self, group: &NewGroup) -> Result<Uuid, Error> {
        check(&group.name)?;
        let mut attributes = Map::new();
        attributes.insert(MARKER.to_owned(), json!([group.marker]));
        if let Some(external_id) = &group.external_id {
            attributes.insert(EXTERNAL_ID.to_owned(), json!([external_id]));
        }
        let body = json!({ "name": group.name, "attributes": attributes });
        let answer = self.transport.call(Method::POST, "/groups", Some(&body)).await?;
        let id = answer.location.as_deref().and_then(|location| location.rsplit('/').next());
        id.and_then(|id| Uuid::parse_str(id).ok()).ok_or(Error::Ambiguous)
    }

    /// A top-level group by exact name. Re-checked: the search finds subgroups of that name too, and however many there are
    /// it must not end before the one that is sought.
    pub(crate) async fn find_group(&self, name: &str) -> Result<Option<RealmGroup>, Error> {
        let path =
            format!("/groups?search={}&exact=true&briefRepresentation=false&populateHierarchy=false", encode(name));
        let answer = self.transport.call(Method::GET, &path, None).await?;
        let mut groups = answer.body.as_array().into_iter().flatten().filter(|group| is_top(group)).filter_map(read);
        Ok(groups.find(|group| group.name == name))
    }

    pub(crate) async fn group(&self, id: Uuid) -> Result<Option<RealmGroup>, Error> {
        match self.transport.call(Method::GET, &format!("/groups/{id}"), None).await {
            Ok(answer) => read(&answer.body).map(Some).ok_or(Error::Unavailable),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn groups_of(&self, user: Uuid) -> Result<Vec<Uuid>, Error> {
        let path = format!("/users/{user}/groups?briefRepresentation=true");
        let answer = self.transport.call(Method::GET, &path, None).await?;
        Ok(answer.body.as_array().into_iter().flatten().filter_map(id_of).collect())
    }

    pub(crate) async fn groups(&self, first: u32, max: u32) -> Result<Page<RealmGroup>, Error> {
        let path = format!("/groups?first={first}&max={max}&briefRepresentation=false&subGroupsCount=false");
        Ok(Page::read(&self.transport.call(Method::GET, &path, None).await?.body, read))
    }

    pub(crate) async fn members(&self, group: Uuid, first: u32, max: u32) -> Result<Page<Uuid>, Error> {
        let path = format!("/groups/{group}/members?first={first}&max={max}&briefRepresentation=true");
        Ok(Page::read(&self.transport.call(Method::GET, &path, None).await?.body, id_of))
    }

    pub(crate) async fn rename_group(&self, id: Uuid, name: &str, external_id: Option<&str>) -> Result<(), Error> {
        check(name)?;
        self.save_group(id, Some(name), &[(EXTERNAL_ID, external_id)]).await
    }

    pub(crate) async fn mark_group(
        &self,
        id: Uuid,
        external_id: Option<&str>,
        marker: Option<&str>,
    ) -> Result<(), Error> {
        self.save_group(id, None, &[(EXTERNAL_ID, external_id), (MARKER, marker)]).await
    }

    /// Two calls: what else Keycloak keeps of the group goes back as it came.
    async fn save_group(&self, id: Uuid, name: Option<&str>, ours: &[(&str, Option<&str>)]) -> Result<(), Error> {
        let (path, operation) = (format!("/groups/{id}"), self.transport.operation());
        let mut body = operation.call(Method::GET, &path, None).await?.body;
        if let Some(name) = name {
            body["name"] = json!(name);
        }
        if let Some(object) = body.as_object_mut() {
            object.remove("subGroups");
            object.remove("access");
            let attributes = object.entry("attributes").or_insert_with(|| json!({}));
            if let Some(attributes) = attributes.as_object_mut() {
                for (attribute, value) in ours {
                    match value {
                        Some(value) => attributes.insert((*attribute).to_owned(), json!([value])),
                        None => attributes.remove(*attribute),
                    };
                }
            }
        }
        operation.call(Method::PUT, &path, Some(&body)).await.map(drop)
    }

    pub(crate) async fn delete_group(&self, id: Uuid) -> Result<(), Error> {
        match self.transport.call(Method::DELETE, &format!("/groups/{id}"), None).await {
            Ok(_) | Err(Error::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn join(&self, user: Uuid, group: Uuid) -> Result<(), Error> {
        self.transport.call(Method::PUT, &format!("/users/{user}/groups/{group}"), None).await.map(drop)
    }

    pub(crate) async fn leave(&self, user: Uuid, group: Uuid) -> Result<(), Error> {
        self.transport.call(Method::DELETE, &format!("/users/{user}/groups/{group}"), None).await.map(drop)
    }
}

/// Keycloak has no rule for the name of a group, only a column: one that is too long is a 500 there, for ever.
fn check(name: &str) -> Result<(), Error> {
    if name.chars().count() <= LONGEST {
        return Ok(());
    }
    Err(Error::Rejected { attribute: "displayName".to_owned(), detail: "error-invalid-length".to_owned() })
}

fn read(value: &Value) -> Option<RealmGroup> {
    let marker = value.get("attributes").and_then(|attributes| attributes.get(MARKER)).and_then(|values| values.get(0));
    let marker = marker.and_then(Value::as_str).map(str::to_owned);
    Some(RealmGroup { id: id_of(value)?, name: value.get("name")?.as_str()?.to_owned(), marker })
}

fn is_top(group: &Value) -> bool {
    group.get("parentId").is_none_or(Value::is_null)
}

fn id_of(value: &Value) -> Option<Uuid> {
    Uuid::parse_str(value.get("id")?.as_str()?).ok()
}
