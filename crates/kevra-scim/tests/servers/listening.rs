//! The console from another origin: preflights, and activity as it comes.

use std::io::Read;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::installation::Installation;

use crate::{PROGRAM, front};

const ORIGIN: &str = "https://app.example.com";

#[test]
fn a_listed_origin_may_call_and_another_may_not() {
    let mut installation = Installation::on_embedded_realms(PROGRAM);
    installation.set("KEVRA_CONSOLE_ORIGINS", "https://app.example.com, https://other.example.com:8443");
    let control = installation.start("control");
    let client = testkit::http();
    let url = format!("{}/v1/tenants/acme/identity-sync", control.url);
    for (origin, allowed) in [
        (ORIGIN, true),
        ("https://other.example.com:8443", true),
        ("https://other.example.com", false),
        ("http://app.example.com", false),
        ("https://app.example.com.evil.test", false),
        ("null", false),
    ] {
        let preflight = client
            .request(Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, if-match");
        let answers = [preflight.send().unwrap(), client.get(&url).header("origin", origin).send().unwrap()];
        for answer in &answers {
            let told = answer.headers().get("access-control-allow-origin").and_then(|value| value.to_str().ok());
            assert_eq!(told, allowed.then_some(origin), "{origin}");
            assert!(answer.headers().get("vary").is_some_and(|vary| vary.to_str().unwrap().contains("origin")));
            assert!(answer.headers().get("access-control-allow-credentials").is_none());
        }
        assert_eq!(answers[0].status().as_u16() == 204, allowed, "{origin}");
        assert_eq!(answers[1].status().as_u16(), 401, "an origin is no right");
    }
    let config: Value = client.get(format!("{}/console/config.json", control.url)).send().unwrap().json().unwrap();
    assert_eq!((&config["demo"], &config["downstream_token"]), (&json!(false), &Value::Null));
}

#[test]
fn activity_comes_as_it_happens_whichever_replica_did_it() {
    let installation = Installation::on_embedded_realms(PROGRAM);
    let (console, _control, gateway) = front(&installation);
    let replica = installation.start("control");
    console.make_tenant("acme", "acme");
    console.make_tenant("beta", "beta");
    let token = console.enable_inbound("acme");
    let beta = console.enable_inbound("beta");
    let reader = installation.operator_token("acme", "sync:read");
    let url = format!("{}/v1/tenants/acme/activity/stream", replica.url);
    let mut stream = testkit::http().get(&url).bearer_auth(&reader).send().unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut heard = String::new();
    let mut listen_until = |done: &dyn Fn(&str) -> bool| {
        let mut bytes = [0; 4_096];
        while !done(&heard) {
            let length = stream.read(&mut bytes).unwrap();
            assert!(length > 0, "the stream ended: {heard}");
            heard.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
        heard.clone()
    };
    let entries = |heard: &str| heard.matches("event: entry").count();
    listen_until(&|heard| heard.contains(": listening"));
    let push = |tenant: &str, token: &str, name: &str| {
        let url = format!("{}/realms/{tenant}/scim/v2/Users", gateway.url);
        let made = testkit::http().post(url).bearer_auth(token).json(&json!({ "userName": name })).send().unwrap();
        assert_eq!(made.status().as_u16(), 201);
    };
    push("beta", &beta, "of-beta");
    push("acme", &token, "ada");
    let first = listen_until(&|heard| entries(heard) == 1);
    assert!(first.contains("event: entry\nid: ") && first.contains("POST /Users"), "{first}");
    push("acme", &token, "bob");
    let both = listen_until(&|heard| entries(heard) == 2);
    assert!(!both.contains("of-beta"), "another tenant's: {both}");
    // Who it is, for people; what changed, by the names of attributes, never by their values.
    let entry: Value = serde_json::from_str(first.split("data: ").last().unwrap().trim()).unwrap();
    assert_eq!((&entry["username"], first.matches("ada").count()), (&json!("ada"), 1), "{first}");

    // What is stored late tells of a moment before somebody began to listen, and is news to them all the same.
    let mut stream = testkit::http().get(&url).bearer_auth(&reader).send().unwrap();
    let (mut heard, mut bytes) = (String::new(), [0; 4_096]);
    while !heard.contains("event: entry") {
        let length = stream.read(&mut bytes).unwrap();
        assert!(length > 0, "the stream ended: {heard}");
        heard.push_str(&String::from_utf8_lossy(&bytes[..length]));
        if heard.ends_with(": listening\n\n") {
            installation.database().ask(
                "create temporary table late as select * from activity
                     where tenant_id = (select id from tenant where slug = 'acme') limit 1;
                 update late set id = gen_random_uuid(), operation = 'LATE /Users', at = at - 1000000;
                 insert into activity select * from late",
            );
        }
    }
    assert!(heard.contains("LATE /Users") && !heard.contains("POST /Users"), "{heard}");
}
