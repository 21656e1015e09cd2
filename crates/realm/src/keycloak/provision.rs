//! Setting a realm up: what `control` does with the cluster-wide credential, and nobody else. Every step is idempotent.

use std::time::Duration;

use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::inspect::{is_annotated, is_for_administrators};
use super::representation::{EXTERNAL_ID, MARKER};
use super::stores::{self, EVENT_RETENTION, EventStores};
use super::users::encode;
use super::{Connection, Server, Transport};
use crate::{Error, MANAGED_ROLE};

/// The data-path client's name in every realm.
pub const CLIENT_ID: &str = "kevra-scim";
/// The least roles that do all of the data path.
pub(super) const ROLES: [&str; 3] = ["manage-users", "view-events", "view-realm"];
/// What of a stock realm's rules is about the characters of a username.
pub(super) const USERNAME_RULES: [&str; 2] = ["username-prohibited-characters", "up-username-not-idn-homograph"];
/// The oldest Keycloak that can be worked with.
const OLDEST: (u32, u32) = (26, 4);
/// The cluster-wide credential.
#[derive(Clone)]
pub struct Admin {
    /// Keycloak's base URL, without trailing slash.
    pub base_url: String,
    /// A client of the master realm.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

/// What a tenant wants of its realm.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The identity provider may rename users.
    pub allow_rename: bool,
    /// Usernames may be of any script and characters.
    pub any_username: bool,
    /// Further managed attributes of the profile.
    pub attributes: Vec<String>,
}

/// What setting up found out.
#[derive(Debug)]
pub struct Provisioned {
    /// The data-path client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Its internal id, by which its events are told from an operator's (K26).
    pub client_uuid: Uuid,
    /// The realm's identity (K29).
    pub realm_uuid: Uuid,
    /// The realm role `scim-managed`.
    pub role_id: Uuid,
}

impl Admin {
    pub(super) fn transport(&self, realm: &str) -> Result<Transport, Error> {
        let connection = Connection {
            base_url: self.base_url.clone(),
            realm: realm.to_owned(),
            token_realm: "master".to_owned(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            identity: None,
            timeout: Duration::from_secs(20),
        };
        Transport::new(connection, Server::default())
    }

    /// Makes a realm; one that exists is fine.
    pub async fn create_realm(&self, realm: &str) -> Result<(), Error> {
        let url = format!("{}/admin/realms", self.base_url);
        let body = json!({ "realm": realm, "enabled": true });
        accept_conflict(self.transport(realm)?.call_url(Method::POST, &url, Some(&body)).await)
    }

    /// Removes a realm with everything in it.
    pub async fn delete_realm(&self, realm: &str) -> Result<(), Error> {
        self.transport(realm)?.call(Method::DELETE, "", None).await.map(drop)
    }

    /// Any call below `/admin/realms/{realm}`, as an administrator would make it: for tests and tools.
    pub async fn call(&self, realm: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        Ok(self.transport(realm)?.call(method, path, body).await?.body)
    }

    /// Sets a realm up: client, roles, realm role, profile attributes, events. One that is not the realm it is known to be
    /// is left alone, whatever it is called (K29). How its event stores were is told before they are changed: it is to be put
    /// back when capture ends (K25), whatever becomes of this.
    pub async fn provision(
        &self,
        realm: &str,
        wanted: &Wanted,
        known: Option<Uuid>,
        before: impl AsyncFnOnce(EventStores) -> Result<(), Error>,
    ) -> Result<Provisioned, Error> {
        let keycloak = self.transport(realm)?;
        if let Some(version) = self.too_old(&keycloak).await? {
            return Err(Error::TooOld { version });
        }
        let representation = keycloak.call(Method::GET, "", None).await?.body;
        let realm_uuid = uuid_of(&representation, "id")?;
        if known.is_some_and(|known| known != realm_uuid) {
            return Err(Error::RealmGone);
        }
        let client_uuid = client(&keycloak).await?;
        grant(&keycloak, client_uuid).await?;
        let role = json!({ "name": MANAGED_ROLE, "description": "Managed by SCIM" });
        accept_conflict(keycloak.call(Method::POST, "/roles", Some(&role)).await)?;
        let role = keycloak.call(Method::GET, &format!("/roles/{MANAGED_ROLE}"), None).await?.body;
        profile(&keycloak, wanted).await?;
        settings(&keycloak, &representation, wanted.allow_rename).await?;
        stores::switch_on(&keycloak, realm_uuid, before).await?;
        let secret = keycloak.call(Method::GET, &format!("/clients/{client_uuid}/client-secret"), None).await?.body;
        let secret = secret.get("value").and_then(Value::as_str).ok_or(Error::Refused)?;
        Ok(Provisioned {
            client_id: CLIENT_ID.to_owned(),
            client_secret: SecretString::from(secret),
            client_uuid,
            realm_uuid,
            role_id: uuid_of(&role, "id")?,
        })
    }

    /// What Keycloak says it is, where that is older than 26.4: its events have no ids, no ascending order and no exact dates.
    /// One that does not tell is taken for new enough.
    pub(super) async fn too_old(&self, keycloak: &Transport) -> Result<Option<String>, Error> {
        let url = format!("{}/admin/serverinfo", self.base_url);
        let info = match keycloak.call_url(Method::GET, &url, None).await {
            Ok(answer) => answer.body,
            Err(Error::Refused | Error::RealmGone | Error::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let version = info["systemInfo"]["version"].as_str().unwrap_or_default();
        let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
        let told = numbers.next().map(|major| (major, numbers.next().unwrap_or(0)));
        Ok(told.filter(|told| *told < OLDEST).map(|_| version.to_owned()))
    }

    /// Gives the data-path client another secret; tokens minted with the old one live on until they end.
    pub async fn rotate_secret(&self, realm: &str, known: Option<Uuid>) -> Result<SecretString, Error> {
        let keycloak = self.transport(realm)?;
        let representation = keycloak.call(Method::GET, "", None).await?.body;
        if known.is_some_and(|known| uuid_of(&representation, "id").ok() != Some(known)) {
            return Err(Error::Foreign);
        }
        let client = find_client(&keycloak, CLIENT_ID).await?;
        let fresh = keycloak.call(Method::POST, &format!("/clients/{client}/client-secret"), None).await?.body;
        fresh.get("value").and_then(Value::as_str).map(SecretString::from).ok_or(Error::Refused)
    }
}

async fn client(keycloak: &Transport) -> Result<Uuid, Error> {
    let body = json!({
        "clientId": CLIENT_ID, "name": "SCIM provisioning", "publicClient": false, "serviceAccountsEnabled": true,
        "standardFlowEnabled": false, "implicitFlowEnabled": false, "directAccessGrantsEnabled": false,
        "fullScopeAllowed": true, "enabled": true,
    });
    accept_conflict(keycloak.call(Method::POST, "/clients", Some(&body)).await)?;
    let client = find_client(keycloak, CLIENT_ID).await?;
    let held = keycloak.call(Method::GET, &format!("/clients/{client}"), None).await?.body;
    if !serves(&held) {
        let mut mended = held;
        for setting in SERVES {
            mended[setting] = json!(true);
        }
        keycloak.call(Method::PUT, &format!("/clients/{client}"), Some(&mended)).await?;
    }
    Ok(client)
}

/// What the data-path client needs: without the full scope its tokens carry none of its roles.
const SERVES: [&str; 3] = ["enabled", "serviceAccountsEnabled", "fullScopeAllowed"];

/// Whether a client is as the data path needs it.
pub(super) fn serves(client: &Value) -> bool {
    SERVES.iter().all(|setting| client[setting] == true)
}

pub(super) async fn find_client(keycloak: &Transport, client_id: &str) -> Result<Uuid, Error> {
    let found = keycloak.call(Method::GET, &format!("/clients?clientId={}", encode(client_id)), None).await?.body;
    uuid_of(found.get(0).unwrap_or(&Value::Null), "id")
}

async fn grant(keycloak: &Transport, client: Uuid) -> Result<(), Error> {
    let account = keycloak.call(Method::GET, &format!("/clients/{client}/service-account-user"), None).await?.body;
    let account = uuid_of(&account, "id")?;
    let management = find_client(keycloak, "realm-management").await?;
    let mut roles = Vec::new();
    for name in ROLES {
        let role = keycloak.call(Method::GET, &format!("/clients/{management}/roles/{name}"), None).await?.body;
        roles.push(json!({ "id": role["id"], "name": name }));
    }
    let path = format!("/users/{account}/role-mappings/clients/{management}");
    keycloak.call(Method::POST, &path, Some(&json!(roles))).await.map(drop)
}

/// Adds our managed, admin-only attributes to the realm's profile; everything else of it goes back as it came.
async fn profile(keycloak: &Transport, wanted: &Wanted) -> Result<(), Error> {
    let before = keycloak.call(Method::GET, "/users/profile", None).await?.body;
    let mut profile = before.clone();
    let Some(attributes) = profile.get_mut("attributes").and_then(Value::as_array_mut) else {
        return Err(Error::Unavailable);
    };
    let ours = [(EXTERNAL_ID, "SCIM external id"), (MARKER, "SCIM marker")];
    let projected = wanted.attributes.iter().map(|name| (name.as_str(), name.as_str()));
    for (name, display) in ours.into_iter().chain(projected) {
        match attributes.iter_mut().find(|attribute| attribute["name"] == name) {
            Some(held) => {
                // An attribute of the tenant's choice keeps what the realm says of it.
                if name != display && !is_for_administrators(held) {
                    held["permissions"] = for_administrators();
                    held["multivalued"] = json!(false);
                }
                if !is_annotated(held) {
                    held["annotations"] = json!({});
                }
            }
            None => attributes.push(json!({
                "name": name, "displayName": display, "multivalued": false, "permissions": for_administrators(),
                "validations": { "length": { "max": 2048 } }, "annotations": {},
            })),
        }
    }
    if wanted.allow_rename {
        for attribute in attributes.iter_mut().filter(|attribute| attribute["name"] == "username") {
            attribute["permissions"]["edit"] = json!(["admin"]);
        }
    }
    if wanted.any_username {
        for attribute in attributes.iter_mut().filter(|attribute| attribute["name"] == "username") {
            if let Some(validations) = attribute["validations"].as_object_mut() {
                validations.retain(|rule, _| !USERNAME_RULES.contains(&rule.as_str()));
            }
        }
    }
    if profile == before {
        return Ok(());
    }
    keycloak.call(Method::PUT, "/users/profile", Some(&profile)).await.map(drop)
}

fn for_administrators() -> Value {
    json!({ "view": ["admin"], "edit": ["admin"] })
}

/// Retention of admin events, and renames by administrators. A PUT drops the realm attributes it leaves out, so all go.
async fn settings(keycloak: &Transport, realm: &Value, allow_rename: bool) -> Result<(), Error> {
    let mut attributes = realm.get("attributes").cloned().unwrap_or_else(|| json!({}));
    let mut body = json!({});
    if attributes.get("adminEventsExpiration").is_none() {
        attributes["adminEventsExpiration"] = json!(EVENT_RETENTION.to_string());
        body["attributes"] = attributes;
    }
    if allow_rename && realm.get("editUsernameAllowed") != Some(&Value::Bool(true)) {
        body["editUsernameAllowed"] = json!(true);
    }
    if body.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(());
    }
    keycloak.call(Method::PUT, "", Some(&body)).await.map(drop)
}

fn accept_conflict<T>(outcome: Result<T, Error>) -> Result<(), Error> {
    match outcome {
        Ok(_) | Err(Error::Conflict { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) fn uuid_of(value: &Value, name: &str) -> Result<Uuid, Error> {
    value.get(name).and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok()).ok_or(Error::RealmGone)
}
