//! The event poll (K26, K28): admin events and user events since a moment, each only a hint.

use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use super::Client;
use crate::{Changes, Error, RealmEvent};

const PAGE: usize = 100;
/// Pages of one poll: what is left comes with the next.
const MAX_PAGES: usize = 50;
/// User events by which a person changes himself, or is locked out; they count as an operator's touch (K26), except the
/// deletion of an account.
const SELF_SERVICE: &str = "/events?direction=asc&type=REGISTER&type=UPDATE_PROFILE&type=UPDATE_EMAIL\
     &type=VERIFY_EMAIL&type=USER_DISABLED_BY_PERMANENT_LOCKOUT&type=USER_DISABLED_BY_TEMPORARY_LOCKOUT\
     &type=DELETE_ACCOUNT";

impl Client {
    pub(crate) async fn changes(&self, since_ms: i64, ours: &[Uuid]) -> Result<Changes, Error> {
        let mut changes = Changes::default();
        let admin = |event: &Value| admin_event(event, ours);
        self.walk("/admin-events?direction=asc", since_ms, &mut changes, &admin).await?;
        self.walk(SELF_SERVICE, since_ms, &mut changes, &user_event).await?;
        changes.events.sort_by_key(|event| event.at_ms);
        Ok(changes)
    }

    /// Walks by time, never by offset: within one millisecond the order of pages is not stable, so a page that does not
    /// get past its first millisecond is asked for again, larger.
    async fn walk(
        &self,
        path: &str,
        since_ms: i64,
        changes: &mut Changes,
        read: &(dyn Fn(&Value) -> Option<RealmEvent> + Sync),
    ) -> Result<(), Error> {
        let (mut from, mut size) = (since_ms, PAGE);
        for _ in 0..MAX_PAGES {
            let answer = self.transport.call(Method::GET, &format!("{path}&dateFrom={from}&max={size}"), None).await?;
            let date_ms = answer.date_ms.unwrap_or(from);
            changes.server_ms = if changes.server_ms == 0 { date_ms } else { changes.server_ms.min(date_ms) };
            let page = answer.body.as_array().cloned().unwrap_or_default();
            let last = page.last().and_then(|event| event.get("time")).and_then(Value::as_i64);
            changes.events.extend(page.iter().filter_map(read));
            match last {
                Some(last) if page.len() == size => {
                    if last == from {
                        size *= 4;
                    } else {
                        (from, size) = (last, PAGE);
                    }
                }
                _ => return Ok(()),
            }
        }
        // Not all was read: the cursor must not pass what was.
        changes.server_ms = changes.server_ms.min(from);
        Ok(())
    }
}

fn admin_event(event: &Value, ours: &[Uuid]) -> Option<RealmEvent> {
    let path = event.get("resourcePath")?.as_str()?;
    let rest = path.strip_prefix("users/").or_else(|| path.strip_prefix("scim/v2/Users/"))?;
    let (user, below) = rest.split_once('/').unwrap_or((rest, ""));
    let operation = event.get("operationType")?.as_str()?;
    if operation == "ACTION" || event.get("error").is_some_and(|error| !error.is_null()) {
        return None;
    }
    let client = event.get("authDetails").and_then(|details| details.get("clientId")).and_then(Value::as_str);
    let by_us = client.and_then(|id| Uuid::parse_str(id).ok()).is_some_and(|id| ours.contains(&id));
    Some(RealmEvent {
        id: event.get("id")?.as_str()?.to_owned(),
        at_ms: event.get("time")?.as_i64()?,
        user: Uuid::parse_str(user).ok()?,
        touch: !by_us && below.is_empty() && matches!(operation, "CREATE" | "UPDATE"),
        deleted: below.is_empty() && operation == "DELETE",
        roles: below.starts_with("role-mappings") || below.starts_with("groups"),
    })
}

fn user_event(event: &Value) -> Option<RealmEvent> {
    Some(RealmEvent {
        id: event.get("id")?.as_str()?.to_owned(),
        at_ms: event.get("time")?.as_i64()?,
        user: Uuid::parse_str(event.get("userId")?.as_str()?).ok()?,
        touch: event.get("type")?.as_str()? != "DELETE_ACCOUNT",
        deleted: event.get("type")?.as_str()? == "DELETE_ACCOUNT",
        roles: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(path: &str, operation: &str, client: Uuid) -> Value {
        json!({ "id": "e", "time": 5, "resourcePath": path, "operationType": operation,
                "authDetails": { "clientId": client.to_string() } })
    }

    #[test]
    fn only_another_clients_write_to_the_user_itself_is_a_touch() {
        let (user, ours, theirs) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
        let touch = |path: &str, operation: &str, client: Uuid| {
            admin_event(&event(path, operation, client), &[ours]).map(|event| event.touch)
        };
        assert_eq!(touch(&format!("users/{user}"), "UPDATE", theirs), Some(true));
        assert_eq!(touch(&format!("scim/v2/Users/{user}"), "CREATE", theirs), Some(true));
        assert_eq!(touch(&format!("users/{user}"), "UPDATE", ours), Some(false));
        assert_eq!(touch(&format!("users/{user}/role-mappings/realm"), "CREATE", theirs), Some(false));
        assert_eq!(touch(&format!("users/{user}"), "DELETE", theirs), Some(false));
        assert_eq!(touch(&format!("users/{user}/logout"), "ACTION", theirs), None);
        assert_eq!(touch("groups/x", "UPDATE", theirs), None);
    }
}
