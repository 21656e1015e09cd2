//! Uniqueness is kept by the database, whichever replica is asked.

use std::sync::Barrier;

use serde_json::{Value, json};
use testkit::installation::Installation;
use testkit::keycloak::Realm;

use crate::{PROGRAM, front, host_of};

#[test]
fn of_fifty_creates_of_one_name_at_two_gateways_one_is_made_and_the_others_are_conflicts() {
    one_is_made(&Installation::on_embedded_realms(PROGRAM), "acme");
}

#[test]
fn so_they_are_where_keycloak_has_the_realm() {
    let realm = Realm::default();
    one_is_made(&Installation::on_keycloak(PROGRAM), realm.name());
}

fn one_is_made(installation: &Installation, realm: &str) {
    let (console, _control, first) = front(installation);
    let second = installation.start("gateway");
    let host = host_of(&first);
    console.make_tenant("acme", realm);
    let token = console.enable_inbound("acme");
    let base = |url: &str| format!("{url}/realms/{realm}/scim/v2");
    for (endpoint, body) in [
        ("/Users", json!({ "userName": "ada@acme.test", "externalId": "e1" })),
        ("/Groups", json!({ "displayName": "Engines" })),
    ] {
        let together = Barrier::new(50);
        let answers: Vec<(u16, Value)> = std::thread::scope(|scope| {
            let threads: Vec<_> = [&first.url, &second.url]
                .into_iter()
                .cycle()
                .take(50)
                .map(|gateway| {
                    let url = format!("{}{endpoint}", base(gateway));
                    let (together, host, token, body) = (&together, &host, &token, &body);
                    scope.spawn(move || {
                        let request = testkit::http().post(url).header("host", host).bearer_auth(token).json(body);
                        together.wait();
                        let answer = request.send().unwrap();
                        (answer.status().as_u16(), answer.json().unwrap())
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let (made, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 201);
        assert_eq!(made.len(), 1, "{made:?}");
        assert!(others.iter().all(|(status, error)| *status == 409 && error["scimType"] == "uniqueness"), "{others:?}");
        let listed = testkit::http().get(format!("{}{endpoint}", base(&second.url))).header("host", &host);
        let listed: Value = listed.bearer_auth(&token).send().unwrap().json().unwrap();
        assert_eq!((&listed["totalResults"], &listed["Resources"][0]["id"]), (&json!(1), &made[0].1["id"]));
    }
}
