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
    /// Changes that nobody has looked at yet, or that will be delivered, now or after a back-off.
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

/// Counts what waits. A target that is quarantined or asked us to wait makes nothing old: no dispatcher could change that, and
/// both have gauges of their own.
pub async fn backlog(db: &Db) -> Result<Backlog, Error> {
    let now = clock(db.connection());
    let counts = counts(&format!("quarantined_at is null and coalesce(paused_until, 0) <= {now}"), now);
    let text = format!(
        "select {counts} from ({}) l join target t on t.tenant_id = l.tenant_id and t.state = 'active'",
        changes("true")
    );
    let row: Option<Backlog> = sql::one(db.connection(), &text, []).await?;
    Ok(row.unwrap_or(Backlog { waiting: 0, parked: 0, oldest: 0 }))
}

/// Counts what waits at one tenant's downstream.
pub async fn backlog_of(db: &Db, tenant: TenantId) -> Result<Backlog, Error> {
    let counts = counts("true", clock(db.connection()));
    let text = format!("select {counts} from ({}) l", changes("tenant_id = $1"));
    let row: Option<Backlog> = sql::one(db.connection(), &text, [tenant.0.into()]).await?;
    Ok(row.unwrap_or(Backlog { waiting: 0, parked: 0, oldest: 0 }))
}

/// Sums over [`changes`]; those count as old whose target `takes` them.
fn counts(takes: &str, now: &str) -> String {
    format!(
        "coalesce(sum(case when l.waits then 1 else 0 end), 0) as waiting,
         coalesce(sum(case when l.waits then 0 else 1 end), 0) as parked,
         coalesce(max(case when l.waits and {takes} then {now} - l.dirty_at end), 0) as oldest"
    )
}

/// Every change that is not there yet: owed, or not looked at, unless a person decides whether its user is gone. Who was left
/// parked on purpose does not count.
fn changes(whose: &str) -> String {
    let owed = |ledger: &str, since: &str, more: &str| {
        format!(
            "select tenant_id, {since} as dirty_at, next_at < {NEVER} or dirty_seq > seen_seq as waits from {ledger}
             where owed_seq > acked_seq and not (ignored and dirty_seq = seen_seq) and {whose} {more}"
        )
    };
    format!(
        "{} union all {} union all
         select tenant_id, dirty_at, true from ledger where dirty_seq > seen_seq and owed_seq <= acked_seq and {whose}
             and not exists (select 1 from absence a where a.tenant_id = ledger.tenant_id and a.user_id = ledger.user_id)",
        owed("ledger", "dirty_at", ""),
        owed("group_ledger", "null", &format!("and {PUSHED}"))
    )
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
