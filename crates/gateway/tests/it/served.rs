//! A gateway that serves one tenant on a database whose statements are written down.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use gateway::{Config, Deps, Realms};
use registry::{Db, TenantId};
use serde_json::Value;
use testkit::store::{HOST, Store, on_sqlite};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::people::InMemory;

/// The client's side.
pub struct Served {
    pub url: String,
    pub token: String,
    /// The tenant and its database.
    pub tenant: TenantId,
    pub db: Db,
    runtime: Handle,
    ran: Arc<Mutex<Vec<String>>>,
}

/// Serves on SQLite for as long as the work takes.
pub fn served(work: impl FnOnce(&Served) + Send + 'static) {
    served_with(Config::default(), Arc::new(InMemory::default()), work);
}

/// The same with settings and a realm of the test's own.
pub fn served_with(config: Config, realms: Arc<dyn Realms>, work: impl FnOnce(&Served) + Send + 'static) {
    on_sqlite(|store| serve(store, config, realms, work));
}

#[expect(clippy::disallowed_methods, reason = "the server under test, waited for at the end")]
async fn serve(store: Store, config: Config, realms: Arc<dyn Realms>, work: impl FnOnce(&Served) + Send + 'static) {
    let (tenant, token) = store.provisioned("acme").await;
    let ran: Arc<Mutex<Vec<String>>> = Arc::default();
    let watcher = ran.clone();
    let db = store.db.clone().watched(move |statement| watcher.lock().unwrap().push(statement.sql.clone()));
    let (doorbell, _hints) = bus::in_process();
    let runtime = Handle::current();
    let deps = Deps { db, realms, doorbell, runtime: runtime.clone() };
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/realms/acme/scim/v2", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let server = gateway::run(config, deps, listener, shutdown.clone()).unwrap();
    let serving = tokio::spawn(server);
    let (token, db) = (token.reveal().to_owned(), store.db.clone());
    let served = Served { url, token, tenant, db, runtime, ran };
    tokio::task::spawn_blocking(move || work(&served)).await.unwrap();
    shutdown.cancel();
    serving.await.unwrap().unwrap();
}

impl Served {
    /// Waits for work on the database.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// One request: its status and answer.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = testkit::http().request(method.parse().unwrap(), format!("{}{path}", self.url));
        let request = request.header("host", HOST).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().unwrap();
        let (status, text) = (response.status().as_u16(), response.text().unwrap());
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// One request, which succeeds: its answer, and the statements it took. What the journal writes of it afterwards, in
    /// batches, is not the request's.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (Value, Vec<String>) {
        self.ran.lock().unwrap().clear();
        let (status, answer) = self.send(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        (answer, self.statements())
    }

    /// What requests have asked of the database since the last [`Self::call`] began.
    pub fn statements(&self) -> Vec<String> {
        let journal = ["activity", "inbound_contact", "audit_entry"];
        let mine = |statement: &String| !journal.iter().any(|table| statement.contains(table));
        self.ran.lock().unwrap().iter().filter(|statement| mine(statement)).cloned().collect()
    }
}
