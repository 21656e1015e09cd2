//! How long an administrator's edit in Keycloak takes to become a hint, by the listener and by the poll alone; and what a
//! realm of 20,000 users costs to import, to compare and to poll. Needs the servers of `scripts/with-servers`. Usage: `capture
//! [PROGRAM [latency | size [USERS]]]`.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints its table and ends where it cannot go on"
)]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::{Installation, Role};
use testkit::keycloak::Realm;

/// Edits by the listener, and by the poll, which takes seconds each.
const HEARD: usize = 200;
const POLLED: usize = 40;
/// Users of the large realm, and how many Keycloak takes at once.
const USERS: usize = 20_000;
const CHUNK: usize = 500;
const PATIENCE: Duration = Duration::from_mins(30);

/// A tenant, with a dispatcher that works for it.
struct Scene {
    installation: Installation,
    realm: Realm,
    dispatcher: Role,
    _others: (Role, Role, Fieldnotes),
}

impl Scene {
    fn on(installation: Installation, outbound: bool) -> Self {
        let (realm, downstream) = (Realm::default(), Fieldnotes::default());
        let (control, gateway) = (installation.start("control"), installation.start("gateway"));
        let dispatcher = installation.start("dispatcher");
        installation.make_cluster(&gateway);
        let console = installation.console(&control);
        console.make_tenant("acme", realm.name());
        if outbound {
            console.enable_outbound("acme", downstream.url(), downstream.token());
        } else {
            console.enable_inbound("acme");
        }
        Self { installation, realm, dispatcher, _others: (control, gateway, downstream) }
    }

    fn ask(&self, statement: &str) -> i64 {
        self.installation.database().ask(statement).parse().unwrap_or(0)
    }

    fn until(&self, statement: &str) {
        let holds = || (self.installation.database().ask(statement) == "t").then_some(());
        eventually(PATIENCE, holds).expect("what was waited for");
    }

    /// Calls of the dispatcher to Keycloak so far.
    fn calls(&self) -> u64 {
        let page = testkit::http().get(format!("{}/metrics", self.dispatcher.ops_url)).send().expect("metrics");
        let lines = page.text().expect("metrics");
        let counts = lines.lines().filter(|line| line.contains("realm_requests") && !line.starts_with('#'));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
        let count =
            |line: &str| line.rsplit(' ').next().and_then(|number| number.parse::<f64>().ok()).map(|n| n as u64);
        counts.filter_map(count).sum()
    }

    /// From an edit's answer to its mark, milliseconds, one after the other.
    fn latencies(&self, edits: usize) -> Vec<f64> {
        let person = json!({ "username": "ada@acme.test", "email": "ada@acme.test", "enabled": true });
        self.realm.admin(Method::POST, "/users", Some(&person));
        let id = self.realm.user("ada@acme.test").expect("she was made")["id"].as_str().expect("an id").to_owned();
        let settled = format!("select count(*) = 1 from ledger where user_id = '{id}' and dirty_seq = acked_seq");
        self.until(&settled);
        let mut took = Vec::new();
        for number in 0..edits {
            let before = self.ask(&format!("select dirty_seq from ledger where user_id = '{id}'"));
            self.realm.save_user(&id, |user| user["lastName"] = json!(format!("Edit{number}")));
            let answered = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.until(&format!(
                "select dirty_seq > {before} and dirty_seq = acked_seq from ledger where user_id = '{id}'"
            ));
            let marked = self.ask(&format!("select dirty_at from ledger where user_id = '{id}'"));
            let answered = i64::try_from(answered.as_micros()).unwrap_or(i64::MAX);
            #[expect(clippy::cast_precision_loss, reason = "microseconds of some seconds")]
            took.push((marked - answered).max(0) as f64 / 1_000.0);
        }
        took.sort_by(f64::total_cmp);
        took
    }
}

/// What has been measured, said as soon as it is known.
#[derive(Default)]
struct Rows(Vec<Value>);

impl Rows {
    fn say(&mut self, name: &str, figures: &Value) {
        println!("{name}: {figures}");
        self.0.push(json!({ "name": name, "figures": figures }));
    }

    fn latency(&mut self, way: &str, sorted: &[f64]) {
        let at = |share: usize| sorted.get(sorted.len() * share / 100).copied().unwrap_or(f64::NAN);
        let (median, p95, p99) = (at(50), at(95), at(99));
        self.say(way, &json!({ "edits": sorted.len(), "p50_ms": median, "p95_ms": p95, "p99_ms": p99 }));
    }

    /// Does something: how long it took, and how many calls to Keycloak it made.
    fn measured(&mut self, scene: &Scene, what: &str, work: impl FnOnce()) {
        let (begun, calls) = (Instant::now(), scene.calls());
        work();
        let seconds = begun.elapsed().as_secs_f64();
        self.say(what, &json!({ "seconds": seconds, "calls": scene.calls() - calls }));
    }
}

fn people(from: usize, count: usize, family: &str) -> Value {
    let person = |number: usize| {
        let name = format!("user-{number:05}@acme.test");
        json!({ "username": name, "email": name, "firstName": "U", "lastName": family, "enabled": true,
            "realmRoles": ["scim-managed"] })
    };
    let users: Vec<Value> = (from..from + count).map(person).collect();
    json!({ "ifResourceExists": "FAIL", "users": users })
}

fn large(rows: &mut Rows, program: &str, users: usize) {
    let scene = Scene::on(Installation::on_keycloak(program), false);
    scene.until("select count(*) = 1 from realm_watch where import_done_at is not null and compare_at is not null");
    let begun = Instant::now();
    // Away while they come, as before a move to this product.
    scene.dispatcher.process.signal("STOP");
    for from in (0..users).step_by(CHUNK) {
        scene.realm.admin(Method::POST, "/partialImport", Some(&people(from, CHUNK, "F")));
    }
    scene.realm.admin(Method::DELETE, "/admin-events", None);
    println!("{users} users loaded by partialImport in {:.1} s", begun.elapsed().as_secs_f64());
    let of = |what: &str| format!("{what} of {users} users");
    let ask = |statement: &str| drop(scene.installation.database().ask(statement));
    ask("update realm_watch set import_done_at = null, import_started_at = null, imported = 0, newest_event = null,
             next_poll_at = 0, poll_until = null, compare_at = 9000000000000000, reread_at = 9000000000000000");
    scene.dispatcher.process.signal("CONT");
    rows.measured(&scene, &of("import"), || {
        scene.until("select import_done_at is not null from realm_watch");
    });
    let known = scene.ask("select count(*) from directory_user");
    println!("{known} users are in the directory");
    for round in ["first compare", "compare, nothing differing,"] {
        ask("update realm_watch set compare_wanted = true, compare_at = 0, next_poll_at = 0");
        rows.measured(&scene, &of(round), || {
            scene.until("select not compare_wanted and compare_at > 0 from realm_watch");
            ask("update realm_watch set compare_at = 9000000000000000");
        });
        scene.until("select count(*) = 0 from ledger where dirty_seq > seen_seq");
    }
    let polls = scene.ask("select poll_epoch from realm_watch");
    let idle = Instant::now();
    let calls = scene.calls();
    scene.until(&format!("select poll_epoch >= {} from realm_watch", polls + 5));
    let seconds = idle.elapsed().as_secs_f64();
    rows.say("5 polls of the idle realm", &json!({ "seconds": seconds, "calls": scene.calls() - calls }));
    scene.dispatcher.process.signal("STOP");
    scene.realm.admin(Method::POST, "/partialImport", Some(&people(users, CHUNK, "F")));
    scene.dispatcher.process.signal("CONT");
    rows.measured(&scene, "poll of 500 events, each user looked at", || {
        scene.until(&format!("select count(*) >= {} from directory_user", known + i64::try_from(CHUNK).unwrap_or(0)));
    });
}

fn main() {
    let program = std::env::args().nth(1).unwrap_or_else(|| "target/release/kevra-scim".to_owned());
    let part = std::env::args().nth(2);
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let mut rows = Rows::default();
    if wanted("latency") {
        let scene = Scene::on(Installation::hearing_keycloak(&program), true);
        rows.latency("edit to hint, listener", &scene.latencies(HEARD));
        drop(scene);
        let scene = Scene::on(Installation::on_keycloak(&program), true);
        rows.latency("edit to hint, poll alone", &scene.latencies(POLLED));
    }
    if wanted("size") {
        let users = std::env::args().nth(3).and_then(|users| users.parse().ok()).unwrap_or(USERS);
        large(&mut rows, &program, users);
    }
    println!("{}", json!({ "benchmark": "capture", "rows": rows.0 }));
}
