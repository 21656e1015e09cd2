//! Floors: what the same libraries cost when they do next to nothing. Each is a process of its own, so that its time can
//! be read.

use std::process::Command;
use std::time::Duration;

use actix_web::http::header::AUTHORIZATION;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use testkit::database::Database;
use testkit::process::Process;
use testkit::scratch::Scratch;
use testkit::{free_port, http, servers};

/// How many tokens the look-up chooses among.
pub const TOKENS: u64 = 10_000;
/// What the environment of a floor's process calls its database.
const DATABASE: &str = "KEVRA_TEST_DATABASE_URL";

/// What a floor does.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Kind {
    /// Answers a constant.
    Hello,
    /// Hashes the bearer token and finds its row by primary key.
    Lookup,
}

/// A floor's process.
pub struct Floor {
    pub process: Process,
    pub url: String,
    _log: Scratch,
}

/// The bearer token of a number.
pub fn token(number: u64) -> String {
    format!("token-{}", number % TOKENS)
}

/// Makes the rows that [`Kind::Lookup`] looks up.
pub fn fill(database: &Database) {
    database.ask(&format!(
        "create table floor (hash bytea primary key, tenant bigint not null);
         insert into floor select sha256(convert_to('token-' || n, 'UTF8')), n from generate_series(0, {}) n;
         analyze floor",
        TOKENS - 1
    ));
}

/// Starts a floor.
pub fn start(kind: &str, database: &Database) -> anyhow::Result<Floor> {
    let (port, log) = (free_port(), Scratch::default());
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["floor", kind, &port.to_string()]).env(DATABASE, database.url());
    let mut process = Process::start(&mut command, &log.file("floor.log"));
    let (url, client) = (format!("http://127.0.0.1:{port}/"), http());
    let ready = || client.get(&url).bearer_auth(token(0)).send().is_ok_and(|answer| answer.status().is_success());
    process.wait_until(Duration::from_secs(30), "the floor", ready);
    Ok(Floor { process, url, _log: log })
}

/// Is a floor.
#[actix_web::main]
pub async fn serve(kind: Kind, port: u16) -> anyhow::Result<()> {
    let pool = match kind {
        Kind::Hello => None,
        Kind::Lookup => Some(
            sqlx::postgres::PgPoolOptions::new()
                .max_connections(16)
                .test_before_acquire(false)
                .connect(&servers::fact(DATABASE))
                .await?,
        ),
    };
    let server =
        HttpServer::new(move || App::new().app_data(web::Data::new(pool.clone())).default_service(web::to(answer)));
    Ok(server.tcp_nodelay(true).bind(("127.0.0.1", port))?.run().await?)
}

async fn answer(request: HttpRequest, pool: web::Data<Option<PgPool>>) -> HttpResponse {
    let Some(pool) = pool.as_ref() else {
        return HttpResponse::Ok().json(serde_json::json!({ "hello": "world" }));
    };
    let bearer = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let hash = Sha256::digest(bearer.trim_start_matches("Bearer "));
    let found = sqlx::query_scalar::<_, i64>("select tenant from floor where hash = $1").bind(hash.as_slice());
    match found.fetch_optional(pool).await {
        Ok(Some(tenant)) => HttpResponse::Ok().json(serde_json::json!({ "tenant": tenant })),
        Ok(None) => HttpResponse::Unauthorized().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}
