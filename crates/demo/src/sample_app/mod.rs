//! "Fieldnotes": a small SCIM 2.0 application to push to. Users and groups in memory, a bearer token, and a journal of what
//! it was asked, so that a person can see what arrived.

mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

/// The application's memory, shared with whoever started it.
#[derive(Clone, Default)]
pub struct SampleApp(Arc<Mutex<State>>);

/// How well-behaved the application is: what is missing here is missing in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub struct Manners {
    /// It refuses a userName it has already.
    pub unique: bool,
    /// It takes filters.
    pub filters: bool,
    /// It takes PATCH.
    pub patches: bool,
    /// It has groups.
    pub groups: bool,
    /// It shows who is in a group.
    pub members: bool,
    /// How it shows what it has.
    pub shows: Shows,
}

/// How an application shows a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// As it was sent.
    Plainly,
    /// Without `externalId`, which it does not keep.
    NoExternalId,
    /// A hundred at once, with their number as the total.
    PageByPage,
    /// A hundred and no more, wherever a page is to begin.
    FirstPage,
    /// With a number for an id, and other letter case in the names of attributes (RFC 7643 §2.1 has none).
    Oddly,
}

impl Default for Manners {
    fn default() -> Self {
        Self { unique: true, filters: true, patches: true, groups: true, members: true, shows: Shows::Plainly }
    }
}

/// Records by their ids.
type Records = BTreeMap<String, Map<String, Value>>;

#[derive(Default)]
struct State {
    manners: Manners,
    users: Records,
    groups: Records,
    journal: Vec<Entry>,
    broken: BTreeMap<String, u16>,
    barred: BTreeSet<String>,
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

    /// The groups as they stand.
    pub fn groups(&self) -> Vec<Map<String, Value>> {
        self.state().groups.values().cloned().collect()
    }

    /// Puts a user of that name there under an id, as its administrator would.
    pub fn add(&self, id: &str, name: &str) {
        let user = [("id", id), ("userName", name)].map(|(key, value)| (key.to_owned(), Value::from(value)));
        self.state().users.insert(id.to_owned(), user.into_iter().collect());
    }

    /// Takes a record away, as its administrator would.
    pub fn forget(&self, id: &str) {
        let mut state = self.state();
        drop((state.users.remove(id), state.groups.remove(id)));
    }

    /// A record answers every request with this status from now on, or is well again.
    pub fn breaks(&self, id: &str, status: Option<u16>) {
        let mut state = self.state();
        match status {
            Some(status) => drop(state.broken.insert(id.to_owned(), status)),
            None => drop(state.broken.remove(id)),
        }
    }

    /// No group takes this user from now on, or any does again.
    pub fn bars(&self, id: &str, from_groups: bool) {
        let mut state = self.state();
        if from_groups {
            state.barred.insert(id.to_owned());
        } else {
            state.barred.remove(id);
        }
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
        records::serve(&mut state, request.method(), &path, &query, &body)
    } else {
        records::error(401, "a bearer token is needed")
    };
    let traceparent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let trace_id = traceparent.and_then(|text| text.get(3..35)).map(str::to_owned);
    state.journal.push(Entry { method: request.method().to_string(), path: path.clone(), status, trace_id });
    drop(state);
    let code = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    let mut response = HttpResponse::build(code);
    response.insert_header(("content-type", "application/scim+json"));
    if let (201, Some(id)) = (status, answer.get("id").and_then(Value::as_str)) {
        response.insert_header(("location", format!("/scim/v2{path}/{id}")));
    }
    if status == 204 { response.finish() } else { response.body(answer.to_string()) }
}

fn authorized(request: &HttpRequest, token: &str) -> bool {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    header.and_then(|header| header.strip_prefix("Bearer ")) == Some(token)
}
