//! A Keycloak that misbehaves: a proxy in front of the real one that counts every call and, where a rule says so, swallows
//! a call, holds it or its reply back, loses the reply or a part of it, answers by itself, or is not there at all.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::Value;

use crate::servers;

mod rule;

use rule::Rule;
pub use rule::{Fault, InForce};

/// A call as it came, without its credentials.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The body, as text.
    pub body: String,
    /// When it came.
    pub at: std::time::Instant,
}

impl Call {
    /// Whether a token is asked for.
    pub fn is_for_a_token(&self) -> bool {
        self.path.ends_with("/protocol/openid-connect/token")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Shared {
    journal: Mutex<Vec<Call>>,
    rules: Mutex<Vec<Arc<Rule>>>,
    connections: Mutex<Vec<TcpStream>>,
    stopped: AtomicBool,
    /// Realms whose calls another one gets, and which.
    routes: Mutex<Vec<(String, String)>>,
}

/// The proxy.
pub struct FaultyKeycloak {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<std::thread::JoinHandle<()>>,
}

impl Default for FaultyKeycloak {
    fn default() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let mut keycloak = Self { address, shared: Arc::default(), accepting: None };
        keycloak.accept(listener);
        keycloak
    }
}

impl FaultyKeycloak {
    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts a rule in force for all calls it matches.
    pub fn on(&self, fault: Fault, matches: impl Fn(&Call) -> bool + Send + Sync + 'static) -> InForce {
        self.rule(fault, usize::MAX, matches)
    }

    /// Likewise, for the first call it matches.
    pub fn once(&self, fault: Fault, matches: impl Fn(&Call) -> bool + Send + Sync + 'static) -> InForce {
        self.rule(fault, 1, matches)
    }

    /// Leads a realm's calls to another realm, as a wrong route does; to itself again with its own name.
    pub fn route(&self, realm: &str, to: &str) {
        let mut routes = locked(&self.shared.routes);
        routes.retain(|(from, _)| from != realm);
        routes.push((realm.to_owned(), to.to_owned()));
    }

    fn rule(&self, fault: Fault, left: usize, matches: impl Fn(&Call) -> bool + Send + Sync + 'static) -> InForce {
        let rule = Arc::new(Rule::new(fault, left, Box::new(matches)));
        let mut rules = locked(&self.shared.rules);
        rules.retain(|rule| !rule.is_lifted());
        rules.push(rule.clone());
        InForce(rule)
    }

    /// The calls that came while something was done.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> (T, Vec<Call>) {
        let before = locked(&self.shared.journal).len();
        let done = work();
        let calls = locked(&self.shared.journal)[before..].to_vec();
        (done, calls)
    }

    /// Waits until a call has come since something was begun.
    pub fn wait_for(&self, since: std::time::Instant, matches: impl Fn(&Call) -> bool) {
        let came = || locked(&self.shared.journal).iter().any(|call| call.at > since && matches(call));
        let there = crate::eventually(Duration::from_mins(1), || came().then_some(()));
        assert!(there.is_some(), "the call does not come");
    }

    /// Goes away: connections break, and new ones are refused.
    pub fn go_down(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes whoever accepts.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
        for connection in locked(&self.shared.connections).drain(..) {
            drop(connection.shutdown(Shutdown::Both));
        }
    }

    /// Is there again, at the same address.
    pub fn come_up(&mut self) {
        let listener = crate::eventually(Duration::from_secs(10), || TcpListener::bind(self.address).ok());
        self.accept(listener.expect("the same port again"));
    }

    fn accept(&mut self, listener: TcpListener) {
        self.shared.stopped.store(false, Ordering::SeqCst);
        let (shared, upstream) = (self.shared.clone(), servers::fact("KEVRA_TEST_KEYCLOAK_URL"));
        // As long as a test may hold a reply back; the product's own time-outs are shorter.
        let builder = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = builder.timeout(Duration::from_mins(2)).build().expect("an HTTP client");
        self.accepting = Some(std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                locked(&shared.connections).extend(connection.try_clone());
                let (shared, client, upstream) = (shared.clone(), client.clone(), upstream.clone());
                std::thread::spawn(move || drop(serve(connection, &shared, &client, &upstream)));
            }
        }));
    }
}

impl Drop for FaultyKeycloak {
    fn drop(&mut self) {
        for rule in locked(&self.shared.rules).iter() {
            rule.lift();
        }
        self.go_down();
    }
}

/// Serves one connection, call by call, until it closes or a rule breaks it.
fn serve(mut connection: TcpStream, shared: &Shared, client: &Client, upstream: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    while let Some((call, headers, body)) = read(&mut reader)? {
        locked(&shared.journal).push(call.clone());
        let rule = locked(&shared.rules).iter().find(|rule| rule.applies(&call)).cloned();
        let path = routed(&locked(&shared.routes), &call.path);
        let ask = |left_out| forward(client, upstream, (&call.method, &path), &headers, &body, left_out);
        let forward = || ask(None);
        let reply = match rule.as_ref().map(|rule| rule.fault) {
            None => forward(),
            Some(Fault::Answer(status)) => Some(format!("HTTP/1.1 {status} Fault\r\ncontent-length: 0\r\n\r\n").into()),
            Some(Fault::Say(status, text)) => {
                let head = format!("HTTP/1.1 {status} Fault\r\ncontent-type: application/json\r\n");
                Some(format!("{head}content-length: {}\r\n\r\n{text}", text.len()).into())
            }
            Some(Fault::Swallow) => {
                held(rule.as_deref());
                None
            }
            Some(Fault::Late) => {
                held(rule.as_deref());
                forward()
            }
            Some(Fault::Slow(long)) => {
                if let Some(rule) = &rule {
                    rule.note();
                    rule.wait(long);
                }
                forward()
            }
            Some(Fault::LateReply) => {
                let reply = forward();
                held(rule.as_deref());
                reply
            }
            Some(Fault::LoseReply) => {
                drop(forward());
                None
            }
            Some(Fault::Without(text)) => ask(Some(text)),
        };
        let at_once = |fault| matches!(fault, Fault::LoseReply | Fault::Without(_) | Fault::Answer(_) | Fault::Say(..));
        if let Some(rule) = rule.filter(|rule| at_once(rule.fault)) {
            rule.note();
        }
        let Some(reply) = reply else { return connection.shutdown(Shutdown::Both) };
        connection.write_all(&reply)?;
    }
    Ok(())
}

/// A path with the realm its calls are led to.
fn routed(routes: &[(String, String)], path: &str) -> String {
    let leads = |(from, to): &(String, String)| {
        let (before, after) = path.split_once(&format!("realms/{from}"))?;
        (after.is_empty() || after.starts_with(['/', '?'])).then(|| format!("{before}realms/{to}{after}"))
    };
    routes.iter().find_map(leads).unwrap_or_else(|| path.to_owned())
}

fn held(rule: Option<&Rule>) {
    if let Some(rule) = rule {
        rule.note();
        rule.wait_until_lifted();
    }
}

type Headers = Vec<(String, String)>;

/// The next call of a connection. Our clients send bodies with their length.
fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<(Call, Headers, Vec<u8>)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let method = words.next().and_then(|word| Method::from_bytes(word.as_bytes()).ok()).unwrap_or(Method::GET);
    let path = words.next().unwrap_or("/").to_owned();
    let (mut headers, mut length) = (Headers::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        match name.as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "host" | "connection" => {}
            _ => headers.push((name, value)),
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let text = String::from_utf8_lossy(&body).into_owned();
    Ok(Some((Call { method, path, body: text, at: std::time::Instant::now() }, headers, body)))
}

/// Keycloak's reply to a call, without the entries of its list that hold a text; none where it gave none.
fn forward(
    client: &Client,
    upstream: &str,
    (method, path): (&Method, &str),
    headers: &Headers,
    body: &[u8],
    left_out: Option<&str>,
) -> Option<Vec<u8>> {
    let mut request = client.request(method.clone(), format!("{upstream}{path}")).body(body.to_vec());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = request.send().ok()?;
    let mut lines = vec![format!("HTTP/1.1 {}", answer.status())];
    let ours = |name: &str| !matches!(name, "connection" | "transfer-encoding" | "content-length");
    let kept = answer.headers().iter().filter(|(name, _)| ours(name.as_str()));
    lines.extend(kept.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default())));
    let mut body = answer.bytes().ok()?.to_vec();
    if let (Some(text), Ok(mut list)) = (left_out, serde_json::from_slice::<Vec<Value>>(&body)) {
        list.retain(|entry| !entry.to_string().contains(text));
        body = serde_json::to_vec(&list).ok()?;
    }
    lines.push(format!("content-length: {}\r\n\r\n", body.len()));
    Some([lines.join("\r\n").into_bytes(), body].concat())
}
