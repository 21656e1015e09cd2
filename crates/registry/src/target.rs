//! Outbound targets: URL, sealed token, generation. A new base URL is a new target; the old row is retired and keeps its
//! links for the day it comes back.
//!
//! The generation is the switch: every send re-reads it, so that enable and disable bite at once (K16, K25).

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, QueryResult, TryGetError};
use uuid::Uuid;

use crate::db::{self, clock_sql, finish};
use crate::quarantine::Cause;
use crate::seal::Sealed;
use crate::target_option::Choices;
use crate::{Db, Error, TargetId, TenantId, audit, tenant};

/// A target that is not retired.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its id.
    pub id: TargetId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The downstream's SCIM base URL.
    pub base_url: String,
    /// Its bearer token.
    pub token: Sealed,
    /// Counts enables and disables of the tenant's targets.
    pub generation: i64,
    /// Delivering, or switched off.
    pub active: bool,
    /// The downstream takes PATCH.
    pub supports_patch: bool,
    /// The downstream takes filters.
    pub supports_filter: bool,
    /// Noted limitations, a JSON array of sentences.
    pub limitations: String,
    /// When the baseline of this enable was done, microseconds (K24).
    pub baseline_done_at: Option<i64>,
    /// Since when the downstream refuses our token.
    pub quarantined_at: Option<i64>,
    /// In what words.
    pub quarantine_reason: Option<String>,
    /// Until when the downstream is to be left alone.
    pub paused_until: Option<i64>,
    /// When this was read, by the database's clock.
    pub read_at: i64,
    /// When it was enabled.
    pub enabled_at: i64,
    /// By whom.
    pub enabled_by: String,
    /// What the tenant chose for it.
    pub choices: Choices,
}

impl Target {
    /// Whether it may be sent to, as far as this was read.
    pub fn open(&self) -> bool {
        self.active && self.quarantined_at.is_none() && !self.paused()
    }

    /// Whether it is to be left alone now.
    pub fn paused(&self) -> bool {
        self.paused_until.is_some_and(|until| until > self.read_at)
    }
}

#[derive(FromQueryResult)]
#[expect(clippy::struct_excessive_bools, reason = "the columns of a table")]
struct Row {
    id: TargetId,
    tenant_id: TenantId,
    base_url: String,
    sealed_token: Vec<u8>,
    generation: i64,
    state: String,
    supports_patch: bool,
    supports_filter: bool,
    limitations: String,
    baseline_done_at: Option<i64>,
    quarantined_at: Option<i64>,
    quarantine_reason: Option<String>,
    paused_until: Option<i64>,
    enabled_at: i64,
    enabled_by: String,
    on_delete: String,
    hold_mass: bool,
    push_groups: bool,
    now: i64,
}

impl FromQueryResult for Target {
    fn from_query_result(result: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Row::from_query_result(result, prefix).map(Into::into)
    }

    fn from_query_result_nullable(result: &QueryResult, prefix: &str) -> Result<Self, TryGetError> {
        Row::from_query_result_nullable(result, prefix).map(Into::into)
    }
}

impl From<Row> for Target {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            tenant: row.tenant_id,
            base_url: row.base_url,
            token: Sealed(row.sealed_token),
            generation: row.generation,
            active: row.state == "active",
            supports_patch: row.supports_patch,
            supports_filter: row.supports_filter,
            limitations: row.limitations,
            baseline_done_at: row.baseline_done_at,
            quarantined_at: row.quarantined_at,
            quarantine_reason: row.quarantine_reason,
            paused_until: row.paused_until,
            read_at: row.now,
            enabled_at: row.enabled_at,
            enabled_by: row.enabled_by,
            choices: Choices {
                deactivates_deleted: row.on_delete == "deactivate",
                holds_mass: row.hold_mass,
                pushes_groups: row.push_groups,
            },
        }
    }
}

const COLUMNS: &str = "g.id, g.tenant_id, g.base_url, g.sealed_token, g.generation, g.state, g.supports_patch,
     g.supports_filter, g.limitations, g.baseline_done_at, g.quarantined_at, g.quarantine_reason, g.paused_until, g.enabled_at,
     g.enabled_by, g.on_delete, g.hold_mass, g.push_groups";

/// The columns of a [`Target`], of `target g`, named with a prefix: for a statement that reads more beside it.
pub fn columns(connection: &impl ConnectionTrait, prefix: &str) -> String {
    format!("{}, {} as {prefix}now", db::prefixed(COLUMNS, prefix), clock_sql(connection))
}

/// What a sealed downstream token is bound to.
pub fn aad(tenant: TenantId) -> String {
    format!("{tenant}|target.token")
}

/// What enabling needs.
#[derive(Debug)]
pub struct Enable {
    /// The downstream's SCIM base URL.
    pub base_url: String,
    /// Its bearer token, sealed under [`aad`].
    pub token: Sealed,
    /// The downstream takes PATCH.
    pub supports_patch: bool,
    /// The downstream takes filters.
    pub supports_filter: bool,
    /// What the probe noted.
    pub limitations: Vec<String>,
}

/// What enabling did.
#[derive(Debug, Clone, Copy)]
pub struct Enabled {
    /// The target.
    pub id: TargetId,
    /// Its generation now.
    pub generation: i64,
    /// This downstream was never enabled before (K24).
    pub first: bool,
    /// The target it replaced, if it is another one.
    pub retired: Option<TargetId>,
}

/// The target of a tenant that is not retired, switched on or off.
pub async fn current(db: &Db, tenant: TenantId) -> Result<Option<Target>, Error> {
    let now = clock_sql(db.connection());
    let text = format!("select {COLUMNS}, {now} as now from target g where tenant_id = $1 and state <> 'retired'");
    db::one(db.connection(), &text, [tenant.0.into()]).await
}

#[derive(FromQueryResult)]
struct Generation {
    generation: i64,
}

/// Makes a target the active one, inside the caller's transaction, which goes on with the ledger's part of the enable
/// (K24). [`Error::AlreadyEnabled`] if one is on.
pub async fn enable(
    transaction: &sea_orm::DatabaseTransaction,
    tenant: TenantId,
    enable: &Enable,
    actor: &str,
) -> Result<Enabled, Error> {
    #[derive(FromQueryResult)]
    struct Known {
        id: TargetId,
        state: String,
    }
    tenant::bump(transaction, tenant).await?;
    let now = clock_sql(transaction);
    let text = "select id, state from target where tenant_id = $1 and state <> 'retired'";
    let current: Option<Known> = db::one(transaction, text, [tenant.0.into()]).await?;
    if current.as_ref().is_some_and(|current| current.state == "active") {
        return Err(Error::AlreadyEnabled);
    }
    let text = "select id, state from target where tenant_id = $1 and base_url = $2";
    let known: Option<Known> = db::one(transaction, text, [tenant.0.into(), enable.base_url.clone().into()]).await?;
    let retired = current
        .as_ref()
        .filter(|current| known.as_ref().is_none_or(|known| known.id != current.id))
        .map(|current| current.id);
    if let Some(retired) = retired {
        let text = "update target set state = 'retired', generation = generation + 1 where id = $1";
        db::execute(transaction, text, [retired.0.into()]).await?;
    }
    let limitations = serde_json::json!(enable.limitations).to_string();
    let (id, first) = known.map_or_else(|| (TargetId(Uuid::now_v7()), true), |known| (known.id, false));
    // One count for all targets of a tenant: a lease of an older generation is old whichever target it was for (K25).
    let text = "select coalesce(max(generation), 0) + 1 as generation from target where tenant_id = $1";
    let generation = db::one::<Generation>(transaction, text, [tenant.0.into()]).await?.map_or(1, |row| row.generation);
    let text = format!(
        "insert into target (id, tenant_id, base_url, sealed_token, generation, state, supports_patch,
             supports_filter, limitations, enabled_at, enabled_by)
         values ($1, $2, $3, $4, $5, 'active', $6, $7, $8, {now}, $9)
         on conflict (id) do update set sealed_token = excluded.sealed_token, generation = excluded.generation,
             state = 'active', supports_patch = excluded.supports_patch, supports_filter = excluded.supports_filter,
             limitations = excluded.limitations, baseline_done_at = null, quarantined_at = null,
             quarantine_reason = null, paused_until = null, probe_at = null, probe_failures = 0,
             enabled_at = excluded.enabled_at, enabled_by = excluded.enabled_by"
    );
    let values = [
        id.0.into(),
        tenant.0.into(),
        enable.base_url.clone().into(),
        enable.token.0.clone().into(),
        generation.into(),
        enable.supports_patch.into(),
        enable.supports_filter.into(),
        limitations.into(),
        actor.into(),
    ];
    db::execute(transaction, &text, values).await?;
    let detail = serde_json::json!({ "base_url": enable.base_url });
    audit::insert(transaction, Some(tenant), actor, "outbound.enable", detail).await?;
    Ok(Enabled { id, generation, first, retired })
}

/// Switches outbound off and answers with the new generation; whoever disables waits until no send of an older one is
/// left (K25).
pub async fn disable(db: &Db, tenant: TenantId, actor: &str) -> Result<i64, Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        tenant::bump(&transaction, tenant).await?;
        let text = "update target set state = 'disabled', generation = generation + 1
             where tenant_id = $1 and state = 'active' returning generation";
        let row: Option<Generation> = db::one(&transaction, text, [tenant.0.into()]).await?;
        let row = row.ok_or(Error::NotEnabled)?;
        audit::insert(&transaction, Some(tenant), actor, "outbound.disable", serde_json::json!({})).await?;
        Ok(row.generation)
    }
    .await;
    finish(transaction, outcome).await
}

/// The downstream refuses our token: nothing is sent until it is probed or enabled anew (P4). One that is quarantined
/// already keeps its cause, and one that waits for a person is not probed for this.
pub async fn quarantine(db: &Db, id: TargetId, generation: i64, cause: Cause) -> Result<(), Error> {
    let text = format!(
        "update target set quarantined_at = {now}, quarantine_reason = $3, {probed}
         where id = $1 and generation = $2 and quarantined_at is null",
        now = clock_sql(db.connection()),
        probed = probed(db),
    );
    db::execute(db.connection(), &text, [id.0.into(), generation.into(), cause.words().into()]).await?;
    Ok(())
}

/// A probe failed, for whatever reason: the next one comes later, and what the target is quarantined for stays.
pub async fn probe_failed(db: &Db, id: TargetId, generation: i64) -> Result<(), Error> {
    let text = format!("update target set {} where id = $1 and generation = $2 and probe_at is not null", probed(db));
    db::execute(db.connection(), &text, [id.0.into(), generation.into()]).await?;
    Ok(())
}

/// The next probe: after 5 s, 10 s, … and in the end every five minutes.
fn probed(db: &Db) -> String {
    format!(
        "probe_failures = probe_failures + 1,
         probe_at = {} + 5000000 * (case when probe_failures > 6 then 60 else probe_failures + 1 end)",
        clock_sql(db.connection())
    )
}

/// The downstream takes our token again.
pub async fn release(db: &Db, id: TargetId, generation: i64) -> Result<(), Error> {
    let text = "update target set quarantined_at = null, quarantine_reason = null, probe_at = null, probe_failures = 0
         where id = $1 and generation = $2";
    db::execute(db.connection(), text, [id.0.into(), generation.into()]).await?;
    Ok(())
}

/// The downstream is to be left alone: nothing is sent for so many microseconds. A longer pause stays.
pub async fn pause(db: &Db, id: TargetId, generation: i64, wait: i64) -> Result<(), Error> {
    let text = format!(
        "update target set paused_until = {0} + $3 where id = $1 and generation = $2
             and (paused_until is null or paused_until < {0} + $3)",
        clock_sql(db.connection())
    );
    db::execute(db.connection(), &text, [id.0.into(), generation.into(), wait.into()]).await?;
    Ok(())
}

/// Quarantined targets whose probe is due.
pub async fn probes_due(db: &Db, limit: u32) -> Result<Vec<Target>, Error> {
    let text = format!(
        "select {COLUMNS}, {0} as now from target g where state = 'active' and quarantined_at is not null and probe_at <= {0}
         order by probe_at limit $1",
        clock_sql(db.connection())
    );
    db::all(db.connection(), &text, [i64::from(limit).into()]).await
}

/// Active targets whose baseline of this enable is not done yet (K24).
pub async fn baselines_due(db: &Db, limit: u32) -> Result<Vec<Target>, Error> {
    let text = format!(
        "select {COLUMNS}, {} as now from target g where state = 'active' and baseline_done_at is null
         order by enabled_at limit $1",
        clock_sql(db.connection())
    );
    db::all(db.connection(), &text, [i64::from(limit).into()]).await
}

/// The baseline of this generation is done.
pub async fn baseline_done(db: &Db, id: TargetId, generation: i64) -> Result<(), Error> {
    let text = format!(
        "update target set baseline_done_at = {} where id = $1 and generation = $2",
        clock_sql(db.connection())
    );
    db::execute(db.connection(), &text, [id.0.into(), generation.into()]).await?;
    Ok(())
}
