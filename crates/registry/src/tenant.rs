//! Tenants.

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::db::{self, clock_sql, finish};
use crate::{ClusterId, Db, Error, TenantId, audit};

/// A tenant.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name in URLs of the control API.
    pub slug: String,
    /// Its name for people.
    pub display_name: String,
    /// The Keycloak realm.
    pub realm: String,
    /// Where the realm runs.
    pub cluster_id: ClusterId,
    /// The cluster's name.
    pub cluster: String,
    /// Since when it is being moved: nothing is answered and nothing claimed (K30).
    pub frozen_at: Option<i64>,
    /// A host of the customer's own, if any.
    pub custom_domain: Option<String>,
    /// Counts configuration changes: the `ETag` of the console's page.
    pub version: i64,
    /// Bumped when the realm is moved or replaced (K30).
    pub realm_generation: i64,
    /// Scheme and host of the cluster.
    pub public_host: String,
    /// The cluster's Keycloak; none means an embedded realm.
    pub keycloak_url: Option<String>,
}

impl Tenant {
    /// `https://HOST/realms/REALM/scim/v2`: the custom domain if there is one, else the cluster's host (I3).
    pub fn scim_base_url(&self) -> String {
        base_url(self.custom_domain.as_deref(), &self.public_host, &self.realm)
    }

    /// The base URL under the cluster's host, which stays valid when a custom domain is added (I3).
    pub fn cluster_base_url(&self) -> String {
        base_url(None, &self.public_host, &self.realm)
    }
}

pub(crate) fn base_url(custom_domain: Option<&str>, public_host: &str, realm: &str) -> String {
    match custom_domain {
        Some(domain) => format!("https://{domain}/realms/{realm}/scim/v2"),
        None => format!("{public_host}/realms/{realm}/scim/v2"),
    }
}

const COLUMNS: &str = "t.id, t.slug, t.display_name, t.realm, t.cluster_id, t.custom_domain, t.version,
     t.realm_generation, c.public_host, c.keycloak_url, c.name as cluster, t.frozen_at";

const FROM: &str = "from tenant t join cluster c on c.id = t.cluster_id";

/// The columns of a [`Tenant`], of `tenant t` and its `cluster c`, named with a prefix: for a statement that reads more
/// beside it.
pub fn columns(prefix: &str) -> String {
    db::prefixed(COLUMNS, prefix)
}

/// What a new tenant is made of.
#[derive(Debug, Clone)]
pub struct New {
    /// Its name in URLs.
    pub slug: String,
    /// Its name for people.
    pub display_name: String,
    /// The realm.
    pub realm: String,
    /// Where it runs.
    pub cluster: ClusterId,
    /// A host of the customer's own.
    pub custom_domain: Option<String>,
}

/// What may be changed of a tenant.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Its name for people.
    pub display_name: Option<String>,
    /// A host of the customer's own; `Some(None)` takes it away.
    pub custom_domain: Option<Option<String>>,
}

/// Makes a tenant.
pub async fn create(db: &Db, new: &New, actor: &str) -> Result<Tenant, Error> {
    let transaction = db.begin().await?;
    let outcome = create_in(&transaction, new, actor).await;
    finish(transaction, outcome).await?;
    by_slug(db, &new.slug).await
}

async fn create_in(connection: &impl ConnectionTrait, new: &New, actor: &str) -> Result<(), Error> {
    let id = TenantId(Uuid::now_v7());
    let now = clock_sql(connection);
    let text = format!(
        "insert into tenant (id, slug, display_name, realm, cluster_id, custom_domain, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, {now}, {now})"
    );
    let values = [
        id.0.into(),
        new.slug.clone().into(),
        new.display_name.clone().into(),
        new.realm.clone().into(),
        new.cluster.0.into(),
        new.custom_domain.clone().into(),
    ];
    db::execute(connection, &text, values).await?;
    let detail = serde_json::json!({ "slug": new.slug, "realm": new.realm });
    audit::insert(connection, Some(id), actor, "tenant.create", detail).await
}

/// Changes a tenant.
pub async fn change(db: &Db, tenant: TenantId, change: &Change, actor: &str) -> Result<(), Error> {
    let transaction = db.begin().await?;
    let outcome = change_in(&transaction, tenant, change, actor).await;
    finish(transaction, outcome).await
}

async fn change_in(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    change: &Change,
    actor: &str,
) -> Result<(), Error> {
    if let Some(name) = &change.display_name {
        let text = "update tenant set display_name = $2 where id = $1";
        db::execute(connection, text, [tenant.0.into(), name.clone().into()]).await?;
    }
    if let Some(domain) = &change.custom_domain {
        let text = "update tenant set custom_domain = $2 where id = $1";
        db::execute(connection, text, [tenant.0.into(), domain.clone().into()]).await?;
    }
    bump(connection, tenant).await?;
    let detail = serde_json::json!({
        "display_name": change.display_name.is_some(),
        "custom_domain": change.custom_domain,
    });
    audit::insert(connection, Some(tenant), actor, "tenant.change", detail).await
}

/// Freezes a tenant, or thaws it: while frozen nothing is answered and nothing claimed (K30).
pub async fn freeze(db: &Db, tenant: TenantId, frozen: bool) -> Result<(), Error> {
    let now = if frozen { clock_sql(db.connection()) } else { "null" };
    let text = format!("update tenant set frozen_at = {now} where id = $1");
    db::execute(db.connection(), &text, [tenant.0.into()]).await?;
    Ok(())
}

/// The slugs of tenants that are frozen.
pub async fn frozen(db: &Db) -> Result<Vec<String>, Error> {
    #[derive(FromQueryResult)]
    struct Slug {
        slug: String,
    }
    let text = "select slug from tenant where frozen_at is not null order by slug";
    let rows: Vec<Slug> = db::all(db.connection(), text, []).await?;
    Ok(rows.into_iter().map(|row| row.slug).collect())
}

/// Puts a tenant's realm on another cluster, or under another name: one realm generation up (K30).
pub async fn relocate(db: &Db, tenant: TenantId, cluster: ClusterId, realm: &str, actor: &str) -> Result<(), Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        let text =
            "update tenant set cluster_id = $2, realm = $3, realm_generation = realm_generation + 1 where id = $1";
        db::execute(&transaction, text, [tenant.0.into(), cluster.0.into(), realm.into()]).await?;
        bump(&transaction, tenant).await?;
        let detail = serde_json::json!({ "cluster": cluster.0, "realm": realm });
        audit::insert(&transaction, Some(tenant), actor, "tenant.move", detail).await
    }
    .await;
    finish(transaction, outcome).await
}

/// Removes a tenant with everything of it; the audit entries stay.
pub async fn delete(db: &Db, tenant: TenantId, actor: &str) -> Result<(), Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        if db::execute(&transaction, "delete from tenant where id = $1", [tenant.0.into()]).await? == 0 {
            return Err(Error::NotFound("tenant"));
        }
        // The entry outlives its tenant: there is no foreign key.
        audit::insert(&transaction, Some(tenant), actor, "tenant.delete", serde_json::json!({})).await
    }
    .await;
    finish(transaction, outcome).await
}

/// One configuration change more; the version every page shows, afterwards.
pub(crate) async fn bump(connection: &impl ConnectionTrait, tenant: TenantId) -> Result<i64, Error> {
    let text = format!(
        "update tenant set version = version + 1, updated_at = {} where id = $1 returning version",
        clock_sql(connection)
    );
    let row: Option<Version> = db::one(connection, &text, [tenant.0.into()]).await?;
    row.map(|row| row.version).ok_or(Error::NotFound("tenant"))
}

/// The same, only if the version is still the one the caller saw; serializes concurrent changes of one tenant.
pub(crate) async fn bump_from(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    version: Option<i64>,
) -> Result<i64, Error> {
    let Some(version) = version else { return bump(connection, tenant).await };
    let text = format!(
        "update tenant set version = version + 1, updated_at = {} where id = $1 and version = $2 returning version",
        clock_sql(connection)
    );
    let row: Option<Version> = db::one(connection, &text, [tenant.0.into(), version.into()]).await?;
    row.map(|row| row.version).ok_or(Error::Stale)
}

#[derive(FromQueryResult)]
struct Version {
    version: i64,
}

/// By its name in URLs.
pub async fn by_slug(db: &Db, slug: &str) -> Result<Tenant, Error> {
    let text = format!("select {COLUMNS} {FROM} where t.slug = $1");
    db::one(db.connection(), &text, [slug.into()]).await?.ok_or(Error::NotFound("tenant"))
}

/// By id.
pub async fn by_id(db: &Db, id: TenantId) -> Result<Tenant, Error> {
    let text = format!("select {COLUMNS} {FROM} where t.id = $1");
    db::one(db.connection(), &text, [id.0.into()]).await?.ok_or(Error::NotFound("tenant"))
}

/// The key a tenant's cursors are signed with, made at the first need.
pub async fn cursor_key(db: &Db, tenant: TenantId) -> Result<Vec<u8>, Error> {
    #[derive(FromQueryResult)]
    struct Key {
        cursor_key: Vec<u8>,
    }
    let fresh: [u8; 32] = rand::random();
    let text = "update tenant set cursor_key = coalesce(cursor_key, $2) where id = $1 returning cursor_key";
    let row: Option<Key> = db::one(db.connection(), text, [tenant.0.into(), fresh.to_vec().into()]).await?;
    row.map(|row| row.cursor_key).ok_or(Error::NotFound("tenant"))
}

/// The tenant of a host and realm, alive or not: for noting a request whose token names nobody.
pub async fn at(db: &Db, host: &str, realm: &str) -> Result<Option<TenantId>, Error> {
    #[derive(FromQueryResult)]
    struct At {
        id: TenantId,
    }
    let text = "select t.id from tenant t join cluster c on c.id = t.cluster_id
         where t.realm = $2 and (lower(t.custom_domain) = $1 or lower(c.public_host) in ('http://' || $1, 'https://' || $1))";
    let row: Option<At> = db::one(db.connection(), text, [host.to_lowercase().into(), realm.into()]).await?;
    Ok(row.map(|row| row.id))
}

/// A page of tenants by slug, with the number of all that match. `search` matches slug, display name, realm.
pub async fn list(db: &Db, search: &str, offset: u32, limit: u32) -> Result<(Vec<Tenant>, i64), Error> {
    #[derive(FromQueryResult)]
    struct Count {
        total: i64,
    }
    let escaped = search.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let pattern = format!("%{escaped}%");
    let matching = "lower(t.slug) like $1 escape '\\' or lower(t.display_name) like $1 escape '\\'
         or lower(t.realm) like $1 escape '\\'";
    let text = format!("select {COLUMNS} {FROM} where {matching} order by t.slug limit $2 offset $3");
    let values = [pattern.clone().into(), i64::from(limit).into(), i64::from(offset).into()];
    let page = db::all(db.connection(), &text, values).await?;
    let text = format!("select count(*) as total from tenant t where {matching}");
    let count: Option<Count> = db::one(db.connection(), &text, [pattern.into()]).await?;
    Ok((page, count.map_or(0, |count| count.total)))
}
