//! Tenants: listed for the console, made and removed by Kevra's own deployment system.

use actix_web::{HttpResponse, web};
use registry::tenant::{self, Change, New, Tenant};
use serde::{Deserialize, Serialize};

use crate::operator::{Lister, TenantsAdmin, Viewer};
use crate::{Control, Problem, standstill};

/// A tenant.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct TenantView {
    slug: String,
    display_name: String,
    realm: String,
    custom_domain: Option<String>,
    base_url: String,
}

impl From<&Tenant> for TenantView {
    fn from(tenant: &Tenant) -> Self {
        Self {
            slug: tenant.slug.clone(),
            display_name: tenant.display_name.clone(),
            realm: tenant.realm.clone(),
            custom_domain: tenant.custom_domain.clone(),
            base_url: tenant.scim_base_url(),
        }
    }
}

/// Which page of tenants.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Part of slug, display name or realm.
    #[serde(default)]
    search: String,
    /// How many to skip.
    #[serde(default)]
    offset: u32,
    /// How many at most, up to 200.
    #[serde(default = "default_limit")]
    limit: u32,
}

fn default_limit() -> u32 {
    50
}

/// A page of tenants.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct TenantList {
    tenants: Vec<TenantView>,
    total: i64,
}

/// List tenants.
#[utoipa::path(get, path = "/v1/tenants", tag = "tenants", params(ListQuery),
    responses((status = 200, body = TenantList)), security(("bearer" = [])))]
pub(crate) async fn list(
    lister: Lister,
    query: web::Query<ListQuery>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let db = control.deps.db.clone();
    let answer = control.run(async move {
        if let Some(slug) = lister.only {
            let tenant = tenant::by_slug(&db, &slug).await?;
            return Ok(TenantList { tenants: vec![(&tenant).into()], total: 1 });
        }
        let (page, total) = tenant::list(&db, &query.search, query.offset, query.limit.min(200)).await?;
        Ok(TenantList { tenants: page.iter().map(Into::into).collect(), total })
    });
    Ok(HttpResponse::Ok().json(answer.await?))
}

/// A tenant to make.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateTenant {
    slug: String,
    #[serde(default)]
    display_name: Option<String>,
    realm: String,
    #[serde(default)]
    cluster: Option<String>,
    #[serde(default)]
    custom_domain: Option<String>,
}

/// Make a tenant.
#[utoipa::path(post, path = "/v1/tenants", tag = "tenants", request_body = CreateTenant,
    responses((status = 201, body = TenantView)), security(("bearer" = [])))]
pub(crate) async fn create(
    admin: TenantsAdmin,
    body: web::Json<CreateTenant>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    check_slug("slug", &body.slug)?;
    check_realm(&body.realm)?;
    let custom_domain = body.custom_domain.as_deref().map(domain).transpose()?;
    let db = control.deps.db.clone();
    let cluster = body.cluster.unwrap_or_else(|| control.config.cluster.clone());
    let answer = control.run(async move {
        let cluster = registry::cluster::by_name(&db, &cluster).await?;
        let display_name = body.display_name.unwrap_or_else(|| body.slug.clone());
        let new = New { slug: body.slug, display_name, realm: body.realm, cluster: cluster.id, custom_domain };
        Ok(tenant::create(&db, &new, &admin.actor).await?)
    });
    Ok(HttpResponse::Created().json(TenantView::from(&answer.await?)))
}

/// Show a tenant.
#[utoipa::path(get, path = "/v1/tenants/{tenant}", tag = "tenants", params(("tenant" = String, Path)),
    responses((status = 200, body = TenantView)), security(("bearer" = [])))]
pub(crate) async fn show(viewer: Viewer) -> HttpResponse {
    HttpResponse::Ok().json(TenantView::from(&viewer.0))
}

/// What to change of a tenant.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeTenant {
    #[serde(default)]
    display_name: Option<String>,
    /// Null takes the domain away.
    #[serde(default, deserialize_with = "present")]
    custom_domain: Option<Option<String>>,
}

/// A field that is there, even as null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// Change a tenant.
#[utoipa::path(patch, path = "/v1/tenants/{tenant}", tag = "tenants", params(("tenant" = String, Path)),
    request_body = ChangeTenant, responses((status = 200, body = TenantView)), security(("bearer" = [])))]
pub(crate) async fn change(
    admin: TenantsAdmin,
    slug: web::Path<String>,
    body: web::Json<ChangeTenant>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let custom_domain = match body.custom_domain {
        Some(Some(name)) => Some(Some(domain(&name)?)),
        other => other,
    };
    let db = control.deps.db.clone();
    let answer = control.run(async move {
        let found = tenant::by_slug(&db, &slug).await?;
        let change = Change { display_name: body.display_name, custom_domain };
        tenant::change(&db, found.id, &change, &admin.actor).await?;
        Ok(tenant::by_slug(&db, &slug).await?)
    });
    Ok(HttpResponse::Ok().json(TenantView::from(&answer.await?)))
}

/// How to remove a tenant.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteQuery {
    /// Do not put the realm's event stores back: for a realm that is gone already.
    #[serde(default)]
    leave_realm: bool,
}

/// Remove a tenant with everything of it, once both directions are off and nothing of it is under way. Its realm stays.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}", tag = "tenants", params(("tenant" = String, Path), DeleteQuery),
    responses((status = 204), (status = 422)), security(("bearer" = [])))]
pub(crate) async fn delete(
    admin: TenantsAdmin,
    slug: web::Path<String>,
    query: web::Query<DeleteQuery>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let gone = control.run(async move {
        let found = tenant::by_slug(&deps.db, &slug).await?;
        standstill::remove(&deps.db, &*deps.realms, &found, query.leave_realm, &admin.actor).await
    });
    gone.await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(crate) fn check_slug(field: &'static str, text: &str) -> Result<(), Problem> {
    let good = (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if good {
        Ok(())
    } else {
        Err(Problem::Field { field, reason: "1 to 63 lower-case letters, digits and hyphens".to_owned() })
    }
}

/// Whether a realm may be a tenant's: never Keycloak's own.
pub fn check_realm(text: &str) -> Result<(), Problem> {
    let good = (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && text != "master"
        && !text.starts_with('.');
    if good {
        Ok(())
    } else {
        let reason = "letters, digits, hyphens, dots and underscores; not the realm master".to_owned();
        Err(Problem::Field { field: "realm", reason })
    }
}

pub(crate) fn domain(text: &str) -> Result<String, Problem> {
    let name = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() <= 253 && name.contains('.') && name.split('.').all(label) {
        Ok(name)
    } else {
        Err(Problem::Field { field: "custom_domain", reason: "a host name such as login.example.com".to_owned() })
    }
}
