//! A gateway on PostgreSQL with an embedded realm. The floor is a bare server that finds a token by its hash: one indexed
//! look-up, which a revocable token cannot do without.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, Method, Request};
use serde_json::{Value, json};
use testkit::console::Console;
use testkit::database::Database;
use testkit::eventually;
use testkit::installation::{Installation, Role};
use tokio::runtime::Runtime;

use crate::cpu::Trees;
use crate::floor;
use crate::load::{self, Side, built};
use crate::report::Report;

/// How many users there are to begin with.
pub const USERS: u64 = 1_000;

/// A SCIM endpoint and its token.
pub struct Endpoint {
    pub users: String,
    pub token: String,
}

/// A gateway with one tenant on an embedded realm, and the tenant's first users.
pub struct Stand {
    pub installation: Installation,
    pub gateway: Role,
    pub endpoint: Endpoint,
    pub ids: Vec<String>,
    _control: Role,
}

impl Stand {
    pub fn new(program: &Path, runtime: &Runtime, client: &Client, users: u64) -> anyhow::Result<Self> {
        let installation = Installation::on_embedded_realms(&program.to_string_lossy());
        let (control, gateway) = (installation.start("control"), installation.start("gateway"));
        installation.make_cluster(&gateway);
        let console = installation.console(&control);
        console.make_tenant("acme", "acme");
        console.inbound_options("acme", &json!({ "requests_per_second": 10_000 }));
        let token = console.enable_inbound("acme");
        take_in(&installation, &console, &["acme".to_owned()])?;
        let endpoint = Endpoint { users: format!("{}/realms/acme/scim/v2/Users", gateway.url), token };
        let ids = runtime.block_on(seed(client, &endpoint, users))?;
        Ok(Self { installation, gateway, endpoint, ids, _control: control })
    }
}

/// Has the first import of tenants done: as long as it is not, the gateway asks the realm too.
pub fn take_in(installation: &Installation, console: &Console, tenants: &[String]) -> anyhow::Result<()> {
    let mut dispatcher = installation.start("dispatcher");
    for tenant in tenants {
        let done = eventually(Duration::from_mins(20), || {
            let (_, panels) = console.call(Method::GET, &format!("/tenants/{tenant}/identity-sync"), None);
            (panels["inbound"]["import"]["state"] == "done").then_some(())
        });
        done.with_context(|| format!("the import did not end:\n{}", installation.logs()))?;
    }
    dispatcher.process.stop(Duration::from_secs(30));
    Ok(())
}

pub fn run(program: &Path) -> anyhow::Result<()> {
    let (runtime, client) = (Runtime::new()?, Client::builder().no_proxy().build()?);
    let stand = Stand::new(program, &runtime, &client, USERS)?;
    let database = Database::postgres();
    floor::fill(&database);
    let bare = floor::look_up(&database)?;
    let (whose, floors) = (Trees::of([stand.gateway.process.id()]), Trees::of([bare.process.id()]));
    let look_up = |client: &Client, number| built(client.get(&bare.url).bearer_auth(floor::token(number)));
    let mut report =
        Report::begin("gateway", format!("{USERS} users; theirs: a bare server with one look-up by the token's hash"));
    for (operation, goal, call) in operations(&stand.endpoint, &stand.ids) {
        let pair =
            load::compare(&client, Side { call: &*call, whose: &whose }, Side { call: &look_up, whose: &floors });
        report.row(operation, goal, &runtime.block_on(pair)?);
    }
    report.end();
    Ok(())
}

type Operation<'o> = (&'static str, Option<f64>, Box<dyn Fn(&Client, u64) -> Request + 'o>);

fn operations<'o>(endpoint: &'o Endpoint, ids: &'o [String]) -> Vec<Operation<'o>> {
    let base = endpoint.users.trim_end_matches("/Users");
    let discovery = format!("{base}/ServiceProviderConfig");
    vec![
        ("discovery", Some(1.3), Box::new(move |client, _| endpoint.get(client, &discovery))),
        ("GET by id", None, Box::new(|client, nth| endpoint.get(client, &endpoint.user(ids, nth)))),
        ("userName eq", None, Box::new(|client, nth| endpoint.get(client, &endpoint.by_name(nth % USERS)))),
        ("list of 100", None, Box::new(|client, _| endpoint.get(client, &format!("{}?count=100", endpoint.users)))),
        (
            "PATCH title",
            None,
            Box::new(|client, nth| {
                endpoint.patch(client, &endpoint.user(ids, nth), "title", &json!(format!("T {nth}")))
            }),
        ),
        ("POST", None, Box::new(|client, nth| endpoint.create(client, &format!("new-{nth}")))),
    ]
}

impl Endpoint {
    pub fn get(&self, client: &Client, url: &str) -> Request {
        self.request(client, Method::GET, url, None)
    }

    /// The URL of one of these users.
    pub fn user(&self, ids: &[String], nth: u64) -> String {
        let place = usize::try_from(nth).unwrap_or_default() % ids.len().max(1);
        format!("{}/{}", self.users, ids.get(place).map_or("none", String::as_str))
    }

    /// Looks for one of the seeded users, as every identity provider does first.
    pub fn by_name(&self, nth: u64) -> String {
        format!("{}?filter=userName%20eq%20%22{}%22", self.users, name(nth).replace('@', "%40"))
    }

    pub fn patch(&self, client: &Client, url: &str, path: &str, value: &Value) -> Request {
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": path, "value": value }] });
        self.request(client, Method::PATCH, url, Some(&body))
    }

    pub fn create(&self, client: &Client, name: &str) -> Request {
        self.request(client, Method::POST, &self.users, Some(&person(&format!("{name}@acme.test"))))
    }

    fn request(&self, client: &Client, method: Method, url: &str, body: Option<&Value>) -> Request {
        let mut request = client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/scim+json").body(body.to_string());
        }
        built(request)
    }
}

/// The userName of the nth seeded user.
pub fn name(nth: u64) -> String {
    format!("seed-{nth}@acme.test")
}

/// A user as identity providers send them.
pub fn person(name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name, "active": true,
        "name": { "givenName": "Seed", "familyName": "Person" },
        "emails": [{ "value": name, "type": "work", "primary": true }],
    })
}

/// Makes users; their ids.
pub async fn seed(client: &Client, endpoint: &Endpoint, users: u64) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for nth in 0..users {
        let request = endpoint.request(client, Method::POST, &endpoint.users, Some(&person(&name(nth))));
        let made: Value = client.execute(request).await?.error_for_status()?.json().await?;
        ids.push(made["id"].as_str().context("an id")?.to_owned());
    }
    Ok(ids)
}
