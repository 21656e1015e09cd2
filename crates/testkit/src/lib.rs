//! Test parts: the built program as processes, a database per test from a template, a vhost per test, a realm per test,
//! third-party SCIM clients and servers, and waiting without sleeping in tests.
//!
//! A part that fails is a failed test: everything here panics with what was missing and the command that mends it.
#![expect(clippy::expect_used, clippy::panic, reason = "a part that fails is a failed test")]

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

pub mod bare;
pub mod broker;
pub mod collector;
pub mod console;
pub mod database;
pub mod demo_process;
pub mod faulty_keycloak;
pub mod fieldnotes;
pub mod installation;
pub mod keycloak;
pub mod ldap;
pub mod network;
pub mod own;
pub mod process;
pub mod scratch;
pub mod servers;
pub mod store;
pub mod third_party;
pub mod transcript;

pub use demo_process::Demo;

/// Asks again and again until an answer comes, at most for so long.
pub fn eventually<T>(within: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if begun.elapsed() > within {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An HTTP client that ignores the environment's proxies.
pub fn http() -> reqwest::blocking::Client {
    let builder = reqwest::blocking::Client::builder().no_proxy().timeout(Duration::from_mins(1));
    builder.build().expect("an HTTP client")
}

/// A name nobody else uses, short enough for databases, vhosts and realms.
pub fn unique(prefix: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}-{}", &id[..12])
}

/// A port that was free a moment ago and that this process has given to nobody. It is none of those that the system gives to
/// connections, one of which could take it before whoever is told of it has.
pub fn free_port() -> u16 {
    const FIRST: u16 = 10_000;
    const PORTS: u16 = 20_000;
    static NEXT: LazyLock<AtomicU16> =
        LazyLock::new(|| AtomicU16::new(u16::try_from(uuid::Uuid::new_v4().as_u128() % 20_000).unwrap_or_default()));
    (0..PORTS)
        .map(|_| FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % PORTS)
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}
