//! Recent activity, both directions: pages with filters, and a stream of what is new.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use directory::trail::{self, Place, Wanted};
use directory::{activity::Row, user};
use futures_util::stream;
use registry::Db;
use registry::tenant::Tenant;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use crate::moment::shown;
use crate::operator::Reader;
use crate::{Control, Deps, Problem, names};

/// Streams at once, in this process.
pub(crate) const LISTENERS: usize = 64;
/// How often the table is read while somebody listens.
const EVERY: Duration = Duration::from_secs(1);
/// Entries are stored up to so long after the moment they tell of, microseconds.
const LATE: i64 = 20_000_000;
/// A stream ends by itself, so that rights are judged anew; the console comes again.
const LONGEST: Duration = Duration::from_mins(5);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const PAGE: u32 = 500;

/// Which page, and of what.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActivityQuery {
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many at most, up to 200.
    #[serde(default = "default_limit")]
    limit: u32,
    /// Towards us, towards the downstream, or seen in the realm.
    #[param(value_type = Option<Direction>)]
    direction: Option<String>,
    /// A stable class, such as `ok`, `conflict`, `rotated`, or several, comma separated.
    #[serde(default)]
    class: String,
    /// A user's id, or a userName or e-mail address to look up.
    user: Option<String>,
    /// A W3C trace id.
    trace: Option<String>,
}

fn default_limit() -> u32 {
    50
}

/// Towards us, towards the downstream, or seen in the realm.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of a column, for the document")]
enum Direction {
    In,
    Out,
    Realm,
}

/// One thing that happened: names of attributes, never values.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ActivityEntry {
    /// The entry's own id.
    pub id: Uuid,
    /// When, RFC 3339.
    pub at: String,
    /// `in`, `out` or `realm`.
    #[schema(value_type = Direction)]
    pub direction: String,
    /// Whom it is about.
    pub user_id: Option<Uuid>,
    /// The user's name, looked up now; it is not kept with the entry.
    pub username: Option<String>,
    /// `PATCH /Users/{id}`, …
    pub operation: String,
    /// The HTTP status, where one was answered.
    pub status: Option<i64>,
    /// The stable class of the outcome.
    pub class: String,
    /// Why, for people.
    pub reason: Option<String>,
    /// Names of the attributes that changed.
    pub changed: Vec<String>,
    /// How long it took, milliseconds.
    pub duration_ms: i64,
    /// The trace it belongs to.
    pub trace_id: Option<String>,
    /// The identity provider's product.
    pub client: Option<String>,
    /// What the other side said of an error, redacted.
    pub detail: Option<String>,
    /// What a request asked of the realm, in the order of the first time.
    pub realm_calls: Vec<RealmCall>,
}

/// What was asked of a realm: names of operations, never values.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub struct RealmCall {
    /// `create user`, `end sessions`, …
    pub operation: String,
    /// `ok`, `conflict`, `unavailable`, `unanswered`, …
    pub class: String,
    /// How many times it ended so.
    pub count: u32,
    /// How long they took together, milliseconds.
    pub duration_ms: i64,
}

impl ActivityEntry {
    /// A stored row, with the names of the users that are known.
    pub fn of(row: Row, names: &HashMap<Uuid, String>) -> Self {
        Self {
            id: row.id,
            at: shown(row.at),
            direction: row.direction,
            user_id: row.user_id,
            username: row.user_id.and_then(|id| names.get(&id).cloned()),
            operation: row.operation,
            status: row.status,
            class: row.class,
            reason: row.reason,
            changed: serde_json::from_str(&row.changed).unwrap_or_default(),
            duration_ms: row.duration_ms,
            trace_id: row.trace_id,
            client: row.client,
            detail: row.detail,
            realm_calls: row.realm_calls.and_then(|calls| serde_json::from_str(&calls).ok()).unwrap_or_default(),
        }
    }
}

/// Whom some entries are about, each once.
fn meant(rows: &[Row]) -> Vec<Uuid> {
    rows.iter().filter_map(|row| row.user_id).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A page of activity, newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ActivityPage {
    entries: Vec<ActivityEntry>,
    /// The cursor of the next page, if there is one.
    next: Option<String>,
}

/// The newest activity, both directions.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/activity", tag = "activity",
    params(("tenant" = String, Path), ActivityQuery), responses((status = 200, body = ActivityPage)),
    security(("bearer" = [])))]
pub(crate) async fn list(
    reader: Reader,
    query: web::Query<ActivityQuery>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let limit = query.limit.clamp(1, 200);
    let deps = control.deps.clone();
    let page = control.run(async move {
        let wanted = Wanted {
            direction: query.direction,
            classes: query.class.split(',').filter(|class| !class.is_empty()).map(str::to_owned).collect(),
            trace: query.trace,
            users: match &query.user {
                Some(text) => Some(users(&deps, &reader.0, text).await?),
                None => None,
            },
            before: query.cursor.as_deref().map(place).transpose()?,
        };
        // One more than asked for says whether there is another page.
        let mut rows = trail::page(&deps.db, reader.0.id, &wanted, limit + 1).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| format!("{}.{}", row.at, row.id.simple()));
        let names = names::of(&deps, &reader.0, &meant(&rows)).await?;
        Ok(ActivityPage { entries: rows.into_iter().map(|row| ActivityEntry::of(row, &names)).collect(), next })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

fn place(cursor: &str) -> Result<Place, Problem> {
    let parts = cursor.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, Uuid::parse_str(id).ok()?)));
    let (at, id) = parts.ok_or_else(|| Problem::Field { field: "cursor", reason: "not one of ours".to_owned() })?;
    Ok(Place { at, id })
}

/// Who is meant by an id, a userName or an address: the directory knows managed users, the realm everybody by name.
async fn users(deps: &Deps, tenant: &Tenant, text: &str) -> Result<Vec<Uuid>, Problem> {
    if let Ok(id) = Uuid::parse_str(text.trim()) {
        return Ok(vec![id]);
    }
    let known = user::named(&deps.db, tenant.id, text.trim()).await?;
    if !known.is_empty() {
        return Ok(known);
    }
    // A realm that does not answer knows nobody: the page is empty, not an error.
    let Ok(realm) = deps.realms.of(tenant).await else { return Ok(Vec::new()) };
    Ok(realm.find_by_username(text.trim()).await.ok().flatten().map(|user| user.id).into_iter().collect())
}

/// What is new, as it comes: `event: entry`, with comments to keep the connection. Ends after five minutes.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/activity/stream", tag = "activity",
    params(("tenant" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 503)),
    security(("bearer" = [])))]
pub(crate) async fn stream(reader: Reader, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let place = control.listeners.clone().try_acquire_owned().map_err(|_| Problem::Unavailable)?;
    let db = control.deps.db.clone();
    let tenant = reader.0.id;
    // What is stored by now stands in the pages; what is stored later is new, whatever moment it tells of.
    let (since, told) = control
        .run(async move {
            let since = directory::ledger::now(&db).await? - LATE;
            let stored = trail::since(&db, tenant, since, PAGE).await?;
            Ok((since, stored.into_iter().map(|row| row.id).collect()))
        })
        .await?;
    let listener = Listener {
        control: control.into_inner(),
        tenant,
        since,
        told,
        begun: Instant::now(),
        spoke: None,
        _place: Arc::new(place),
    };
    let events = stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((Ok::<_, actix_web::Error>(web::Bytes::from(text)), listener))
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(events))
}

/// Somebody who listens.
struct Listener {
    control: Arc<Control>,
    tenant: registry::TenantId,
    /// Entries of before this moment are not new, microseconds of the database's clock.
    since: i64,
    /// Entries of the last moments that were told already.
    told: HashSet<Uuid>,
    begun: Instant,
    spoke: Option<Instant>,
    _place: Arc<OwnedSemaphorePermit>,
}

impl Listener {
    /// The next piece of the stream; `None` at its end.
    async fn next(&mut self) -> Option<String> {
        let Some(spoke) = self.spoke else {
            // At once, so that whoever listens knows that it does.
            self.spoke = Some(Instant::now());
            return Some(": listening\n\n".to_owned());
        };
        let mut spoke = spoke;
        while self.begun.elapsed() < LONGEST {
            if tokio::time::timeout(EVERY, self.control.shutdown.cancelled()).await.is_ok() {
                return None;
            }
            let (db, tenant, since) = (self.control.deps.db.clone(), self.tenant, self.since);
            let read = self.control.run(async move { news(&db, tenant, since).await }).await;
            // A database that is away for a moment ends no stream.
            let (now, rows) = read.unwrap_or((self.since, Vec::new()));
            let fresh: Vec<Row> = rows.iter().filter(|row| !self.told.contains(&row.id)).cloned().collect();
            let text = self.tell(fresh).await;
            self.since = self.since.max(now - LATE);
            self.told = rows.into_iter().map(|row| row.id).collect();
            if !text.is_empty() {
                self.spoke = Some(Instant::now());
                return Some(text);
            }
            if spoke.elapsed() >= KEEP_ALIVE {
                spoke = Instant::now();
                self.spoke = Some(spoke);
                return Some(": still here\n\n".to_owned());
            }
        }
        None
    }

    /// Entries as events, with the names the directory knows: a realm is not asked for each user of a stream.
    async fn tell(&self, fresh: Vec<Row>) -> String {
        let (db, tenant, ids) = (self.control.deps.db.clone(), self.tenant, meant(&fresh));
        let named = self.control.run(async move { Ok(user::names(&db, tenant, &ids).await?) }).await;
        let names = named.unwrap_or_default();
        let event = |row: Row| {
            let (id, entry) = (row.id, ActivityEntry::of(row, &names));
            Some(format!("event: entry\nid: {id}\ndata: {}\n\n", serde_json::to_string(&entry).ok()?))
        };
        fresh.into_iter().filter_map(event).collect()
    }
}

async fn news(db: &Db, tenant: registry::TenantId, since: i64) -> Result<(i64, Vec<Row>), Problem> {
    let now = directory::ledger::now(db).await?;
    Ok((now, trail::since(db, tenant, since, PAGE).await?))
}
