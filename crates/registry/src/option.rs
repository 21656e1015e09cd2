//! Inbound settings of a tenant, with safe defaults; a missing row means the defaults.

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::db::{self, finish};
use crate::{Db, Error, TenantId, audit, tenant};

/// A tenant's inbound settings.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Options {
    /// `auto`, `okta`, `entra` or `generic`.
    pub idp_profile: String,
    /// An unknown member id is an error, not skipped.
    pub strict_members: bool,
    /// `refuse` or `adopt`: what happens to a realm user SCIM did not make.
    pub existing_users: String,
    /// Whether the identity provider may rename users.
    pub allow_rename: bool,
    /// The realm takes usernames of any script and characters.
    pub any_username: bool,
    /// After how many days a token expires; none by default.
    pub token_days: Option<i64>,
    /// The gateway's rate for this tenant; none means the deployment's default.
    pub requests_per_second: Option<i64>,
    /// The tenant's own schema extensions: a JSON array of `{"resource": "User" | "Group", "schema": …}`.
    pub extensions: Option<String>,
    /// Further attributes projected into the realm: a JSON object, SCIM path to realm attribute.
    pub projection: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            idp_profile: "auto".to_owned(),
            strict_members: false,
            existing_users: "refuse".to_owned(),
            allow_rename: true,
            any_username: false,
            token_days: None,
            requests_per_second: None,
            extensions: None,
            projection: None,
        }
    }
}

/// The settings of a tenant.
pub async fn of(db: &Db, tenant: TenantId) -> Result<Options, Error> {
    of_in(db.connection(), tenant).await
}

pub(crate) async fn of_in(connection: &impl ConnectionTrait, tenant: TenantId) -> Result<Options, Error> {
    let text = "select idp_profile, strict_members, existing_users, allow_rename, token_days, requests_per_second,
             extensions, projection, any_username
         from tenant_option where tenant_id = $1";
    Ok(db::one(connection, text, [tenant.0.into()]).await?.unwrap_or_default())
}

/// Replaces the settings of a tenant; of a version, only while it is the newest.
pub async fn set(db: &Db, tenant: TenantId, options: &Options, version: Option<i64>, actor: &str) -> Result<(), Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        tenant::bump_from(&transaction, tenant, version).await?;
        let text = "insert into tenant_option (tenant_id, idp_profile, strict_members, existing_users, allow_rename,
                 token_days, requests_per_second, extensions, projection, any_username)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             on conflict (tenant_id) do update set idp_profile = excluded.idp_profile,
                 strict_members = excluded.strict_members, existing_users = excluded.existing_users,
                 allow_rename = excluded.allow_rename, token_days = excluded.token_days,
                 requests_per_second = excluded.requests_per_second, extensions = excluded.extensions,
                 projection = excluded.projection, any_username = excluded.any_username";
        let values = [
            tenant.0.into(),
            options.idp_profile.clone().into(),
            options.strict_members.into(),
            options.existing_users.clone().into(),
            options.allow_rename.into(),
            options.token_days.into(),
            options.requests_per_second.into(),
            options.extensions.clone().into(),
            options.projection.clone().into(),
            options.any_username.into(),
        ];
        db::execute(&transaction, text, values).await?;
        let detail = serde_json::json!({
            "idp_profile": options.idp_profile, "existing_users": options.existing_users,
            "allow_rename": options.allow_rename, "any_username": options.any_username,
            "strict_members": options.strict_members,
        });
        audit::insert(&transaction, Some(tenant), actor, "tenant.options", detail).await
    }
    .await;
    finish(transaction, outcome).await
}
