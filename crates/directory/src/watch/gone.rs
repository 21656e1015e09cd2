//! When a user who is not found counts as gone (K14). One whose deletion was told is; of any other the absence is noted and
//! looked at again after a while, so that a realm that lacks many at once shows it before anybody is given up.

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{Error, ledger, sql};

/// Absences that nobody told of and are believed within [`WINDOW`], at least.
const BELIEVED: i64 = 20;
/// For how long absences count together, microseconds.
const WINDOW: i64 = 600_000_000;
/// How long one has to last, microseconds: longer than a compare takes to find all others.
pub const LASTS: i64 = 10_000_000;

/// What to make of an absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// The user is gone.
    Yes,
    /// Noted: to be looked at again after [`LASTS`].
    NotYet,
    /// Too many at once: somebody has to look.
    Held,
}

/// Whether one more absence counts, given those of the last ten minutes: not more than twenty or a tenth of everybody.
pub async fn may_go(db: &Db, tenant: TenantId, user: Uuid, delete_seen: bool) -> Result<Gone, Error> {
    #[derive(FromQueryResult)]
    struct Counts {
        lasts: i64,
        absent: i64,
        known: i64,
    }
    if delete_seen {
        return Ok(Gone::Yes);
    }
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "insert into absence (tenant_id, user_id, at) values ($1, $2, {now})
         on conflict (tenant_id, user_id) do update set
             at = case when absence.at < {now} - {WINDOW} then {now} else absence.at end"
    );
    sql::execute(connection, &text, [tenant.0.into(), user.into()]).await?;
    let text = format!(
        "select (select {now} - at from absence where tenant_id = $1 and user_id = $2) as lasts,
             (select count(*) from absence where tenant_id = $1 and at > {now} - {WINDOW}) as absent,
             (select count(*) from ledger where tenant_id = $1 and gone_at is null) as known"
    );
    let counts: Option<Counts> = sql::one(connection, &text, [tenant.0.into(), user.into()]).await?;
    Ok(match counts {
        Some(counts) if counts.absent > BELIEVED.max(counts.known / 10) => Gone::Held,
        Some(counts) if counts.lasts < LASTS => Gone::NotYet,
        _ => Gone::Yes,
    })
}

/// Forgets a batch of absences that count no more; how many there were.
pub async fn forget_absences(db: &Db, batch: u32) -> Result<u64, Error> {
    let connection = db.connection();
    let text = format!(
        "delete from absence where (tenant_id, user_id) in (
             select tenant_id, user_id from absence where at < {} - 2 * {WINDOW} order by at limit $1)",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [i64::from(batch).into()]).await
}
