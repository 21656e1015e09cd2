//! Does size hurt? The same look-ups in a small installation and in one with a thousand times as many tenants.

use std::path::Path;

use anyhow::Context;
use registry::BearerToken;
use reqwest::{Client, Request};
use serde_json::json;
use testkit::installation::{Installation, Role};

use crate::cpu::{self, Trees};
use crate::gateway::{Endpoint, name, person};
use crate::load::{self, Side};
use crate::report::Report;

const FEW: u64 = 10;
/// Hashes of one statement: a command line takes no more.
const BATCH: u64 = 500;

/// An installation with many tenants, each with users `seed-N@acme.test`.
struct World {
    installation: Installation,
    gateway: Role,
    control: Role,
    tokens: Vec<String>,
    users: u64,
}

pub fn run(program: &Path, tenants: u64, users: u64) -> anyhow::Result<()> {
    let (small, large) = (World::new(program, FEW, users)?, World::new(program, tenants, users)?);
    let before = large.sequential_scans();
    let postgres = cpu::postgres(small.installation.database())?;
    let whose = |world: &World| postgres.and(&Trees::of([world.gateway.process.id()]));
    let (ours, theirs) = (whose(&large), whose(&small));
    let runtime = tokio::runtime::Runtime::new()?;
    let client = Client::builder().no_proxy().build()?;
    let beside = format!("ours: {tenants} tenants of {users} users; theirs: {FEW} tenants; each with PostgreSQL");
    let mut report = Report::begin("scale", beside);
    let read = |world: &World, client: &Client, nth| {
        let (endpoint, tenant, user) = world.at(nth);
        endpoint.get(client, &format!("{}/{}", endpoint.users, id(tenant, user)))
    };
    let find = |world: &World, client: &Client, nth| {
        let (endpoint, _, user) = world.at(nth);
        endpoint.get(client, &endpoint.by_name(user))
    };
    let change = |world: &World, client: &Client, nth| {
        let (endpoint, tenant, user) = world.at(nth);
        endpoint.patch(client, &format!("{}/{}", endpoint.users, id(tenant, user)), "title", &json!(format!("T {nth}")))
    };
    let make = |world: &World, client: &Client, nth| world.at(nth).0.create(client, &format!("new-{nth}"));
    let operations: [(&str, &Ask<'_>); 4] =
        [("GET by id", &read), ("userName eq", &find), ("PATCH title", &change), ("POST", &make)];
    for (operation, ask) in operations {
        let subject = Side { call: &|client: &Client, nth| ask(&large, client, nth), whose: &ours };
        let floor = Side { call: &|client: &Client, nth| ask(&small, client, nth), whose: &theirs };
        report.row(operation, Some(1.5), &runtime.block_on(load::compare(&client, subject, floor))?);
    }
    for role in ["gateway", "control"] {
        let of =
            |world: &World| cpu::resident(if role == "gateway" { &world.gateway } else { &world.control }.process.id());
        let (big, little) = (of(&large)?, of(&small)?);
        report.note(
            &format!("{role}'s resident memory, MiB"),
            &json!({ "large": big, "small": little, "ratio": big / little, "goal": 2 }),
        );
    }
    let scans = large.sequential_scans() - before;
    report.note("sequential scans of large tables", &json!({ "count": scans, "goal": 0 }));
    report.end();
    Ok(())
}

/// A request to one of the two.
type Ask<'a> = dyn Fn(&World, &Client, u64) -> Request + 'a;

/// The id of a user of a tenant.
fn id(tenant: u64, user: u64) -> String {
    format!("{tenant:08x}-0000-4000-8000-{user:012x}")
}

impl World {
    fn new(program: &Path, tenants: u64, users: u64) -> anyhow::Result<Self> {
        let installation = Installation::on_embedded_realms(&program.to_string_lossy());
        let (control, gateway) = (installation.start("control"), installation.start("gateway"));
        installation.make_cluster(&gateway);
        let console = installation.console(&control);
        console.make_tenant("acme", "acme");
        let token = console.enable_inbound("acme");
        let url = format!("{}/realms/acme/scim/v2/Users", gateway.url);
        let made = testkit::http().post(url).bearer_auth(token).json(&person(&name(0))).send()?;
        made.error_for_status().context("a user to copy")?;
        let mut world = Self { installation, gateway, control, tokens: Vec::new(), users };
        for first in (0..tenants).step_by(usize::try_from(BATCH)?) {
            world.fill(first, tenants.min(first + BATCH))?;
        }
        world.installation.database().ask("analyze");
        Ok(world)
    }

    /// Copies the tenant and its user.
    fn fill(&mut self, first: u64, end: u64) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        for tenant in first..end {
            let token = BearerToken::generate()?;
            let hash = hex::encode(token.hash().to_vec());
            rows.push(format!("({tenant}, '\\x{hash}'::bytea)"));
            self.tokens.push(token.reveal().to_owned());
        }
        let statement = format!(
            "create temporary table made as
                 select n, hash, (lpad(to_hex(n), 8, '0') || '-0000-4000-9000-000000000000')::uuid id
                 from (values {}) v (n, hash);
             insert into tenant (id, slug, display_name, realm, cluster_id, created_at, updated_at)
                 select m.id, 'scale-' || n, 'Scale ' || n, 'scale-' || n, t.cluster_id, t.created_at, t.updated_at
                 from made m, tenant t where t.slug = 'acme';
             insert into tenant_option (tenant_id, requests_per_second) select id, 10000 from made;
             insert into inbound_token (hash, tenant_id, hint, minted_at, minted_by)
                 select hash, id, 'xxxx', 0, 'bench' from made;
             insert into directory_user (tenant_id, id, document, version, username_key, active, base, nonce, created_at,
                     modified_at, email_key, other_email_keys)
                 select m.id, (lpad(to_hex(n), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(u), 12, '0'))::uuid,
                     replace(d.document, 'seed-0@', 'seed-' || u || '@'), 1,
                     replace(d.username_key, 'seed-0@', 'seed-' || u || '@'), true,
                     replace(d.base, 'seed-0@', 'seed-' || u || '@'), d.nonce, d.created_at + u, d.modified_at,
                     replace(d.email_key, 'seed-0@', 'seed-' || u || '@'), d.other_email_keys
                 from made m, directory_user d, tenant t, generate_series(0, {}) u
                 where t.slug = 'acme' and d.tenant_id = t.id",
            rows.join(", "),
            self.users - 1
        );
        self.installation.database().ask(&statement);
        Ok(())
    }

    /// A tenant's endpoint, its number, and a user's number, each time others.
    fn at(&self, nth: u64) -> (Endpoint, u64, u64) {
        // A step that shares no factor with the count meets everybody, neighbors far apart.
        let tenant = nth.wrapping_mul(7_919) % self.tokens.len() as u64;
        let token = usize::try_from(tenant).ok().and_then(|place| self.tokens.get(place)).cloned().unwrap_or_default();
        let users = format!("{}/realms/scale-{tenant}/scim/v2/Users", self.gateway.url);
        (Endpoint { users, token }, tenant, nth % self.users)
    }

    fn sequential_scans(&self) -> i64 {
        let count = "select coalesce(sum(seq_scan), 0) from pg_stat_user_tables where n_live_tup > 5000";
        self.installation.database().ask(count).parse().unwrap_or(-1)
    }
}
