//! A tenant whose outbound leads over a network that can be broken.

use std::time::Duration;

use demo::sample_app::Manners;
use serde_json::json;
use testkit::console::Console;
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::{Installation, Role};
use testkit::network::Network;

use crate::provider::Provider;
use crate::{PROGRAM, front};

/// How long anything may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_mins(1);

pub(crate) struct Scene {
    pub provider: Provider,
    pub network: Network,
    pub downstream: Fieldnotes,
    pub installation: Installation,
    pub console: Console,
    pub dispatcher: Role,
    _front: [Role; 2],
}

impl Scene {
    pub fn with(manners: Manners) -> Self {
        let installation = Installation::on_embedded_realms(PROGRAM);
        let (console, control, gateway) = front(&installation);
        let dispatcher = installation.start("dispatcher");
        let downstream = Fieldnotes::with(manners);
        let network = Network::new(downstream.url());
        console.make_tenant("acme", "acme");
        console.enable_outbound("acme", network.url(), downstream.token());
        // A compare that met a change on its way would have it asserted (K24).
        let compared = "select count(*) from target where baseline_done_at is not null";
        let done = eventually(SOON, || (installation.database().ask(compared) == "1").then_some(()));
        assert!(done.is_some(), "{}", installation.logs());
        let provider = Provider::new(&gateway.url, "acme", &console.enable_inbound("acme"));
        Self { provider, network, downstream, installation, console, dispatcher, _front: [control, gateway] }
    }

    /// Somebody who is there on both sides, whatever the ledger knows of it yet; its id.
    pub fn newcomer(&self, name: &str) -> String {
        let id = self.provider.create(name);
        assert!(eventually(SOON, || self.downstream.user(name)).is_some(), "{}", self.installation.logs());
        id
    }

    /// Somebody who is there on both sides, and whose record is known; its id.
    pub fn person(&self, name: &str) -> String {
        let id = self.newcomer(name);
        self.settles();
        id
    }

    /// Several of them, and who they are by name.
    pub fn people(&self, count: usize) -> Vec<(String, String)> {
        let names: Vec<String> = (0..count).map(|number| format!("user-{number}@acme.test")).collect();
        let people: Vec<_> = names.into_iter().map(|name| (self.provider.create(&name), name)).collect();
        let all = || people.iter().all(|(_, name)| self.downstream.user(name).is_some());
        assert!(eventually(SOON, || all().then_some(())).is_some(), "{}", self.installation.logs());
        self.settles();
        people
    }

    pub fn rename(&self, id: &str, family: &str) {
        self.provider.replace(id, &[("name.familyName", json!(family))]);
    }

    pub fn is_named(&self, name: &str, family: &str) -> bool {
        self.downstream.user(name).is_some_and(|user| user["name"]["familyName"] == family)
    }

    /// Waits until everything is in step. A record is there before its sender has heard so: a fault made in between would meet
    /// what is still under way.
    pub fn settles(&self) {
        assert!(eventually(SOON, || self.rests().then_some(())).is_some(), "{}", self.installation.logs());
    }

    /// As far as the ledger knows, everything is in step.
    pub fn rests(&self) -> bool {
        let waiting = "select count(*) from ledger where owed_seq > acked_seq or dirty_seq > seen_seq";
        self.installation.database().ask(waiting) == "0"
    }
}
