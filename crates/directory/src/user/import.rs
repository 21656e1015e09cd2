//! Users who were in the realm before: taken into the directory with their ids, never over anything that is there (K8).

use registry::{Db, TenantId};
use scim::Object;
use scim::native::Native;
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::{Value, json};
use uuid::Uuid;

use super::email_keys;
use crate::{Error, ledger, sql};

/// The document of a user as far as the realm knows one.
pub fn document_of(native: &Native) -> Object {
    let mut document = Object::new();
    let mut set = |name: &str, value: Value| document.insert(name.to_owned(), value);
    if let Some(external_id) = &native.external_id {
        set("externalId", json!(external_id));
    }
    set("userName", json!(native.user_name));
    let mut name = Object::new();
    for (part, value) in [("familyName", &native.family_name), ("givenName", &native.given_name)] {
        if let Some(value) = value {
            name.insert(part.to_owned(), json!(value));
        }
    }
    if !name.is_empty() {
        set("name", Value::Object(name));
    }
    set("active", json!(native.active));
    if let Some(email) = &native.email {
        set("emails", json!([{ "value": email, "type": "work", "primary": true }]));
    }
    document
}

/// A realm user to be taken in.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The UUID the realm knows it by.
    pub id: Uuid,
    /// The realm's fields.
    pub base: Native,
    /// What of the realm's further attributes stands in the document, by path.
    pub mapped: Vec<(String, Value)>,
    /// Of the create that made it, if one of ours did.
    pub nonce: Option<Uuid>,
}

/// Takes a realm user in, as adopted: deleting it through SCIM will disable and release it. Says whether it was new. A
/// name or externalId that somebody has already is left to them; the document still shows it. Whom a create under way
/// has made is left to that create, which has yet to answer for it (K2).
pub async fn import(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    Arrival { id, base, mapped, nonce }: &Arrival,
) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Held {
        username: i64,
        external: i64,
    }
    let mut document = document_of(base);
    for (path, value) in mapped {
        scim::mapping::place(&mut document, path, value.clone());
    }
    let key = scim::key::username_key(&base.user_name);
    let text = "select (select count(*) from directory_user where tenant_id = $1 and username_key = $2) as username,
         (select count(*) from directory_user where tenant_id = $1 and external_key = $3) as external";
    let values = [tenant.0.into(), key.clone().into(), base.external_id.clone().into()];
    let held: Option<Held> = sql::one(connection, text, values).await?;
    let key = held.as_ref().is_none_or(|held| held.username == 0).then_some(key);
    let external_key = base.external_id.clone().filter(|_| held.is_none_or(|held| held.external == 0));
    let (email, others) = email_keys(&document, base);
    let now = ledger::clock(connection);
    let text = format!(
        "insert into directory_user (tenant_id, id, document, version, username_key, external_key, active, adopted, base,
             nonce, created_at, modified_at, logout_owed, email_key, other_email_keys)
         select $1, $2, $3, 1, $4, $5, $6, true, $7, $8, moment, moment, false, $9, $10
         from (select {now} as moment) as clock
         where not exists (select 1 from reservation where tenant_id = $1 and nonce = $11)
         on conflict do nothing"
    );
    let values = [
        tenant.0.into(),
        (*id).into(),
        serde_json::to_string(&document)?.into(),
        key.into(),
        external_key.into(),
        base.active.into(),
        serde_json::to_string(base)?.into(),
        Uuid::nil().into(),
        email.into(),
        others.into(),
        (*nonce).into(),
    ];
    Ok(sql::execute(connection, &text, values).await? == 1)
}

/// Lets go of a user whom the realm does not count as managed any more, or does not have: its groups lose it too. Says
/// which they are, for the caller to mark.
pub async fn let_go(connection: &sea_orm::DatabaseTransaction, tenant: TenantId, id: Uuid) -> Result<Vec<Uuid>, Error> {
    let text = "delete from directory_user where tenant_id = $1 and id = $2";
    if sql::execute(connection, text, [tenant.0.into(), id.into()]).await? == 0 {
        return Ok(Vec::new());
    }
    crate::member::forget(connection, tenant, id).await
}

/// Of some ids, those the directory manages.
pub async fn managed_among(db: &Db, tenant: TenantId, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Known {
        id: Uuid,
    }
    let mut found = Vec::new();
    for chunk in ids.chunks(500) {
        let places: Vec<String> = (2..chunk.len() + 2).map(|place| format!("${place}")).collect();
        let text = format!("select id from directory_user where tenant_id = $1 and id in ({})", places.join(", "));
        let values = std::iter::once(tenant.0.into()).chain(chunk.iter().map(|id| (*id).into()));
        let rows: Vec<Known> = sql::all(db.connection(), &text, values).await?;
        found.extend(rows.into_iter().map(|row| row.id));
    }
    Ok(found)
}

/// The ids of all users of the directory.
pub async fn ids(db: &Db, tenant: TenantId) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Known {
        id: Uuid,
    }
    let rows: Vec<Known> =
        sql::all(db.connection(), "select id from directory_user where tenant_id = $1", [tenant.0.into()]).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
