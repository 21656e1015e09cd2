//! What the realm does not know yet of who is in a group: told one by one, and again where it was not found.

use registry::{Db, TenantId};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::present;
use crate::ledger::{self, Mark};
use crate::{Error, look, sql};

/// When the sweeper tells again of somebody whom the realm lacked, microseconds.
const AGAIN: i64 = 60_000_000;

/// Whether the realm is still to be told of somebody who joins or leaves a group.
pub async fn is_pending(db: &Db, tenant: TenantId, group: Uuid) -> Result<bool, Error> {
    Ok(!pending(db, tenant, group, 1).await?.is_empty())
}

/// A membership the realm does not know yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Pending {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The group.
    pub group_id: Uuid,
    /// The user.
    pub user_id: Uuid,
    /// To join, or to leave.
    pub desired: bool,
}

/// What of a group is pending, oldest first.
pub async fn pending(db: &Db, tenant: TenantId, group: Uuid, limit: u32) -> Result<Vec<Pending>, Error> {
    let text = "select tenant_id, group_id, user_id, desired from membership
         where tenant_id = $1 and group_id = $2 and state = 'pending' order by changed_at, user_id limit $3";
    sql::all(db.connection(), text, [tenant.0.into(), group.into(), i64::from(limit).into()]).await
}

/// Groups with pending memberships whose request is gone: for the sweeper, which claims them like a write. One that may be
/// gone from the realm is looked at first.
pub async fn stale(db: &Db, limit: u32) -> Result<Vec<(TenantId, Uuid)>, Error> {
    #[derive(FromQueryResult)]
    struct Stale {
        tenant_id: TenantId,
        group_id: Uuid,
    }
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "select distinct m.tenant_id, m.group_id from membership m
             join directory_group g on g.tenant_id = m.tenant_id and g.id = m.group_id
         where m.state = 'pending' and m.changed_at < {now} - 5000000 and g.look_at is null and not g.protected
             and (g.write_until is null or g.write_until <= {now}) and {}
         limit $1",
        sql::stays("g.tenant_id")
    );
    let rows: Vec<Stale> = sql::all(connection, &text, [i64::from(limit).into()]).await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.group_id)).collect())
}

/// The realm knows a membership now, as it was wanted when it was told. While a write of ours may still arrive (K5), one may
/// have come after that: whoever looked meanwhile left the membership to us, and the user is looked at again.
pub async fn settle(connection: &impl ConnectionTrait, pending: &Pending) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct Settled {
        doubtful: bool,
    }
    let what = if pending.desired {
        "update membership set state = 'done'
         where tenant_id = $1 and group_id = $2 and user_id = $3 and desired and state = 'pending'"
    } else {
        "delete from membership where tenant_id = $1 and group_id = $2 and user_id = $3 and not desired"
    };
    let text = format!(
        "{what} returning exists (select 1 from directory_group g
             where g.tenant_id = $1 and g.id = $2 and g.realm_doubt_until > {}) as doubtful",
        ledger::clock(connection)
    );
    let values = [pending.tenant_id.0.into(), pending.group_id.into(), pending.user_id.into()];
    let settled: Option<Settled> = sql::one(connection, &text, values).await?;
    if settled.is_some_and(|settled| settled.doubtful) {
        let mark = Mark { roles: true, ..Mark::default() };
        ledger::mark(connection, pending.tenant_id, pending.user_id, &mark).await?;
    }
    Ok(())
}

/// What the realm lacks of a membership it was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacking {
    /// The group: none of its memberships can be told.
    Group,
    /// A user of the directory.
    User,
    /// A user whom the directory has no more either: there is nothing left to tell.
    Nobody,
}

/// The realm finds the user or the group of a membership not. That is no word that either is gone for good (K14): as long
/// as the directory has both, the membership stays pending, and what is lacking is looked at. Settled, it would be followed
/// back as soon as the realm has both again (K7).
pub async fn not_found(db: &Db, pending: &Pending, group_is_there: bool) -> Result<Lacking, Error> {
    let (connection, tenant) = (db.connection(), pending.tenant_id);
    if !group_is_there {
        look::want(connection, tenant, pending.group_id, false).await?;
        return Ok(Lacking::Group);
    }
    if present(db, tenant, &[pending.user_id]).await?.is_empty() {
        settle(connection, pending).await?;
        return Ok(Lacking::Nobody);
    }
    ledger::mark(connection, tenant, pending.user_id, &Mark::default()).await?;
    // Behind those that can be told.
    let text = format!(
        "update membership set changed_at = {} + {AGAIN}
         where tenant_id = $1 and group_id = $2 and user_id = $3 and state = 'pending'",
        ledger::clock(connection)
    );
    let values = [tenant.0.into(), pending.group_id.into(), pending.user_id.into()];
    sql::execute(connection, &text, values).await?;
    Ok(Lacking::User)
}
