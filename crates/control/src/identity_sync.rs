//! Both panels in one answer.

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::{HttpResponse, web};
use directory::contact::{self, Accepted, Rejected};
use directory::watch::{self, Import};
use directory::{ledger, trail};
use registry::inbound_token::Token;
use registry::option::{self, Options};
use registry::quarantine::Cause;
use registry::target::{self, Target};
use registry::tenant::Tenant;
use registry::{audit, inbound_token, tenant};
use serde::Serialize;

use crate::backfill::Backfill;
use crate::held::Held;
use crate::inbound::{ExistingUsers, IdpProfile};
use crate::moment::shown;
use crate::operator::Reader;
use crate::outbound::OutboundOptions;
use crate::{Control, Deps, Problem};

/// What changes the inbound panel, among audit entries.
const INBOUND: [&str; 3] = ["inbound.enable", "inbound.rotate", "inbound.disable"];

/// Both panels.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct IdentitySync {
    tenant: String,
    display_name: String,
    realm: String,
    /// The configuration's version, for `If-Match`.
    version: i64,
    /// Where **Open Admin Console** leads.
    admin_console_url: Option<String>,
    realm_kind: RealmKind,
    inbound: InboundPanel,
    outbound: OutboundPanel,
}

/// What keeps the realm.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum RealmKind {
    Keycloak,
    Embedded,
}

/// Whether a direction is on.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    Enabled,
    Disabled,
}

/// The inbound panel.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct InboundPanel {
    status: Status,
    base_url: String,
    /// Stays valid beside a custom domain.
    also_valid: Option<String>,
    token_hint: Option<String>,
    token_issued_at: Option<String>,
    token_issued_by: Option<String>,
    token_expires_at: Option<String>,
    last_accepted: Option<AcceptedRequest>,
    last_rejected: Option<RejectedRequest>,
    /// When and by whom it was last enabled, rotated or disabled.
    changed_at: Option<String>,
    changed_by: Option<String>,
    options: InboundSettings,
    /// Since the last enable.
    import: Option<ImportProgress>,
}

/// The identity provider's last accepted request.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct AcceptedRequest {
    at: String,
    operation: String,
    client: Option<String>,
}

/// The last request whose credentials were refused, and why.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct RejectedRequest {
    at: String,
    operation: String,
    #[schema(value_type = Refusal)]
    class: String,
    reason: String,
}

/// Why credentials were refused; the identity provider is told none of it (W4).
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of a column, for the document")]
enum Refusal {
    NoBearer,
    DoubledBearer,
    Unusable,
    Malformed,
    Rotated,
    Disabled,
    Expired,
    Elsewhere,
    Unknown,
}

/// How far it is that users who carry `scim-managed` already are taken in (W8).
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ImportProgress {
    state: ImportState,
    imported: i64,
    started_at: String,
}

impl ImportProgress {
    /// Nothing before it has begun.
    fn of(import: &Import) -> Option<Self> {
        let &Import { import_started_at, imported, import_done_at } = import;
        let state = if import_done_at.is_some() { ImportState::Done } else { ImportState::Running };
        import_started_at.map(|at| Self { state, imported, started_at: shown(at) })
    }
}

/// Whether the import is through.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum ImportState {
    Running,
    Done,
}

/// Inbound settings.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct InboundSettings {
    #[schema(value_type = IdpProfile)]
    idp_profile: String,
    strict_members: bool,
    #[schema(value_type = ExistingUsers)]
    existing_users: String,
    allow_rename: bool,
    any_username: bool,
    token_days: Option<i64>,
    requests_per_second: Option<i64>,
}

/// The outbound panel.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct OutboundPanel {
    status: Status,
    endpoint: Option<String>,
    enabled_at: Option<String>,
    enabled_by: Option<String>,
    quarantined_at: Option<String>,
    quarantine_code: Option<QuarantineCode>,
    /// For people; programs go by the code.
    quarantine_reason: Option<String>,
    paused_until: Option<String>,
    /// What holds for every downstream, and what the probe noted about this one.
    limitations: Vec<String>,
    health: Option<Health>,
    /// What waits for a person.
    held: Held,
    options: Option<OutboundOptions>,
    backfill: Option<Backfill>,
}

/// Why nothing is sent to the downstream; it stays while probes fail.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum QuarantineCode {
    /// It answers 401.
    Unauthorized,
    /// It answers 403.
    Forbidden,
    /// Many of its records are gone.
    Gone,
    /// As the reason says.
    Other,
}

impl QuarantineCode {
    fn of(target: &Target) -> Option<Self> {
        target.quarantined_at?;
        Some(match target.quarantine_reason.as_deref().and_then(Cause::of) {
            Some(Cause::Unauthorized) => Self::Unauthorized,
            Some(Cause::Forbidden) => Self::Forbidden,
            Some(Cause::Gone) => Self::Gone,
            None => Self::Other,
        })
    }
}

/// What waits, and when something last arrived.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Health {
    waiting: i64,
    parked: i64,
    oldest_waiting_seconds: i64,
    last_delivered_at: Option<String>,
}

/// Show both panels.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/identity-sync", tag = "identity-sync",
    params(("tenant" = String, Path)), responses((status = 200, body = IdentitySync)), security(("bearer" = [])))]
pub(crate) async fn show(reader: Reader, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let view = control.run(async move { view(&deps, &reader.0).await }).await?;
    // The version is what `If-Match` takes; health changes without it, so the answer is never "not modified".
    let etag = format!("\"{}\"", view.version);
    Ok(HttpResponse::Ok().insert_header((ETAG, etag)).insert_header((CACHE_CONTROL, "no-store")).json(view))
}

async fn view(deps: &Deps, found: &Tenant) -> Result<IdentitySync, Problem> {
    let inbound = inbound(deps, found).await?;
    let outbound = outbound(deps, found).await?;
    // Order: the tenant's row last, so that the version is never newer than what is shown.
    let version = found.version.min(tenant::by_id(&deps.db, found.id).await?.version);
    let console = |url: &String| format!("{url}/admin/{}/console/", found.realm);
    Ok(IdentitySync {
        tenant: found.slug.clone(),
        display_name: found.display_name.clone(),
        realm: found.realm.clone(),
        version,
        admin_console_url: found.keycloak_url.as_ref().map(console),
        realm_kind: if found.keycloak_url.is_some() { RealmKind::Keycloak } else { RealmKind::Embedded },
        inbound,
        outbound,
    })
}

fn status(on: bool) -> Status {
    if on { Status::Enabled } else { Status::Disabled }
}

async fn inbound(deps: &Deps, tenant: &Tenant) -> Result<InboundPanel, Problem> {
    let live = inbound_token::newest(&deps.db, tenant.id).await?.filter(|token| token.died_at.is_none());
    let (accepted, rejected) = contact::of(&deps.db, tenant.id).await?;
    let changed = audit::last(&deps.db, tenant.id, &INBOUND).await?;
    let import = watch::import_state(&deps.db, tenant.id).await?.filter(|_| live.is_some());
    let token = |field: &dyn Fn(&Token) -> Option<String>| live.as_ref().and_then(field);
    Ok(InboundPanel {
        status: status(live.is_some()),
        base_url: tenant.scim_base_url(),
        also_valid: tenant.custom_domain.as_ref().map(|_| tenant.cluster_base_url()),
        token_hint: token(&|token| Some(token.hint.clone())),
        token_issued_at: token(&|token| Some(shown(token.minted_at))),
        token_issued_by: token(&|token| Some(token.minted_by.clone())),
        token_expires_at: token(&|token| token.expires_at.map(shown)),
        last_accepted: accepted.map(Into::into),
        last_rejected: rejected.map(Into::into),
        changed_at: changed.as_ref().map(|entry| shown(entry.at)),
        changed_by: changed.map(|entry| entry.actor),
        options: option::of(&deps.db, tenant.id).await?.into(),
        import: import.as_ref().and_then(ImportProgress::of),
    })
}

async fn outbound(deps: &Deps, tenant: &Tenant) -> Result<OutboundPanel, Problem> {
    let mut target = target::current(&deps.db, tenant.id).await?;
    // It is off when nothing is in flight any more, and not before whoever switches it off is told so (O4).
    if let Some(off) = target.as_ref().filter(|target| !target.active)
        && ledger::live_leases(&deps.db, tenant.id, off.generation).await? == 0
    {
        target = None;
    }
    let deletes = match &target {
        Some(target) if target.choices.deactivates_deleted => {
            "Hard deletes are not propagated: the user is deactivated downstream."
        }
        _ => "Hard deletes are not propagated.",
    };
    let mut limitations = vec![
        deletes.to_owned(),
        "No automatic backfill: existing users follow when edited, or by a backfill you start.".to_owned(),
        "One downstream per tenant.".to_owned(),
    ];
    if let Some(target) = &target {
        limitations.extend(serde_json::from_str::<Vec<String>>(&target.limitations).unwrap_or_default());
    }
    let backfill = match directory::backfill::newest(&deps.db, tenant.id).await? {
        Some(stored) => Some(Backfill::of(deps, tenant, stored).await?),
        None => None,
    };
    let health = if target.is_some() { Some(health(deps, tenant).await?) } else { None };
    let of = |field: &dyn Fn(&Target) -> Option<String>| target.as_ref().and_then(field);
    Ok(OutboundPanel {
        status: status(target.is_some()),
        endpoint: of(&|target| Some(target.base_url.clone())),
        enabled_at: of(&|target| Some(shown(target.enabled_at))),
        enabled_by: of(&|target| Some(target.enabled_by.clone())),
        quarantined_at: of(&|target| target.quarantined_at.map(shown)),
        quarantine_code: target.as_ref().and_then(QuarantineCode::of),
        quarantine_reason: of(&|target| target.quarantine_reason.clone()),
        paused_until: of(&|target| target.paused_until.filter(|_| target.paused()).map(shown)),
        limitations,
        health,
        held: Held::of(&deps.db, tenant.id).await?,
        options: target.as_ref().map(OutboundOptions::of),
        backfill,
    })
}

async fn health(deps: &Deps, tenant: &Tenant) -> Result<Health, Problem> {
    let backlog = ledger::backlog_of(&deps.db, tenant.id).await?;
    let last = trail::last_delivery(&deps.db, tenant.id).await?;
    Ok(Health {
        waiting: backlog.waiting,
        parked: backlog.parked,
        oldest_waiting_seconds: (backlog.oldest / 1_000_000).max(0),
        last_delivered_at: last.map(shown),
    })
}

impl From<Accepted> for AcceptedRequest {
    fn from(accepted: Accepted) -> Self {
        Self { at: shown(accepted.at), operation: accepted.operation, client: accepted.client }
    }
}

impl From<Rejected> for RejectedRequest {
    fn from(rejected: Rejected) -> Self {
        let Rejected { at, operation, class, reason } = rejected;
        Self { at: shown(at), operation, class, reason }
    }
}

impl From<Options> for InboundSettings {
    fn from(options: Options) -> Self {
        Self {
            idp_profile: options.idp_profile,
            strict_members: options.strict_members,
            existing_users: options.existing_users,
            allow_rename: options.allow_rename,
            any_username: options.any_username,
            token_days: options.token_days,
            requests_per_second: options.requests_per_second,
        }
    }
}
