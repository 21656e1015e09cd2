//! The SCIM gateway: identity providers in, realm and directory out. Stateless; any number of replicas.
//!
//! A request goes one way: provisioner (whose token is this?) → body → users (directory read, pure SCIM, realm write,
//! directory commit with the ledger's mark) → answer. Reads touch only the database. Whatever goes wrong leaves as a SCIM
//! error. The work of a request is a task, so that it does not end with its connection: a read stays on the server's
//! thread, which has connections of its own; what may change something runs on the main runtime.

mod ahead;
mod answer;
mod bulk;
mod call;
mod discovery;
mod groups;
mod ignored;
mod journal;
mod limits;
mod observe;
mod provisioner;
mod query;
mod render;
mod request;
mod routes;
mod users;
mod write;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use async_trait::async_trait;
use bus::Doorbell;
use realm::Realm;
use registry::Db;
use registry::provisioner::Provisioner;
use tokio_util::sync::CancellationToken;

/// Settings of the role.
#[derive(Debug, Clone)]
pub struct Config {
    /// The largest body, bytes.
    pub max_body: usize,
    /// How long a body may take to arrive.
    pub body_within: Duration,
    /// How long one request may take, body included.
    pub deadline: Duration,
    /// Networks whose `X-Forwarded-Host` is believed, as predicates over the peer's address.
    pub trusted_proxies: Vec<Network>,
    /// Worker threads of the server.
    pub workers: usize,
    /// Connections to the database of each worker thread, for reads.
    pub connections: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_body: 1 << 20,
            body_within: Duration::from_secs(10),
            deadline: Duration::from_secs(25),
            trusted_proxies: Vec::new(),
            workers: 2,
            connections: 5,
        }
    }
}

/// A network in CIDR form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: std::net::IpAddr,
    bits: u32,
}

impl std::str::FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').ok_or(())?;
        let address: std::net::IpAddr = address.parse().map_err(|_| ())?;
        let bits = bits.parse().map_err(|_| ())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if bits > longest { Err(()) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    /// Whether an address is in it.
    pub fn contains(&self, address: std::net::IpAddr) -> bool {
        let bits = |address: std::net::IpAddr| match address {
            std::net::IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
            std::net::IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let ((ours, family), (theirs, other)) = (bits(self.address), bits(address.to_canonical()));
        family == other && (self.bits == 0 || (ours ^ theirs) >> (128 - self.bits) == 0)
    }
}

/// Finds a tenant's realm. The program knows how: embedded, or Keycloak with the data path's sealed secret.
#[async_trait]
pub trait Realms: Send + Sync {
    /// The realm of a request's tenant.
    async fn of(&self, provisioner: &Provisioner) -> Result<Realm, realm::Error>;
}

/// What the role works with.
#[derive(Clone)]
pub struct Deps {
    /// Registry and directory.
    pub db: Db,
    /// The tenants' realms.
    pub realms: Arc<dyn Realms>,
    /// Rings when something changed.
    pub doorbell: Doorbell,
    /// The main runtime: its database connections and the HTTP clients live there.
    pub runtime: tokio::runtime::Handle,
}

pub(crate) struct Gateway {
    pub config: Config,
    pub limits: limits::Limits,
    pub types: call::TypesOfTenants,
    pub journal: journal::Journal,
    pub deps: Deps,
}

/// What a thread of the server works with.
pub(crate) struct Worker {
    pub gateway: Arc<Gateway>,
    /// With the thread's own connections.
    pub reads: Deps,
}

impl Worker {
    fn of(gateway: &Arc<Gateway>) -> Self {
        let db = gateway.deps.db.of_thread(gateway.config.connections);
        Self { gateway: gateway.clone(), reads: Deps { db, ..gateway.deps.clone() } }
    }
}

/// A server on a listener; runs until shutdown, then finishes what is in flight.
pub fn run(
    config: Config,
    deps: Deps,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> std::io::Result<actix_web::dev::Server> {
    let workers = config.workers;
    let (journal, keeping) = journal::Journal::new(deps.db.clone(), shutdown.clone());
    deps.runtime.spawn(keeping);
    let (limits, types) = (limits::Limits::default(), call::TypesOfTenants::default());
    let gateway = Arc::new(Gateway { config, limits, types, journal, deps });
    let app = move || App::new().app_data(web::Data::new(Worker::of(&gateway))).default_service(web::to(routes::entry));
    let server = HttpServer::new(app)
        .workers(workers)
        .tcp_nodelay(true)
        .disable_signals()
        .shutdown_timeout(30)
        .shutdown_signal(shutdown.cancelled_owned())
        .listen(listener)?
        .run();
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        let network: Network = "10.1.0.0/16".parse().unwrap();
        assert!(network.contains("10.1.2.3".parse().unwrap()));
        assert!(network.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!network.contains("10.2.0.1".parse().unwrap()));
        assert!(!network.contains("::1".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<Network>().is_err());
    }
}
