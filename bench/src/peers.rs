//! The gateway beside other SCIM servers, with the same requests and as many users. Theirs keep users in memory and answer to
//! one process's time; ours counts PostgreSQL's, too.

use std::path::Path;

use reqwest::{Client, Request};
use serde_json::json;
use testkit::third_party::{Scim2Server, Scimmy};
use tokio::runtime::Runtime;

use crate::cpu::{self, Trees};
use crate::gateway::{Endpoint, Stand, seed};
use crate::load::{self, Side};
use crate::report::Report;

/// How much of a peer's time a look-up may take, and a write.
struct Goals {
    look_up: f64,
    write: f64,
}

pub fn run(program: &Path, count: u64) -> anyhow::Result<()> {
    let (runtime, client) = (Runtime::new()?, Client::builder().no_proxy().build()?);
    let stand = Stand::new(program, &runtime, &client, count)?;
    let ours = cpu::postgres(stand.installation.database())?.and(&Trees::of([stand.gateway.process.id()]));
    let beside = format!("{count} users; theirs: the peer named; ours with PostgreSQL");
    let mut report = Report::begin("peers", beside);
    let mut beside = |name: &str, users: String, token: &str, process: u32, goals: &Goals| -> anyhow::Result<()> {
        let peer = Endpoint { users, token: token.to_owned() };
        let ids = runtime.block_on(seed(&client, &peer, count))?;
        let theirs = Trees::of([process]);
        for (our, their) in operations(&stand.endpoint, &stand.ids).into_iter().zip(operations(&peer, &ids)) {
            let subject = Side { call: &*our.1, whose: &ours };
            let pair = load::compare(&client, subject, Side { call: &*their.1, whose: &theirs });
            let goal = if our.0 == "userName eq" { goals.look_up } else { goals.write };
            report.row(&format!("{} | {name}", our.0), Some(goal), &runtime.block_on(pair)?);
        }
        Ok(())
    };
    let scimmy = Scimmy::default();
    let users = format!("{}/Users", scimmy.url());
    beside("SCIMMY", users, scimmy.token(), scimmy.process(), &Goals { look_up: 0.2, write: 0.2 })?;
    let scim2 = Scim2Server::default();
    let users = format!("{}/Users", scim2.url());
    beside("scim2-server", users, scim2.token(), scim2.process(), &Goals { look_up: 0.1, write: 0.2 })?;
    report.end();
    Ok(())
}

type Operation<'o> = (&'static str, Box<dyn Fn(&Client, u64) -> Request + 'o>);

fn operations<'o>(endpoint: &'o Endpoint, ids: &'o [String]) -> Vec<Operation<'o>> {
    vec![
        ("userName eq", Box::new(|client, nth| endpoint.get(client, &endpoint.by_name(nth % ids.len() as u64)))),
        ("GET by id", Box::new(|client, nth| endpoint.get(client, &endpoint.user(ids, nth)))),
        (
            "PATCH title",
            Box::new(|client, nth| {
                endpoint.patch(client, &endpoint.user(ids, nth), "title", &json!(format!("T {nth}")))
            }),
        ),
        ("POST", Box::new(|client, nth| endpoint.create(client, &format!("new-{nth}")))),
    ]
}
