//! A downstream that costs next to nothing, and notes when each change arrives. Users are called as their externalId.

use std::collections::{HashMap, HashSet};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use uuid::Uuid;

/// What a real downstream takes for an answer.
const SLOW: Duration = Duration::from_millis(50);

/// How a tenant's part of the sink behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Prompt,
    /// Takes [`SLOW`] for each answer.
    Slow,
    /// Takes longer than anybody waits.
    Hung,
    /// Answers 503.
    Dead,
}

#[derive(Default)]
struct State {
    arrived: HashMap<Uuid, Instant>,
    slow: HashSet<String>,
    hung: HashSet<String>,
    dead: HashSet<String>,
}

#[derive(Clone, Default)]
pub struct Sink(Arc<Mutex<State>>);

impl Sink {
    /// Serves on a free port; where.
    pub fn start(&self) -> anyhow::Result<String> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let sink = web::Data::new(self.clone());
        std::thread::spawn(move || {
            let server = HttpServer::new(move || App::new().app_data(sink.clone()).default_service(web::to(answer)));
            let server = server.workers(1).tcp_nodelay(true).disable_signals().listen(listener)?;
            actix_web::rt::System::new().block_on(server.run())
        });
        Ok(url)
    }

    /// Forgets what has arrived.
    pub fn clear(&self) {
        self.state().arrived.clear();
    }

    pub fn arrived(&self) -> usize {
        self.state().arrived.len()
    }

    /// When changes of users arrived, the last of each.
    pub fn when(&self) -> HashMap<Uuid, Instant> {
        self.state().arrived.clone()
    }

    pub fn behave(&self, slug: &str, manner: Manner) {
        let mut state = self.state();
        state.slow.remove(slug);
        state.hung.remove(slug);
        state.dead.remove(slug);
        match manner {
            Manner::Prompt => {}
            Manner::Slow => drop(state.slow.insert(slug.to_owned())),
            Manner::Hung => drop(state.hung.insert(slug.to_owned())),
            Manner::Dead => drop(state.dead.insert(slug.to_owned())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, sink: web::Data<Sink>) -> HttpResponse {
    let path: Vec<&str> = request.path().split('/').filter(|part| !part.is_empty()).collect();
    let slug = path.first().copied().unwrap_or_default().to_owned();
    let (slow, hung, dead) = {
        let state = sink.state();
        (state.slow.contains(&slug), state.hung.contains(&slug), state.dead.contains(&slug))
    };
    if slow {
        actix_web::rt::time::sleep(SLOW).await;
    }
    if hung {
        actix_web::rt::time::sleep(Duration::from_secs(12)).await;
    }
    if dead {
        return HttpResponse::ServiceUnavailable().finish();
    }
    match (request.method().as_str(), path.as_slice()) {
        ("GET", [_, "ServiceProviderConfig"]) => {
            HttpResponse::Ok().json(json!({ "patch": { "supported": true }, "filter": { "supported": true } }))
        }
        ("GET", [_, "Users"]) => HttpResponse::Ok().json(json!({ "totalResults": 0, "Resources": [] })),
        // Whoever was pushed to when a dispatcher was killed is looked at first.
        ("GET", [_, "Users", id]) => HttpResponse::Ok().json(json!({ "id": id, "externalId": id })),
        ("POST", [_, "Users"]) => {
            let mut user: Value = serde_json::from_slice(&body).unwrap_or_default();
            user["id"] = user["externalId"].clone();
            if let Some(id) = user["id"].as_str().and_then(|id| id.parse().ok()) {
                sink.state().arrived.insert(id, Instant::now());
            }
            HttpResponse::Created().json(user)
        }
        ("PATCH", [_, "Users", id]) => {
            if let Ok(id) = id.parse() {
                sink.state().arrived.insert(id, Instant::now());
            }
            HttpResponse::Ok().json(json!({ "id": id, "externalId": id }))
        }
        _ => HttpResponse::NotFound().json(json!({ "status": "404" })),
    }
}
