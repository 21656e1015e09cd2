//! What is due: the sweeper's page. A limited number of rows per tenant, each found by an index of its tenant's, so that
//! one tenant's backlog is neither shown nor read to find another's change (P8).

use registry::{Db, TenantId};
use sea_orm::{DbBackend, FromQueryResult, Value};
use uuid::Uuid;

use super::clock;
use super::protocol::{NEVER, NORMAL, Stage, URGENT};
use crate::resource::Kind;
use crate::{Error, sql};

/// A row with work to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromQueryResult)]
pub struct Due {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The realm user, or the group where groups were asked for.
    pub user_id: Uuid,
    /// Urgent or normal.
    pub lane: i16,
}

/// Rows due for a stage whose lease is free, without tenants that could not be served now: urgent first, then each tenant's
/// first, each tenant's second, …
pub async fn due(db: &Db, stage: Stage, limit: u32, per_tenant: u32, except: &[TenantId]) -> Result<Vec<Due>, Error> {
    of_kind(db, Kind::User, stage, limit, per_tenant, except).await
}

/// Groups whose send is due, likewise.
pub async fn due_groups(db: &Db, limit: u32, per_tenant: u32, except: &[TenantId]) -> Result<Vec<Due>, Error> {
    of_kind(db, Kind::Group, Stage::Send, limit, per_tenant, except).await
}

async fn of_kind(
    db: &Db,
    kind: Kind,
    stage: Stage,
    limit: u32,
    per_tenant: u32,
    except: &[TenantId],
) -> Result<Vec<Due>, Error> {
    let (ledger, key) = (kind.ledger(), kind.key());
    let connection = db.connection();
    let now = clock(connection);
    let (open, at, owed) = match stage {
        Stage::Triage => (String::new(), "triage_at", "dirty_seq > i.seen_seq"),
        Stage::Send => (
            format!(
                "join target on target.tenant_id = held.id and target.state = 'active' and target.quarantined_at is null
                     and {} and (target.paused_until is null or target.paused_until <= {now})",
                kind.wanted()
            ),
            "next_at",
            "owed_seq > i.acked_seq",
        ),
    };
    // From one tenant that has something waiting to the next: those that have nothing, most of them, are not asked.
    let next = |after: &str| {
        format!("(select i.tenant_id from {ledger} i where i.{owed} {after} order by i.tenant_id limit 1)")
    };
    let held = format!(
        "held (id) as (select {} union all select {} from held where held.id is not null)",
        next(""),
        next("and i.tenant_id > held.id")
    );
    // The clock is read once: one that may move cannot bound an index. Nor can a lane that is not fixed.
    let first = format!(
        "from {ledger} i where i.tenant_id = t.id and i.lane = lanes.lane and i.{owed} and i.{at} <= (select {now})
             and (i.lease_until is null or i.lease_until <= (select {now}))
         order by i.{at} limit $1"
    );
    // PostgreSQL asks a list in `in` about every row of the tenant; SQLite knows no lateral join, and looks the list up.
    let rows = match connection.get_database_backend() {
        DbBackend::Postgres => format!("cross join lateral (select i.tenant_id, i.{key}, i.lane, i.{at} {first}) l"),
        _ => format!("join {ledger} l on l.tenant_id = t.id and l.{key} in (select i.{key} {first})"),
    };
    let mut values: Vec<Value> = vec![i64::from(per_tenant).into(), i64::from(limit).into()];
    // However many they are, it is one statement: a text of its own for each number would push those that are asked all day out
    // of what the connections have prepared.
    let left_out = match connection.get_database_backend() {
        _ if except.is_empty() => "",
        DbBackend::Postgres => "where t.id <> all(string_to_array($3, ',')::uuid[])",
        _ => "where instr($3, lower(hex(t.id))) = 0",
    };
    if !except.is_empty() {
        let ids: Vec<String> = except.iter().map(|tenant| tenant.0.simple().to_string()).collect();
        values.push(ids.join(",").into());
    }
    let text = format!(
        "with recursive {held} select tenant_id, user_id, lane from (
             select l.tenant_id, l.{key} as user_id, l.lane, l.{at} as due_at,
                    row_number() over (partition by l.tenant_id order by l.lane, l.{at}) as turn
             from (select held.id from held {open} where held.id is not null) t cross join (select {URGENT} as lane union all select {NORMAL}) as lanes {rows} {left_out}) as waiting
         where turn <= $1 order by lane, turn, due_at limit $2"
    );
    sql::all(connection, &text, values).await
}

/// A downstream answers again: what backed off because it did not is due now. In batches; how many rows.
pub async fn hasten(db: &Db, tenant: TenantId) -> Result<u64, Error> {
    let mut hastened = 0;
    for kind in [Kind::User, Kind::Group] {
        hastened += hasten_kind(db, tenant, kind).await?;
    }
    Ok(hastened)
}

async fn hasten_kind(db: &Db, tenant: TenantId, kind: Kind) -> Result<u64, Error> {
    let connection = db.connection();
    let text = format!(
        "update {ledger} set next_at = {now}, attempts = 0 where tenant_id = $1 and owed_seq > acked_seq and {key} in (
             select {key} from {ledger}
             where tenant_id = $1 and owed_seq > acked_seq and attempts > 0 and next_at > {now} and next_at < {NEVER}
             order by next_at limit 500)",
        ledger = kind.ledger(),
        key = kind.key(),
        now = clock(connection)
    );
    let mut hastened = 0;
    loop {
        let batch = sql::execute(connection, &text, [tenant.0.into()]).await?;
        hastened += batch;
        if batch < 500 {
            return Ok(hastened);
        }
    }
}
