//! Administrative roles: `manage-users` amounts to realm-admin, so whoever holds a role of the realm's administration is
//! protected by us, not by Keycloak (CVE-2026-94000 and its kind).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use super::Client;
use super::transport::claims;
use crate::Error;
use crate::calls::told;

/// How long an answer is good.
const FRESH: Duration = Duration::from_mins(1);
/// Answers kept.
const KEPT: usize = 50_000;
/// Subgroups looked into before a group counts as protected anyway.
const SUBGROUPS: usize = 200;

/// What was found lately, and the id of the client whose roles administer the realm.
#[derive(Default)]
pub(crate) struct Protection {
    management: tokio::sync::Mutex<Option<Uuid>>,
    known: Mutex<HashMap<Uuid, (Instant, bool)>>,
}

impl Protection {
    fn known(&self, id: Uuid) -> Option<bool> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, protected)| *protected)
    }

    fn note(&self, id: Uuid, protected: bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        known.insert(id, (Instant::now(), protected));
    }

    /// Roles have changed: the next question is asked anew.
    pub(crate) fn forget(&self, id: Uuid) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

impl Client {
    /// Whether a user holds a role of the realm's administration, directly, by a group or a composite: one call, which
    /// covers all of them, at most once a minute.
    pub(crate) async fn user_is_protected(&self, id: Uuid) -> Result<bool, Error> {
        self.is_protected(id, &format!("/users/{id}")).await
    }

    /// Whether a group gives such a role: its own mappings, its parents' and its subgroups'.
    pub(crate) async fn group_is_protected(&self, id: Uuid) -> Result<bool, Error> {
        if let Some(known) = self.protection.known(id) {
            return Ok(known);
        }
        let protected = told("check protection", self.group_holds_roles(id)).await?;
        self.protection.note(id, protected);
        Ok(protected)
    }

    async fn group_holds_roles(&self, id: Uuid) -> Result<bool, Error> {
        if self.holds_roles(&format!("/groups/{id}")).await? {
            return Ok(true);
        }
        // From 26.7 on the answer leaves the parents' roles out.
        for above in self.groups_above(id).await? {
            if self.holds_roles(&format!("/groups/{above}")).await? {
                return Ok(true);
            }
        }
        let below = self.groups_below(id).await?;
        if below.len() > SUBGROUPS {
            return Ok(true);
        }
        for child in below {
            if self.holds_roles(&format!("/groups/{child}")).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) async fn groups_above(&self, id: Uuid) -> Result<Vec<Uuid>, Error> {
        let (mut above, mut next) = (Vec::new(), self.parent(id).await?);
        while let Some(parent) = next {
            above.push(parent);
            next = self.parent(parent).await?;
        }
        Ok(above)
    }

    /// Not all of them where they are more than anybody looks into.
    pub(crate) async fn groups_below(&self, id: Uuid) -> Result<Vec<Uuid>, Error> {
        let (mut below, mut looked_into) = (self.children(id).await?, 0);
        while looked_into < below.len() && below.len() <= SUBGROUPS {
            let children = self.children(below[looked_into]).await?;
            below.extend(children);
            looked_into += 1;
        }
        Ok(below)
    }

    async fn is_protected(&self, id: Uuid, path: &str) -> Result<bool, Error> {
        if let Some(known) = self.protection.known(id) {
            return Ok(known);
        }
        let protected = told("check protection", self.holds_roles(path)).await?;
        self.protection.note(id, protected);
        Ok(protected)
    }

    /// A realm restored or made anew has another client of that name: one that is not found is asked for again, once.
    async fn holds_roles(&self, path: &str) -> Result<bool, Error> {
        let (management, known) = self.management().await?;
        match self.holds_roles_of(path, management).await {
            Err(Error::RealmGone) if known => {
                *self.protection.management.lock().await = None;
                let (management, _) = self.management().await?;
                self.holds_roles_of(path, management).await
            }
            outcome => outcome,
        }
    }

    async fn holds_roles_of(&self, path: &str, management: Uuid) -> Result<bool, Error> {
        let path = format!("{path}/role-mappings/clients/{management}/composite");
        let answer = self.transport.call(Method::GET, &path, None).await?;
        Ok(answer.body.as_array().is_some_and(|roles| !roles.is_empty()))
    }

    async fn parent(&self, group: Uuid) -> Result<Option<Uuid>, Error> {
        let answer = self.transport.call(Method::GET, &format!("/groups/{group}"), None).await?;
        Ok(answer.body.get("parentId").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok()))
    }

    async fn children(&self, group: Uuid) -> Result<Vec<Uuid>, Error> {
        let path = format!("/groups/{group}/children?max={SUBGROUPS}&briefRepresentation=true");
        let answer = self.transport.call(Method::GET, &path, None).await?;
        let ids = answer.body.as_array().into_iter().flatten().filter_map(|child| child.get("id")?.as_str());
        Ok(ids.filter_map(|id| Uuid::parse_str(id).ok()).collect())
    }

    /// The id of `realm-management`, and whether it was known. Listing clients is not among our rights; our own role mappings
    /// name it.
    async fn management(&self) -> Result<(Uuid, bool), Error> {
        let mut held = self.protection.management.lock().await;
        if let Some(id) = *held {
            return Ok((id, true));
        }
        let token = self.transport.access_token().await?;
        let ourselves = subject(&token).ok_or(Error::Refused)?;
        let answer = self.transport.call(Method::GET, &format!("/users/{ourselves}/role-mappings"), None).await?;
        let mapped = answer.body.get("clientMappings").and_then(|clients| clients.get("realm-management"));
        let id = mapped.and_then(|client| client.get("id")).and_then(Value::as_str);
        let id = id.and_then(|id| Uuid::parse_str(id).ok()).ok_or(Error::Refused)?;
        *held = Some(id);
        Ok((id, false))
    }
}

/// The `sub` of an access token, which is our own service account.
fn subject(token: &str) -> Option<Uuid> {
    Uuid::parse_str(claims(token)?.get("sub")?.as_str()?).ok()
}
