//! `demo`: all roles in one process on the embedded default, with a sample downstream application and a player of Okta's
//! requests. Given `DATABASE_URL`, `AMQP_URL` or a Keycloak, those take the places of the embedded parts (F3).

mod announce;
mod data;
mod play;
mod ports;
mod ready;
mod say;
mod touch;
mod wait;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, Subcommand};
use demo::issuer::Issuer;
use demo::sample_app::SampleApp;
use downstream::{Connector, Guard};
use registry::seal::Keyring;
use registry::tenant::New;
use registry::{Db, DbOptions};
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use self::announce::{Facts, announce};
use self::data::Data;
use self::ports::Listeners;
use self::ready::Ready;
use crate::env::{self, Environment};
use crate::realms::{Codes, Realms};
use crate::roles::{self, Parts, Ports, Which};
use crate::{exporters, settings, shutdown};

const TENANT: &str = "acme";
const SCOPES: &str = "sync:read sync:write tenants:admin realm:write";

/// Something the demo needs is not there; nothing was started.
#[derive(Debug, thiserror::Error)]
#[error("\u{2717} {0}")]
pub(crate) struct Prerequisite(String);

impl Prerequisite {
    fn new(part: &str, trouble: impl std::fmt::Display, fix: &str) -> Self {
        Self(format!("{part:<12} {trouble}\nfix: {fix}"))
    }
}

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
    /// The first of four ports in a row: control, gateway, Fieldnotes, ops. 0 takes any that are free.
    #[arg(long, value_name = "N", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(ports::FIRST))]
    port: u16,
    /// Where data is kept; a temporary directory where left out.
    #[arg(long = "data", value_name = "DIR")]
    directory: Option<PathBuf>,
    /// A file written when everything answers, as JSON.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Prints another link that signs in to a running demo's console, once.
    Link {
        /// The running demo's ready file.
        #[arg(long, default_value_os_t = Ready::default_file())]
        ready_file: PathBuf,
    },
    /// Plays Okta's request sequence against a running demo.
    Okta {
        /// The inbound token.
        token: String,
        /// The running demo's ready file.
        #[arg(long, default_value_os_t = Ready::default_file())]
        ready_file: PathBuf,
    },
    /// Toggles a person of a running demo's realm, as an administrator would; in a Keycloak, with the KEYCLOAK_ settings the
    /// demo was given.
    Touch {
        /// Username, or the part before the @.
        user: String,
        /// The running demo's ready file.
        #[arg(long, default_value_os_t = Ready::default_file())]
        ready_file: PathBuf,
    },
}

impl Codes for Issuer {
    fn offer(&self, token: &str) -> String {
        self.code(token.to_owned())
    }

    fn redeem(&self, code: &str) -> Option<String> {
        Self::redeem(self, code)
    }
}

pub(crate) async fn run(options: Options, environment: Environment) -> anyhow::Result<()> {
    match options.command {
        None => start(options, environment).await,
        Some(Command::Link { ready_file }) => play::link(&Ready::read(&ready_file)?).await,
        Some(Command::Okta { token, ready_file }) => play::okta(&Ready::read(&ready_file)?, &token).await,
        Some(Command::Touch { user, ready_file }) => {
            touch::touch(&Ready::read(&ready_file)?, &user, &environment).await
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the demo waits for both by itself, one after the other")]
async fn start(options: Options, environment: Environment) -> anyhow::Result<()> {
    let Listeners { control, gateway, downstream, ops } = ports::bind(options.port)?;
    let url = |listener: &TcpListener| listener.local_addr().map(|address| format!("http://{address}"));
    let (control_url, gateway_url, downstream_url, ops_url) =
        (url(&control)?, url(&gateway)?, url(&downstream)?, url(&ops)?);
    let amqp = settings::amqp(&environment)?;
    if let Some(url) = &amqp {
        wait::broker_answers(url).await?;
    }
    let kept = Data::open(options.directory.clone(), options.retain)?;
    let (log, json_logs) = (environment.text(env::LOG)?.unwrap_or_else(|| "warn".to_owned()), false);
    let exporters =
        exporters::install(&exporters::Settings { filter: &log, json: json_logs, role: "demo", otlp: false })?;

    let database_url = match environment.text(env::DATABASE_URL)? {
        Some(url) => SecretString::from(url),
        None => SecretString::from(format!("sqlite://{}?mode=rwc", kept.path.join("kevra.db").display())),
    };
    let migrated = migrations::migrate(database_url.expose_secret())
        .await
        .map_err(|error| Prerequisite::new("database", error, "start it, or unset DATABASE_URL for SQLite"))?;
    let db = Db::connect(&database_url, &DbOptions::default()).await.context("DATABASE_URL")?;

    let admin = settings::admin(&environment)?;
    let keyring = Keyring::parse(&kept.keyring()?)?;
    let mut realms = Realms::new(db.clone(), Some(keyring.clone()), settings::admins(&environment)?);
    let audience = "kevra-scim-control";
    let issuer = Arc::new(Issuer::new(&control_url, audience)?);
    realms.codes = Some(issuer.clone());
    if let Some(admin) = &admin {
        admin.create_realm(TENANT).await.map_err(|error| {
            Prerequisite::new("realm", error, "start Keycloak, or unset KEYCLOAK_URL for an embedded realm")
        })?;
    }
    make_tenant(&db, &gateway_url, admin.as_ref().map(|admin| admin.base_url.as_str())).await?;
    let guard = Guard { development: true, ports: Vec::new(), certificates: None };
    let downstream_token = kept.fieldnotes_token()?.expose_secret().to_owned();
    let operator_token = issuer.mint("operator@demo", "*", SCOPES, Duration::from_hours(24))?;
    let app = SampleApp::default();
    let stop = shutdown::on_signals()?;
    let app_stop = CancellationToken::new();
    let app_task = tokio::spawn(app.clone().run(downstream, downstream_token.clone(), app_stop.clone())?);
    let ready = Ready {
        control_url: control_url.clone(),
        console_url: format!("{control_url}/console/tenants/{TENANT}"),
        scim_base_url: format!("{gateway_url}/realms/{TENANT}/scim/v2"),
        gateway_url,
        ops_url: ops_url.clone(),
        tenant: TENANT.to_owned(),
        realm: TENANT.to_owned(),
        operator_token: operator_token.clone(),
        downstream_url: format!("{downstream_url}/scim/v2"),
        downstream_token: downstream_token.clone(),
        keycloak_url: admin.as_ref().map(|admin| admin.base_url.clone()),
    };
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
        gateway: gateway::Config::default(),
        demo: Some(control::Demo {
            downstream_url: ready.downstream_url.clone(),
            downstream_token: SecretString::from(ready.downstream_token.clone()),
        }),
        console: settings::console(&environment)?,
        keep_activity: settings::keep_activity(&environment)?,
        metrics: exporters.registry.clone(),
        log: exporters.log.clone(),
    };
    let ports = Ports { control: Some(control), gateway: Some(gateway), ops };
    let serving = tokio::spawn(roles::serve(Which::ALL, parts, ports, stop.clone()));
    wait::until_ready(&ops_url, &stop).await?;
    if admin.is_none() {
        touch::people(&ready).await?;
    }
    let sign_in = issuer.code(operator_token);
    for file in [Some(Ready::default_file()), options.ready_file.clone()].into_iter().flatten() {
        ready.write(&file)?;
    }
    let facts = Facts { migrated, sqlite: database_url.expose_secret().starts_with("sqlite:"), amqp: amqp.is_some() };
    announce(&ready, &facts, &kept.path, &sign_in);
    if options.play {
        play::both_ways(&ready, &stop).await?;
    }
    stop.cancelled().await;
    let stopping = Instant::now();
    let outcome = serving.await.context("the demo crashed")?;
    app_stop.cancel();
    drop(app_task.await);
    exporters.flush().await;
    let fate = kept.close();
    eprintln!("  stopped in {:.1} s, {} {fate}", stopping.elapsed().as_secs_f32(), kept.path.display());
    outcome
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
