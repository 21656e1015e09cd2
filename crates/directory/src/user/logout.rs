//! Log-outs that are owed: noted with the claim of a deactivation, paid by its request, or by the sweeper after a crash
//! (K4). Until then the note is also what is known of a deactivation whose end nobody saw.

use registry::{Db, TenantId};
use sea_orm::{DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::commit::switch_off;
use crate::writing::{LEASE, doubted};
use crate::{Error, finish, ledger, sql};

/// What a claim does to a user's sessions, so that a crash cannot leave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogOut {
    /// They stay.
    No,
    /// They will have to end.
    Owed,
    /// They will have to end where the user was adopted: anybody else is deleted, and has none.
    OwedIfAdopted,
}

impl LogOut {
    /// What the claim sets beside the lease. What an earlier claim owes stays that one's.
    pub(super) fn set(self) -> &'static str {
        match self {
            Self::No => "",
            Self::Owed => {
                ", logout_epoch = case when logout_owed then logout_epoch else write_epoch + 1 end, logout_owed = true"
            }
            Self::OwedIfAdopted => {
                ", logout_epoch = case when logout_owed then logout_epoch else write_epoch + 1 end,
                 logout_owed = logout_owed or adopted"
            }
        }
    }
}

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

/// Takes over log-outs that a crash left owed. One that fails keeps its claim until that has run out, so that it is not tried all
/// the time; a log-out is repeatable, and leaves nothing in doubt.
pub async fn claim_owed_logouts(db: &Db, limit: u32) -> Result<Vec<OwedLogout>, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let free = format!("logout_owed and (write_until is null or write_until <= {now})");
    let text = format!(
        "update directory_user set write_epoch = write_epoch + 1, write_until = {now} + {LEASE}, writing = false, {}
         where {free} and (tenant_id, id) in (
             select tenant_id, id from directory_user where {free} and {} limit $1 {})
         returning tenant_id, id, write_epoch",
        doubted(),
        sql::stays("tenant_id"),
        sql::skip_locked(connection)
    );
    sql::all(connection, &text, [i64::from(limit).into()]).await
}

/// A log-out is paid. Where a write of ours is in doubt, the deactivation that owed it is: it is the directory's word that is
/// written back then (K5), so that has the user off from now on.
pub async fn logout_paid(db: &Db, owed: &OwedLogout) -> Result<(), Error> {
    let transaction = db.begin().await?;
    let outcome = paid(&transaction, owed).await;
    finish(transaction, outcome).await
}

async fn paid(transaction: &DatabaseTransaction, owed: &OwedLogout) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct Paid {
        document: String,
        doubtful: bool,
    }
    let text = format!(
        "update directory_user set logout_owed = false, write_until = null
         where tenant_id = $1 and id = $2 and write_epoch = $3
         returning document, active and coalesce(realm_doubt_until, 0) > {} as doubtful",
        ledger::clock(transaction)
    );
    let values = [owed.tenant_id.0.into(), owed.id.into(), owed.write_epoch.into()];
    match sql::one::<Paid>(transaction, &text, values).await? {
        Some(Paid { document, doubtful: true }) => {
            let document = serde_json::from_str(&document)?;
            switch_off(transaction, owed.tenant_id, (owed.id, owed.write_epoch), document, None).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// Gives back the claim of a request that was refused before it wrote anything to the realm: it owes no log-out.
pub async fn refused(db: &Db, tenant: TenantId, id: Uuid, epoch: i64) -> Result<(), Error> {
    let text = "update directory_user set write_until = null,
             logout_owed = logout_owed and coalesce(logout_epoch, 0) <> $3
         where tenant_id = $1 and id = $2 and write_epoch = $3";
    sql::execute(db.connection(), text, [tenant.0.into(), id.into(), epoch.into()]).await?;
    Ok(())
}
