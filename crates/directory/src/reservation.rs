//! Reservations: creates under way (K2). The nonce travels as the marker's value in the realm; only the holder of the
//! reservation may finish what carries it. A reservation outlives its request; the sweeper ends what a crash left.

use registry::{Db, TenantId, TokenHash};
use scim::native::Native;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::ledger::{self, Mark};
use crate::{Error, sql};

/// How long a create may take before the sweeper looks at it, microseconds.
const LEASE: i64 = 30_000_000;

/// A create under way.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Reservation {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The comparison key of the userName.
    pub username_key: String,
    /// The externalId, if one was sent.
    pub external_key: Option<String>,
    /// What marks the realm user as this create's.
    pub nonce: Uuid,
    /// The document to be.
    pub document: String,
}

/// What became of a reservation request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// The name is ours to create.
    Yes,
    /// Another resource has this attribute.
    Taken(&'static str),
    /// The request's token has died meanwhile (K1).
    TokenDead,
}

/// Reserves a userName and externalId, if neither is taken and the token is alive: one transaction, so that of many
/// identical requests exactly one gets it.
pub async fn reserve(db: &Db, reservation: &Reservation, token: TokenHash) -> Result<Reserved, Error> {
    let transaction = db.begin().await?;
    let outcome = reserve_in(&transaction, reservation, token).await;
    match outcome {
        Ok(Reserved::Yes) => {
            transaction.commit().await?;
            Ok(Reserved::Yes)
        }
        Ok(other) => {
            transaction.rollback().await?;
            Ok(other)
        }
        Err(Error::Taken(attribute)) => {
            transaction.rollback().await?;
            Ok(Reserved::Taken(attribute))
        }
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

#[derive(FromQueryResult)]
struct Check {
    alive: i64,
    name_taken: i64,
    external_taken: i64,
}

async fn reserve_in(
    transaction: &sea_orm::DatabaseTransaction,
    reservation: &Reservation,
    token: TokenHash,
) -> Result<Reserved, Error> {
    let now = ledger::clock(transaction);
    let text = format!(
        "insert into reservation (tenant_id, username_key, external_key, nonce, document, created_at, lease_until)
         values ($1, $2, $3, $4, $5, {now}, {now} + {LEASE})"
    );
    let values = [
        reservation.tenant_id.0.into(),
        reservation.username_key.clone().into(),
        reservation.external_key.clone().into(),
        reservation.nonce.into(),
        reservation.document.clone().into(),
    ];
    sql::execute(transaction, &text, values).await?;
    // Order: after the insert. Whoever commits a user of this name removes its reservation in the same transaction, so
    // either the insert met that reservation or this read sees that user.
    let text = format!(
        "select (select count(*) from inbound_token where hash = $3 and died_at is null
                 and (expires_at is null or expires_at > {now})) as alive,
             (select count(*) from directory_user where tenant_id = $1 and username_key = $2) as name_taken,
             (select count(*) from directory_user where tenant_id = $1 and external_key = $4) as external_taken"
    );
    let values = [
        reservation.tenant_id.0.into(),
        reservation.username_key.clone().into(),
        token.to_vec().into(),
        reservation.external_key.clone().into(),
    ];
    let check: Option<Check> = sql::one(transaction, &text, values).await?;
    Ok(match check {
        Some(check) if check.alive == 0 => Reserved::TokenDead,
        Some(check) if check.name_taken > 0 => Reserved::Taken("userName"),
        Some(check) if check.external_taken > 0 => Reserved::Taken("externalId"),
        _ => Reserved::Yes,
    })
}

/// The reservation becomes the user: row in, reservation out, ledger marked, one transaction. `false` if the
/// reservation is no longer there, because the sweeper ended it.
pub async fn complete(
    db: &Db,
    reservation: &Reservation,
    id: Uuid,
    base: &Native,
    trace: Option<&str>,
) -> Result<bool, Error> {
    let transaction = db.begin().await?;
    let outcome = complete_in(&transaction, reservation, id, base, trace).await;
    match outcome {
        Ok(true) => {
            transaction.commit().await?;
            Ok(true)
        }
        Ok(false) => {
            transaction.rollback().await?;
            Ok(false)
        }
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

async fn complete_in(
    transaction: &sea_orm::DatabaseTransaction,
    reservation: &Reservation,
    id: Uuid,
    base: &Native,
    trace: Option<&str>,
) -> Result<bool, Error> {
    if !remove(transaction, reservation).await? {
        return Ok(false);
    }
    let document: scim::Object = serde_json::from_str(&reservation.document)?;
    let active = Native::of(&document).active;
    let now = ledger::clock(transaction);
    let text = format!(
        "insert into directory_user (tenant_id, id, document, version, username_key, external_key, active, base, nonce,
             created_at, modified_at, logout_owed)
         select $1, $2, $3, 1, $4, $5, $6, $7, $8, moment, moment, false from (select {now} as moment) as clock"
    );
    let values = [
        reservation.tenant_id.0.into(),
        id.into(),
        reservation.document.clone().into(),
        reservation.username_key.clone().into(),
        reservation.external_key.clone().into(),
        active.into(),
        serde_json::to_string(base)?.into(),
        reservation.nonce.into(),
    ];
    sql::execute(transaction, &text, values).await?;
    let mark = Mark { trace: trace.map(str::to_owned), ..Mark::default() };
    ledger::mark(transaction, reservation.tenant_id, id, &mark).await?;
    Ok(true)
}

/// Ends a reservation whose create came to nothing.
pub async fn abandon(db: &Db, reservation: &Reservation) -> Result<bool, Error> {
    remove(db.connection(), reservation).await
}

async fn remove(connection: &impl ConnectionTrait, reservation: &Reservation) -> Result<bool, Error> {
    let text = "delete from reservation where tenant_id = $1 and username_key = $2 and nonce = $3";
    let values = [reservation.tenant_id.0.into(), reservation.username_key.clone().into(), reservation.nonce.into()];
    Ok(sql::execute(connection, text, values).await? == 1)
}

/// Takes over reservations whose request is gone: for the sweeper, which finishes or removes them.
pub async fn claim_stale(db: &Db, limit: u32) -> Result<Vec<Reservation>, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "update reservation set lease_until = {now} + {LEASE}
         where lease_until <= {now} and (tenant_id, username_key) in (
             select tenant_id, username_key from reservation where lease_until <= {now}
             order by lease_until limit $1 {})
         returning tenant_id, username_key, external_key, nonce, document",
        sql::skip_locked(connection)
    );
    sql::all(connection, &text, [i64::from(limit).into()]).await
}
