//! Every exit of the error layer is SCIM: status, envelope, headers.

use std::sync::OnceLock;

use reqwest::Method;
use serde_json::json;
use testkit::unique;

use super::routes::{METHODS, ROUTES, at, takes};
use super::wire::{Reply, Tenant, control};

pub fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("exits"))
}

const UNKNOWN: &str = "6f4bd2a0-0000-4000-8000-000000000000";

#[test]
fn a_wrong_method_is_405_and_says_what_is_allowed() {
    for (route, allowed) in ROUTES {
        let path = at(route, UNKNOWN, UNKNOWN);
        for method in METHODS.into_iter().filter(|method| !takes(allowed, method)) {
            let reply = tenant().send(method, &path, &json!({})).expect(405);
            assert_eq!(reply.header("allow"), Some(allowed), "{method} {route}");
            if method != "HEAD" {
                reply.refused(405, None);
            }
        }
    }
}

#[test]
fn nothing_of_credentials_that_are_no_good_is_told_on_the_wire() {
    let token = &tenant().token;
    let mangled = format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' });
    let rotating = Tenant::new("rotating");
    rotating.rotate();
    let disabled = Tenant::new("disabled");
    control(Method::POST, &format!("/{}/inbound/disable", disabled.slug), &json!({}));
    let foreign = Tenant::new("foreign");
    let forms: [(&Tenant, Option<String>); 15] = [
        (tenant(), None),
        (tenant(), Some("Bearer wrong".to_owned())),
        (tenant(), Some("Bearer".to_owned())),
        (tenant(), Some("Bearer ".to_owned())),
        (tenant(), Some("Basic dXNlcjpwYXNz".to_owned())),
        (tenant(), Some(format!("Basic {token}"))),
        (tenant(), Some(token.clone())),
        (tenant(), Some(format!("Bearer Bearer {token}"))),
        (tenant(), Some(format!("Bearer {mangled}"))),
        (tenant(), Some(format!("Bearer {token} ,"))),
        (tenant(), Some(format!("Bearer {token},Bearer {token}"))),
        (tenant(), Some("non-token".to_owned())),
        (&rotating, Some(format!("Bearer {}", rotating.token))),
        (&disabled, Some(format!("Bearer {}", disabled.token))),
        (&foreign, Some(format!("Bearer {token}"))),
    ];
    let mut texts = std::collections::BTreeSet::new();
    for (tenant, authorization) in &forms {
        for path in ["/Users?count=1", "/Groups", "/ServiceProviderConfig", "/Schemas", "/nothing", "/Me"] {
            let mut request = tenant.bare("GET", path);
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            let reply = Reply::of(request.send().unwrap()).refused(401, None);
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{authorization:?}");
            texts.insert(reply.text);
        }
    }
    assert_eq!(texts.len(), 1, "one fixed text: {texts:?}");
    for good in [format!("bearer {token}"), format!("BEARER {token}"), format!("Bearer   {token} ")] {
        let request = tenant().bare("GET", "/Users?count=1").header("authorization", &good);
        assert_eq!(request.send().unwrap().status(), 200, "{good}");
    }
    let twice = tenant().request("GET", "/Users").header("authorization", format!("Bearer {token}"));
    Reply::of(twice.send().unwrap()).refused(401, None);
}

#[test]
fn a_token_is_of_its_host_and_its_realm() {
    let (realm, good) = (&tenant().slug, tenant().authorized());
    let host = tenant().base.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    let target = |realm: &str| format!("/realms/{realm}/scim/v2/Users");
    assert_eq!(tenant().raw_target(&host, "GET", &target(realm), &good, b"").0, 200);
    for other in ["evil.test", "", "127.0.0.1:1", "user@evil.test"] {
        let (status, ..) = tenant().raw_target(other, "GET", &target(realm), &good, b"");
        assert!([400, 401].contains(&status), "{other:?}: {status}");
    }
    for realm in ["other", &realm.to_uppercase(), "..", "%2e%2e"] {
        let (status, ..) = tenant().raw_target(&host, "GET", &target(realm), &good, b"");
        assert!([401, 404].contains(&status), "{realm}: {status}");
    }
    for name in ["X-Forwarded-Host", "Forwarded"] {
        let headers = format!("{good}{name}: evil.test\r\n");
        let (status, _, body) = tenant().raw_target(&host, "GET", &target(realm), &headers, b"");
        assert!(status == 200 && !body.contains("evil"), "{name}: {status}");
    }
}

#[test]
fn what_is_not_there_is_404_whatever_its_shape() {
    let shapes = [
        "1",
        "123456789",
        "00ujl29u0le5T6Aj10h7",
        "not-a-uuid",
        "6f4bd2a0-0000-4000-8000-000000000000",
        "%F0%9F%A6%80",
        "'%20or%201=1--",
        "null",
        "me",
        "urn:uuid:6f4bd2a0-0000-4000-8000-000000000000",
    ];
    for endpoint in ["/Users", "/Groups"] {
        let answers: std::collections::BTreeSet<String> =
            shapes.iter().map(|id| tenant().get(&format!("{endpoint}/{id}")).refused(404, None).text).collect();
        assert_eq!(answers.len(), 1, "{answers:?}");
        for id in shapes {
            let path = format!("{endpoint}/{id}");
            let body = json!({ "userName": unique("u"), "displayName": unique("g") });
            tenant().put(&path, &body).refused(404, None);
            tenant()
                .patch(&path, &json!([{ "op": "replace", "path": "displayName", "value": "x" }]))
                .refused(404, None);
            tenant().delete(&path).refused(404, None);
        }
    }
    for route in
        ["/Nothing", "/Users/a/b", "/users", "/USERS", "/Schemas/nothing", "/ResourceTypes/Nothing", "/Schemas/a/b"]
    {
        tenant().get(route).refused(404, None);
    }
}

#[test]
fn an_id_is_exactly_the_one_that_was_given_out() {
    let (path, _) = tenant().user(&json!({}));
    let id = &path["/Users/".len()..];
    for other in [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}")] {
        tenant().get(&format!("/Users/{other}")).refused(404, None);
    }
    let (group, _) = tenant().group(&[id.to_owned(), id.to_uppercase(), id.replace('-', "")]);
    assert_eq!(tenant().get(&group).values("members"), [id]);
}

#[test]
fn case_62_other_prefixes_are_answered_in_scim_too() {
    for (target, status) in [
        ("/", 404),
        ("/scim/v2/Users", 404),
        ("/realms/x/scim", 404),
        ("/realms/x/other/v2", 404),
        ("/realms/x/scim/v1/Users", 400),
        ("/realms/x/scim/v3/Users", 400),
        ("/realms/x/scim/vx/Users", 404),
        ("/health", 404),
        ("/%zz", 404),
        ("/realms//scim/v2/Users", 404),
    ] {
        let (got, head, body) = tenant().raw_target("h", "GET", target, &tenant().authorized(), b"");
        assert_eq!(got, status, "{target}");
        assert!(head.contains("content-type: application/scim+json"), "{target}: {head}");
        let error: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(error["status"], status.to_string());
        assert_eq!(error["scimType"] == "invalidVers", status == 400, "{target}");
    }
}

#[test]
fn there_is_no_me() {
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        tenant().send(method, "/Me", &json!({})).refused(501, None);
    }
}

#[test]
fn conflicts_and_stale_versions_are_told_in_full() {
    let (path, name) = tenant().user(&json!({}));
    tenant().post("/Users", &json!({ "userName": name.to_uppercase() })).refused(409, Some("uniqueness"));
    let (_, group) = tenant().group(&[]);
    tenant().post("/Groups", &json!({ "displayName": group.to_uppercase() })).refused(409, Some("uniqueness"));
    let body = json!({ "userName": name, "Operations": [{ "op": "replace", "path": "title", "value": "x" }] });
    for method in ["PUT", "PATCH", "DELETE"] {
        for stale in ["W/\"0\"", "\"0\"", "W/\"999\"", "nonsense", "W/\"\"", "\"01\"", "\"1 \""] {
            let request = tenant().request(method, &path).header("if-match", stale);
            let request = request.header("content-type", "application/json").body(body.to_string());
            Reply::of(request.send().unwrap()).refused(412, None);
        }
    }
    let version = tenant().get(&path).expect(200).version().to_owned();
    let listed = format!("W/\"0\", {version}");
    for fresh in [version.as_str(), "*", &listed] {
        let request = tenant().request("PATCH", &path).header("if-match", fresh);
        let request = request
            .header("content-type", "application/json")
            .body(json!({ "Operations": [{ "op": "replace", "path": "active", "value": true }] }).to_string());
        Reply::of(request.send().unwrap()).expect(200);
    }
}

#[test]
fn case_64_beyond_its_rate_a_tenant_is_told_when_to_come_again_in_whole_seconds() {
    let tenant = Tenant::with("throttled", json!({ "requests_per_second": 25 }));
    let refused = (0..2_000).map(|_| tenant.get("/ServiceProviderConfig")).find(|reply| reply.status != 200);
    let refused = refused.unwrap().refused(429, None);
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&seconds));
    // Nobody else pays for it, and whoever has no token is still told so.
    self::tenant().get("/Users?count=1").expect(200);
    Reply::of(tenant.bare("GET", "/Users").send().unwrap()).refused(401, None);
}
