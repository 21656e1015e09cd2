//! What an operator decides rings at once: heard here instead of by a dispatcher, which would have found it by itself.

use std::time::Duration;

use bus::Hint;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::Installation;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::{PROGRAM, front};

#[test]
fn an_edit_and_a_decision_of_an_operator_ring_at_once() {
    let installation = Installation::on_embedded_realms(PROGRAM);
    let (console, _control, _gateway) = front(&installation);
    let downstream = Fieldnotes::default();
    console.make_tenant("acme", "acme");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (shutdown, tracker) = (CancellationToken::new(), TaskTracker::new());
    let url = installation.setting("AMQP_URL").into();
    let (mut hints, _) = runtime.block_on(async { bus::listening(url, &shutdown, &tracker) });
    let mut heard = || {
        let hint = async { tokio::time::timeout(Duration::from_secs(20), hints.next()).await };
        runtime.block_on(hint).unwrap_or_else(|_| panic!("nothing rang")).unwrap()
    };
    let call =
        |method: Method, path: &str, body: Option<&Value>| console.call(method, &format!("/tenants/acme{path}"), body);
    let make = |name: &str| {
        let (status, made) = call(Method::POST, "/realm-users", Some(&json!({ "username": name, "enabled": true })));
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().parse::<Uuid>().unwrap()
    };
    let tenant = installation.database().ask("select id from tenant where slug = 'acme'").parse::<Uuid>().unwrap();
    let hint = |user, urgent| Hint { tenant, user, urgent, traceparent: None };
    let untraced = |heard: Hint| Hint { traceparent: None, ..heard };

    // Nobody follows the realm yet.
    make("before");
    console.enable_outbound("acme", downstream.url(), downstream.token());
    let ada = make("ada");
    assert_eq!(untraced(heard()), hint(ada, false), "the first that rings, so nothing rang before");
    let off = json!({ "enabled": false });
    assert_eq!(call(Method::PATCH, &format!("/realm-users/{ada}"), Some(&off)).0, 200);
    assert_eq!(untraced(heard()), hint(ada, true), "a deactivation has a lane of its own");
    // As a send leaves somebody whose name is taken.
    let park = "update ledger set seen_seq = dirty_seq, owed_seq = dirty_seq, next_at = 9223372036854775807,
        reason = 'conflict', parked_at = 1";
    installation.database().ask(park);
    assert_eq!(call(Method::POST, &format!("/outbound/parked/{ada}/retry"), None).0, 204);
    assert_eq!(untraced(heard()), hint(ada, false));
    let marks = installation.database().ask(&format!("select dirty_seq from ledger where user_id = '{ada}'"));
    assert_eq!(marks, "2", "made and changed, each marked once");
    shutdown.cancel();
}
