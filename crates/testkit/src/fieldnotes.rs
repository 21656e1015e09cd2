//! The sample downstream application inside a test, so that the test sees all it was asked.

use std::net::TcpListener;

use demo::sample_app::{Manners, SampleApp};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::unique;

/// A running sample application.
pub struct Fieldnotes {
    app: SampleApp,
    url: String,
    token: String,
    stop: CancellationToken,
}

impl Default for Fieldnotes {
    fn default() -> Self {
        Self::with(Manners::default())
    }
}

impl Fieldnotes {
    /// One that lacks some manners.
    pub fn with(manners: Manners) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a listener for a runtime");
        let url = format!("http://{}/scim/v2", listener.local_addr().expect("its address"));
        let (app, token, stop) = (SampleApp::with(manners), unique("fieldnotes"), CancellationToken::new());
        let (served, expected, stopping) = (app.clone(), token.clone(), stop.clone());
        std::thread::spawn(move || {
            let server = async move { served.run(listener, expected, stopping)?.await };
            actix_web::rt::System::new().block_on(server).expect("the sample application serves");
        });
        Self { app, url, token, stop }
    }

    /// Its SCIM base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The bearer token it expects.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What it holds and was asked.
    pub fn app(&self) -> &SampleApp {
        &self.app
    }

    /// Its record of a user.
    pub fn user(&self, user_name: &str) -> Option<Map<String, Value>> {
        self.app.users().into_iter().find(|user| user.get("userName").and_then(Value::as_str) == Some(user_name))
    }
}

impl Drop for Fieldnotes {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
