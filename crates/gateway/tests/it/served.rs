//! A gateway that serves one tenant on a database whose statements are written down.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use gateway::{Config, Deps};
use serde_json::Value;
use testkit::store::{HOST, Store, on_sqlite};
use tokio_util::sync::CancellationToken;

use crate::people::InMemory;

/// The client's side.
pub struct Served {
    url: String,
    token: String,
    ran: Arc<Mutex<Vec<String>>>,
}

/// Serves on SQLite for as long as the work takes.
pub fn served(work: impl FnOnce(&Served) + Send + 'static) {
    on_sqlite(|store| serve(store, work));
}

#[expect(clippy::disallowed_methods, reason = "the server under test, waited for at the end")]
async fn serve(store: Store, work: impl FnOnce(&Served) + Send + 'static) {
    let (_, token) = store.provisioned("acme").await;
    let ran: Arc<Mutex<Vec<String>>> = Arc::default();
    let watcher = ran.clone();
    let db = store.db.clone().watched(move |statement| watcher.lock().unwrap().push(statement.to_owned()));
    let (doorbell, _hints) = bus::in_process();
    let runtime = tokio::runtime::Handle::current();
    let deps = Deps { db, realms: Arc::new(InMemory::default()), doorbell, runtime };
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/realms/acme/scim/v2", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let server = gateway::run(Config::default(), deps, listener, shutdown.clone()).unwrap();
    let serving = tokio::spawn(server);
    let served = Served { url, token: token.reveal().to_owned(), ran };
    tokio::task::spawn_blocking(move || work(&served)).await.unwrap();
    shutdown.cancel();
    serving.await.unwrap().unwrap();
}

impl Served {
    /// One request, which succeeds: its answer, and the statements it took. What the journal writes of it afterwards, in
    /// batches, is not the request's.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (Value, Vec<String>) {
        self.ran.lock().unwrap().clear();
        let request = testkit::http().request(method.parse().unwrap(), format!("{}{path}", self.url));
        let request = request.header("host", HOST).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().unwrap();
        let (status, text) = (response.status(), response.text().unwrap());
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        let mine = |statement: &String| !statement.contains("activity") && !statement.contains("inbound_contact");
        let statements = self.ran.lock().unwrap().iter().filter(|statement| mine(statement)).cloned().collect();
        (serde_json::from_str(&text).unwrap_or_default(), statements)
    }
}
