//! Realms that are taken for others, on the real Keycloak: renamed, restored, recreated under the same name with our client
//! in it, or reached by a wrong route. None of that deletes or deactivates anybody, and all of it is answered with 503 (K14).

use reqwest::Method;
use serde_json::{Value, json};
use testkit::faulty_keycloak::{Call, Fault, FaultyKeycloak};
use testkit::keycloak::Realm;
use testkit::{eventually, unique};

use crate::scene::{SOON, Scene, patch};

/// Few enough to be believed, were it not for who says that they are gone.
const FEW: usize = 5;

/// A tenant with a few people, one of them in a group.
struct Cast {
    scene: Scene,
    people: Vec<String>,
    group: String,
}

impl Cast {
    fn of(scene: Scene) -> Self {
        let people: Vec<String> = (0..FEW).map(|number| scene.made(&format!("u{number}@acme.test"))).collect();
        let group = json!({ "displayName": "Guides", "members": [{ "value": people[0] }] });
        let (status, made) = scene.send(Method::POST, "/Groups", &group);
        assert_eq!(status, 201, "{made}");
        Self { group: made["id"].as_str().unwrap().to_owned(), scene, people }
    }

    /// Everybody and every group is looked for in the realm.
    fn looked_for(&self) {
        let scene = &self.scene;
        scene.sql("update ledger set dirty_seq = dirty_seq + 1, check_roles = true, triage_at = 0");
        scene.sql("update directory_group set look_at = 1");
        scene.sql("update realm_watch set reread_at = null, compare_wanted = true, survey_at = null, next_poll_at = 0");
    }

    /// Whatever needs the realm is refused for now.
    fn is_refused(&self) {
        let (user, group) = (format!("/Users/{}", self.people[0]), format!("/Groups/{}", self.group));
        let rename = patch("displayName", &json!(unique("Guards")));
        for (method, path, body) in [
            (Method::PATCH, user.as_str(), patch("name.givenName", &json!(unique("Refused")))),
            (Method::PATCH, user.as_str(), patch("active", &json!(false))),
            (Method::DELETE, user.as_str(), Value::Null),
            (Method::POST, "/Users", json!({ "userName": unique("new") })),
            (Method::PATCH, group.as_str(), rename),
            (Method::DELETE, group.as_str(), Value::Null),
        ] {
            let answer = self.scene.ask(method.clone(), path, &body).unwrap();
            assert_eq!((answer.status, answer.retry_after.is_some()), (503, true), "{method} {path}: {answer:?}");
        }
    }

    /// Everybody and the group are there as they were.
    fn nobody_is_missed(&self) {
        for id in &self.people {
            let (status, user) = self.scene.get(&format!("/Users/{id}"));
            assert_eq!((status, &user["active"]), (200, &json!(true)), "{user}");
        }
        let (status, group) = self.scene.get(&format!("/Groups/{}", self.group));
        assert_eq!((status, &group["members"][0]["value"]), (200, &json!(self.people[0])), "{group}");
        let people = self.people.join("', '");
        let gone = format!("select count(*) from ledger where gone_at is not null and user_id in ('{people}')");
        assert_eq!(self.scene.sql(&gone), "0");
    }

    /// The realm is reached again, and everything goes on.
    fn goes_on(&self) {
        self.scene.leases_run_out();
        let change = patch("name.givenName", &json!(unique("Ada")));
        for id in &self.people {
            let path = format!("/Users/{id}");
            let changed = eventually(SOON, || (self.scene.send(Method::PATCH, &path, &change).0 == 200).then_some(()));
            assert!(changed.is_some(), "{}", self.scene.installation.logs());
        }
        // What was put off for a minute is due.
        let settled = eventually(SOON, || {
            self.scene.sql("update ledger set triage_at = 0 where dirty_seq > seen_seq");
            self.scene.sql("update directory_group set look_at = 1 where look_at is not null");
            (self.scene.sql("select count(*) from ledger where dirty_seq > seen_seq") == "0").then_some(())
        });
        assert!(settled.is_some(), "{}", self.scene.installation.logs());
        self.nobody_is_missed();
    }

    fn was_noted(&self, class: &str) {
        let noted = eventually(SOON, || (self.scene.noted(class) > 0).then_some(()));
        assert!(noted.is_some(), "{class}: {}", self.scene.installation.logs());
    }

    fn waits_for_triage(&self) {
        let waits = eventually(SOON, || self.scene.installation.logs().contains("triage waits").then_some(()));
        assert!(waits.is_some(), "{}", self.scene.installation.logs());
    }
}

#[test]
fn a_route_that_leads_to_another_realm_costs_nobody_an_account_and_writes_nothing_there() {
    let keycloak = FaultyKeycloak::default();
    let cast = Cast::of(Scene::behind(&keycloak));
    let (own, other) = (cast.scene.realm.name().to_owned(), Realm::default());
    // As a copy of an installation has it: our client is there, with the same secret.
    other.admin(Method::POST, "/roles", Some(&json!({ "name": "scim-managed" })));
    other.take_us_in(&cast.scene.realm.secret_of_ours());
    keycloak.route(&own, other.name());
    cast.looked_for();
    cast.is_refused();
    cast.was_noted("foreign_realm");
    cast.nobody_is_missed();
    assert_eq!((other.count(), other.admin(Method::GET, "/groups", None)), (0, json!([])));
    keycloak.route(&own, &own);
    cast.goes_on();
}

#[test]
fn a_realm_recreated_with_our_client_in_it_is_not_taken_for_the_old_one() {
    let cast = Cast::of(Scene::new(Realm::default()));
    let secret = cast.scene.realm.secret_of_ours();
    cast.scene.realm.recreate();
    cast.scene.realm.admin(Method::POST, "/roles", Some(&json!({ "name": "scim-managed" })));
    cast.scene.realm.take_us_in(&secret);
    cast.looked_for();
    cast.is_refused();
    cast.was_noted("foreign_realm");
    cast.scene.looked_after();
    cast.nobody_is_missed();
    assert_eq!(cast.scene.realm.count(), 0);
    // An operator's word takes it, on every replica.
    cast.scene.installation.run(&["tenant", "move", "acme", "--cluster", "default", "--yes"]);
    let made = || cast.scene.send(Method::POST, "/Users", &json!({ "userName": "new@acme.test" })).0;
    let taken = eventually(SOON, || (made() == 201).then_some(()));
    assert!(taken.is_some(), "{}", cast.scene.installation.logs());
    assert!(cast.scene.realm.user("new@acme.test").is_some());
}

#[test]
fn a_realm_that_is_renamed_loses_nobody_and_is_found_under_its_new_name() {
    let mut cast = Cast::of(Scene::new(Realm::default()));
    let name = unique("renamed");
    cast.scene.realm.rename(&name);
    cast.looked_for();
    cast.is_refused();
    cast.waits_for_triage();
    cast.nobody_is_missed();
    assert_eq!(cast.scene.sql("select count(*) from absence"), "0");
    let move_it = ["tenant", "move", "acme", "--cluster", "default", "--realm", &name, "--yes"];
    cast.scene.base = cast.scene.installation.run(&move_it);
    cast.goes_on();
}

#[test]
fn only_the_realms_own_word_about_a_user_is_believed_and_only_of_the_realm_we_know() {
    let keycloak = FaultyKeycloak::default();
    let cast = Cast::of(Scene::behind(&keycloak));
    let of_people = |call: &Call| call.path.contains("/users/") || call.path.contains("/groups/");
    for said in [r#"{"error":"HTTP 404 Not Found"}"#, r#"{"error":"Realm not found."}"#, "no JSON at all"] {
        let rule = keycloak.on(Fault::Say(404, said), of_people);
        cast.looked_for();
        rule.wait_for(2 * FEW);
        cast.is_refused();
        rule.lift();
        cast.goes_on();
    }
    // Its own words, and yet another realm: somebody answers for it while our token is good.
    let own = format!("/admin/realms/{}", cast.scene.realm.name());
    let nobody = keycloak.on(Fault::Say(404, r#"{"error":"User not found"}"#), |call| call.path.contains("/users/"));
    let no_group = keycloak
        .on(Fault::Say(404, r#"{"error":"Could not find group by id"}"#), |call| call.path.contains("/groups/"));
    let another = r#"{"id":"00000000-0000-0000-0000-00000000dead"}"#;
    let identity = keycloak.on(Fault::Say(200, another), move |call| call.path == own);
    cast.looked_for();
    identity.wait_for(2 * FEW);
    cast.nobody_is_missed();
    cast.was_noted("foreign_realm");
    assert_eq!(cast.scene.sql("select count(*) from absence"), "0");
    for rule in [nobody, no_group, identity] {
        rule.lift();
    }
    cast.goes_on();
}

#[test]
fn a_realm_restored_from_before_has_users_and_groups_that_it_lacks_wait_for_a_word() {
    let scene = Scene::new(Realm::default());
    let old = scene.made("old@acme.test");
    let backup = scene.realm.backup();
    let make = |number: usize| {
        let (status, group) = scene.send(Method::POST, "/Groups", &json!({ "displayName": format!("Group {number}") }));
        assert_eq!(status, 201, "{group}");
        (scene.made(&format!("u{number}@acme.test")), group["id"].as_str().unwrap().to_owned())
    };
    let (people, groups): (Vec<String>, Vec<String>) = (0..22).map(make).unzip();
    scene.realm.restore(&backup);
    scene.installation.run(&["realm", "compare", "acme"]);
    for table in ["absence", "group_absence"] {
        scene.until_sql(&format!("select count(*) from {table}"), "22");
    }
    let total = |path: &str| scene.get(&format!("{path}?count=0")).1["totalResults"].as_u64().unwrap();
    let shows = |text: &str| {
        let shown = eventually(SOON, || (scene.installation.run(&["held", "show", "acme"]) == text).then_some(()));
        assert!(shown.is_some(), "{}", scene.installation.run(&["held", "show", "acme"]));
    };
    shows("deactivations\t0\nabsences\t22\ngroups\t22");
    // Who asks for one of them is asked to come again: nobody has said that it is gone.
    for (path, change) in [
        (format!("/Users/{}", people[0]), patch("name.givenName", &json!("Ada"))),
        (format!("/Groups/{}", groups[0]), patch("displayName", &json!("Other"))),
    ] {
        let answer = scene.ask(Method::PATCH, &path, &change).unwrap();
        assert_eq!((answer.status, answer.retry_after.is_some()), (503, true), "{path}: {answer:?}");
    }
    let path = format!("/Users/{old}");
    let kept = eventually(SOON, || {
        (scene.send(Method::PATCH, &path, &patch("name.givenName", &json!("Old"))).0 == 200).then_some(())
    });
    assert!(kept.is_some(), "who was there before is served: {}", scene.installation.logs());
    scene.until_sql("select count(*) from directory_group where look_at is not null", "22");
    assert_eq!((total("/Users"), total("/Groups"), scene.noted("absences_held")), (23, 22, 1));
    // Each kind has a word of its own.
    let said = scene.installation.run(&["held", "confirm", "acme", "groups", "--yes"]);
    assert_eq!(said, "decided about 22 groups");
    for id in &groups {
        scene.becomes(&format!("/Groups/{id}"), 404);
    }
    assert_eq!(total("/Users"), 23);
    shows("deactivations\t0\nabsences\t22\ngroups\t0");
    let (status, refused) =
        scene.console.call(Method::POST, "/tenants/acme/outbound/held/absences/confirm", Some(&json!({ "users": 21 })));
    assert_eq!((status, &refused["code"]), (409, &json!("stale")), "{refused}");
    scene.installation.run(&["held", "confirm", "acme", "absences", "--yes"]);
    for id in &people {
        scene.becomes(&format!("/Users/{id}"), 404);
    }
    assert_eq!(total("/Users"), 1);
}

#[test]
fn who_leaves_a_group_that_a_wrong_backup_lacks_is_out_of_it_when_the_right_one_is_back() {
    let scene = Scene::new(Realm::default());
    let ada = scene.made("ada@acme.test");
    let wrong = scene.realm.backup();
    let make = |number: usize| {
        let group = json!({ "displayName": format!("Group {number}"), "members": [{ "value": ada }] });
        let (status, made) = scene.send(Method::POST, "/Groups", &group);
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let groups: Vec<String> = (0..22).map(make).collect();
    let right = scene.realm.backup();
    scene.realm.restore(&wrong);
    scene.installation.run(&["realm", "compare", "acme"]);
    scene.until_sql("select count(*) from group_absence", "22");
    let (id, path) = (&groups[0], format!("/Groups/{}", groups[0]));
    let leave = json!({ "Operations": [{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }] });
    let pending = format!("select count(*) from membership where group_id = '{id}' and state = 'pending'");
    // However often it is asked for, and whoever tells it: the realm has not taken it.
    let nobody = json!({ "displayName": "Group 0", "members": [] });
    for (method, body) in [(Method::PATCH, &leave), (Method::PATCH, &leave), (Method::PUT, &nobody)] {
        let answer = scene.ask(method, &path, body).unwrap();
        assert_eq!((answer.status, answer.retry_after.is_some()), (503, true), "{answer:?}");
        assert_eq!(scene.sql(&pending), "1");
    }
    scene.sql(&format!("update directory_group set look_at = null where id = '{id}'"));
    scene.leases_run_out();
    scene.until_sql(&format!("select look_at is not null from directory_group where id = '{id}'"), "t");
    assert_eq!(scene.sql(&pending), "1");

    scene.realm.restore(&right);
    for group in &groups {
        scene.realm.admin(Method::PUT, &format!("/users/{ada}/groups/{group}"), None);
    }
    scene.installation.run(&["realm", "compare", "acme"]);
    let told = eventually(SOON, || {
        scene.sql("update directory_group set look_at = 1 where look_at is not null");
        scene.leases_run_out();
        let missed = scene.sql("select count(*) from group_absence");
        (scene.sql(&pending) == "0" && missed == "0").then_some(())
    });
    assert!(told.is_some(), "{}", scene.installation.logs());
    let held = scene.realm.admin(Method::GET, &format!("/users/{ada}/groups?max=100"), None);
    let held: Vec<&str> = held.as_array().unwrap().iter().map(|group| group["id"].as_str().unwrap()).collect();
    assert!(held.len() == 21 && !held.contains(&id.as_str()), "{held:?}");
    assert_eq!(scene.get(&path).1["members"].as_array().map_or(0, Vec::len), 0);
    assert_eq!(scene.get(&format!("/Groups/{}", groups[1])).1["members"][0]["value"], ada);
}
