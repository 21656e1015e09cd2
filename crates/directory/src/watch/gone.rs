//! When a user who is not found counts as gone (K14): a realm that suddenly lacks many without having said so is held.

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;

use crate::{Error, ledger, sql};

/// Absences without a DELETE event that are believed within ten minutes, at least.
const BELIEVED: i64 = 20;

/// What to make of an absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// The user is gone.
    Yes,
    /// Too many at once: somebody has to look.
    Held,
}

/// Whether one more absence may count, given those of the last ten minutes: not more than twenty or a tenth of everybody.
pub async fn may_go(db: &Db, tenant: TenantId, delete_seen: bool) -> Result<Gone, Error> {
    #[derive(FromQueryResult)]
    struct Counts {
        gone: i64,
        known: i64,
    }
    if delete_seen {
        return Ok(Gone::Yes);
    }
    let connection = db.connection();
    let text = format!(
        "select (select count(*) from ledger where tenant_id = $1 and gone_at > {} - 600000000) as gone,
             (select count(*) from ledger where tenant_id = $1 and gone_at is null) as known",
        ledger::clock(connection)
    );
    let counts: Option<Counts> = sql::one(connection, &text, [tenant.0.into()]).await?;
    Ok(match counts {
        Some(counts) if counts.gone >= BELIEVED.max(counts.known / 10) => Gone::Held,
        _ => Gone::Yes,
    })
}
