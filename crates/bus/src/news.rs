//! What Keycloak's event listeners say: ours, and the common community one (aznamier's, routing keys `KK.EVENT.…`). Only
//! who may have changed is taken from a message; both can be lost, and the poll carries everything anyway.

use serde_json::Value;
use uuid::Uuid;

/// "A user of a realm may have changed", or a group, from the realm itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The event's id, by which the poll knows it again; the community listener gives none.
    pub id: Option<String>,
    /// When, milliseconds of the realm's clock.
    pub at_ms: i64,
    /// The realm's UUID.
    pub realm: Uuid,
    /// The user; none where a group has another name or is gone.
    pub user: Option<Uuid>,
    /// The internal UUID of the client that did it.
    pub client: Option<Uuid>,
    /// Somebody saved the user itself (K26); a touch unless the client is ours.
    pub saved: bool,
    /// The user was deleted.
    pub deleted: bool,
    /// The user's roles changed.
    pub roles: bool,
}

/// User events by which somebody changes himself, or is locked out.
const SELF_SERVICE: [&str; 7] = [
    "REGISTER",
    "UPDATE_PROFILE",
    "UPDATE_EMAIL",
    "VERIFY_EMAIL",
    "DELETE_ACCOUNT",
    "USER_DISABLED_BY_PERMANENT_LOCKOUT",
    "USER_DISABLED_BY_TEMPORARY_LOCKOUT",
];

impl News {
    /// Reads a message of either form; `None` for whatever says nothing of a user.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let message: Value = serde_json::from_slice(body).ok()?;
        match message.get("v").and_then(Value::as_i64) {
            Some(1) => ours(&message),
            Some(_) => None,
            None => theirs(&message),
        }
    }
}

fn text<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    message.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn uuid(message: &Value, name: &str) -> Option<Uuid> {
    text(message, name).and_then(|text| Uuid::parse_str(text).ok())
}

fn ours(message: &Value) -> Option<News> {
    let news = News {
        id: Some(text(message, "id")?.to_owned()),
        at_ms: message.get("time")?.as_i64()?,
        realm: uuid(message, "realm_id")?,
        user: uuid(message, "user_id"),
        client: uuid(message, "client_id"),
        saved: false,
        deleted: false,
        roles: false,
    };
    let operation = text(message, "operation")?;
    match text(message, "kind")? {
        "admin" => admin(news, text(message, "path")?, operation),
        "user" => himself(news, operation).filter(|news| news.user.is_some()),
        _ => None,
    }
}

fn theirs(message: &Value) -> Option<News> {
    if text(message, "error").is_some() {
        return None;
    }
    let details = message.get("authDetails");
    let mut news = News {
        id: None,
        at_ms: message.get("time")?.as_i64()?,
        realm: uuid(message, "realmId")?,
        user: None,
        client: details.and_then(|details| uuid(details, "clientId")),
        saved: false,
        deleted: false,
        roles: false,
    };
    if let Some(path) = text(message, "resourcePath") {
        return admin(news, path, text(message, "operationType")?);
    }
    news.user = Some(uuid(message, "userId")?);
    himself(news, text(message, "type")?)
}

fn admin(mut news: News, path: &str, operation: &str) -> Option<News> {
    if let Some(group) = path.strip_prefix("groups/") {
        let changed = matches!(operation, "UPDATE" | "DELETE") && Uuid::parse_str(group).is_ok();
        return changed.then_some(news);
    }
    let rest = path.strip_prefix("users/").or_else(|| path.strip_prefix("scim/v2/Users/"))?;
    let (user, below) = rest.split_once('/').unwrap_or((rest, ""));
    news.user = Some(Uuid::parse_str(user).ok()?);
    match (operation, below) {
        ("CREATE" | "UPDATE", "") => news.saved = true,
        ("DELETE", "") => news.deleted = true,
        ("ACTION", _) => return None,
        _ => news.roles = below.starts_with("role-mappings") || below.starts_with("groups"),
    }
    Some(news)
}

fn himself(mut news: News, operation: &str) -> Option<News> {
    if !SELF_SERVICE.contains(&operation) {
        return None;
    }
    news.deleted = operation == "DELETE_ACCOUNT";
    news.saved = !news.deleted;
    Some(news)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(message: &Value) -> Option<News> {
        News::read(message.to_string().as_bytes())
    }

    #[test]
    fn both_listeners_say_who_may_have_changed() {
        let (realm, user, client) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
        let ours = json!({ "v": 1, "id": "e", "time": 5, "realm_id": realm, "kind": "admin", "operation": "UPDATE",
            "resource": "USER", "user_id": user, "path": format!("users/{user}"), "client_id": client });
        let theirs = json!({ "@class": "x", "time": 5, "realmId": realm, "authDetails": { "clientId": client },
            "resourceType": "USER", "operationType": "UPDATE", "resourcePath": format!("users/{user}") });
        let wanted = News {
            id: Some("e".to_owned()),
            at_ms: 5,
            realm,
            user: Some(user),
            client: Some(client),
            saved: true,
            deleted: false,
            roles: false,
        };
        assert_eq!(read(&ours), Some(wanted.clone()));
        assert_eq!(read(&theirs), Some(News { id: None, ..wanted }));
        let registered = json!({ "time": 5, "type": "REGISTER", "realmId": realm, "userId": user });
        assert!(read(&registered).unwrap().saved);
        let roles = json!({ "time": 5, "realmId": realm, "operationType": "CREATE",
            "resourcePath": format!("users/{user}/role-mappings/realm") });
        let roles = read(&roles).unwrap();
        assert!(roles.roles && !roles.saved);
        let gone = json!({ "v": 1, "id": "e", "time": 5, "realm_id": realm, "kind": "admin", "operation": "DELETE",
            "resource": "GROUP", "path": format!("groups/{user}") });
        assert_eq!(read(&gone).map(|gone| gone.user), Some(None));
    }

    #[test]
    fn what_says_nothing_of_a_user_is_no_news() {
        let realm = Uuid::new_v4();
        for message in [
            json!({ "time": 5, "type": "LOGIN", "realmId": realm, "userId": Uuid::new_v4() }),
            json!({ "time": 5, "realmId": realm, "operationType": "CREATE", "resourcePath": "groups/x" }),
            json!({ "time": 5, "realmId": realm, "operationType": "UPDATE", "resourcePath": "users/not-a-uuid" }),
            json!({ "time": 5, "realmId": realm, "type": "REGISTER", "userId": Uuid::new_v4(), "error": "x" }),
            json!({ "v": 2 }),
            json!([]),
        ] {
            assert_eq!(read(&message), None, "{message}");
        }
        assert_eq!(News::read(b"\xff\x00"), None);
    }
}
