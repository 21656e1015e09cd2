//! Activity: what happened, both directions. Names of attributes and classes of outcome, never values.

use registry::{TargetId, TenantId};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, sql};

/// Rows of one statement.
const ROWS: usize = 50;

/// What a request asked of the realm: one operation, as often as it ended in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealmCall {
    /// `create user`, `end sessions`, …
    pub operation: String,
    /// `ok`, or why not.
    pub class: String,
    /// How many times.
    pub count: u32,
    /// How long they took together, milliseconds.
    pub duration_ms: i64,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The tenant.
    pub tenant: TenantId,
    /// When, microseconds.
    pub at: i64,
    /// `in`, `out` or `realm`.
    pub direction: &'static str,
    /// The user concerned, by realm id.
    pub user: Option<Uuid>,
    /// The target, for outbound.
    pub target: Option<TargetId>,
    /// `POST /Users`, `PATCH /Users/{id}`, …
    pub operation: String,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// A stable class: `done`, `unauthorized`, `conflict`, …
    pub class: String,
    /// Why, in words for a person, without values.
    pub reason: Option<String>,
    /// Names of the attributes concerned.
    pub changed: Vec<String>,
    /// How long it took, milliseconds.
    pub duration_ms: i64,
    /// The mark it answered, for outbound.
    pub seq: Option<i64>,
    /// W3C trace id.
    pub trace_id: Option<String>,
    /// The product the other side names itself, for inbound.
    pub client: Option<String>,
    /// What the other side said of an error: redacted, at most 1 KiB.
    pub detail: Option<String>,
    /// What it asked of the realm, for inbound.
    pub realm_calls: Vec<RealmCall>,
}

/// An activity row as stored.
#[derive(Debug, Clone, FromQueryResult, Serialize)]
pub struct Row {
    /// Ordered by time.
    pub id: Uuid,
    /// When, microseconds.
    pub at: i64,
    /// `in`, `out` or `realm`.
    pub direction: String,
    /// The user concerned, by realm id.
    pub user_id: Option<Uuid>,
    /// `POST /Users`, …
    pub operation: String,
    /// HTTP status, if there was an answer.
    pub status: Option<i64>,
    /// A stable class.
    pub class: String,
    /// Why, in words.
    pub reason: Option<String>,
    /// Names of the attributes concerned, a JSON array.
    pub changed: String,
    /// How long it took, milliseconds.
    pub duration_ms: i64,
    /// W3C trace id.
    pub trace_id: Option<String>,
    /// The product the other side names itself, for inbound.
    pub client: Option<String>,
    /// What the other side said of an error.
    pub detail: Option<String>,
    /// What it asked of the realm: a JSON array of [`RealmCall`].
    pub realm_calls: Option<String>,
}

fn asked(calls: &[RealmCall]) -> Result<Option<String>, Error> {
    if calls.is_empty() { Ok(None) } else { Ok(Some(serde_json::to_string(calls)?)) }
}

/// The columns of [`rows`].
pub(crate) const COLUMNS: &str =
    "id, tenant_id, at, direction, user_id, target_id, operation, status, class, reason, changed,
     duration_ms, seq, trace_id, client, detail, realm_calls";

/// Writes entries, inside the caller's transaction or on a plain connection.
pub async fn insert(connection: &impl ConnectionTrait, entries: &[Entry]) -> Result<(), Error> {
    for chunk in entries.chunks(ROWS) {
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 17);
        let text = format!("insert into activity ({COLUMNS}) values {}", rows(chunk, &mut values)?);
        sql::execute(connection, &text, values).await?;
    }
    Ok(())
}

/// Entries as rows of SQL; their values come after those that are there already.
pub(crate) fn rows(entries: &[Entry], values: &mut Vec<Value>) -> Result<String, Error> {
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let first = values.len() + 1;
        values.extend([
            Uuid::now_v7().into(),
            entry.tenant.0.into(),
            entry.at.into(),
            entry.direction.into(),
            entry.user.into(),
            entry.target.map(|target| target.0).into(),
            entry.operation.clone().into(),
            entry.status.map(i64::from).into(),
            entry.class.clone().into(),
            entry.reason.clone().into(),
            serde_json::to_string(&entry.changed)?.into(),
            entry.duration_ms.into(),
            entry.seq.into(),
            entry.trace_id.clone().into(),
            entry.client.clone().into(),
            entry.detail.clone().into(),
            asked(&entry.realm_calls)?.into(),
        ]);
        let places: Vec<String> = (first..=values.len()).map(|place| format!("${place}")).collect();
        rows.push(format!("({})", places.join(", ")));
    }
    Ok(rows.join(", "))
}
