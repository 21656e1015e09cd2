//! Bodies: what is no JSON, no object, too much, of another type.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::unique;

use super::wire::{Reply, Tenant};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("bodies"))
}

fn sent(method: &str, path: &str, media: &str, body: impl Into<reqwest::blocking::Body>) -> Reply {
    let request = tenant().request(method, path).header("content-type", media);
    Reply::of(request.body(body).send().unwrap())
}

fn nested(depth: usize) -> String {
    format!("{{\"userName\":\"deep\",\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn what_is_no_json_object_is_400_and_changes_nothing() {
    let (path, _) = tenant().user(&json!({}));
    let before = tenant().get(&path);
    let doubled = "{\"userName\":\"a\",\"userName\":\"b\"}";
    let bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "}",
        "[]",
        "[{}]",
        "null",
        "1",
        "\"x\"",
        "{]",
        "{\"a\":}",
        "nonsense",
        "<xml/>",
        "{\"userName\":\"a\"}{}",
        "{\"userName\":\"a\",}",
        "{\"userName\":NaN}",
        "{'userName':'a'}",
        "\u{feff}",
        doubled,
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([b"{\"userName\":\"\xff\"}".to_vec(), b"{\"userName\":\"\\ud800\"}".to_vec(), b"\0".to_vec()])
    .chain([nested(33), nested(200), nested(100_000), "{\"a\":".repeat(100_000)].map(String::into_bytes))
    .collect();
    for body in &bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        for (method, route) in [
            ("POST", "/Users"),
            ("POST", "/Groups"),
            ("PUT", &path),
            ("PATCH", &path),
            ("POST", "/Bulk"),
            ("POST", "/.search"),
        ] {
            let reply = sent(method, route, "application/scim+json", body.clone());
            // The last of doubled names may count where the rest makes sense.
            if shown == doubled && reply.status < 300 {
                continue;
            }
            assert_eq!(reply.status, 400, "{method} {route} {shown}: {}", reply.text);
            let kind = reply.body["scimType"].as_str().unwrap_or("none").to_owned();
            assert!(
                ["invalidSyntax", "invalidValue"].contains(&kind.as_str()),
                "{method} {route} {shown}: {}",
                reply.text
            );
            reply.refused(400, Some(&kind));
        }
    }
    assert_eq!(tenant().get(&path).text, before.text);
}

#[test]
fn a_name_in_two_letter_cases_is_400_and_changes_nothing() {
    let (path, name) = tenant().user(&json!({}));
    let before = tenant().get(&path);
    for (method, route, body) in [
        (
            "PATCH",
            path.as_str(),
            "{\"Operations\":[{\"op\":\"replace\",\"value\":{\"active\":false,\"ACTIVE\":true}}]}".to_owned(),
        ),
        (
            "PATCH",
            &path,
            "{\"Operations\":[{\"op\":\"add\",\"OP\":\"remove\",\"path\":\"title\",\"value\":\"x\"}]}".to_owned(),
        ),
        ("PUT", &path, format!("{{\"userName\":\"{name}\",\"active\":true,\"Active\":false}}")),
        ("POST", "/Users", format!("{{\"userName\":\"{}\",\"title\":\"a\",\"TITLE\":\"b\"}}", unique("two"))),
    ] {
        sent(method, route, "application/scim+json", body).refused(400, Some("invalidSyntax"));
    }
    assert_eq!(tenant().get(&path).text, before.text);
}

#[test]
fn a_byte_order_mark_is_no_obstacle() {
    let reply = sent("POST", "/Users", "application/json", format!("\u{feff}{{\"userName\":\"{}\"}}", unique("bom")));
    assert!(reply.status == 201 || reply.status == 400, "{}", reply.text);
}

#[test]
fn case_59_media_types_are_parsed_not_compared() {
    for media in [
        "application/scim+json",
        "application/json",
        "APPLICATION/JSON",
        "application/json;charset=utf-8",
        "application/scim+json; charset=UTF-8",
        "application/scim+json ;  charset=\"utf-8\"",
        "Application/Scim+Json;charset=utf-8;q=1",
    ] {
        let reply = sent("POST", "/Users", media, json!({ "userName": unique("media") }).to_string()).expect(201);
        assert_eq!(reply.header("content-type"), Some("application/scim+json"), "{media}");
    }
    let named = json!({ "userName": unique("media") }).to_string();
    for media in [
        "text/xml",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json+scim",
        "application",
        "",
        "multipart/form-data; boundary=x",
        "application/json-patch+json",
    ] {
        sent("POST", "/Users", media, named.clone()).refused(415, None);
    }
    let untyped = tenant().request("POST", "/Users").body(named.clone()).send().unwrap();
    Reply::of(untyped).refused(415, None);
    tenant().post("/Users", &serde_json::from_str(&named).unwrap()).expect(201);
}

#[test]
fn a_body_that_is_packed_is_415_and_says_what_is_taken() {
    let body = json!({ "userName": unique("packed") }).to_string();
    let sent = |coding: &str| {
        let request = tenant().request("POST", "/Users").header("content-type", "application/json");
        Reply::of(request.header("content-encoding", coding).body(body.clone()).send().unwrap())
    };
    for coding in ["gzip", "foo", "identity, br", "GZIP", "deflate,gzip"] {
        let reply = sent(coding).refused(415, None);
        assert_eq!(reply.header("accept-encoding"), Some("identity"), "{coding}");
    }
    sent("Identity").expect(201);
    let of_another_type = Reply::of(tenant().request("POST", "/Users").body("x").send().unwrap());
    assert_eq!(of_another_type.refused(415, None).header("accept-encoding"), None);
}

#[test]
fn a_get_or_delete_with_a_content_type_is_served() {
    let (path, _) = tenant().user(&json!({}));
    for media in ["application/scim+json; charset=utf-8", "text/xml"] {
        let get = tenant().request("GET", &path).header("content-type", media).header("accept-charset", "utf-8");
        Reply::of(get.send().unwrap()).expect(200);
    }
    let delete = tenant().request("DELETE", &path).header("content-type", "text/xml").body("<x/>");
    let reply = Reply::of(delete.send().unwrap()).expect(204);
    assert!(reply.text.is_empty());
}

#[test]
fn case_62_a_body_over_a_mebibyte_is_413_and_the_limit_is_named() {
    let body = json!({ "userName": unique("big"), "title": "x".repeat(1 << 20) }).to_string();
    for (method, path) in [("POST", "/Users"), ("POST", "/Bulk"), ("POST", "/.search"), ("PUT", "/Users/x")] {
        let reply = sent(method, path, "application/json", body.clone()).refused(413, None);
        assert!(reply.text.contains("1048576"), "{}", reply.text);
    }
    // Announced, not sent: refused all the same, and without the token before all else.
    let head = "Content-Type: application/json\r\nContent-Length: 99999999999\r\n";
    let (status, ..) = tenant().raw("POST", "/Users", head, b"");
    assert_eq!(status, 401);
    let fits = json!({ "userName": unique("big"), "title": "x".repeat(1_000_000) });
    let made = tenant().post("/Users", &fits).expect(201);
    assert_eq!(made.body["title"], fits["title"]);
}

#[test]
fn text_of_any_script_round_trips() {
    let texts = [
        "Ünïcödé",
        "日本語テスト",
        "👩‍👩‍👧‍👦",
        "\u{10ffff}",
        "a\u{301}",
        "\u{200f}rtl",
        "tab\tnew\nline",
        "\\\"'`",
        "\u{1}",
        "%20+&=?#",
        "ﬃ",
    ];
    for text in texts {
        let body = json!({ "userName": format!("{text}{}", unique("x")), "displayName": text, "name": { "givenName": text },
            "emails": [{ "value": text, "type": text }] });
        let made = tenant().post("/Users", &body).expect(201);
        let read = tenant().get(&format!("/Users/{}", made.id())).expect(200);
        for name in ["userName", "displayName", "name", "emails"] {
            assert_eq!((&made.body[name], &read.body[name]), (&body[name], &body[name]), "{text:?}");
        }
        let literal = serde_json::to_string(&body["userName"]).unwrap();
        assert_eq!(tenant().find("/Users", &format!("userName eq {literal}")).total(), 1, "{text:?}");
    }
}

#[test]
fn wrong_types_and_sizes_are_400_and_never_a_500() {
    let mut huge = String::from("1");
    for _ in 0..400 {
        write!(huge, "0").unwrap();
    }
    let wrong = ["1", "true", "null", "[]", "{}", "[\"x\"]", "\"\"", "\"   \"", "1e999", "-0.0", &huge];
    for value in wrong {
        let reply = sent("POST", "/Users", "application/json", format!("{{\"userName\":{value}}}"));
        assert_eq!(reply.status, 400, "{value}: {}", reply.text);
        let reply = sent("POST", "/Groups", "application/json", format!("{{\"displayName\":{value}}}"));
        assert_eq!(reply.status, 400, "{value}: {}", reply.text);
    }
    for (name, value) in [
        ("active", json!("banana")),
        ("active", json!(1)),
        ("active", json!([])),
        ("emails", json!(5)),
        ("emails", json!([5])),
        ("name", json!("x")),
        ("name", json!([])),
        ("title", json!({})),
        ("externalId", json!(7)),
        ("roles", json!([[]])),
        ("schemas", json!("x")),
        ("schemas", json!(7)),
        ("password", json!({})),
    ] {
        let body = json!({ "userName": unique("types"), name: value });
        let reply = tenant().post("/Users", &body);
        assert!(reply.status == 400 || reply.status == 201, "{body}: {}", reply.text);
    }
    let long = "x".repeat(200_000);
    let made =
        tenant().post("/Users", &json!({ "userName": format!("{long}{}", unique("u")), "externalId": unique(&long) }));
    assert!(made.status == 201 || made.status == 400, "{}", made.status);
}

#[test]
fn a_text_that_no_database_takes_is_refused_by_name_and_finds_nobody() {
    let (path, _) = tenant().user(&json!({}));
    let before = tenant().get(&path);
    for attribute in ["userName", "title", "externalId", "displayName"] {
        let body = json!({ "userName": unique("nul"), attribute: "x\0" });
        tenant().post("/Users", &body).refused(400, Some("invalidValue"));
        tenant().put(&path, &body).refused(400, Some("invalidValue"));
        let set = json!([{ "op": "replace", "path": attribute, "value": "x\0" }]);
        tenant().patch(&path, &set).refused(400, Some("invalidValue"));
        tenant().find("/Users", &format!("{attribute} eq \"x\\u0000\"")).refused(400, Some("invalidFilter"));
    }
    let emails = json!([{ "value": "a@x.test", "primary": true }, { "value": "b\0@x.test" }]);
    tenant().post("/Users", &json!({ "userName": unique("nul"), "emails": emails })).refused(400, Some("invalidValue"));
    tenant().post("/Groups", &json!({ "displayName": "x\0" })).refused(400, Some("invalidValue"));
    assert_eq!(tenant().get(&path).text, before.text);
    // Whoever has no token is told that and nothing else.
    let query = [("filter", "userName eq \"\\u0000\"")];
    Reply::of(tenant().bare("GET", "/Users").query(&query).send().unwrap()).expect(401);
    tenant().find("/Users", "active eq true").expect(200);
}

#[test]
fn bodies_that_are_not_sent_to_their_end_keep_nobody_waiting() {
    let tenant = Tenant::new("slow");
    let (rest, length) = (tenant.base.strip_prefix("http://").unwrap(), 1_000);
    let (host, path) = rest.split_once('/').unwrap();
    let head = format!(
        "POST /{path}/Users HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n{}\r\n",
        tenant.authorized()
    );
    let half_sent: Vec<_> = (0..80)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(host).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            // It is waited for from here on.
            let mut go_on = [0; 25];
            stream.read_exact(&mut go_on).unwrap();
            assert_eq!(String::from_utf8_lossy(&go_on), "HTTP/1.1 100 Continue\r\n\r\n");
            stream.write_all(b"{").unwrap();
            stream
        })
        .collect();
    let begun = Instant::now();
    tenant.user(&json!({}));
    tenant.get("/Users").expect(200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(half_sent);
}
