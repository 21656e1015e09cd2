//! The import of users who hold `scim-managed` when inbound is enabled: paged, resumable, its progress visible (W8, K8).

use registry::{Db, TenantId};
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::Survey;
use crate::user::{self, Arrival};
use crate::{Error, finish_if, ledger, sql};

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Import {
    /// When it began, microseconds.
    pub import_started_at: Option<i64>,
    /// Managed users of the realm who are in so far, whoever took them in (K8 takes some on the spot).
    pub imported: i64,
    /// When it was done.
    pub import_done_at: Option<i64>,
}

/// How far the tenant's import is.
pub async fn import_state(db: &Db, tenant: TenantId) -> Result<Option<Import>, Error> {
    let text = "select import_started_at, imported, import_done_at from realm_watch where tenant_id = $1";
    sql::one(db.connection(), text, [tenant.0.into()]).await
}

/// Has the realm's managed users taken in (again): inbound was enabled, or capture had a gap.
pub async fn want_import(connection: &impl ConnectionTrait, tenant: TenantId) -> Result<(), Error> {
    let text = "update realm_watch set import_done_at = null, import_started_at = null, imported = 0, survey_at = null
         where tenant_id = $1";
    sql::execute(connection, text, [tenant.0.into()]).await?;
    Ok(())
}

/// Whether an import is owed; notes when it began.
pub async fn import_due(db: &Db, survey: &Survey) -> Result<bool, Error> {
    let connection = db.connection();
    let text = format!(
        "update realm_watch set import_started_at = coalesce(import_started_at, {})
         where tenant_id = $1 and survey_epoch = $2 and import_done_at is null
             and exists (select 1 from inbound_token i where i.tenant_id = $1 and i.died_at is null)",
        ledger::clock(connection)
    );
    Ok(sql::execute(connection, &text, [survey.tenant_id.0.into(), survey.survey_epoch.into()]).await? == 1)
}

/// Takes a page of users in, with how many are in by then, in one transaction; whoever is there stays as they are. Nobody is
/// where the survey is another's by now: the realm may be another one. A walk begun again after a crash does not take the figure
/// back.
pub async fn import_page(db: &Db, survey: &Survey, users: &[Arrival], reached: i64) -> Result<(), Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        for arrival in users {
            user::import(&transaction, survey.tenant_id, arrival).await?;
        }
        let text = "update realm_watch set imported = case when imported < $3 then $3 else imported end
             where tenant_id = $1 and survey_epoch = $2";
        let values = [survey.tenant_id.0.into(), survey.survey_epoch.into(), reached.into()];
        Ok(sql::execute(&transaction, text, values).await? == 1)
    }
    .await;
    finish_if(transaction, outcome, |ours| *ours).await.map(drop)
}

/// All are in, unless it was wanted anew meanwhile.
pub async fn import_done(db: &Db, survey: &Survey) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!(
        "update realm_watch set import_done_at = {}
         where tenant_id = $1 and survey_epoch = $2 and import_started_at is not null",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [survey.tenant_id.0.into(), survey.survey_epoch.into()]).await?;
    Ok(())
}
