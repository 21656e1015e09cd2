//! What the gateway adds to the time its realms take: creates at a steady rate, whether answers come or not, beside the same
//! two calls made directly. A realm takes ten milliseconds for each and does nothing. Twelve tenants take turns, so that each
//! gets the 25 requests a second that Entra ID asks for.

use std::path::Path;
use std::time::Duration;

use reqwest::{Client, Request};
use serde_json::json;
use testkit::database::Database;
use testkit::installation::Installation;
use testkit::keycloak::Realm;
use tokio::time::Instant;

use crate::floor;
use crate::gateway::{self, Endpoint, person};
use crate::load::built;
use crate::report::Report;

const TENANTS: usize = 12;
const PER_SECOND: u32 = 300;
const LASTS: Duration = Duration::from_secs(4);
const ROUNDS: u64 = 3;
/// A create asks for two things: the user, its role.
const CALLS: f64 = 2.0;

pub fn run(program: &Path) -> anyhow::Result<()> {
    let (realms, database) = ((0..TENANTS).map(|_| Realm::default()).collect::<Vec<_>>(), Database::postgres());
    let slow = floor::realm(&database)?;
    let installation = Installation::on_keycloak_at(&program.to_string_lossy(), slow.url.trim_end_matches('/'));
    let (control, role) = (installation.start("control"), installation.start("gateway"));
    installation.make_cluster(&role);
    let console = installation.console(&control);
    let enabled = |realm: &Realm| {
        console.make_tenant(realm.name(), realm.name());
        let token = console.enable_inbound(realm.name());
        Endpoint { users: format!("{}/realms/{}/scim/v2/Users", role.url, realm.name()), token }
    };
    let endpoints: Vec<Endpoint> = realms.iter().map(enabled).collect();
    let names: Vec<String> = realms.iter().map(|realm| realm.name().to_owned()).collect();
    gateway::take_in(&installation, &console, &names)?;
    let runtime = tokio::runtime::Runtime::new()?;
    // While the other side has its turn, the gateway gives idle connections up.
    let client = Client::builder().no_proxy().pool_idle_timeout(Duration::from_secs(1)).build()?;
    let created = |nth: u64| {
        let turn = usize::try_from(nth).unwrap_or_default() % TENANTS;
        endpoints.get(turn).map(|endpoint| endpoint.create(&client, &format!("late-{nth}"))).into_iter().collect()
    };
    let users = format!("{}admin/realms/direct/users", slow.url);
    let body = person("late@acme.test").to_string();
    let direct = |_| {
        let role = format!("{users}/{}/role-mappings/realm", uuid::Uuid::nil());
        [&users, &role].map(|url| built(client.post(url).body(body.clone()))).into()
    };
    let mut report = Report::begin_plain(
        "latency",
        format!(
            "POST at {PER_SECOND} a second by {TENANTS} tenants, two calls of {} ms to the realm each",
            floor::Kind::TAKES.as_millis()
        ),
    );
    // Tokens are fetched and connections made before anything counts.
    runtime.block_on(open_loop(&client, 1 << 48, &created))?;
    let (mut through, mut without) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        without.extend(runtime.block_on(open_loop(&client, 0, &direct))?);
        through.extend(runtime.block_on(open_loop(&client, (round + 1) << 32, &created))?);
    }
    let failures = |times: &[Option<f64>]| times.iter().filter(|time| time.is_none()).count();
    let failed = (failures(&without), failures(&through));
    let (ours, directly) = (Times::of(through), Times::of(without));
    for (name, times, failed) in [("directly", &directly, failed.0), ("through the gateway", &ours, failed.1)] {
        report.note(
            name,
            &json!({ "requests": times.0.len(), "p50_ms": times.at(50), "p99_ms": times.at(99), "failed": failed }),
        );
    }
    let added = (ours.at(50) - directly.at(50)) / CALLS;
    report
        .note("milliseconds added for each call to the realm, at the median", &json!({ "ratio": added, "goal": 1.5 }));
    report.note("p99 over that of the calls alone", &json!({ "ratio": ours.at(99) / directly.at(99), "goal": 1.25 }));
    report.end();
    Ok(())
}

/// Milliseconds, shortest first.
struct Times(Vec<f64>);

impl Times {
    /// Of those that did not fail.
    fn of(times: Vec<Option<f64>>) -> Self {
        let mut times: Vec<f64> = times.into_iter().flatten().collect();
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    fn at(&self, share: usize) -> f64 {
        self.0.get(self.0.len() * share / 100).copied().unwrap_or(f64::NAN)
    }
}

/// Asks at a steady rate; milliseconds from when a request was due to the whole answer of its last call, none of one that
/// failed.
async fn open_loop(
    client: &Client,
    first: u64,
    calls: &dyn Fn(u64) -> Vec<Request>,
) -> anyhow::Result<Vec<Option<f64>>> {
    let (begun, mut number) = (Instant::now(), first);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    let mut asked = tokio::task::JoinSet::new();
    let mut due = ticks.tick().await;
    while due - begun < LASTS {
        let (client, requests) = (client.clone(), calls(number));
        asked.spawn(async move {
            for request in requests {
                let answer = client.execute(request).await?.error_for_status()?;
                answer.bytes().await?;
            }
            reqwest::Result::Ok(due.elapsed().as_secs_f64() * 1e3)
        });
        number += 1;
        due = ticks.tick().await;
    }
    let mut times = Vec::new();
    while let Some(answer) = asked.join_next().await {
        times.push(answer?.inspect_err(|why| eprintln!("a request failed: {why}")).ok());
    }
    Ok(times)
}
