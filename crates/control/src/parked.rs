//! Parked users and groups (P5): who waits for a person, what stands in the way, and what the person decides.

use actix_web::{HttpResponse, web};
use directory::ledger::Subject;
use directory::parked::{self, Decision, Parked};
use directory::resource::Kind;
use directory::{group, link, watch};
use downstream::{BaseUrl, Client, Guard, Outcome, Remote};
use hmac::{Hmac, KeyInit, Mac};
use registry::target::{self, Target};
use registry::tenant::Tenant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;
use uuid::Uuid;

use crate::moment::shown;
use crate::operator::{Reader, Writer};
use crate::{Control, Deps, Problem, names};

const PAGE: u32 = 50;

/// Which page.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParkedQuery {
    /// `next` of the page before.
    cursor: Option<Uuid>,
    /// With those somebody chose to ignore.
    #[serde(default)]
    ignored: bool,
}

/// A parked user, or a group where groups are pushed.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ParkedUser {
    /// The realm's user, or group.
    pub user_id: Uuid,
    /// Which of both.
    pub kind: ParkedKind,
    /// Its name, looked up now.
    pub username: Option<String>,
    /// `conflict`, `rejected`, `unconfirmed create`, `mass deactivation`, `ignored`, …
    pub reason: String,
    /// The downstream's status that decided it.
    pub status: Option<i64>,
    /// Since when.
    pub since: String,
    /// Failed rounds before it.
    pub attempts: i64,
    /// The record **Link** would link; only where one user is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
}

/// What is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParkedKind {
    /// A user.
    User,
    /// A group.
    Group,
}

/// A record of the downstream, as it was just read.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Candidate {
    /// The downstream's id.
    pub id: String,
    /// Whose it is, as the downstream knows.
    pub external_id: Option<String>,
    /// Its userName.
    pub user_name: Option<String>,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Whether it is active.
    pub active: Option<bool>,
}

/// A page of parked users.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ParkedPage {
    users: Vec<ParkedUser>,
    /// The cursor of the next page, if there is one.
    next: Option<Uuid>,
}

impl ParkedUser {
    fn of(parked: Parked, username: Option<String>, candidate: Option<Candidate>) -> Self {
        Self {
            user_id: parked.user_id,
            kind: if parked.is_group { ParkedKind::Group } else { ParkedKind::User },
            username,
            reason: parked.reason.unwrap_or_else(|| "rejected".to_owned()),
            status: parked.parked_status,
            since: shown(parked.parked_at),
            attempts: parked.attempts,
            candidate,
        }
    }
}

impl Candidate {
    fn of(remote: &Remote) -> Self {
        let text = |name: &str| remote.resource.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            id: remote.id.clone(),
            external_id: remote.external_id.clone(),
            user_name: text("userName"),
            display_name: text("displayName"),
            active: remote.resource.get("active").and_then(Value::as_bool),
        }
    }

    /// What was shown, in a form that tells nothing to whoever reads the table.
    fn digest(&self, key: &[u8]) -> Result<String, Problem> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Problem::Internal)?;
        mac.update(&serde_json::to_vec(self).map_err(|_| Problem::Internal)?);
        Ok(hex::encode(mac.finalize().into_bytes()))
    }
}

/// List parked users.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/outbound/parked", tag = "parked",
    params(("tenant" = String, Path), ParkedQuery), responses((status = 200, body = ParkedPage)),
    security(("bearer" = [])))]
pub(crate) async fn list(
    reader: Reader,
    query: web::Query<ParkedQuery>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let page = control.run(async move {
        let tenant = reader.0;
        let mut found = parked::page(&deps.db, tenant.id, query.cursor, query.ignored, PAGE + 1).await?;
        let more = found.len() > PAGE as usize;
        found.truncate(PAGE as usize);
        let next = found.last().filter(|_| more).map(|parked| parked.user_id);
        let (groups, users): (Vec<&Parked>, Vec<&Parked>) = found.iter().partition(|parked| parked.is_group);
        let ids: Vec<Uuid> = users.into_iter().map(|parked| parked.user_id).collect();
        let mut known = names::of(&deps, &tenant, &ids).await?;
        for parked in groups {
            let name = group::name(&deps.db, tenant.id, parked.user_id).await?;
            known.extend(name.map(|name| (parked.user_id, name)));
        }
        let users = found.into_iter().map(|parked| {
            let name = known.remove(&parked.user_id);
            ParkedUser::of(parked, name, None)
        });
        Ok(ParkedPage { users: users.collect(), next })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Show a parked user, and the record of the downstream it could be linked to: looked up now.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/outbound/parked/{user}", tag = "parked",
    params(("tenant" = String, Path), ("user" = Uuid, Path)), responses((status = 200, body = ParkedUser)),
    security(("bearer" = [])))]
pub(crate) async fn show(
    reader: Reader,
    path: web::Path<(String, Uuid)>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let (deps, user) = (control.deps.clone(), path.1);
    let shown = control.run(async move { look(&deps, &reader.0, user).await });
    Ok(HttpResponse::Ok().json(shown.await?))
}

/// A parked user with its candidate, which is remembered as the one that was shown.
pub async fn look(deps: &Deps, tenant: &Tenant, user: Uuid) -> Result<ParkedUser, Problem> {
    let parked = parked::one(&deps.db, tenant.id, user).await?.ok_or(Problem::NotFound("parked user"))?;
    let subject = parked.subject();
    let name = match subject.kind {
        Kind::User => deps.realms.of(tenant).await?.user(user).await?.map(|seen| seen.username),
        Kind::Group => group::name(&deps.db, tenant.id, user).await?,
    };
    let (target, client) = active(deps, tenant).await?;
    let own = link::of(&deps.db, tenant.id, subject, target.id).await?.downstream_id;
    let found = find(&client, &target, subject, (name.as_deref(), own.as_deref())).await?;
    let candidate = found.as_ref().map(Candidate::of);
    let key = watch::digest_key(&deps.db, tenant.id).await?;
    let digest = candidate.as_ref().map(|candidate| candidate.digest(&key)).transpose()?;
    let pair = candidate.as_ref().map(|candidate| candidate.id.as_str()).zip(digest.as_deref());
    link::show_candidate(&deps.db, tenant.id, subject, target.id, pair).await?;
    Ok(ParkedUser::of(parked, name, candidate))
}

/// By externalId first, then by name; what comes back is compared here. The record that is linked already stands in nobody's way:
/// whatever its change collides with is another one.
async fn find(
    client: &Client,
    target: &Target,
    subject: Subject,
    (name, own): (Option<&str>, Option<&str>),
) -> Result<Option<Remote>, Problem> {
    if !target.supports_filter {
        return Ok(None);
    }
    let (client, attribute, key): (Client, &str, fn(&str) -> String) = match subject.kind {
        Kind::User => (client.clone(), "userName", scim::key::username_key),
        Kind::Group => (client.groups(), "displayName", scim::key::display_name_key),
    };
    let ours = subject.id.to_string();
    let other = |remote: &Remote| own != Some(remote.id.as_str());
    let by_id = client.find("externalId", &ours).await.map_err(|outcome| refused(&outcome))?;
    let has_our_id = |remote: &Remote| remote.external_id.as_deref() == Some(ours.as_str());
    if let Some(remote) = by_id.into_iter().find(|remote| other(remote) && has_our_id(remote)) {
        return Ok(Some(remote));
    }
    let Some(name) = name else { return Ok(None) };
    let by_name = client.find(attribute, name).await.map_err(|outcome| refused(&outcome))?;
    Ok(by_name.into_iter().find(|remote| {
        let held = remote.resource.get(attribute).and_then(Value::as_str).unwrap_or_default();
        other(remote) && key(held) == key(name)
    }))
}

/// The active target, and a client of it.
pub(crate) async fn active(deps: &Deps, tenant: &Tenant) -> Result<(Target, Client), Problem> {
    let target = target::current(&deps.db, tenant.id).await?.filter(|target| target.active);
    let target = target.ok_or(Problem::NotEnabled)?;
    let token = deps.keyring.open(&target::aad(tenant.id), &target.token).map_err(registry::Error::from)?;
    let base = BaseUrl::parse(&target.base_url, &Guard::judged()).map_err(|_| Problem::Internal)?;
    let client = Client::new(deps.connector.clone(), base, token);
    Ok((target, client))
}

fn refused(outcome: &Outcome) -> Problem {
    Problem::Downstream { class: outcome.class(), status: outcome.status() }
}

/// Try a parked user again now.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/parked/{user}/retry", tag = "parked",
    params(("tenant" = String, Path), ("user" = Uuid, Path)), responses((status = 204), (status = 404)),
    security(("bearer" = [])))]
pub(crate) async fn retry(
    writer: Writer,
    path: web::Path<(String, Uuid)>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    decide(writer, path.1, control, Decision::Retry).await
}

/// Leave a parked user as it is, until it changes.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/parked/{user}/ignore", tag = "parked",
    params(("tenant" = String, Path), ("user" = Uuid, Path)), responses((status = 204), (status = 404)),
    security(("bearer" = [])))]
pub(crate) async fn ignore(
    writer: Writer,
    path: web::Path<(String, Uuid)>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    decide(writer, path.1, control, Decision::Ignore).await
}

async fn decide(
    writer: Writer,
    user: Uuid,
    control: web::Data<Control>,
    decision: Decision,
) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let done = control.run(async move {
        let tenant = writer.tenant.id;
        if !parked::decide(&deps.db, tenant, user, decision, &writer.actor).await? {
            return Err(Problem::NotFound("parked user"));
        }
        deps.ring(tenant, user, false);
        Ok(())
    });
    done.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The record to link, as it was shown.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkTo {
    /// The `id` of the candidate.
    downstream_id: String,
}

/// Link a parked user to the record that was shown. 409 `stale` if it is not the one shown, or has changed since.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/parked/{user}/link", tag = "parked",
    params(("tenant" = String, Path), ("user" = Uuid, Path)), request_body = LinkTo,
    responses((status = 204), (status = 404), (status = 409)), security(("bearer" = [])))]
pub(crate) async fn link_to(
    writer: Writer,
    path: web::Path<(String, Uuid)>,
    body: web::Json<LinkTo>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let (deps, user, wanted) = (control.deps.clone(), path.1, body.into_inner().downstream_id);
    let done = control.run(async move { link(&deps, &writer.tenant, user, &wanted, &writer.actor).await });
    done.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Links a parked user to the record it was shown with, read once more: only if it has not changed since.
pub async fn link(deps: &Deps, tenant: &Tenant, user: Uuid, wanted: &str, actor: &str) -> Result<(), Problem> {
    let parked = parked::one(&deps.db, tenant.id, user).await?.ok_or(Problem::NotFound("parked user"))?;
    let (target, client) = active(deps, tenant).await?;
    let client = if parked.is_group { client.groups() } else { client };
    let read = match client.read(wanted).await {
        Outcome::Ok(answer) => answer.body.as_ref().and_then(Remote::read),
        Outcome::NotFound(_) => None,
        other => return Err(refused(&other)),
    };
    let read = read.filter(|remote| remote.id == wanted).ok_or(Problem::Changed)?;
    let digest = Candidate::of(&read).digest(&watch::digest_key(&deps.db, tenant.id).await?)?;
    let at = (target.id, target.generation);
    let linked = link::adopt(&deps.db, tenant.id, parked.subject(), at, (wanted, &digest), actor).await?;
    if !linked {
        return Err(Problem::Changed);
    }
    deps.ring(tenant.id, user, false);
    Ok(())
}
