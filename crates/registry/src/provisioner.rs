//! The one question the gateway asks on every request: whose token is this?

use sea_orm::{DbErr, FromQueryResult, QueryResult, Value};

use crate::db::{self, clock_sql};
use crate::tenant::base_url;
use crate::{Db, Error, TenantId, TokenHash};

/// An identity provider whose token is alive, with what a request needs to know of its tenant.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the tenant of its own")]
pub struct Provisioner {
    /// The tenant.
    pub tenant: TenantId,
    /// Its name in URLs.
    pub slug: String,
    /// The realm.
    pub realm: String,
    /// The cluster's Keycloak; none means an embedded realm.
    pub keycloak_url: Option<String>,
    /// The registered base URL, for `meta.location`.
    pub base_url: String,
    /// What the request's writes are admitted by, for the claims that check it again.
    pub admission: Admission,
    /// `auto`, `okta`, `entra` or `generic`.
    pub idp_profile: String,
    /// The tenant's own rate; none means the default.
    pub requests_per_second: Option<i64>,
    /// An unknown member id is an error, not skipped.
    pub strict_members: bool,
    /// A realm user SCIM did not make may be taken over.
    pub adopts: bool,
    /// The identity provider may rename users.
    pub allow_rename: bool,
    /// The tenant's own schema extensions, a JSON array.
    pub extensions: Option<String>,
    /// Signs the tenant's cursors.
    pub cursor_key: Option<Vec<u8>>,
    /// Users who were in the realm before are not all taken in yet (K8).
    pub importing: bool,
    /// The tenant is being moved: nothing is answered until it has arrived (K30).
    pub frozen: bool,
    /// Further attributes that are projected into the realm: a JSON object, SCIM path to realm attribute.
    pub projection: Option<String>,
}

/// What a write was admitted by. It begins only while all of that holds: its token is alive (K1), and its tenant neither being
/// moved nor moved since (K30).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// The token.
    pub token: TokenHash,
    /// The tenant's `realm_generation` when it was admitted.
    pub realm_generation: i64,
}

/// Why a token of the right shape is refused, for the activity; the wire only ever says 401 (W4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No tenant has or had it.
    Unknown,
    /// It died: `rotated`, `disabled` or `expired`, microseconds.
    Dead {
        /// Whose it was.
        tenant: TenantId,
        /// `rotated`, `disabled` or `expired`.
        why: String,
        /// When.
        at: i64,
    },
    /// Alive, but presented at a host or realm of somebody else.
    Elsewhere {
        /// Whose it is.
        tenant: TenantId,
    },
}

#[derive(FromQueryResult)]
struct TokenRow {
    tenant_id: TenantId,
    died_at: Option<i64>,
    died_why: Option<String>,
    expires_at: Option<i64>,
    now: i64,
    slug: String,
    realm: String,
    custom_domain: Option<String>,
    public_host: String,
    keycloak_url: Option<String>,
    idp_profile: Option<String>,
    requests_per_second: Option<i64>,
    strict_members: Option<bool>,
    existing_users: Option<String>,
    allow_rename: Option<bool>,
    extensions: Option<String>,
    cursor_key: Option<Vec<u8>>,
    importing: i64,
    frozen_at: Option<i64>,
    realm_generation: i64,
    projection: Option<String>,
}

/// Whose token it is: one indexed read, no cache, so that rotation bites on the next request of every replica (I4).
/// Host and realm of the request must both be the tenant's.
pub async fn resolve(
    db: &Db,
    token: TokenHash,
    host: &str,
    realm: &str,
) -> Result<Result<Provisioner, Refusal>, Error> {
    let text = question(db, "", "");
    let row = db::one(db.connection(), &text, [token.to_vec().into()]).await?;
    Ok(judged(row, token, host, realm))
}

/// What is read by the same statement: a row of the token's own tenant, `i.tenant_id`.
pub struct Beside {
    /// Columns, their names begin with `beside_`.
    pub columns: String,
    /// Where they are from: a left join that finds one row at most. `$1` is the token's, `$2` is [`Self::value`].
    pub join: String,
    /// What it is found by.
    pub value: Value,
}

/// The same with a row beside it, which is of no use to anybody whose token is refused.
pub async fn resolve_beside<B: FromQueryResult>(
    db: &Db,
    token: TokenHash,
    host: &str,
    realm: &str,
    beside: Beside,
) -> Result<Result<(Provisioner, Option<B>), Refusal>, Error> {
    let text = question(db, &format!(", {}", beside.columns), &beside.join);
    let row: Option<Both<B>> = db::one(db.connection(), &text, [token.to_vec().into(), beside.value]).await?;
    let (row, found) = row.map_or((None, None), |Both { row, found }| (Some(row), found));
    Ok(judged(row, token, host, realm).map(|provisioner| (provisioner, found)))
}

struct Both<B> {
    row: TokenRow,
    found: Option<B>,
}

impl<B: FromQueryResult> FromQueryResult for Both<B> {
    fn from_query_result(result: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            row: TokenRow::from_query_result(result, prefix)?,
            found: B::from_query_result_optional(result, "beside_")?,
        })
    }
}

fn question(db: &Db, columns: &str, join: &str) -> String {
    format!(
        "select i.tenant_id, i.died_at, i.died_why, i.expires_at, {} as now, t.slug, t.realm, t.custom_domain,
             c.public_host, c.keycloak_url, o.idp_profile, o.requests_per_second, o.strict_members,
             o.existing_users, o.allow_rename, o.extensions, t.cursor_key, t.frozen_at, t.realm_generation, o.projection,
             (select count(*) from realm_watch w where w.tenant_id = t.id and w.import_done_at is null) as importing{columns}
         from inbound_token i join tenant t on t.id = i.tenant_id join cluster c on c.id = t.cluster_id
             left join tenant_option o on o.tenant_id = t.id {join}
         where i.hash = $1",
        clock_sql(db.connection())
    )
}

fn judged(row: Option<TokenRow>, token: TokenHash, host: &str, realm: &str) -> Result<Provisioner, Refusal> {
    let Some(row) = row else { return Err(Refusal::Unknown) };
    let tenant = row.tenant_id;
    if let Some(at) = row.died_at {
        return Err(Refusal::Dead { tenant, why: row.died_why.unwrap_or_else(|| "disabled".to_owned()), at });
    }
    if let Some(at) = row.expires_at.filter(|expires| *expires <= row.now) {
        return Err(Refusal::Dead { tenant, why: "expired".to_owned(), at });
    }
    let ours = row.custom_domain.as_deref().is_some_and(|domain| domain.eq_ignore_ascii_case(host))
        || row.public_host.split_once("://").is_some_and(|(_, public)| public.eq_ignore_ascii_case(host));
    if !ours || row.realm != realm {
        return Err(Refusal::Elsewhere { tenant });
    }
    Ok(Provisioner {
        tenant,
        base_url: base_url(row.custom_domain.as_deref(), &row.public_host, &row.realm),
        slug: row.slug,
        realm: row.realm,
        keycloak_url: row.keycloak_url,
        admission: Admission { token, realm_generation: row.realm_generation },
        idp_profile: row.idp_profile.unwrap_or_else(|| "auto".to_owned()),
        requests_per_second: row.requests_per_second,
        strict_members: row.strict_members.unwrap_or(false),
        adopts: row.existing_users.as_deref() == Some("adopt"),
        allow_rename: row.allow_rename.unwrap_or(true),
        extensions: row.extensions,
        cursor_key: row.cursor_key,
        importing: row.importing > 0,
        frozen: row.frozen_at.is_some(),
        projection: row.projection,
    })
}
