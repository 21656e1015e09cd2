//! The whole URL space of the control API, on one screen.

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, get, post};
use actix_web::{HttpResponse, ResponseError, guard};

use crate::{
    Problem, activity, backfill, console, held, identity_sync, inbound, openapi, outbound, parked, realm_users,
    tenants, test_user, texts,
};

/// The longest body, bytes.
const BODY: usize = 64 << 10;

pub(crate) fn configure(config: &mut ServiceConfig) {
    let tenant = web::scope("/tenants/{tenant}")
        .service(
            web::resource("")
                .route(get().to(tenants::show))
                .route(web::patch().to(tenants::change))
                .route(web::delete().to(tenants::delete))
                .default_service(web::to(not_allowed)),
        )
        .route("/identity-sync", get().to(identity_sync::show))
        .route("/activity", get().to(activity::list))
        .route("/activity/stream", get().to(activity::stream))
        .route("/inbound/enable", post().to(inbound::enable))
        .route("/inbound/rotate", post().to(inbound::rotate))
        .route("/inbound/disable", post().to(inbound::disable))
        .route("/inbound/options", web::put().to(inbound::options))
        .route("/outbound/enable", post().to(outbound::enable))
        .route("/outbound/test", post().to(outbound::test))
        .route("/outbound/disable", post().to(outbound::disable))
        .route("/realm/rotate-secret", post().to(realm_users::rotate_secret))
        .route("/outbound/options", web::put().to(outbound::options))
        .route("/outbound/test-user", post().to(test_user::run))
        .route("/outbound/held/deactivations/confirm", post().to(held::confirm_deactivations))
        .route("/outbound/held/deactivations/refuse", post().to(held::refuse_deactivations))
        .route("/outbound/held/absences/confirm", post().to(held::confirm_absences))
        .route("/outbound/held/groups/confirm", post().to(held::confirm_groups))
        .route("/outbound/parked", get().to(parked::list))
        .route("/outbound/parked/{user}", get().to(parked::show))
        .route("/outbound/parked/{user}/retry", post().to(parked::retry))
        .route("/outbound/parked/{user}/ignore", post().to(parked::ignore))
        .route("/outbound/parked/{user}/link", post().to(parked::link_to))
        .route("/outbound/backfill", get().to(backfill::show))
        .route("/outbound/backfill", post().to(backfill::start))
        .route("/outbound/backfill/pause", post().to(backfill::pause))
        .route("/outbound/backfill/resume", post().to(backfill::resume))
        .route("/outbound/backfill/cancel", post().to(backfill::cancel))
        .route("/realm-users", get().to(realm_users::list))
        .route("/realm-users", post().to(realm_users::create))
        .route("/realm-users/{user}", web::patch().to(realm_users::change));
    config
        .app_data(web::PayloadConfig::new(BODY))
        .app_data(web::JsonConfig::default().limit(BODY).error_handler(|error, _| {
            Problem::Invalid(format!("the body is not what this endpoint takes: {error}")).into()
        }))
        .app_data(web::PathConfig::default().error_handler(|_, _| Problem::NotFound("user").into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| Problem::Invalid(error.to_string()).into()))
        .service(
            web::scope("/v1")
                .wrap(from_fn(texts::check))
                .service(
                    web::resource("/tenants")
                        .route(get().to(tenants::list))
                        .route(post().to(tenants::create))
                        .default_service(web::to(not_allowed)),
                )
                .service(tenant)
                .default_service(web::to(not_found)),
        )
        .route("/docs/api/openapi.json", get().to(openapi::json))
        .route("/docs/api", get().to(openapi::page))
        .route("/console/session", post().to(console::session))
        .route("/console/code", post().to(console::code))
        .route("/console/config.json", get().to(console::config))
        .service(
            web::resource(["/console", "/console/{path:.*}"])
                .route(web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(console::serve))
                .default_service(web::to(not_allowed)),
        )
        .default_service(web::to(not_found));
}

async fn not_found() -> HttpResponse {
    Problem::NotFound("endpoint").error_response()
}

async fn not_allowed() -> HttpResponse {
    Problem::MethodNotAllowed.error_response()
}
