//! What operators see: one trace from the identity provider's request to the downstream's answer, the promised metrics,
//! and nowhere a secret or a person.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::collector::Collector;
use testkit::console::Console;
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::{Installation, Role};
use testkit::keycloak::Realm;

use crate::{PROGRAM, front};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// An installation whose processes export at once and log everything they are able to.
fn installation(collector: &Collector) -> Installation {
    let mut installation = Installation::on_keycloak(PROGRAM);
    installation.set("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url());
    installation.set("OTEL_BSP_SCHEDULE_DELAY", "200");
    installation.set("OTEL_METRIC_EXPORT_INTERVAL", "500");
    installation.set("KEVRA_LOG", "trace");
    installation
}

fn metrics(role: &Role) -> String {
    testkit::http().get(format!("{}/metrics", role.ops_url)).send().unwrap().text().unwrap()
}

#[test]
fn one_trace_leads_from_the_identity_provider_to_the_downstream() {
    let (collector, downstream, realm) = (Collector::default(), Fieldnotes::default(), Realm::default());
    let installation = installation(&collector);
    let (console, control, gateway) = front(&installation);
    let dispatcher = installation.start("dispatcher");
    console.make_tenant("acme", realm.name());
    console.enable_outbound("acme", downstream.url(), downstream.token());
    let token = console.enable_inbound("acme");
    let users = format!("{}/realms/{}/scim/v2/Users", gateway.url, realm.name());
    let body = json!({ "userName": "ada@acme.test", "emails": [{ "value": "ada@acme.test" }] });
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let answer =
        testkit::http().post(&users).bearer_auth(&token).header("traceparent", &parent).json(&body).send().unwrap();
    assert_eq!(answer.status(), 201);

    let wanted = [
        ("gateway", "POST /Users"),
        ("gateway", "publish kevra.hints"),
        ("dispatcher", "process hint"),
        ("dispatcher", "outbound.triage"),
        ("dispatcher", "outbound.send"),
        ("dispatcher", "POST /Users"),
        ("dispatcher", "GET /users/{id}"),
    ];
    let in_trace = || -> BTreeSet<(String, String)> {
        let spans = collector.spans().into_iter().filter(|span| span.trace_id == TRACE);
        spans.map(|span| (span.role, span.name)).collect()
    };
    let complete = eventually(Duration::from_secs(20), || {
        let spans = in_trace();
        wanted.iter().all(|(role, name)| spans.contains(&((*role).to_owned(), (*name).to_owned()))).then_some(())
    });
    assert!(complete.is_some(), "{:#?}", in_trace());
    what_the_page_says_to_search_by_is_there(&collector);
    let heard = downstream.app().journal().into_iter().filter(|entry| entry.method == "POST");
    let traces: Vec<String> = heard.filter_map(|entry| entry.trace_id).collect();
    assert_eq!(traces, [TRACE], "the downstream is told the trace");
    // The console's activity names it too.
    let (_, mut activity) = console.call(Method::GET, "/tenants/acme/activity", None);
    // Who a row is about is looked up for the reader and stored nowhere; the rest of it names nobody.
    for entry in activity["entries"].as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("username");
    }
    assert!(activity.to_string().contains(TRACE), "{activity}");
    // And so does each wide line.
    let lines = installation.logs();
    for name in ["inbound.request", "outbound.attempted"] {
        let line = lines.lines().find(|line| line.contains(name) && line.contains(TRACE));
        assert!(line.is_some(), "a line {name} names the trace");
    }
    has_the_promised_metrics(&[&control, &gateway, &dispatcher]);
}

/// The page's table of attributes: each is on a span, and the tenant's on those that it names.
fn what_the_page_says_to_search_by_is_there(collector: &Collector) {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operate/traces.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, table) = page.split_once("| Attribute | On |\n").unwrap();
    let names: BTreeSet<&str> = table.split('`').filter(|part| part.contains('.') && !part.contains(' ')).collect();
    let said: BTreeSet<&str> =
        names.into_iter().filter(|name| name.starts_with("span.") || name.starts_with("resource.")).collect();
    assert!(said.len() > 4, "{said:?}");
    let spans = collector.spans();
    let named = |name: &str| spans.iter().any(|span| span.attributes.contains(name));
    // No group is pushed here.
    let missing: Vec<&&str> = said.iter().filter(|name| **name != "span.group.id" && !named(name)).collect();
    assert!(missing.is_empty(), "{missing:?} are on no span");
    for (role, name) in [("gateway", "POST /Users"), ("dispatcher", "outbound.triage"), ("dispatcher", "outbound.send")]
    {
        let has = |span: &testkit::collector::Span| span.attributes.contains("span.tenant.id");
        assert!(
            spans.iter().any(|span| (span.role.as_str(), span.name.as_str()) == (role, name) && has(span)),
            "{name}"
        );
    }
}

fn has_the_promised_metrics(roles: &[&Role; 3]) {
    let text = eventually(Duration::from_secs(20), || {
        let text: String = roles.iter().map(|role| metrics(role)).collect();
        text.contains("kevra_scim_outbound_oldest_waiting_seconds").then_some(text)
    });
    let text = text.unwrap();
    for name in [
        "build_info{",
        "panics_total",
        "db_pool_connections{",
        "amqp_connected{",
        "inbound_requests_total{",
        "inbound_request_duration_seconds_bucket{",
        "realm_requests_total{",
        "realm_request_duration_seconds_bucket{",
        "control_actions_total{",
        "probe_duration_seconds_bucket{",
        "outbound_changes_total{",
        "outbound_attempts_total{",
        "outbound_attempt_duration_seconds_bucket{",
        "outbound_lag_seconds_bucket{",
        "outbound_oldest_waiting_seconds",
        "outbound_waiting",
        "outbound_parked",
        "outbound_targets{",
    ] {
        let found = text.lines().any(|line| line.starts_with(&format!("kevra_scim_{name}")));
        assert!(found, "{name} is not among\n{text}");
    }
    assert!(!text.contains("tenant=") && !text.contains("acme"), "no metric names a tenant");
}

/// Every secret and every personal value of this test begins with it.
const CANARY: &str = "canary7f3a";

#[test]
fn no_secret_and_no_person_is_in_any_log_line_trace_metric_or_error() {
    let (collector, downstream, realm) = (Collector::default(), Fieldnotes::default(), Realm::default());
    let installation = installation(&collector);
    let (console, control, gateway) = front(&installation);
    let dispatcher = installation.start("dispatcher");
    console.make_tenant("acme", realm.name());
    console.enable_outbound("acme", downstream.url(), downstream.token());
    let mut secrets = vec![downstream.token().to_owned()];
    secrets.push(console.enable_inbound("acme"));
    let users = format!("{}/realms/{}/scim/v2/Users", gateway.url, realm.name());
    let mut answers = walk(&users, secrets.last().unwrap());
    secrets.push(console.rotate("acme"));
    answers.extend(walk(&users, &secrets[1]));
    answers.extend(refusals(&console, downstream.url()));
    let name = format!("{CANARY}-ada@acme.test");
    realm.save_user(realm.user(&name).unwrap()["id"].as_str().unwrap(), |user| {
        user["lastName"] = json!(format!("{CANARY}-Edited"));
    });
    let edited = || downstream.user(&name).filter(|user| user["name"]["familyName"] == format!("{CANARY}-Edited"));
    assert!(eventually(Duration::from_secs(20), edited).is_some(), "{}", installation.logs());
    let exported = eventually(Duration::from_secs(20), || {
        collector.spans().iter().any(|span| span.name == "PATCH /Users/{id}").then_some(())
    });
    assert!(exported.is_some(), "the dispatcher's spans have come");

    let mut seen =
        vec![("a log line", installation.logs().into_bytes()), ("a trace or pushed metric", collector.bytes())];
    let scraped = [&control, &gateway, &dispatcher].map(metrics).concat();
    seen.push(("a metric", scraped.into_bytes()));
    seen.push(("an error", answers.concat().into_bytes()));
    let (_, mut activity) = console.call(Method::GET, "/tenants/acme/activity", None);
    // Who a row is about is looked up for the reader and stored nowhere; the rest of it names nobody.
    for entry in activity["entries"].as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("username");
    }
    seen.push(("the activity", activity.to_string().into_bytes()));
    assert!(seen.iter().all(|(_, bytes)| bytes.len() > 500), "there is something to search");
    secrets.push(CANARY.to_owned());
    for (place, bytes) in seen {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for secret in &secrets {
            let found =
                text.find(&secret.to_lowercase()).map(|at| &text[at.saturating_sub(200)..(at + 40).min(text.len())]);
            assert!(found.is_none(), "{place} shows {secret}: {found:?}");
        }
    }
}

/// A user's life, and everything wrong that a provider may send; the error bodies.
fn walk(users: &str, token: &str) -> Vec<String> {
    let client = testkit::http();
    let address = format!("{CANARY}-ada@acme.test");
    let user = json!({ "userName": address, "externalId": format!("{CANARY}-ext"), "active": true,
        "name": { "givenName": format!("{CANARY}-Ada"), "familyName": format!("{CANARY}-Byron") },
        "emails": [{ "value": address, "primary": true }], "password": format!("{CANARY}-Passw0rd!") });
    let mut errors = Vec::new();
    let mut send = |method: Method, url: &str, body: Option<String>| -> Value {
        let mut request =
            client.request(method, url).bearer_auth(token).header("content-type", "application/scim+json");
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().unwrap();
        let failed = !answer.status().is_success();
        let text = answer.text().unwrap();
        let value = serde_json::from_str(&text).unwrap_or_default();
        if failed {
            errors.push(text);
        }
        value
    };
    let made = send(Method::POST, users, Some(user.to_string()));
    let one = format!("{users}/{}", made["id"].as_str().unwrap_or("nobody"));
    send(Method::POST, users, Some(user.to_string()));
    send(Method::GET, &format!("{users}?filter=userName%20eq%20%22{address}%22"), None);
    send(Method::GET, &format!("{users}?filter=userName%20qe%20%22{address}%22"), None);
    send(Method::GET, &format!("{users}/{address}"), None);
    send(Method::GET, &format!("{users}/{address}/more/{CANARY}"), None);
    send(Method::PUT, &one, Some(user.to_string()));
    send(Method::PUT, &one, Some(json!({ "userName": { CANARY: address } }).to_string()));
    send(Method::POST, users, Some(format!("{{\"userName\": \"{address}\", {CANARY}")));
    let wrong = json!({ "Operations": [{ "op": "replace", "path": format!("emails[value qe \"{address}\"].value"), "value": CANARY }] });
    send(Method::PATCH, &one, Some(wrong.to_string()));
    let bad = json!({ "Operations": [{ "op": "replace", "path": "active", "value": CANARY }] });
    send(Method::PATCH, &one, Some(bad.to_string()));
    errors.retain(|error| !error.is_empty());
    errors
}

/// What the control API and a downstream refuse.
fn refusals(console: &Console, downstream: &str) -> Vec<String> {
    let secret = format!("{CANARY}-token");
    let wrong = [
        ("/tenants/acme/outbound/test", json!({ "base_url": downstream, "token": secret })),
        ("/tenants/acme/outbound/test", json!({ "base_url": "http://127.0.0.1:9", "token": secret })),
        ("/tenants/acme/outbound/test", json!({ "base_url": "nonsense", "token": secret })),
        ("/tenants/acme/outbound/test", json!({ "base_url": downstream, "token": format!("{CANARY} with spaces") })),
        ("/tenants/acme/outbound/enable", json!({ "base_url": downstream, "token": secret, CANARY: 1 })),
    ];
    // The name of an unknown field is said back; its value never.
    let calls = wrong.iter().map(|(path, body)| console.call(Method::POST, path, Some(body)));
    calls.map(|(_, answer)| answer.to_string().replace(&format!("`{CANARY}`"), "`…`")).collect()
}
