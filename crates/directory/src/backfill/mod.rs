//! Backfills (P3, K27): an explicit walk over everybody the ledger knows, and then over the directory's groups where those
//! are pushed. One alive per tenant; a cursor in the row and a
//! lease, so that any dispatcher goes on where another died. Cancelling stops the cursor and touches nothing else.

use registry::{Db, TargetId, TenantId, audit};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::ledger::clock;
use crate::ledger::protocol::NEVER;
use crate::resource::Kind;
use crate::{Error, finish, sql};

mod page;

pub use page::{Page, advance};

/// How long a dispatcher holds a backfill without storing progress, microseconds.
const LEASE: i64 = 30_000_000;

/// Failed rounds after which a user's change is not waited for.
const STUCK: i64 = 4;

/// What a backfill would do, or does, with a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is not there.
    Create,
    /// It differs.
    Update,
    /// Nothing to do.
    InStep,
    /// A record with its userName is somebody else's, or nobody's.
    Conflict,
}

/// A user of the sample: an id, no personal data.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Sampled {
    /// The realm user.
    pub user_id: Uuid,
    /// What is done with it.
    pub action: Action,
}

/// A backfill.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Backfill {
    /// Its id.
    pub id: Uuid,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The downstream it is for.
    pub target_id: TargetId,
    /// `running`, `paused`, `done`, `cancelled`.
    pub state: String,
    /// Counts only.
    pub dry_run: bool,
    /// When, microseconds.
    pub started_at: i64,
    /// By whom.
    pub started_by: String,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// The last user looked at.
    pub reach: Option<Uuid>,
    /// How many there were when the walk began, which is after the baseline.
    pub total: Option<i64>,
    /// Looked at so far.
    pub seen: i64,
    /// To be made.
    pub creates: i64,
    /// To be changed.
    pub updates: i64,
    /// In step.
    pub in_step: i64,
    /// Nobody's to touch.
    pub conflicts: i64,
    /// The last group looked at.
    pub group_reach: Option<Uuid>,
    /// How many groups there are; nothing until they are walked over.
    pub group_total: Option<i64>,
    /// Groups looked at so far.
    pub group_seen: i64,
    /// Groups to be made.
    pub group_creates: i64,
    /// Groups to be changed.
    pub group_updates: i64,
    /// Groups in step.
    pub group_in_step: i64,
    /// Groups whose name is somebody else's.
    pub group_conflicts: i64,
    /// Some of the users there is something to do with, a JSON array of [`Sampled`].
    pub sample: String,
    /// Counts claims; only the newest may store progress.
    pub epoch: i64,
}

const COLUMNS: &str = "id, tenant_id, target_id, state, dry_run, started_at, started_by, ended_at, reach, total, seen,
     creates, updates, in_step, conflicts, group_reach, group_total, group_seen, group_creates, group_updates, group_in_step,
     group_conflicts, sample, epoch";

/// What a person does with one that is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Stop for now.
    Pause,
    /// Go on.
    Resume,
    /// Stop for good.
    Cancel,
}

impl Order {
    fn state(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Resume => "running",
            Self::Cancel => "cancelled",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Pause => "backfill.pause",
            Self::Resume => "backfill.resume",
            Self::Cancel => "backfill.cancel",
        }
    }
}

/// Begins one; `None` if one is alive.
pub async fn start(
    db: &Db,
    tenant: TenantId,
    target: TargetId,
    dry_run: bool,
    actor: &str,
) -> Result<Option<Backfill>, Error> {
    let transaction = db.begin().await?;
    let outcome: Result<Option<Backfill>, Error> = async {
        let now = clock(&transaction);
        let text = format!(
            "insert into backfill (id, tenant_id, target_id, state, dry_run, started_at, started_by, next_at)
             values ($1, $2, $3, 'running', $4, {now}, $5, {now})
             on conflict do nothing returning {COLUMNS}"
        );
        let values = [Uuid::now_v7().into(), tenant.0.into(), target.0.into(), dry_run.into(), actor.into()];
        let begun: Option<Backfill> = sql::one(&transaction, &text, values).await?;
        if begun.is_some() {
            let detail = serde_json::json!({ "dry_run": dry_run });
            audit::insert(&transaction, Some(tenant), actor, "backfill.start", detail).await?;
        }
        Ok(begun)
    }
    .await;
    finish(transaction, outcome).await
}

/// The newest of a tenant, alive or ended.
pub async fn newest(db: &Db, tenant: TenantId) -> Result<Option<Backfill>, Error> {
    let text = format!("select {COLUMNS} from backfill where tenant_id = $1 order by started_at desc, id desc limit 1");
    sql::one(db.connection(), &text, [tenant.0.into()]).await
}

/// Obeys a person; `None` if none is alive. Repeating an order changes nothing.
pub async fn order(db: &Db, tenant: TenantId, order: Order, actor: &str) -> Result<Option<Backfill>, Error> {
    let transaction = db.begin().await?;
    let outcome: Result<Option<Backfill>, Error> = async {
        let now = clock(&transaction);
        // The epoch moves, so that whoever works on it now stores nothing more.
        let ended = if order == Order::Cancel { format!(", ended_at = {now}") } else { String::new() };
        let text = format!(
            "update backfill set state = $2, epoch = epoch + 1, lease_until = null, next_at = {now}{ended}
             where tenant_id = $1 and ended_at is null returning {COLUMNS}"
        );
        let changed: Option<Backfill> = sql::one(&transaction, &text, [tenant.0.into(), order.state().into()]).await?;
        if changed.is_some() {
            audit::insert(&transaction, Some(tenant), actor, order.action(), serde_json::json!({})).await?;
        }
        Ok(changed)
    }
    .await;
    finish(transaction, outcome).await
}

/// Takes over running backfills nobody works on, whose target takes changes now.
pub async fn claim_due(db: &Db, limit: u32) -> Result<Vec<Backfill>, Error> {
    let connection = db.connection();
    let now = clock(connection);
    let due = |of: &str| {
        format!(
            "{of}state = 'running' and {of}next_at <= {now} and ({of}lease_until is null or {of}lease_until <= {now})"
        )
    };
    let text = format!(
        "update backfill set epoch = epoch + 1, lease_until = {now} + {LEASE}, total = coalesce(total, (
             select count(*) from ledger l where l.tenant_id = backfill.tenant_id and l.gone_at is null))
         where {} and id in (
             select b.id from backfill b
             where {} and not exists (
                 select 1 from target t where t.id = b.target_id and t.state = 'active'
                     and (t.quarantined_at is not null or t.paused_until > {now} or t.baseline_done_at is null))
             order by b.next_at limit $1)
         returning {COLUMNS}",
        due(""),
        due("b.")
    );
    sql::all(connection, &text, [i64::from(limit).into()]).await
}

/// The next users of a backfill, in the order of their ids.
pub async fn next_users(db: &Db, backfill: &Backfill, limit: u32) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct User {
        user_id: Uuid,
    }
    let text = "select user_id from ledger where tenant_id = $1 and user_id > $2 and gone_at is null
         order by user_id limit $3";
    let values = [backfill.tenant_id.0.into(), backfill.reach.unwrap_or(Uuid::nil()).into(), i64::from(limit).into()];
    let users: Vec<User> = sql::all(db.connection(), text, values).await?;
    Ok(users.into_iter().map(|user| user.user_id).collect())
}

/// The next groups of a backfill, in the order of their ids.
pub async fn next_groups(db: &Db, backfill: &Backfill, limit: u32) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Group {
        id: Uuid,
    }
    let text = "select id from directory_group where tenant_id = $1 and id > $2 order by id limit $3";
    let after = backfill.group_reach.unwrap_or(Uuid::nil());
    let values = [backfill.tenant_id.0.into(), after.into(), i64::from(limit).into()];
    let groups: Vec<Group> = sql::all(db.connection(), text, values).await?;
    Ok(groups.into_iter().map(|group| group.id).collect())
}

/// How many changes of a tenant's users, or groups, wait to be looked at or delivered: what a backfill keeps small. Users who
/// back off count until they have failed so often that it is their own trouble: one that fails for all is left alone by then.
/// Groups that back off do not, so that an application that takes no groups holds up none of them, and no user.
pub async fn ahead(db: &Db, tenant: TenantId, kind: Kind) -> Result<i64, Error> {
    #[derive(FromQueryResult)]
    struct Number {
        number: i64,
    }
    let connection = db.connection();
    let waits = match kind {
        Kind::User => format!("next_at < {NEVER} and attempts < {STUCK}"),
        Kind::Group => format!("next_at <= {}", clock(connection)),
    };
    let text = format!(
        "select count(*) as number from {} where tenant_id = $1
             and (dirty_seq > seen_seq or (owed_seq > acked_seq and {waits}))",
        kind.ledger()
    );
    Ok(sql::one::<Number>(connection, &text, [tenant.0.into()]).await?.map_or(0, |row| row.number))
}

/// Gives a claim back; the backfill goes on after so many microseconds.
pub async fn release(db: &Db, backfill: &Backfill, after: i64) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!(
        "update backfill set lease_until = null, next_at = {} + $3 where id = $1 and epoch = $2",
        clock(connection)
    );
    sql::execute(connection, &text, [backfill.id.into(), backfill.epoch.into(), after.into()]).await?;
    Ok(())
}

/// Ends a backfill whose downstream is not the tenant's any more.
pub async fn abandon(db: &Db, backfill: &Backfill) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!(
        "update backfill set state = 'cancelled', ended_at = {}, lease_until = null where id = $1 and epoch = $2",
        clock(connection)
    );
    sql::execute(connection, &text, [backfill.id.into(), backfill.epoch.into()]).await?;
    Ok(())
}
