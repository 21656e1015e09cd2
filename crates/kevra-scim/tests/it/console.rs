//! `/console/` as a browser gets it: a bundle's files under their headers, and a page that says how to build one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use reqwest::blocking::Response;
use serde_json::Value;
use testkit::Demo;
use testkit::scratch::Scratch;

/// A demo whose console is a bundle of a few files, beside a file that is none of it.
struct Scene {
    demo: Demo,
    _scratch: Scratch,
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_kevra-scim");
const SECRET: &str = "not the console's";

impl Scene {
    fn start() -> Self {
        let scratch = Scratch::default();
        let files = [
            ("secret.json", SECRET),
            ("dist/index.html", "<!doctype html><title>Console</title>"),
            ("dist/embed.js", "customElements"),
            ("dist/embed.js.gz", "compressed"),
            ("dist/manifest.json", "{}"),
            ("dist/assets/index-1a2b.js", "script"),
            ("dist/assets/index-3c4d.css", "style"),
            ("dist/notes.txt", SECRET),
        ];
        std::fs::create_dir_all(scratch.file("dist/assets")).unwrap();
        for (name, content) in files {
            scratch.write(name, content);
        }
        std::os::unix::fs::symlink(scratch.file("secret.json"), scratch.file("dist/link.json")).unwrap();
        let directory = scratch.file("dist");
        let settings = [
            ("KEVRA_CONSOLE_DIR", directory.to_str().unwrap()),
            ("KEVRA_CONSOLE_ORIGINS", "https://app.kevra.test"),
            ("KEVRA_SUPPORT_URL", "mailto:help@kevra.test"),
        ];
        Self { demo: Demo::start_with(Path::new(PROGRAM), &settings), _scratch: scratch }
    }

    fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        // What is compressed stays so: the test looks at what went over the wire.
        let client = reqwest::blocking::Client::builder().no_proxy().no_gzip().build().unwrap();
        let request = client.get(format!("{}{path}", self.demo.fact("control_url")));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().unwrap()
    }

    /// A path exactly as it is written: a client of the usual kind would tidy it up first.
    fn ask_raw(&self, path: &str) -> String {
        let address = self.demo.fact("control_url").trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

#[test]
fn every_place_of_the_console_is_the_page_under_a_strict_policy() {
    let scene = Scene::start();
    for path in ["/console", "/console/", "/console/index.html", "/console/tenants/acme", "/console/notes.txt"] {
        let response = scene.ask(path, &[]);
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(header(&response, "cache-control"), "no-store", "{path}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(policy.ends_with("frame-ancestors https://app.kevra.test"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(response.text().unwrap().contains("<title>Console</title>"), "{path}");
    }
    let config: Value = scene.ask("/console/config.json", &[]).json().unwrap();
    assert_eq!(config["support_url"], "mailto:help@kevra.test");
}

#[test]
fn hashed_assets_are_kept_for_ever_and_those_of_an_older_build_are_gone() {
    let scene = Scene::start();
    for (path, kind) in
        [("index-1a2b.js", "text/javascript; charset=utf-8"), ("index-3c4d.css", "text/css; charset=utf-8")]
    {
        let response = scene.ask(&format!("/console/assets/{path}"), &[]);
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), kind);
        assert_eq!(header(&response, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "access-control-allow-origin"), "");
    }
    assert_eq!(scene.ask("/console/assets/index-0000.js", &[]).status(), 404);
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let posted = client.post(format!("{}/console/embed.js", scene.demo.fact("control_url"))).send().unwrap();
    assert_eq!(posted.status(), 405);
}

#[test]
fn a_host_page_may_load_the_element_and_is_told_when_it_changed() {
    let scene = Scene::start();
    for path in ["/console/embed.js", "/console/manifest.json"] {
        let response = scene.ask(path, &[("origin", "https://anybody.test")]);
        assert_eq!(header(&response, "access-control-allow-origin"), "*", "{path}");
        assert_eq!(header(&response, "cross-origin-resource-policy"), "cross-origin", "{path}");
        assert_eq!(header(&response, "cache-control"), "no-cache", "{path}");
        let tag = header(&response, "etag").to_owned();
        let again = scene.ask(path, &[("if-none-match", &tag)]);
        assert_eq!(again.status(), 304, "{path}");
        let changed = scene.ask(path, &[("if-none-match", "W/\"another\"")]);
        assert_eq!(changed.status(), 200, "{path}");
    }
}

#[test]
fn a_browser_that_takes_gzip_gets_what_the_build_compressed() {
    let scene = Scene::start();
    let taken = scene.ask("/console/embed.js", &[("accept-encoding", "br, gzip")]);
    assert_eq!(header(&taken, "content-encoding"), "gzip");
    assert_eq!(header(&taken, "content-type"), "text/javascript; charset=utf-8");
    assert!(taken.headers().get_all("vary").iter().any(|value| value == "accept-encoding"));
    assert_eq!(taken.bytes().unwrap(), "compressed");
    for accepted in ["identity", "gzip;q=0", "br"] {
        let plain = scene.ask("/console/embed.js", &[("accept-encoding", accepted)]);
        assert_eq!(header(&plain, "content-encoding"), "", "{accepted}");
        assert_eq!(plain.text().unwrap(), "customElements", "{accepted}");
    }
}

#[test]
fn no_path_leads_out_of_the_bundle() {
    let scene = Scene::start();
    let ways = [
        "/console/../secret.json",
        "/console/%2e%2e/secret.json",
        "/console/..%2fsecret.json",
        "/console/%2e%2e%2fsecret.json",
        "/console/..%5csecret.json",
        "/console/..%252fsecret.json",
        "/console/assets/../../secret.json",
        "/console/assets/..%2f..%2fsecret.json",
        "/console//../secret.json",
        "/console/link.json",
        "/console/notes.txt",
        "/console/embed.js%00.html",
    ];
    for way in ways {
        let answer = scene.ask_raw(way);
        assert!(!answer.contains(SECRET), "{way}: {answer}");
        assert!(
            ["200", "404", "400"].iter().any(|status| answer.starts_with(&format!("HTTP/1.1 {status}"))),
            "{answer}"
        );
    }
}

#[test]
fn without_a_bundle_the_page_says_how_to_build_one() {
    let demo = Demo::start(Path::new(PROGRAM));
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let response = client.get(format!("{}/console/tenants/acme", demo.fact("control_url"))).send().unwrap();
    assert_eq!(response.status(), 200);
    assert!(header(&response, "content-security-policy").starts_with("default-src 'none'; style-src"));
    let page = response.text().unwrap();
    assert!(page.contains("console/scripts/bundle") && page.contains("Identity sync (SCIM 2.0)"), "{page}");
}

#[test]
fn a_code_signs_in_once_and_only_who_holds_a_token_gets_another() {
    let demo = Demo::start(Path::new(PROGRAM));
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| format!("{}/console/{path}", demo.fact("control_url"));
    assert_eq!(client.post(url("code")).send().unwrap().status(), 401);
    assert_eq!(client.post(url("code")).bearer_auth("nobody's").send().unwrap().status(), 401);
    let given = client.post(url("code")).bearer_auth(demo.fact("operator_token")).send().unwrap();
    assert_eq!(header(&given, "cache-control"), "no-store");
    let code: Value = given.json().unwrap();
    let redeem = |code: &Value| client.post(url("session")).json(code).send().unwrap();
    let signed_in: Value = redeem(&code).json().unwrap();
    assert_eq!(redeem(&code).status(), 401);
    // Its token is good for the next code, which is how the page goes on.
    let first = signed_in["token"].as_str().unwrap();
    assert_ne!(first, demo.fact("operator_token"), "one of its own, which ends sooner");
    let tenants = format!("{}/v1/tenants", demo.fact("control_url"));
    assert_eq!(client.get(tenants).bearer_auth(first).send().unwrap().status(), 200);
    let next: Value = client.post(url("code")).bearer_auth(first).send().unwrap().json().unwrap();
    assert_eq!(redeem(&next).status(), 200);
}

#[test]
fn an_answer_with_a_token_is_kept_by_nobody_on_its_way() {
    let demo = Demo::start(Path::new(PROGRAM));
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    for call in ["enable", "rotate"] {
        let url = format!("{}/v1/tenants/acme/inbound/{call}", demo.fact("control_url"));
        let revealed = client.post(url).bearer_auth(demo.fact("operator_token")).send().unwrap();
        assert_eq!(header(&revealed, "cache-control"), "no-store", "{call}");
        let body: Value = revealed.json().unwrap();
        assert!(body["token"].as_str().is_some_and(|token| token.starts_with("kvs_")), "{call}");
    }
}

#[test]
fn somebody_who_listens_to_activity_does_not_hold_the_end_up() {
    let mut demo = Demo::start(Path::new(PROGRAM));
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v1/tenants/acme/activity/stream", demo.fact("control_url"));
    let mut stream = client.get(url).bearer_auth(demo.fact("operator_token")).send().unwrap();
    let mut begun = [0; 11];
    stream.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b": listening");
    assert!(demo.process().stop(Duration::from_secs(10)).success());
}
