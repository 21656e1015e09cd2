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
    /// Makes users and grants roles in [`Self::TAKES`] each, and passes everything else on to a Keycloak.
    Realm,
}

impl Kind {
    /// How long a realm takes for a call.
    pub const TAKES: Duration = Duration::from_millis(10);
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

/// Starts a realm that takes its time for creates, before the test Keycloak.
pub fn realm(database: &Database) -> anyhow::Result<Floor> {
    start(&["realm", &servers::fact("KEVRA_TEST_KEYCLOAK_URL")], database)
}

fn start(what: &[&str], database: &Database) -> anyhow::Result<Floor> {
    let (port, log) = (free_port(), Scratch::default());
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["floor", what[0], &port.to_string()]).args(&what[1..]).env(DATABASE, database.url());
    let mut process = Process::start(&mut command, &log.file("floor.log"));
    let (url, client) = (format!("http://127.0.0.1:{port}/"), http());
    let ready = || client.get(&url).bearer_auth(token(0)).send().is_ok_and(|answer| !answer.status().is_server_error());
    process.wait_until(Duration::from_secs(30), "the floor", ready);
    Ok(Floor { process, url, _log: log })
}

/// What a floor works with.
#[derive(Clone)]
enum Work {
    Hello,
    Lookup(PgPool),
    Pass(reqwest::Client, String),
    Realm(reqwest::Client, String),
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
        Kind::Realm => {
            let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
            Work::Realm(client, upstream.context("the Keycloak")?)
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
        Work::Realm(client, keycloak) => realm_answers(&request, body, client, keycloak).await,
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

async fn realm_answers(
    request: &HttpRequest,
    body: web::Bytes,
    client: &reqwest::Client,
    keycloak: &str,
) -> HttpResponse {
    let posts = request.method() == actix_web::http::Method::POST;
    if posts && request.path().ends_with("/users") {
        actix_web::rt::time::sleep(Kind::TAKES).await;
        let location = format!("{}/{}", request.full_url(), uuid::Uuid::new_v4());
        return HttpResponse::Created().insert_header(("location", location)).finish();
    }
    if posts && request.path().ends_with("/role-mappings/realm") {
        actix_web::rt::time::sleep(Kind::TAKES).await;
        return HttpResponse::NoContent().finish();
    }
    let passed = async {
        let method: reqwest::Method = request.method().as_str().parse().unwrap_or_default();
        let mut passed = client.request(method, format!("{keycloak}{}", request.uri())).body(body);
        for name in ["authorization", "content-type"] {
            if let Some(value) = request.headers().get(name) {
                passed = passed.header(name, value.as_bytes());
            }
        }
        let answer = client.execute(passed.build()?).await?;
        let status = actix_web::http::StatusCode::from_u16(answer.status().as_u16()).unwrap_or_default();
        let mut back = HttpResponse::build(status);
        for name in ["content-type", "location"] {
            if let Some(value) = answer.headers().get(name) {
                back.insert_header((name, value.as_bytes()));
            }
        }
        reqwest::Result::Ok(back.body(answer.bytes().await?))
    };
    passed.await.unwrap_or_else(|_| HttpResponse::BadGateway().finish())
}
