//! Groups follow the realm: their names, their memberships, their end. What may have changed is only marked (K9); whoever
//! looks holds the group's write lease, so that a look and a write of ours never overlap (K1, K7).

use std::collections::HashSet;

use registry::{Db, TenantId};
use scim::Object;
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::Value;
use uuid::Uuid;

use crate::member::{self, CHUNK, places, with};
use crate::{Error, finish_if, group, ledger, sql};

/// A group to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Look {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The group.
    pub id: Uuid,
    /// The mark this look answers for.
    pub look_at: i64,
    /// The realm said that the group was deleted (K14).
    pub delete_seen: bool,
}

#[derive(FromQueryResult)]
struct Ours {
    id: Uuid,
}

/// A membership of the directory, as the realm was told or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Membership {
    /// The group.
    pub group_id: Uuid,
    /// The realm was told.
    pub told: bool,
}

/// Says that a group may have changed in the realm, or was `deleted` there; one that the directory does not have is nobody's
/// business.
pub async fn want(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    group: Uuid,
    deleted: bool,
) -> Result<(), Error> {
    let now = ledger::clock(connection);
    // Never the same twice, so that whoever looks knows a later mark from the one it answers for.
    let text = format!(
        "update directory_group set look_at = clock.moment + case when look_at = clock.moment then 1 else 0 end,
             delete_seen = delete_seen or $3
         from (select {now} as moment) as clock where tenant_id = $1 and id = $2"
    );
    sql::execute(connection, &text, [tenant.0.into(), group.into(), deleted.into()]).await?;
    Ok(())
}

/// Groups to be looked at that nobody is writing.
pub async fn due(db: &Db, limit: u32) -> Result<Vec<Look>, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "select tenant_id, id, look_at, delete_seen from directory_group
         where look_at <= {now} and (write_until is null or write_until <= {now}) and {} order by look_at limit $1",
        sql::stays("tenant_id")
    );
    sql::all(connection, &text, [i64::from(limit).into()]).await
}

/// A group was looked at, under its lease, which ends; a mark that came meanwhile stays.
pub async fn done(db: &Db, look: &Look, epoch: i64) -> Result<(), Error> {
    let text =
        "update directory_group set write_until = null, look_at = case when look_at = $4 then null else look_at end,
             delete_seen = case when look_at = $4 then false else delete_seen end
         where tenant_id = $1 and id = $2 and write_epoch = $3";
    let values = [look.tenant_id.0.into(), look.id.into(), epoch.into(), look.look_at.into()];
    sql::execute(db.connection(), text, values).await?;
    Ok(())
}

/// A group cannot be decided about now: its lease ends, and it is looked at again after so many microseconds.
pub async fn later(db: &Db, look: &Look, epoch: i64, after: i64) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!(
        "update directory_group set write_until = null, look_at = {} + $4
         where tenant_id = $1 and id = $2 and write_epoch = $3",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [look.tenant_id.0.into(), look.id.into(), epoch.into(), after.into()]).await?;
    Ok(())
}

/// The tenant's groups and what the realm called them when it was last asked.
pub async fn names(db: &Db, tenant: TenantId) -> Result<Vec<(Uuid, String)>, Error> {
    #[derive(FromQueryResult)]
    struct Named {
        id: Uuid,
        name: Option<String>,
    }
    let text = "select id, coalesce(base, display_name) as name from directory_group where tenant_id = $1";
    let rows: Vec<Named> = sql::all(db.connection(), text, [tenant.0.into()]).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name.unwrap_or_default())).collect())
}

/// Whether the directory has any group: most tenants have none, and their realm need not be asked about them.
pub async fn any(db: &Db, tenant: TenantId) -> Result<bool, Error> {
    let text = "select id from directory_group where tenant_id = $1 limit 1";
    Ok(sql::one::<Ours>(db.connection(), text, [tenant.0.into()]).await?.is_some())
}

/// Which of some groups of the realm the directory has.
pub async fn ours(db: &Db, tenant: TenantId, groups: &[Uuid]) -> Result<HashSet<Uuid>, Error> {
    let mut ours = HashSet::new();
    for chunk in groups.chunks(CHUNK) {
        let text =
            format!("select id from directory_group where tenant_id = $1 and id in ({})", places(2, chunk.len()));
        let rows: Vec<Ours> = sql::all(db.connection(), &text, with(tenant, &[], chunk)).await?;
        ours.extend(rows.into_iter().map(|row| row.id));
    }
    Ok(ours)
}

/// The groups of the directory a user is in, or about to be in or out of.
pub async fn of_user(db: &Db, tenant: TenantId, user: Uuid) -> Result<Vec<Membership>, Error> {
    let text = "select group_id, state = 'done' as told from membership
         where tenant_id = $1 and user_id = $2 and kind = 'User'";
    sql::all(db.connection(), text, [tenant.0.into(), user.into()]).await
}

/// The realm made a user a member, or not any more: the directory follows under the group's lease. What the realm has not
/// been told yet is ours to tell and stays (K7). Says whether anything changed.
pub async fn follow_member(
    db: &Db,
    tenant: TenantId,
    (group, epoch): (Uuid, i64),
    user: Uuid,
    is_member: bool,
) -> Result<bool, Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        let followed = if is_member {
            member::join_as_told(&transaction, (tenant, group), &[user]).await?
        } else {
            let text = "delete from membership where tenant_id = $1 and group_id = $2 and user_id = $3
                     and desired and state = 'done' and kind = 'User'";
            sql::execute(&transaction, text, [tenant.0.into(), group.into(), user.into()]).await?
        };
        Ok(changed(&transaction, tenant, (group, epoch)).await? && followed == 1)
    };
    let outcome = outcome.await;
    finish_if(transaction, outcome, |followed| *followed).await
}

/// Who the realm says is in a group that was taken over there: those of them that the directory has are members here too. What
/// was asked of somebody meanwhile stands. `false` without the group's lease.
pub async fn join_members(
    db: &Db,
    tenant: TenantId,
    (group, epoch): (Uuid, i64),
    users: &[Uuid],
) -> Result<bool, Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        member::join_as_told(&transaction, (tenant, group), users).await?;
        changed(&transaction, tenant, (group, epoch)).await
    };
    let outcome = outcome.await;
    finish_if(transaction, outcome, |ours| *ours).await
}

/// A group's members have changed, and whoever it is pushed to is to hear so. `false` without its lease: then nothing is kept.
async fn changed(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    (group, epoch): (Uuid, i64),
) -> Result<bool, Error> {
    let text = format!(
        "update directory_group set version = version + 1, modified_at = {}
         where tenant_id = $1 and id = $2 and write_epoch = $3",
        ledger::clock(transaction)
    );
    let ours = sql::execute(transaction, &text, [tenant.0.into(), group.into(), epoch.into()]).await? == 1;
    ledger::mark_group(transaction, tenant, group).await?;
    Ok(ours)
}

/// The realm has a user in a group whom the directory has not there, or the other way round, and that may be our own late write:
/// what the directory says is to be told again (K5), as if it had never been. Under the group's lease; says whether there is
/// anything to tell.
pub async fn tell_member_again(
    db: &Db,
    tenant: TenantId,
    (group, epoch): (Uuid, i64),
    user: Uuid,
    is_member: bool,
) -> Result<bool, Error> {
    let connection = db.connection();
    let ours = "exists (select 1 from directory_group g
             where g.tenant_id = $1 and g.id = $2 and g.write_epoch = $4 and not g.protected)";
    let text = if is_member {
        format!(
            "insert into membership (tenant_id, group_id, user_id, desired, state, changed_at, kind)
             select $1, $2, u.id, false, 'pending', {}, 'User' from directory_user u
             where u.tenant_id = $1 and u.id = $3 and {ours}
             on conflict (tenant_id, group_id, user_id) do nothing",
            ledger::clock(connection)
        )
    } else {
        format!(
            "update membership set state = 'pending'
             where tenant_id = $1 and group_id = $2 and user_id = $3 and desired and state = 'done' and kind = 'User'
                 and {ours}"
        )
    };
    let values = [tenant.0.into(), group.into(), user.into(), epoch.into()];
    Ok(sql::execute(connection, &text, values).await? == 1)
}

/// What a group is to be called in the realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its external id.
    pub external_id: Option<String>,
}

/// What a group is to be called again where the realm calls it otherwise and that may be our own late write (K5); nothing
/// where the directory is to follow.
pub async fn to_name_again(db: &Db, look: &Look, name: &str) -> Result<Option<Named>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        document: String,
    }
    let connection = db.connection();
    let text = format!(
        "select document from directory_group where tenant_id = $1 and id = $2 and realm_doubt_until > {}",
        ledger::clock(connection)
    );
    let row: Option<Row> = sql::one(connection, &text, [look.tenant_id.0.into(), look.id.into()]).await?;
    let Some(row) = row else { return Ok(None) };
    let document: Object = serde_json::from_str(&row.document)?;
    let named = Named { name: group::display_name(&document), external_id: group::external_id(&document) };
    Ok(Some(named).filter(|named| named.name != name))
}

/// The realm calls a group by this name: the directory follows the difference to what it was called before (K12), and takes
/// the name from whoever has it here, who is looked at in turn (K6).
pub async fn follow_name(db: &Db, look: &Look, epoch: i64, name: &str) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct Row {
        document: String,
        base: Option<String>,
    }
    #[derive(FromQueryResult)]
    struct Holder {
        id: Uuid,
    }
    let (tenant, id) = (look.tenant_id, look.id);
    let transaction = db.begin().await?;
    let outcome = async {
        let text = format!(
            "select document, base from directory_group where tenant_id = $1 and id = $2 and write_epoch = $3 {}",
            sql::for_update(&transaction)
        );
        let values = [tenant.0.into(), id.into(), epoch.into()];
        let Some(row) = sql::one::<Row>(&transaction, &text, values).await? else { return Ok(false) };
        let mut document: Object = serde_json::from_str(&row.document)?;
        let key = scim::key::display_name_key(name);
        if row.base.unwrap_or_else(|| group::display_name(&document)) == name {
            // Whoever lost the name to another has it again once that one is called otherwise.
            let text = "update directory_group set display_key = $3
                 where tenant_id = $1 and id = $2 and display_key is null
                     and not exists (select 1 from directory_group where tenant_id = $1 and display_key = $3)";
            return Ok(sql::execute(&transaction, text, [tenant.0.into(), id.into(), key.into()]).await? == 1);
        }
        document.insert("displayName".to_owned(), Value::String(name.to_owned()));
        let text =
            "update directory_group set display_key = null where tenant_id = $1 and display_key = $2 and id <> $3
             returning id";
        let values = [tenant.0.into(), key.clone().into(), id.into()];
        if let Some(holder) = sql::one::<Holder>(&transaction, text, values).await? {
            want(&transaction, tenant, holder.id, false).await?;
        }
        let text = format!(
            "update directory_group set document = $3, display_key = $4, display_name = $5, base = $5,
                 version = version + 1, modified_at = {} where tenant_id = $1 and id = $2",
            ledger::clock(&transaction)
        );
        let document = serde_json::to_string(&document)?;
        let values = [tenant.0.into(), id.into(), document.into(), key.into(), name.to_owned().into()];
        sql::execute(&transaction, &text, values).await?;
        ledger::mark_group(&transaction, tenant, id).await?;
        Ok(true)
    };
    let outcome = outcome.await;
    finish_if(transaction, outcome, |followed| *followed).await.map(drop)
}
