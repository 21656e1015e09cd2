//! The long work on a realm, import and compare: one owner by a lease of its own, apart from the poll's. However long it
//! takes, and though it fails, events are read meanwhile (K28).

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::NEEDED;
use crate::{Error, ledger, sql};

/// How long a survey is one's own without renewal, microseconds. One that is late all the same only marks twice.
const LEASE: i64 = 10_000_000;
/// How often the whole realm is compared, microseconds.
const COMPARE: i64 = 900_000_000;
/// How long one rests that failed, microseconds; twice as long with each further time, up to five minutes.
const REST: i64 = 5_000_000;
/// How often that is doubled at most.
const DOUBLINGS: i64 = 6;

/// A realm to import from or to compare, owned by the caller until its lease ends.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Survey {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The claim's number.
    pub survey_epoch: i64,
    /// The realm's UUID as first seen: its identity (K29).
    pub realm_uuid: Option<Uuid>,
    /// The realm role was made anew: everybody managed is to get it again.
    pub regrant: bool,
    /// The whole realm is to be compared.
    pub compare: bool,
    /// Surveys that failed since one that did not.
    pub survey_failures: i64,
}

/// Takes over realms that are to be imported from or compared, of tenants with inbound or outbound on (K25) that stay where they
/// are (K30).
pub async fn surveys_due(db: &Db, limit: u32) -> Result<Vec<Survey>, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let free = format!("(survey_until is null or survey_until <= {now}) and (survey_at is null or survey_at <= {now})");
    let compare = format!("compare_wanted or compare_at is null or compare_at <= {now} - {COMPARE}");
    let text = format!(
        "update realm_watch set survey_epoch = survey_epoch + 1, survey_until = {now} + {LEASE}
         where {free} and tenant_id in (
             select w.tenant_id from realm_watch w
             where {free} and ({compare} or regrant or (import_done_at is null
                 and exists (select 1 from inbound_token i where i.tenant_id = w.tenant_id and i.died_at is null)))
                 and ({NEEDED}) and {} order by coalesce(w.compare_at, 0) limit $1 {})
         returning tenant_id, survey_epoch, realm_uuid, regrant, ({compare}) as compare, survey_failures",
        sql::stays("w.tenant_id"),
        sql::skip_locked(connection)
    );
    sql::all(connection, &text, [i64::from(limit).into()]).await
}

/// Extends a survey's claim while it works, well before the lease ends; `false` if it is another's, or the tenant is being moved.
pub async fn keep_survey(db: &Db, survey: &Survey) -> Result<bool, Error> {
    let connection = db.connection();
    let text = format!(
        "update realm_watch set survey_until = {} + {LEASE}
         where tenant_id = $1 and survey_epoch = $2 and survey_until is not null and {}",
        ledger::clock(connection),
        sql::stays("tenant_id")
    );
    Ok(sql::execute(connection, &text, [survey.tenant_id.0.into(), survey.survey_epoch.into()]).await? == 1)
}

/// Gives a survey back that is done, or is to be gone on with by another.
pub async fn end_survey(db: &Db, survey: &Survey, done: bool) -> Result<(), Error> {
    let rested = if done { ", survey_at = null, survey_failures = 0" } else { "" };
    let text = format!("update realm_watch set survey_until = null{rested} where tenant_id = $1 and survey_epoch = $2");
    sql::execute(db.connection(), &text, [survey.tenant_id.0.into(), survey.survey_epoch.into()]).await?;
    Ok(())
}

/// Gives a survey back that failed: the longer it has failed, the longer it rests.
pub async fn put_survey_off(db: &Db, survey: &Survey) -> Result<(), Error> {
    let connection = db.connection();
    let rest = REST << survey.survey_failures.clamp(0, DOUBLINGS);
    let text = format!(
        "update realm_watch set survey_until = null, survey_failures = survey_failures + 1, survey_at = {} + $3
         where tenant_id = $1 and survey_epoch = $2",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [survey.tenant_id.0.into(), survey.survey_epoch.into(), rest.into()]).await?;
    Ok(())
}

/// Has the whole realm compared, from the start: after a gap in capture, or because somebody wants it. One that is under way
/// may be past what this is about, and does not count.
pub async fn want_compare(db: &Db, tenant: TenantId) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!(
        "update realm_watch set compare_wanted = true, compare_wanted_at = {}, survey_at = null where tenant_id = $1",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [tenant.0.into()]).await?;
    Ok(())
}

/// Has the whole realm compared by one that begins after a moment, for an absence to outlast; one that failed is not hurried.
pub(super) async fn want_compare_after(db: &Db, tenant: TenantId, at: i64) -> Result<(), Error> {
    let text = "update realm_watch set compare_wanted = true, compare_wanted_at = $2
         where tenant_id = $1 and coalesce(compare_wanted_at, 0) < $2";
    sql::execute(db.connection(), text, [tenant.0.into(), at.into()]).await?;
    Ok(())
}

/// A compare begins now; when that is, or `None` where the survey is another's.
pub async fn begin_compare(db: &Db, survey: &Survey) -> Result<Option<i64>, Error> {
    #[derive(FromQueryResult)]
    struct Began {
        began: i64,
    }
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!("select {now} as began from realm_watch where tenant_id = $1 and survey_epoch = $2");
    let values = [survey.tenant_id.0.into(), survey.survey_epoch.into()];
    let row: Option<Began> = sql::one(connection, &text, values).await?;
    Ok(row.map(|row| row.began))
}

/// The whole realm was compared; whoever has wanted it since that began wants another one.
pub async fn compared(db: &Db, survey: &Survey, began: i64) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!(
        "update realm_watch set compare_at = {}, compare_from = $3,
             compare_wanted = case when compare_wanted_at >= $3 then true else false end
         where tenant_id = $1 and survey_epoch = $2",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [survey.tenant_id.0.into(), survey.survey_epoch.into(), began.into()]).await?;
    Ok(())
}

/// Everybody has the realm role back.
pub async fn regranted(db: &Db, survey: &Survey) -> Result<(), Error> {
    let text = "update realm_watch set regrant = false where tenant_id = $1 and survey_epoch = $2";
    sql::execute(db.connection(), text, [survey.tenant_id.0.into(), survey.survey_epoch.into()]).await?;
    Ok(())
}
