//! What would hit many at once and waits for a person: deactivations a tenant wants held, users and groups a realm lacks. Whoever
//! decides says how many it was shown, so that nothing is decided about more.

use actix_web::{HttpResponse, web};
use directory::held::{self, Word};
use directory::resource::Kind;
use registry::{Db, TenantId};
use serde::{Deserialize, Serialize};

use crate::operator::Writer;
use crate::{Control, Problem};

/// How many wait for a person.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Held {
    /// Deactivations that are not sent, being one of a mass.
    deactivations: u64,
    /// Users the realm lacks, too many at once to be believed.
    absences: u64,
    /// Groups likewise.
    groups: u64,
}

impl Held {
    pub(crate) async fn of(db: &Db, tenant: TenantId) -> Result<Self, Problem> {
        let held::Held { deactivations, absences, groups } = held::of(db, tenant).await?;
        Ok(Self { deactivations, absences, groups })
    }
}

/// What somebody decides about.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    /// How many it was shown.
    users: u64,
}

/// About how many it was decided.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Decided {
    users: u64,
}

/// What somebody decides about.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShownGroups {
    /// How many it was shown.
    groups: u64,
}

/// About how many it was decided.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct DecidedGroups {
    groups: u64,
}

/// Let held deactivations go. 409 `stale` if more are held than were shown.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/held/deactivations/confirm", tag = "held",
    params(("tenant" = String, Path)), request_body = Shown,
    responses((status = 200, body = Decided), (status = 409)), security(("bearer" = [])))]
pub(crate) async fn confirm_deactivations(
    writer: Writer,
    body: web::Json<Shown>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    answer(writer, Word::Deactivate, body.users, control).await
}

/// Refuse held deactivations: each rests until its user changes. 409 `stale` if more are held than were shown.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/held/deactivations/refuse", tag = "held",
    params(("tenant" = String, Path)), request_body = Shown,
    responses((status = 200, body = Decided), (status = 409)), security(("bearer" = [])))]
pub(crate) async fn refuse_deactivations(
    writer: Writer,
    body: web::Json<Shown>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    answer(writer, Word::Keep, body.users, control).await
}

/// Confirm that the users a realm lacks are gone. 409 `stale` if more are missing than were shown.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/held/absences/confirm", tag = "held",
    params(("tenant" = String, Path)), request_body = Shown,
    responses((status = 200, body = Decided), (status = 409)), security(("bearer" = [])))]
pub(crate) async fn confirm_absences(
    writer: Writer,
    body: web::Json<Shown>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    answer(writer, Word::Gone(Kind::User), body.users, control).await
}

/// Confirm that the groups a realm lacks are gone. 409 `stale` if more are missing than were shown.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/held/groups/confirm", tag = "held",
    params(("tenant" = String, Path)), request_body = ShownGroups,
    responses((status = 200, body = DecidedGroups), (status = 409)), security(("bearer" = [])))]
pub(crate) async fn confirm_groups(
    writer: Writer,
    body: web::Json<ShownGroups>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let groups = decided(writer, Word::Gone(Kind::Group), body.groups, control).await?;
    Ok(HttpResponse::Ok().json(DecidedGroups { groups }))
}

async fn answer(writer: Writer, word: Word, shown: u64, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let users = decided(writer, word, shown, control).await?;
    Ok(HttpResponse::Ok().json(Decided { users }))
}

async fn decided(writer: Writer, word: Word, shown: u64, control: web::Data<Control>) -> Result<u64, Problem> {
    let db = control.deps.db.clone();
    let Writer { tenant, actor } = writer;
    control.run(async move { say(&db, tenant.id, word, shown, &actor).await }).await
}

/// Does what somebody decides about as many as it was shown, unless there are more by now; about how many it was.
pub async fn say(db: &Db, tenant: TenantId, word: Word, shown: u64, actor: &str) -> Result<u64, Problem> {
    if word.waiting(held::of(db, tenant).await?) > shown {
        return Err(Problem::Changed);
    }
    Ok(held::decide(db, tenant, word, shown, actor).await?)
}
