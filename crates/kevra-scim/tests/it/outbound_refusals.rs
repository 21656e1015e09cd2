//! Refusals that are one user's own, and whom they keep waiting: nobody else.

use demo::sample_app::Manners;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::network::{Canned, Fault};

use crate::outbound_groups::stage::{SOON, Stage};

/// A user who is parked, as a person is shown.
fn parked(stage: &Stage, id: &str) -> Value {
    let one = || {
        let (status, shown) = stage.control(Method::GET, &format!("/outbound/parked/{id}"), None);
        (status == 200).then_some(shown)
    };
    eventually(SOON, one).unwrap_or_else(|| panic!("nobody was parked: {:?}", stage.app.app().journal()))
}

fn family(name: &str) -> Value {
    json!([{ "op": "replace", "path": "name.familyName", "value": name }])
}

#[test]
fn a_user_whom_nobody_may_change_is_parked_and_everybody_else_goes_on() {
    let stage = Stage::without_groups(Manners::default());
    let everybody = stage.users(4);
    let owner = stage.theirs(&everybody[0]);
    stage.app.app().breaks(owner.as_str().unwrap(), Some(403));
    for id in &everybody {
        stage.patch(&format!("/Users/{id}"), &family("Changed"));
    }
    for name in ["user-001", "user-002", "user-003"] {
        let wanted = json!({ "familyName": "Changed" });
        let there = eventually(SOON, || stage.app.user(name).filter(|user| user.get("name") == Some(&wanted)));
        assert!(there.is_some(), "{name} waits for the owner: {:?}", stage.app.app().journal());
    }
    let shown = parked(&stage, &everybody[0]);
    assert_eq!((&shown["reason"], &shown["status"]), (&json!("rejected"), &json!(403)), "{shown}");
    // A deactivation goes before everything else, and keeps nobody waiting either.
    stage.patch(&format!("/Users/{}", everybody[0]), &json!([{ "op": "replace", "path": "active", "value": false }]));
    stage.rename(&everybody[1], "user-001", "Later");
    parked(&stage, &everybody[0]);
    let (_, panel) = stage.control(Method::GET, "/identity-sync", None);
    assert_eq!(panel["outbound"]["quarantined_at"], Value::Null, "{panel}");
    stage.app.app().breaks(owner.as_str().unwrap(), None);
    let retry = format!("/outbound/parked/{}/retry", everybody[0]);
    assert!(eventually(SOON, || (stage.control(Method::POST, &retry, None).0 == 204).then_some(())).is_some());
    assert!(eventually(SOON, || stage.app.user("user-000").filter(|user| user["active"] == false)).is_some());
}

#[test]
fn a_change_that_collides_is_shown_with_the_other_record_and_never_with_its_own() {
    let stage = Stage::without_groups(Manners { unique: false, ..Manners::default() });
    let everybody = stage.users(2);
    let stranger = json!({ "userName": "user-000", "externalId": "else" });
    let users = format!("{}/Users", stage.app.url());
    let made = testkit::http().post(users).bearer_auth(stage.app.token()).json(&stranger).send().unwrap();
    let stranger = made.json::<Value>().unwrap()["id"].clone();
    let collides = |id: &String| {
        let own = stage.theirs(id);
        stage.network.always(Fault::Answer(Canned::Error(409)), "PATCH", own.as_str().unwrap());
        stage.edit(id, &json!({ "last_name": "Changed" }));
        let shown = parked(&stage, id);
        assert_eq!((&shown["reason"], &shown["status"]), (&json!("conflict"), &json!(409)), "{shown}");
        shown["candidate"]["id"].clone()
    };
    let link = |id: &String, to: &Value| {
        let wanted = json!({ "downstream_id": to });
        stage.control(Method::POST, &format!("/outbound/parked/{id}/link"), Some(&wanted))
    };
    // Nobody else has this name: there is nothing to link.
    let own = stage.theirs(&everybody[1]);
    assert_eq!(collides(&everybody[1]), Value::Null);
    let (status, refused) = link(&everybody[1], &own);
    assert_eq!((status, &refused["code"]), (409, &json!("stale")), "{refused}");
    assert_eq!(collides(&everybody[0]), stranger);
    assert_eq!(link(&everybody[0], &stranger).0, 204);
    let ours = || {
        let users = stage.app.app().users();
        let adopted = users.iter().find(|user| user["id"] == stranger)?;
        (adopted["externalId"] == json!(everybody[0])).then_some(())
    };
    assert!(eventually(SOON, ours).is_some(), "{:?}", stage.app.app().users());
}
