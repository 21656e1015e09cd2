//! When a user who is not found counts as gone (K14). One whose deletion was told is; of any other the absence is noted and
//! looked at again after a while, so that a realm that lacks many at once shows it before anybody is given up. A mass waits
//! for a person's word: [`crate::held`].

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{Error, ledger, sql};

/// Absences that nobody told of and are believed within [`WINDOW`], at least.
const BELIEVED: i64 = 20;
/// For how long an absence counts after it was last seen, microseconds. One that waits is looked at far more often.
const WINDOW: i64 = 600_000_000;
/// How long one has to last, microseconds: longer than a compare takes to find all others.
pub const LASTS: i64 = 10_000_000;
/// When an absence was last seen; rows of an earlier version of the program say only since when.
const SEEN: &str = "coalesce(absence.seen_at, absence.at)";

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

/// Whether so many absences are more than can be believed: more than twenty and a tenth of everybody.
pub(crate) fn is_mass(absent: i64, known: i64) -> bool {
    absent > BELIEVED.max(known / 10)
}

/// Absences that count and nobody has confirmed; the tenant is `$1`.
pub(crate) fn counts(now: &str) -> String {
    format!("absence.tenant_id = $1 and absence.confirmed_at is null and {SEEN} > {now} - {WINDOW}")
}

/// Whether one more absence counts, given those of the last ten minutes: not more than twenty or a tenth of everybody.
pub async fn may_go(db: &Db, tenant: TenantId, user: Uuid, delete_seen: bool) -> Result<Gone, Error> {
    #[derive(FromQueryResult)]
    struct Counts {
        lasts: i64,
        confirmed: bool,
        absent: i64,
        known: i64,
    }
    if delete_seen {
        return Ok(Gone::Yes);
    }
    let connection = db.connection();
    let now = ledger::clock(connection);
    let anew = format!("{SEEN} < {now} - {WINDOW}");
    let text = format!(
        "insert into absence (tenant_id, user_id, at, seen_at) values ($1, $2, {now}, {now})
         on conflict (tenant_id, user_id) do update set
             at = case when {anew} then {now} else absence.at end,
             confirmed_at = case when {anew} then null else absence.confirmed_at end,
             seen_at = {now}"
    );
    sql::execute(connection, &text, [tenant.0.into(), user.into()]).await?;
    let text = format!(
        "select {now} - mine.at as lasts, mine.confirmed_at is not null as confirmed,
             (select count(*) from absence where {}) as absent,
             (select count(*) from ledger where tenant_id = $1 and gone_at is null) as known
         from absence mine where mine.tenant_id = $1 and mine.user_id = $2",
        counts(now)
    );
    let counts: Option<Counts> = sql::one(connection, &text, [tenant.0.into(), user.into()]).await?;
    Ok(match counts {
        Some(counts) if counts.confirmed => Gone::Yes,
        Some(counts) if is_mass(counts.absent, counts.known) => Gone::Held,
        Some(counts) if counts.lasts < LASTS => Gone::NotYet,
        _ => Gone::Yes,
    })
}

/// Forgets a batch of absences that count no more; how many there were.
pub async fn forget_absences(db: &Db, batch: u32) -> Result<u64, Error> {
    let connection = db.connection();
    let text = format!(
        "delete from absence where (tenant_id, user_id) in (
             select tenant_id, user_id from absence where {SEEN} < {} - 2 * {WINDOW} order by at limit $1)",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [i64::from(batch).into()]).await
}
