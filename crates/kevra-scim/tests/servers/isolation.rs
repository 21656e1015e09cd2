//! One tenant's token is nobody anywhere else.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::console::Console;
use testkit::installation::Installation;

use crate::{PROGRAM, front};

#[test]
fn a_token_of_one_tenant_reaches_nothing_of_another() {
    let installation = Installation::on_embedded_realms(PROGRAM);
    let (console, _control, gateway) = front(&installation);
    for tenant in ["acme", "beta"] {
        console.make_tenant(tenant, tenant);
    }
    let (status, _) =
        console.call(Method::PATCH, "/tenants/beta", Some(&json!({ "custom_domain": "login.beta.test" })));
    assert_eq!(status, 200);
    let (acme, beta) = (console.enable_inbound("acme"), console.enable_inbound("beta"));
    let client = testkit::http();
    let base = |realm: &str| format!("{}/realms/{realm}/scim/v2", gateway.url);
    let make = |realm: &str, token: &str| -> String {
        let body = json!({ "userName": format!("ada@{realm}.test"), "name": { "givenName": "Ada" } });
        let made = client.post(format!("{}/Users", base(realm))).bearer_auth(token).json(&body).send().unwrap();
        made.json::<Value>().unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (of_acme, of_beta) = (make("acme", &acme), make("beta", &beta));
    let host = gateway.url.strip_prefix("http://").unwrap().to_owned();
    let state = || -> Value {
        client.get(format!("{}/Users", base("beta"))).bearer_auth(&beta).send().unwrap().json().unwrap()
    };
    let before = state();

    let body = json!({ "userName": "mallory@beta.test" });
    let patch = json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] });
    let attempts = |realm: &str, id: &str| {
        let users = format!("{}/Users", base(realm));
        [
            (Method::GET, format!("{}/ServiceProviderConfig", base(realm)), None),
            (Method::GET, users.clone(), None),
            (Method::POST, users.clone(), Some(&body)),
            (Method::GET, format!("{users}/{id}"), None),
            (Method::PUT, format!("{users}/{id}"), Some(&body)),
            (Method::PATCH, format!("{users}/{id}"), Some(&patch)),
            (Method::DELETE, format!("{users}/{id}"), None),
        ]
    };
    let status = |method: &Method, url: &str, token: &str, host: &str, body: Option<&Value>| {
        let mut request = client.request(method.clone(), url).bearer_auth(token).header("host", host);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().unwrap().status().as_u16()
    };
    // Another's realm, whatever the id: 401. A host that is another's alone: 401.
    for (method, url, body) in attempts("beta", &of_beta).into_iter().chain(attempts("beta", &of_acme)) {
        assert_eq!(status(&method, &url, &acme, &host, body), 401, "{method} {url} as acme");
        assert_eq!(status(&method, &url, &acme, "login.beta.test", body), 401, "{method} {url} as acme on beta's host");
    }
    for (method, url, body) in attempts("acme", &of_acme) {
        assert_eq!(status(&method, &url, &acme, "login.beta.test", body), 401, "{method} {url} on beta's host");
        assert_eq!(status(&method, &url, &acme, "elsewhere.test", body), 401, "{method} {url} on no one's host");
        assert_eq!(status(&method, &url, &beta, &host, body), 401, "{method} {url} as beta");
    }
    // One's own realm with another's id: not found.
    for (method, url, body) in attempts("acme", &of_beta).into_iter().skip(3) {
        let answer = status(&method, &url, &acme, &host, body);
        assert_eq!(answer, 404, "{method} {url} with beta's id");
    }
    // Both of its own addresses stay good.
    let own = format!("{}/Users", base("beta"));
    for own_host in [host.as_str(), "login.beta.test", "LOGIN.beta.test:443"] {
        assert_eq!(status(&Method::GET, &own, &beta, own_host, None), 200, "beta on {own_host}");
    }
    assert_eq!(state(), before, "nothing of beta was touched");
}

#[test]
fn an_operator_of_one_tenant_finds_no_other() {
    let installation = Installation::on_embedded_realms(PROGRAM);
    let (console, control, _gateway) = front(&installation);
    for tenant in ["acme", "beta"] {
        console.make_tenant(tenant, tenant);
    }
    let old = console.enable_inbound("beta");
    let scopes = "sync:read sync:write";
    let operator = Console::new(&control.url, &installation.operator_token("acme", scopes));
    let downstream = json!({ "base_url": "http://127.0.0.1:9/scim/v2", "token": "t" });
    let choices = json!({ "on_delete": "deactivate", "hold_mass_deactivation": false });
    let (shown, groups) = (json!({ "users": 1 }), json!({ "groups": 1 }));
    let (record, rehearsal) = (json!({ "downstream_id": "7" }), json!({ "dry_run": true }));
    let nil = "00000000-0000-0000-0000-000000000000";
    for (method, path, body) in [
        (Method::GET, "", None),
        (Method::GET, "/identity-sync", None),
        (Method::GET, "/activity", None),
        (Method::POST, "/inbound/enable", None),
        (Method::POST, "/inbound/rotate", None),
        (Method::POST, "/inbound/disable", None),
        (Method::POST, "/outbound/enable", Some(&downstream)),
        (Method::POST, "/outbound/test", Some(&downstream)),
        (Method::POST, "/outbound/disable", None),
        (Method::PUT, "/outbound/options", Some(&choices)),
        (Method::POST, "/outbound/test-user", None),
        (Method::POST, "/outbound/held/deactivations/confirm", Some(&shown)),
        (Method::POST, "/outbound/held/deactivations/refuse", Some(&shown)),
        (Method::POST, "/outbound/held/absences/confirm", Some(&shown)),
        (Method::POST, "/outbound/held/groups/confirm", Some(&groups)),
        (Method::GET, "/outbound/parked", None),
        (Method::GET, &format!("/outbound/parked/{nil}"), None),
        (Method::POST, &format!("/outbound/parked/{nil}/retry"), None),
        (Method::POST, &format!("/outbound/parked/{nil}/ignore"), None),
        (Method::POST, &format!("/outbound/parked/{nil}/link"), Some(&record)),
        (Method::GET, "/outbound/backfill", None),
        (Method::POST, "/outbound/backfill", Some(&rehearsal)),
        (Method::POST, "/outbound/backfill/pause", None),
        (Method::POST, "/outbound/backfill/resume", None),
        (Method::POST, "/outbound/backfill/cancel", None),
        (Method::GET, "/activity/stream", None),
    ] {
        let (other, answer) = operator.call(method.clone(), &format!("/tenants/beta{path}"), body);
        let (nobody, missing) = operator.call(method.clone(), &format!("/tenants/nobody{path}"), body);
        assert_eq!((other, nobody), (404, 404), "{method} {path}: {answer}");
        assert_eq!(answer["code"], missing["code"], "another's tenant looks like none");
    }
    let (status, list) = operator.call(Method::GET, "/tenants", None);
    assert_eq!((status, list["tenants"].as_array().map(Vec::len)), (200, Some(1)), "{list}");
    let reader = Console::new(&control.url, &installation.operator_token("beta", "sync:read"));
    let (status, _) = reader.call(Method::POST, "/tenants/beta/inbound/rotate", None);
    assert_eq!(status, 403, "a reader does not rotate");
    assert_ne!(console.rotate("beta"), old);
}

#[test]
fn whoever_makes_tenants_sees_what_they_are_and_nothing_of_their_sync() {
    let installation = Installation::on_embedded_realms(PROGRAM);
    let (_console, control, _gateway) = front(&installation);
    let with = |scopes: &str| Console::new(&control.url, &installation.operator_token("*", scopes));
    let deployer = with("tenants:admin");
    deployer.make_tenant("acme", "acme");
    let (status, shown) = deployer.call(Method::GET, "/tenants/acme", None);
    assert_eq!((status, &shown["slug"]), (200, &json!("acme")));
    assert_eq!(with("sync:read").call(Method::GET, "/tenants/acme", None).0, 200);
    assert_eq!(with("realm:write").call(Method::GET, "/tenants/acme", None).0, 403);
    assert_eq!(deployer.call(Method::GET, "/tenants/acme/identity-sync", None).0, 403);
}
