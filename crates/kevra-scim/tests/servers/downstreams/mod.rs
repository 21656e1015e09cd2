//! Downstreams that are real SCIM servers, other people's and our own gateway: each receives every kind of change.

mod backfill;
mod group_backfill;
mod groups;
mod keycloak_scim;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::console::Console;
use testkit::eventually;
use testkit::installation::{Installation, Role};
use testkit::third_party::{Scim2Server, Scimmy};

use crate::{PROGRAM, front};

pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Somebody else's SCIM application, as an administrator of it sees it.
pub(crate) struct Downstream {
    pub url: String,
    pub token: String,
}

impl Downstream {
    pub fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let mut request = testkit::http().request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        request.send().unwrap().json().unwrap_or_default()
    }

    pub fn user(&self, name: &str) -> Option<Value> {
        let list = self.call(Method::GET, "/Users?count=1000", None);
        list["Resources"].as_array()?.iter().find(|user| user["userName"] == name).cloned()
    }

    pub fn arrives(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let held = eventually(SOON, || self.user(name).filter(|user| wanted(user)));
        held.unwrap_or_else(|| panic!("{name} did not arrive: {:?}", self.user(name)))
    }
}

/// A tenant with an embedded realm whose outbound leads to a downstream.
pub(crate) struct Sender {
    pub console: Console,
    pub roles: Vec<Role>,
    pub installation: Installation,
}

impl Sender {
    pub fn to(downstream: &Downstream) -> Self {
        let installation = Installation::on_embedded_realms(PROGRAM);
        let (console, control, gateway) = front(&installation);
        let dispatcher = installation.start("dispatcher");
        console.make_tenant("acme", "acme");
        console.enable_outbound("acme", &downstream.url, &downstream.token);
        Self { console, roles: vec![control, gateway, dispatcher], installation }
    }

    pub fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.console.call(method, &format!("/tenants/acme{path}"), body)
    }

    pub fn make(&self, name: &str) -> String {
        let person =
            json!({ "username": name, "email": format!("{name}@acme.test"), "first_name": "A", "enabled": true });
        let (status, made) = self.call(Method::POST, "/realm-users", Some(&person));
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    pub fn save(&self, id: &str, change: &Value) {
        let (status, saved) = self.call(Method::PATCH, &format!("/realm-users/{id}"), Some(change));
        assert_eq!(status, 200, "{saved}");
    }

    pub fn parked(&self, id: &str) -> Value {
        let parked = eventually(SOON, || {
            let (_, page) = self.call(Method::GET, "/outbound/parked", None);
            page["users"].as_array()?.iter().find(|user| user["user_id"] == id).cloned()
        });
        parked.unwrap_or_else(|| panic!("{id} is not parked: {}", self.installation.logs()))
    }
}

/// Create, update, disable, enable, and the three ways out of a conflict.
fn receives_every_kind_of_change(downstream: &Downstream) {
    let sender = Sender::to(downstream);
    let (status, tried) = sender.call(Method::POST, "/outbound/test-user", None);
    assert_eq!((status, &tried["ok"]), (200, &json!(true)), "{tried}");
    let audited = "select count(*) from audit_entry where action = 'outbound.test_user'";
    assert_eq!(sender.installation.database().ask(audited), "1");
    let ada = sender.make("ada");
    let record = downstream.arrives("ada", |user| user["externalId"] == json!(ada));
    assert_eq!(record["emails"][0]["value"], "ada@acme.test");
    sender.save(&ada, &json!({ "last_name": "Lovelace" }));
    downstream.arrives("ada", |user| user["name"]["familyName"] == "Lovelace");
    for enabled in [false, true] {
        sender.save(&ada, &json!({ "enabled": enabled }));
        downstream.arrives("ada", |user| user["active"] == enabled);
    }

    // Strangers hold the names of three people.
    let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
    let stranger = |name: &str| {
        let body = json!({ "schemas": schemas, "userName": name, "displayName": "Before", "active": true });
        let made = downstream.call(Method::POST, "/Users", Some(&body));
        made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    let records = ["linked", "retried", "ignored"].map(&stranger);
    let ids = ["linked", "retried", "ignored"].map(|name| sender.make(name));
    for id in &ids {
        let parked = sender.parked(id);
        assert_eq!(parked["reason"], "conflict", "{parked}");
    }
    for name in ["linked", "retried", "ignored"] {
        let held = downstream.user(name).unwrap();
        assert!(held["externalId"].is_null(), "no take-over: {held}");
    }
    let at = |id: &str, verb: &str| format!("/outbound/parked/{id}{verb}");
    // Link: only what was shown, unchanged.
    let (_, shown) = sender.call(Method::GET, &at(&ids[0], ""), None);
    assert_eq!(shown["candidate"]["id"], json!(records[0]), "{shown}");
    assert_eq!(shown["candidate"]["display_name"], "Before");
    assert_eq!(shown["username"], "linked");
    let wanted = json!({ "downstream_id": records[0] });
    let rename = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "displayName", "value": "After" }],
    });
    downstream.call(Method::PATCH, &format!("/Users/{}", records[0]), Some(&rename));
    let (status, refused) = sender.call(Method::POST, &at(&ids[0], "/link"), Some(&wanted));
    assert_eq!((status, &refused["code"]), (409, &json!("stale")), "{refused}");
    sender.call(Method::GET, &at(&ids[0], ""), None);
    let (status, answer) = sender.call(Method::POST, &at(&ids[0], "/link"), Some(&wanted));
    assert_eq!(status, 204, "{answer}");
    let linked = downstream.arrives("linked", |user| user["externalId"] == json!(ids[0]));
    assert_eq!((&linked["id"], &linked["displayName"]), (&json!(records[0]), &json!("After")));
    // Retry: once the stranger is gone.
    downstream.call(Method::DELETE, &format!("/Users/{}", records[1]), None);
    assert_eq!(sender.call(Method::POST, &at(&ids[1], "/retry"), None).0, 204);
    downstream.arrives("retried", |user| user["externalId"] == json!(ids[1]));
    // Ignore: until it changes.
    assert_eq!(sender.call(Method::POST, &at(&ids[2], "/ignore"), None).0, 204);
    let (_, page) = sender.call(Method::GET, "/outbound/parked", None);
    assert_eq!(page["users"], json!([]), "{page}");
    sender.save(&ids[2], &json!({ "last_name": "Changed" }));
    sender.parked(&ids[2]);

    let (_, activity) = sender.call(Method::GET, "/activity?direction=out&limit=200", None);
    let operations: Vec<&str> =
        activity["entries"].as_array().unwrap().iter().filter_map(|entry| entry["operation"].as_str()).collect();
    assert!(operations.contains(&"POST /Users") && operations.contains(&"PATCH /Users/{id}"), "{operations:?}");
    let (_, of_ada) = sender.call(Method::GET, "/activity?user=ada", None);
    let entries = of_ada["entries"].as_array().unwrap();
    assert!(!entries.is_empty() && entries.iter().all(|entry| entry["user_id"] == json!(ada)), "{of_ada}");
}

#[test]
fn a_third_party_server_receives_every_kind_of_change() {
    let server = Scim2Server::default();
    receives_every_kind_of_change(&Downstream { url: server.url().to_owned(), token: server.token().to_owned() });
}

#[test]
fn scimmy_receives_every_kind_of_change() {
    let server = Scimmy::default();
    receives_every_kind_of_change(&Downstream { url: server.url().to_owned(), token: server.token().to_owned() });
}

/// Our own gateway as somebody's downstream, with its installation.
pub(crate) fn our_own() -> (Downstream, Console, Vec<Role>, Installation) {
    let installation = Installation::on_embedded_realms(PROGRAM);
    let (console, control, gateway) = front(&installation);
    console.make_tenant("receiver", "receiver");
    let token = console.enable_inbound("receiver");
    let url = format!("{}/realms/receiver/scim/v2", gateway.url);
    (Downstream { url, token }, console, vec![control, gateway], installation)
}

#[test]
fn our_own_gateway_receives_every_kind_of_change() {
    let (downstream, _console, _roles, _installation) = our_own();
    receives_every_kind_of_change(&downstream);
}

#[test]
fn a_refused_token_quarantines_and_a_new_one_delivers_what_was_owed() {
    let (mut downstream, console, _roles, _installation) = our_own();
    let sender = Sender::to(&downstream);
    sender.make("ada");
    downstream.arrives("ada", |_| true);
    downstream.token = console.rotate("receiver");
    let people = ["bob", "cyd", "dot"].map(|name| sender.make(name));
    let outbound = || sender.call(Method::GET, "/identity-sync", None).1["outbound"].clone();
    let quarantined = eventually(SOON, || Some(outbound()).filter(|outbound| !outbound["quarantined_at"].is_null()));
    let quarantined = quarantined.unwrap_or_else(|| panic!("{}", outbound()));
    assert!(quarantined["quarantine_reason"].as_str().unwrap().contains("401"), "{quarantined}");
    assert_eq!(quarantined["quarantine_code"], "unauthorized", "{quarantined}");
    assert!(downstream.user("bob").is_none());
    // A probe that is refused as well says nothing new.
    let probed = eventually(SOON, || {
        let (_, page) = console.call(Method::GET, "/tenants/receiver/activity?class=rotated&limit=200", None);
        let probe = |entry: &Value| entry["operation"] == "GET /ServiceProviderConfig";
        page["entries"].as_array()?.iter().any(probe).then_some(())
    });
    assert!(probed.is_some(), "a quarantined downstream is probed");
    assert_eq!(outbound()["quarantine_code"], "unauthorized", "{}", outbound());
    sender.console.disable_outbound("acme");
    sender.console.enable_outbound("acme", &downstream.url, &downstream.token);
    for (name, id) in ["bob", "cyd", "dot"].iter().zip(&people) {
        downstream.arrives(name, |user| user["externalId"] == json!(id));
    }
    assert!(outbound()["quarantined_at"].is_null());
}
