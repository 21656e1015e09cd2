//! Two replicas write one Keycloak user at once (K1).

use serde_json::{Value, json};
use testkit::installation::Installation;
use testkit::keycloak::Realm;

use crate::{PROGRAM, front, host_of};

/// Overlapping PUTs corrupt a Keycloak user: an attribute gets two values, and no later PUT gets through.
#[test]
fn two_gateways_that_write_one_user_at_once_never_corrupt_it() {
    const ROUNDS: usize = 40;
    let installation = Installation::on_keycloak(PROGRAM);
    let realm = Realm::default();
    let (console, _control, first) = front(&installation);
    let host = host_of(&first);
    let second = installation.start("gateway");
    console.make_tenant("acme", realm.name());
    let token = console.enable_inbound("acme");
    let base = |url: &str| format!("{url}/realms/{}/scim/v2/Users", realm.name());
    let body = json!({ "userName": "ada@acme.test", "externalId": "e0", "emails": [{ "value": "ada@acme.test" }] });
    let made: Value =
        testkit::http().post(base(&first.url)).bearer_auth(&token).json(&body).send().unwrap().json().unwrap();
    let id = made["id"].as_str().unwrap();

    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let writer = |url: String, writer: usize| {
            let (client, token, host) = (testkit::http(), &token, &host);
            move || -> Vec<u16> {
                let write = |round: usize| {
                    let name = format!("writer {writer} round {round}");
                    let patch = json!({ "Operations": [
                        { "op": "replace", "path": "externalId", "value": format!("e-{writer}-{round}") },
                        { "op": "replace", "path": "name.givenName", "value": name },
                        { "op": "replace", "path": "name.familyName", "value": name },
                    ]});
                    let request = client.patch(&url).header("host", host).bearer_auth(token).json(&patch);
                    request.send().unwrap().status().as_u16()
                };
                (0..ROUNDS).map(write).collect()
            }
        };
        let one = |gateway: &str| format!("{}/{id}", base(gateway));
        let threads: Vec<_> = [&first.url, &second.url, &first.url, &second.url]
            .into_iter()
            .enumerate()
            .map(|(number, gateway)| scope.spawn(writer(one(gateway), number)))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let refused = statuses.iter().filter(|status| !matches!(status, 200 | 503)).count();
    assert_eq!(refused, 0, "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == 200).count() > ROUNDS, "{statuses:?}");

    let held = realm.admin(reqwest::Method::GET, &format!("/users/{id}"), None);
    for (attribute, values) in held["attributes"].as_object().unwrap() {
        assert_eq!(values.as_array().map(Vec::len), Some(1), "{attribute} has {values}");
    }
    assert_eq!(held["firstName"], held["lastName"], "fields of two writes were mixed");
    let read: Value =
        testkit::http().get(format!("{}/{id}", base(&first.url))).bearer_auth(&token).send().unwrap().json().unwrap();
    assert_eq!(read["name"]["givenName"], held["firstName"], "directory and realm agree");
    let external = read["externalId"].as_str().unwrap();
    assert_eq!(held["attributes"]["scimExternalId"], json!([external]));

    // And it is still writable.
    let patch = json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] });
    let url = format!("{}/{id}", base(&first.url));
    assert_eq!(testkit::http().patch(url).bearer_auth(&token).json(&patch).send().unwrap().status(), 200);
    assert_eq!(realm.user("ada@acme.test").unwrap()["enabled"], false);
}
