//! One, two and four gateways side by side: requests a second, and what each request costs.

use std::path::Path;

use anyhow::Context;
use reqwest::Client;
use serde_json::json;
use testkit::installation::Role;
use tokio::runtime::Runtime;

use crate::cpu::Trees;
use crate::gateway::{Endpoint, Stand, USERS};
use crate::load::{self, ROUND, Side};
use crate::report::Report;

const COUNTS: [usize; 3] = [1, 2, 4];
const ROUNDS: usize = 3;

pub fn run(program: &Path) -> anyhow::Result<()> {
    let (runtime, client) = (Runtime::new()?, Client::builder().no_proxy().build()?);
    let stand = Stand::new(program, &runtime, &client, USERS)?;
    let more: Vec<Role> = (1..4).map(|_| stand.installation.start("gateway")).collect();
    let gateways: Vec<&Role> = std::iter::once(&stand.gateway).chain(&more).collect();
    let users = |gateway: &Role| format!("{}/realms/acme/scim/v2/Users", gateway.url);
    let endpoints: Vec<Endpoint> = gateways
        .iter()
        .map(|gateway| Endpoint { users: users(gateway), token: stand.endpoint.token.clone() })
        .collect();
    let cores = std::thread::available_parallelism().context("the number of cores")?;
    let mut report = Report::begin_plain("replicas", format!("GET by id, {cores} cores for everything"));
    let mut rates = vec![Vec::new(); COUNTS.len()];
    let mut costs = rates.clone();
    // In turns, so that what else the machine does is everybody's.
    for _ in 0..ROUNDS {
        for (place, count) in COUNTS.into_iter().enumerate() {
            let whose = Trees::of(gateways[..count].iter().map(|gateway| gateway.process.id()));
            let call = |client: &Client, nth: u64| {
                let endpoint = &endpoints[usize::try_from(nth).unwrap_or_default() % count];
                endpoint.get(client, &endpoint.user(&stand.ids, nth))
            };
            let figures = runtime.block_on(load::run(&client, &Side { call: &call, whose: &whose }, ROUND))?;
            rates[place].push(figures.per_second);
            costs[place].push(figures.cpu);
        }
    }
    let middle = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let rates: Vec<f64> = rates.into_iter().map(middle).collect();
    for ((count, rate), cost) in COUNTS.into_iter().zip(&rates).zip(costs.into_iter().map(middle)) {
        let name = format!("{count} gateway{}", if count == 1 { "" } else { "s" });
        report.note(&name, &json!({ "per_second": rate, "of_one": rate / rates[0], "cpu_micros": cost }));
    }
    report.end();
    Ok(())
}
