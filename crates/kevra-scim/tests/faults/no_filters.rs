//! A downstream that takes no filters and the same userName twice: a create of unknown fate is found again by walking
//! through everybody (K21).

use demo::sample_app::Manners;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::network::{Canned, Fault};

use crate::scene::{SOON, Scene};

/// More than two pages.
const STRANGERS: usize = 450;

#[test]
fn a_create_whose_reply_is_lost_is_found_among_hundreds_without_filters() {
    let scene = Scene::with(Manners { unique: false, filters: false, ..Manners::default() });
    let (http, url) = (testkit::http(), format!("{}/Users", scene.downstream.url()));
    for number in 0..STRANGERS {
        let stranger = json!({ "userName": format!("stranger-{number}") });
        let made = http.request(Method::POST, &url).bearer_auth(scene.downstream.token()).json(&stranger).send();
        assert_eq!(made.unwrap().status(), 201);
    }
    for (fault, name) in [
        (Fault::LoseReply, "lost@acme.test"),
        (Fault::CutReply, "cut@acme.test"),
        (Fault::WorkThenAnswer(Canned::Empty(201)), "nameless@acme.test"),
        (Fault::WorkThenAnswer(Canned::Error(502)), "failed@acme.test"),
    ] {
        let before = scene.downstream.app().journal().len();
        scene.network.next(fault, Some("POST"), 1);
        let id = scene.newcomer(name);
        // The first change shows that the record is linked.
        scene.rename(&id, "Linked");
        let linked = eventually(SOON, || scene.is_named(name, "Linked").then_some(()));
        assert!(linked.is_some(), "{fault:?}: {}", scene.installation.logs());
        let mine = |user: &serde_json::Map<String, Value>| user.get("externalId") == Some(&json!(id));
        assert_eq!(scene.downstream.app().users().iter().filter(|user| mine(user)).count(), 1, "{fault:?}");
        let journal = scene.downstream.app().journal();
        let asked = |method: &str, path: &str| {
            journal[before..].iter().filter(|entry| entry.method == method && entry.path == path).count()
        };
        assert_eq!(asked("POST", "/Users"), 1, "{fault:?}: made once");
        assert!((1..=12).contains(&asked("GET", "/Users")), "{fault:?}: looked for page by page");
    }
}
