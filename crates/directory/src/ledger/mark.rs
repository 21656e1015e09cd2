//! Marks: every way a row becomes dirty, and what enable does to rows that are not (K9, K24).

use registry::{TargetId, TenantId};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::{GONE, clock};
use crate::resource::Kind;
use crate::{Error, sql};

const KINDS: [Kind; 2] = [Kind::User, Kind::Group];

/// How a user is marked.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says a thing of its own about the mark")]
pub struct Mark {
    /// A deactivation is known to be part of it: the urgent lane.
    pub urgent: bool,
    /// An operator touched the user: push even if nothing differs (K26).
    pub reassert: bool,
    /// Roles may have changed: triage looks at them too.
    pub roles: bool,
    /// The realm said that the user was deleted (K14).
    pub deleted: bool,
    /// A write that an identity provider was promised: pushed even if nothing differs where nothing is owed and the
    /// application was not seen to have the user since its enable. The enable may have noted the state this write made as
    /// what was there before, and in doubt it is pushed (K24).
    pub accepted: bool,
    /// W3C `traceparent` of whatever caused it.
    pub trace: Option<String>,
}

/// Says that a user may have changed: `dirty_seq + 1`, due now by the database's clock (K9). Usable inside the caller's
/// transaction, so that a change and its mark are one.
pub async fn mark(connection: &impl ConnectionTrait, tenant: TenantId, user: Uuid, mark: &Mark) -> Result<(), Error> {
    let mut values = vec![tenant.0.into(), user.into()];
    let text = marking(clock(connection), mark, &mut values, "");
    sql::execute(connection, &text, values).await?;
    Ok(())
}

/// The statement of [`mark`], for the tenant and user that are the first two of its values; the mark's come after those that
/// are there. `from` a list, nobody is marked where it is empty.
fn marking(now: &str, mark: &Mark, values: &mut Vec<Value>, from: &str) -> String {
    let lane = if mark.urgent { super::protocol::URGENT } else { super::protocol::NORMAL };
    let reassert_seq: Option<i64> = mark.reassert.then_some(1);
    let mut place = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let reassert_seq = place(reassert_seq.into());
    let (lane, trace) = (place(lane.into()), place(mark.trace.clone().into()));
    let (roles, deleted) = (place(mark.roles.into()), place(mark.deleted.into()));
    let accepted = place(mark.accepted.into());
    // SQLite takes what follows "select … from" for a join's "on", unless there is a "where".
    let from = if from.is_empty() { "where true".to_owned() } else { format!("from {from} where true") };
    let in_doubt = format!(
        "{accepted} and ledger.owed_seq <= ledger.acked_seq and not exists (
                 select 1 from link join target on target.id = link.target_id
                 where link.tenant_id = ledger.tenant_id and link.user_id = ledger.user_id
                     and link.downstream_id is not null
                     and link.verified_generation = target.generation and target.state <> 'retired')"
    );
    format!(
        "insert into ledger (tenant_id, user_id, dirty_seq, reassert_seq, triage_at, next_at, lane, dirty_at, trace,
             check_roles, delete_seen)
         select $1, $2, 1, {reassert_seq}, {now}, {now}, {lane}, {now}, {trace}, {roles}, {deleted} {from}
         on conflict (tenant_id, user_id) do update set
             dirty_seq = ledger.dirty_seq + 1,
             triage_at = {now},
             reassert_seq = case when excluded.reassert_seq is not null or ({in_doubt}) then ledger.dirty_seq + 1
                                 else ledger.reassert_seq end,
             lane = case when excluded.lane < ledger.lane then excluded.lane else ledger.lane end,
             dirty_at = case when ledger.dirty_seq > ledger.acked_seq then ledger.dirty_at else {now} end,
             trace = coalesce(excluded.trace, ledger.trace),
             check_roles = ledger.check_roles or excluded.check_roles,
             delete_seen = ledger.delete_seen or excluded.delete_seen"
    )
}

/// Makes a change that returns a row, and marks the user it is of, in one statement: PostgreSQL alone has such. The first two
/// of the values are tenant and user; `before` is what the change stands on, as of a `with`. Where it returns no row there is
/// no mark.
pub(crate) async fn marked<R: FromQueryResult>(
    connection: &impl ConnectionTrait,
    before: &str,
    change: &str,
    mut values: Vec<Value>,
    mark: &Mark,
) -> Result<Option<R>, Error> {
    let marking = marking(clock(connection), mark, &mut values, "changed");
    let text = format!("with {before}changed as ({change}), marked as ({marking}) select * from changed");
    sql::one(connection, &text, values).await
}

/// Says that every user the directory manages may have changed, and with `roles` that their roles may have too.
pub async fn mark_managed(connection: &impl ConnectionTrait, tenant: TenantId, roles: bool) -> Result<(), Error> {
    let now = clock(connection);
    let text = format!(
        "insert into ledger (tenant_id, user_id, dirty_seq, triage_at, next_at, dirty_at, check_roles)
         select tenant_id, id, 1, {now}, {now}, {now}, $2 from directory_user where tenant_id = $1
         on conflict (tenant_id, user_id) do update set
             dirty_seq = ledger.dirty_seq + 1,
             triage_at = {now},
             dirty_at = case when ledger.dirty_seq > ledger.acked_seq then ledger.dirty_at else {now} end,
             check_roles = ledger.check_roles or excluded.check_roles"
    );
    sql::execute(connection, &text, [tenant.0.into(), roles.into()]).await?;
    Ok(())
}

/// Notes a user of whom nothing was seen as clean (K24: the baseline pushes nobody): one the ledger has never heard of, or of
/// whom it has forgotten what it saw. Says whether there was such a one.
pub async fn baseline(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    user: Uuid,
    observed: &[u8],
) -> Result<bool, Error> {
    let now = clock(connection);
    let text = format!(
        "insert into ledger (tenant_id, user_id, dirty_seq, triage_at, next_at, dirty_at, observed)
         values ($1, $2, 0, {now}, {now}, {now}, $3)
         on conflict (tenant_id, user_id) do update set observed = excluded.observed
             where ledger.observed is null and ledger.dirty_seq = ledger.seen_seq"
    );
    Ok(sql::execute(connection, &text, [tenant.0.into(), user.into(), observed.to_vec().into()]).await? == 1)
}

/// The first enable of a downstream: users without a link there owe nothing, nor do groups (K24, P2). Marks that nobody has
/// looked at yet stay to be looked at: the directory follows the realm whatever happens to the target (K10).
pub async fn first_enable(connection: &impl ConnectionTrait, tenant: TenantId, target: TargetId) -> Result<(), Error> {
    for kind in KINDS {
        let (ledger, link, key) = (kind.ledger(), kind.link(), kind.key());
        // What there is to be seen of a group, its mark says: there is nothing to look at later.
        let seen = if kind == Kind::Group { "seen_seq = dirty_seq," } else { "" };
        let text = format!(
            "update {ledger} set acked_seq = dirty_seq, owed_seq = dirty_seq, {seen} reassert_seq = null,
                 attempts = 0, lane = 1
             where tenant_id = $1 and not exists (
                 select 1 from {link} where {link}.tenant_id = {ledger}.tenant_id and {link}.{key} = {ledger}.{key}
                     and {link}.target_id = $2
                     and ({link}.downstream_id is not null or {link}.create_intent_at is not null))"
        );
        sql::execute(connection, &text, [tenant.0.into(), target.0.into()]).await?;
    }
    forget_observed(connection, tenant, target).await
}

/// What was seen of users while somebody followed the realm says nothing of when they were edited since: where nobody has
/// followed it, the baseline sees them anew, and nobody is pushed for having been edited in between (K24).
async fn forget_observed(connection: &impl ConnectionTrait, tenant: TenantId, target: TargetId) -> Result<(), Error> {
    let text = "update ledger set observed = null
         where tenant_id = $1 and dirty_seq = seen_seq and observed <> $3
             and not exists (select 1 from link where link.tenant_id = ledger.tenant_id and link.user_id = ledger.user_id
                 and link.target_id = $2 and (link.downstream_id is not null or link.create_intent_at is not null))
             and not exists (select 1 from inbound_token i where i.tenant_id = $1 and i.died_at is null)";
    sql::execute(connection, text, [tenant.0.into(), target.0.into(), GONE.to_vec().into()]).await?;
    Ok(())
}

/// A target goes away for another one: remembers with its links who was still owed something there.
pub async fn retire(connection: &impl ConnectionTrait, tenant: TenantId, target: TargetId) -> Result<(), Error> {
    let now = clock(connection);
    for kind in KINDS {
        let (ledger, link, key) = (kind.ledger(), kind.link(), kind.key());
        let text = format!(
            "insert into {link} (tenant_id, {key}, target_id, owed, updated_at)
             select tenant_id, {key}, $2, true, {now} from {ledger}
             where tenant_id = $1 and dirty_seq > acked_seq
             on conflict (tenant_id, {key}, target_id) do update set owed = true"
        );
        sql::execute(connection, &text, [tenant.0.into(), target.0.into()]).await?;
    }
    Ok(())
}

/// A target comes back: whoever was owed something there is owed it still (K24: a re-enable forgets nothing).
pub async fn owe_again(connection: &impl ConnectionTrait, tenant: TenantId, target: TargetId) -> Result<(), Error> {
    let now = clock(connection);
    for kind in KINDS {
        let (ledger, link, key) = (kind.ledger(), kind.link(), kind.key());
        let text = format!(
            "update {ledger} set dirty_seq = dirty_seq + 1, reassert_seq = dirty_seq + 1, triage_at = {now},
                 next_at = {now}
             where tenant_id = $1 and exists (
                 select 1 from {link} where {link}.tenant_id = {ledger}.tenant_id and {link}.{key} = {ledger}.{key}
                     and {link}.target_id = $2 and {link}.owed)"
        );
        sql::execute(connection, &text, [tenant.0.into(), target.0.into()]).await?;
        let text = format!("update {link} set owed = false where tenant_id = $1 and target_id = $2");
        sql::execute(connection, &text, [tenant.0.into(), target.0.into()]).await?;
    }
    Ok(())
}
