//! What becomes of a reservation besides what it was made for: held on to, left to the sweeper, given up.

use registry::{Db, TenantId};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{ADOPTED, LEASE, Reservation, place};
use crate::resource::Kind;
use crate::{Error, ledger, sql};

/// Extends a request's reservation before the next realm call; `false` means that the sweeper has it, or has ended it.
pub async fn renew(db: &Db, reservation: &Reservation) -> Result<bool, Error> {
    extend(db, reservation, "and not unsettled").await
}

/// The same for the sweeper, once it has taken the reservation over.
pub async fn renew_stale(db: &Db, reservation: &Reservation) -> Result<bool, Error> {
    extend(db, reservation, "and unsettled").await
}

async fn extend(db: &Db, reservation: &Reservation, whose: &str) -> Result<bool, Error> {
    let connection = db.connection();
    let (now, (table, key)) = (ledger::clock(connection), place(reservation.kind));
    let text = format!(
        "update {table} set lease_until = {now} + {LEASE}
         where tenant_id = $1 and {key} = $2 and nonce = $3 and lease_until > {now} {whose}"
    );
    Ok(sql::execute(connection, &text, key_of(reservation)).await? == 1)
}

/// Notes, before the realm is written, that a create takes over a user or group that was in the realm before: whoever ends
/// it must not delete that one. `false` if the reservation is no longer there, or the sweeper has it.
pub async fn adopt(db: &Db, reservation: &mut Reservation) -> Result<bool, Error> {
    let (table, key) = place(reservation.kind);
    let text = format!(
        "update {table} set adopts = true where tenant_id = $1 and {key} = $2 and nonce = $3 and not unsettled"
    );
    reservation.adopts = true;
    Ok(sql::execute(db.connection(), &text, key_of(reservation)).await? == 1)
}

/// Leaves a reservation to the sweeper, from now on: what became of its create in the realm is not known.
pub async fn leave(db: &Db, reservation: &Reservation) -> Result<(), Error> {
    let connection = db.connection();
    let (now, (table, key)) = (ledger::clock(connection), place(reservation.kind));
    let text = format!(
        "update {table} set lease_until = {now}, unsettled = true where tenant_id = $1 and {key} = $2 and nonce = $3"
    );
    sql::execute(connection, &text, key_of(reservation)).await?;
    Ok(())
}

/// Ends a reservation whose create came to nothing.
pub async fn abandon(db: &Db, reservation: &Reservation) -> Result<bool, Error> {
    remove(db.connection(), reservation).await
}

pub(super) async fn remove(connection: &impl ConnectionTrait, reservation: &Reservation) -> Result<bool, Error> {
    let (table, key) = place(reservation.kind);
    let text = format!("delete from {table} where tenant_id = $1 and {key} = $2 and nonce = $3");
    Ok(sql::execute(connection, &text, key_of(reservation)).await? == 1)
}

fn key_of(reservation: &Reservation) -> [sea_orm::Value; 3] {
    [reservation.tenant.0.into(), reservation.key.clone().into(), reservation.nonce.into()]
}

/// Whether the create that set a marker took over what was there before.
pub fn took_over(marker: Option<&str>) -> bool {
    marker.is_some_and(|marker| marker.ends_with(ADOPTED))
}

/// The nonce in the marker of a realm's user or group, if a create of this tenant set it.
pub fn nonce_of(tenant: TenantId, marker: Option<&str>) -> Option<Uuid> {
    let (owner, nonce) = marker?.split_once(':')?;
    let nonce = nonce.strip_suffix(ADOPTED).unwrap_or(nonce);
    (owner == tenant.to_string()).then(|| Uuid::parse_str(nonce).ok()).flatten()
}

/// Whether somebody still answers for a nonce of ours: a create under way, or what it made.
pub async fn answers_for(db: &Db, kind: Kind, tenant: TenantId, nonce: Uuid) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Held {
        held: i64,
    }
    let ((reservations, _), resources) = (place(kind), kind.table());
    let text = format!(
        "select (select count(*) from {reservations} where tenant_id = $1 and nonce = $2)
             + (select count(*) from {resources} where tenant_id = $1 and nonce = $2) as held"
    );
    let row: Option<Held> = sql::one(db.connection(), &text, [tenant.0.into(), nonce.into()]).await?;
    Ok(row.is_some_and(|row| row.held > 0))
}

#[derive(FromQueryResult)]
struct Row {
    tenant_id: TenantId,
    key: String,
    external_key: Option<String>,
    nonce: Uuid,
    document: String,
    members: String,
    adopts: bool,
}

/// Takes over reservations whose request is gone: for the sweeper, which finishes or removes them.
pub async fn claim_stale(db: &Db, kind: Kind, limit: u32) -> Result<Vec<Reservation>, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let (table, key) = place(kind);
    let own = if kind == Kind::Group { "members, adopts" } else { "'[]' as members, adopts" };
    let text = format!(
        "update {table} set lease_until = {now} + {LEASE}, unsettled = true
         where lease_until <= {now} and (tenant_id, {key}) in (
             select tenant_id, {key} from {table} where lease_until <= {now} and {} order by lease_until limit $1 {})
         returning tenant_id, {key} as key, external_key, nonce, document, {own}",
        sql::stays("tenant_id"),
        sql::skip_locked(connection)
    );
    let rows: Vec<Row> = sql::all(connection, &text, [i64::from(limit).into()]).await?;
    rows.into_iter()
        .map(|row| {
            let members: Vec<(Uuid, bool)> = serde_json::from_str(&row.members)?;
            let kind_of = |group: bool| if group { Kind::Group } else { Kind::User };
            Ok(Reservation {
                tenant: row.tenant_id,
                kind,
                key: row.key,
                external_key: row.external_key,
                nonce: row.nonce,
                document: serde_json::from_str(&row.document)?,
                members: members.into_iter().map(|(id, group)| (id, kind_of(group))).collect(),
                adopts: row.adopts,
            })
        })
        .collect()
}
