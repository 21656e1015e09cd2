//! What is documented of metrics and logs is what a running system shows, and dashboards and alerts ask for nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::{Installation, Role};
use testkit::keycloak::Realm;

use crate::{PROGRAM, front};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Of faults that this test does not make.
const RARE_METRICS: [&str; 4] = [
    "kevra_scim_activity_dropped_total",
    "kevra_scim_amqp_reconnects_total",
    "kevra_scim_outbound_mass_alarms_total",
    "kevra_scim_realm_notes_total",
];

/// The first word of `target`, in lines that no library writes.
const OURS: [&str; 9] =
    ["kevra_scim", "control", "gateway", "dispatcher", "bus", "directory", "registry", "realm", "downstream"];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

#[test]
fn metrics_and_log_lines_are_those_that_are_documented() {
    let (downstream, realm) = (Fieldnotes::default(), Realm::default());
    let mut installation = Installation::on_keycloak(PROGRAM);
    installation.set("KEVRA_LOG", "info");
    let (console, control, gateway) = front(&installation);
    let dispatcher = installation.start("dispatcher");
    console.make_tenant("acme", realm.name());
    console.enable_outbound("acme", downstream.url(), downstream.token());
    let token = console.enable_inbound("acme");
    let users = format!("{}/realms/{}/scim/v2/Users", gateway.url, realm.name());
    let send = |token: &str, name: &str| {
        let request = testkit::http().post(&users).bearer_auth(token).json(&json!({ "userName": name }));
        request.send().unwrap().status()
    };
    assert_eq!(send(&token, "ada@acme.test"), StatusCode::CREATED);
    assert_eq!(send("kvs_none", "ada@acme.test"), StatusCode::UNAUTHORIZED);
    let groups = users.replace("/Users", "/Groups");
    let stranger = "6f4bd2a0-0000-4000-8000-000000000000";
    for name in ["One", "Two"] {
        let body = json!({ "displayName": name, "badge": "b-17", "members": [{ "value": stranger }] });
        let request = testkit::http().post(&groups).bearer_auth(&token).json(&body);
        assert_eq!(request.send().unwrap().status(), StatusCode::CREATED);
    }
    assert!(
        eventually(Duration::from_secs(20), || downstream.user("ada@acme.test")).is_some(),
        "{}",
        installation.logs()
    );

    let roles = [&control, &gateway, &dispatcher];
    let scraped = eventually(Duration::from_secs(20), || {
        let text: String = roles.iter().map(|role| get(role, "/metrics")).collect();
        let there = ["kevra_scim_outbound_oldest_waiting_seconds", "kevra_scim_outbound_lag_seconds_count"];
        there.iter().all(|name| text.contains(name)).then_some(text)
    });
    let scraped = scraped.unwrap();
    metrics_agree(&scraped);
    the_realms_share_is_aside(&scraped);
    let logs = installation.logs();
    let lines = |name: &str| logs.lines().filter(|line| line.contains(&format!("\"{name}\""))).collect::<Vec<_>>();
    let skipped = lines("inbound.skipped");
    assert!(skipped.len() == 2 && skipped.iter().all(|line| line.contains(stranger)), "{skipped:?}");
    let ignored = lines("inbound.ignored");
    assert!(ignored.len() == 1 && ignored[0].contains("badge"), "said once: {ignored:?}");
    assert!(!logs.contains("b-17"), "never a value");
    set_filter(&gateway, || assert!(send("kvs_other", "nobody").is_client_error()), &installation);
    lines_agree(&installation.logs());
}

fn get(role: &Role, path: &str) -> String {
    testkit::http().get(format!("{}{path}", role.ops_url)).send().unwrap().text().unwrap()
}

/// A metric as the page or the program describes it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
    what: String,
}

fn documented() -> BTreeMap<String, Metric> {
    let mut found = BTreeMap::new();
    for line in read("docs/operate/metrics.md").lines().filter(|line| line.starts_with("| `kevra_scim_")) {
        let cells: Vec<&str> = line.split('|').skip(1).map(str::trim).collect();
        let labels = cells[2].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let metric = Metric { kind: cells[1].to_owned(), labels, what: cells[3].to_owned() };
        found.insert(cells[0].trim_matches('`').to_owned(), metric);
    }
    found
}

/// The exposition format, as far as it is used: `# HELP`, `# TYPE`, samples.
fn shown(text: &str) -> BTreeMap<String, Metric> {
    let mut found: BTreeMap<String, Metric> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, what)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            what.clone_into(&mut found.entry(name.to_owned()).or_default().what);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            kind.clone_into(&mut found.entry(name.to_owned()).or_default().kind);
        } else if let Some((name, rest)) = line.split_once('{') {
            let stem = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            let name = if found.contains_key(name) { name } else { stem.unwrap_or(name) };
            let labels = rest.split("=\"").filter_map(|part| part.rsplit([',', '{', '"']).next());
            let labels =
                labels.filter(|label| !label.is_empty() && label.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            found
                .entry(name.to_owned())
                .or_default()
                .labels
                .extend(labels.filter(|label| *label != "le").map(str::to_owned));
        }
    }
    found.retain(|name, _| name.starts_with("kevra_scim_"));
    found
}

fn metrics_agree(scraped: &str) {
    let (documented, shown) = (documented(), shown(scraped));
    assert!(documented.len() > 20, "{:?}", documented.keys());
    for (name, metric) in &shown {
        assert_eq!(documented.get(name), Some(metric), "{name}");
    }
    let there = |name: &str| shown.contains_key(name) || RARE_METRICS.contains(&name);
    for name in documented.keys() {
        assert!(there(name), "{name} is documented and not there");
    }
    for file in ["deploy/grafana/overview.json", "deploy/grafana/tenant.json", "deploy/prometheus/rules.yaml"] {
        let text = read(file);
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
        let names: BTreeSet<&str> =
            words.filter(|word| word.starts_with("kevra_scim_") && !word.contains(':')).collect();
        assert!(!names.is_empty() || file.contains("tenant"), "{file} asks for no metric");
        for name in names {
            let stem = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            assert!(there(name) || stem.is_some_and(there), "{file}: {name} is not there");
        }
    }
}

/// A create waits for Keycloak, and what is ours of it is known without that.
fn the_realms_share_is_aside(scraped: &str) {
    let seconds = |metric: &str| -> f64 {
        let of_creates = |line: &&str| line.starts_with(metric) && line.contains("op=\"POST /Users\"");
        let line = scraped.lines().find(of_creates).unwrap_or_else(|| panic!("no {metric}"));
        line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    };
    let whole = seconds("kevra_scim_inbound_request_duration_seconds_sum");
    let own = seconds("kevra_scim_inbound_own_duration_seconds_sum");
    assert!(own > 0.0 && whole - own > 0.002, "{own} s of {whole} s");
}

/// Each line with a name has the fields that the page says, and no others; those of every day have all of them.
fn lines_agree(logs: &str) {
    let page = read("docs/operate/logs.md");
    let (_, lines) = page.split_once("\n## Lines of every day\n").unwrap();
    let (daily, seldom) = lines.split_once("\n## All other lines\n").unwrap();
    let mut daily = fields_of(daily);
    let seldom = fields_of(seldom);
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in logs.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let line = line.as_object().unwrap();
        for always in ["timestamp", "level", "target"] {
            assert!(line.contains_key(always), "{line:?}");
        }
        let Some(name) = line.get("name").and_then(Value::as_str) else {
            let part = line["target"].as_str().and_then(|target| target.split("::").next()).unwrap();
            assert!(!OURS.contains(&part), "a line of ours without a name: {line:?}");
            continue;
        };
        let fields =
            line.keys().filter(|key| !["timestamp", "level", "target", "name", "message"].contains(&key.as_str()));
        let fields: BTreeSet<String> = fields.cloned().collect();
        let said = daily.get(name).or_else(|| seldom.get(name));
        let said = said.unwrap_or_else(|| panic!("{name} is not documented: {line:?}"));
        assert!(fields.is_subset(said), "{name} has {:?} besides", fields.difference(said));
        seen.entry(name.to_owned()).or_default().extend(fields);
    }
    for (name, fields) in &mut daily {
        // No group is pushed here.
        fields.remove("group.id");
        assert_eq!(seen.get(name), Some(&*fields), "{name}");
    }
}

/// The names and fields of a section's table.
fn fields_of(section: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows = section.lines().filter(|line| line.starts_with("| `") && !line.contains("| When |"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').skip(1).map(str::trim).collect();
        let fields = cells[3].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (cells[0].trim_matches('`').to_owned(), fields)
    })
    .collect()
}

/// What is logged is changed while the program runs, by whoever is on its machine, and by no page in a browser.
fn set_filter(gateway: &Role, refused_request: impl Fn(), installation: &Installation) {
    let url = format!("{}/log-filter", gateway.ops_url);
    let put = |filter: &str| testkit::http().put(&url).body(filter.to_owned());
    let lines = || installation.logs().matches("\"inbound.request\"").count();
    assert_eq!(get(gateway, "/log-filter"), "info\n");
    assert_eq!(put("gateway=off").send().unwrap().status(), StatusCode::OK);
    assert_eq!(get(gateway, "/log-filter"), "gateway=off\n");
    let before = lines();
    refused_request();
    for wrong in ["a=b=c", "", &"x".repeat(2_000)] {
        assert!(put(wrong).send().unwrap().status().is_client_error(), "{wrong}");
    }
    assert_eq!(put("trace").header("origin", "http://127.0.0.1").send().unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(get(gateway, "/log-filter"), "gateway=off\n", "what was refused changed nothing");
    assert_eq!(lines(), before, "nothing was written");
    assert_eq!(put("info").send().unwrap().status(), StatusCode::OK);
    refused_request();
    assert!(
        eventually(Duration::from_secs(5), || (lines() == before + 1).then_some(())).is_some(),
        "it is written again"
    );
}
