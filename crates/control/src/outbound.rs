//! Outbound on, test, off. The probe comes first; a target that fails it changes nothing (O2).

use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use directory::{ledger, watch};
use downstream::{BaseUrl, Capabilities, Client, Connector, Guard};
use realm::Reading;
use registry::target::{self, Enable};
use registry::target_option::{self, Choices};
use registry::tenant::Tenant;
use registry::{Db, TenantId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use telemetry::metrics::KeyValue;

use crate::if_match::IfMatch;
use crate::operator::Writer;
use crate::{Control, Deps, Problem, observe, parked};

/// How long a switch waits for sends in flight: a lease and a little.
const DRAIN: Duration = Duration::from_secs(20);

/// A downstream.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Downstream {
    /// Its SCIM base URL.
    pub base_url: String,
    /// The bearer token it expects; a leading `Bearer ` is dropped.
    #[schema(value_type = String)]
    pub token: SecretString,
}

/// A downstream to test: one that is given, or the one that is enabled.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestDownstream {
    /// Its SCIM base URL; left out together with the token for the one that is enabled.
    #[serde(default)]
    base_url: Option<String>,
    /// The bearer token it expects.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    token: Option<SecretString>,
}

/// Choices for a downstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutboundOptions {
    /// What happens downstream to who is deleted in the realm.
    #[schema(value_type = OnDelete)]
    on_delete: String,
    /// A mass of deactivations waits for a person.
    hold_mass_deactivation: bool,
    /// Groups and their members are pushed too.
    #[serde(default)]
    push_groups: bool,
}

/// What happens downstream to who is deleted in the realm.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of a column, for the document")]
enum OnDelete {
    Nothing,
    Deactivate,
}

impl OutboundOptions {
    pub(crate) fn of(target: &target::Target) -> Self {
        let on_delete = if target.choices.deactivates_deleted { "deactivate" } else { "nothing" };
        Self {
            on_delete: on_delete.to_owned(),
            hold_mass_deactivation: target.choices.holds_mass,
            push_groups: target.choices.pushes_groups,
        }
    }

    /// As they are stored, if they are usable.
    pub(crate) fn choices(&self) -> Result<Choices, Problem> {
        let deactivates_deleted = match self.on_delete.as_str() {
            "nothing" => false,
            "deactivate" => true,
            _ => {
                return Err(Problem::Field { field: "on_delete", reason: "one of nothing, deactivate".to_owned() });
            }
        };
        let (holds_mass, pushes_groups) = (self.hold_mass_deactivation, self.push_groups);
        Ok(Choices { deactivates_deleted, holds_mass, pushes_groups })
    }
}

/// What a probe found out.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Probed {
    /// The base URL as it will be used.
    endpoint: String,
    supports_patch: bool,
    supports_filter: bool,
    limitations: Vec<String>,
}

impl Probed {
    /// The base URL as it will be used, then what the downstream cannot do, in words.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.endpoint).chain(&self.limitations).map(String::as_str)
    }
}

/// Probe a downstream without saving anything; with an empty body, the one that is enabled.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/test", tag = "outbound", params(("tenant" = String, Path)),
    request_body = TestDownstream, responses((status = 200, body = Probed), (status = 409), (status = 422)),
    security(("bearer" = [])))]
pub(crate) async fn test(
    writer: Writer,
    body: web::Json<TestDownstream>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let missing = |field| Problem::Field { field, reason: "it is needed beside the other".to_owned() };
    let given = match body.into_inner() {
        TestDownstream { base_url: None, token: None } => None,
        TestDownstream { base_url: Some(base_url), token: Some(token) } => {
            Some(client(&control.deps.connector, &control.config.guard, &Downstream { base_url, token })?.0)
        }
        TestDownstream { base_url: None, .. } => return Err(missing("base_url")),
        TestDownstream { .. } => return Err(missing("token")),
    };
    let deps = control.deps.clone();
    let answer = control.run(async move {
        let client = match given {
            Some(client) => client,
            None => parked::active(&deps, &writer.tenant).await?.1,
        };
        probe(&client).await
    });
    Ok(HttpResponse::Ok().json(answer.await?))
}

/// Replace the choices for the enabled downstream.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/outbound/options", tag = "outbound",
    params(("tenant" = String, Path), ("If-Match" = Option<String>, Header)), request_body = OutboundOptions,
    responses((status = 204), (status = 409), (status = 412)), security(("bearer" = [])))]
pub(crate) async fn options(
    writer: Writer,
    IfMatch(version): IfMatch,
    body: web::Json<OutboundOptions>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let choices = body.choices()?;
    let db = control.deps.db.clone();
    let done = control.run(async move { choose(&db, writer.tenant.id, choices, version, &writer.actor).await });
    done.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Stores the choices. Groups that were pushed there before are looked at again: what changed meanwhile is not known.
pub(crate) async fn choose(
    db: &Db,
    tenant: TenantId,
    choices: Choices,
    version: Option<i64>,
    actor: &str,
) -> Result<(), Problem> {
    let transaction = db.begin().await?;
    let outcome: Result<(), Problem> = async {
        let target = target_option::choose(&transaction, tenant, choices, version, actor).await?;
        Ok(ledger::mark_linked_groups(&transaction, tenant, target).await?)
    }
    .await;
    directory::finish(transaction, outcome).await
}

/// Enable outbound SCIM.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/enable", tag = "outbound",
    params(("tenant" = String, Path)), request_body = Downstream,
    responses((status = 200, body = Probed), (status = 409), (status = 422)), security(("bearer" = [])))]
pub(crate) async fn enable(
    writer: Writer,
    body: web::Json<Downstream>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let (deps, guard, wanted) = (control.deps.clone(), control.config.guard.clone(), body.into_inner());
    let answer = control.run(async move { switch_on(&deps, &guard, &writer.tenant, &wanted, &writer.actor).await });
    Ok(HttpResponse::Ok().json(answer.await?))
}

/// Probes a downstream and enables it, with capture in the realm; says what the probe found out.
pub async fn switch_on(
    deps: &Deps,
    guard: &Guard,
    tenant: &Tenant,
    wanted: &Downstream,
    actor: &str,
) -> Result<Probed, Problem> {
    let (client, token) = client(&deps.connector, guard, wanted)?;
    if target::current(&deps.db, tenant.id).await?.is_some_and(|target| target.active) {
        return Err(Problem::AlreadyEnabled);
    }
    let probed = probe(&client).await?;
    // What an earlier disable could not wait for has to end first (K25).
    if let Some(target) = target::current(&deps.db, tenant.id).await? {
        drained(&deps.db, tenant.id, target.generation).await?;
    }
    // Order: capture is on before the target is, so that no edit falls between (K24).
    deps.realms.provision(tenant).await?;
    forget_the_past(deps, tenant).await?;
    activate(deps, tenant.id, &probed, &token, actor).await?;
    Ok(probed)
}

/// Notes the events that the first poll may read as taken, so that nobody is pushed for an edit before the enable (K24, P2).
async fn forget_the_past(deps: &Deps, tenant: &Tenant) -> Result<(), Problem> {
    let realm = deps.realms.of(tenant).await?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let mut since = Some(now - watch::REREAD_MS - watch::OVERLAP_MS);
    // One reading ends where there is too much of it.
    while let Some(from) = since {
        let changes = realm.changes(&Reading::since(from), &[]).await?;
        since = changes.cut_ms.filter(|cut_ms| *cut_ms > from);
        watch::remember(&deps.db, tenant.id, changes.events.into_iter().map(|event| event.id)).await?;
    }
    Ok(())
}

async fn activate(
    deps: &Deps,
    tenant: TenantId,
    probed: &Probed,
    token: &SecretString,
    actor: &str,
) -> Result<(), Problem> {
    let sealed = deps.keyring.seal(&target::aad(tenant), token).map_err(registry::Error::from)?;
    let enable = Enable {
        base_url: probed.endpoint.clone(),
        token: sealed,
        supports_patch: probed.supports_patch,
        supports_filter: probed.supports_filter,
        limitations: probed.limitations.clone(),
    };
    let transaction = deps.db.begin().await?;
    let outcome: Result<(), Problem> = async {
        let enabled = target::enable(&transaction, tenant, &enable, actor).await?;
        watch::begin_anew(&transaction, tenant).await?;
        if let Some(retired) = enabled.retired {
            ledger::retire(&transaction, tenant, retired).await?;
        }
        if enabled.first {
            ledger::first_enable(&transaction, tenant, enabled.id).await?;
        } else {
            ledger::owe_again(&transaction, tenant, enabled.id).await?;
            ledger::mark_linked_groups(&transaction, tenant, enabled.id).await?;
        }
        Ok(())
    }
    .await;
    directory::finish(transaction, outcome).await
}

/// Disable outbound SCIM: answers when nothing is in flight any more.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/disable", tag = "outbound",
    params(("tenant" = String, Path)), responses((status = 204)), security(("bearer" = [])))]
pub(crate) async fn disable(writer: Writer, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let done = control.run(async move { switch_off(&deps, &writer.tenant, &writer.actor).await });
    done.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Disables a tenant's downstream; returns when nothing is in flight any more.
pub async fn switch_off(deps: &Deps, tenant: &Tenant, actor: &str) -> Result<(), Problem> {
    let generation = target::disable(&deps.db, tenant.id, actor).await?;
    drained(&deps.db, tenant.id, generation).await?;
    deps.realms.try_stand_down(tenant).await;
    Ok(())
}

/// Waits until nothing is in flight for an older generation of the target (K25).
async fn drained(db: &Db, tenant: TenantId, generation: i64) -> Result<(), Problem> {
    let started = Instant::now();
    while ledger::live_leases(db, tenant, generation).await? > 0 {
        if started.elapsed() > DRAIN {
            return Err(Problem::Unavailable);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn client(connector: &Connector, guard: &Guard, body: &Downstream) -> Result<(Client, SecretString), Problem> {
    let base = BaseUrl::parse(&body.base_url, guard).map_err(Problem::BaseUrl)?;
    let text = body.token.expose_secret().trim();
    let bare = text.get(..7).filter(|head| head.eq_ignore_ascii_case("bearer ")).map_or(text, |_| text[7..].trim());
    let printable = !bare.is_empty() && bare.len() <= 8_192 && bare.bytes().all(|byte| byte.is_ascii_graphic());
    if !printable {
        let reason = "the token the downstream expects, without spaces".to_owned();
        return Err(Problem::Field { field: "token", reason });
    }
    let token = SecretString::from(bare);
    Ok((Client::new(connector.clone(), base, token.clone()), token))
}

async fn probe(client: &Client) -> Result<Probed, Problem> {
    let begun = Instant::now();
    let probed = client.probe().await;
    let outcome = probed.as_ref().map_or_else(|failure| failure.code.as_str(), |_| "ok");
    observe::PROBE.record(begun.elapsed().as_secs_f64(), &[KeyValue::new("outcome", outcome)]);
    let Capabilities { patch, filter, limitations } = probed.map_err(Problem::Probe)?;
    Ok(Probed { endpoint: client.base_url().to_owned(), supports_patch: patch, supports_filter: filter, limitations })
}
