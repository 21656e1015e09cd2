//! One installation with a tenant, its realm and its downstream, alone on the servers.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};
use testkit::console::Console;
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::{Installation, Role};
use testkit::keycloak::Realm;

use crate::PROGRAM;

/// Long enough on a machine that is busy with other tests.
pub const SOON: Duration = Duration::from_secs(30);

static ALONE: Mutex<()> = Mutex::new(());

/// A tenant whose both directions are on.
pub struct Stage {
    pub realm: Realm,
    pub downstream: Fieldnotes,
    pub installation: Installation,
    pub console: Console,
    pub control: Role,
    pub gateway: Role,
    pub dispatcher: Role,
    pub token: String,
    _alone: MutexGuard<'static, ()>,
}

impl Stage {
    /// Which hears Keycloak's listener.
    pub fn hearing() -> Self {
        Self::on(Installation::hearing_keycloak(PROGRAM))
    }

    /// Which hears nothing: the poll and the compare alone see what happens.
    pub fn deaf() -> Self {
        Self::on(Installation::on_keycloak(PROGRAM))
    }

    fn on(installation: Installation) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (realm, downstream) = (Realm::default(), Fieldnotes::default());
        let (control, gateway) = (installation.start("control"), installation.start("gateway"));
        let dispatcher = installation.start("dispatcher");
        installation.make_cluster(&gateway);
        let console = installation.console(&control);
        console.make_tenant("acme", realm.name());
        console.enable_outbound("acme", downstream.url(), downstream.token());
        let token = console.enable_inbound("acme");
        let stage =
            Self { realm, downstream, installation, console, control, gateway, dispatcher, token, _alone: alone };
        // What an enable has done once is behind it: from here on only what is tested brings changes.
        stage.settles("select count(*) from realm_watch where compare_at is null or import_done_at is null");
        stage.settles("select count(*) from target where baseline_done_at is null");
        stage
    }

    /// Has groups pushed as well.
    pub fn push_groups(&self) {
        let choices = json!({ "on_delete": "nothing", "hold_mass_deactivation": false, "push_groups": true });
        let (status, answer) = self.console.call(Method::PUT, "/tenants/acme/outbound/options", Some(&choices));
        assert_eq!(status, 204, "{answer}");
    }

    /// Waits until a count of the installation's database is nought.
    pub fn settles(&self, count: &str) {
        self.settles_within(SOON, count);
    }

    /// Likewise, for as long as it may take.
    pub fn settles_within(&self, time: Duration, count: &str) {
        let nought = || (self.installation.database().ask(count) == "0").then_some(());
        assert!(eventually(time, nought).is_some(), "{count}: {}", self.installation.logs());
    }

    /// A call of the SCIM API.
    pub fn scim(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}/realms/{}/scim/v2{path}", self.gateway.url, self.realm.name());
        let mut request = testkit::http().request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().unwrap();
        (answer.status().as_u16(), answer.json().unwrap_or_default())
    }

    /// Makes a user through SCIM and waits until the downstream has it; the id.
    pub fn made(&self, name: &str) -> String {
        let body = json!({ "userName": name, "active": true, "emails": [{ "value": name, "primary": true }],
            "name": { "givenName": "Ada", "familyName": "Byron" } });
        let (status, made) = self.scim(Method::POST, "/Users", Some(&body));
        assert_eq!(status, 201, "{made}");
        self.arrives(name, |_| true);
        made["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the downstream's record of a user is as wanted.
    pub fn arrives(&self, name: &str, wanted: impl Fn(&Map<String, Value>) -> bool) {
        let there = eventually(SOON, || self.downstream.user(name).filter(|user| wanted(user)));
        assert!(there.is_some(), "{name}: {:?}\n{}", self.downstream.user(name), self.installation.logs());
    }

    /// Waits until a resource reads as wanted through SCIM.
    pub fn reads(&self, path: &str, wanted: impl Fn(u16, &Value) -> bool) {
        let ask = || self.scim(Method::GET, path, None);
        let there = eventually(SOON, || {
            let (status, read) = ask();
            wanted(status, &read).then_some(())
        });
        assert!(there.is_some(), "{path}: {:?}\n{}", ask(), self.installation.logs());
    }
}

/// The ids of a group's members, as read.
pub fn members(group: &Value) -> Vec<&str> {
    group["members"].as_array().into_iter().flatten().filter_map(|member| member["value"].as_str()).collect()
}
