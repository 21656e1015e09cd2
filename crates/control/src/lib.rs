//! The control API: tenants, inbound tokens, outbound targets, for the console and for operators.
//!
//! Every handler takes its rights as an argument: without an extractor of `operator` it cannot reach a tenant, and another
//! tenant's anything looks like "not found". Whatever goes wrong leaves as `application/problem+json`.

mod activity;
mod backfill;
mod codes;
mod console;
mod cors;
mod declared;
mod described;
mod error;
mod held;
mod identity_sync;
mod if_match;
mod inbound;
pub mod jwks;
mod moment;
mod names;
mod observe;
mod openapi;
mod operator;
mod outbound;
mod parked;
mod realm_users;
mod reconcile;
mod routes;
mod standstill;
mod tenants;
mod test_user;
mod texts;

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use async_trait::async_trait;
use bus::{Doorbell, Hint};
use downstream::{Connector, Guard};
use realm::Realm;
use registry::audit::Note;
use registry::option::Options;
use registry::seal::Keyring;
use registry::tenant::Tenant;
use registry::{Db, TenantId};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

pub use activity::ActivityEntry;
pub use codes::page as error_page;
pub use console::Bundle;
pub use declared::{Applied, Declared};
pub use error::Problem;
pub use held::say;
pub use inbound::{InboundOptions, accept};
pub use moment::shown as moment;
pub use openapi::document;
pub use outbound::{Downstream, OutboundOptions, Probed, switch_off, switch_on};
pub use parked::{Candidate, ParkedUser, link, look};
pub use realm_users::replace_secret;
pub use standstill::{DRAIN, freeze, remove, thaw};
pub use tenants::check_realm;

/// Settings of the role.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which downstreams may be enabled.
    pub guard: Guard,
    /// The cluster a new tenant lands on where none is named.
    pub cluster: String,
    /// What the page at `/console/` shows of the demo, if this is one.
    pub demo: Option<Demo>,
    /// Worker threads of the server.
    pub workers: usize,
    /// Origins of consoles served elsewhere that may call this API from a browser, and frame the page.
    pub origins: Vec<String>,
    /// The built console; without one `/console/` says how to build it.
    pub console: Option<Bundle>,
    /// Where the page sends people who want more than it offers.
    pub support_url: Option<String>,
}

/// Facts the demo's page is filled with.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The sample downstream.
    pub downstream_url: String,
    /// The token it expects.
    pub downstream_token: SecretString,
}

/// What `control` alone may do to a realm. The program knows how.
#[async_trait]
pub trait Realms: Send + Sync {
    /// Sets a tenant's realm up; idempotent.
    async fn provision(&self, tenant: &Tenant) -> Result<(), realm::Error>;
    /// The same, for settings that are about to be stored.
    async fn prepare(&self, tenant: &Tenant, options: &Options) -> Result<(), realm::Error>;
    /// What of a tenant's realm set-up is missing, by name.
    async fn missing(&self, tenant: &Tenant) -> Result<Vec<&'static str>, realm::Error>;
    /// Sets a realm up again whose set-up lease the caller holds, and leaves an entry.
    async fn repair(&self, tenant: &Tenant, note: &Note<'_>) -> Result<(), realm::Error>;
    /// Gives the realm's data-path client another secret, and leaves an entry.
    async fn rotate_secret(&self, tenant: &Tenant, actor: &str) -> Result<(), realm::Error>;
    /// Puts back what capture had switched on in a realm, if neither direction needs it any more (K25).
    async fn stand_down(&self, tenant: &Tenant) -> Result<(), realm::Error>;
    /// The same; a realm that does not answer is tried again later.
    async fn try_stand_down(&self, tenant: &Tenant) {
        if let Err(error) = self.stand_down(tenant).await {
            tracing::warn!(
                name = "realm.events_kept",
                %error,
                tenant.id = %tenant.id,
                "a realm's event stores are not put back yet",
            );
        }
    }
    /// The realm of a tenant.
    async fn of(&self, tenant: &Tenant) -> Result<Realm, realm::Error>;
    /// A one-time sign-in code for a token, in the demo only.
    fn offer(&self, token: &str) -> Option<String>;
    /// The token of a one-time sign-in code, in the demo only.
    fn redeem(&self, code: &str) -> Option<String>;
}

/// What the role works with.
#[derive(Clone)]
pub struct Deps {
    /// Registry and directory.
    pub db: Db,
    /// The tenants' realms.
    pub realms: Arc<dyn Realms>,
    /// Seals downstream tokens.
    pub keyring: Keyring,
    /// The one HTTP client towards downstreams.
    pub connector: Connector,
    /// Rings for what operators decide; without a broker the dispatcher finds it by itself, seconds later.
    pub doorbell: Doorbell,
    /// Verifies operators' tokens.
    pub verifier: Arc<jwks::Verifier>,
    /// The main runtime: database and HTTP clients live there.
    pub runtime: tokio::runtime::Handle,
}

impl Deps {
    /// Tells the dispatcher of something the ledger holds already.
    pub(crate) fn ring(&self, tenant: TenantId, user: Uuid, urgent: bool) {
        let traceparent = telemetry::trace::current();
        self.doorbell.ring(Hint { tenant: tenant.0, user, urgent, traceparent });
    }
}

pub(crate) struct Control {
    pub config: Config,
    pub deps: Deps,
    /// Places for those who listen to activity.
    pub listeners: Arc<Semaphore>,
    /// Whoever listens is let go when it is cancelled: a stream would hold the server up.
    pub shutdown: CancellationToken,
}

/// A server on a listener; runs until shutdown, then finishes what is in flight.
pub fn run(
    config: Config,
    deps: Deps,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> std::io::Result<actix_web::dev::Server> {
    let workers = config.workers;
    deps.runtime.spawn(reconcile::run(deps.clone(), shutdown.clone()));
    let listeners = Arc::new(Semaphore::new(activity::LISTENERS));
    let control = web::Data::new(Control { config, deps, listeners, shutdown: shutdown.clone() });
    let server = HttpServer::new(move || {
        let app = App::new().app_data(control.clone());
        app.wrap(from_fn(observe::call)).wrap(from_fn(cors::allow)).configure(routes::configure)
    })
    .workers(workers)
    .tcp_nodelay(true)
    .disable_signals()
    .shutdown_timeout(30)
    .shutdown_signal(shutdown.cancelled_owned())
    .listen(listener)?
    .run();
    Ok(server)
}

impl Control {
    /// Runs a use case on the main runtime: a pool shared with the server's own runtimes would stall with a blocked
    /// worker, and a change must not end with its connection.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        self.deps.runtime.spawn(work.in_current_span()).await.map_err(|_| Problem::Internal)?
    }
}
