//! What of a realm's set-up is missing: every piece that provisioning makes, asked for by name.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Transport;
use super::events::are_stored;
use super::provision::{Admin, CLIENT_ID, ROLES, USERNAME_RULES, Wanted, find_client, serves, uuid_of};
use super::representation::{EXTERNAL_ID, MARKER};
use crate::{Error, MANAGED_ROLE};

/// What was found when the realm was set up last: where Keycloak says otherwise, somebody changed it there.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The realm's identity (K29).
    pub realm_uuid: Option<Uuid>,
    /// The realm role `scim-managed`.
    pub role_id: Option<Uuid>,
    /// The data-path client's secret.
    pub client_secret: Option<SecretString>,
}

/// What nothing but a person's word mends (K14).
pub const ANOTHER_REALM: &str = "the realm itself: another one has its name";
/// What nothing but an upgrade mends.
pub const OLD_KEYCLOAK: &str = "a Keycloak of 26.4 or newer";

impl Admin {
    /// What of a realm's set-up is missing, by name; empty where it stands.
    pub async fn missing(&self, realm: &str, wanted: &Wanted, known: &Known) -> Result<Vec<&'static str>, Error> {
        let keycloak = self.transport(realm)?;
        let representation = keycloak.call(Method::GET, "", None).await?.body;
        if known.realm_uuid.is_some_and(|uuid| uuid_of(&representation, "id").ok() != Some(uuid)) {
            return Ok(vec![ANOTHER_REALM]);
        }
        let mut missing = Vec::new();
        missing.extend(self.too_old(&keycloak).await?.map(|_| OLD_KEYCLOAK));
        missing.extend(client(&keycloak, known).await?);
        match keycloak.call(Method::GET, &format!("/roles/{MANAGED_ROLE}"), None).await {
            Ok(answer) if known.role_id.is_none_or(|id| uuid_of(&answer.body, "id").ok() == Some(id)) => {}
            Ok(_) | Err(Error::NotFound | Error::RealmGone) => missing.push("the realm role scim-managed"),
            Err(error) => return Err(error),
        }
        let profile = keycloak.call(Method::GET, "/users/profile", None).await?.body;
        let attribute = |name: &str| {
            profile["attributes"].as_array().into_iter().flatten().find(|attribute| attribute["name"] == name)
        };
        let ours = [EXTERNAL_ID, MARKER].iter().all(|name| attribute(name).is_some_and(is_for_administrators));
        let named = wanted.attributes.iter().map(String::as_str).chain([EXTERNAL_ID, MARKER]);
        if !ours || !named.into_iter().all(|name| attribute(name).is_some_and(is_annotated)) {
            missing.push("a managed attribute of the user profile");
        }
        let config = keycloak.call(Method::GET, "/events/config", None).await?.body;
        if !are_stored(&config) {
            missing.push("the event stores");
        }
        if representation["attributes"]["adminEventsExpiration"].is_null() {
            missing.push("how long admin events are kept");
        }
        // Whom the realm lets change it, by itself or by others, is another matter than whether it can be changed.
        let by_administrators =
            attribute("username").is_some_and(|held| held["permissions"]["edit"] == json!(["admin"]));
        if wanted.allow_rename && (representation["editUsernameAllowed"] != true || !by_administrators) {
            missing.push("editable usernames");
        }
        let ruled = |rule: &&str| attribute("username").is_some_and(|held| held["validations"].get(*rule).is_some());
        if wanted.any_username && USERNAME_RULES.iter().any(ruled) {
            missing.push("usernames of any characters");
        }
        Ok(missing)
    }
}

async fn client(keycloak: &Transport, known: &Known) -> Result<Option<&'static str>, Error> {
    let found = keycloak.call(Method::GET, &format!("/clients?clientId={CLIENT_ID}"), None).await?.body;
    let Some(client) = found.get(0).filter(|client| serves(client)) else {
        return Ok(Some("the client kevra-scim"));
    };
    let id = uuid_of(client, "id")?;
    let secret = keycloak.call(Method::GET, &format!("/clients/{id}/client-secret"), None).await?.body;
    if known.client_secret.as_ref().is_some_and(|known| secret["value"] != known.expose_secret()) {
        return Ok(Some("the secret of the client kevra-scim"));
    }
    Ok((!granted(keycloak, id).await?).then_some("a role of the client kevra-scim"))
}

/// Whether the client's service account has the roles of the data path.
async fn granted(keycloak: &Transport, client: Uuid) -> Result<bool, Error> {
    let account = keycloak.call(Method::GET, &format!("/clients/{client}/service-account-user"), None).await?.body;
    let account = uuid_of(&account, "id")?;
    let management = find_client(keycloak, "realm-management").await?;
    let path = format!("/users/{account}/role-mappings/clients/{management}");
    let held = keycloak.call(Method::GET, &path, None).await?.body;
    let has = |name: &&str| held.as_array().into_iter().flatten().any(|role| role["name"] == *name);
    Ok(ROLES.iter().all(has))
}

/// Keycloak's own SCIM server (26.7) answers 500 for every user while an attribute of the profile has no annotations, be
/// they empty.
pub(super) fn is_annotated(attribute: &Value) -> bool {
    attribute["annotations"].is_object()
}

/// Whether an attribute is ours alone: nobody sees or edits it in the account console.
pub(super) fn is_for_administrators(attribute: &Value) -> bool {
    let admin = json!(["admin"]);
    let permissions = &attribute["permissions"];
    permissions["view"] == admin && permissions["edit"] == admin && attribute["multivalued"] != true
}
