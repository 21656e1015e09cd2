//! A demo whose tenant has groups pushed to a sample application, over a network that can be broken.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use demo::sample_app::Manners;
use reqwest::Method;
use serde_json::{Map, Value, json};
use testkit::fieldnotes::Fieldnotes;
use testkit::network::Network;
use testkit::{Demo, eventually};

/// How long anything may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_mins(1);

pub(crate) struct Stage {
    pub app: Fieldnotes,
    pub network: Network,
    demo: Demo,
    token: String,
    http: reqwest::blocking::Client,
}

impl Stage {
    /// With groups not chosen yet.
    pub fn without_groups(manners: Manners) -> Self {
        let (demo, app) = (Demo::start(Path::new(env!("CARGO_BIN_EXE_kevra-scim"))), Fieldnotes::with(manners));
        let network = Network::new(app.url());
        let mut stage = Self { app, network, demo, token: String::new(), http: testkit::http() };
        stage.enable_outbound();
        let (status, revealed) = stage.control(Method::POST, "/inbound/enable", None);
        assert_eq!(status, 200, "{revealed}");
        stage.token.push_str(revealed["token"].as_str().unwrap());
        stage
    }

    pub fn new(manners: Manners) -> Self {
        let stage = Self::without_groups(manners);
        stage.push_groups(true);
        stage
    }

    pub fn enable_outbound(&self) {
        let downstream = json!({ "base_url": self.network.url(), "token": self.app.token() });
        let (status, answer) = self.control(Method::POST, "/outbound/enable", Some(&downstream));
        assert_eq!(status, 200, "{answer}");
    }

    pub fn push_groups(&self, push_groups: bool) {
        let choices = json!({ "on_delete": "nothing", "hold_mass_deactivation": false, "push_groups": push_groups });
        let (status, answer) = self.control(Method::PUT, "/outbound/options", Some(&choices));
        assert_eq!(status, 204, "{answer}");
        let (_, panel) = self.control(Method::GET, "/identity-sync", None);
        assert_eq!(panel["outbound"]["options"], choices);
    }

    pub fn control(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}/v1/tenants/acme{path}", self.demo.fact("control_url"));
        self.ask(method, &url, self.demo.fact("operator_token"), body)
    }

    /// What an identity provider asks.
    pub fn scim(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.demo.fact("scim_base_url"));
        self.ask(method, &url, &self.token, body)
    }

    fn ask(&self, method: Method, url: &str, token: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().unwrap();
        (answer.status().as_u16(), answer.json().unwrap_or_default())
    }

    /// A user, who need not be there downstream yet; its id.
    pub fn user(&self, name: &str) -> String {
        let (status, made) = self.scim(Method::POST, "/Users", Some(&json!({ "userName": name, "active": true })));
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// Several of them, who are.
    pub fn users(&self, count: usize) -> Vec<String> {
        let ids: Vec<String> = (0..count).map(|number| self.user(&format!("user-{number:03}"))).collect();
        let there = eventually(SOON, || (self.app.app().users().len() == count).then_some(()));
        assert!(there.is_some(), "only {} arrived", self.app.app().users().len());
        ids
    }

    /// A group, which need not be there downstream yet; its id.
    pub fn group(&self, name: &str, members: &[String]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let (status, made) =
            self.scim(Method::POST, "/Groups", Some(&json!({ "displayName": name, "members": members })));
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    pub fn patch(&self, path: &str, operations: &Value) {
        let (status, answer) = self.scim(Method::PATCH, path, Some(&json!({ "Operations": operations })));
        assert!(status == 200 || status == 204, "{status} {answer}");
    }

    /// An administrator's change of a user.
    pub fn edit(&self, id: &str, change: &Value) {
        let (status, answer) = self.control(Method::PATCH, &format!("/realm-users/{id}"), Some(change));
        assert_eq!(status, 200, "{answer}");
    }

    /// Another family name of a user, which has arrived.
    pub fn rename(&self, id: &str, name: &str, family: &str) {
        self.patch(&format!("/Users/{id}"), &json!([{ "op": "replace", "path": "name.familyName", "value": family }]));
        let wanted = json!({ "familyName": family });
        let there = eventually(SOON, || self.app.user(name).filter(|user| user.get("name") == Some(&wanted)));
        assert!(there.is_some(), "{:?}", self.app.user(name));
    }

    pub fn delete(&self, path: &str) {
        assert_eq!(self.scim(Method::DELETE, path, None).0, 204);
    }

    /// The application's record of a group.
    pub fn record(&self, id: &str) -> Option<Map<String, Value>> {
        self.app.app().groups().into_iter().find(|group| group.get("externalId") == Some(&json!(id)))
    }

    /// The application's record of a group, once it has this name and exactly these members.
    pub fn arrives(&self, id: &str, name: &str, members: &[String]) -> Map<String, Value> {
        let wanted: BTreeSet<String> = members.iter().cloned().collect();
        let held = eventually(SOON, || {
            self.record(id).filter(|record| record["displayName"] == name && self.members(record) == wanted)
        });
        held.unwrap_or_else(|| panic!("{name} did not arrive: {:?}, {:?}", self.record(id), self.app.app().journal()))
    }

    /// The application puts people of its own into a group, whose ids make it too long to be read; those ids.
    pub fn too_long(&self, group: &Map<String, Value>) -> Vec<String> {
        let own: Vec<String> = (0..100).map(|number| format!("{number:012000}")).collect();
        for some in own.chunks(20) {
            let members: Vec<Value> = some.iter().map(|id| json!({ "value": id })).collect();
            self.by_hand(group, &json!([{ "op": "add", "path": "members", "value": members }]));
        }
        own
    }

    /// The application changes a group itself.
    pub fn by_hand(&self, group: &Map<String, Value>, operations: &Value) {
        let url = format!("{}/Groups/{}", self.app.url(), group["id"].as_str().unwrap());
        let changed = testkit::http().patch(url).bearer_auth(self.app.token());
        let answer = changed.json(&json!({ "Operations": operations })).send().unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }

    /// The application's id of a user of ours.
    pub fn theirs(&self, id: &str) -> Value {
        let users = self.app.app().users();
        users.iter().find(|user| user["externalId"] == json!(id)).unwrap()["id"].clone()
    }

    /// Who stands in a group, by the ids of our users; whoever is nobody of ours by its own.
    pub fn members(&self, group: &Map<String, Value>) -> BTreeSet<String> {
        let users = self.app.app().users();
        let whose = |value: &Value| {
            let user = users.iter().find(|user| user.get("id") == Some(value));
            user.and_then(|user| user.get("externalId")).unwrap_or(value).as_str().unwrap_or_default().to_owned()
        };
        let members = group.get("members").and_then(Value::as_array);
        members.into_iter().flatten().map(|member| whose(&member["value"])).collect()
    }

    /// Requests about groups so far.
    pub fn asked(&self, method: &str) -> usize {
        let journal = self.app.app().journal();
        journal.iter().filter(|entry| entry.method == method && entry.path.starts_with("/Groups")).count()
    }
}
