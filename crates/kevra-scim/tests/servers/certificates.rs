//! TLS towards downstreams: a deployment's own authority is believed where it is given, and nobody else ever is.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::Installation;
use testkit::network::{Authority, TlsFront};

use crate::{PROGRAM, front};

#[test]
fn a_deployments_own_authority_is_believed_and_no_other() {
    let (downstream, ours, foreign) = (Fieldnotes::default(), Authority::default(), Authority::default());
    let network = TlsFront::new(downstream.url(), ours.identity("localhost"));
    let enable = |console: &testkit::console::Console| {
        let target = json!({ "base_url": network.url(), "token": downstream.token() });
        console.call(Method::POST, "/tenants/acme/outbound/enable", Some(&target))
    };
    let refused = |answer: (u16, serde_json::Value), what: &str| {
        assert_eq!((answer.0, &answer.1["code"]), (422, &json!("downstream_tls")), "{what}: {}", answer.1);
    };

    let stranger = Installation::on_embedded_realms(PROGRAM);
    let (console, _control, _gateway) = front(&stranger);
    console.make_tenant("acme", "acme");
    refused(enable(&console), "an authority that was not given");

    let mut installation = Installation::on_embedded_realms(PROGRAM);
    installation.set("KEVRA_DOWNSTREAM_CA_FILE", &ours.certificate().to_string_lossy());
    let (console, _control, _gateway) = front(&installation);
    let _dispatcher = installation.start("dispatcher");
    console.make_tenant("acme", "acme");
    network.show(foreign.identity("localhost"));
    refused(enable(&console), "another authority");
    network.show(ours.identity("elsewhere.test"));
    refused(enable(&console), "another name");
    network.show(ours.identity("localhost"));
    let (status, enabled) = enable(&console);
    assert_eq!(status, 200, "{enabled}");
    assert_eq!(downstream.app().users().len(), 0);

    let call = |method, path: &str, body: &serde_json::Value| {
        console.call(method, &format!("/tenants/acme{path}"), Some(body))
    };
    assert_eq!(call(Method::POST, "/realm-users", &json!({ "username": "ada", "enabled": true })).0, 201);
    let soon = Duration::from_secs(20);
    assert!(eventually(soon, || downstream.user("ada")).is_some(), "{}", installation.logs());
    // A push verifies as the probe does.
    network.show(foreign.identity("localhost"));
    let asked = downstream.app().journal().len();
    assert_eq!(call(Method::POST, "/realm-users", &json!({ "username": "bob", "enabled": true })).0, 201);
    let told = eventually(soon, || {
        let (_, page) = console.call(Method::GET, "/tenants/acme/activity?class=tls", None);
        page["entries"].as_array().is_some_and(|entries| !entries.is_empty()).then_some(())
    });
    assert!(told.is_some(), "{}", installation.logs());
    assert_eq!(downstream.app().journal().len(), asked, "nothing was sent to whoever that is");
    network.show(ours.identity("localhost"));
    assert!(eventually(Duration::from_mins(1), || downstream.user("bob")).is_some(), "{}", installation.logs());
}
