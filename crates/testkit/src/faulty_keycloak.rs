//! A Keycloak that misbehaves: a proxy in front of the real one that counts every call and, where a rule says so, swallows
//! a call, holds it or its reply back, loses the reply, answers by itself, or is not there at all.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::Client;

use crate::servers;

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

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It hangs until the rule is lifted, and never reaches Keycloak.
    Swallow,
    /// It hangs until the rule is lifted, and reaches Keycloak then.
    Late,
    /// Keycloak does its work; the reply hangs until the rule is lifted.
    LateReply,
    /// Keycloak does its work; the connection breaks before the reply.
    LoseReply,
    /// Keycloak is not asked; this status comes back.
    Answer(u16),
}

type Matcher = Box<dyn Fn(&Call) -> bool + Send + Sync>;

struct Rule {
    matches: Matcher,
    fault: Fault,
    /// How many calls it still applies to.
    left: Mutex<usize>,
    met: Mutex<usize>,
    lifted: AtomicBool,
    changed: Condvar,
}

impl Rule {
    fn applies(&self, call: &Call) -> bool {
        if self.lifted.load(Ordering::SeqCst) || !(self.matches)(call) {
            return false;
        }
        let mut left = locked(&self.left);
        let applies = *left > 0;
        *left -= usize::from(applies);
        applies
    }

    fn note(&self) {
        *locked(&self.met) += 1;
        self.changed.notify_all();
    }

    fn wait_until_lifted(&self) {
        let mut met = locked(&self.met);
        while !self.lifted.load(Ordering::SeqCst) {
            met = self.changed.wait(met).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lift(&self) {
        let _met = locked(&self.met);
        self.lifted.store(true, Ordering::SeqCst);
        self.changed.notify_all();
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
}

/// A rule in force; lifted when dropped.
pub struct InForce(Arc<Rule>);

impl InForce {
    /// How many calls it was applied to.
    pub fn met(&self) -> usize {
        *locked(&self.0.met)
    }

    /// Waits until it has been applied to so many calls.
    pub fn wait_for(&self, count: usize) {
        let there = crate::eventually(Duration::from_secs(60), || (self.met() >= count).then_some(()));
        assert!(there.is_some(), "{} of {count} calls came", self.met());
    }

    /// Ends it.
    pub fn lift(self) {}
}

impl Drop for InForce {
    fn drop(&mut self) {
        self.0.lift();
    }
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

    fn rule(&self, fault: Fault, left: usize, matches: impl Fn(&Call) -> bool + Send + Sync + 'static) -> InForce {
        let rule = Arc::new(Rule {
            matches: Box::new(matches),
            fault,
            left: Mutex::new(left),
            met: Mutex::default(),
            lifted: AtomicBool::new(false),
            changed: Condvar::new(),
        });
        let mut rules = locked(&self.shared.rules);
        rules.retain(|rule| !rule.lifted.load(Ordering::SeqCst));
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
        let forward = || forward(client, upstream, &call, &headers, &body);
        let reply = match rule.as_ref().map(|rule| rule.fault) {
            None => forward(),
            Some(Fault::Answer(status)) => Some(format!("HTTP/1.1 {status} Fault\r\ncontent-length: 0\r\n\r\n").into()),
            Some(Fault::Swallow) => {
                held(rule.as_deref());
                None
            }
            Some(Fault::Late) => {
                held(rule.as_deref());
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
        };
        if let Some(rule) = rule.filter(|rule| matches!(rule.fault, Fault::LoseReply | Fault::Answer(_))) {
            rule.note();
        }
        let Some(reply) = reply else { return connection.shutdown(Shutdown::Both) };
        connection.write_all(&reply)?;
    }
    Ok(())
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

/// Keycloak's reply to a call; none where it gave none.
fn forward(client: &Client, upstream: &str, call: &Call, headers: &Headers, body: &[u8]) -> Option<Vec<u8>> {
    let mut request = client.request(call.method.clone(), format!("{upstream}{}", call.path)).body(body.to_vec());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = request.send().ok()?;
    let mut reply = format!("HTTP/1.1 {}\r\n", answer.status());
    for (name, value) in answer.headers() {
        if !matches!(name.as_str(), "connection" | "transfer-encoding" | "content-length") {
            reply.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
        }
    }
    let body = answer.bytes().ok()?;
    reply.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    Some([reply.into_bytes(), body.to_vec()].concat())
}
