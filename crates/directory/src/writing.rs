//! The write lease of a resource: two writes to one thing in the realm never overlap, on any replica (K1).

use registry::provisioner::Admission;
use registry::{Db, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::resource::Kind;
use crate::{Error, ledger, reservation, sql};

/// How long a write lease lasts without renewal, microseconds: longer than any single realm call may take.
pub const LEASE: i64 = 15_000_000;

/// How long a write that was not confirmed may still be on its way, microseconds (K5).
pub(crate) const DOUBT: i64 = 600_000_000;

/// What a claim came to.
#[derive(Debug)]
pub enum Claim<T> {
    /// It is ours for [`LEASE`].
    Granted(T),
    /// There is no such resource.
    Missing,
    /// Another write is under way, or the tenant is being moved; wait and try again.
    Busy,
    /// The request's token has died meanwhile.
    TokenDead,
}

/// Claims a resource for a write and reads it, in one statement; what admitted the write has to hold still (K1, K30). `set` is
/// what the claim changes beside the lease.
pub(crate) async fn claim<R, T>(
    db: &Db,
    kind: Kind,
    columns: &str,
    set: &str,
    (tenant, id): (TenantId, Uuid),
    admission: Admission,
) -> Result<Claim<T>, Error>
where
    R: FromQueryResult,
    T: TryFrom<R, Error = Error>,
{
    #[derive(FromQueryResult)]
    struct Why {
        found: i64,
        alive: i64,
    }
    let (connection, table) = (db.connection(), kind.table());
    let now = ledger::clock(connection);
    let (alive, stands) = (alive("$3", now), stands("$4"));
    let text = format!(
        "update {table} set write_epoch = write_epoch + 1, write_until = {now} + {LEASE}, writing = true, {}{set}
         where tenant_id = $1 and id = $2 and not protected and (write_until is null or write_until <= {now})
             and {alive} and {stands} returning {columns}",
        doubted()
    );
    let values = || [tenant.0.into(), id.into(), admission.token.to_vec().into(), admission.realm_generation.into()];
    if let Some(row) = sql::one::<R>(connection, &text, values()).await? {
        return Ok(Claim::Granted(row.try_into()?));
    }
    let text = format!(
        "select (select count(*) from {table} where tenant_id = $1 and id = $2 and not protected) as found,
             cast(case when {alive} then 1 else 0 end as bigint) as alive"
    );
    let why: Option<Why> = sql::one(connection, &text, values().into_iter().take(3)).await?;
    Ok(match why {
        Some(why) if why.alive == 0 => Claim::TokenDead,
        Some(why) if why.found == 0 => Claim::Missing,
        _ => Claim::Busy,
    })
}

/// A token of the tenant, `$1`, that lives.
pub(crate) fn alive(hash: &str, now: &str) -> String {
    format!(
        "exists (select 1 from inbound_token where hash = {hash} and tenant_id = $1 and died_at is null
             and (expires_at is null or expires_at > {now}))"
    )
}

/// The tenant, `$1`, is where it was, and not about to be moved.
pub(crate) fn stands(generation: &str) -> String {
    format!("exists (select 1 from tenant where id = $1 and frozen_at is null and realm_generation = {generation})")
}

/// A claim to write that nobody gave back has run out: whoever had it is dead or frozen, and what it wrote last may still be on
/// its way (K5), for as long after as any such write.
pub(crate) fn doubted() -> String {
    format!(
        "realm_doubt_until = case when coalesce(writing, true) and write_until + {DOUBT} > coalesce(realm_doubt_until, 0)
             then write_until + {DOUBT} else realm_doubt_until end"
    )
}

/// Which of two values another resource of the kind has, or is about to have: for a write to be refused before it reaches
/// the realm. The constraints decide at the commit (K6). An externalId that only somebody inactive has is free.
pub async fn taken(
    db: &Db,
    kind: Kind,
    (tenant, id): (TenantId, Uuid),
    key: Option<&str>,
    external_key: Option<&str>,
) -> Result<Option<&'static str>, Error> {
    #[derive(FromQueryResult)]
    struct Held {
        named: i64,
        external: i64,
    }
    let ((reservations, column), resources) = (reservation::place(kind), kind.table());
    let holds = if kind == Kind::User { "and active" } else { "" };
    let text = format!(
        "select (select count(*) from {resources} where tenant_id = $1 and {column} = $3 and id <> $2)
             + (select count(*) from {reservations} where tenant_id = $1 and {column} = $3) as named,
         (select count(*) from {resources} where tenant_id = $1 and external_key = $4 and id <> $2 {holds}) as external"
    );
    let values = [tenant.0.into(), id.into(), key.map(str::to_owned).into(), external_key.map(str::to_owned).into()];
    let held: Option<Held> = sql::one(db.connection(), &text, values).await?;
    Ok(match held {
        Some(held) if held.named > 0 => Some(kind.name_attribute()),
        Some(held) if held.external > 0 => Some("externalId"),
        _ => None,
    })
}

/// Extends a claim before the next realm call; `false` means that it is no longer ours.
pub async fn renew(db: &Db, kind: Kind, tenant: TenantId, id: Uuid, epoch: i64) -> Result<bool, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "update {} set write_until = {now} + {LEASE}
         where tenant_id = $1 and id = $2 and write_epoch = $3 and write_until > {now}",
        kind.table()
    );
    Ok(sql::execute(connection, &text, [tenant.0.into(), id.into(), epoch.into()]).await? == 1)
}

/// Whoever took a resource over to look at it writes to the realm next; `false` if the claim is no longer ours.
pub async fn writes(db: &Db, kind: Kind, tenant: TenantId, id: Uuid, epoch: i64) -> Result<bool, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "update {} set write_until = {now} + {LEASE}, writing = true
         where tenant_id = $1 and id = $2 and write_epoch = $3 and write_until > {now}",
        kind.table()
    );
    Ok(sql::execute(connection, &text, [tenant.0.into(), id.into(), epoch.into()]).await? == 1)
}

/// Gives a claim back with nothing changed.
pub async fn release(db: &Db, kind: Kind, tenant: TenantId, id: Uuid, epoch: i64) -> Result<(), Error> {
    let text =
        format!("update {} set write_until = null where tenant_id = $1 and id = $2 and write_epoch = $3", kind.table());
    sql::execute(db.connection(), &text, [tenant.0.into(), id.into(), epoch.into()]).await?;
    Ok(())
}

/// A realm write was not confirmed: the lease runs out by itself, and for ten minutes a realm that differs is our own
/// late write, not an admin's wish (K5).
pub async fn doubt(db: &Db, kind: Kind, tenant: TenantId, id: Uuid) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!(
        "update {} set realm_doubt_until = {} + {DOUBT} where tenant_id = $1 and id = $2",
        kind.table(),
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [tenant.0.into(), id.into()]).await?;
    Ok(())
}

/// Whether a write of ours may still be on its way (K5).
pub async fn in_doubt(db: &Db, kind: Kind, tenant: TenantId, id: Uuid) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Count {
        number: i64,
    }
    let connection = db.connection();
    let text = format!(
        "select count(*) as number from {} where tenant_id = $1 and id = $2 and realm_doubt_until > {}",
        kind.table(),
        ledger::clock(connection)
    );
    let row: Option<Count> = sql::one(connection, &text, [tenant.0.into(), id.into()]).await?;
    Ok(row.is_some_and(|row| row.number > 0))
}

/// Takes a resource over for repair, without a request and its token, to write to the realm or only to look; the claim's
/// number, if it was free.
pub async fn take_over(db: &Db, kind: Kind, tenant: TenantId, id: Uuid, writing: bool) -> Result<Option<i64>, Error> {
    #[derive(FromQueryResult)]
    struct Taken {
        write_epoch: i64,
    }
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "update {} set write_epoch = write_epoch + 1, write_until = {now} + {LEASE}, writing = $3, {}
         where tenant_id = $1 and id = $2 and (write_until is null or write_until <= {now}) returning write_epoch",
        kind.table(),
        doubted()
    );
    let taken: Option<Taken> = sql::one(connection, &text, [tenant.0.into(), id.into(), writing.into()]).await?;
    Ok(taken.map(|taken| taken.write_epoch))
}

/// Notes whether a resource is protected: neither shown nor changed from then on.
pub async fn protect(db: &Db, kind: Kind, tenant: TenantId, id: Uuid, protected: bool) -> Result<(), Error> {
    let text = format!("update {} set protected = $3 where tenant_id = $1 and id = $2", kind.table());
    sql::execute(db.connection(), &text, [tenant.0.into(), id.into(), protected.into()]).await?;
    Ok(())
}

/// Those of a tenant that are protected.
pub async fn protected(db: &Db, kind: Kind, tenant: TenantId) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct One {
        id: Uuid,
    }
    let text = format!("select id from {} where tenant_id = $1 and protected", kind.table());
    let rows: Vec<One> = sql::all(db.connection(), &text, [tenant.0.into()]).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// How much of a tenant is being worked on: creates and changes of either kind, and rounds of the ledger (K30).
pub async fn under_way(db: &Db, tenant: TenantId) -> Result<i64, Error> {
    #[derive(FromQueryResult)]
    struct Count {
        number: i64,
    }
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "select (select count(*) from reservation where tenant_id = $1 and lease_until > {now})
             + (select count(*) from group_reservation where tenant_id = $1 and lease_until > {now})
             + (select count(*) from directory_user where tenant_id = $1 and write_until > {now})
             + (select count(*) from directory_group where tenant_id = $1 and write_until > {now})
             + (select count(*) from ledger where tenant_id = $1 and lease_until > {now})
             + (select count(*) from group_ledger where tenant_id = $1 and lease_until > {now}) as number"
    );
    let row: Option<Count> = sql::one(connection, &text, [tenant.0.into()]).await?;
    Ok(row.map_or(0, |row| row.number))
}
