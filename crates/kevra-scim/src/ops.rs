//! The ops port: `/livez`, `/readyz`, `/metrics`, and `/log-filter` for callers on this very machine. Readiness looks at the
//! role's own dependencies, never at one tenant's Keycloak or downstream.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::header::ORIGIN;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use prometheus::{Encoder, TextEncoder};
use registry::Db;
use tokio_util::sync::CancellationToken;

use crate::exporters::LogFilter;

pub(crate) struct Ops {
    pub db: Db,
    pub runtime: tokio::runtime::Handle,
    pub registry: prometheus::Registry,
    /// The broker's consuming session, for a role that needs it.
    pub broker: Option<Arc<AtomicBool>>,
    pub stopping: CancellationToken,
    pub log: LogFilter,
}

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest filter that is read.
const LONGEST_FILTER: usize = 1_024;

pub(crate) fn run(
    ops: Ops,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> std::io::Result<actix_web::dev::Server> {
    let ops = web::Data::new(ops);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(ops.clone())
            .route("/livez", web::get().to(async || HttpResponse::Ok().body("ok\n")))
            .route("/readyz", web::get().to(ready))
            .route("/metrics", web::get().to(metrics))
            .service(
                web::resource("/log-filter")
                    .app_data(web::PayloadConfig::new(LONGEST_FILTER))
                    .route(web::get().to(log_filter))
                    .route(web::put().to(set_log_filter)),
            )
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(2)
    .shutdown_signal(shutdown.cancelled_owned())
    .listen(listener)?
    .run();
    Ok(server)
}

/// Each thing the role needs, and what is wrong with it. In words for whoever asks: the kubelet reads the status alone.
async fn ready(ops: web::Data<Ops>, request: HttpRequest) -> HttpResponse {
    let db = ops.db.clone();
    let schema = async move { tokio::time::timeout(PATIENCE, migrations::pending(db.connection())).await };
    let (database, schema) = match ops.runtime.spawn(schema).await {
        Ok(Ok(Ok(pending))) if pending.is_empty() => (None, None),
        Ok(Ok(Ok(_))) => (None, Some("the schema is not current: run kevra-scim migrate")),
        _ => (Some("the database does not answer"), None),
    };
    let mut checks = vec![("database", database), ("schema", schema)];
    if let Some(connected) = &ops.broker {
        let down = !connected.load(Ordering::Relaxed);
        checks.push(("broker", down.then_some("the broker's session is down")));
    }
    checks.push(("signals", ops.stopping.is_cancelled().then_some("stopping")));
    let failing = checks.iter().any(|(_, wrong)| wrong.is_some());
    let verbose = request.query_string().split('&').any(|parameter| parameter.starts_with("verbose"));
    let lines: Vec<String> = checks
        .iter()
        .filter_map(|(name, wrong)| match wrong {
            _ if verbose => Some(format!("{name}: {}\n", wrong.unwrap_or("ok"))),
            Some(wrong) => Some(format!("{wrong}\n")),
            None => None,
        })
        .collect();
    match (failing, verbose) {
        (true, _) => HttpResponse::ServiceUnavailable().body(lines.concat()),
        (false, true) => HttpResponse::Ok().body(lines.concat()),
        (false, false) => HttpResponse::Ok().body("ready\n"),
    }
}

async fn metrics(ops: web::Data<Ops>) -> HttpResponse {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&ops.registry.gather(), &mut text) {
        Ok(()) => HttpResponse::Ok().insert_header(("content-type", "text/plain; version=0.0.4")).body(text),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

async fn log_filter(ops: web::Data<Ops>) -> HttpResponse {
    HttpResponse::Ok().body(ops.log.current() + "\n")
}

/// Another filter until the next one, or the next start. Only from this machine: the ops port has no credentials, and a
/// pod's own address is not the loopback's. A browser's request is refused, wherever it comes from.
async fn set_log_filter(ops: web::Data<Ops>, request: HttpRequest, body: String) -> HttpResponse {
    let local = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    if !local || request.headers().contains_key(ORIGIN) {
        return HttpResponse::Forbidden().body("only from this machine\n");
    }
    let filter = body.trim();
    if filter.is_empty() || !ops.log.set(filter) {
        return HttpResponse::BadRequest().body("a tracing filter such as info,dispatcher=debug\n");
    }
    tracing::warn!(name = "log_filter", filter, "the log filter was changed");
    HttpResponse::Ok().body(filter.to_owned() + "\n")
}
