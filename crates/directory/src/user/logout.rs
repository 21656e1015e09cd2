//! Log-outs that are owed: noted with the claim of a deactivation, paid by its request, or by the sweeper after a crash
//! (K4).

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::resource::Kind;
use crate::writing::{LEASE, doubted};
use crate::{Error, ledger, sql};

/// A log-out that is owed.
#[derive(Debug, Clone, FromQueryResult)]
pub struct OwedLogout {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user.
    pub id: Uuid,
    /// The claim this was taken with.
    pub write_epoch: i64,
}

/// Takes over log-outs that a crash left owed.
pub async fn claim_owed_logouts(db: &Db, limit: u32) -> Result<Vec<OwedLogout>, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let free = format!("logout_owed and (write_until is null or write_until <= {now})");
    let text = format!(
        "update directory_user set write_epoch = write_epoch + 1, write_until = {now} + {LEASE}, {}
         where {free} and (tenant_id, id) in (
             select tenant_id, id from directory_user where {free} and {} limit $1 {})
         returning tenant_id, id, write_epoch",
        doubted(Kind::User, now),
        sql::stays("tenant_id"),
        sql::skip_locked(connection)
    );
    sql::all(connection, &text, [i64::from(limit).into()]).await
}

/// A log-out is paid.
pub async fn logout_paid(db: &Db, owed: &OwedLogout) -> Result<(), Error> {
    let text = "update directory_user set logout_owed = false, write_until = null
         where tenant_id = $1 and id = $2 and write_epoch = $3";
    sql::execute(db.connection(), text, [owed.tenant_id.0.into(), owed.id.into(), owed.write_epoch.into()]).await?;
    Ok(())
}
