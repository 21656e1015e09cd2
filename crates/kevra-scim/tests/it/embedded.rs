//! The main job on the embedded default, without any server: identity provider → gateway → realm → downstream.

use std::path::Path;
use std::time::Duration;

use directory::person;
use registry::{Db, DbOptions, tenant};
use secrecy::SecretString;
use serde_json::{Value, json};
use testkit::{Demo, eventually};

fn start() -> (Demo, reqwest::blocking::Client) {
    let demo = Demo::start(Path::new(env!("CARGO_BIN_EXE_kevra-scim")));
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    (demo, client)
}

fn control(demo: &Demo, client: &reqwest::blocking::Client, path: &str, body: Option<&Value>) -> (u16, Value) {
    let url = format!("{}/v1/tenants/acme{path}", demo.fact("control_url"));
    let mut request = client.post(url).bearer_auth(demo.fact("operator_token"));
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().unwrap();
    (answer.status().as_u16(), answer.json().unwrap_or_default())
}

fn enable_both(demo: &Demo, client: &reqwest::blocking::Client) -> String {
    let body = json!({ "base_url": demo.fact("downstream_url"), "token": demo.fact("downstream_token") });
    let (status, answer) = control(demo, client, "/outbound/enable", Some(&body));
    assert_eq!(status, 200, "{answer}");
    let (status, revealed) = control(demo, client, "/inbound/enable", None);
    assert_eq!(status, 200, "{revealed}");
    revealed["token"].as_str().unwrap().to_owned()
}

/// The downstream's record of a person, once it satisfies a condition.
fn downstream(
    demo: &Demo,
    client: &reqwest::blocking::Client,
    user_name: &str,
    wanted: impl Fn(&Value) -> bool,
) -> Option<Value> {
    let url = format!("{}/Users", demo.fact("downstream_url"));
    eventually(Duration::from_secs(10), || {
        let list: Value = client.get(&url).bearer_auth(demo.fact("downstream_token")).send().ok()?.json().ok()?;
        let users = list["Resources"].as_array()?;
        users.iter().find(|user| user["userName"] == user_name && wanted(user)).cloned()
    })
}

/// What the newest request of an operation asked of the realm, as the activity tells it.
fn asked_of_the_realm(demo: &Demo, client: &reqwest::blocking::Client, operation: &str) -> Vec<Value> {
    let url = format!("{}/v1/tenants/acme/activity?direction=in", demo.fact("control_url"));
    let newest = eventually(Duration::from_secs(10), || {
        let page: Value = client.get(&url).bearer_auth(demo.fact("operator_token")).send().ok()?.json().ok()?;
        page["entries"].as_array()?.iter().find(|entry| entry["operation"] == operation).cloned()
    });
    newest.unwrap()["realm_calls"].as_array().unwrap().clone()
}

#[test]
fn a_user_travels_from_the_identity_provider_to_the_downstream_and_a_disable_follows() {
    let (demo, client) = start();
    let token = enable_both(&demo, &client);
    let users = format!("{}/Users", demo.fact("scim_base_url"));
    let body = json!({
        "userName": "Ada@acme.test", "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [{ "value": "ada@acme.test", "type": "work", "primary": true }], "externalId": "ext-1", "active": true
    });
    let made: Value = client.post(&users).bearer_auth(&token).json(&body).send().unwrap().json().unwrap();
    let id = made["id"].as_str().unwrap();
    let record = downstream(&demo, &client, "ada@acme.test", |user| user["active"] == true).unwrap();
    assert_eq!(record["externalId"], id);
    assert_eq!(record["name"], json!({ "givenName": "Ada", "familyName": "Lovelace" }));

    let disable = json!({ "Operations": [{ "op": "Replace", "path": "active", "value": "False" }] });
    let answer = client.patch(format!("{users}/{id}")).bearer_auth(&token).json(&disable).send().unwrap();
    assert_eq!(answer.status(), 200);
    assert!(downstream(&demo, &client, "ada@acme.test", |user| user["active"] == false).is_some());

    let told = asked_of_the_realm(&demo, &client, "PATCH /Users/{id}");
    let told: Vec<_> = told.iter().map(|call| (call["operation"].as_str(), call["class"].as_str())).collect();
    assert_eq!(told, [(Some("disable user"), Some("ok")), (Some("end sessions"), Some("ok"))]);
    let told = Value::from(asked_of_the_realm(&demo, &client, "POST /Users")).to_string();
    assert!(told.contains("create user") && !told.to_lowercase().contains("ada"), "{told}");

    let again: Value = client.post(&users).bearer_auth(&token).json(&body).send().unwrap().json().unwrap();
    assert_eq!(again["id"], id, "a returning user keeps its id");
    assert!(downstream(&demo, &client, "ada@acme.test", |user| user["active"] == true).is_some());
}

/// Whom the realm has of a name, as its administrator sees it, and whether with the role of those SCIM manages.
fn in_realm(demo: &Demo, client: &reqwest::blocking::Client, username: &str) -> (Value, bool) {
    let url = format!("{}/v1/tenants/acme/realm-users", demo.fact("control_url"));
    let people: Value = client.get(url).bearer_auth(demo.fact("operator_token")).send().unwrap().json().unwrap();
    let person = people.as_array().unwrap().iter().find(|person| person["username"] == username).unwrap().clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let managed = runtime.block_on(async {
        let db = Db::connect(&SecretString::from(demo.sqlite()), &DbOptions::default()).await.unwrap();
        let acme = tenant::by_slug(&db, "acme").await.unwrap();
        let managed = person::by_username(&db, acme.id, username).await.unwrap().unwrap().managed;
        db.close().await.unwrap();
        managed
    });
    (person, managed)
}

#[test]
fn the_realm_has_what_scim_says_and_an_administrators_edit_of_a_managed_user_arrives_too() {
    let (demo, client) = start();
    let token = enable_both(&demo, &client);
    let users = format!("{}/Users", demo.fact("scim_base_url"));
    let body = json!({
        "userName": "ada@acme.test", "name": { "givenName": "Ada", "familyName": "Byron" },
        "emails": [{ "value": "ada.byron@acme.test", "type": "work", "primary": true }], "active": true
    });
    let made: Value = client.post(&users).bearer_auth(&token).json(&body).send().unwrap().json().unwrap();
    let one = format!("{users}/{}", made["id"].as_str().unwrap());
    let (person, managed) = in_realm(&demo, &client, "ada@acme.test");
    assert!(managed, "she has the role scim-managed");
    assert_eq!(person["id"], made["id"]);
    for (field, value) in [("email", "ada.byron@acme.test"), ("first_name", "Ada"), ("last_name", "Byron")] {
        assert_eq!(person[field], value, "{person}");
    }
    assert_eq!(person["enabled"], true);

    // Order: as Okta does it; each change is there at both ends before the next.
    let patch = |operation: Value| {
        let body = json!({ "Operations": [operation] });
        assert_eq!(client.patch(&one).bearer_auth(&token).json(&body).send().unwrap().status(), 200);
    };
    patch(json!({ "op": "replace", "path": "name.familyName", "value": "Lovelace" }));
    assert!(downstream(&demo, &client, "ada@acme.test", |user| user["name"]["familyName"] == "Lovelace").is_some());
    assert_eq!(in_realm(&demo, &client, "ada@acme.test").0["last_name"], "Lovelace");
    for active in [false, true] {
        patch(json!({ "op": "replace", "value": { "active": active } }));
        assert!(downstream(&demo, &client, "ada@acme.test", |user| user["active"] == active).is_some());
        assert_eq!(in_realm(&demo, &client, "ada@acme.test").0["enabled"], active);
    }

    let edited = format!("{}/v1/tenants/acme/realm-users/{}", demo.fact("control_url"), made["id"].as_str().unwrap());
    let edit = json!({ "first_name": "Augusta" });
    let saved = client.patch(edited).bearer_auth(demo.fact("operator_token")).json(&edit).send().unwrap();
    assert_eq!(saved.status(), 200);
    assert!(downstream(&demo, &client, "ada@acme.test", |user| user["name"]["givenName"] == "Augusta").is_some());
    let seen: Value = client.get(&one).bearer_auth(&token).send().unwrap().json().unwrap();
    assert_eq!(seen["name"]["givenName"], "Augusta", "the identity provider sees it as well");
}

#[test]
fn enabling_pushes_nobody_and_a_touch_pushes_one() {
    let (demo, client) = start();
    enable_both(&demo, &client);
    let url = format!("{}/v1/tenants/acme/realm-users", demo.fact("control_url"));
    let people: Value = client.get(&url).bearer_auth(demo.fact("operator_token")).send().unwrap().json().unwrap();
    let grace = people.as_array().unwrap().iter().find(|person| person["username"] == "grace@acme.test").unwrap();
    let one = format!("{url}/{}", grace["id"].as_str().unwrap());
    client.patch(one).bearer_auth(demo.fact("operator_token")).json(&json!({ "enabled": false })).send().unwrap();
    let record = downstream(&demo, &client, "grace@acme.test", |user| user["active"] == false).unwrap();
    assert_eq!(record["externalId"], grace["id"]);
    assert!(downstream(&demo, &client, "grace@acme.test", |_| true).is_some());
    let url = format!("{}/Users", demo.fact("downstream_url"));
    let list: Value = client.get(url).bearer_auth(demo.fact("downstream_token")).send().unwrap().json().unwrap();
    assert_eq!(list["totalResults"], 1, "nobody else was pushed");
}

#[test]
fn a_rotated_token_is_refused_on_the_next_request() {
    let (demo, client) = start();
    let mut token = enable_both(&demo, &client);
    let url = format!("{}/Users?count=1", demo.fact("scim_base_url"));
    let status = |token: &str| client.get(&url).bearer_auth(token).send().unwrap().status().as_u16();
    for _ in 0..50 {
        assert_eq!(status(&token), 200);
        let (_, rotated) = control(&demo, &client, "/inbound/rotate", None);
        let fresh = rotated["token"].as_str().unwrap().to_owned();
        assert_eq!(status(&token), 401);
        token = fresh;
    }
    assert_eq!(control(&demo, &client, "/inbound/disable", None).0, 204);
    assert_eq!(status(&token), 401);
}

#[test]
fn of_fifty_identical_creates_one_wins() {
    let (demo, client) = start();
    let token = enable_both(&demo, &client);
    let url = format!("{}/Users", demo.fact("scim_base_url"));
    let body = json!({ "userName": "twin@acme.test", "externalId": "twin" });
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let post = || client.post(&url).bearer_auth(&token).json(&body).send().unwrap().status().as_u16();
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(post)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 49, "{statuses:?}");
}

#[test]
fn a_call_with_u_0000_in_a_path_a_parameter_or_a_text_is_told_what_it_cannot_have() {
    let (demo, client) = start();
    let base = format!("{}/v1/tenants", demo.fact("control_url"));
    let ask = |method: reqwest::Method, path: &str, body: Option<&str>| {
        let request = client.request(method, format!("{base}{path}")).bearer_auth(demo.fact("operator_token"));
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_owned()),
            None => request,
        };
        let answer = request.send().unwrap();
        (answer.status().as_u16(), answer.json::<Value>().unwrap_or_default())
    };
    let made = r#"{"slug":"beta","realm":"beta","display_name":"a\u0000b"}"#;
    for (method, path, body) in [
        (reqwest::Method::GET, "?search=a%00b", None),
        (reqwest::Method::GET, "/a%00b", None),
        (reqwest::Method::GET, "/acme/activity?user=%00", None),
        (reqwest::Method::POST, "", Some(made)),
        (reqwest::Method::PATCH, "/acme", Some(r#"{"display_name":"\u0000"}"#)),
    ] {
        let (status, answer) = ask(method, path, body);
        assert_eq!((status, answer["code"].as_str()), (400, Some("invalid_request")), "{path}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains("U+0000"), "{path}: {answer}");
    }
    let (status, answer) = ask(reqwest::Method::PATCH, "/acme", Some(r#"{"display_name":"C:\\u0000"}"#));
    assert_eq!((status, answer["display_name"].as_str()), (200, Some(r"C:\u0000")), "an escaped backslash: {answer}");
}
