//! When a user or group that is not found counts as gone (K14). One whose deletion was told is; of any other the absence is
//! noted, and outlasts a compare that began after it, so that a realm that lacks many at once shows it before anybody is given
//! up, however long it takes to list. A mass waits for a person's word: [`crate::held`].

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::NEEDED;
use super::survey::want_compare_after;
use crate::link::DEPARTING;
use crate::resource::Kind;
use crate::{Error, ledger, sql};

/// Absences that nobody told of and are believed within [`WINDOW`], at least.
const BELIEVED: i64 = 20;
/// For how long an absence counts after it was last seen, microseconds. One that waits is looked at far more often.
const WINDOW: i64 = 600_000_000;
/// When one that is to outlast a compare is looked at again, microseconds.
pub const LASTS: i64 = 10_000_000;
/// How long a held one waits before it is looked at again, microseconds: the longer, the more there are, so that a whole
/// realm costs Keycloak no more than some hundred looks a second; but well within [`WINDOW`], or it would count no more.
const HELD: std::ops::RangeInclusive<i64> = 60_000_000..=300_000_000;
/// By how much that grows with each one, microseconds.
const HELD_EACH: i64 = 3_000;
/// Absences of one statement (K31).
const NOTED: usize = 500;
/// When an absence was last seen; rows of an earlier version of the program say only since when.
const SEEN: &str = "coalesce(absence.seen_at, absence.at)";

/// What to make of an absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// It is gone.
    Yes,
    /// Noted, and a compare is wanted: to be looked at again after [`LASTS`].
    NotYet,
    /// Too many at once: somebody has to look. Until then to be looked at again after so many microseconds.
    Held(i64),
}

/// What is known of an absence that no deletion was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Absence {
    /// A compare that began after it has noted all others.
    pub compared: bool,
    /// A person said that it is gone.
    pub confirmed: bool,
    /// How many are absent now, this one among them.
    pub absent: i64,
    /// How many are known.
    pub known: i64,
}

impl Absence {
    /// What to make of it: a person's word counts, then whether it is one of a mass, then whether all others are known.
    pub fn judge(self) -> Gone {
        match self {
            Self { confirmed: true, .. } => Gone::Yes,
            Self { absent, known, .. } if is_mass(absent, known) => {
                Gone::Held((absent * HELD_EACH).clamp(*HELD.start(), *HELD.end()))
            }
            Self { compared: false, .. } => Gone::NotYet,
            Self { compared: true, .. } => Gone::Yes,
        }
    }
}

impl Kind {
    /// The table of what is absent, called `absence` in statements.
    pub(crate) fn absences(self) -> &'static str {
        match self {
            Self::User => "absence",
            Self::Group => "group_absence",
        }
    }

    /// How many of the kind tenant `$1` would lose something by: whom it manages, and who is deactivated downstream.
    /// Absences of others are not held.
    pub(crate) fn known(self) -> String {
        match self {
            Self::User => format!(
                "(select count(*) from (select id from directory_user where tenant_id = $1 union {DEPARTING}) as known)"
            ),
            Self::Group => "(select count(*) from directory_group where tenant_id = $1)".to_owned(),
        }
    }
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
pub async fn may_go(db: &Db, kind: Kind, tenant: TenantId, id: Uuid, delete_seen: bool) -> Result<Gone, Error> {
    #[derive(FromQueryResult)]
    struct Found {
        at: i64,
        compared: bool,
        confirmed: bool,
        absent: i64,
        known: i64,
    }
    if delete_seen {
        return Ok(Gone::Yes);
    }
    note_absences(db, kind, tenant, &[id]).await?;
    let connection = db.connection();
    let (now, table, key) = (ledger::clock(connection), kind.absences(), kind.key());
    let text = format!(
        "select at, compared, confirmed, absent, case when absent > {BELIEVED} then {} else 0 end as known from (
             select mine.at, mine.confirmed_at is not null as confirmed,
                 -- Where nobody follows the realm any more, nobody compares it.
                 (exists (select 1 from realm_watch w where w.tenant_id = $1 and w.compare_from > mine.at)
                  or mine.at <= {now} - {LASTS} and not exists (
                     select 1 from realm_watch w where w.tenant_id = $1 and ({NEEDED}))) as compared,
                 (select count(*) from {table} absence where {}) as absent
             from {table} mine where mine.tenant_id = $1 and mine.{key} = $2) as counted",
        // Who are few are not many of anybody: that everybody is counted is for a mass alone.
        kind.known(),
        counts(now)
    );
    let found: Option<Found> = sql::one(connection, &text, [tenant.0.into(), id.into()]).await?;
    let Some(Found { at, compared, confirmed, absent, known }) = found else { return Ok(Gone::Yes) };
    let gone = Absence { compared, confirmed, absent, known }.judge();
    if gone == Gone::NotYet {
        want_compare_after(db, tenant, at).await?;
    }
    Ok(gone)
}

/// Notes what a pass did not find, before anybody of it is judged: however long the looks take, none of a mass is taken for
/// one of a few.
pub async fn note_absences(db: &Db, kind: Kind, tenant: TenantId, ids: &[Uuid]) -> Result<(), Error> {
    let connection = db.connection();
    let (now, table, key) = (ledger::clock(connection), kind.absences(), kind.key());
    let anew = format!("{SEEN} < {now} - {WINDOW}");
    for some in ids.chunks(NOTED) {
        let rows: Vec<String> = (2..some.len() + 2).map(|place| format!("($1, ${place}, {now}, {now})")).collect();
        let text = format!(
            "insert into {table} as absence (tenant_id, {key}, at, seen_at) values {}
             on conflict (tenant_id, {key}) do update set
                 at = case when {anew} then {now} else absence.at end,
                 confirmed_at = case when {anew} then null else absence.confirmed_at end,
                 seen_at = {now}",
            rows.join(", ")
        );
        let ids = some.iter().map(|id| (*id).into());
        sql::execute(connection, &text, std::iter::once(tenant.0.into()).chain(ids).collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Somebody is found again: the next absence is another one, and nobody has said anything of it.
pub async fn found(db: &Db, kind: Kind, tenant: TenantId, id: Uuid) -> Result<(), Error> {
    let text = format!("delete from {} where tenant_id = $1 and {} = $2", kind.absences(), kind.key());
    sql::execute(db.connection(), &text, [tenant.0.into(), id.into()]).await?;
    Ok(())
}

/// Forgets a batch of absences that count no more; how many there were.
pub async fn forget_absences(db: &Db, batch: u32) -> Result<u64, Error> {
    let connection = db.connection();
    let mut forgotten = 0;
    for kind in [Kind::User, Kind::Group] {
        let (table, key) = (kind.absences(), kind.key());
        let text = format!(
            "delete from {table} where (tenant_id, {key}) in (
                 select tenant_id, {key} from {table} absence where {SEEN} < {} - 2 * {WINDOW} order by at limit $1)",
            ledger::clock(connection)
        );
        forgotten += sql::execute(connection, &text, [i64::from(batch).into()]).await?;
    }
    Ok(forgotten)
}
