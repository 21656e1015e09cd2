//! The last accepted and the last refused request of a tenant's identity provider: one row a tenant, however many come.

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;

use crate::{Error, sql};

/// A request that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// When, microseconds.
    pub at: i64,
    /// `POST /Users`, …
    pub operation: String,
    /// The product the identity provider names itself.
    pub client: Option<String>,
}

/// A request whose credentials were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// When, microseconds.
    pub at: i64,
    /// `POST /Users`, …
    pub operation: String,
    /// A stable class.
    pub class: String,
    /// Why, in words.
    pub reason: String,
}

#[derive(FromQueryResult)]
struct Row {
    accepted_at: Option<i64>,
    accepted_operation: Option<String>,
    accepted_client: Option<String>,
    rejected_at: Option<i64>,
    rejected_operation: Option<String>,
    rejected_class: Option<String>,
    rejected_reason: Option<String>,
}

/// Notes the newest accepted request.
pub async fn accepted(db: &Db, tenant: TenantId, accepted: &Accepted) -> Result<(), Error> {
    let text = "insert into inbound_contact (tenant_id, accepted_at, accepted_operation, accepted_client)
         values ($1, $2, $3, $4)
         on conflict (tenant_id) do update set accepted_at = excluded.accepted_at,
             accepted_operation = excluded.accepted_operation, accepted_client = excluded.accepted_client
         where inbound_contact.accepted_at is null or inbound_contact.accepted_at <= excluded.accepted_at";
    let values =
        [tenant.0.into(), accepted.at.into(), accepted.operation.clone().into(), accepted.client.clone().into()];
    sql::execute(db.connection(), text, values).await?;
    Ok(())
}

/// Notes the newest refused request.
pub async fn rejected(db: &Db, tenant: TenantId, rejected: &Rejected) -> Result<(), Error> {
    let text =
        "insert into inbound_contact (tenant_id, rejected_at, rejected_operation, rejected_class, rejected_reason)
         values ($1, $2, $3, $4, $5)
         on conflict (tenant_id) do update set rejected_at = excluded.rejected_at,
             rejected_operation = excluded.rejected_operation, rejected_class = excluded.rejected_class,
             rejected_reason = excluded.rejected_reason
         where inbound_contact.rejected_at is null or inbound_contact.rejected_at <= excluded.rejected_at";
    let values = [
        tenant.0.into(),
        rejected.at.into(),
        rejected.operation.clone().into(),
        rejected.class.clone().into(),
        rejected.reason.clone().into(),
    ];
    sql::execute(db.connection(), text, values).await?;
    Ok(())
}

/// Both, as far as there were any.
pub async fn of(db: &Db, tenant: TenantId) -> Result<(Option<Accepted>, Option<Rejected>), Error> {
    let text = "select accepted_at, accepted_operation, accepted_client, rejected_at, rejected_operation,
             rejected_class, rejected_reason
         from inbound_contact where tenant_id = $1";
    let Some(row) = sql::one::<Row>(db.connection(), text, [tenant.0.into()]).await? else { return Ok((None, None)) };
    let accepted = row.accepted_at.map(|at| Accepted {
        at,
        operation: row.accepted_operation.unwrap_or_default(),
        client: row.accepted_client,
    });
    let rejected = row.rejected_at.map(|at| Rejected {
        at,
        operation: row.rejected_operation.unwrap_or_default(),
        class: row.rejected_class.unwrap_or_default(),
        reason: row.rejected_reason.unwrap_or_default(),
    });
    Ok((accepted, rejected))
}
