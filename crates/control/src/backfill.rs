//! Backfill (P3): the explicit push of everybody, and its rehearsal.

use actix_web::{HttpResponse, web};
use directory::backfill::{self, Action, Order, Sampled};
use registry::target;
use registry::tenant::Tenant;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::moment::shown;
use crate::operator::{Reader, Writer};
use crate::{Control, Deps, Problem, names};

/// A backfill.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Backfill {
    id: Uuid,
    #[schema(value_type = BackfillState)]
    state: String,
    /// Counts what there would be to do, and does nothing.
    dry_run: bool,
    started_at: String,
    started_by: String,
    ended_at: Option<String>,
    total: Option<i64>,
    seen: i64,
    create: i64,
    update: i64,
    in_step: i64,
    conflict: i64,
    /// Groups come after users, where they are pushed; absent until they do.
    groups: Option<GroupCounts>,
    /// Some of the users there is something to do with.
    sample: Vec<SampledUser>,
}

/// What a backfill came to with groups.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct GroupCounts {
    total: i64,
    seen: i64,
    create: i64,
    update: i64,
    in_step: i64,
    conflict: i64,
}

impl GroupCounts {
    fn of(stored: &backfill::Backfill) -> Option<Self> {
        Some(Self {
            total: stored.group_total?,
            seen: stored.group_seen,
            create: stored.group_creates,
            update: stored.group_updates,
            in_step: stored.group_in_step,
            conflict: stored.group_conflicts,
        })
    }
}

/// A user of the sample.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct SampledUser {
    user_id: Uuid,
    username: Option<String>,
    #[schema(value_type = PlannedAction)]
    action: Action,
}

/// How far a backfill is.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of a column, for the document")]
enum BackfillState {
    Running,
    Paused,
    Done,
    Cancelled,
}

/// What there is to do for a user.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of a column, for the document")]
enum PlannedAction {
    Create,
    Update,
    Conflict,
}

impl Backfill {
    pub(crate) async fn of(deps: &Deps, tenant: &Tenant, stored: backfill::Backfill) -> Result<Self, Problem> {
        let sample: Vec<Sampled> = serde_json::from_str(&stored.sample).unwrap_or_default();
        let ids: Vec<Uuid> = sample.iter().map(|sampled| sampled.user_id).collect();
        let mut known = names::of(deps, tenant, &ids).await?;
        let sample = sample.into_iter().map(|Sampled { user_id, action }| {
            let username = known.remove(&user_id);
            SampledUser { user_id, username, action }
        });
        Ok(Self {
            id: stored.id,
            groups: GroupCounts::of(&stored),
            state: stored.state,
            dry_run: stored.dry_run,
            started_at: shown(stored.started_at),
            started_by: stored.started_by,
            ended_at: stored.ended_at.map(shown),
            total: stored.total,
            seen: stored.seen,
            create: stored.creates,
            update: stored.updates,
            in_step: stored.in_step,
            conflict: stored.conflicts,
            sample: sample.collect(),
        })
    }
}

/// What to start.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartBackfill {
    dry_run: bool,
}

/// Show the newest backfill.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/outbound/backfill", tag = "backfill",
    params(("tenant" = String, Path)), responses((status = 200, body = Backfill), (status = 404)),
    security(("bearer" = [])))]
pub(crate) async fn show(reader: Reader, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let newest = control.run(async move {
        let stored = backfill::newest(&deps.db, reader.0.id).await?.ok_or(Problem::NotFound("backfill"))?;
        Backfill::of(&deps, &reader.0, stored).await
    });
    Ok(HttpResponse::Ok().json(newest.await?))
}

/// Start a backfill, or a rehearsal of one.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/backfill", tag = "backfill",
    params(("tenant" = String, Path)), request_body = StartBackfill,
    responses((status = 202, body = Backfill), (status = 409)), security(("bearer" = [])))]
pub(crate) async fn start(
    writer: Writer,
    body: web::Json<StartBackfill>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let begun = control.run(async move {
        let tenant = &writer.tenant;
        let target = target::current(&deps.db, tenant.id).await?.filter(|target| target.active);
        let target = target.ok_or(Problem::NotEnabled)?;
        let begun = backfill::start(&deps.db, tenant.id, target.id, body.dry_run, &writer.actor).await?;
        Backfill::of(&deps, tenant, begun.ok_or(Problem::AlreadyRunning)?).await
    });
    Ok(HttpResponse::Accepted().json(begun.await?))
}

/// Pause the backfill.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/backfill/pause", tag = "backfill",
    params(("tenant" = String, Path)), responses((status = 200, body = Backfill), (status = 404)),
    security(("bearer" = [])))]
pub(crate) async fn pause(writer: Writer, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    order(writer, control, Order::Pause).await
}

/// Resume the backfill where it was paused.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/backfill/resume", tag = "backfill",
    params(("tenant" = String, Path)), responses((status = 200, body = Backfill), (status = 404)),
    security(("bearer" = [])))]
pub(crate) async fn resume(writer: Writer, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    order(writer, control, Order::Resume).await
}

/// Cancel the backfill. What it has marked is delivered; nobody else is.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/backfill/cancel", tag = "backfill",
    params(("tenant" = String, Path)), responses((status = 200, body = Backfill), (status = 404)),
    security(("bearer" = [])))]
pub(crate) async fn cancel(writer: Writer, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    order(writer, control, Order::Cancel).await
}

async fn order(writer: Writer, control: web::Data<Control>, order: Order) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let changed = control.run(async move {
        let stored = backfill::order(&deps.db, writer.tenant.id, order, &writer.actor).await?;
        Backfill::of(&deps, &writer.tenant, stored.ok_or(Problem::NotFound("running backfill"))?).await
    });
    Ok(HttpResponse::Ok().json(changed.await?))
}
