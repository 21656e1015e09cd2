//! Keycloak 26.4 and newer, through its Admin REST API. About twenty endpoints, our own time-outs and errors.

mod answer;
mod breaker;
mod event_walk;
mod events;
mod groups;
mod inspect;
mod protection;
pub mod provision;
mod representation;
mod stores;
mod transport;
mod users;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Mutex;

pub use breaker::{Server, Servers};
pub use event_walk::{EventWalk, Newest, Walked};
pub use inspect::{ANOTHER_REALM, Known, OLD_KEYCLOAK};
pub use provision::{Admin, CLIENT_ID, Wanted};
pub use stores::EventStores;
pub(crate) use transport::Transport;

/// Where a realm is and who we are there.
#[derive(Clone)]
pub struct Connection {
    /// Keycloak's base URL, without trailing slash.
    pub base_url: String,
    /// The realm.
    pub realm: String,
    /// The realm whose token endpoint knows the client: the same realm on the data path.
    pub token_realm: String,
    /// The confidential client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// How long one call may take.
    pub timeout: Duration,
    /// The realm's UUID as it is known: who answers under its name and is another one is asked for nothing (K14, K29).
    pub identity: Option<uuid::Uuid>,
}

/// The data path into one realm.
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Arc<Transport>,
    /// The realm role as mappings name it.
    pub(crate) role: Arc<Mutex<Option<serde_json::Value>>>,
    pub(crate) protection: Arc<protection::Protection>,
}

impl Client {
    /// Makes a client for a realm of a server; nothing is called yet.
    pub fn new(connection: Connection, server: Server) -> Result<Self, crate::Error> {
        let transport = Arc::new(Transport::new(connection, server)?);
        Ok(Self { transport, role: Arc::default(), protection: Arc::default() })
    }

    /// Whether its credentials were refused when they were used last: there may be others by now.
    pub fn is_refused(&self) -> bool {
        self.transport.is_refused()
    }
}
