//! Inbound on, rotate, off. *Enabled* is one fact: a token that is alive. Dead ones stay, so that activity can say when
//! and why they died. Each verb is one transaction with its audit entry.

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::db::{self, clock_sql, finish};
use crate::{BearerToken, Db, Error, TenantId, audit, option, tenant};

/// What is known of a token.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Token {
    /// The last four characters.
    pub hint: String,
    /// When, microseconds.
    pub minted_at: i64,
    /// By whom.
    pub minted_by: String,
    /// When it will die by itself.
    pub expires_at: Option<i64>,
    /// When it died.
    pub died_at: Option<i64>,
    /// `rotated`, `disabled`.
    pub died_why: Option<String>,
}

/// The newest token of a tenant, alive or dead.
pub async fn newest(db: &Db, tenant: TenantId) -> Result<Option<Token>, Error> {
    let text = "select hint, minted_at, minted_by, expires_at, died_at, died_why from inbound_token
         where tenant_id = $1 order by minted_at desc, died_at is null desc limit 1";
    db::one(db.connection(), text, [tenant.0.into()]).await
}

/// Switches inbound on with a fresh token. [`Error::AlreadyEnabled`] if there is one alive. Says the configuration's
/// version afterwards.
pub async fn enable(db: &Db, tenant: TenantId, token: &BearerToken, actor: &str) -> Result<i64, Error> {
    let transaction = db.begin().await?;
    let outcome = enable_in(&transaction, tenant, token, actor).await;
    finish(transaction, outcome).await
}

/// The same inside the caller's transaction. What has to go with it goes before its commit: the token is nowhere else, and
/// after the commit nothing may fail that stands before its answer.
pub async fn enable_in(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    token: &BearerToken,
    actor: &str,
) -> Result<i64, Error> {
    let version = tenant::bump(connection, tenant).await?;
    insert(connection, tenant, token, actor).await?;
    let detail = serde_json::json!({ "hint": token.hint() });
    audit::insert(connection, Some(tenant), actor, "inbound.enable", detail).await?;
    Ok(version)
}

/// Replaces the token; the previous one is dead when this returns (I4). With a `version`, only if nobody changed the
/// configuration since: of many rotations at once, one wins and the others are [`Error::Stale`]. Says the version afterwards.
pub async fn rotate(
    db: &Db,
    tenant: TenantId,
    token: &BearerToken,
    version: Option<i64>,
    actor: &str,
) -> Result<i64, Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        // Order: the tenant's row first, which makes concurrent rotations queue up.
        let version = tenant::bump_from(&transaction, tenant, version).await?;
        kill(&transaction, tenant, "rotated").await?;
        insert(&transaction, tenant, token, actor).await?;
        let detail = serde_json::json!({ "hint": token.hint() });
        audit::insert(&transaction, Some(tenant), actor, "inbound.rotate", detail).await?;
        Ok(version)
    }
    .await;
    finish(transaction, outcome).await
}

/// Switches inbound off: every request gets 401 from now on (I5).
pub async fn disable(db: &Db, tenant: TenantId, actor: &str) -> Result<(), Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        tenant::bump(&transaction, tenant).await?;
        kill(&transaction, tenant, "disabled").await?;
        audit::insert(&transaction, Some(tenant), actor, "inbound.disable", serde_json::json!({})).await
    }
    .await;
    finish(transaction, outcome).await
}

async fn kill(connection: &impl ConnectionTrait, tenant: TenantId, why: &str) -> Result<(), Error> {
    let text = format!(
        "update inbound_token set died_at = {}, died_why = $2 where tenant_id = $1 and died_at is null",
        clock_sql(connection)
    );
    match db::execute(connection, &text, [tenant.0.into(), why.into()]).await? {
        0 => Err(Error::NotEnabled),
        _ => Ok(()),
    }
}

async fn insert(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    token: &BearerToken,
    actor: &str,
) -> Result<(), Error> {
    let days = option::of_in(connection, tenant).await?.token_days;
    let now = clock_sql(connection);
    let text = format!(
        "insert into inbound_token (hash, tenant_id, hint, minted_at, minted_by, expires_at)
         values ($1, $2, $3, {now}, $4, {now} + $5)"
    );
    let life: Option<i64> = days.map(|days| days.saturating_mul(86_400_000_000));
    let values = [token.hash().to_vec().into(), tenant.0.into(), token.hint().into(), actor.into(), life.into()];
    db::execute(connection, &text, values).await?;
    Ok(())
}
