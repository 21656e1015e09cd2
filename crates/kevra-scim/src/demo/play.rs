//! What a demo can be made to do: Okta's sequence, and an administrator's touch.

use std::time::Duration;

use anyhow::{Context, bail};
use demo::okta::{Okta, Step};
use demo::sample_app::Entry;
use registry::BearerToken;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::ready::Ready;

/// How long a change may take to arrive before the player goes on.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the player rests between two rounds.
const REST: Duration = Duration::from_secs(8);

pub(super) fn http() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Enables both directions, plays Okta, and shows what arrives downstream as it arrives; then goes on
/// until the demo stops or its token is dead, so that the console has something to show.
pub(super) async fn both_ways(ready: &Ready, stop: &CancellationToken) -> anyhow::Result<()> {
    let client = http()?;
    let post = |path: &str| client.post(ready.tenant_url(path)).bearer_auth(&ready.operator_token);
    let body = json!({ "base_url": ready.downstream_url, "token": ready.downstream_token });
    let enabled: Value = post("/outbound/enable").json(&body).send().await?.json().await?;
    println!("  outbound enabled: {}", text(&enabled, "endpoint"));
    let revealed: Value = post("/inbound/enable").send().await?.json().await?;
    let token = BearerToken::parse(text(&revealed, "token")).ok().context("inbound could not be enabled")?;
    println!("  inbound enabled, its token revealed once\n");
    let fieldnotes = Journal::new(ready)?;
    let mut shown = fieldnotes.entries().await?.len();
    sequence(ready, token.reveal(), async |step| {
        show_in(step);
        if step.method != "GET" {
            shown = fieldnotes.show_from(shown).await;
        }
    })
    .await?;
    let rest = REST.as_secs();
    println!(
        "\n  Fieldnotes holds what the realm holds. The same is played again every {rest} s, for the page to show."
    );
    println!("  Change somebody yourself: scripts/demo touch grace\n");
    while tokio::time::timeout(REST, stop.cancelled()).await.is_err() {
        let played = sequence(ready, token.reveal(), async |_| {});
        let Some(Err(ended)) = stop.run_until_cancelled(played).await else { continue };
        println!("  The player has ended: {ended}");
        break;
    }
    Ok(())
}

/// A link that signs in to the console, once.
pub(super) async fn link(ready: &Ready) -> anyhow::Result<()> {
    let url = format!("{}/console/code", ready.control_url);
    let answer =
        http()?.post(url).bearer_auth(&ready.operator_token).send().await.context("is the demo still running?")?;
    let answer: Value = answer.error_for_status()?.json().await?;
    println!("{}#code={}", ready.console_url, text(&answer, "code"));
    Ok(())
}

/// Okta's sequence against a running demo.
pub(super) async fn okta(ready: &Ready, token: &str) -> anyhow::Result<()> {
    sequence(ready, token, async |step| show_in(step)).await
}

async fn sequence(ready: &Ready, token: &str, mut told: impl AsyncFnMut(&Step)) -> anyhow::Result<()> {
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
        (Some(_), None) => Ok(()),
        (_, Some(401)) => bail!("the gateway does not take this token: enable inbound SCIM and copy the newest one"),
        (_, Some(0)) => bail!("{} does not answer: is the demo still running?", ready.gateway_url),
        _ => bail!("the sequence did not go through"),
    }
}

fn show_in(step: &Step) {
    let took = step.took.as_millis();
    println!("  in   {:6} {:24} {}  {}  {took} ms", step.method, step.path, step.status, step.meaning);
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
        Ok(self.http.get(&self.url).bearer_auth(&self.token).send().await?.error_for_status()?.json().await?)
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
            for entry in fresh {
                let path = if entry.path.starts_with("/Users/") { "/Users/{id}" } else { &entry.path };
                println!("  out  {:6} {path:24} {}  Fieldnotes", entry.method, entry.status);
            }
            return entries.len();
        }
    }
}

/// Toggles a person in the realm, as an administrator would.
pub(super) async fn touch(ready: &Ready, user: &str) -> anyhow::Result<()> {
    let client = http()?;
    let (url, token) = (ready.tenant_url("/realm-users"), &ready.operator_token);
    let answer = client.get(&url).bearer_auth(token).send().await.context("is the demo still running?")?;
    let people: Value = answer.error_for_status()?.json().await?;
    let named = |person: &&Value| {
        let name = text(person, "username");
        name == user || name.split('@').next() == Some(user)
    };
    let person = people.as_array().into_iter().flatten().find(named).with_context(|| format!("nobody is {user}"))?;
    let enabled = person.get("enabled") != Some(&json!(true));
    let url = format!("{url}/{}", text(person, "id"));
    client.patch(url).bearer_auth(token).json(&json!({ "enabled": enabled })).send().await?.error_for_status()?;
    println!("{} is {} now", text(person, "username"), if enabled { "enabled" } else { "disabled" });
    Ok(())
}

/// Three people who were in the realm before SCIM came.
pub(super) async fn people(ready: &Ready) -> anyhow::Result<()> {
    let (client, url) = (http()?, ready.tenant_url("/realm-users"));
    for (name, first, last) in
        [("grace", "Grace", "Hopper"), ("alan", "Alan", "Turing"), ("barbara", "Barbara", "Liskov")]
    {
        let email = format!("{name}@acme.test");
        let body = json!({ "username": email, "email": email, "first_name": first, "last_name": last });
        client.post(&url).bearer_auth(&ready.operator_token).json(&body).send().await?;
    }
    Ok(())
}
