//! The end of a round: what triage saw, what a send did. The row is read under a lock, stepped by the pure protocol and
//! written back; directory, link and activity change in the same transaction.

use std::collections::BTreeMap;

use registry::{Db, TargetId, TenantId};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Value};
use uuid::Uuid;

use super::protocol::{Effect, Event, NEVER, State, URGENT, Verdict};
use super::{Claim, Row, Subject, clock, columns, swap};
use crate::activity::{self, Entry};
use crate::resource::Kind;
use crate::{Error, finish, sql};

/// What triage found out about a realm user.
#[derive(Debug)]
pub struct Triage<'a> {
    /// Under which claim.
    pub claim: &'a Claim,
    /// Hash of the pushed attributes as the realm has them now.
    pub observed: Vec<u8>,
    /// The user is disabled now.
    pub urgent: bool,
    /// The user does not exist in the realm any more.
    pub gone: bool,
}

impl Triage<'_> {
    /// Whether a send is owed by what was seen, as far as the claimed row says.
    pub fn owes(&self) -> bool {
        let Some(now) = self.claim.granted_at() else { return false };
        let looked = looked(&self.claim.row, now, self, false);
        looked.is_some_and(|(state, _)| state.owed() && state.next_at <= now)
    }
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
pub struct Acknowledgement<'a> {
    /// Under which claim.
    pub claim: &'a Claim,
    /// The target and the generation the round was for.
    pub target: TargetId,
    /// See [`Acknowledgement::target`].
    pub generation: i64,
    /// Hash of the pushed attributes as the round saw them in the realm: triage compares with it from now on, because a
    /// round may have seen a later state than the triage before it.
    pub observed: Vec<u8>,
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
struct Held {
    #[sea_orm(nested)]
    row: Row,
    now: i64,
}

/// Records a triage. The caller's transaction has already refreshed the directory under its fence (K11).
pub async fn triaged(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    user: Uuid,
    triage: &Triage<'_>,
) -> Result<Recorded, Error> {
    let Some((row, now)) = locked(transaction, tenant, user.into()).await? else { return Ok(Recorded::Stale) };
    // Who was to be deactivated is, whoever deletes the user before that has arrived (P7).
    let owed_off = row.state.lane == URGENT;
    let departs =
        triage.gone && row.differs(triage) && deactivates_deleted(transaction, tenant, user, owed_off).await?;
    let Some((state, beside)) = looked(&row, now, triage, departs) else { return Ok(Recorded::Stale) };
    store(transaction, tenant, user.into(), &state, beside).await?;
    if triage.gone && !state.owed() {
        forget(transaction, tenant, user).await?;
    }
    Ok(Recorded::Written { owed: state.owed() && state.next_at <= now })
}

/// Nothing is kept of whom neither the realm nor the directory nor any downstream has: an event that is read late would bring
/// somebody back who was erased.
async fn forget(transaction: &DatabaseTransaction, tenant: TenantId, user: Uuid) -> Result<(), Error> {
    let text = "delete from ledger where tenant_id = $1 and user_id = $2 and dirty_seq = seen_seq
             and not exists (select 1 from link where link.tenant_id = $1 and link.user_id = $2)
             and not exists (select 1 from directory_user where directory_user.tenant_id = $1 and directory_user.id = $2)";
    sql::execute(transaction, text, [tenant.0.into(), user.into()]).await?;
    Ok(())
}

impl Row {
    fn differs(&self, triage: &Triage<'_>) -> bool {
        self.observed.as_deref() != Some(&triage.observed)
    }
}

/// What a triage makes of a row; `departs` if its user is to be deactivated downstream for having been deleted. Nothing where
/// the claim is no longer the newest.
pub(super) fn looked(row: &Row, now: i64, triage: &Triage<'_>, departs: bool) -> Option<(State, Vec<Beside>)> {
    let (before, Claim { epoch, seq, .. }) = (&row.state, triage.claim);
    let differs = row.differs(triage);
    let (state, effect) = before.clone().step(Event::Triaged {
        epoch: *epoch,
        seq: *seq,
        now,
        // Who is gone is owed nothing new unless the target wants it; what was owed before, parked perhaps, is settled by a
        // send that finds nobody.
        differs: departs || (differs && (!triage.gone || before.owed())),
        urgent: triage.urgent || departs,
    });
    if effect == Effect::Stale {
        return None;
    }
    let lifted = state.owed() && state.next_at != before.next_at;
    let gone_at = triage.gone.then_some(now);
    let observed = if before.observes(*seq) { Some(triage.observed.clone()) } else { row.observed.clone() };
    // What came while the realm was looked at is for the next triage.
    let newer = state.dirty_seq > *seq;
    let mut beside: Vec<Beside> = vec![
        ("observed", observed.into()),
        ("gone_at", gone_at.into()),
        ("check_roles", (row.check_roles && newer).into()),
        ("delete_seen", (row.delete_seen && newer).into()),
    ];
    if lifted {
        beside.extend(standing(None, None, None));
    }
    Some((state, beside))
}

/// Records a send: the acknowledgement or the verdict, the link, the attempts. A generation that moved writes nothing
/// of the round (K16); an epoch that moved re-dirties the row if we had sent something (K18).
pub async fn record(
    db: &Db,
    tenant: TenantId,
    subject: impl Into<Subject>,
    acknowledgement: &Acknowledgement<'_>,
) -> Result<Recorded, Error> {
    let subject = subject.into();
    if let Some(recorded) = swap::arrived(db, subject, acknowledgement).await? {
        return Ok(recorded);
    }
    let transaction = db.begin().await?;
    let outcome = record_in(&transaction, tenant, subject, acknowledgement).await;
    finish(transaction, outcome).await
}

async fn record_in(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    subject: Subject,
    round: &Acknowledgement<'_>,
) -> Result<Recorded, Error> {
    #[derive(FromQueryResult)]
    struct Generation {
        generation: i64,
        push_groups: bool,
    }
    let Some((row, now)) = locked(transaction, tenant, subject).await? else { return Ok(Recorded::Stale) };
    let text = "select generation, push_groups from target where id = $1 and tenant_id = $2 and state <> 'retired'";
    let current: Option<Generation> = sql::one(transaction, text, [round.target.0.into(), tenant.0.into()]).await?;
    let Claim { epoch, seq, doubt, .. } = *round.claim;
    let sent = Event::Sent { epoch, seq, doubt, now, verdict: round.verdict };
    let enabled = current.is_some();
    let Some(current) = current.filter(|current| current.generation == round.generation) else {
        // It may be the same downstream, enabled again: what was sent to it stands there all the same.
        if enabled && row.state.epoch != epoch {
            let (state, _) = row.state.clone().step(sent);
            store(transaction, tenant, subject, &state, Vec::new()).await?;
            return Ok(Recorded::Stale);
        }
        let text = format!(
            "update {} set lease_until = null where tenant_id = $1 and {} = $2 and epoch = $3",
            subject.kind.ledger(),
            subject.kind.key()
        );
        sql::execute(transaction, &text, [tenant.0.into(), subject.id.into(), epoch.into()]).await?;
        return Ok(Recorded::Stale);
    };
    let (state, effect) = row.state.clone().step(sent);
    activity::insert(transaction, &round.attempts).await?;
    if effect == Effect::Stale {
        store(transaction, tenant, subject, &state, Vec::new()).await?;
        return Ok(Recorded::Stale);
    }
    let mut beside: Vec<Beside> = vec![("observed", round.observed.clone().into())];
    let done = round.verdict == Verdict::Done;
    if state.dirty_seq == seq || done {
        let parked = state.next_at == NEVER;
        let (since, status) = (parked.then_some(now), round.status.filter(|_| parked).map(i64::from));
        beside.extend(standing(round.reason.clone(), since, status));
        beside.push(("released", (row.released && !done).into()));
    }
    store(transaction, tenant, subject, &state, beside).await?;
    if let Some(link) = &round.link {
        let at = (round.target, round.generation);
        crate::link::settle(transaction, tenant, subject, at, link, now).await?;
        if subject.kind == Kind::User && current.push_groups && link.downstream_id.is_some() {
            super::joined(transaction, tenant, subject.id, round.target).await?;
        }
    }
    Ok(Recorded::Written { owed: state.owed() && state.next_at <= now })
}

/// Whether a deleted user is deactivated downstream: is linked there, or may have been made there (K21), and the tenant chose so,
/// or was to be deactivated anyway.
async fn deactivates_deleted(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    user: Uuid,
    owed_off: bool,
) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Number {
        number: i64,
    }
    let text = "select count(*) as number from target t
         join link l on l.tenant_id = t.tenant_id and l.target_id = t.id and l.user_id = $2
         where t.tenant_id = $1 and t.state = 'active' and (t.on_delete = 'deactivate' or $3)
             and (l.downstream_id is not null or l.create_intent_at is not null)";
    let row: Option<Number> = sql::one(transaction, text, [tenant.0.into(), user.into(), owed_off.into()]).await?;
    Ok(row.is_some_and(|row| row.number > 0))
}

async fn locked(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    Subject { kind, id }: Subject,
) -> Result<Option<(Row, i64)>, Error> {
    // The clock is read after the lock was got: the lock is waited for within the inner select.
    let text = format!(
        "with held as materialized (select {} from {} where tenant_id = $1 and {} = $2 {})
         select held.*, {} as now from held",
        columns(kind),
        kind.ledger(),
        kind.key(),
        sql::for_update(transaction),
        clock(transaction)
    );
    let held: Option<Held> = sql::one(transaction, &text, [tenant.0.into(), id.into()]).await?;
    Ok(held.map(|held| (held.row, held.now)))
}

/// A column, and what is written there.
pub(super) type Beside = (&'static str, Value);

/// How a row stands to people: why it waits, and since when for one of them.
pub(super) fn standing(reason: Option<String>, parked_at: Option<i64>, parked_status: Option<i64>) -> [Beside; 4] {
    [
        ("reason", reason.into()),
        ("parked_at", parked_at.into()),
        ("parked_status", parked_status.into()),
        ("ignored", false.into()),
    ]
}

/// What carries the protocol and may be another after a round. The lease comes last.
pub(super) fn carried(state: &State) -> [Beside; 12] {
    [
        ("dirty_seq", state.dirty_seq.into()),
        ("seen_seq", state.seen_seq.into()),
        ("acked_seq", state.acked_seq.into()),
        ("owed_seq", state.owed_seq.into()),
        ("reassert_seq", state.reassert_seq.into()),
        ("settled_epoch", state.settled_epoch.into()),
        ("triage_at", state.triage_at.into()),
        ("next_at", state.next_at.into()),
        ("lane", state.lane.into()),
        ("attempts", state.attempts.into()),
        ("assert_at", state.assert_at.into()),
        ("lease_until", state.lease_until.into()),
    ]
}

/// Writes a stepped state back, and what belongs beside it, in one statement: each would be a version of the row and of
/// its indexes. The row is locked by this transaction.
async fn store(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    Subject { kind, id }: Subject,
    state: &State,
    beside: Vec<Beside>,
) -> Result<(), Error> {
    let (names, written): (Vec<&str>, Vec<Value>) = carried(state).into_iter().chain(beside).unzip();
    let assignments: Vec<String> = names.iter().zip(3..).map(|(name, place)| format!("{name} = ${place}")).collect();
    let text =
        format!("update {} set {} where tenant_id = $1 and {} = $2", kind.ledger(), assignments.join(", "), kind.key());
    let known: [Value; 2] = [tenant.0.into(), id.into()];
    sql::execute(connection, &text, known.into_iter().chain(written)).await?;
    Ok(())
}
