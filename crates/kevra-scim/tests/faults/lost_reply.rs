//! A reply that gets lost leaves the downstream's state in doubt (K17). Where the ledger is kept from remembering the doubt,
//! this notices.

use std::time::Duration;

use serde_json::json;
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::{Installation, Role};
use testkit::network::{Fault, Network};

use crate::provider::Provider;
use crate::{PROGRAM, front};

struct Scene {
    provider: Provider,
    ada: String,
    network: Network,
    downstream: Fieldnotes,
    installation: Installation,
    _roles: [Role; 3],
}

impl Scene {
    fn new() -> Self {
        let installation = Installation::on_embedded_realms(PROGRAM);
        let (console, control, gateway) = front(&installation);
        let dispatcher = installation.start("dispatcher");
        let downstream = Fieldnotes::default();
        let network = Network::new(downstream.url());
        console.make_tenant("acme", "acme");
        console.enable_outbound("acme", network.url(), downstream.token());
        let provider = Provider::new(&gateway.url, "acme", &console.enable_inbound("acme"));
        let ada = provider.create("ada@acme.test");
        let scene = Self { provider, ada, network, downstream, installation, _roles: [control, gateway, dispatcher] };
        assert!(scene.becomes(true, Duration::from_mins(1)));
        scene
    }

    fn is(&self, active: bool) -> bool {
        self.downstream.user("ada@acme.test").is_some_and(|user| user["active"] == active)
    }

    fn becomes(&self, active: bool, within: Duration) -> bool {
        eventually(within, || self.is(active).then_some(())).is_some()
    }

    fn switch(&self, active: bool) {
        self.provider.replace(&self.ada, &[("active", json!(active))]);
    }

    /// On → the reply is lost → off: compared with what was last confirmed, "off" would be no change at all. Says whether
    /// ada is off downstream in the end.
    fn on_lost_off(&self) -> bool {
        self.switch(false);
        assert!(self.becomes(false, Duration::from_mins(1)));
        let before = self.network.hits().len();
        self.network.next(Fault::LoseReply, Some("PATCH"), 1);
        self.network.next(Fault::Reset, None, usize::MAX);
        self.switch(true);
        assert!(self.becomes(true, Duration::from_mins(1)), "the downstream did its work");
        let lost = eventually(Duration::from_secs(10), || (self.network.hits().len() > before).then_some(()));
        assert!(lost.is_some(), "a reply was lost");
        self.switch(false);
        assert!(self.is(true), "nothing has got through since");
        self.network.mend();
        let settled = eventually(Duration::from_mins(1), || (self.is(false) || self.rests()).then_some(()));
        assert!(settled.is_some(), "it comes to an end: {}", self.installation.logs());
        self.is(false)
    }

    /// As far as the ledger knows, everything is in step.
    fn rests(&self) -> bool {
        let waiting = "select count(*) from ledger where owed_seq > acked_seq or dirty_seq > seen_seq";
        self.installation.database().ask(waiting) == "0"
    }
}

#[test]
fn a_user_switched_off_after_a_lost_reply_is_off_downstream() {
    let scene = Scene::new();
    for _ in 0..3 {
        assert!(scene.on_lost_off(), "downstream holds {:?}", scene.downstream.app().users());
    }
    let posts = scene.downstream.app().journal().iter().filter(|entry| entry.method == "POST").count();
    assert_eq!(posts, 1, "nothing was made twice");
}

#[test]
fn without_the_memory_of_doubt_a_user_would_stay_on() {
    let scene = Scene::new();
    scene.installation.database().ask(
        "create function forget() returns trigger language plpgsql as
             'begin new.settled_epoch := new.epoch; return new; end';
         create trigger forget before update on ledger for each row execute function forget();",
    );
    assert!(!scene.on_lost_off(), "the rule makes the difference");
    assert!(scene.rests(), "with a clean ledger");
}
