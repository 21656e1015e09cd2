//! Groups, pushed where a tenant chose so: identity provider → gateway → directory → downstream.

mod refused;
pub(crate) mod stage;

use demo::sample_app::Manners;
use reqwest::Method;
use serde_json::json;
use testkit::eventually;
use testkit::network::{Canned, Fault};

use stage::{SOON, Stage};

#[test]
fn groups_are_pushed_only_where_that_was_chosen_and_only_those_that_are_touched() {
    let stage = Stage::without_groups(Manners::default());
    let ada = stage.users(1);
    let before = stage.group("Before", &ada);
    // What comes later has arrived, and more than one pass of the sweeper with it.
    stage.rename(&ada[0], "user-000", "L");
    stage.push_groups(true);
    let after = stage.group("After", &ada);
    stage.arrives(&after, "After", &ada);
    assert!(stage.record(&before).is_none(), "nobody touched it since");
    stage.push_groups(false);
    stage.patch(&format!("/Groups/{after}"), &json!([{ "op": "replace", "path": "displayName", "value": "Later" }]));
    let asked = stage.app.app().journal().len();
    stage.rename(&ada[0], "user-000", "M");
    assert_eq!(stage.app.app().journal().len(), asked + 1, "a change of a user and nothing else");
    // What changed while it was off is caught up with.
    stage.push_groups(true);
    stage.arrives(&after, "Later", &ada);
}

#[test]
fn many_members_travel_by_deltas_of_a_hundred() {
    let stage = Stage::new(Manners::default());
    let everybody = stage.users(230);
    let crew = stage.group("Crew", &everybody);
    stage.arrives(&crew, "Crew", &everybody);
    // The application refuses operations about more.
    assert_eq!((stage.asked("POST"), stage.asked("PATCH")), (1, 3));
    let change = json!([
        { "op": "replace", "path": "displayName", "value": "Everybody" },
        { "op": "replace", "path": "members", "value": [{ "value": everybody[0] }, { "value": everybody[1] }] },
    ]);
    stage.patch(&format!("/Groups/{crew}"), &change);
    stage.arrives(&crew, "Everybody", &everybody[..2]);
    assert_eq!((stage.asked("POST"), stage.asked("PATCH"), stage.asked("GET")), (1, 7, 2), "three and a name");
    // One who joins costs one request.
    let joins = json!([{ "op": "add", "path": "members", "value": [{ "value": everybody[7] }] }]);
    stage.patch(&format!("/Groups/{crew}"), &joins);
    stage.arrives(&crew, "Everybody", &[everybody[0].clone(), everybody[1].clone(), everybody[7].clone()]);
    assert_eq!((stage.asked("PATCH"), stage.asked("GET")), (8, 2));
}

#[test]
fn a_member_joins_when_its_own_record_is_there_and_leaves_when_it_is_deleted() {
    let stage = Stage::new(Manners::default());
    let ada = stage.user("ada");
    assert!(eventually(SOON, || stage.app.user("ada")).is_some());
    // Bob's name is somebody else's there: he is parked.
    let stranger = json!({ "userName": "bob", "externalId": "else" });
    let made =
        testkit::http().post(format!("{}/Users", stage.app.url())).bearer_auth(stage.app.token()).json(&stranger);
    let made: serde_json::Value = made.send().unwrap().json().unwrap();
    let bob = stage.user("bob");
    let crew = stage.group("Crew", &[ada.clone(), bob.clone()]);
    stage.arrives(&crew, "Crew", std::slice::from_ref(&ada));
    stage.app.app().forget(made["id"].as_str().unwrap());
    let retried = eventually(SOON, || {
        let (status, _) = stage.control(Method::POST, &format!("/outbound/parked/{bob}/retry"), None);
        (status == 204).then_some(())
    });
    assert!(retried.is_some(), "bob was parked");
    stage.arrives(&crew, "Crew", &[ada.clone(), bob.clone()]);
    stage.delete(&format!("/Users/{ada}"));
    stage.arrives(&crew, "Crew", &[bob]);
}

#[test]
fn a_deleted_group_is_emptied_downstream_and_never_deleted() {
    let stage = Stage::new(Manners::default());
    let everybody = stage.users(3);
    let crew = stage.group("Crew", &everybody);
    let record = stage.arrives(&crew, "Crew", &everybody);
    // The application's own people stay.
    let own = json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": "own" }] }] });
    let url = format!("{}/Groups/{}", stage.app.url(), record["id"].as_str().unwrap());
    let answer = testkit::http().patch(url).bearer_auth(stage.app.token()).json(&own).send().unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    stage.delete(&format!("/Groups/{crew}"));
    stage.arrives(&crew, "Crew", &["own".to_owned()]);
    assert_eq!(stage.asked("DELETE"), 0);
}

#[test]
fn a_strangers_group_of_the_same_name_is_not_taken_over() {
    let stage = Stage::new(Manners::default());
    let everybody = stage.users(1);
    let stranger = json!({ "displayName": "Crew", "externalId": "else" });
    let url = format!("{}/Groups", stage.app.url());
    let made = testkit::http().post(url).bearer_auth(stage.app.token()).json(&stranger).send().unwrap();
    let made: serde_json::Value = made.json().unwrap();
    let crew = stage.group("Crew", &everybody);
    let parked = eventually(SOON, || {
        let (_, panel) = stage.control(Method::GET, "/identity-sync", None);
        (panel["outbound"]["health"]["parked"] == 1).then_some(())
    });
    assert!(parked.is_some(), "{}", stage.control(Method::GET, "/identity-sync", None).1);
    assert_eq!(stage.app.app().groups().len(), 1);
    assert!(stage.record(&crew).is_none());
    // A person sees it beside users, is shown the stranger's record, and links it.
    let (_, page) = stage.control(Method::GET, "/outbound/parked", None);
    assert_eq!((&page["users"][0]["kind"], &page["users"][0]["username"]), (&json!("group"), &json!("Crew")), "{page}");
    assert_eq!(page["users"][0]["reason"], "conflict");
    let one = format!("/outbound/parked/{crew}");
    let (_, shown) = stage.control(Method::GET, &one, None);
    assert_eq!(
        (&shown["candidate"]["id"], &shown["candidate"]["display_name"]),
        (&made["id"], &json!("Crew")),
        "{shown}"
    );
    let wanted = json!({ "downstream_id": made["id"] });
    assert_eq!(stage.control(Method::POST, &format!("{one}/link"), Some(&wanted)).0, 204);
    assert_eq!(stage.arrives(&crew, "Crew", &everybody)["id"], made["id"]);
    // Another one gets a name of its own.
    let stranger = json!({ "displayName": "Staff", "externalId": "else" });
    let url = format!("{}/Groups", stage.app.url());
    testkit::http().post(url).bearer_auth(stage.app.token()).json(&stranger).send().unwrap();
    let staff = stage.group("Staff", &everybody);
    let one = format!("/outbound/parked/{staff}");
    assert!(eventually(SOON, || (stage.control(Method::GET, &one, None).0 == 200).then_some(())).is_some());
    assert_eq!(stage.control(Method::POST, &format!("{one}/ignore"), None).0, 204);
    stage.patch(&format!("/Groups/{staff}"), &json!([{ "op": "replace", "path": "displayName", "value": "Ours" }]));
    stage.arrives(&staff, "Ours", &everybody);
}

#[test]
fn a_group_whose_answers_are_lost_is_made_once_and_complete() {
    for fault in [Fault::LoseReply, Fault::WorkThenAnswer(Canned::Error(500)), Fault::WorkThenAnswer(Canned::Page(200))]
    {
        let stage = Stage::new(Manners::default());
        let everybody = stage.users(3);
        stage.network.next(fault, Some("POST"), 1);
        stage.network.next(fault, Some("PATCH"), 1);
        let crew = stage.group("Crew", &everybody);
        stage.arrives(&crew, "Crew", &everybody);
        let leaves = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", everybody[0]) }]);
        stage.network.next(fault, Some("PATCH"), 1);
        stage.patch(&format!("/Groups/{crew}"), &leaves);
        stage.arrives(&crew, "Crew", &everybody[1..]);
        assert_eq!(stage.network.hits().len(), 3, "each of them happened");
        assert_eq!(stage.app.app().groups().len(), 1, "{fault:?}");
    }
}

#[test]
fn a_member_who_left_under_a_lost_reply_does_not_stay() {
    let stage = Stage::new(Manners::default());
    let everybody = stage.users(2);
    let crew = stage.group("Crew", &[]);
    stage.arrives(&crew, "Crew", &[]);
    // Nobody hears that she joined, and nothing more gets through until she has left.
    stage.network.next(Fault::LoseReply, Some("PATCH"), 1);
    stage.network.next(Fault::Reset, None, usize::MAX);
    stage.patch(
        &format!("/Groups/{crew}"),
        &json!([{ "op": "add", "path": "members", "value": [{ "value": everybody[0] }] }]),
    );
    stage.arrives(&crew, "Crew", &everybody[..1]);
    stage.patch(
        &format!("/Groups/{crew}"),
        &json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", everybody[0]) }]),
    );
    stage.network.mend();
    stage.arrives(&crew, "Crew", &[]);
}

#[test]
fn a_group_that_is_gone_is_made_anew_with_all_its_members() {
    let stage = Stage::new(Manners::default());
    let everybody = stage.users(3);
    let crew = stage.group("Crew", &everybody);
    let record = stage.arrives(&crew, "Crew", &everybody);
    stage.app.app().forget(record["id"].as_str().unwrap());
    stage.patch(&format!("/Groups/{crew}"), &json!([{ "op": "replace", "path": "displayName", "value": "Anew" }]));
    let anew = stage.arrives(&crew, "Anew", &everybody);
    assert_ne!(anew["id"], record["id"]);
}

#[test]
fn a_member_taken_out_by_hand_or_with_its_record_stops_nothing() {
    let stage = Stage::new(Manners::default());
    let everybody = stage.users(3);
    let crew = stage.group("Crew", &everybody);
    let record = stage.arrives(&crew, "Crew", &everybody);
    // The application takes her out itself, and calls it an error to do it again.
    let by_hand = json!({ "Operations": [{ "op": "replace", "path": "members", "value": [] }] });
    let url = format!("{}/Groups/{}", stage.app.url(), record["id"].as_str().unwrap());
    let answer = testkit::http().patch(url).bearer_auth(stage.app.token()).json(&by_hand).send().unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let leaves = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", everybody[0]) }]);
    stage.patch(&format!("/Groups/{crew}"), &leaves);
    stage.arrives(&crew, "Crew", &everybody[1..]);
}

#[test]
fn whoever_leaves_a_group_that_shows_nobody_is_taken_out_whatever_happened_to_the_first_request() {
    let stage = Stage::new(Manners { members: false, ..Manners::default() });
    let everybody = stage.users(3);
    let crew = stage.group("Crew", &everybody);
    stage.arrives(&crew, "Crew", &everybody);
    let leaves = |id: &String| json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]);
    stage.network.next(Fault::Answer(Canned::Error(500)), Some("PATCH"), 1);
    stage.patch(&format!("/Groups/{crew}"), &leaves(&everybody[0]));
    stage.arrives(&crew, "Crew", &everybody[1..]);
    // Nor does she stay who leaves while nothing is sent.
    assert_eq!(stage.control(Method::POST, "/outbound/disable", None).0, 204);
    stage.patch(&format!("/Groups/{crew}"), &leaves(&everybody[1]));
    stage.enable_outbound();
    stage.arrives(&crew, "Crew", &everybody[2..]);
}

#[test]
fn of_a_group_too_long_to_be_read_whoever_is_there_is_taken_out_beside_who_is_not() {
    let stage = Stage::new(Manners::default());
    let everybody = stage.users(4);
    let crew = stage.group("Crew", &everybody);
    let record = stage.arrives(&crew, "Crew", &everybody);
    let own = stage.too_long(&record);
    // The application takes one out itself, and refuses to take out all four because of her.
    stage.by_hand(
        &record,
        &json!([{ "op": "remove", "path": format!("members[value eq {}]", stage.theirs(&everybody[0])) }]),
    );
    stage.patch(&format!("/Groups/{crew}"), &json!([{ "op": "remove", "path": "members" }]));
    stage.arrives(&crew, "Crew", &own);
}

#[test]
fn of_a_group_too_long_to_be_read_whoever_a_late_write_puts_back_is_taken_out_again() {
    let stage = Stage::new(Manners::default());
    let everybody = stage.users(1);
    let crew = stage.group("Crew", &[]);
    let record = stage.arrives(&crew, "Crew", &[]);
    let own = stage.too_long(&record);
    let (alone, with_her) = (own.clone(), [own, everybody.clone()].concat());
    // That she joins is on its way for long; she joins by another request, and leaves.
    stage.network.next(Fault::Held, Some("PATCH"), 1);
    stage.patch(
        &format!("/Groups/{crew}"),
        &json!([{ "op": "add", "path": "members", "value": [{ "value": everybody[0] }] }]),
    );
    stage.arrives(&crew, "Crew", &with_her);
    stage.patch(
        &format!("/Groups/{crew}"),
        &json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", everybody[0]) }]),
    );
    stage.arrives(&crew, "Crew", &alone);
    stage.network.release();
    stage.arrives(&crew, "Crew", &with_her);
    stage.arrives(&crew, "Crew", &alone);
}

#[test]
fn an_application_without_patch_gets_the_whole_group_and_keeps_its_own_people() {
    let stage = Stage::new(Manners { patches: false, ..Manners::default() });
    let everybody = stage.users(120);
    let crew = stage.group("Crew", &everybody);
    let record = stage.arrives(&crew, "Crew", &everybody);
    let mut own = record.clone();
    own["members"].as_array_mut().unwrap().push(json!({ "value": "own" }));
    let url = format!("{}/Groups/{}", stage.app.url(), record["id"].as_str().unwrap());
    let answer = testkit::http().put(url).bearer_auth(stage.app.token()).json(&own).send().unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let leaves = json!([{ "op": "replace", "path": "members", "value": [{ "value": everybody[5] }] }]);
    stage.patch(&format!("/Groups/{crew}"), &leaves);
    stage.arrives(&crew, "Crew", &[everybody[5].clone(), "own".to_owned()]);
}

#[test]
fn an_application_without_filters_or_without_groups_delays_no_user() {
    let stage = Stage::new(Manners { filters: false, ..Manners::default() });
    let everybody = stage.users(2);
    stage.network.next(Fault::LoseReply, Some("POST"), 1);
    let crew = stage.group("Crew", &everybody);
    assert!(eventually(SOON, || stage.record(&crew)).is_some());
    let without = Stage::new(Manners { groups: false, ..Manners::default() });
    let everybody = without.users(1);
    without.group("Crew", &everybody);
    assert!(eventually(SOON, || (without.asked("GET") > 2).then_some(())).is_some(), "it is asked for again and again");
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    without.patch(&format!("/Users/{}", everybody[0]), &off);
    assert!(eventually(SOON, || without.app.user("user-000").filter(|user| user["active"] == false)).is_some());
}

#[test]
fn after_a_new_enable_nobody_joins_under_a_record_that_is_not_shown_to_be_theirs() {
    let stage = Stage::new(Manners::default());
    let everybody = stage.users(3);
    let crew = stage.group("Crew", &everybody[..1]);
    stage.arrives(&crew, "Crew", &everybody[..1]);
    assert_eq!(stage.control(Method::POST, "/outbound/disable", None).0, 204);
    // Meanwhile one record becomes somebody else's, and one goes.
    let users = stage.app.app().users();
    let record = |id: &str| users.iter().find(|user| user["externalId"] == json!(id)).unwrap()["id"].clone();
    let url = format!("{}/Users/{}", stage.app.url(), record(&everybody[1]).as_str().unwrap());
    let taken = json!({ "userName": "else", "externalId": "else" });
    let answer = testkit::http().put(url).bearer_auth(stage.app.token()).json(&taken).send().unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    stage.app.app().forget(record(&everybody[2]).as_str().unwrap());
    stage.enable_outbound();
    let joins =
        json!([{ "op": "add", "path": "members", "value": [{ "value": everybody[1] }, { "value": everybody[2] }] }]);
    stage.patch(&format!("/Groups/{crew}"), &joins);
    // Both get records of their own, and join under those.
    let group = stage.arrives(&crew, "Crew", &everybody);
    let members = group["members"].as_array().unwrap();
    assert!(!members.iter().any(|member| member["value"] == record(&everybody[1])), "{members:?}");
}
