//! What a demo can be made to play: Okta's sequence, with what arrives downstream.

use std::time::Duration;

use anyhow::{Context, bail};
use demo::okta::{Okta, Step};
use demo::sample_app::Entry;
use registry::BearerToken;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::ready::Ready;
use super::say::say;

/// How long a change may take to arrive before the player goes on.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the player rests between two rounds.
const REST: Duration = Duration::from_secs(8);

pub(super) fn http() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?)
}

/// Every request of the demo's own is sent here, but those of the players.
#[expect(clippy::disallowed_methods, reason = "the demo asks itself")]
pub(super) async fn asked(request: RequestBuilder) -> reqwest::Result<Response> {
    request.send().await
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Enables both directions anew where an earlier run left them on, plays Okta, and shows what arrives downstream as it arrives; then goes on
/// until the demo stops or its token is dead, so that the console has something to show.
pub(super) async fn both_ways(ready: &Ready, stop: &CancellationToken) -> anyhow::Result<()> {
    let endpoint = enable_outbound(ready).await?;
    let facts = json!({ "event": "enabled", "direction": "outbound", "base_url": endpoint });
    say(&format!("  outbound enabled: {endpoint}"), &facts);
    let token = reveal_token(ready).await?;
    let facts = json!({ "event": "enabled", "direction": "inbound" });
    say("  inbound enabled, its token revealed once\n", &facts);
    let fieldnotes = Journal::new(ready)?;
    let mut shown = fieldnotes.entries().await?.len();
    let ada = sequence(ready, token.reveal(), async |step| {
        show_in(step);
        if step.method != "GET" {
            shown = fieldnotes.show_from(shown).await;
        }
    })
    .await?;
    let rest = REST.as_secs();
    let line = format!(
        "\n  Fieldnotes holds what the realm holds. From here on Ada is deactivated or re-activated every {rest} s.\n  \
         Change somebody yourself: scripts/demo touch {}\n",
        ready.somebody()
    );
    say(&line, &json!({ "event": "played", "toggles_every_seconds": rest }));
    let okta = Okta::new(&ready.scim_base_url, None, token.reveal())?;
    let mut active = true;
    while tokio::time::timeout(REST, stop.cancelled()).await.is_err() {
        active = !active;
        let step = okta.activate(&ada, active).await;
        if step.status != 200 {
            let line = format!("  The player has ended: the gateway answered {}", step.status);
            say(&line, &json!({ "event": "ended", "status": step.status }));
            break;
        }
    }
    Ok(())
}

async fn post(ready: &Ready, path: &str, body: Option<&Value>) -> anyhow::Result<(StatusCode, Value)> {
    let mut request = http()?.post(ready.tenant_url(path)).bearer_auth(&ready.operator_token);
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = asked(request).await?;
    Ok((answer.status(), answer.json().await.unwrap_or_default()))
}

/// Points outbound at this run's Fieldnotes: a target of an earlier run is at another port, or sealed with another key.
async fn enable_outbound(ready: &Ready) -> anyhow::Result<String> {
    let body = json!({ "base_url": ready.downstream_url, "token": ready.downstream_token });
    let (mut status, mut answer) = post(ready, "/outbound/enable", Some(&body)).await?;
    if status == StatusCode::CONFLICT {
        post(ready, "/outbound/disable", None).await?;
        (status, answer) = post(ready, "/outbound/enable", Some(&body)).await?;
    }
    if !status.is_success() {
        bail!("outbound could not be enabled: {status} {}", text(&answer, "detail"));
    }
    Ok(text(&answer, "endpoint").to_owned())
}

/// A token of this run: the first, or another where inbound is on already.
async fn reveal_token(ready: &Ready) -> anyhow::Result<BearerToken> {
    let (mut status, mut answer) = post(ready, "/inbound/enable", None).await?;
    if status == StatusCode::CONFLICT {
        (status, answer) = post(ready, "/inbound/rotate", None).await?;
    }
    let token = BearerToken::parse(text(&answer, "token")).ok();
    token.with_context(|| format!("inbound could not be enabled: {status} {}", text(&answer, "detail")))
}

/// A link that signs in to the console, once.
pub(super) async fn link(ready: &Ready) -> anyhow::Result<()> {
    let url = format!("{}/console/code", ready.control_url);
    let request = http()?.post(url).bearer_auth(&ready.operator_token);
    let answer = asked(request).await.context("is the demo still running?")?;
    let answer: Value = answer.error_for_status()?.json().await?;
    println!("{}#code={}", ready.console_url, text(&answer, "code"));
    Ok(())
}

/// Okta's sequence against a running demo.
pub(super) async fn okta(ready: &Ready, token: &str) -> anyhow::Result<()> {
    sequence(ready, token, async |step| show_in(step)).await.map(drop)
}

/// Plays the sequence; the id of the person it was played for.
async fn sequence(ready: &Ready, token: &str, mut told: impl AsyncFnMut(&Step)) -> anyhow::Result<String> {
    let okta = Okta::new(&ready.scim_base_url, None, token)?;
    let mut refused = None;
    let id = okta
        .play("ada@acme.test", async |step| {
            if !(200..300).contains(&step.status) {
                refused = Some(step.status);
            }
            told(step).await;
        })
        .await;
    match (id, refused) {
        (Some(id), None) => Ok(id),
        (_, Some(401)) => bail!("the gateway does not take this token: enable inbound SCIM and copy the newest one"),
        (_, Some(0)) => bail!("{} does not answer: is the demo still running?", ready.gateway_url),
        _ => bail!("the sequence did not go through"),
    }
}

fn show_in(step: &Step) {
    let Step { method, path, meaning, status, took } = step;
    let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let facts = json!({
        "event": "request", "direction": "in", "method": method, "path": path, "status": status, "meaning": meaning,
        "duration_ms": took,
    });
    say(&format!("  in   {method:6} {path:24} {status}  {meaning}  {took} ms"), &facts);
}

fn show_out(entry: &Entry) {
    let Entry { method, path, status, .. } = entry;
    let path = if path.starts_with("/Users/") { "/Users/{id}" } else { path };
    let facts = json!({ "event": "request", "direction": "out", "method": method, "path": path, "status": status });
    say(&format!("  out  {method:6} {path:24} {status}  Fieldnotes"), &facts);
}

/// What the sample application was asked.
struct Journal {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Journal {
    fn new(ready: &Ready) -> anyhow::Result<Self> {
        let url = ready.downstream_url.replace("/scim/v2", "/journal");
        Ok(Self { http: http()?, url, token: ready.downstream_token.clone() })
    }

    async fn entries(&self) -> anyhow::Result<Vec<Entry>> {
        let request = self.http.get(&self.url).bearer_auth(&self.token);
        Ok(asked(request).await?.error_for_status()?.json().await?)
    }

    /// Waits for a change to arrive and shows what is new; how many entries have been shown then.
    async fn show_from(&self, shown: usize) -> usize {
        let begun = std::time::Instant::now();
        loop {
            let entries = self.entries().await.unwrap_or_default();
            let fresh = entries.get(shown..).unwrap_or_default();
            let arrived = fresh.iter().any(|entry| entry.method != "GET");
            if !arrived && begun.elapsed() < PATIENCE {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            fresh.iter().for_each(show_out);
            return entries.len();
        }
    }
}
