//! HEAD, `Accept`, entity tags, and paths written in every way there is.

use std::sync::OnceLock;

use serde_json::json;

use super::wire::{Reply, Tenant};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("heads"))
}

#[test]
fn a_head_answers_like_a_get_without_its_body() {
    // Nobody else makes its lists longer between the two.
    let tenant = Tenant::new("head");
    let (path, _) = tenant.user(&json!({}));
    for route in
        ["/Users", "/Groups", &path, "/ServiceProviderConfig", "/Schemas", "/ResourceTypes/User", "/Users/none", "/Me"]
    {
        let (get, head) = (tenant.get(route), Reply::of(tenant.request("HEAD", route).send().unwrap()));
        assert_eq!(head.status, get.status, "{route}");
        assert_eq!(head.header("etag"), get.header("etag"), "{route}");
        assert!(head.text.is_empty());
        for length in ["content-length", "content-type"] {
            assert_eq!(head.header(length), get.header(length), "{route}");
        }
    }
    Reply::of(tenant.bare("HEAD", "/Users").send().unwrap()).expect(401);
}

#[test]
fn every_accept_gets_an_answer_and_only_who_insists_plain_json() {
    for (accept, media) in [
        (None, "application/scim+json"),
        (Some("application/scim+json"), "application/scim+json"),
        (Some("application/scim+json; charset=utf-8"), "application/scim+json"),
        (Some("*/*"), "application/scim+json"),
        (Some("application/json;q=0.5, */*;q=0.1"), "application/scim+json"),
        (Some("application/json, application/scim+json"), "application/scim+json"),
        (Some("text/html"), "application/scim+json"),
        (Some("garbage;;;,,,"), "application/scim+json"),
        (Some("application/json"), "application/json"),
        (Some("Application/JSON; charset=utf-8"), "application/json"),
        (Some("application/json;q=0"), "application/scim+json"),
        (Some("application/json, application/scim+json;q=0"), "application/json"),
    ] {
        for path in ["/Users?count=1", "/Users/none", "/ServiceProviderConfig"] {
            let mut request = tenant().request("GET", path);
            if let Some(accept) = accept {
                request = request.header("accept", accept);
            }
            let reply = Reply::of(request.send().unwrap());
            assert!(reply.status == 200 || reply.status == 404);
            assert_eq!(reply.header("content-type"), Some(media), "{accept:?} {path}");
        }
    }
}

#[test]
fn an_entity_tag_that_matches_spares_the_body() {
    let (path, _) = tenant().user(&json!({}));
    let read = tenant().get(&path);
    let version = read.version().to_owned();
    assert_eq!(read.header("etag"), Some(version.as_str()));
    for tags in [version.as_str(), version.trim_start_matches("W/"), "*", &format!("W/\"77\",{version}")] {
        let reply = Reply::of(tenant().request("GET", &path).header("if-none-match", tags).send().unwrap()).expect(304);
        assert!(reply.text.is_empty() && reply.header("etag") == Some(&version));
    }
    for tags in ["W/\"77\"", "nonsense", ""] {
        Reply::of(tenant().request("GET", &path).header("if-none-match", tags).send().unwrap()).expect(200);
    }
}

/// A PATCH under conditions, each a header line of these bytes; its status.
fn patched_if(path: &str, name: &str, lines: &[&[u8]]) -> u16 {
    let mut request = tenant().request("PATCH", path).header("content-type", "application/json");
    for line in lines {
        request = request.header(name, reqwest::header::HeaderValue::from_bytes(line).unwrap());
    }
    let body = json!({ "Operations": [{ "op": "replace", "path": "title", "value": testkit::unique("t") }] });
    Reply::of(request.body(body.to_string()).send().unwrap()).status
}

#[test]
fn a_condition_that_cannot_be_read_is_not_met() {
    let (path, _) = tenant().user(&json!({}));
    let before = tenant().get(&path);
    for lines in [vec![&b"\"\xff\""[..]], vec![b"\xe9"], vec![b"\"*\""], vec![b"W/\"77\"", b"\"\xff\""], vec![b""]] {
        assert_eq!(patched_if(&path, "if-match", &lines), 412, "{lines:?}");
    }
    assert_eq!(tenant().get(&path).text, before.text);
    for line in [&b"\"\xff\""[..], b"\"*\""] {
        let value = reqwest::header::HeaderValue::from_bytes(line).unwrap();
        Reply::of(tenant().request("GET", &path).header("if-none-match", value).send().unwrap()).expect(200);
    }
    let several = [&b"W/\"77\""[..], before.version().as_bytes()];
    assert_eq!(patched_if(&path, "if-match", &several), 200, "several lines are one list");
}

#[test]
fn a_write_that_must_not_meet_what_is_there_changes_nothing() {
    let (user, name) = tenant().user(&json!({}));
    let (group, _) = tenant().group(&[]);
    for (path, put) in [(user, json!({ "userName": name, "title": "x" })), (group, json!({ "displayName": name }))] {
        let before = tenant().get(&path);
        let sent = |method: &str, tags: &str| {
            let request = tenant().request(method, &path).header("if-none-match", tags);
            let patch = json!({ "Operations": [{ "op": "replace", "path": "externalId", "value": name }] });
            let body = if method == "PUT" { &put } else { &patch }.to_string();
            Reply::of(request.header("content-type", "application/json").body(body).send().unwrap())
        };
        for method in ["PUT", "PATCH", "DELETE"] {
            for tags in ["*", before.version(), &format!("\"77\", {}", before.version())] {
                sent(method, tags).refused(412, None);
            }
        }
        assert_eq!(tenant().get(&path).text, before.text);
        sent("PUT", "\"77\"").expect(200);
    }
}

#[test]
fn a_read_of_another_version_than_is_there_is_412() {
    let (path, _) = tenant().user(&json!({}));
    let version = tenant().get(&path).version().to_owned();
    for (tags, status) in [("*", 200), (version.as_str(), 200), ("W/\"77\"", 412), ("\"*\"", 412)] {
        Reply::of(tenant().request("GET", &path).header("if-match", tags).send().unwrap()).expect(status);
    }
    let both = tenant().request("GET", &path).header("if-match", "W/\"77\"").header("if-none-match", &version);
    Reply::of(both.send().unwrap()).refused(412, None);
}

#[test]
fn a_version_is_the_resources_whatever_is_shown_of_it() {
    let tenant = Tenant::new("versions");
    let (path, name) = tenant.user(&json!({}));
    tenant.group(&[path["/Users/".len()..].to_owned()]);
    let read = tenant.get(&path);
    let version = read.version();
    assert!(version.contains('-'), "{version}");
    for shown in ["", "attributes=meta", "attributes=meta.version", "excludedAttributes=groups", "attributes=userName"]
    {
        let one = tenant.get(&format!("{path}?{shown}")).expect(200);
        assert_eq!(one.header("etag"), Some(version), "{shown}");
        for filter in [
            format!("userName eq \"{name}\""),
            "title pr or userName pr".to_owned(),
            format!("meta.version eq {}", json!(version)),
        ] {
            let query =
                format!("/Users?{shown}&filter={}", filter.replace('"', "%22").replace(' ', "+").replace('\\', "%5C"));
            let list = tenant.get(&query).expect(200);
            assert_eq!(list.total(), 1, "{query}: {}", list.text);
            let told = list.body["Resources"][0]["meta"]["version"].as_str();
            assert!(told.is_none_or(|told| told == version), "{query}: {}", list.text);
            assert_eq!(told.is_some(), shown != "attributes=userName", "{query}");
        }
    }
}

#[test]
fn case_61_paths_are_decoded_once_and_canonical_before_anything_is_decided() {
    let (path, name) = tenant().user(&json!({}));
    let id = &path["/Users/".len()..];
    let good = tenant().authorized();
    let status = |target: &str| tenant().raw("GET", target, &good, b"").0;
    for tolerated in [
        "//Users",
        "/Users/",
        "//Users//",
        "/Users?aadOptscim062020",
        "/Users/?aadOptscim062020&count=1",
        "/%55sers",
        "///",
        "/Users?",
        "/Users?=&&&==",
        "/Users?count=1&count=2",
    ] {
        assert_eq!(status(tolerated), 200, "{tolerated}");
    }
    for tolerated in [format!("//Users/{id}"), format!("/Users/{id}/"), format!("/Users//{id}?aadOptscim062020")] {
        assert_eq!(status(&tolerated), 200, "{tolerated}");
    }
    for refused in [
        format!("/Users%2f{id}"),
        format!("/Users%2F{id}"),
        format!("/Users%5c{id}"),
        format!("/Users/{id}%00"),
        format!("/Users/{id}%2f"),
        format!("/Users/../Users/{id}"),
        format!("/Users/%2e%2e/Users/{id}"),
        format!("/Users/%252e%252e/Users/{id}"),
        format!("/Users/./{id}"),
        format!("/Users;x=1/{id}"),
        format!("/Users/{id};x"),
        format!("/Users/{id}%3Bx"),
        format!("/Users%252f{id}"),
        format!("/Users/{id}%20"),
        format!("/users/{id}"),
        format!("/Users/{id}%zz"),
        format!("/Users/{id}%"),
        format!("/Users/{id}%ff"),
        format!("/Users/{id}.json"),
        "/../../../other/scim/v2/Users".to_owned(),
        "/%2e%2e/v2/Users".to_owned(),
    ] {
        let (got, head, body) = tenant().raw("GET", &refused, &good, b"");
        assert_eq!(got, 404, "{refused}");
        assert!(head.contains("application/scim+json") && body.contains("\"404\""), "{refused}: {body}");
    }
    let (status, _, body) = tenant().raw("GET", &format!("/Users/?filter=userName+eq+%22{name}%22"), &good, b"");
    assert!(status == 200 && body.contains(id));
}

#[test]
fn case_62_what_the_http_layer_itself_refuses_is_no_page_of_html() {
    for target in ["/Users HTTP/1.1 x", "/Us\u{1}ers", "/Users?\u{7f}"] {
        let (status, _, body) = tenant().raw("GET", target, &tenant().authorized(), b"");
        assert!((400..500).contains(&status) || status == 0 || status == 200, "{target:?}: {status}");
        assert!(!body.contains('<'), "{body}");
    }
    let header = format!("{}X-Long: {}\r\n", tenant().authorized(), "x".repeat(200_000));
    let (status, _, body) = tenant().raw("GET", "/Users", &header, b"");
    assert!((400..500).contains(&status) || status == 0, "{status}");
    assert!(!body.contains('<'), "{body}");
}

#[test]
fn a_location_comes_from_the_registered_base_url_alone() {
    let headers = format!(
        "{}Content-Type: application/json\r\nX-Forwarded-Proto: ftp\r\nX-Forwarded-Host: evil.test\r\nForwarded: host=evil.test\r\n",
        tenant().authorized()
    );
    let body = json!({ "userName": testkit::unique("located") }).to_string();
    let (status, head, body) = tenant().raw("POST", "/Users", &headers, body.as_bytes());
    assert_eq!(status, 201);
    let made: serde_json::Value = serde_json::from_str(&body).unwrap();
    let location = made["meta"]["location"].as_str().unwrap();
    assert_eq!(location, format!("{}/Users/{}", tenant().base, made["id"].as_str().unwrap()));
    assert!(head.contains(&format!("location: {}", location.to_lowercase())), "{head}");
    let read = tenant().get(&location[tenant().base.len()..]).expect(200);
    assert_eq!(read.body, made);
}
