//! Does a noisy tenant disturb the others? Forty tenants at 25 requests a second each, as Entra ID asks for, without and
//! with one that sends ten times as much.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use reqwest::Client;
use serde_json::json;
use testkit::database::Database;
use testkit::installation::Installation;
use tokio::time::Instant;

use crate::floor;
use crate::gateway::{Endpoint, person, take_in};
use crate::load::built;
use crate::report::Report;

const TENANTS: usize = 40;
const PER_SECOND: u32 = 25;
const NOISE: u32 = 250;
const LASTS: Duration = Duration::from_secs(10);

/// What a tenant asks for, over and over.
struct Asked {
    url: String,
    token: String,
}

/// What the requests of one tenant came to.
#[derive(Default)]
struct Tally {
    /// Milliseconds from when a request was due to its whole answer.
    times: Vec<f64>,
    refused: u64,
    /// Refusals that did not say in whole seconds when to come back.
    unclear: u64,
    failed: u64,
}

pub fn run(program: &Path) -> anyhow::Result<()> {
    let installation = Installation::on_embedded_realms(&program.to_string_lossy());
    let (control, gateway) = (installation.start("control"), installation.start("gateway"));
    installation.make_cluster(&gateway);
    let console = installation.console(&control);
    let client = Client::builder().no_proxy().build()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let names: Vec<String> = (0..TENANTS).map(|number| format!("tenant-{number}")).collect();
    let mut endpoints = Vec::new();
    for name in &names {
        console.make_tenant(name, name);
        let token = console.enable_inbound(name);
        let users = format!("{}/realms/{name}/scim/v2/Users", gateway.url);
        let seed = client.post(&users).bearer_auth(&token).json(&person("seed-0@acme.test")).build()?;
        runtime.block_on(async { client.execute(seed).await?.error_for_status() })?;
        endpoints.push(Endpoint { users, token });
    }
    take_in(&installation, &console, &names)?;
    let mut report = Report::begin_plain(
        "neighbors",
        format!("{TENANTS} tenants at {PER_SECOND} requests a second each, `userName eq`"),
    );
    let database = Database::postgres();
    floor::fill(&database);
    let bare = floor::look_up(&database)?;
    let direct: Vec<Asked> =
        (0..TENANTS as u64).map(|nth| Asked { url: bare.url.clone(), token: floor::token(nth) }).collect();
    let ours: Vec<Asked> =
        endpoints.iter().map(|endpoint| Asked { url: endpoint.by_name(0), token: endpoint.token.clone() }).collect();
    let mut p99 = Vec::new();
    let cases =
        [("a bare look-up", &direct, PER_SECOND), ("all at 25/s", &ours, PER_SECOND), ("one at 250/s", &ours, NOISE)];
    for (case, asked, noise) in cases {
        let (noisy, others) = runtime.block_on(round(&client, asked, noise));
        let mut times: Vec<f64> = others.iter().flat_map(|tally| tally.times.iter().copied()).collect();
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or(f64::NAN);
        p99.push(at(99));
        let sum = |count: &dyn Fn(&Tally) -> u64| others.iter().map(count).sum::<u64>();
        ensure!(noisy.unclear == 0, "a 429 without an integer Retry-After");
        ensure!((noisy.refused > 0) == (noise == NOISE), "{} requests of the noisy one were refused", noisy.refused);
        report.note(
            case,
            &json!({ "others": { "requests": times.len(), "p50_ms": at(50), "p99_ms": at(99),
                "refused": sum(&|tally| tally.refused), "failed": sum(&|tally| tally.failed) },
                "the one": { "requests": noisy.times.len(), "refused": noisy.refused, "failed": noisy.failed } }),
        );
    }
    if let [bare, calm, noisy] = p99[..] {
        report.note("p99, over that of a bare look-up", &json!({ "ratio": calm / bare, "goal": 2 }));
        report.note("others' p99, with the noise over without", &json!({ "ratio": noisy / calm, "goal": 1.25 }));
    }
    report.end();
    Ok(())
}

/// The first tenant's tally, and the others'.
async fn round(client: &Client, all: &[Asked], noise: u32) -> (Tally, Vec<Tally>) {
    let tenants = all
        .iter()
        .enumerate()
        .map(|(number, asked)| tenant(client, asked, if number == 0 { noise } else { PER_SECOND }));
    let mut tallies = futures_util::future::join_all(tenants).await;
    let others = tallies.split_off(1);
    (tallies.pop().unwrap_or_default(), others)
}

/// Sends at a rate, whether answers come or not.
async fn tenant(client: &Client, what: &Asked, per_second: u32) -> Tally {
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
    let mut asked = tokio::task::JoinSet::new();
    let mut due = ticks.tick().await;
    while due - begun < LASTS {
        let (client, request) = (client.clone(), built(client.get(&what.url).bearer_auth(&what.token)));
        asked.spawn(async move {
            let answer = client.execute(request).await?;
            let (status, after) = (answer.status().as_u16(), answer.headers().get("retry-after").cloned());
            answer.bytes().await?;
            reqwest::Result::Ok((status, after, due.elapsed().as_secs_f64() * 1e3))
        });
        due = ticks.tick().await;
    }
    let mut tally = Tally::default();
    while let Some(answer) = asked.join_next().await {
        match answer {
            Ok(Ok((200, _, time))) => tally.times.push(time),
            Ok(Ok((429, after, _))) => {
                tally.refused += 1;
                let whole = after.as_ref().and_then(|after| after.to_str().ok()?.parse::<u64>().ok());
                tally.unclear += u64::from(whole.is_none());
            }
            _ => tally.failed += 1,
        }
    }
    tally
}
