//! The gateway beside Keycloak's own SCIM server: one Keycloak, one realm, the same users, the same requests. What counts is
//! everything involved: Keycloak and PostgreSQL on one side; gateway and PostgreSQL on the other, and Keycloak too for what
//! changes something of its own. A read asks it nothing: what it does then is the rest of its own requests.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, Method, Request};
use serde_json::{Value, json};
use testkit::database::Database;
use testkit::installation::Installation;
use testkit::keycloak::Realm;

use crate::cpu::{self, Trees};
use crate::floor;
use crate::gateway::{self, Endpoint, name, person};
use crate::load::{self, Side, built};
use crate::report::Report;

/// Users of one partial import.
const BATCH: usize = 500;
const CLIENT: &str = "bench";
const SECRET: &str = "bench-secret";

pub fn run(program: &Path, users: usize) -> anyhow::Result<()> {
    let realm = Realm::default();
    let native = native(&realm)?;
    load_users(&realm, users);
    let installation = Installation::on_keycloak(&program.to_string_lossy());
    let (control, role) = (installation.start("control"), installation.start("gateway"));
    installation.make_cluster(&role);
    let console = installation.console(&control);
    console.make_tenant("acme", realm.name());
    console.inbound_options("acme", &json!({ "requests_per_second": 10_000 }));
    let token = console.enable_inbound("acme");
    let ours = Endpoint { users: format!("{}/realms/{}/scim/v2/Users", role.url, realm.name()), token };
    gateway::take_in(&installation, &console, &["acme".to_owned()])?;
    let near = cpu::postgres(installation.database())?.and(&Trees::of([role.process.id()]));
    let whose = cpu::keycloak()?.and(&near);
    let runtime = tokio::runtime::Runtime::new()?;
    let client = Client::builder().no_proxy().build()?;
    let ids = ids(&realm, users)?;
    // A cold JVM costs twice as much for its first thousands of requests.
    for operation in operations(&native, &ids) {
        runtime.block_on(load::run(&client, &Side { call: &*operation.2, whose: &whose }, Duration::from_secs(5)))?;
    }
    let beside = format!(
        "{users} users; theirs: Keycloak's own SCIM server with PostgreSQL; ours: gateway and PostgreSQL, and Keycloak where a \
         request changes something of its own"
    );
    let mut report = Report::begin("keycloak", beside);
    for (ours, theirs) in operations(&ours, &ids).into_iter().zip(operations(&native, &ids)) {
        let changes = matches!(ours.0, "PATCH active" | "POST");
        let subject = Side { call: &*ours.2, whose: if changes { &whose } else { &near } };
        let pair = load::compare(&client, subject, Side { call: &*theirs.2, whose: &whose });
        report.row(ours.0, Some(ours.1), &runtime.block_on(pair)?);
    }
    // An attribute the directory holds, beside one of Keycloak's own, which it has no other kind of.
    let title = |client: &Client, nth| ours.patch(client, &ours.user(&ids, nth), "title", &json!(format!("T {nth}")));
    let active = |client: &Client, nth| activated(&native, client, &ids, nth);
    let subject = Side { call: &title, whose: &near };
    let pair = runtime.block_on(load::compare(&client, subject, Side { call: &active, whose: &whose }))?;
    report.row("PATCH title | active", Some(0.1), &pair);
    alone(&mut report, &runtime, &client, (&ours, &ids), &Trees::of([role.process.id()]))?;
    report.end();
    Ok(())
}

/// What the gateway's own process spends on a create, beside what two calls and a look-up cost servers that do nothing else.
fn alone(
    report: &mut Report,
    runtime: &tokio::runtime::Runtime,
    client: &Client,
    (ours, ids): (&Endpoint, &[String]),
    gateway: &Trees,
) -> anyhow::Result<()> {
    let database = Database::postgres();
    floor::fill(&database);
    let (bare, (pass, _hello)) = (floor::look_up(&database)?, floor::pass(&database)?);
    let creates = operations(ours, ids).pop().context("the last operation creates")?;
    let look_up = |client: &Client, number| built(client.get(&bare.url).bearer_auth(floor::token(number)));
    let person = person("pass@acme.test").to_string();
    let passes = |client: &Client, _| built(client.post(&pass.url).body(person.clone()));
    let (look, passing) = (Trees::of([bare.process.id()]), Trees::of([pass.process.id()]));
    let cost = |call: &load::Call<'_>, whose: &Trees| {
        runtime.block_on(load::run(client, &Side { call, whose }, load::ROUND)).map(|figures| figures.cpu)
    };
    let mut ratios = Vec::new();
    let mut figures = json!({});
    for _ in 0..3 {
        let (look_up, pass) = (cost(&look_up, &look)?, cost(&passes, &passing)?);
        let (ours, budget) = (cost(&*creates.2, gateway)?, 2.0 * pass * 1.5 + look_up);
        figures =
            json!({ "cpu_micros": ours, "budget_micros": budget, "pass_micros": pass, "look_up_micros": look_up });
        ratios.push(ours / budget);
    }
    ratios.sort_by(f64::total_cmp);
    figures["ratio"] = json!(ratios[1]);
    figures["goal"] = json!(1);
    report.note("POST, the gateway's process alone, beside one and a half times two passes and a look-up", &figures);
    Ok(())
}

type Operation<'o> = (&'static str, f64, Box<dyn Fn(&Client, u64) -> Request + 'o>);

/// What is asked of both, with the ratio to stay under.
fn operations<'o>(endpoint: &'o Endpoint, ids: &'o [String]) -> Vec<Operation<'o>> {
    let count = ids.len() as u64;
    let by_name = if count >= 100_000 { 0.002 } else { 0.01 };
    // Its own: who is switched to what they are already costs nothing.
    let switched = AtomicU64::new(0);
    vec![
        ("GET by id", 0.04, Box::new(|client, nth| endpoint.get(client, &endpoint.user(ids, nth)))),
        ("userName eq", by_name, Box::new(move |client, nth| endpoint.get(client, &endpoint.by_name(nth % count)))),
        ("list of 100", 0.02, Box::new(|client, _| endpoint.get(client, &format!("{}?count=100", endpoint.users)))),
        (
            "PATCH active",
            1.0,
            Box::new(move |client, _| activated(endpoint, client, ids, switched.fetch_add(1, Ordering::Relaxed))),
        ),
        ("POST", 1.5, Box::new(|client, nth| endpoint.create(client, &format!("new-{nth}")))),
    ]
}

/// Everybody off, everybody on again, and so on.
fn activated(endpoint: &Endpoint, client: &Client, ids: &[String], nth: u64) -> Request {
    let active = json!((nth / ids.len() as u64) % 2 == 1);
    endpoint.patch(client, &endpoint.user(ids, nth), "active", &active)
}

/// Switches Keycloak's own SCIM server on for the realm, with a client that may use it.
fn native(realm: &Realm) -> anyhow::Result<Endpoint> {
    let base = realm.url();
    realm.admin(Method::PUT, "", Some(&json!({ "scimApiEnabled": true, "accessTokenLifespan": 86_400 })));
    let audience = json!({
        "name": "scim", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
        "config": { "included.custom.audience": format!("{base}/scim/v2"), "access.token.claim": "true" },
    });
    realm.admin(
        Method::POST,
        "/clients",
        Some(&json!({ "clientId": CLIENT, "secret": SECRET, "serviceAccountsEnabled": true, "publicClient": false,
            "protocolMappers": [audience] })),
    );
    let id_of = |path: &str| -> anyhow::Result<String> {
        let found = realm.admin(Method::GET, path, None);
        Ok(found[0]["id"].as_str().context("an id")?.to_owned())
    };
    let client = id_of(&format!("/clients?clientId={CLIENT}"))?;
    let management = id_of("/clients?clientId=realm-management")?;
    let account = realm.admin(Method::GET, &format!("/clients/{client}/service-account-user"), None);
    let role = realm.admin(Method::GET, &format!("/clients/{management}/roles/realm-admin"), None);
    let account = account["id"].as_str().context("a service account")?;
    realm.admin(Method::POST, &format!("/users/{account}/role-mappings/clients/{management}"), Some(&json!([role])));
    let granted = realm.token_of(CLIENT, &[("grant_type", "client_credentials"), ("client_secret", SECRET)]);
    let token = granted["access_token"].as_str().with_context(|| granted.to_string())?.to_owned();
    Ok(Endpoint { users: format!("{base}/scim/v2/Users"), token })
}

fn load_users(realm: &Realm, users: usize) {
    realm.admin(Method::POST, "/roles", Some(&json!({ "name": "scim-managed" })));
    let user = |nth: usize| {
        let scim = person(&name(nth as u64));
        json!({ "username": scim["userName"], "email": scim["userName"], "enabled": true,
            "firstName": scim["name"]["givenName"], "lastName": scim["name"]["familyName"],
            "realmRoles": ["scim-managed"] })
    };
    for first in (0..users).step_by(BATCH) {
        let batch: Vec<Value> = (first..users.min(first + BATCH)).map(user).collect();
        realm.admin(Method::POST, "/partialImport", Some(&json!({ "ifResourceExists": "SKIP", "users": batch })));
    }
}

/// The seeded users' ids, in the order of their numbers.
fn ids(realm: &Realm, users: usize) -> anyhow::Result<Vec<String>> {
    let all = realm.admin(Method::GET, &format!("/users?max={}&briefRepresentation=true", users + 10), None);
    let all = all.as_array().context("a list")?;
    let id_of: std::collections::HashMap<&str, &str> =
        all.iter().filter_map(|user| Some((user["username"].as_str()?, user["id"].as_str()?))).collect();
    (0..users).map(|nth| Ok((*id_of.get(&*name(nth as u64)).context("a seeded user")?).to_owned())).collect()
}
