//! A bounded closed loop of sixteen clients, and what it cost the processes that answered.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::{Client, Request, RequestBuilder};

use crate::cpu::Trees;

/// How many requests are under way at once.
const CLIENTS: usize = 16;
/// How long a round lasts.
pub const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;
/// One of so many requests may fail. Whoever refuses everything is quick, and was not measured.
const MAY_FAIL: u64 = 100;

/// A request to repeat; it may differ each time.
pub type Call<'c> = dyn Fn(&Client, u64) -> Request + 'c;

/// What a round came to.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// User and system time of the processes, microseconds per request.
    pub cpu: f64,
    pub per_second: f64,
    /// Milliseconds.
    pub median: f64,
    pub p99: f64,
    pub failed: u64,
}

/// Subject and floor in turn.
pub struct Pair {
    pub subject: Figures,
    pub floor: Figures,
    /// The subject's CPU per request over the floor's, the median of the rounds.
    pub ratio: f64,
}

/// One side of a comparison: what is asked, and whose time counts.
pub struct Side<'s> {
    pub call: &'s Call<'s>,
    pub whose: &'s Trees,
}

/// The request of a builder that was given a URL of our own making.
#[expect(clippy::panic, reason = "a benchmark with a bad URL has nothing to measure")]
pub fn built(request: RequestBuilder) -> Request {
    request.build().unwrap_or_else(|error| panic!("{error}"))
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Measures both sides in alternating rounds.
pub async fn compare(client: &Client, subject: Side<'_>, floor: Side<'_>) -> anyhow::Result<Pair> {
    let (mut subjects, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let below = run(client, &floor, ROUND).await?;
        let above = run(client, &subject, ROUND).await?;
        ratios.push(above.cpu / below.cpu);
        floors.push(below);
        subjects.push(above);
    }
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
    Ok(Pair { subject: middle(subjects)?, floor: middle(floors)?, ratio })
}

/// Repeats a request for so long. An error where more failed than may.
pub async fn run(client: &Client, side: &Side<'_>, lasts: Duration) -> anyhow::Result<Figures> {
    let (failed, times) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let (before, begun) = (side.whose.micros()?, Instant::now());
    let work = async || {
        let mut own = Vec::new();
        while begun.elapsed() < lasts {
            let request = (side.call)(client, NUMBER.fetch_add(1, Ordering::Relaxed));
            let sent = Instant::now();
            if let Err(why) = answered(client, request).await
                && failed.fetch_add(1, Ordering::Relaxed) == 0
            {
                eprintln!("the first of a round to fail: {why}");
            }
            own.push(sent.elapsed().as_secs_f64() * 1e3);
        }
        times.lock().map(|mut times| times.append(&mut own)).ok();
    };
    futures_util::future::join_all((0..CLIENTS).map(|_| work())).await;
    let failed = failed.into_inner();
    let (elapsed, spent) = (begun.elapsed().as_secs_f64(), side.whose.micros()? - before);
    let mut times = times.into_inner().unwrap_or_default();
    times.sort_by(f64::total_cmp);
    let all = times.len() as u64;
    anyhow::ensure!(failed * MAY_FAIL <= all, "{failed} of {all} requests failed");
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or(f64::NAN);
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    let count = times.len().max(1) as f64;
    Ok(Figures { cpu: spent / count, per_second: count / elapsed, median: at(50), p99: at(99), failed })
}

/// Sends a request and reads its answer; anything but success is a failure, in words.
async fn answered(client: &Client, request: Request) -> Result<(), String> {
    let answer = client.execute(request).await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(|error| error.to_string())?;
    if status.is_success() { Ok(()) } else { Err(format!("{status} {}", String::from_utf8_lossy(&body))) }
}

/// The round in the middle.
fn middle(mut rounds: Vec<Figures>) -> anyhow::Result<Figures> {
    rounds.sort_by(|left, right| left.cpu.total_cmp(&right.cpu));
    rounds.get(rounds.len() / 2).copied().context("no rounds")
}
