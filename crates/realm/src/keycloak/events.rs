//! The event poll (K26, K28): admin events and user events since a moment, each only a hint.

use std::time::Instant;

use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use super::Client;
use super::event_walk::{EventWalk, Walked};
use crate::{Changes, Error, Gained, GroupEvent, Keeping, Marks, PowerEvent, Reading, RealmEvent};

/// User events by which a person changes himself, or is locked out; they count as an operator's touch (K26), except the
/// deletion of an account.
const SELF_SERVICE: [&str; 7] = [
    "REGISTER",
    "UPDATE_PROFILE",
    "UPDATE_EMAIL",
    "VERIFY_EMAIL",
    "USER_DISABLED_BY_PERMANENT_LOCKOUT",
    "USER_DISABLED_BY_TEMPORARY_LOCKOUT",
    "DELETE_ACCOUNT",
];

/// How far apart our clock and the realm's may be, milliseconds, when it is said which events have expired.
const CLOCKS_MS: i64 = 60_000;

/// Whether a realm stores what the poll asks for, by its `events/config`.
pub(super) fn are_stored(config: &Value) -> bool {
    config["adminEventsEnabled"] == true && config["eventsEnabled"] == true && unstored(config).is_empty()
}

/// The user events of the poll that a realm was told to leave out. A list that is empty names all that are of use.
pub(super) fn unstored(config: &Value) -> Vec<&'static str> {
    let listed = config["enabledEventTypes"].as_array().filter(|listed| !listed.is_empty());
    let left_out = |name: &&str| listed.is_some_and(|listed| !listed.iter().any(|listed| listed == *name));
    SELF_SERVICE.into_iter().filter(left_out).collect()
}

impl Client {
    pub(crate) async fn changes(&self, reading: &Reading, ours: &[Uuid]) -> Result<Changes, Error> {
        let Reading { since_ms, now_ms, known } = reading;
        let kept_from =
            |kept: fn(&Keeping) -> Option<i64>| known.keeping.as_ref().map(|keeping| from(*now_ms, kept(keeping)));
        let admins = EventWalk::new(*since_ms, known.admin.clone(), kept_from(|keeping| keeping.admin_ms));
        let admins = self.walk("/admin-events?direction=asc", admins).await?;
        let asked = format!("/events?direction=asc&type={}", SELF_SERVICE.join("&type="));
        let users = EventWalk::new(*since_ms, known.user.clone(), kept_from(|keeping| keeping.user_ms));
        let users = self.walk(&asked, users).await?;
        let mut events: Vec<_> = admins.events.iter().filter_map(|event| admin_event(event, ours)).collect();
        events.extend(users.events.iter().filter_map(user_event));
        events.sort_by_key(|event| event.at_ms);
        let groups = admins.events.iter().filter_map(group_event).collect();
        let powers = admins.events.iter().filter_map(power_event).collect();
        let server_ms = admins.until_ms.min(users.until_ms);
        let cut_ms = [admins.cut_ms, users.cut_ms].into_iter().flatten().min();
        let cleared = admins.cleared || users.cleared;
        let newest = Marks { admin: admins.newest, user: users.newest, keeping: known.keeping };
        Ok(Changes { events, groups, powers, server_ms, cut_ms, newest, cleared })
    }

    /// For how long the realm keeps its events; nothing where it does not store what the poll asks for.
    pub(crate) async fn keeps_events(&self) -> Result<Option<Keeping>, Error> {
        let config = self.transport.call(Method::GET, "/events/config", None).await?.body;
        if !are_stored(&config) {
            return Ok(None);
        }
        let realm = self.transport.call(Method::GET, "", None).await?.body;
        let admin = realm["attributes"]["adminEventsExpiration"].as_str();
        let (admin, user) = (admin.and_then(|seconds| seconds.parse().ok()), config["eventsExpiration"].as_i64());
        // 0 is for ever.
        let ms =
            |seconds: Option<i64>| seconds.filter(|seconds| *seconds > 0).map(|seconds| seconds.saturating_mul(1_000));
        Ok(Some(Keeping { admin_ms: ms(admin), user_ms: ms(user) }))
    }

    /// The events of one store. A list that is none is no empty one: the cursor would pass what it did not read.
    async fn walk(&self, path: &str, mut walk: EventWalk) -> Result<Walked, Error> {
        while let Some((from, size)) = walk.next() {
            let begun = Instant::now();
            let answer = self.transport.call(Method::GET, &format!("{path}&dateFrom={from}&max={size}"), None).await?;
            let Value::Array(page) = answer.body else { return Err(Error::Unavailable) };
            // Whichever of the two is behind: the cursor is never ahead of the realm (K28).
            let clocks = [answer.date_ms, self.transport.clock_ms(begun).await];
            walk.took(page, clocks.into_iter().flatten().min());
        }
        Ok(walk.end())
    }
}

/// Since when events are there for certain.
fn from(now_ms: i64, kept_ms: Option<i64>) -> i64 {
    kept_ms.map_or(i64::MIN, |kept_ms| now_ms.saturating_sub(kept_ms).saturating_add(CLOCKS_MS))
}

/// Another name of a group, or its end; its own memberships are events of the users.
fn group_event(event: &Value) -> Option<GroupEvent> {
    let group = event.get("resourcePath")?.as_str()?.strip_prefix("groups/")?;
    let deleted = match event.get("operationType")?.as_str()? {
        "UPDATE" => false,
        "DELETE" => true,
        _ => return None,
    };
    let group = Uuid::parse_str(group).ok().filter(|_| event.get("error").is_none_or(Value::is_null))?;
    Some(GroupEvent { id: event.get("id")?.as_str()?.to_owned(), group, deleted })
}

/// Roles given to a group or put into a composite, and groups that got another place: no event tells of the users concerned.
fn power_event(event: &Value) -> Option<PowerEvent> {
    let path = event.get("resourcePath")?.as_str()?;
    let fewer = event.get("operationType")?.as_str()? == "DELETE";
    let mut segments = path.split('/');
    let gained = match (segments.next()?, segments.next(), path.rsplit('/').next()?) {
        // A group that was moved to the top is named nowhere.
        ("groups", None, _) if !fewer => Gained::Nobody,
        ("groups", Some(_), _) if fewer => Gained::Nobody,
        ("groups", Some(group), _) => match segments.next()? {
            "role-mappings" | "children" => Gained::Group(Uuid::parse_str(group).ok()?),
            _ => return None,
        },
        ("roles" | "roles-by-id" | "clients", _, "composites") if !fewer => Gained::Anybody,
        ("roles" | "roles-by-id" | "clients", ..) if fewer => Gained::Nobody,
        _ => return None,
    };
    event.get("error").is_none_or(Value::is_null).then_some(())?;
    // An id of its own: the same event may be one of the group as well, and each is taken for itself.
    Some(PowerEvent { id: format!("{} powers", event.get("id")?.as_str()?), gained })
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

    #[test]
    fn whoever_gives_a_group_or_a_composite_a_role_gives_it_to_people() {
        let group = Uuid::new_v4();
        let gained =
            |path: &str, operation: &str| power_event(&event(path, operation, Uuid::nil())).map(|event| event.gained);
        let of_group = |rest: &str, operation: &str| gained(&format!("groups/{group}{rest}"), operation);
        assert_eq!(of_group("/role-mappings/realm", "CREATE"), Some(Gained::Group(group)));
        assert_eq!(of_group(&format!("/role-mappings/clients/{}", Uuid::nil()), "CREATE"), Some(Gained::Group(group)));
        assert_eq!(of_group("/role-mappings/realm", "DELETE"), Some(Gained::Nobody));
        assert_eq!(of_group("/children", "UPDATE"), Some(Gained::Group(group)));
        assert_eq!(of_group("", "DELETE"), Some(Gained::Nobody));
        assert_eq!(gained("groups", "UPDATE"), Some(Gained::Nobody), "moved to the top");
        assert_eq!(of_group("", "UPDATE"), None, "another name");
        for role in ["roles/boss", "roles-by-id/x", "clients/x/roles/boss"] {
            assert_eq!(gained(&format!("{role}/composites"), "CREATE"), Some(Gained::Anybody));
            assert_eq!(gained(&format!("{role}/composites"), "DELETE"), Some(Gained::Nobody));
            assert_eq!(gained(role, "DELETE"), Some(Gained::Nobody));
            assert_eq!(gained(role, "UPDATE"), None);
        }
        assert_eq!(gained(&format!("users/{group}/role-mappings/realm"), "CREATE"), None, "an event of the user");
    }
}
