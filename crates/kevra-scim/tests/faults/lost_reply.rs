//! A reply that gets lost leaves the downstream's state in doubt (K17).

use std::time::Duration;

use serde_json::json;
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::Installation;
use testkit::lossy_proxy::LossyProxy;

use crate::provider::Provider;
use crate::{PROGRAM, front};

/// On → the reply is lost → off: compared with what was last confirmed, "off" would be no change at all.
#[test]
fn a_user_switched_off_after_a_lost_reply_is_off_downstream() {
    let installation = Installation::on_embedded_realms(PROGRAM);
    let (console, _control, gateway) = front(&installation);
    let _dispatcher = installation.start("dispatcher");
    let downstream = Fieldnotes::default();
    let network = LossyProxy::new(downstream.url());
    console.make_tenant("acme", "acme");
    console.enable_outbound("acme", network.url(), downstream.token());
    let provider = Provider::new(&gateway.url, "acme", &console.enable_inbound("acme"));
    let is = |active: bool| downstream.user("ada@acme.test").is_some_and(|user| user["active"] == active);
    let becomes = |active: bool| {
        let there = eventually(Duration::from_mins(1), || is(active).then_some(()));
        assert!(there.is_some(), "downstream holds {:?}", downstream.app().users());
    };
    let id = provider.create("ada@acme.test");
    becomes(true);
    provider.replace(&id, &[("active", json!(false))]);
    becomes(false);

    for _ in 0..3 {
        network.lose_the_next_reply_to_a_patch();
        provider.replace(&id, &[("active", json!(true))]);
        becomes(true);
        let lost = eventually(Duration::from_secs(10), || network.has_lost_it().then_some(()));
        assert!(lost.is_some(), "a reply was lost");
        provider.replace(&id, &[("active", json!(false))]);
        assert!(is(true), "nothing has got through since");
        network.mend();
        becomes(false);
    }
    let posts = downstream.app().journal().iter().filter(|entry| entry.method == "POST").count();
    assert_eq!(posts, 1, "nothing was made twice");
}
