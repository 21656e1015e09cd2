//! The data-path client of a realm: its id and sealed secret. Made by `control`, read by every role that calls the
//! realm; sealed under a keyring of its own, so that the gateway cannot open downstream tokens.

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::audit::Note;
use crate::db::{self, clock_sql, finish};
use crate::seal::Sealed;
use crate::{Db, Error, TenantId, audit};

/// A realm's data-path client.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The OAuth client id in the realm.
    pub client_id: String,
    /// Its secret, sealed under [`aad`].
    pub secret: Sealed,
    /// Counts rotations.
    pub generation: i64,
}

#[derive(FromQueryResult)]
struct Row {
    client_id: String,
    sealed_secret: Vec<u8>,
    generation: i64,
}

/// What a sealed realm secret is bound to.
pub fn aad(tenant: TenantId) -> String {
    format!("{tenant}|realm.secret")
}

/// The credential of a tenant's realm, once it is provisioned.
pub async fn of(db: &Db, tenant: TenantId) -> Result<Option<Credential>, Error> {
    let text = "select client_id, sealed_secret, generation from realm_credential where tenant_id = $1";
    let row: Option<Row> = db::one(db.connection(), text, [tenant.0.into()]).await?;
    Ok(row.map(|row| Credential {
        client_id: row.client_id,
        secret: Sealed(row.sealed_secret),
        generation: row.generation,
    }))
}

/// Stores a credential, one generation up, with an entry of who wanted that; none where it is part of an enable, which
/// has its own.
pub async fn store(
    db: &Db,
    tenant: TenantId,
    client_id: &str,
    secret: &Sealed,
    note: Option<&Note<'_>>,
) -> Result<(), Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        put(&transaction, tenant, client_id, secret).await?;
        if let Some(Note { actor, action, detail }) = note {
            audit::insert(&transaction, Some(tenant), actor, action, detail.clone()).await?;
        }
        Ok(())
    }
    .await;
    finish(transaction, outcome).await
}

async fn put(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    client_id: &str,
    secret: &Sealed,
) -> Result<(), Error> {
    let text = format!(
        "insert into realm_credential (tenant_id, client_id, sealed_secret, generation, updated_at)
         values ($1, $2, $3, 1, {0})
         on conflict (tenant_id) do update set client_id = excluded.client_id,
             sealed_secret = excluded.sealed_secret, generation = realm_credential.generation + 1, updated_at = {0}",
        clock_sql(connection)
    );
    db::execute(connection, &text, [tenant.0.into(), client_id.into(), secret.0.clone().into()]).await?;
    Ok(())
}
