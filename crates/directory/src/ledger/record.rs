//! The end of a round: what triage saw, what a send did. The row is read under a lock, stepped by the pure protocol and
//! written back; directory, link and activity change in the same transaction.

use std::collections::BTreeMap;

use registry::{Db, TargetId, TenantId};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::protocol::{Effect, Event, NEVER, State, Verdict};
use super::{COLUMNS, Row, clock};
use crate::activity::{self, Entry};
use crate::{Error, finish, sql};

/// What triage found out about a realm user.
#[derive(Debug)]
pub struct Triage {
    /// The claim.
    pub epoch: i64,
    /// The mark read with the claim.
    pub seq: i64,
    /// Hash of the pushed attributes as the realm has them now.
    pub observed: Vec<u8>,
    /// The user is disabled now.
    pub urgent: bool,
    /// The user does not exist in the realm any more.
    pub gone: bool,
}

/// What became of an attempt to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Written; says whether a send is owed now.
    Written {
        /// A send is owed and due.
        owed: bool,
    },
    /// The claim was no longer ours, or the target's generation had moved: nothing of the round counts.
    Stale,
}

/// What a send did.
#[derive(Debug)]
pub struct Acknowledgement {
    /// The claim.
    pub epoch: i64,
    /// The mark read with the claim.
    pub seq: i64,
    /// Whether the round began in doubt.
    pub doubt: bool,
    /// The target and the generation the round was for.
    pub target: TargetId,
    /// See [`Acknowledgement::target`].
    pub generation: i64,
    /// What was decided.
    pub verdict: Verdict,
    /// A class name for the console: `done`, `retry`, `conflict`, …
    pub reason: Option<String>,
    /// The status that decided it, if there was one.
    pub status: Option<u16>,
    /// What the link becomes.
    pub link: Option<LinkUpdate>,
    /// One row per attempt.
    pub attempts: Vec<Entry>,
}

/// A change of the link, written with the acknowledgement.
#[derive(Debug, Clone, Default)]
pub struct LinkUpdate {
    /// The downstream's id; `None` unlinks.
    pub downstream_id: Option<String>,
    /// Digests of what the downstream holds now, per attribute.
    pub digests: BTreeMap<String, String>,
}

#[derive(FromQueryResult)]
struct Clock {
    now: i64,
}

/// Records a triage. The caller's transaction has already refreshed the directory under its fence (K11).
pub async fn triaged(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    user: Uuid,
    triage: &Triage,
) -> Result<Recorded, Error> {
    let Some((row, now)) = locked(transaction, tenant, user).await? else { return Ok(Recorded::Stale) };
    let differs = row.observed.as_deref() != Some(&triage.observed);
    let departs = triage.gone && differs && deactivates_deleted(transaction, tenant, user).await?;
    let (state, effect) = row.state().step(Event::Triaged {
        epoch: triage.epoch,
        seq: triage.seq,
        now,
        differs: (differs && !triage.gone) || departs,
        urgent: triage.urgent || departs,
    });
    if effect == Effect::Stale {
        return Ok(Recorded::Stale);
    }
    let lifted = state.owed() && state.next_at != row.next_at;
    store(transaction, tenant, user, &state, lifted).await?;
    let gone_at = triage.gone.then_some(now);
    // What came while the realm was looked at is for the next triage.
    let text = "update ledger set observed = $3, gone_at = $4,
             check_roles = check_roles and dirty_seq > $5, delete_seen = delete_seen and dirty_seq > $5
         where tenant_id = $1 and user_id = $2";
    let values = [tenant.0.into(), user.into(), triage.observed.clone().into(), gone_at.into(), triage.seq.into()];
    sql::execute(transaction, text, values).await?;
    Ok(Recorded::Written { owed: state.owed() && state.next_at <= now })
}

/// Records a send: the acknowledgement or the verdict, the link, the attempts. A generation that moved writes nothing
/// at all (K16); an epoch that moved re-dirties the row if we had sent something (K18).
pub async fn record(
    db: &Db,
    tenant: TenantId,
    user: Uuid,
    acknowledgement: &Acknowledgement,
) -> Result<Recorded, Error> {
    let transaction = db.begin().await?;
    let outcome = record_in(&transaction, tenant, user, acknowledgement).await;
    finish(transaction, outcome).await
}

async fn record_in(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    user: Uuid,
    round: &Acknowledgement,
) -> Result<Recorded, Error> {
    #[derive(FromQueryResult)]
    struct Generation {
        generation: i64,
    }
    let Some((row, now)) = locked(transaction, tenant, user).await? else { return Ok(Recorded::Stale) };
    let text = "select generation from target where id = $1 and tenant_id = $2 and state <> 'retired'";
    let current: Option<Generation> = sql::one(transaction, text, [round.target.0.into(), tenant.0.into()]).await?;
    if current.is_none_or(|current| current.generation != round.generation) {
        let text = "update ledger set lease_until = null where tenant_id = $1 and user_id = $2 and epoch = $3";
        sql::execute(transaction, text, [tenant.0.into(), user.into(), round.epoch.into()]).await?;
        return Ok(Recorded::Stale);
    }
    let (state, effect) = row.state().step(Event::Sent {
        epoch: round.epoch,
        seq: round.seq,
        doubt: round.doubt,
        now,
        verdict: round.verdict,
    });
    store(transaction, tenant, user, &state, false).await?;
    activity::insert(transaction, &round.attempts).await?;
    if effect == Effect::Stale {
        return Ok(Recorded::Stale);
    }
    if state.dirty_seq == round.seq || matches!(round.verdict, Verdict::Done) {
        let parked = state.next_at == NEVER;
        let (since, status) = (parked.then_some(now), round.status.filter(|_| parked).map(i64::from));
        let released = if round.verdict == Verdict::Done { ", released = false" } else { "" };
        let text = format!(
            "update ledger set reason = $3, parked_at = $4, parked_status = $5, ignored = false{released}
             where tenant_id = $1 and user_id = $2"
        );
        let values = [tenant.0.into(), user.into(), round.reason.clone().into(), since.into(), status.into()];
        sql::execute(transaction, &text, values).await?;
    }
    if let Some(link) = &round.link {
        crate::link::settle(transaction, tenant, user, round.target, round.generation, link, now).await?;
    }
    Ok(Recorded::Written { owed: state.owed() && state.next_at <= now })
}

/// Whether the tenant chose that who is deleted in the realm is deactivated downstream, and the user is linked there.
async fn deactivates_deleted(transaction: &DatabaseTransaction, tenant: TenantId, user: Uuid) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Number {
        number: i64,
    }
    let text = "select count(*) as number from target t
         join link l on l.tenant_id = t.tenant_id and l.target_id = t.id and l.user_id = $2
         where t.tenant_id = $1 and t.state = 'active' and t.on_delete = 'deactivate' and l.downstream_id is not null";
    let row: Option<Number> = sql::one(transaction, text, [tenant.0.into(), user.into()]).await?;
    Ok(row.is_some_and(|row| row.number > 0))
}

async fn locked(transaction: &DatabaseTransaction, tenant: TenantId, user: Uuid) -> Result<Option<(Row, i64)>, Error> {
    let text =
        format!("select {COLUMNS} from ledger where tenant_id = $1 and user_id = $2 {}", sql::for_update(transaction));
    let Some(row) = sql::one::<Row>(transaction, &text, [tenant.0.into(), user.into()]).await? else {
        return Ok(None);
    };
    let text = format!("select {} as now", clock(transaction));
    let now = sql::one::<Clock>(transaction, &text, []).await?.map_or(0, |clock| clock.now);
    Ok(Some((row, now)))
}

/// Writes a stepped state back; the row is locked by this transaction.
async fn store(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    user: Uuid,
    state: &State,
    lifted: bool,
) -> Result<(), Error> {
    let reason = if lifted { ", reason = null, parked_at = null, parked_status = null, ignored = false" } else { "" };
    let text = format!(
        "update ledger set dirty_seq = $3, seen_seq = $4, acked_seq = $5, owed_seq = $6, reassert_seq = $7,
             settled_epoch = $8, lease_until = $9, triage_at = $10, next_at = $11, lane = $12, attempts = $13{reason}
         where tenant_id = $1 and user_id = $2"
    );
    let values = [
        tenant.0.into(),
        user.into(),
        state.dirty_seq.into(),
        state.seen_seq.into(),
        state.acked_seq.into(),
        state.owed_seq.into(),
        state.reassert_seq.into(),
        state.settled_epoch.into(),
        state.lease_until.into(),
        state.triage_at.into(),
        state.next_at.into(),
        state.lane.into(),
        state.attempts.into(),
    ];
    sql::execute(connection, &text, values).await?;
    Ok(())
}
