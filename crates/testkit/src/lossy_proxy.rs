//! A network that misbehaves: a TCP proxy in front of a downstream, whose replies can get lost after the downstream has
//! done its work.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const PASS: u8 = 0;
const ARMED: u8 = 1;
const LOST: u8 = 2;

/// A proxy to one upstream.
pub struct LossyProxy {
    url: String,
    mode: Arc<AtomicU8>,
}

impl LossyProxy {
    /// In front of an `http://host:port/path` URL.
    pub fn new(upstream: &str) -> Self {
        let rest = upstream.strip_prefix("http://").expect("an http URL");
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let url = format!("http://{}/{path}", listener.local_addr().expect("its address"));
        let mode = Arc::new(AtomicU8::new(PASS));
        let (address, shared) = (address.to_owned(), mode.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (address, mode) = (address.clone(), shared.clone());
                std::thread::spawn(move || drop(carry(client, &address, &mode)));
            }
        });
        Self { url, mode }
    }

    /// The upstream's URL through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Loses the reply to the next PATCH; from then on nothing gets through until [`LossyProxy::mend`].
    pub fn lose_the_next_reply_to_a_patch(&self) {
        self.mode.store(ARMED, Ordering::SeqCst);
    }

    /// Whether the reply has been lost.
    pub fn has_lost_it(&self) -> bool {
        self.mode.load(Ordering::SeqCst) == LOST
    }

    /// Everything gets through again.
    pub fn mend(&self) {
        self.mode.store(PASS, Ordering::SeqCst);
    }
}

/// Carries one connection, request by request: a client does not send its next before it has the reply.
fn carry(mut client: TcpStream, address: &str, mode: &AtomicU8) -> std::io::Result<()> {
    let mut upstream = TcpStream::connect(address)?;
    let (mut request, mut reply) = (client.try_clone()?, upstream.try_clone()?);
    let patching = Arc::new(AtomicU8::new(0));
    let asked = patching.clone();
    let requests = std::thread::spawn(move || {
        let mut buffer = [0; 8_192];
        while let Ok(length @ 1..) = request.read(&mut buffer) {
            if let Some(method) = [&b"PATCH "[..], b"GET ", b"POST ", b"PUT "].iter().find(|m| buffer.starts_with(m)) {
                asked.store(u8::from(*method == b"PATCH "), Ordering::SeqCst);
            }
            if upstream.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        drop(upstream.shutdown(Shutdown::Both));
    });
    let mut buffer = [0; 8_192];
    while let Ok(length @ 1..) = reply.read(&mut buffer) {
        let armed = mode.load(Ordering::SeqCst);
        if armed == LOST || (armed == ARMED && patching.load(Ordering::SeqCst) == 1) {
            mode.store(LOST, Ordering::SeqCst);
            break;
        }
        client.write_all(&buffer[..length])?;
    }
    drop(client.shutdown(Shutdown::Both));
    drop(reply.shutdown(Shutdown::Both));
    drop(requests.join());
    Ok(())
}
