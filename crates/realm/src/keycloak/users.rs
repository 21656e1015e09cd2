//! Users: create, read, update, log out, delete, and the realm role.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::transport::Operation;
use super::{Client, representation};
use crate::{Error, Fresh, MANAGED_ROLE, NewUser, Page, RealmUser, UserChange};

/// What Keycloak says of a single-valued attribute with two values.
const TWO_VALUES: &str = "error-invalid-multivalued-size";
/// Attributes mended in one write.
const MENDS: usize = 8;

impl Client {
    pub(crate) async fn create(&self, user: &NewUser) -> Result<RealmUser, Error> {
        let answer = self.transport.call(Method::POST, "/users", Some(&representation::create(user))).await?;
        let id = answer.location.as_deref().and_then(|location| location.rsplit('/').next());
        let id = id.and_then(|id| Uuid::parse_str(id).ok()).ok_or(Error::Ambiguous)?;
        // Keycloak folds the letter case of both; the answer has no body and a read would cost a call.
        Ok(RealmUser {
            id,
            username: user.username.to_lowercase(),
            email: user.email.as_ref().map(|email| email.to_lowercase()),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            enabled: user.enabled,
            external_id: user.external_id.clone(),
            marker: Some(user.marker.clone()),
            attributes: user.attributes.clone(),
        })
    }

    pub(crate) async fn user(&self, id: Uuid) -> Result<Option<RealmUser>, Error> {
        match self.transport.call(Method::GET, &format!("/users/{id}"), None).await {
            // A service account is nobody's person: found by id, but never shown (design: hidden and refused).
            Ok(answer) => {
                let user = representation::read(&answer.body).ok_or(Error::Unavailable)?;
                Ok(Some(user).filter(|user| !is_service_account(user)))
            }
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn find_by_username(&self, username: &str) -> Result<Option<RealmUser>, Error> {
        let path = format!("/users?username={}&exact=true&max=2", encode(username));
        let answer = self.transport.call(Method::GET, &path, None).await?;
        let wanted = username.to_lowercase();
        // Re-checked: a look-up that Keycloak does not understand returns everybody.
        let users = answer.body.as_array().into_iter().flatten().filter_map(representation::read);
        Ok(users.into_iter().find(|user| user.username == wanted && !is_service_account(user)))
    }

    /// Keycloak has no way to ask for an attribute's value that holds a quotation mark.
    pub(crate) async fn find_by_external_id(&self, external_id: &str) -> Result<Option<RealmUser>, Error> {
        if external_id.is_empty() || external_id.contains('"') {
            return Ok(None);
        }
        let wanted = encode(&format!("{}:\"{external_id}\"", representation::EXTERNAL_ID));
        let path = format!("/users?q={wanted}&briefRepresentation=false&max=10");
        let answer = self.transport.call(Method::GET, &path, None).await?;
        let users = answer.body.as_array().into_iter().flatten().filter_map(representation::read);
        let is_wanted = |user: &RealmUser| user.native().external_id.as_deref() == Some(external_id);
        Ok(users.into_iter().find(|user| is_wanted(user) && !is_service_account(user)))
    }

    pub(crate) async fn read(&self, id: Uuid) -> Result<Fresh, Error> {
        let body = self.transport.call(Method::GET, &format!("/users/{id}"), None).await?.body;
        let user = representation::read(&body).ok_or(Error::Unavailable)?;
        if is_service_account(&user) { Err(Error::NotFound) } else { Ok(Fresh::Keycloak(user, body)) }
    }

    pub(crate) async fn write(&self, user: RealmUser, body: &Value, change: &UserChange) -> Result<RealmUser, Error> {
        write(&self.transport.operation(), user, body, change).await
    }

    /// Native fields by one call: without `attributes` a PUT leaves alone what it does not name.
    pub(crate) async fn merge(&self, id: Uuid, change: &UserChange) -> Result<(), Error> {
        let body = representation::named(change);
        self.transport.call(Method::PUT, &format!("/users/{id}"), Some(&body)).await.map(drop)
    }

    pub(crate) async fn logout(&self, id: Uuid) -> Result<(), Error> {
        self.transport.call(Method::POST, &format!("/users/{id}/logout"), None).await.map(drop)
    }

    pub(crate) async fn delete(&self, id: Uuid) -> Result<(), Error> {
        match self.transport.call(Method::DELETE, &format!("/users/{id}"), None).await {
            Ok(_) | Err(Error::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn users(&self, first: u32, max: u32) -> Result<Page<RealmUser>, Error> {
        let path = format!("/users?first={first}&max={max}&briefRepresentation=false");
        self.page(&path).await
    }

    pub(crate) async fn grant_role(&self, id: Uuid) -> Result<(), Error> {
        self.map_role(&self.transport.operation(), Method::POST, id).await
    }

    /// Gives or takes the realm role. One that is no longer what it was, because it was deleted and made anew, changed
    /// nothing: it is asked for again, once. No value of anybody's is refused here: a 400 is another mapping in the way.
    async fn map_role(&self, operation: &Operation<'_>, method: Method, id: Uuid) -> Result<(), Error> {
        let path = format!("/users/{id}/role-mappings/realm");
        let (role, known) = self.role(operation).await?;
        let mut outcome = operation.call(method.clone(), &path, Some(&json!([role]))).await;
        if known && matches!(outcome, Err(Error::RealmGone)) {
            *self.role.lock().await = None;
            let (role, _) = self.role(operation).await?;
            outcome = operation.call(method, &path, Some(&json!([role]))).await;
        }
        match outcome {
            Err(Error::Rejected { .. }) => Err(Error::Contended),
            outcome => outcome.map(drop),
        }
    }

    pub(crate) async fn identity(&self) -> Result<Uuid, Error> {
        let answer = self.transport.call(Method::GET, "", None).await?;
        let id = answer.body.get("id").and_then(Value::as_str);
        id.and_then(|id| Uuid::parse_str(id).ok()).ok_or(Error::RealmGone)
    }

    /// Takes the role and the marker away; both may be gone already.
    pub(crate) async fn release(&self, id: Uuid) -> Result<(), Error> {
        let operation = self.transport.operation();
        self.map_role(&operation, Method::DELETE, id).await?;
        let path = format!("/users/{id}");
        let fresh = operation.call(Method::GET, &path, None).await?.body;
        let user = representation::read(&fresh).ok_or(Error::Unavailable)?;
        if user.marker.is_none() {
            return Ok(());
        }
        let unmarked = UserChange { marker: Some(None), ..UserChange::default() };
        write(&operation, user, &fresh, &unmarked).await.map(drop)
    }

    /// A page of the ids of the users who hold `scim-managed`, by username. Keycloak holds everybody before the page in memory
    /// while it makes it, and looks through them for changes before each question it asks its database: for users as a whole
    /// that is several questions each, and a page far down a list of 20,000 takes longer than a call may.
    pub(crate) async fn managed(&self, first: u32, max: u32) -> Result<Page<Uuid>, Error> {
        let path = format!("/roles/{MANAGED_ROLE}/users?first={first}&max={max}&briefRepresentation=true");
        let page = self.page(&path).await?;
        Ok(Page { listed: page.listed, entries: page.entries.into_iter().map(|user| user.id).collect() })
    }

    /// A page of people; service accounts are none.
    async fn page(&self, path: &str) -> Result<Page<RealmUser>, Error> {
        let answer = self.transport.call(Method::GET, path, None).await?;
        Ok(Page::read(&answer.body, |user| representation::read(user).filter(|user| !is_service_account(user))))
    }

    /// Whether a user holds `scim-managed`, directly.
    pub(crate) async fn is_managed(&self, id: Uuid) -> Result<bool, Error> {
        let answer = self.transport.call(Method::GET, &format!("/users/{id}/role-mappings/realm"), None).await?;
        Ok(answer.body.as_array().into_iter().flatten().any(|role| role["name"] == MANAGED_ROLE))
    }

    /// The realm role as a mapping names it, and whether that was known. Without it in the body of a DELETE Keycloak would
    /// take all realm roles.
    async fn role(&self, operation: &Operation<'_>) -> Result<(Value, bool), Error> {
        let mut held = self.role.lock().await;
        if let Some(role) = &*held {
            return Ok((role.clone(), true));
        }
        let role = json!({ "id": role_id(operation).await?, "name": MANAGED_ROLE });
        *held = Some(role.clone());
        Ok((role, false))
    }

    /// The id of the realm role as it is now.
    pub(crate) async fn role_id(&self) -> Result<Uuid, Error> {
        role_id(&self.transport.operation()).await
    }
}

async fn role_id(operation: &Operation<'_>) -> Result<Uuid, Error> {
    let answer = operation.call(Method::GET, &format!("/roles/{MANAGED_ROLE}"), None).await?;
    let id = answer.body.get("id").and_then(Value::as_str);
    id.and_then(|id| Uuid::parse_str(id).ok()).ok_or(Error::Unavailable)
}

/// An attribute that somebody else's overlapping write left with two values refuses every write until it is mended
/// (keycloak#41533): a refusal changed nothing, so it is mended and written again.
async fn write(
    operation: &Operation<'_>,
    user: RealmUser,
    body: &Value,
    change: &UserChange,
) -> Result<RealmUser, Error> {
    let path = format!("/users/{}", user.id);
    let mut body = representation::changed(body, change);
    for _ in 0..MENDS {
        match operation.call(Method::PUT, &path, Some(&body)).await {
            Err(Error::Rejected { attribute, detail }) if detail == TWO_VALUES => {
                if !representation::mend(&mut body, &attribute) {
                    return Err(Error::Rejected { attribute, detail });
                }
            }
            outcome => return outcome.map(|_| change.applied_to(user)),
        }
    }
    Err(Error::Unavailable)
}

/// Service accounts turn up in searches by criteria and by id, without any mark but their name.
fn is_service_account(user: &RealmUser) -> bool {
    user.username.starts_with("service-account-")
}

pub(super) fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
