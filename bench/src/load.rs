//! A bounded closed loop of sixteen clients, and what it cost the process that answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;

/// How many requests are under way at once.
const CLIENTS: usize = 16;
/// Clock ticks of `/proc` per second, on every Linux.
const TICKS: f64 = 100.0;

/// A request to repeat; its body may differ each time.
pub struct Call {
    pub method: Method,
    pub url: String,
    pub token: Option<String>,
    pub body: Option<Box<dyn Fn(u64) -> Value + Send + Sync>>,
}

/// What a round came to.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub per_second: f64,
    /// User and system time of the process, per request.
    pub cpu_micros: f64,
    pub failed: u64,
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Repeats a request for so long.
pub async fn run(client: &reqwest::Client, call: &Call, process: u32, lasts: Duration) -> anyhow::Result<Figures> {
    let (done, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let (ticks, begun) = (ticks_of(process)?, Instant::now());
    let work = async || {
        while begun.elapsed() < lasts {
            let mut request = client.request(call.method.clone(), &call.url);
            if let Some(token) = &call.token {
                request = request.bearer_auth(token);
            }
            if let Some(body) = &call.body {
                request = request.json(&body(NUMBER.fetch_add(1, Ordering::Relaxed)));
            }
            let good = match request.send().await {
                Ok(answer) => answer.status().is_success() && answer.bytes().await.is_ok(),
                Err(_) => false,
            };
            if good { &done } else { &failed }.fetch_add(1, Ordering::Relaxed);
        }
    };
    futures_util::future::join_all((0..CLIENTS).map(|_| work())).await;
    let (elapsed, ticks) = (begun.elapsed().as_secs_f64(), ticks_of(process)? - ticks);
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    let count = done.load(Ordering::Relaxed).max(1) as f64;
    Ok(Figures {
        per_second: count / elapsed,
        cpu_micros: ticks / TICKS * 1e6 / count,
        failed: failed.load(Ordering::Relaxed),
    })
}

/// User and system time of a process in ticks.
fn ticks_of(process: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("the process is gone")?;
    let (_, fields) = stat.rsplit_once(')').context("an unknown form of /proc")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let tick = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).context("a tick");
    Ok(tick(11)? + tick(12)?)
}

/// The round in the middle.
pub fn median(mut rounds: Vec<Figures>, by: impl Fn(&Figures) -> f64) -> Figures {
    rounds.sort_by(|left, right| by(left).total_cmp(&by(right)));
    rounds[rounds.len() / 2]
}
