//! Users: create, read, update, log out, delete, and the realm role.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Client, representation};
use crate::{Error, Fresh, MANAGED_ROLE, NewUser, RealmUser, UserChange};

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

    pub(crate) async fn read(&self, id: Uuid) -> Result<Fresh, Error> {
        let body = self.transport.call(Method::GET, &format!("/users/{id}"), None).await?.body;
        let user = representation::read(&body).ok_or(Error::Unavailable)?;
        if is_service_account(&user) { Err(Error::NotFound) } else { Ok(Fresh::Keycloak(user, body)) }
    }

    pub(crate) async fn write(&self, user: RealmUser, body: &Value, change: &UserChange) -> Result<RealmUser, Error> {
        let path = format!("/users/{}", user.id);
        self.transport.call(Method::PUT, &path, Some(&representation::changed(body, change))).await?;
        Ok(change.applied_to(user))
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

    pub(crate) async fn users(&self, first: u32, max: u32) -> Result<Vec<RealmUser>, Error> {
        let path = format!("/users?first={first}&max={max}&briefRepresentation=false");
        let answer = self.transport.call(Method::GET, &path, None).await?;
        let users = answer.body.as_array().into_iter().flatten().filter_map(representation::read);
        Ok(users.filter(|user| !is_service_account(user)).collect())
    }

    pub(crate) async fn grant_role(&self, id: Uuid) -> Result<(), Error> {
        let role = self.role.get_or_try_init(|| self.role()).await?;
        let path = format!("/users/{id}/role-mappings/realm");
        self.transport.call(Method::POST, &path, Some(&json!([role]))).await.map(drop)
    }

    async fn role(&self) -> Result<Value, Error> {
        let answer = self.transport.call(Method::GET, &format!("/roles/{MANAGED_ROLE}"), None).await?;
        Ok(json!({ "id": answer.body["id"], "name": MANAGED_ROLE }))
    }
}

/// Service accounts turn up in searches by criteria and by id, without any mark but their name.
fn is_service_account(user: &RealmUser) -> bool {
    user.username.starts_with("service-account-")
}

pub(super) fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
