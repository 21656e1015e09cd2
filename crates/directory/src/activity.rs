//! Activity: what happened, both directions. Names of attributes and classes of outcome, never values.

use registry::{Db, TargetId, TenantId};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::{Error, sql};

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
}

/// An activity row as stored.
#[derive(Debug, Clone, FromQueryResult, serde::Serialize)]
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
}

/// Writes entries, inside the caller's transaction or on a plain connection.
pub async fn insert(connection: &impl ConnectionTrait, entries: &[Entry]) -> Result<(), Error> {
    for entry in entries {
        let text = "insert into activity (id, tenant_id, at, direction, user_id, target_id, operation, status, class,
                 reason, changed, duration_ms, seq, trace_id)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
        let values = [
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
        ];
        sql::execute(connection, text, values).await?;
    }
    Ok(())
}

/// The newest entries of a tenant, newest first.
pub async fn newest(db: &Db, tenant: TenantId, limit: u32) -> Result<Vec<Row>, Error> {
    let text = "select id, at, direction, user_id, operation, status, class, reason, changed, duration_ms, trace_id
         from activity where tenant_id = $1 order by at desc, id desc limit $2";
    sql::all(db.connection(), text, [tenant.0.into(), i64::from(limit).into()]).await
}
