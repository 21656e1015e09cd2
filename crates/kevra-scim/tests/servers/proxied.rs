//! The nginx of `deploy/proxy` before a real Keycloak and a real gateway: SCIM arrives at one, everything else at the
//! other, however the path is spelt.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::installation::Installation;
use testkit::keycloak::Realm;
use testkit::process::Process;
use testkit::scratch::Scratch;
use testkit::{free_port, servers};

use crate::PROGRAM;

const CONFIGURATION: &str = include_str!("../../../../deploy/proxy/nginx.conf");

/// nginx with our configuration, on a port of its own.
fn nginx(port: u16, gateway: &str, keycloak: &str, scratch: &Scratch) -> Process {
    let mut text = CONFIGURATION.to_owned();
    for (there, here) in [
        ("listen 8080 default_server", format!("listen 127.0.0.1:{port} default_server")),
        ("server gateway:8081;", format!("server {gateway};")),
        ("server keycloak:8080;", format!("server {keycloak};")),
        ("worker_processes auto;", "worker_processes 1; daemon off;".to_owned()),
        ("/tmp/", format!("{}/", scratch.path().display())),
        ("/dev/stdout", scratch.file("access.log").display().to_string()),
    ] {
        assert!(text.contains(there), "nginx.conf no longer has {there}");
        text = text.replace(there, &here);
    }
    let file = scratch.write("nginx.conf", &text);
    let mut command = Command::new("nginx");
    command.arg("-p").arg(scratch.path()).arg("-c").arg(&file).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let mut process = Process::start(&mut command, &scratch.file("nginx.log"));
    process.wait_until(Duration::from_secs(20), "nginx", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    process
}

/// A request byte for byte, since a library would tidy the path; its status and body.
fn raw(port: u16, target: &str, token: &str) -> (u16, String) {
    use std::io::{Read, Write};
    let mut link = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    link.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    link.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    link.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    (status.unwrap_or_default(), body.to_owned())
}

#[test]
fn nginx_sends_scim_to_the_gateway_and_everything_else_to_keycloak() {
    let installation = Installation::on_keycloak(PROGRAM);
    let (realm, scratch, port) = (Realm::default(), Scratch::default(), free_port());
    let (control, gateway) = (installation.start("control"), installation.start("gateway"));
    let keycloak = servers::fact("KEVRA_TEST_KEYCLOAK_URL");
    let address = |url: &str| url.trim_start_matches("http://").to_owned();
    let _nginx = nginx(port, &address(&gateway.url), &address(&keycloak), &scratch);
    // The world knows the proxy, not the gateway.
    let public = format!("http://127.0.0.1:{port}");
    installation.run(&["cluster", "set", "default", "--public-host", &public, "--keycloak-url", &keycloak]);
    let console = installation.console(&control);
    console.make_tenant("acme", realm.name());
    let token = console.enable_inbound("acme");
    let name = realm.name();
    let base = format!("{public}/realms/{name}/scim/v2");

    let http = testkit::http();
    let body = json!({ "userName": "ada@acme.test", "externalId": "00u/ada" });
    let made: Value =
        http.post(format!("{base}/Users")).bearer_auth(&token).json(&body).send().unwrap().json().unwrap();
    let id = made["id"].as_str().unwrap_or_else(|| panic!("{made}"));
    assert_eq!(made["meta"]["location"], format!("{base}/Users/{id}"), "links lead through the proxy");
    assert!(realm.user("ada@acme.test").is_some());
    let patch = json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] });
    let patched = http.patch(format!("{base}/Users/{id}")).bearer_auth(&token).json(&patch).send().unwrap();
    assert_eq!(patched.status(), 200);
    assert_eq!(realm.user("ada@acme.test").unwrap()["enabled"], false);

    // Odd, and the same to us: double slashes, encoded letters and colons.
    for target in [
        format!("//realms/{name}/scim/v2/Users/{id}"),
        format!("/realms//{name}//scim//v2//Users//{id}"),
        format!("/realms/{name}/scim/v2/%55sers/{id}"),
        format!("/%72ealms/{name}/%73cim/%76%32/Users/{id}"),
        format!("/realms/{name}/scim/v2/Users?filter=userName%20eq%20%22ada%40acme.test%22"),
        format!("/realms/{name}/scim/v2/Schemas/urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Acore%3A2.0%3AUser"),
    ] {
        let (status, body) = raw(port, &target, &token);
        assert!(status == 200 && body.contains("urn:ietf:params:scim"), "{target}: {status} {body}");
    }
    // Odd, and refused in our own words or the proxy's: never Keycloak's business.
    for target in [
        format!("/realms/x/../{name}/scim/v2/Users"),
        format!("/realms/{name}/scim/v2/Users/x%2f..%2f..%2f..%2faccount"),
        format!("/realms/{name}%2fscim%2fv2%2fUsers"),
        format!("/realms/{name}/scim;a=b/v2/Users"),
        format!("/realms/{name}/scim/v2/Users/%00"),
    ] {
        let (status, body) = raw(port, &target, &token);
        assert!((400..500).contains(&status) && !body.contains("Resources"), "{target}: {status} {body}");
    }
    // Without a token it is 401 in SCIM, from the gateway.
    let (status, body) = raw(port, &format!("/realms/{name}/scim/v2/Users"), "kvs_none");
    assert!(status == 401 && body.contains("urn:ietf:params:scim:api:messages:2.0:Error"), "{status} {body}");
    // All else is Keycloak's, and it works there: discovery, a token, the admin API.
    let (status, body) = raw(port, &format!("/realms/{name}/.well-known/openid-configuration"), "");
    assert!(status == 200 && body.contains("token_endpoint"), "{status} {body}");
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", servers::fact("KEVRA_TEST_KEYCLOAK_CLIENT_ID")),
        ("client_secret", servers::fact("KEVRA_TEST_KEYCLOAK_CLIENT_SECRET")),
    ];
    let granted =
        http.post(format!("{public}/realms/master/protocol/openid-connect/token")).form(&form).send().unwrap();
    let granted: Value = granted.json().unwrap();
    let admin = granted["access_token"].as_str().unwrap_or_else(|| panic!("{granted}"));
    let seen = http.get(format!("{public}/admin/realms/{name}/users/{id}")).bearer_auth(admin).send().unwrap();
    assert_eq!(seen.status(), 200, "{}", seen.text().unwrap());
}
