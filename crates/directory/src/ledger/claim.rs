//! Claims: who works on a row now. One sender per user, by a lease in the database's clock (K10, K16, K20).

use std::sync::Arc;

use registry::{Db, TenantId};
use scim::mapping::Mapping;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::protocol::{LEASE, Stage};
use super::{Row, Subject, clock, columns};
use crate::resource::Kind;
use crate::{Error, sql};

/// A granted claim.
#[derive(Debug, Clone)]
pub struct Claim {
    /// What it was granted for.
    pub stage: Stage,
    /// The row as read with the claim.
    pub row: Row,
    /// The claim's number; only the newest may write.
    pub epoch: i64,
    /// The mark this round answers for.
    pub seq: i64,
    /// The predecessor never settled: digests are not to be trusted (K17).
    pub doubt: bool,
    /// Somebody asked for a push even if nothing differs (K18, K26).
    pub reassert: bool,
    /// What of the realm's further attributes counts, as the tenant had it when the claim was granted.
    pub mapping: Arc<Mapping>,
}

#[derive(FromQueryResult)]
struct Claimed {
    #[sea_orm(nested)]
    row: Row,
    projection: Option<String>,
    extensions: Option<String>,
}

impl Claim {
    /// When it was granted, by the database's clock.
    pub(super) fn granted_at(&self) -> Option<i64> {
        self.row.state.lease_until.map(|until| until - LEASE)
    }

    /// A write from before this claim may still arrive (K18).
    pub fn awaits_late_writes(&self) -> bool {
        self.doubt || self.row.state.assert_at.is_some()
    }
}

/// Claims one row for a stage, if it is due and free; a send also states the target's generation it is for.
pub async fn claim(
    db: &Db,
    tenant: TenantId,
    subject: impl Into<Subject>,
    stage: Stage,
    generation: Option<i64>,
) -> Result<Option<Claim>, Error> {
    let Subject { kind, id } = subject.into();
    let connection = db.connection();
    let now = clock(connection);
    let due = match stage {
        Stage::Triage => format!("dirty_seq > seen_seq and triage_at <= {now}"),
        Stage::Send => format!("owed_seq > acked_seq and next_at <= {now} and {}", open(kind, "$3", now)),
    };
    // Whoever looks when no late write can come any more asserts for good.
    let asserted = match stage {
        Stage::Triage => String::new(),
        Stage::Send => format!(
            ", assert_at = case when assert_at <= {now} and reassert_seq > acked_seq then null else assert_at end"
        ),
    };
    let text = format!(
        "update {} set epoch = epoch + 1, lease_until = {now} + {LEASE}, lease_generation = $3{asserted}
         where tenant_id = $1 and {} = $2 and {due} and (lease_until is null or lease_until <= {now})
         returning {},
             (select o.projection from tenant_option o where o.tenant_id = $1) as projection,
             (select o.extensions from tenant_option o where o.tenant_id = $1) as extensions",
        kind.ledger(),
        kind.key(),
        columns(kind)
    );
    let claimed: Option<Claimed> = sql::one(connection, &text, [tenant.0.into(), id.into(), generation.into()]).await?;
    Ok(claimed.map(|Claimed { row, projection, extensions }| {
        let state = &row.state;
        Claim {
            stage,
            epoch: state.epoch,
            seq: state.dirty_seq,
            doubt: state.settled_epoch < state.epoch - 1,
            reassert: state.reasserts(),
            mapping: Mapping::of(projection.as_deref(), extensions.as_deref()),
            row,
        }
    }))
}

/// That the tenant's target is of a generation, and may be sent to now: whoever rang, one that asked us to wait is not called;
/// nor is one that was switched off since it was read.
pub(super) fn open(kind: Kind, generation: &str, now: &str) -> String {
    format!(
        "exists (select 1 from target where target.tenant_id = $1 and target.generation = {generation}
             and target.state = 'active' and target.quarantined_at is null and {}
             and (target.paused_until is null or target.paused_until <= {now}))",
        kind.wanted()
    )
}

/// A row as it stands, for a look from outside.
pub async fn row(db: &Db, tenant: TenantId, subject: impl Into<Subject>) -> Result<Option<Row>, Error> {
    let Subject { kind, id } = subject.into();
    let text = format!("select {} from {} where tenant_id = $1 and {} = $2", columns(kind), kind.ledger(), kind.key());
    sql::one(db.connection(), &text, [tenant.0.into(), id.into()]).await
}

/// What was last seen of every user the ledger has heard of, for the compare.
pub async fn observed(db: &Db, tenant: TenantId) -> Result<Vec<(Uuid, Option<Vec<u8>>)>, Error> {
    #[derive(FromQueryResult)]
    struct Seen {
        user_id: Uuid,
        observed: Option<Vec<u8>>,
    }
    let text = "select user_id, observed from ledger where tenant_id = $1";
    let rows: Vec<Seen> = sql::all(db.connection(), text, [tenant.0.into()]).await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.observed)).collect())
}

/// Extends a claim before each call (K20): same epoch, still ours, and for a send the target's generation unchanged.
pub async fn renew(
    db: &Db,
    tenant: TenantId,
    subject: impl Into<Subject>,
    epoch: i64,
    generation: Option<i64>,
) -> Result<bool, Error> {
    let Subject { kind, id } = subject.into();
    let connection = db.connection();
    let now = clock(connection);
    let target = if generation.is_some() {
        format!(
            "and exists (select 1 from target where target.tenant_id = $1 and target.generation = $4
                 and target.state = 'active' and {})",
            kind.wanted()
        )
    } else {
        String::new()
    };
    let text = format!(
        "update {} set lease_until = {now} + {LEASE}
         where tenant_id = $1 and {} = $2 and epoch = $3 and lease_until > {now} {target}",
        kind.ledger(),
        kind.key()
    );
    let mut values: Vec<sea_orm::Value> = vec![tenant.0.into(), id.into(), epoch.into()];
    values.extend(generation.map(Into::into));
    Ok(sql::execute(connection, &text, values).await? == 1)
}

/// Gives a claim back without having called the downstream, and puts its stage off for so many microseconds. A mark that
/// came meanwhile is not put off with it: it may be a deactivation.
pub async fn release(
    db: &Db,
    tenant: TenantId,
    subject: impl Into<Subject>,
    claim: &Claim,
    postpone: i64,
) -> Result<(), Error> {
    let Subject { kind, id } = subject.into();
    let connection = db.connection();
    let now = clock(connection);
    let later = match claim.stage {
        Stage::Triage => {
            format!("triage_at = case when $4 > 0 and dirty_seq = $5 then {now} + $4 else triage_at end")
        }
        Stage::Send => format!(
            "next_at = case when $4 > 0 and dirty_seq = $5 and next_at < {now} + $4 then {now} + $4 else next_at end"
        ),
    };
    let text = format!(
        "update {} set lease_until = null,
             settled_epoch = case when settled_epoch = epoch - 1 then epoch else settled_epoch end, {later}
         where tenant_id = $1 and {} = $2 and epoch = $3",
        kind.ledger(),
        kind.key()
    );
    let values = [tenant.0.into(), id.into(), claim.epoch.into(), postpone.into(), claim.seq.into()];
    sql::execute(connection, &text, values).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Number {
    number: i64,
}

/// Sends still under way for a generation of the target older than this one (K25). Whoever is sent is owed something until that
/// is recorded, which frees the lease; of all others nothing is read.
pub async fn live_leases(db: &Db, tenant: TenantId, generation: i64) -> Result<i64, Error> {
    let connection = db.connection();
    let now = clock(connection);
    let live = |kind: Kind| {
        format!(
            "(select count(*) from {} where tenant_id = $1 and owed_seq > acked_seq and lease_until > {now}
                 and lease_generation < $2)",
            kind.ledger()
        )
    };
    let text = format!("select {} + {} as number", live(Kind::User), live(Kind::Group));
    let row: Option<Number> = sql::one(connection, &text, [tenant.0.into(), generation.into()]).await?;
    Ok(row.map_or(0, |row| row.number))
}
