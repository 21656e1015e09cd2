//! `demo`: all roles in one process on the embedded default, with a sample downstream application and a player of Okta's
//! requests. Given `DATABASE_URL`, `AMQP_URL` or a Keycloak, those take the places of the embedded parts (F3).

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use demo::issuer::Issuer;
use demo::okta::Okta;
use demo::sample_app::SampleApp;
use downstream::{Connector, Guard};
use registry::seal::Keyring;
use registry::tenant::New;
use registry::{BearerToken, Db, DbOptions};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::env::{self, Environment};
use crate::realms::Realms;
use crate::roles::{self, Parts, Ports, Which};
use crate::{exporters, settings, shutdown};

const TENANT: &str = "acme";
const SCOPES: &str = "sync:read sync:write tenants:admin realm:write";

/// Something the demo needs is not there; nothing was started.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Prerequisite(String);

/// Options of the demo.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// Plays Okta's sequence at once, then shows what arrived downstream.
    #[arg(long)]
    play: bool,
    /// Keeps the data directory on exit.
    #[arg(long)]
    retain: bool,
    /// The first of four ports; 0 takes any that are free.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where data is kept; a temporary directory where left out.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A file written when everything answers, as JSON.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Plays Okta's request sequence against a running demo.
    Okta {
        /// The inbound token.
        token: String,
        /// The running demo's ready file.
        #[arg(long, default_value_os_t = default_ready_file())]
        ready_file: PathBuf,
    },
    /// Toggles a person of a running demo's realm, as an administrator would.
    Touch {
        /// Username, or the part before the @.
        user: String,
        /// The running demo's ready file.
        #[arg(long, default_value_os_t = default_ready_file())]
        ready_file: PathBuf,
    },
}

fn default_ready_file() -> PathBuf {
    std::env::temp_dir().join("kevra-demo-ready.json")
}

pub(crate) async fn run(options: Options, environment: Environment) -> anyhow::Result<()> {
    match options.command {
        None => start(options, environment).await,
        Some(Command::Okta { token, ready_file }) => play_at(&read_ready(&ready_file)?, &token).await,
        Some(Command::Touch { user, ready_file }) => touch(&read_ready(&ready_file)?, &user).await,
    }
}

async fn start(options: Options, environment: Environment) -> anyhow::Result<()> {
    let [control, gateway, downstream, ops] = bind(options.port)?;
    let url = |listener: &TcpListener| listener.local_addr().map(|address| format!("http://{address}"));
    let (control_url, gateway_url, downstream_url, ops_url) =
        (url(&control)?, url(&gateway)?, url(&downstream)?, url(&ops)?);
    let data = Data::open(options.data.clone(), options.retain)?;
    let (log, json_logs) = (environment.text(env::LOG)?.unwrap_or_else(|| "warn".to_owned()), false);
    let exporters =
        exporters::install(&exporters::Settings { filter: &log, json: json_logs, role: "demo", otlp: false })?;

    let database_url = match environment.text(env::DATABASE_URL)? {
        Some(url) => SecretString::from(url),
        None => SecretString::from(format!("sqlite://{}?mode=rwc", data.path.join("kevra.db").display())),
    };
    let migrated = migrations::migrate(database_url.expose_secret())
        .await
        .map_err(|error| Prerequisite(format!("database   {error}; fix: start it, or unset DATABASE_URL")))?;
    let db = Db::connect(&database_url, &DbOptions::default()).await.context("DATABASE_URL")?;

    let admin = settings::admin(&environment)?;
    let keyring = Keyring::parse(&data.keyring()?)?;
    let mut realms = Realms::new(db.clone(), Some(keyring.clone()), admin.clone());
    let audience = "kevra-scim-control";
    let issuer = Arc::new(Issuer::new(&control_url, audience)?);
    realms.issuer = Some(issuer.clone());
    if let Some(admin) = &admin {
        admin
            .create_realm(TENANT)
            .await
            .map_err(|error| Prerequisite(format!("realm      {error}; fix: start Keycloak, or unset KEYCLOAK_URL")))?;
    }
    make_tenant(&db, &gateway_url, admin.as_ref().map(|admin| admin.base_url.as_str())).await?;
    let amqp = settings::amqp(&environment)?;
    let guard = Guard { development: true, ports: Vec::new() };
    let downstream_token = format!("fieldnotes-{}", uuid::Uuid::new_v4().simple());
    let operator_token = issuer.mint("operator@demo", "*", SCOPES, Duration::from_hours(24))?;
    let app = SampleApp::default();
    let stop = shutdown::on_signals()?;
    let app_stop = CancellationToken::new();
    let app_task = tokio::spawn(app.clone().run(downstream, downstream_token.clone(), app_stop.clone())?);
    let ready = json!({
        "control_url": control_url,
        "console_url": format!("{control_url}/console/tenants/{TENANT}"),
        "gateway_url": gateway_url,
        "ops_url": ops_url,
        "tenant": TENANT,
        "realm": TENANT,
        "scim_base_url": format!("{gateway_url}/realms/{TENANT}/scim/v2"),
        "operator_token": operator_token,
        "downstream_url": format!("{downstream_url}/scim/v2"),
        "downstream_token": downstream_token,
    });
    let parts = Parts {
        db: db.clone(),
        realms: Arc::new(realms),
        connector: Connector::new(&guard)?,
        guard,
        seal: Some(keyring),
        amqp: amqp.clone(),
        verifier: Some(roles::verifier(control::jwks::Expect {
            issuer: control_url.clone(),
            audience: audience.to_owned(),
            source: control::jwks::Source::Fixed(issuer.jwks().to_owned()),
        })?),
        trusted_proxies: Vec::new(),
        demo: Some(control::Demo { downstream_url: format!("{downstream_url}/scim/v2") }),
        metrics: exporters.registry.clone(),
    };
    let ports = Ports { control: Some(control), gateway: Some(gateway), ops };
    let serving = tokio::spawn(roles::serve(Which::ALL, parts, ports, stop.clone()));
    wait_ready(&ops_url, &stop).await?;
    if admin.is_none() {
        people(&ready).await?;
    }
    let sign_in = issuer.code(operator_token.clone());
    for file in [Some(default_ready_file()), options.ready_file.clone()].into_iter().flatten() {
        write_ready(&file, &ready)?;
    }
    let facts = Facts {
        migrated,
        sqlite: !environment.has(env::DATABASE_URL),
        amqp: amqp.is_some(),
        keycloak: admin.is_some(),
    };
    announce(&ready, &facts, &data.path, &sign_in);
    if options.play {
        play(&ready, &app).await?;
    }
    let outcome = serving.await.context("the demo crashed")?;
    app_stop.cancel();
    drop(app_task.await);
    data.close();
    exporters.flush().await;
    outcome
}

/// Binds all ports before anything else, so that a conflict is the first thing said.
fn bind(port: u16) -> anyhow::Result<[TcpListener; 4]> {
    let places = if port == 0 { [0; 4] } else { [port, port + 1, port + 10, 9464] };
    let mut listeners = Vec::new();
    for place in places {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], place))).map_err(|error| {
            Prerequisite(format!(
                "ports      127.0.0.1:{place}: {error}; fix: choose others with --port N (0: any free)"
            ))
        })?;
        listener.set_nonblocking(true)?;
        listeners.push(listener);
    }
    listeners.try_into().map_err(|_| anyhow::anyhow!("four ports were asked for"))
}

/// The data directory: temporary, unless one is named or it is to be kept.
struct Data {
    path: PathBuf,
    keep: bool,
}

impl Data {
    fn open(named: Option<PathBuf>, retain: bool) -> anyhow::Result<Self> {
        let keep = retain || named.is_some();
        let short = uuid::Uuid::new_v4().simple().to_string();
        let path = named.unwrap_or_else(|| std::env::temp_dir().join(format!("kevra-demo-{}", &short[..8])));
        std::fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self { path, keep })
    }

    /// The demo's own keyring, kept beside its data.
    fn keyring(&self) -> anyhow::Result<SecretString> {
        let file = self.path.join("keyring");
        if let Ok(text) = std::fs::read_to_string(&file) {
            return Ok(SecretString::from(text));
        }
        let text = Keyring::generate_text()?;
        write_private(&file, text.expose_secret())?;
        Ok(text)
    }

    fn close(self) {
        if self.keep {
            eprintln!("  kept {}", self.path.display());
        } else {
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}

async fn make_tenant(db: &Db, gateway_url: &str, keycloak_url: Option<&str>) -> anyhow::Result<()> {
    let cluster = registry::cluster::ensure(db, "default", gateway_url, keycloak_url).await?;
    let new = New {
        slug: TENANT.to_owned(),
        display_name: "Acme".to_owned(),
        realm: TENANT.to_owned(),
        cluster: cluster.id,
        custom_domain: None,
    };
    match registry::tenant::create(db, &new, "demo").await {
        Ok(_) | Err(registry::Error::Taken(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn wait_ready(ops_url: &str, stop: &CancellationToken) -> anyhow::Result<()> {
    let client = http()?;
    for _ in 0..300 {
        if stop.is_cancelled() {
            anyhow::bail!("stopped before everything was ready");
        }
        if client.get(format!("{ops_url}/readyz")).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Prerequisite("nothing became ready within 30 s; fix: check AMQP_URL and DATABASE_URL".to_owned()).into())
}

/// Three people who were in the realm before SCIM came.
async fn people(ready: &Value) -> anyhow::Result<()> {
    let client = http()?;
    let url = format!("{}/v1/tenants/{TENANT}/realm-users", text(ready, "control_url"));
    for (name, first, last) in
        [("grace", "Grace", "Hopper"), ("alan", "Alan", "Turing"), ("barbara", "Barbara", "Liskov")]
    {
        let email = format!("{name}@acme.test");
        let body = json!({ "username": email, "email": email, "first_name": first, "last_name": last });
        client.post(&url).bearer_auth(text(ready, "operator_token")).json(&body).send().await?;
    }
    Ok(())
}

fn http() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?)
}

fn text<'a>(ready: &'a Value, name: &str) -> &'a str {
    ready.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Written beside, then renamed: a reader never sees half of it. It holds tokens, so it is the owner's alone.
fn write_ready(file: &Path, ready: &Value) -> anyhow::Result<()> {
    let beside = file.with_extension(format!("tmp-{}", std::process::id()));
    write_private(&beside, &serde_json::to_string_pretty(ready)?)?;
    std::fs::rename(&beside, file).with_context(|| format!("{} cannot be written", file.display()))
}

fn write_private(file: &Path, content: &str) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut open = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("{} cannot be written", file.display()))?;
    open.write_all(content.as_bytes())?;
    Ok(())
}

fn read_ready(file: &Path) -> anyhow::Result<Value> {
    let content = std::fs::read_to_string(file)
        .map_err(|_| Prerequisite(format!("no demo is running ({} is not there)", file.display())))?;
    Ok(serde_json::from_str(&content)?)
}

struct Facts {
    migrated: usize,
    sqlite: bool,
    amqp: bool,
    keycloak: bool,
}

fn announce(ready: &Value, facts: &Facts, data: &Path, code: &str) {
    let database = if facts.sqlite { format!("SQLite    {}", data.display()) } else { "DATABASE_URL".to_owned() };
    println!(
        "
  kevra-scim {}   demo: everything on 127.0.0.1, not for production

  \u{2713} database     {database}
  \u{2713} migrations   {} applied
  \u{2713} doorbell     {}
  \u{2713} realm        {}, realm \"{TENANT}\"
  \u{2713} downstream   sample SCIM app \"Fieldnotes\", {}
  \u{2713} control      {}
  \u{2713} gateway      {}

  Open      {}#code={code}     signs you in once, 10 min
  API docs  {}/docs/api

  Try it, from a second terminal:
    kevra-scim demo okta TOKEN      plays Okta's request sequence: create, update, deactivate, re-activate
    kevra-scim demo touch grace     toggles Grace in the realm
  Or start with --play to see both directions at once.
",
        env!("CARGO_PKG_VERSION"),
        facts.migrated,
        if facts.amqp { "RabbitMQ" } else { "in-process" },
        if facts.keycloak { "Keycloak" } else { "embedded" },
        text(ready, "downstream_url"),
        text(ready, "control_url"),
        text(ready, "scim_base_url"),
        text(ready, "console_url"),
        text(ready, "control_url"),
    );
}

/// Enables both directions, plays Okta, and shows what arrived downstream.
async fn play(ready: &Value, app: &SampleApp) -> anyhow::Result<()> {
    let client = http()?;
    let tenant = format!("{}/v1/tenants/{TENANT}", text(ready, "control_url"));
    let post = |path: &str| client.post(format!("{tenant}{path}")).bearer_auth(text(ready, "operator_token"));
    let body = json!({ "base_url": text(ready, "downstream_url"), "token": text(ready, "downstream_token") });
    let enabled: Value = post("/outbound/enable").json(&body).send().await?.json().await?;
    println!("  outbound enabled: {}", text(&enabled, "endpoint"));
    let revealed: Value = post("/inbound/enable").send().await?.json().await?;
    println!("  inbound enabled, token revealed once\n");
    let token = BearerToken::parse(text(&revealed, "token")).context("inbound could not be enabled")?;
    play_at(ready, token.reveal()).await?;
    for _ in 0..100 {
        let arrived = app.users().iter().any(|user| {
            user.get("active") == Some(&json!(true))
                && user.get("name").and_then(|name| name.get("givenName")) == Some(&json!("Augusta Ada"))
        });
        if arrived {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("\n  what Fieldnotes was asked:");
    for entry in app.journal() {
        let path = if entry.path.starts_with("/Users/") { "/Users/{id}" } else { &entry.path };
        println!("    out  {:6} {path:24} {}", entry.method, entry.status);
    }
    println!("\n  what stands there now: {} user(s)\n", app.users().len());
    Ok(())
}

async fn play_at(ready: &Value, token: &str) -> anyhow::Result<()> {
    let okta = Okta::new(text(ready, "scim_base_url"), None, token)?;
    let mut failed = false;
    let id = okta
        .play("ada@acme.test", |step| {
            failed |= !(200..300).contains(&step.status);
            let (method, path, took) = (&step.method, &step.path, step.took.as_millis());
            println!("    in   {method:6} {path:24} {}  {}  {took} ms", step.status, step.meaning);
        })
        .await;
    if failed || id.is_none() {
        anyhow::bail!("the sequence did not go through");
    }
    Ok(())
}

async fn touch(ready: &Value, user: &str) -> anyhow::Result<()> {
    let client = http()?;
    let url = format!("{}/v1/tenants/{TENANT}/realm-users", text(ready, "control_url"));
    let token = text(ready, "operator_token");
    let people: Value = client.get(&url).bearer_auth(token).send().await?.error_for_status()?.json().await?;
    let named = |person: &&Value| {
        let name = text(person, "username");
        name == user || name.split('@').next() == Some(user)
    };
    let person = people.as_array().into_iter().flatten().find(named).with_context(|| format!("nobody is {user}"))?;
    let enabled = person.get("enabled") != Some(&json!(true));
    let url = format!("{url}/{}", text(person, "id"));
    client.patch(url).bearer_auth(token).json(&json!({ "enabled": enabled })).send().await?.error_for_status()?;
    println!("{} is {} now", text(person, "username"), if enabled { "enabled" } else { "disabled" });
    Ok(())
}
