//! Audit: who did what when, written in the transaction of the change it tells of.

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::db::{self, clock_sql};
use crate::{Db, Error, TenantId};

/// An audit entry as stored.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Entry {
    /// Ordered by time.
    pub id: Uuid,
    /// When, microseconds.
    pub at: i64,
    /// The token's `sub`, or `system`.
    pub actor: String,
    /// `inbound.rotate`, `tenant.create`, …
    pub action: String,
    /// Facts without secrets, JSON.
    pub detail: String,
}

/// An entry that is written with the change it tells of.
#[derive(Debug)]
pub struct Note<'a> {
    /// The token's `sub`, `cli` or `system`.
    pub actor: &'a str,
    /// What is done.
    pub action: &'static str,
    /// Facts without secrets and personal data.
    pub detail: serde_json::Value,
}

/// Writes an entry inside the caller's transaction.
pub async fn insert(
    connection: &impl ConnectionTrait,
    tenant: Option<TenantId>,
    actor: &str,
    action: &str,
    detail: serde_json::Value,
) -> Result<(), Error> {
    let text = format!(
        "insert into audit_entry (id, tenant_id, at, actor, action, detail) values ($1, $2, {}, $3, $4, $5)",
        clock_sql(connection)
    );
    let values = [
        Uuid::now_v7().into(),
        tenant.map(|tenant| tenant.0).into(),
        actor.into(),
        action.into(),
        detail.to_string().into(),
    ];
    db::execute(connection, &text, values).await?;
    Ok(())
}

/// Writes an entry about something that changes nothing in the database: before it is done, so that nothing is done without
/// one.
pub async fn note(
    db: &Db,
    tenant: TenantId,
    actor: &str,
    action: &str,
    detail: serde_json::Value,
) -> Result<(), Error> {
    insert(db.connection(), Some(tenant), actor, action, detail).await
}

/// Takes a user's id out of the facts of a tenant's entries, and with it the id of the user's record in an application; the
/// entries stay.
pub async fn redact(connection: &impl ConnectionTrait, tenant: TenantId, user: Uuid) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct Facts {
        id: Uuid,
        detail: String,
    }
    let user = user.to_string();
    let text = "select id, detail from audit_entry where tenant_id = $1 and detail like $2";
    let naming: Vec<Facts> = db::all(connection, text, [tenant.0.into(), format!("%{user}%").into()]).await?;
    for Facts { id, detail } in naming {
        // Read, not searched for: an application's id may be short enough to be part of anything.
        let mut detail: serde_json::Value =
            serde_json::from_str(&detail).map_err(|_| Error::Inconsistent("audit_entry.detail"))?;
        if let Some(record) = detail.get_mut("downstream_id") {
            *record = "erased".into();
        }
        let detail = detail.to_string().replace(&user, "erased");
        let text = "update audit_entry set detail = $2 where id = $1";
        db::execute(connection, text, [id.into(), detail.into()]).await?;
    }
    Ok(())
}

/// The newest entries of a tenant, newest first.
pub async fn newest(db: &Db, tenant: TenantId, limit: u32) -> Result<Vec<Entry>, Error> {
    let text = "select id, at, actor, action, detail from audit_entry where tenant_id = $1
         order by at desc, id desc limit $2";
    db::all(db.connection(), text, [tenant.0.into(), i64::from(limit).into()]).await
}

/// The newest entry of a tenant with one of some actions.
pub async fn last(db: &Db, tenant: TenantId, actions: &[&str]) -> Result<Option<Entry>, Error> {
    let places: Vec<String> = (2..actions.len() + 2).map(|place| format!("${place}")).collect();
    let text = format!(
        "select id, at, actor, action, detail from audit_entry where tenant_id = $1 and action in ({})
         order by at desc, id desc limit 1",
        places.join(", ")
    );
    let values = std::iter::once(tenant.0.into()).chain(actions.iter().map(|action| (*action).into()));
    db::one(db.connection(), &text, values).await
}
