//! A network that misbehaves: a proxy in front of a downstream that loses, cuts, delays and replaces what passes through,
//! request by request, and remembers which changes arrived in which order.

mod exchange;
mod tls;

use std::collections::VecDeque;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use exchange::{Request, reset};

pub use tls::{Authority, TlsFront};

/// How much later a slow downstream hears of a request: well within what anybody waits.
const SLOW: Duration = Duration::from_secs(4);

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks before the downstream hears of it.
    Reset,
    /// The downstream does its work, and the connection breaks before the reply.
    LoseReply,
    /// The downstream does its work, and half of the reply arrives.
    CutReply,
    /// The downstream does its work, and the reply arrives a byte now and then, for longer than anybody waits.
    Drip,
    /// The downstream does not hear of it, and something else answers.
    Answer(Canned),
    /// The downstream does its work, and something else answers.
    WorkThenAnswer(Canned),
    /// Nothing happens until the client gives up.
    Stall,
    /// It arrives after the client has given up: a late write.
    Late,
    /// Likewise, but not before [`Network::release`].
    Held,
    /// The downstream hears of it only after some seconds, and answers in time.
    Slow,
}

/// An answer that is not the downstream's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canned {
    /// A status with a SCIM error.
    Error(u16),
    /// 429 with `Retry-After` in seconds.
    TooMany(u64),
    /// 503 with `Retry-After` as a date so many seconds from now.
    BusyUntil(u64),
    /// A web page with this status.
    Page(u16),
    /// A status and nothing else.
    Empty(u16),
    /// 200 with the record of somebody else, who has an externalId of another kind.
    Somebody,
    /// 200 with a SCIM error of this status.
    Denial(u16),
}

/// A change that the downstream made.
#[derive(Debug, Clone)]
pub struct Change {
    /// The record as it stood afterwards.
    pub record: Value,
    /// It arrived after its sender had given up.
    pub late: bool,
}

/// Some requests and what happens to them.
struct Plan {
    fault: Fault,
    method: Option<&'static str>,
    times: usize,
}

#[derive(Default)]
struct State {
    plans: VecDeque<Plan>,
    /// What happens to each request of a method that has a text in it.
    always: Vec<(Fault, &'static str, String)>,
    hits: Vec<Fault>,
    requests: Vec<Instant>,
    under_way: usize,
    changes: Vec<Change>,
    released: bool,
}

#[derive(Default)]
struct Shared {
    address: String,
    state: Mutex<State>,
    let_go: Condvar,
    /// One change at a time reaches the downstream, so that the order they are remembered in is theirs.
    changing: Mutex<()>,
}

/// A proxy to one upstream.
pub struct Network {
    url: String,
    shared: Arc<Shared>,
}

impl Network {
    /// In front of an `http://host:port/path` URL.
    pub fn new(upstream: &str) -> Self {
        let rest = upstream.strip_prefix("http://").expect("an http URL");
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let url = format!("http://{}/{path}", listener.local_addr().expect("its address"));
        let shared = Arc::new(Shared { address: address.to_owned(), ..Shared::default() });
        let serving = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = serving.clone();
                std::thread::spawn(move || drop(shared.carry(client)));
            }
        });
        Self { url, shared }
    }

    /// The upstream's URL through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Does something to the next so many requests, of one method or of any, once all that was said before is done.
    pub fn next(&self, fault: Fault, method: Option<&'static str>, times: usize) {
        self.shared.state().plans.push_back(Plan { fault, method, times });
    }

    /// Does something to each request of a method that has a text in its path or body, however often it is tried.
    pub fn always(&self, fault: Fault, method: &'static str, text: &str) {
        self.shared.state().always.push((fault, method, text.to_owned()));
    }

    /// Everything gets through from now on.
    pub fn mend(&self) {
        let mut state = self.shared.state();
        state.plans.clear();
        state.always.clear();
        drop(state);
        self.release();
    }

    /// What is held, and will be, arrives once its client has given up.
    pub fn release(&self) {
        self.shared.state().released = true;
        self.shared.let_go.notify_all();
    }

    /// What was done to requests so far, in order.
    pub fn hits(&self) -> Vec<Fault> {
        self.shared.state().hits.clone()
    }

    /// How many plans no request has met yet.
    pub fn waiting(&self) -> usize {
        self.shared.state().plans.len()
    }

    /// Whether nothing is planned and nothing is under way.
    pub fn is_calm(&self) -> bool {
        let state = self.shared.state();
        state.plans.is_empty() && state.under_way == 0
    }

    /// The changes the downstream made, in order.
    pub fn changes(&self) -> Vec<Change> {
        self.shared.state().changes.clone()
    }

    /// When requests came.
    pub fn requests(&self) -> Vec<Instant> {
        self.shared.state().requests.clone()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is planned for a request.
    fn plan(&self, request: &Request) -> Option<Fault> {
        let mut state = self.state();
        state.requests.push(Instant::now());
        let meant = |method: &str, text: &str| request.method == method && request.has(text);
        if let Some(fault) = state.always.iter().find_map(|(fault, method, text)| meant(method, text).then_some(*fault))
        {
            state.hits.push(fault);
            return Some(fault);
        }
        let plan = state.plans.front_mut()?;
        if plan.method.is_some_and(|wanted| wanted != request.method) {
            return None;
        }
        let fault = plan.fault;
        plan.times = plan.times.saturating_sub(1);
        if plan.times == 0 {
            state.plans.pop_front();
        }
        state.hits.push(fault);
        Some(fault)
    }

    /// Carries one request: every reply closes its connection.
    fn carry(&self, mut client: TcpStream) -> std::io::Result<()> {
        let Some(request) = Request::read(&mut client)? else { return Ok(()) };
        let fault = self.plan(&request);
        self.state().under_way += 1;
        let carried = self.deal_with(client, &request, fault);
        self.state().under_way -= 1;
        carried
    }

    fn deal_with(&self, mut client: TcpStream, request: &Request, fault: Option<Fault>) -> std::io::Result<()> {
        match fault {
            None => client.write_all(&self.ask(request, false)?),
            Some(Fault::Reset) => reset(&client),
            Some(Fault::Answer(canned)) => client.write_all(&canned.bytes()),
            Some(Fault::WorkThenAnswer(canned)) => {
                self.ask(request, false)?;
                client.write_all(&canned.bytes())
            }
            Some(Fault::LoseReply) => {
                self.ask(request, false)?;
                reset(&client)
            }
            Some(Fault::CutReply) => {
                let reply = self.ask(request, false)?;
                client.write_all(&reply[..reply.len() / 2])?;
                reset(&client)
            }
            Some(Fault::Drip) => {
                let reply = self.ask(request, false)?;
                for byte in reply.chunks(1) {
                    client.write_all(byte)?;
                    if given_up(&client, Duration::from_millis(200)) {
                        break;
                    }
                }
                Ok(())
            }
            Some(Fault::Stall) => {
                while !given_up(&client, Duration::from_millis(200)) {}
                Ok(())
            }
            Some(Fault::Late) => {
                while !given_up(&client, Duration::from_millis(200)) {}
                self.ask(request, true).map(drop)
            }
            Some(Fault::Held) => {
                while !given_up(&client, Duration::from_millis(200)) {}
                let held = self.let_go.wait_while(self.state(), |state| !state.released);
                drop(held.unwrap_or_else(PoisonError::into_inner));
                self.ask(request, true).map(drop)
            }
            Some(Fault::Slow) => {
                if given_up(&client, SLOW) {
                    return Ok(());
                }
                client.write_all(&self.ask(request, false)?)
            }
        }
    }

    /// Asks the downstream, and remembers what it changed.
    fn ask(&self, request: &Request, late: bool) -> std::io::Result<Vec<u8>> {
        let changing = (request.method != "GET").then(|| self.changing.lock().unwrap_or_else(PoisonError::into_inner));
        let reply = request.ask(&self.address)?;
        if changing.is_some()
            && let Some(record) = exchange::record(&reply)
        {
            self.state().changes.push(Change { record, late });
        }
        Ok(reply)
    }
}

/// Whether a client has gone within a time.
fn given_up(client: &TcpStream, within: Duration) -> bool {
    drop(client.set_read_timeout(Some(within)));
    match client.peek(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
    }
}
