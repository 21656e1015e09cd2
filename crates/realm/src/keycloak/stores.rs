//! The event stores of a realm: both on while its changes are captured, and as they were before when that ends (K25).

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Transport;
use super::events::{are_stored, unstored};
use super::provision::{Admin, uuid_of};
use crate::Error;

/// How long Keycloak keeps admin events, seconds: far beyond any outage of ours.
pub(super) const EVENT_RETENTION: i64 = 432_000;

/// Which event stores of a realm are on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EventStores {
    /// The realm's UUID.
    pub realm: Uuid,
    /// User events.
    pub user_events: bool,
    /// How long those are kept, seconds; 0 for ever.
    pub expiration: i64,
    /// Admin events.
    pub admin_events: bool,
    /// Which user events are stored, where the poll needs more; none where they are all that are needed.
    #[serde(default)]
    pub types: Option<Vec<String>>,
}

impl Admin {
    /// Ends capture: switches off what [`Admin::provision`] had switched on, and nothing else (K25). Another realm that has
    /// the name by now keeps its stores.
    pub async fn restore_events(&self, realm: &str, before: &EventStores) -> Result<(), Error> {
        let keycloak = self.transport(realm)?;
        let representation = keycloak.call(Method::GET, "", None).await?.body;
        if uuid_of(&representation, "id")? != before.realm {
            return Ok(());
        }
        let config = keycloak.call(Method::GET, "/events/config", None).await?.body;
        let on = |name: &str| config[name].as_bool().unwrap_or(false);
        let now = config.get("eventsExpiration").and_then(Value::as_i64).unwrap_or(0);
        let mut body = json!({
            "eventsEnabled": on("eventsEnabled") && before.user_events,
            "eventsExpiration": if before.user_events { now } else { before.expiration },
            "adminEventsEnabled": on("adminEventsEnabled") && before.admin_events,
        });
        if let Some(types) = &before.types {
            body["enabledEventTypes"] = json!(types);
        }
        keycloak.call(Method::PUT, "/events/config", Some(&body)).await.map(drop)
    }
}

/// Both event stores on, for all that the poll asks for. An omitted `eventsEnabled` becomes false and an omitted expiration
/// 0, so both go; the listeners, shared with others, stay out.
pub(super) async fn switch_on(
    keycloak: &Transport,
    realm: Uuid,
    told: impl AsyncFnOnce(EventStores) -> Result<(), Error>,
) -> Result<(), Error> {
    let config = keycloak.call(Method::GET, "/events/config", None).await?.body;
    if are_stored(&config) {
        return Ok(());
    }
    let on = |name: &str| config[name].as_bool().unwrap_or(false);
    let left_out = unstored(&config);
    let listed = config["enabledEventTypes"].as_array().into_iter().flatten();
    let listed: Vec<String> = listed.filter_map(Value::as_str).map(str::to_owned).collect();
    let before = EventStores {
        realm,
        user_events: on("eventsEnabled"),
        expiration: config.get("eventsExpiration").and_then(Value::as_i64).unwrap_or(0),
        admin_events: on("adminEventsEnabled"),
        types: (!left_out.is_empty()).then_some(listed.clone()),
    };
    let kept = if before.expiration > 0 || before.user_events { before.expiration } else { EVENT_RETENTION };
    let mut body = json!({ "eventsEnabled": true, "eventsExpiration": kept, "adminEventsEnabled": true });
    if !before.admin_events {
        body["adminEventsDetailsEnabled"] = json!(false);
    }
    if !left_out.is_empty() {
        body["enabledEventTypes"] = json!([listed, left_out.into_iter().map(str::to_owned).collect()].concat());
    }
    told(before).await?;
    keycloak.call(Method::PUT, "/events/config", Some(&body)).await.map(drop)
}
