use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use downstream::{BaseUrl, Client, Connector, Guard, Names, ProbeCode};
use secrecy::SecretString;

/// A listener on every address of this machine that counts who connects.
pub struct Canary {
    pub port: u16,
    seen: Arc<AtomicUsize>,
}

impl Default for Canary {
    fn default() -> Self {
        let listener = TcpListener::bind(("0.0.0.0", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(AtomicUsize::new(0));
        let sixth = TcpListener::bind(("::1", port)).ok();
        for listener in std::iter::once(listener).chain(sixth) {
            let seen = seen.clone();
            std::thread::spawn(move || {
                for _ in listener.incoming() {
                    seen.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Self { port, seen }
    }
}

impl Canary {
    pub fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

/// Names that answer in turn with what they were given; the last answer stays.
pub struct Table {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    pub asked: AtomicUsize,
}

impl Table {
    pub fn new(answers: &[&[IpAddr]]) -> Arc<Self> {
        let answers = answers.iter().rev().map(|answer| answer.to_vec()).collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }
}

impl Names for Table {
    fn look_up(&self, _: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + '_>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() };
        Box::pin(async move { Ok(answer.into_iter().map(|address| SocketAddr::new(address, 0)).collect()) })
    }
}

/// How a probe of a name ends, in production's guard.
pub async fn probe(port: u16, names: Arc<Table>) -> ProbeCode {
    let guard = Guard { ports: vec![443, port], ..Guard::default() };
    let base = BaseUrl::parse(&format!("https://app.example.com:{port}/scim/v2"), &guard).unwrap();
    let connector = Connector::naming(&guard, names).unwrap();
    let client = Client::new(connector, base, SecretString::from("s3cret"));
    client.probe().await.map(|_| ()).unwrap_err().code
}

pub fn on_a_runtime(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(test);
}
