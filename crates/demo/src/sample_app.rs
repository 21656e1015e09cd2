//! "Fieldnotes": a small SCIM 2.0 application to push to. Users in memory, a bearer token, and a journal of what it was
//! asked, so that a person can see what arrived.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::http::Method;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The application's memory, shared with whoever started it.
#[derive(Clone, Default)]
pub struct SampleApp(Arc<Mutex<State>>);

/// How well-behaved the application is: what is missing here is missing in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// It refuses a userName it has already.
    pub unique: bool,
    /// It takes filters.
    pub filters: bool,
    /// It takes PATCH.
    pub patches: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self { unique: true, filters: true, patches: true }
    }
}

#[derive(Default)]
struct State {
    manners: Manners,
    users: BTreeMap<String, Map<String, Value>>,
    journal: Vec<Entry>,
}

/// A request the application was asked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// `POST`, …
    pub method: String,
    /// Path without the base.
    pub path: String,
    /// What it answered.
    pub status: u16,
    /// The trace it was told of, in hex.
    pub trace_id: Option<String>,
}

struct Served {
    app: SampleApp,
    token: String,
}

impl SampleApp {
    /// One that lacks some manners.
    pub fn with(manners: Manners) -> Self {
        Self(Arc::new(Mutex::new(State { manners, ..State::default() })))
    }

    /// A server of `/scim/v2` on a listener; runs until shutdown.
    pub fn run(
        self,
        listener: TcpListener,
        token: String,
        shutdown: CancellationToken,
    ) -> std::io::Result<actix_web::dev::Server> {
        let served = web::Data::new(Served { app: self, token });
        let server = HttpServer::new(move || App::new().app_data(served.clone()).default_service(web::to(entry)))
            .workers(1)
            .tcp_nodelay(true)
            .disable_signals()
            .shutdown_signal(shutdown.cancelled_owned())
            .listen(listener)?
            .run();
        Ok(server)
    }

    /// The users as they stand.
    pub fn users(&self) -> Vec<Map<String, Value>> {
        self.state().users.values().cloned().collect()
    }

    /// Every request so far, oldest first.
    pub fn journal(&self) -> Vec<Entry> {
        self.state().journal.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn entry(request: HttpRequest, body: web::Bytes, served: web::Data<Served>) -> HttpResponse {
    let path = request.path().strip_prefix("/scim/v2").unwrap_or_default().trim_end_matches('/').to_owned();
    if request.path() == "/journal" && authorized(&request, &served.token) {
        return HttpResponse::Ok().json(served.app.journal());
    }
    let mut state = served.app.state();
    let (status, answer) = if authorized(&request, &served.token) {
        let query = web::Query::<BTreeMap<String, String>>::from_query(request.query_string());
        let query = query.map(web::Query::into_inner).unwrap_or_default();
        serve(&mut state, request.method(), &path, &query, &body)
    } else {
        error(401, "a bearer token is needed")
    };
    let traceparent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let trace_id = traceparent.and_then(|text| text.get(3..35)).map(str::to_owned);
    state.journal.push(Entry { method: request.method().to_string(), path: path.clone(), status, trace_id });
    drop(state);
    let code = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    let mut response = HttpResponse::build(code);
    response.insert_header(("content-type", "application/scim+json"));
    if let (201, Some(id)) = (status, answer.get("id").and_then(Value::as_str)) {
        response.insert_header(("location", format!("/scim/v2/Users/{id}")));
    }
    if status == 204 { response.finish() } else { response.body(answer.to_string()) }
}

fn authorized(request: &HttpRequest, token: &str) -> bool {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    header.and_then(|header| header.strip_prefix("Bearer ")) == Some(token)
}

fn serve(
    state: &mut State,
    method: &Method,
    path: &str,
    query: &BTreeMap<String, String>,
    body: &[u8],
) -> (u16, Value) {
    let manners = state.manners;
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let sent: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    match (method.as_str(), segments.as_slice()) {
        ("GET", ["ServiceProviderConfig"]) => (
            200,
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
                "patch": { "supported": manners.patches },
                "filter": { "supported": manners.filters, "maxResults": 100 },
                "bulk": { "supported": false }, "sort": { "supported": false }, "etag": { "supported": false },
                "changePassword": { "supported": false }, "authenticationSchemes": [],
            }),
        ),
        ("GET", ["Users"]) if query.contains_key("filter") && !manners.filters => error(400, "filters are not taken"),
        ("GET", ["Users"]) => {
            let filter = query.get("filter");
            let found: Vec<_> =
                state.users.values().filter(|user| filter.is_none_or(|text| matches(user, text))).collect();
            let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
            let start = number("startIndex").unwrap_or(1).max(1);
            let count = number("count").unwrap_or(found.len());
            let page: Vec<_> = found.iter().skip(start - 1).take(count).collect();
            (
                200,
                json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                    "totalResults": found.len(), "startIndex": start, "itemsPerPage": page.len(), "Resources": page,
                }),
            )
        }
        ("POST", ["Users"]) => {
            let name = sent.get("userName").and_then(Value::as_str).unwrap_or_default().to_lowercase();
            let same = |user: &Map<String, Value>| {
                user.get("userName").and_then(Value::as_str).is_some_and(|held| held.to_lowercase() == name)
            };
            if name.is_empty() {
                return error(400, "userName is required");
            }
            if manners.unique && state.users.values().any(same) {
                return error(409, "userName is taken");
            }
            let id = Uuid::new_v4().to_string();
            let mut user = sent;
            user.insert("id".to_owned(), json!(id));
            state.users.insert(id, user.clone());
            (201, Value::Object(user))
        }
        ("PATCH", ["Users", _]) if !manners.patches => error(501, "PATCH is not taken"),
        (_, ["Users", id]) => match state.users.get_mut(*id) {
            None => error(404, "no such user"),
            Some(user) => on_user(user, method, sent, id),
        },
        _ => error(404, "no such endpoint"),
    }
}

fn on_user(user: &mut Map<String, Value>, method: &Method, sent: Map<String, Value>, id: &str) -> (u16, Value) {
    match method.as_str() {
        "GET" => {}
        "PUT" => {
            *user = sent;
            user.insert("id".to_owned(), json!(id));
        }
        "PATCH" => {
            for operation in sent.get("Operations").and_then(Value::as_array).into_iter().flatten() {
                let Some(path) = operation.get("path").and_then(Value::as_str) else {
                    return error(400, "a path is needed");
                };
                let holder = match path.split_once('.') {
                    None => Some((&mut *user, path)),
                    Some((parent, child)) => user
                        .entry(parent.to_owned())
                        .or_insert_with(|| json!({}))
                        .as_object_mut()
                        .map(|holder| (holder, child)),
                };
                let Some((holder, name)) = holder else { return error(400, "no such path") };
                match (operation.get("op").and_then(Value::as_str), operation.get("value")) {
                    (Some("remove"), _) => {
                        holder.remove(name);
                    }
                    (Some("add" | "replace"), Some(value)) => {
                        holder.insert(name.to_owned(), value.clone());
                    }
                    _ => return error(400, "op must be add, remove or replace"),
                }
            }
        }
        _ => return error(405, "not here"),
    }
    (200, Value::Object(user.clone()))
}

/// `attribute eq "value"`, which is all a downstream is asked.
fn matches(user: &Map<String, Value>, filter: &str) -> bool {
    let Some((attribute, value)) = filter.split_once(" eq ") else { return false };
    let wanted: Value = serde_json::from_str(value).unwrap_or_default();
    user.get(attribute) == Some(&wanted)
}

fn error(status: u16, detail: &str) -> (u16, Value) {
    let schema = "urn:ietf:params:scim:api:messages:2.0:Error";
    (status, json!({ "schemas": [schema], "status": status.to_string(), "detail": detail }))
}
