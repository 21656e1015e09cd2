//! What the application answers. Strict where applications in the field are: a removal of somebody who is not there is an
//! error, and so is an operation about more members than they take.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Manners, Records, Shows, State};

/// Members one operation may be about.
const MEMBERS: usize = 100;

type Answer = (u16, Value);

pub(super) fn serve(
    state: &mut State,
    method: &Method,
    path: &str,
    query: &BTreeMap<String, String>,
    body: &[u8],
) -> Answer {
    let manners = state.manners;
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let sent: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    if let [_, id] = segments.as_slice()
        && let Some(status) = state.broken.get(*id)
    {
        return error(*status, "this record is broken");
    }
    if method == Method::PATCH && bars(&state.barred, &sent) {
        return error(400, "this user may stand in no group");
    }
    match segments.as_slice() {
        ["ServiceProviderConfig"] if method == Method::GET => (200, configuration(manners)),
        ["Users", rest @ ..] => of_kind(&mut state.users, "userName", manners, (method, rest, query), sent),
        ["Groups", rest @ ..] if manners.groups => {
            of_kind(&mut state.groups, "displayName", manners, (method, rest, query), sent)
        }
        _ => error(404, "no such endpoint"),
    }
}

/// A request would add somebody whom no group takes.
fn bars(barred: &BTreeSet<String>, sent: &Map<String, Value>) -> bool {
    let operations = sent.get("Operations").and_then(Value::as_array).into_iter().flatten();
    let joining = operations.filter(|operation| operation["op"] == "add" && operation["path"] == "members");
    let mut members = joining.filter_map(|operation| operation["value"].as_array()).flatten();
    members.any(|member| member["value"].as_str().is_some_and(|id| barred.contains(id)))
}

fn configuration(manners: Manners) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": manners.patches },
        "filter": { "supported": manners.filters, "maxResults": 100 },
        "bulk": { "supported": false }, "sort": { "supported": false }, "etag": { "supported": false },
        "changePassword": { "supported": false }, "authenticationSchemes": [],
    })
}

fn of_kind(
    records: &mut Records,
    name: &str,
    manners: Manners,
    (method, rest, query): (&Method, &[&str], &BTreeMap<String, String>),
    sent: Map<String, Value>,
) -> Answer {
    match (method.as_str(), rest) {
        ("GET", []) if query.contains_key("filter") && !manners.filters => error(400, "filters are not taken"),
        ("GET", []) => (200, list(records, manners, query)),
        ("POST", []) => make(records, name, manners, sent),
        ("PATCH", [_]) if !manners.patches => error(501, "PATCH is not taken"),
        ("DELETE", [id]) => delete(records, id),
        (_, [id]) => match records.get_mut(*id) {
            None => error(404, "no such record"),
            Some(record) => on_record(record, manners, (method, query, id), sent),
        },
        _ => error(404, "no such endpoint"),
    }
}

fn list(records: &Records, manners: Manners, query: &BTreeMap<String, String>) -> Value {
    let filter = query.get("filter");
    // Whoever keeps no externalId finds nobody by one.
    let knows = |text: &String| manners.shows != Shows::NoExternalId || !text.starts_with("externalId");
    let found: Vec<_> =
        records.values().filter(|record| filter.is_none_or(|text| knows(text) && matches(record, text))).collect();
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let start = number("startIndex").filter(|_| manners.shows != Shows::FirstPage).unwrap_or(1).max(1);
    let short = matches!(manners.shows, Shows::PageByPage | Shows::FirstPage);
    let count = number("count").unwrap_or(found.len()).min(if short { 100 } else { usize::MAX });
    let page: Vec<_> = found.iter().skip(start - 1).take(count).map(|record| shown(record, manners, query)).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": if manners.shows == Shows::PageByPage { page.len() } else { found.len() }, "startIndex": start, "itemsPerPage": page.len(), "Resources": page,
    })
}

fn make(records: &mut Records, name: &str, manners: Manners, sent: Map<String, Value>) -> Answer {
    let called = |record: &Map<String, Value>| {
        record.get(name).and_then(Value::as_str).map(str::to_lowercase).filter(|held| !held.is_empty())
    };
    let Some(wanted) = called(&sent) else { return error(400, &format!("{name} is required")) };
    if manners.unique && records.values().any(|record| called(record).as_ref() == Some(&wanted)) {
        return error(409, &format!("{name} is taken"));
    }
    let id = match manners.shows {
        Shows::Oddly => (records.len() + 1).to_string(),
        _ => Uuid::new_v4().to_string(),
    };
    let mut record = sent;
    record.insert("id".to_owned(), json!(id));
    records.insert(id, record.clone());
    (201, Value::Object(shown(&record, manners, &BTreeMap::new())))
}

/// Gone for good: nobody finds the record any more, and its name is free (RFC 7644 section 3.6).
fn delete(records: &mut Records, id: &str) -> Answer {
    match records.remove(id) {
        Some(_) => (204, Value::Null),
        None => error(404, "no such record"),
    }
}

fn on_record(
    record: &mut Map<String, Value>,
    manners: Manners,
    (method, query, id): (&Method, &BTreeMap<String, String>, &str),
    sent: Map<String, Value>,
) -> Answer {
    match method.as_str() {
        "GET" => {}
        "PUT" => {
            *record = sent;
            record.insert("id".to_owned(), json!(id));
        }
        "PATCH" => {
            // All of a request or nothing.
            let mut changed = record.clone();
            for operation in sent.get("Operations").and_then(Value::as_array).into_iter().flatten() {
                if let Err(refused) = apply(&mut changed, operation) {
                    return refused;
                }
            }
            *record = changed;
        }
        _ => return error(405, "not here"),
    }
    (200, Value::Object(shown(record, manners, query)))
}

fn apply(record: &mut Map<String, Value>, operation: &Value) -> Result<(), Answer> {
    let Some(path) = operation.get("path").and_then(Value::as_str) else { return Err(error(400, "a path is needed")) };
    let (op, value) = (operation.get("op").and_then(Value::as_str), operation.get("value"));
    if let (Some("add"), "members", Some(Value::Array(joining))) = (op, path, value) {
        return add(record, joining);
    }
    if let (Some("remove"), Some(member)) = (op, path.strip_prefix("members[value eq ")) {
        return remove(record, member.trim_end_matches(']'));
    }
    let holder = match path.split_once('.') {
        None => Some((&mut *record, path)),
        Some((parent, child)) => {
            let parent = record.entry(parent.to_owned()).or_insert_with(|| json!({}));
            parent.as_object_mut().map(|holder| (holder, child))
        }
    };
    let Some((holder, name)) = holder else { return Err(error(400, "no such path")) };
    match (op, value) {
        (Some("remove"), _) => drop(holder.remove(name)),
        (Some("add" | "replace"), Some(value)) => drop(holder.insert(name.to_owned(), value.clone())),
        _ => return Err(error(400, "op must be add, remove or replace")),
    }
    Ok(())
}

fn add(group: &mut Map<String, Value>, joining: &[Value]) -> Result<(), Answer> {
    if joining.len() > MEMBERS {
        return Err(error(413, "too many members in one operation"));
    }
    let members = group.entry("members".to_owned()).or_insert_with(|| json!([]));
    let Some(members) = members.as_array_mut() else { return Err(error(400, "no such path")) };
    for member in joining {
        if !members.iter().any(|held| held.get("value") == member.get("value")) {
            members.push(member.clone());
        }
    }
    Ok(())
}

fn remove(group: &mut Map<String, Value>, quoted: &str) -> Result<(), Answer> {
    let wanted: Value = serde_json::from_str(quoted).unwrap_or_default();
    let members = group.get_mut("members").and_then(Value::as_array_mut);
    let held = members.and_then(|members| {
        let place = members.iter().position(|member| member.get("value") == Some(&wanted))?;
        Some(members.remove(place))
    });
    held.map(drop).ok_or_else(|| {
        let (status, mut answer) = error(400, "no such member");
        answer["scimType"] = json!("noTarget");
        (status, answer)
    })
}

/// A record as it is asked for.
fn shown(record: &Map<String, Value>, manners: Manners, query: &BTreeMap<String, String>) -> Map<String, Value> {
    let mut shown = record.clone();
    if let Some(members) = shown.get_mut("members").filter(|_| !manners.members) {
        *members = json!([]);
    }
    if query.get("excludedAttributes").is_some_and(|excluded| excluded == "members") {
        shown.remove("members");
    }
    match manners.shows {
        Shows::Plainly | Shows::PageByPage | Shows::FirstPage => {}
        Shows::NoExternalId => drop(shown.remove("externalId")),
        Shows::Oddly => {
            let number = |id: &Value| id.as_str().and_then(|id| id.parse::<u64>().ok());
            for (name, spelled) in [("id", "ID"), ("externalId", "ExternalID"), ("userName", "username")] {
                if let Some(value) = shown.remove(name) {
                    let value = number(&value).filter(|_| name == "id").map_or(value, Value::from);
                    shown.insert(spelled.to_owned(), value);
                }
            }
        }
    }
    shown
}

/// `attribute eq "value"`, which is all a downstream is asked.
fn matches(record: &Map<String, Value>, filter: &str) -> bool {
    let Some((attribute, value)) = filter.split_once(" eq ") else { return false };
    let wanted: Value = serde_json::from_str(value).unwrap_or_default();
    record.get(attribute) == Some(&wanted)
}

pub(super) fn error(status: u16, detail: &str) -> Answer {
    let schema = "urn:ietf:params:scim:api:messages:2.0:Error";
    (status, json!({ "schemas": [schema], "status": status.to_string(), "detail": detail }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(state: &mut State, method: &Method, path: &str, body: &Value) -> Answer {
        serve(state, method, path, &BTreeMap::new(), body.to_string().as_bytes())
    }

    #[test]
    fn what_is_deleted_is_found_no_more_and_its_name_is_free() {
        let mut state = State::default();
        for (kind, body) in [("/Users", json!({ "userName": "ada" })), ("/Groups", json!({ "displayName": "all" }))] {
            let (status, made) = ask(&mut state, &Method::POST, kind, &body);
            assert_eq!(status, 201, "{kind}");
            let path = format!("{kind}/{}", made["id"].as_str().unwrap());
            assert_eq!(ask(&mut state, &Method::DELETE, &path, &Value::Null), (204, Value::Null));
            for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(ask(&mut state, &method, &path, &body).0, 404, "{method} {path}");
            }
            assert_eq!(ask(&mut state, &Method::GET, kind, &Value::Null).1["totalResults"], 0);
            assert_eq!(ask(&mut state, &Method::POST, kind, &body).0, 201, "{kind}");
        }
    }
}
