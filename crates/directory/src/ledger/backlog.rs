//! What waits, over all tenants: for gauges and for scaling, never for decisions.

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;

use super::clock;
use super::protocol::NEVER;
use crate::{Error, sql};

/// What a group owes counts only where its tenant has groups pushed.
const PUSHED: &str = "exists (select 1 from target p where p.tenant_id = group_ledger.tenant_id and p.state <> 'retired' and p.push_groups)";

/// Counts over the whole ledger and all targets in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Backlog {
    /// Changes that will be delivered, now or after a back-off.
    pub waiting: i64,
    /// Changes set aside until their user changes or a person acts.
    pub parked: i64,
    /// How long the oldest waiting change waits, microseconds; 0 when nothing waits. Over all tenants, of a user: an
    /// application may have no groups for ever.
    pub oldest: i64,
}

/// Targets in use, by what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Targets {
    /// Taking changes.
    pub delivering: i64,
    /// Asked us to wait.
    pub paused: i64,
    /// Refuse our token.
    pub quarantined: i64,
}

/// Counts what waits.
pub async fn backlog(db: &Db) -> Result<Backlog, Error> {
    let connection = db.connection();
    let now = clock(connection);
    let waits = format!("l.next_at < {NEVER}");
    let text = format!(
        "select coalesce(sum(case when {waits} then 1 else 0 end), 0) as waiting,
             coalesce(sum(case when {waits} then 0 else 1 end), 0) as parked,
             coalesce(max(case when {waits} then {now} - l.dirty_at end), 0) as oldest
         from (select tenant_id, next_at, dirty_at from ledger where owed_seq > acked_seq
                 union all select tenant_id, next_at, null from group_ledger where owed_seq > acked_seq and {PUSHED}) l
             join target t on t.tenant_id = l.tenant_id and t.state = 'active'"
    );
    let row: Option<Backlog> = sql::one(connection, &text, []).await?;
    Ok(row.unwrap_or(Backlog { waiting: 0, parked: 0, oldest: 0 }))
}

/// Counts what waits at one tenant's downstream; who was left parked on purpose does not count.
pub async fn backlog_of(db: &Db, tenant: TenantId) -> Result<Backlog, Error> {
    let connection = db.connection();
    let now = clock(connection);
    let text = format!(
        "select coalesce(sum(case when next_at < {NEVER} then 1 else 0 end), 0) as waiting,
             coalesce(sum(case when next_at = {NEVER} and not ignored then 1 else 0 end), 0) as parked,
             coalesce(max(case when next_at < {NEVER} then {now} - dirty_at end), 0) as oldest
         from (select next_at, dirty_at, ignored from ledger where tenant_id = $1 and owed_seq > acked_seq
                 union all select next_at, dirty_at, ignored from group_ledger
                     where tenant_id = $1 and owed_seq > acked_seq and {PUSHED}) as owed"
    );
    let row: Option<Backlog> = sql::one(connection, &text, [tenant.0.into()]).await?;
    Ok(row.unwrap_or(Backlog { waiting: 0, parked: 0, oldest: 0 }))
}

/// Counts targets.
pub async fn targets(db: &Db) -> Result<Targets, Error> {
    let connection = db.connection();
    let now = clock(connection);
    let count = |condition: &str| format!("coalesce(sum(case when {condition} then 1 else 0 end), 0)");
    let paused = format!("quarantined_at is null and paused_until > {now}");
    let free = format!("quarantined_at is null and (paused_until is null or paused_until <= {now})");
    let text = format!(
        "select {} as delivering, {} as paused, {} as quarantined from target where state = 'active'",
        count(&free),
        count(&paused),
        count("quarantined_at is not null")
    );
    let row: Option<Targets> = sql::one(connection, &text, []).await?;
    Ok(row.unwrap_or(Targets { delivering: 0, paused: 0, quarantined: 0 }))
}
