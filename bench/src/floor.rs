//! Floors: what the same libraries cost when they do next to nothing. Each is a process of its own, so that its time can
//! be read.

use std::process::Command;
use std::time::Duration;

use actix_web::http::header::AUTHORIZATION;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context;
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
    /// Passes a request on to another server, and its answer back.
    Pass,
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

/// Starts one that looks tokens up in a database that [`fill`] has filled.
pub fn look_up(database: &Database) -> anyhow::Result<Floor> {
    start(&["lookup"], database)
}

/// Starts one that passes requests on to one that answers a constant; both.
pub fn pass(database: &Database) -> anyhow::Result<(Floor, Floor)> {
    let hello = start(&["hello"], database)?;
    Ok((start(&["pass", &hello.url], database)?, hello))
}

fn start(what: &[&str], database: &Database) -> anyhow::Result<Floor> {
    let (port, log) = (free_port(), Scratch::default());
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["floor", what[0], &port.to_string()]).args(&what[1..]).env(DATABASE, database.url());
    let mut process = Process::start(&mut command, &log.file("floor.log"));
    let (url, client) = (format!("http://127.0.0.1:{port}/"), http());
    let ready = || client.get(&url).bearer_auth(token(0)).send().is_ok_and(|answer| answer.status().is_success());
    process.wait_until(Duration::from_secs(30), "the floor", ready);
    Ok(Floor { process, url, _log: log })
}

/// What a floor works with.
#[derive(Clone)]
enum Work {
    Hello,
    Lookup(PgPool),
    Pass(reqwest::Client, String),
}

/// Is a floor.
#[actix_web::main]
pub async fn serve(kind: Kind, port: u16, upstream: Option<String>) -> anyhow::Result<()> {
    let work = match kind {
        Kind::Hello => Work::Hello,
        Kind::Lookup => Work::Lookup(
            sqlx::postgres::PgPoolOptions::new()
                .max_connections(16)
                .test_before_acquire(false)
                .connect(&servers::fact(DATABASE))
                .await?,
        ),
        Kind::Pass => {
            let client = reqwest::Client::builder().no_proxy().build()?;
            Work::Pass(client, upstream.context("whom to pass requests on to")?)
        }
    };
    let server =
        HttpServer::new(move || App::new().app_data(web::Data::new(work.clone())).default_service(web::to(answer)));
    Ok(server.tcp_nodelay(true).bind(("127.0.0.1", port))?.run().await?)
}

async fn answer(request: HttpRequest, body: web::Bytes, work: web::Data<Work>) -> HttpResponse {
    match work.get_ref() {
        Work::Hello => HttpResponse::Ok().json(serde_json::json!({ "hello": "world" })),
        Work::Lookup(pool) => looked_up(&request, pool).await,
        Work::Pass(client, upstream) => {
            let passed = async { client.execute(client.post(upstream).body(body).build()?).await?.bytes().await };
            passed.await.map_or_else(|_| HttpResponse::BadGateway().finish(), |body| HttpResponse::Ok().body(body))
        }
    }
}

async fn looked_up(request: &HttpRequest, pool: &PgPool) -> HttpResponse {
    let bearer = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let hash = Sha256::digest(bearer.trim_start_matches("Bearer "));
    let found = sqlx::query_scalar::<_, i64>("select tenant from floor where hash = $1").bind(hash.as_slice());
    match found.fetch_optional(pool).await {
        Ok(Some(tenant)) => HttpResponse::Ok().json(serde_json::json!({ "tenant": tenant })),
        Ok(None) => HttpResponse::Unauthorized().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}
