//! Keycloak 26.4 and newer, through its Admin REST API. About twenty endpoints, our own time-outs and errors.

mod events;
mod groups;
mod protection;
pub mod provision;
mod representation;
mod transport;
mod users;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::OnceCell;

pub use provision::{Admin, CLIENT_ID, EventStores, Wanted};
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
}

/// The data path into one realm.
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Arc<Transport>,
    pub(crate) role: Arc<OnceCell<serde_json::Value>>,
    pub(crate) protection: Arc<protection::Protection>,
}

impl Client {
    /// Makes a client; nothing is called yet.
    pub fn new(connection: Connection) -> Result<Self, crate::Error> {
        Ok(Self {
            transport: Arc::new(Transport::new(connection)?),
            role: Arc::new(OnceCell::new()),
            protection: Arc::default(),
        })
    }
}
