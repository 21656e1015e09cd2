//! Groups at real SCIM servers, each strict in its own way: a group is made, filled, renamed, changed and emptied.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::third_party::{Scim2Server, Scimmy};

use super::{Downstream, SOON, Sender, our_own};

/// An identity provider that sends users and groups to the tenant, whose groups are pushed on.
pub(super) struct Provider {
    base: String,
    token: String,
}

impl Provider {
    pub fn new(sender: &Sender) -> Self {
        let token = sender.console.enable_inbound("acme");
        Self { base: format!("{}/realms/acme/scim/v2", sender.roles[1].url), token }
    }

    pub fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = testkit::http().request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        let answer = request.json(body).send().unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().unwrap_or_default()
    }

    pub fn make(&self, path: &str, body: &Value) -> String {
        self.call(Method::POST, path, body)["id"].as_str().unwrap().to_owned()
    }

    fn change(&self, group: &str, operations: &Value) {
        self.call(Method::PATCH, &format!("/Groups/{group}"), &json!({ "Operations": operations }));
    }
}

/// Whether groups are pushed from now on.
pub(super) fn push_groups(sender: &Sender, push_groups: bool) {
    let choices = json!({ "on_delete": "nothing", "hold_mass_deactivation": false, "push_groups": push_groups });
    let (status, answer) = sender.call(Method::PUT, "/outbound/options", Some(&choices));
    assert_eq!(status, 204, "{answer}");
}

/// The downstream's record of a group, once it is called so and holds exactly these users.
pub(super) fn arrives(downstream: &Downstream, sender: &Sender, group: &str, name: &str, members: &[&str]) -> Value {
    let wanted: BTreeSet<String> = members.iter().map(|name| (*name).to_owned()).collect();
    let look = || {
        let list = downstream.call(Method::GET, "/Groups?count=100", None);
        list["Resources"].as_array()?.iter().find(|record| record["externalId"] == group).cloned()
    };
    let who = |record: &Value| -> BTreeSet<String> {
        let list = downstream.call(Method::GET, "/Users?count=1000", None);
        let users = list["Resources"].as_array().cloned().unwrap_or_default();
        let name = |id: &Value| users.iter().find(|user| user["id"] == *id).and_then(|user| user["userName"].as_str());
        let members = record["members"].as_array();
        members.into_iter().flatten().filter_map(|member| name(&member["value"])).map(str::to_owned).collect()
    };
    let held = eventually(SOON, || look().filter(|record| record["displayName"] == name && who(record) == wanted));
    held.unwrap_or_else(|| panic!("{name} did not arrive: {:?} {}", look(), sender.installation.logs()))
}

fn receives_groups(downstream: &Downstream) {
    let sender = Sender::to(downstream);
    push_groups(&sender, true);
    let provider = Provider::new(&sender);
    let people = ["ada", "bob", "cyd"];
    let ids = people.map(|name| provider.make("/Users", &json!({ "userName": name, "active": true })));
    for name in people {
        downstream.arrives(name, |_| true);
    }
    let member = |id: &String| json!({ "value": id });
    let crew =
        provider.make("/Groups", &json!({ "displayName": "Crew", "members": [member(&ids[0]), member(&ids[1])] }));
    let record = arrives(downstream, &sender, &crew, "Crew", &["ada", "bob"]);
    provider.change(&crew, &json!([{ "op": "replace", "path": "displayName", "value": "Staff" }]));
    arrives(downstream, &sender, &crew, "Staff", &["ada", "bob"]);
    let change = json!([
        { "op": "remove", "path": format!("members[value eq \"{}\"]", ids[0]) },
        { "op": "add", "path": "members", "value": [member(&ids[2])] },
    ]);
    provider.change(&crew, &change);
    arrives(downstream, &sender, &crew, "Staff", &["bob", "cyd"]);
    // The application takes one out itself; that he leaves then is no error that stops anything.
    let bob = downstream.user("bob").unwrap();
    let path = format!("members[value eq \"{}\"]", bob["id"].as_str().unwrap());
    let by_hand = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "remove", "path": path }],
    });
    downstream.call(Method::PATCH, &format!("/Groups/{}", record["id"].as_str().unwrap()), Some(&by_hand));
    provider.change(&crew, &json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[1]) }]));
    arrives(downstream, &sender, &crew, "Staff", &["cyd"]);
    provider.call(Method::DELETE, &format!("/Groups/{crew}"), &json!({}));
    arrives(downstream, &sender, &crew, "Staff", &[]);
}

#[test]
fn a_third_party_server_receives_groups() {
    let server = Scim2Server::default();
    receives_groups(&Downstream { url: server.url().to_owned(), token: server.token().to_owned() });
}

#[test]
fn scimmy_receives_groups() {
    let server = Scimmy::default();
    receives_groups(&Downstream { url: server.url().to_owned(), token: server.token().to_owned() });
}

#[test]
fn our_own_gateway_receives_groups() {
    let (downstream, _console, _roles, _installation) = our_own();
    receives_groups(&downstream);
}
