//! What is owed of groups, where a tenant has them pushed. What is pushed is the directory's group, so a mark says all there
//! is to see, and what is left of triage is to owe it. Nothing is stored for a tenant that has no groups pushed.

use registry::{Db, TargetId, TenantId};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};
use uuid::Uuid;

use super::clock;
use crate::{Error, sql};

/// Marks owed in one transaction (K31).
const BATCH: u32 = 500;

/// Whether the tenant `$1` has groups pushed. Whoever writes a group asks in the statement that writes it, so that a tenant
/// without them pays for no mark.
pub(crate) const PUSHED: &str = "exists (select 1 from target
     where target.tenant_id = $1 and target.state <> 'retired' and target.push_groups)";

/// A group may have changed: one of the directory's that is pushed somewhere, or will be when its target is enabled again.
pub(crate) async fn mark_group(connection: &impl ConnectionTrait, tenant: TenantId, group: Uuid) -> Result<(), Error> {
    mark_groups(connection, tenant, &[group]).await
}

/// Several groups may have changed.
pub(crate) async fn mark_groups(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    groups: &[Uuid],
) -> Result<(), Error> {
    for chunk in groups.chunks(BATCH as usize) {
        let which = format!("select id from directory_group where tenant_id = $1 and id in ({})", places(chunk));
        mark_selected(connection, &which, named(tenant, chunk)).await?;
    }
    Ok(())
}

/// Several groups are to be looked at downstream, whatever is remembered of them (P3).
pub(crate) async fn reassert_groups(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    groups: &[Uuid],
) -> Result<(), Error> {
    mark_groups(connection, tenant, groups).await?;
    for chunk in groups.chunks(BATCH as usize) {
        let text = format!(
            "update group_ledger set reassert_seq = dirty_seq where tenant_id = $1 and group_id in ({})",
            places(chunk)
        );
        sql::execute(connection, &text, named(tenant, chunk)).await?;
    }
    Ok(())
}

fn places(groups: &[Uuid]) -> String {
    let places: Vec<String> = (2..groups.len() + 2).map(|place| format!("${place}")).collect();
    places.join(", ")
}

fn named(tenant: TenantId, groups: &[Uuid]) -> impl Iterator<Item = Value> {
    std::iter::once(tenant.0.into()).chain(groups.iter().map(|group| (*group).into()))
}

/// A group is gone: what was pushed of it is to be taken back.
pub(crate) async fn mark_gone(connection: &impl ConnectionTrait, tenant: TenantId, group: Uuid) -> Result<(), Error> {
    let which = "select group_id as id from group_ledger where tenant_id = $1 and group_id = $2";
    mark_selected(connection, which, [tenant.0.into(), group.into()]).await
}

/// Groups are pushed to a target that had some before: what changed meanwhile nobody has marked (K24).
pub async fn mark_linked_groups(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    target: TargetId,
) -> Result<(), Error> {
    let which =
        "select group_id as id from group_link where tenant_id = $1 and target_id = $2 and downstream_id is not null";
    mark_selected(connection, which, [tenant.0.into(), target.0.into()]).await
}

/// Marks the groups of a query in the order of their ids, so that two who mark several never wait for each other.
async fn mark_selected(
    connection: &impl ConnectionTrait,
    which: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<(), Error> {
    let now = clock(connection);
    let text = format!(
        "insert into group_ledger (tenant_id, group_id, dirty_seq, triage_at, next_at, dirty_at)
         select $1, which.id, 1, {now}, {now}, {now} from ({which}) as which
         where {PUSHED}
         order by which.id
         on conflict (tenant_id, group_id) do update set
             dirty_seq = group_ledger.dirty_seq + 1,
             triage_at = {now},
             dirty_at = case when group_ledger.dirty_seq > group_ledger.acked_seq then group_ledger.dirty_at else {now} end"
    );
    sql::execute(connection, &text, values).await?;
    Ok(())
}

/// A user has a record at a target now, or is known to have it still: the groups that are pushed there and wait for it are
/// marked, after the user's own row.
pub(crate) async fn joined(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    user: Uuid,
    target: TargetId,
) -> Result<(), Error> {
    let which = "select g.group_id as id from group_ledger g
         join membership m on m.tenant_id = g.tenant_id and m.group_id = g.group_id and m.user_id = $2 and m.desired
         join link l on l.tenant_id = g.tenant_id and l.user_id = $2 and l.target_id = $3
         where g.tenant_id = $1 and not exists (
             select 1 from pushed_member p where p.tenant_id = $1 and p.group_id = g.group_id and p.target_id = $3
                 and p.user_id = $2 and p.downstream_id = l.downstream_id and p.sure)";
    mark_selected(transaction, which, [tenant.0.into(), user.into(), target.0.into()]).await
}

/// Owes what was marked: a real change lifts back-off and parking (K19). In one statement, which needs no claim; a row that
/// is being sent waits for its end. How many.
pub async fn owe_groups(db: &Db) -> Result<u64, Error> {
    let connection = db.connection();
    let now = clock(connection);
    let text = format!(
        "update group_ledger set seen_seq = dirty_seq, owed_seq = dirty_seq, next_at = {now}, attempts = 0,
             reason = null, parked_at = null, parked_status = null, ignored = false
         where dirty_seq > seen_seq and (lease_until is null or lease_until <= {now}) and (tenant_id, group_id) in (
             select tenant_id, group_id from group_ledger
             where dirty_seq > seen_seq and triage_at <= {now} and (lease_until is null or lease_until <= {now})
             order by triage_at limit {BATCH} {})",
        sql::skip_locked(connection)
    );
    sql::execute(connection, &text, []).await
}
