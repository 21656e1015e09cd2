//! Which roles run in this process, wired to their dependencies. Ports are bound before anything else happens.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, bail};
use bus::{Doorbell, Hints};
use control::jwks::{Expect, Verifier};
use downstream::{Connector, Guard};
use registry::seal::Keyring;
use registry::{Db, DbOptions};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::env::{self, Environment};
use crate::exporters::{Exporters, LogFilter};
use crate::realms::Realms;
use crate::settings::Admins;
use crate::{ops, settings};

/// Which roles to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Which {
    pub control: bool,
    pub gateway: bool,
    pub dispatcher: bool,
}

impl Which {
    pub const CONTROL: Self = Self { control: true, gateway: false, dispatcher: false };
    pub const GATEWAY: Self = Self { control: false, gateway: true, dispatcher: false };
    pub const DISPATCHER: Self = Self { control: false, gateway: false, dispatcher: true };
    pub const ALL: Self = Self { control: true, gateway: true, dispatcher: true };

    pub fn name(self) -> &'static str {
        match (self.control, self.gateway, self.dispatcher) {
            (true, false, false) => "control",
            (false, true, false) => "gateway",
            (false, false, true) => "dispatcher",
            _ => "all",
        }
    }
}

/// Listeners of this process.
pub(crate) struct Ports {
    pub control: Option<TcpListener>,
    pub gateway: Option<TcpListener>,
    pub ops: TcpListener,
}

/// Everything the roles of a process work with.
pub(crate) struct Parts {
    pub db: Db,
    pub realms: Arc<Realms>,
    pub connector: Connector,
    pub guard: Guard,
    pub seal: Option<Keyring>,
    pub amqp: Option<secrecy::SecretString>,
    pub verifier: Option<Arc<Verifier>>,
    pub gateway: gateway::Config,
    pub demo: Option<control::Demo>,
    pub console: settings::Console,
    pub keep_activity: Duration,
    pub metrics: prometheus::Registry,
    pub log: LogFilter,
}

/// Binds a port; a taken one is named with the variable that changes it.
pub(crate) fn bind(address: SocketAddr, variable: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .with_context(|| format!("{address} cannot be bound; set {variable} to another address"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Runs roles as the environment says, until a signal.
pub(crate) async fn run(which: Which, environment: &Environment, exporters: &Exporters) -> anyhow::Result<()> {
    let common = settings::common(environment)?;
    let ports = Ports {
        ops: bind(common.ops_listen, env::OPS_LISTEN.name)?,
        control: which
            .control
            .then(|| bind(settings::listen(environment, env::CONTROL_LISTEN, 8080)?, env::CONTROL_LISTEN.name))
            .transpose()?,
        gateway: which
            .gateway
            .then(|| bind(settings::listen(environment, env::GATEWAY_LISTEN, 8081)?, env::GATEWAY_LISTEN.name))
            .transpose()?,
    };
    let amqp = settings::amqp(environment)?;
    if amqp.is_none() && which != Which::ALL && which != Which::CONTROL {
        bail!(env::Fault::Missing { name: env::AMQP_URL.name, purpose: env::AMQP_URL.purpose });
    }
    let guard = settings::guard(environment)?;
    let admins = if which.control { settings::admins(environment)? } else { Admins::new() };
    let seal =
        (which.control || which.dispatcher).then(|| settings::keyring(environment, env::SEAL_KEYRING)).transpose()?;
    let verifier = which.control.then(|| settings::operators(environment)).transpose()?.map(verifier).transpose()?;
    let (connections, each) = settings::pools(common.database.connections, which.gateway);
    let db = open(&settings::Common { database: DbOptions { connections, ..common.database }, ..common }).await?;
    let realm_keyring = settings::realm_keyring(environment)?;
    crate::seal::check(&db, seal.as_ref(), realm_keyring.as_ref()).await?;
    let realms = Arc::new(Realms::new(db.clone(), realm_keyring, admins));
    let parts = Parts {
        db,
        realms,
        connector: settings::connector(&guard)?,
        guard,
        seal,
        amqp,
        verifier,
        gateway: gateway::Config {
            trusted_proxies: settings::trusted_proxies(environment)?,
            connections: each,
            ..gateway::Config::default()
        },
        demo: None,
        console: if which.control { settings::console(environment)? } else { settings::Console::default() },
        keep_activity: settings::keep_activity(environment)?,
        metrics: exporters.registry.clone(),
        log: exporters.log.clone(),
    };
    let shutdown = crate::shutdown::on_signals()?;
    tracing::info!(name = "started", role = which.name());
    serve(which, parts, ports, shutdown).await
}

pub(crate) fn verifier(expect: Expect) -> anyhow::Result<Arc<Verifier>> {
    Ok(Arc::new(Verifier::new(expect).context("the JWKS client")?))
}

/// Opens the database, and refuses a schema that is not current.
pub(crate) async fn open(common: &settings::Common) -> anyhow::Result<Db> {
    let db = Db::connect(&common.database_url, &common.database).await.context("DATABASE_URL")?;
    let pending = migrations::pending(db.connection()).await.context("the schema cannot be read")?;
    if !pending.is_empty() {
        bail!("{} migrations are pending; run `kevra-scim migrate` first", pending.len());
    }
    Ok(db)
}

/// Serves until the token is cancelled. A role that ends by itself is a crash.
#[expect(
    clippy::disallowed_methods,
    reason = "the ops port outlives the tasks of the roles, and is waited for by itself"
)]
pub(crate) async fn serve(which: Which, parts: Parts, ports: Ports, shutdown: CancellationToken) -> anyhow::Result<()> {
    let tracker = TaskTracker::new();
    crate::exporters::watch_pool(&parts.db);
    let (doorbell, hints, broker) = doorbell(which, &parts, &shutdown, &tracker);
    let runtime = tokio::runtime::Handle::current();
    let mut running = tokio::task::JoinSet::new();
    let ops = ops::Ops {
        db: parts.db.clone(),
        runtime: runtime.clone(),
        registry: parts.metrics.clone(),
        broker,
        stopping: shutdown.clone(),
        log: parts.log.clone(),
    };
    let ops_stop = CancellationToken::new();
    let ops_task = tokio::spawn(ops::run(ops, ports.ops, ops_stop.clone())?);
    if let (Some(listener), Some(verifier), Some(keyring)) = (ports.control, &parts.verifier, &parts.seal) {
        let config = control::Config {
            guard: parts.guard.clone(),
            cluster: "default".to_owned(),
            demo: parts.demo.clone(),
            workers: 2,
            origins: parts.console.origins.clone(),
            console: parts.console.bundle.clone(),
            support_url: parts.console.support_url.clone(),
        };
        let deps = control::Deps {
            db: parts.db.clone(),
            realms: parts.realms.clone(),
            keyring: keyring.clone(),
            connector: parts.connector.clone(),
            doorbell: doorbell.clone(),
            verifier: verifier.clone(),
            runtime: runtime.clone(),
        };
        running.spawn(served(control::run(config, deps, listener, shutdown.clone())?));
    }
    if let Some(listener) = ports.gateway {
        let deps = gateway::Deps {
            db: parts.db.clone(),
            realms: parts.realms.clone(),
            doorbell: doorbell.clone(),
            runtime: runtime.clone(),
        };
        running.spawn(served(gateway::run(parts.gateway.clone(), deps, listener, shutdown.clone())?));
    }
    if let (true, Some(hints), Some(keyring)) = (which.dispatcher, hints, &parts.seal) {
        let config = dispatcher::Config {
            guard: parts.guard.clone(),
            keep_activity: parts.keep_activity,
            ..dispatcher::Config::default()
        };
        let deps = dispatcher::Deps {
            db: parts.db.clone(),
            realms: parts.realms.clone(),
            keyring: keyring.clone(),
            connector: parts.connector.clone(),
            doorbell,
        };
        let (news, stop) = (parts.amqp.clone().map(|url| bus::realm_news(url, &shutdown, &tracker)), shutdown.clone());
        running.spawn(async move {
            dispatcher::run(config, deps, hints, news, stop).await;
            Ok(())
        });
    }
    let mut outcome = Ok(());
    while let Some(ended) = running.join_next().await {
        let ended = ended.context("a role crashed").and_then(|ended| ended);
        if !shutdown.is_cancelled() || ended.is_err() {
            outcome = outcome.and(ended.and_then(|()| bail!("a role ended by itself")));
            shutdown.cancel();
        }
    }
    tracker.close();
    drop(tokio::time::timeout(std::time::Duration::from_secs(5), tracker.wait()).await);
    ops_stop.cancel();
    drop(ops_task.await);
    drop(parts.db.close().await);
    outcome
}

/// A server's workers have runtimes of their own; its future only waits for them.
async fn served(server: actix_web::dev::Server) -> anyhow::Result<()> {
    server.await.context("a server ended")
}

fn doorbell(
    which: Which,
    parts: &Parts,
    shutdown: &CancellationToken,
    tracker: &TaskTracker,
) -> (Doorbell, Option<Hints>, Option<Arc<AtomicBool>>) {
    match &parts.amqp {
        None => {
            let (doorbell, hints) = bus::in_process();
            (doorbell, Some(hints), None)
        }
        Some(url) => {
            let doorbell = bus::ringing(url.clone(), shutdown, tracker);
            if which.dispatcher {
                let (hints, connected) = bus::listening(url.clone(), shutdown, tracker);
                (doorbell, Some(hints), Some(connected))
            } else {
                (doorbell, None, None)
            }
        }
    }
}

/// Reads everything a role would read, and connects nowhere.
pub(crate) fn check(which: Which, environment: &Environment) -> anyhow::Result<()> {
    settings::common(environment)?;
    settings::connector(&settings::guard(environment)?)?;
    settings::realm_keyring(environment)?;
    settings::keep_activity(environment)?;
    if which.control {
        settings::console(environment)?;
        settings::listen(environment, env::CONTROL_LISTEN, 8080)?;
        settings::admins(environment)?;
        settings::operators(environment)?;
    }
    if which.gateway {
        settings::listen(environment, env::GATEWAY_LISTEN, 8081)?;
        settings::trusted_proxies(environment)?;
    }
    if which.control || which.dispatcher {
        settings::keyring(environment, env::SEAL_KEYRING)?;
    }
    let broker = settings::amqp(environment)?;
    if broker.is_none() && (which == Which::GATEWAY || which == Which::DISPATCHER) {
        bail!(env::Fault::Missing { name: env::AMQP_URL.name, purpose: env::AMQP_URL.purpose });
    }
    Ok(())
}
