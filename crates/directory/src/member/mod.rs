//! Memberships as rows, changed by deltas (K7): what a request asks for is *desired*; what the realm does not know yet is
//! *pending*. A nested group is a member too, and known to the directory alone.

mod pending;

use std::collections::HashSet;

use registry::{Db, TenantId};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, Value};
use uuid::Uuid;

use crate::ledger;
use crate::resource::Kind;
use crate::{Error, sql};

pub use pending::{Lacking, Pending, is_pending, not_found, pending, settle, stale};

/// Rows of one statement: databases bound the number of values.
pub(crate) const CHUNK: usize = 500;

impl Kind {
    /// The `type` of a member.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }
}

/// What becomes of a group's members. Nobody is both added and removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Who becomes a member, in this order.
    pub add: Vec<(Uuid, Kind)>,
    /// Who is a member no more.
    pub remove: Vec<Uuid>,
}

impl Change {
    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

/// Which of some ids are users or groups of the tenant; one that is protected is shown to nobody.
pub async fn known(db: &Db, tenant: TenantId, ids: &[Uuid]) -> Result<Vec<(Uuid, Kind)>, Error> {
    #[derive(FromQueryResult)]
    struct Known {
        id: Uuid,
        is_group: i64,
    }
    let mut known = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let places = places(2, chunk.len());
        let text = format!(
            "select id, cast(0 as bigint) as is_group from directory_user
             where tenant_id = $1 and not protected and id in ({places})
             union all
             select id, cast(1 as bigint) from directory_group
             where tenant_id = $1 and not protected and id in ({places})"
        );
        let rows: Vec<Known> = sql::all(db.connection(), &text, with(tenant, &[], chunk)).await?;
        known.extend(rows.into_iter().map(|row| (row.id, if row.is_group == 1 { Kind::Group } else { Kind::User })));
    }
    Ok(known)
}

/// Which of some ids the directory has at all, shown or not.
pub async fn present(db: &Db, tenant: TenantId, ids: &[Uuid]) -> Result<HashSet<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Present {
        id: Uuid,
    }
    let mut present = HashSet::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let places = places(2, chunk.len());
        let text = format!(
            "select id from directory_user where tenant_id = $1 and id in ({places})
             union all select id from directory_group where tenant_id = $1 and id in ({places})"
        );
        let rows: Vec<Present> = sql::all(db.connection(), &text, with(tenant, &[], chunk)).await?;
        present.extend(rows.into_iter().map(|row| row.id));
    }
    Ok(present)
}

/// The members of a group, in the order they came.
pub async fn of_group(db: &Db, tenant: TenantId, group: Uuid) -> Result<Vec<(Uuid, Kind)>, Error> {
    #[derive(FromQueryResult)]
    struct Member {
        user_id: Uuid,
        kind: String,
    }
    let text = "select user_id, kind from membership where tenant_id = $1 and group_id = $2 and desired
         order by changed_at, user_id";
    let rows: Vec<Member> = sql::all(db.connection(), text, [tenant.0.into(), group.into()]).await?;
    let kind = |text: &str| if text == "Group" { Kind::Group } else { Kind::User };
    Ok(rows.into_iter().map(|row| (row.user_id, kind(&row.kind))).collect())
}

/// Whether a group is reached from another one through nested groups: making it a member there would close a circle.
pub async fn reaches(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    from: &[Uuid],
    to: Uuid,
) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Nested {
        user_id: Uuid,
    }
    let (mut seen, mut level) = (HashSet::new(), from.to_vec());
    while !level.is_empty() {
        if level.contains(&to) {
            return Ok(true);
        }
        seen.extend(level.iter().copied());
        let mut next = Vec::new();
        for chunk in level.chunks(CHUNK) {
            let text = format!(
                "select user_id from membership where tenant_id = $1 and desired and kind = 'Group' and group_id in ({})",
                places(2, chunk.len())
            );
            let rows: Vec<Nested> = sql::all(connection, &text, with(tenant, &[], chunk)).await?;
            next.extend(rows.into_iter().map(|row| row.user_id).filter(|id| !seen.contains(id)));
        }
        next.sort_unstable();
        next.dedup();
        level = next;
    }
    Ok(false)
}

/// Writes a change of membership; says whether anything was different. `settled` where there is no realm to tell. Who is
/// protected is not shown among the members, and stays whatever they are replaced by.
pub(crate) async fn change(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    group: Uuid,
    change: &Change,
    settled: bool,
) -> Result<bool, Error> {
    let now = ledger::clock(transaction);
    let mut touched = 0;
    for chunk in change.remove.chunks(CHUNK) {
        let within = format!(
            "tenant_id = $1 and group_id = $2 and desired and user_id in ({}) and {}",
            places(3, chunk.len()),
            is_shown("membership", "$1")
        );
        let values = || with(tenant, &[group], chunk);
        if settled {
            touched += sql::execute(transaction, &format!("delete from membership where {within}"), values()).await?;
        } else {
            let text = format!("delete from membership where {within} and kind = 'Group'");
            touched += sql::execute(transaction, &text, values()).await?;
            let text =
                format!("update membership set desired = false, state = 'pending', changed_at = {now} where {within}");
            touched += sql::execute(transaction, &text, values()).await?;
        }
    }
    let nested: Vec<Uuid> = change.add.iter().filter(|(_, kind)| *kind == Kind::Group).map(|(id, _)| *id).collect();
    if !nested.is_empty() && transaction.get_database_backend() == DbBackend::Postgres {
        // One after the other: two halves of a circle must not pass each other unseen.
        sql::execute(transaction, "select id from tenant where id = $1 for no key update", [tenant.0.into()]).await?;
    }
    for kind in [Kind::User, Kind::Group] {
        let added: Vec<(usize, Uuid)> = change
            .add
            .iter()
            .enumerate()
            .filter(|(_, (_, of))| *of == kind)
            .map(|(place, (id, _))| (place, *id))
            .collect();
        for chunk in added.chunks(CHUNK) {
            touched += join(transaction, (tenant, group), kind, chunk, settled).await?;
        }
    }
    if !nested.is_empty() && reaches(transaction, tenant, &nested, group).await? {
        return Err(Error::Circle);
    }
    Ok(touched > 0)
}

/// That a membership is not one of somebody who is protected.
pub(crate) fn is_shown(membership: &str, tenant: &str) -> String {
    format!(
        "not exists (select 1 from directory_user p where p.tenant_id = {tenant} and p.id = {membership}.user_id
             and p.protected)"
    )
}

/// Adds members of one kind, each with its place in the order they were named. Whoever is deleted at the same time waits
/// for this or is no member: it is looked up, and kept from going, in the statement that adds it.
async fn join(
    transaction: &DatabaseTransaction,
    (tenant, group): (TenantId, Uuid),
    kind: Kind,
    members: &[(usize, Uuid)],
    settled: bool,
) -> Result<u64, Error> {
    let now = ledger::clock(transaction);
    let state = if settled || kind == Kind::Group { "done" } else { "pending" };
    let named: Vec<String> =
        members.iter().enumerate().map(|(number, (place, _))| format!("(${}, {place})", number + 3)).collect();
    let keep = match transaction.get_database_backend() {
        DbBackend::Postgres => "for key share of r",
        _ => "",
    };
    let text = format!(
        "with clock (moment) as (select {now}), named (id, place) as (values {})
         insert into membership (tenant_id, group_id, user_id, desired, state, changed_at, kind)
         select $1, $2, r.id, true, '{state}', clock.moment + named.place, '{}'
         from clock cross join named join {} r on r.tenant_id = $1 and r.id = named.id where true {keep}
         on conflict (tenant_id, group_id, user_id) do update set desired = true, state = excluded.state,
             changed_at = excluded.changed_at where not membership.desired",
        named.join(", "),
        kind.as_str(),
        kind.table()
    );
    let ids: Vec<Uuid> = members.iter().map(|(_, id)| *id).collect();
    sql::execute(transaction, &text, with(tenant, &[group], &ids)).await
}

/// Users who are members in the realm already; none of the directory's, and one with a row of whatever state, is left alone.
/// How many rows were added.
pub(crate) async fn join_as_told(
    transaction: &DatabaseTransaction,
    (tenant, group): (TenantId, Uuid),
    users: &[Uuid],
) -> Result<u64, Error> {
    #[derive(FromQueryResult)]
    struct There {
        user_id: Uuid,
    }
    let mut joined = 0;
    for chunk in users.chunks(CHUNK) {
        let text = format!(
            "select user_id from membership where tenant_id = $1 and group_id = $2 and user_id in ({})",
            places(3, chunk.len())
        );
        let there: Vec<There> = sql::all(transaction, &text, with(tenant, &[group], chunk)).await?;
        let there: HashSet<Uuid> = there.into_iter().map(|row| row.user_id).collect();
        let new: Vec<(usize, Uuid)> = chunk.iter().copied().filter(|user| !there.contains(user)).enumerate().collect();
        if !new.is_empty() {
            joined += join(transaction, (tenant, group), Kind::User, &new, true).await?;
        }
    }
    Ok(joined)
}

/// Takes somebody who is gone out of all groups, which have changed with it: the caller marks them.
/// Order: after the marks of users, so that two transactions never wait for each other.
#[must_use = "the groups have to be marked"]
pub(crate) async fn forget(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    member: Uuid,
) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Left {
        group_id: Uuid,
        desired: bool,
    }
    let text = "delete from membership where tenant_id = $1 and user_id = $2 returning group_id, desired";
    let left: Vec<Left> = sql::all(transaction, text, [tenant.0.into(), member.into()]).await?;
    let groups: Vec<Uuid> = left.iter().filter(|left| left.desired).map(|left| left.group_id).collect();
    for chunk in groups.chunks(CHUNK) {
        let text = format!(
            "update directory_group set version = version + 1, modified_at = {}
             where tenant_id = $1 and id in ({})",
            ledger::clock(transaction),
            places(2, chunk.len())
        );
        sql::execute(transaction, &text, with(tenant, &[], chunk)).await?;
    }
    Ok(groups)
}

/// `$n, $n+1, …`
pub(crate) fn places(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|place| format!("${place}")).collect();
    places.join(", ")
}

pub(crate) fn with(tenant: TenantId, more: &[Uuid], ids: &[Uuid]) -> Vec<Value> {
    std::iter::once(tenant.0.into()).chain(more.iter().chain(ids).map(|id| (*id).into())).collect()
}
