//! What a tenant chooses for its downstream, and the two ways a target is set aside for a person: a mass of records that
//! are gone holds it, a mass of deactivations is alarmed about.

use crate::db::{self, clock_sql};
use crate::quarantine::Cause;
use crate::{Db, Error, TargetId, TenantId, audit, tenant};

/// A tenant's choices for its downstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choices {
    /// Who is deleted in the realm is deactivated downstream; otherwise nothing happens.
    pub deactivates_deleted: bool,
    /// A mass of deactivations is held for a person; otherwise they flow.
    pub holds_mass: bool,
    /// Groups are pushed beside users.
    pub pushes_groups: bool,
}

/// Stores the choices for the active target, inside the caller's transaction, which goes on with what the ledger owes of
/// groups; of a version, only while it is the newest. Says which target it is; [`Error::NotEnabled`] if there is none.
pub async fn choose(
    transaction: &sea_orm::DatabaseTransaction,
    tenant: TenantId,
    choices: Choices,
    version: Option<i64>,
    actor: &str,
) -> Result<TargetId, Error> {
    #[derive(sea_orm::FromQueryResult)]
    struct Active {
        id: TargetId,
    }
    tenant::bump_from(transaction, tenant, version).await?;
    let on_delete = if choices.deactivates_deleted { "deactivate" } else { "nothing" };
    let text = "update target set on_delete = $2, hold_mass = $3, push_groups = $4
         where tenant_id = $1 and state = 'active' returning id";
    let values = [tenant.0.into(), on_delete.into(), choices.holds_mass.into(), choices.pushes_groups.into()];
    let active: Active = db::one(transaction, text, values).await?.ok_or(Error::NotEnabled)?;
    let detail = serde_json::json!({
        "on_delete": on_delete,
        "hold_mass_deactivation": choices.holds_mass,
        "push_groups": choices.pushes_groups,
    });
    audit::insert(transaction, Some(tenant), actor, "outbound.options", detail).await?;
    Ok(active.id)
}

/// Sets a target aside until a person disables and enables it: nothing probes it meanwhile (K23).
pub async fn hold(db: &Db, id: TargetId, generation: i64, cause: Cause) -> Result<(), Error> {
    let text = format!(
        "update target set quarantined_at = {}, quarantine_reason = $3, probe_at = null
         where id = $1 and generation = $2 and quarantined_at is null",
        clock_sql(db.connection())
    );
    db::execute(db.connection(), &text, [id.0.into(), generation.into(), cause.words().into()]).await?;
    Ok(())
}

/// Says whether a mass of deactivations is to be alarmed about now: once in so many microseconds.
pub async fn alarm(db: &Db, id: TargetId, every: i64) -> Result<bool, Error> {
    let text = format!(
        "update target set alarmed_at = {0} where id = $1 and (alarmed_at is null or alarmed_at < {0} - $2)",
        clock_sql(db.connection())
    );
    Ok(db::execute(db.connection(), &text, [id.0.into(), every.into()]).await? == 1)
}
