//! Both panels in one answer, and the recent activity.

use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse, web};
use directory::activity;
use registry::{inbound_token, target, tenant};
use serde::Serialize;

use crate::operator::Reader;
use crate::{Control, Problem};

/// Both panels.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct IdentitySync {
    tenant: String,
    realm: String,
    /// Where **Open Admin Console** leads.
    admin_console_url: Option<String>,
    inbound: InboundPanel,
    outbound: OutboundPanel,
    version: i64,
}

/// The inbound panel.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct InboundPanel {
    /// `enabled` or `disabled`.
    status: &'static str,
    base_url: String,
    /// Stays valid beside a custom domain.
    also_valid: Option<String>,
    token_hint: Option<String>,
    token_issued_at: Option<i64>,
    token_issued_by: Option<String>,
    token_expires_at: Option<i64>,
}

/// The outbound panel.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct OutboundPanel {
    /// `enabled` or `disabled`.
    status: &'static str,
    endpoint: Option<String>,
    enabled_at: Option<i64>,
    enabled_by: Option<String>,
    quarantined_at: Option<i64>,
    quarantine_reason: Option<String>,
    paused_until: Option<i64>,
    /// What holds for every downstream, and what the probe noted about this one.
    limitations: Vec<String>,
}

/// Show both panels. Times are microseconds since the epoch.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/identity-sync", tag = "identity-sync",
    params(("tenant" = String, Path)), responses((status = 200, body = IdentitySync), (status = 304)),
    security(("bearer" = [])))]
pub(crate) async fn show(
    reader: Reader,
    request: HttpRequest,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let db = control.deps.db.clone();
    let answer = control.run(async move {
        let token = inbound_token::newest(&db, reader.0.id).await?;
        let target = target::current(&db, reader.0.id).await?;
        // Order: the tenant's row last, so that the version is never older than what is shown.
        let tenant = tenant::by_id(&db, reader.0.id).await?;
        Ok(view(&tenant, token, target))
    });
    let view = answer.await?;
    let etag = format!("\"{}\"", view.version);
    if request.headers().get("if-none-match").is_some_and(|tag| tag.as_bytes() == etag.as_bytes()) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag)).finish());
    }
    Ok(HttpResponse::Ok().insert_header((ETAG, etag)).insert_header(("cache-control", "no-cache")).json(view))
}

fn view(tenant: &tenant::Tenant, token: Option<inbound_token::Token>, target: Option<target::Target>) -> IdentitySync {
    let live = token.filter(|token| token.died_at.is_none());
    let mut limitations = vec![
        "Hard deletes are not propagated.".to_owned(),
        "There is no automatic backfill.".to_owned(),
        "One downstream per tenant.".to_owned(),
    ];
    let target = target.filter(|target| target.active);
    if let Some(target) = &target {
        limitations.extend(serde_json::from_str::<Vec<String>>(&target.limitations).unwrap_or_default());
    }
    let status = |on: bool| if on { "enabled" } else { "disabled" };
    IdentitySync {
        tenant: tenant.slug.clone(),
        realm: tenant.realm.clone(),
        admin_console_url: tenant.keycloak_url.as_ref().map(|url| format!("{url}/admin/{}/console/", tenant.realm)),
        inbound: InboundPanel {
            status: status(live.is_some()),
            base_url: tenant.scim_base_url(),
            also_valid: tenant.custom_domain.as_ref().map(|_| tenant.cluster_base_url()),
            token_hint: live.as_ref().map(|token| token.hint.clone()),
            token_issued_at: live.as_ref().map(|token| token.minted_at),
            token_issued_by: live.as_ref().map(|token| token.minted_by.clone()),
            token_expires_at: live.as_ref().and_then(|token| token.expires_at),
        },
        outbound: OutboundPanel {
            status: status(target.is_some()),
            endpoint: target.as_ref().map(|target| target.base_url.clone()),
            enabled_at: target.as_ref().map(|target| target.enabled_at),
            enabled_by: target.as_ref().map(|target| target.enabled_by.clone()),
            quarantined_at: target.as_ref().and_then(|target| target.quarantined_at),
            quarantine_reason: target.as_ref().and_then(|target| target.quarantine_reason.clone()),
            paused_until: target.as_ref().and_then(|target| target.paused_until),
            limitations,
        },
        version: tenant.version,
    }
}

/// The newest activity, both directions: names of attributes, never values.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/activity", tag = "identity-sync",
    params(("tenant" = String, Path)), responses((status = 200)), security(("bearer" = [])))]
pub(crate) async fn activity(reader: Reader, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let db = control.deps.db.clone();
    let rows = control.run(async move { Ok(activity::newest(&db, reader.0.id, 100).await?) });
    Ok(HttpResponse::Ok().json(serde_json::json!({ "activity": rows.await? })))
}
