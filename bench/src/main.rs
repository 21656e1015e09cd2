//! What a request costs the gateway: CPU per operation, read from the process, beside a floor measured in the same run.
//! Ratios travel between machines, absolutes do not. See `bench/README.md`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod load;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use load::{Call, Figures};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Demo;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let program = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/release/kevra-scim"), PathBuf::from);
    let demo = tokio::task::spawn_blocking(move || Demo::start(&program)).await?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let token = enable(&client, &demo).await?;
    let users = format!("{}/Users", demo.fact("scim_base_url"));
    let id = seed(&client, &users, &token).await?;
    let get = |url: String| Call { method: Method::GET, url, token: Some(token.clone()), body: None };
    let floor = Call { method: Method::GET, url: format!("{}/livez", demo.fact("ops_url")), token: None, body: None };
    let patch = |nth: u64| {
        let value = format!("Title {nth}");
        json!({ "Operations": [{ "op": "replace", "path": "title", "value": value }] })
    };
    let create = |nth: u64| json!({ "userName": format!("bench-{nth}@acme.test"), "externalId": format!("b-{nth}") });
    let calls = [
        ("discovery", get(format!("{}/ServiceProviderConfig", demo.fact("scim_base_url")))),
        ("read by id", get(format!("{users}/{id}"))),
        ("userName eq", get(format!("{users}?filter=userName%20eq%20%22seed-7%40acme.test%22"))),
        ("list of 100", get(format!("{users}?count=100"))),
        (
            "patch, no realm call",
            Call { method: Method::PATCH, body: Some(Box::new(patch)), ..get(format!("{users}/{id}")) },
        ),
        ("create", Call { method: Method::POST, body: Some(Box::new(create)), ..get(users.clone()) }),
    ];
    println!("{:<22} {:>10} {:>12} {:>8} {:>8}", "operation", "requests/s", "CPU us each", "x floor", "failed");
    let mut rows = Vec::new();
    for (name, call) in &calls {
        let mut ratios = Vec::new();
        let mut figures = Vec::new();
        for _ in 0..ROUNDS {
            let base = load::run(&client, &floor, demo.id(), ROUND).await?;
            let subject = load::run(&client, call, demo.id(), ROUND).await?;
            ratios.push(subject.cpu_micros / base.cpu_micros);
            figures.push(subject);
        }
        let (each, ratio) = (load::median(figures, |figures: &Figures| figures.cpu_micros), middle(&mut ratios));
        println!("{name:<22} {:>10.0} {:>12.1} {ratio:>8.1} {:>8}", each.per_second, each.cpu_micros, each.failed);
        rows.push(json!({ "operation": name, "per_second": each.per_second, "cpu_micros": each.cpu_micros,
            "ratio": ratio, "failed": each.failed }));
    }
    println!("{}", json!({ "benchmark": "gateway", "database": "sqlite", "rows": rows }));
    Ok(())
}

async fn enable(client: &reqwest::Client, demo: &Demo) -> anyhow::Result<String> {
    let url = format!("{}/v1/tenants/{}", demo.fact("control_url"), demo.fact("tenant"));
    let operator = demo.fact("operator_token");
    let fast = json!({ "requests_per_second": 10_000 });
    client.put(format!("{url}/inbound/options")).bearer_auth(operator).json(&fast).send().await?.error_for_status()?;
    let enabled = client.post(format!("{url}/inbound/enable")).bearer_auth(operator).send().await?;
    let revealed: Value = enabled.error_for_status()?.json().await?;
    Ok(revealed["token"].as_str().context("a token")?.to_owned())
}

async fn seed(client: &reqwest::Client, users: &str, token: &str) -> anyhow::Result<String> {
    let mut id = String::new();
    for number in 0..200 {
        let name = format!("seed-{number}@acme.test");
        let body = json!({ "userName": name, "name": { "givenName": "Seed", "familyName": number.to_string() },
            "emails": [{ "value": name, "type": "work", "primary": true }] });
        let made = client.post(users).bearer_auth(token).json(&body).send().await?.error_for_status()?;
        let made: Value = made.json().await?;
        made["id"].as_str().context("an id")?.clone_into(&mut id);
    }
    Ok(id)
}

fn middle(ratios: &mut [f64]) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
}
