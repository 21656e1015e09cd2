//! Many writers at once: nothing is lost, nothing is half done, nobody is there twice.

use std::sync::OnceLock;

use serde_json::json;
use testkit::unique;

use super::wire::{Tenant, at_once};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("races"))
}

const NAMES: [&str; 10] = [
    "title",
    "nickName",
    "displayName",
    "userType",
    "locale",
    "timezone",
    "preferredLanguage",
    "profileUrl",
    "externalId",
    "name.givenName",
];

#[test]
fn changes_of_different_attributes_at_once_are_all_kept() {
    let (path, _) = tenant().user(&json!({}));
    let value = unique("v");
    at_once(20, |number| {
        let operation = if number < 10 {
            json!({ "op": "replace", "path": NAMES[number], "value": value })
        } else {
            json!({ "op": "add", "path": "emails", "value": [{ "value": format!("{number}@acme.test"), "type": format!("t{number}") }] })
        };
        tenant().patch(&path, &json!([operation])).expect(200)
    });
    let read = tenant().get(&path).expect(200);
    for name in &NAMES[..9] {
        assert_eq!(read.body[name], value, "{name}");
    }
    assert_eq!((read.body["name"]["givenName"].as_str(), read.values("emails").len()), (Some(value.as_str()), 10));
    assert_eq!(read.version(), "W/\"21\"", "one version for each change");
}

#[test]
fn of_many_changes_that_name_the_same_version_one_is_done() {
    let (path, _) = tenant().user(&json!({}));
    let version = tenant().get(&path).version().to_owned();
    let statuses = at_once(20, |number| {
        let body =
            json!({ "Operations": [{ "op": "replace", "path": "title", "value": format!("t{number}") }] }).to_string();
        let request =
            tenant().request("PATCH", &path).header("if-match", &version).header("content-type", "application/json");
        request.body(body).send().unwrap().status().as_u16()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 19, "{statuses:?}");
}

#[test]
fn a_put_and_a_patch_at_once_are_one_after_the_other() {
    for _ in 0..5 {
        let (path, name) = tenant().user(&json!({ "title": "old", "nickName": "old" }));
        at_once(2, |number| match number {
            0 => tenant().put(&path, &json!({ "userName": name, "title": "put" })).expect(200),
            _ => tenant().patch(&path, &json!([{ "op": "replace", "path": "nickName", "value": "patch" }])).expect(200),
        });
        let read = tenant().get(&path).expect(200);
        assert_eq!((&read.body["title"], read.version()), (&json!("put"), "W/\"3\""));
        assert!(read.body.get("nickName").is_none_or(|nick| nick == "patch"), "{}", read.text);
    }
}

#[test]
fn creates_and_deletes_of_one_name_leave_one_or_none() {
    let name = unique("flicker");
    let statuses = at_once(12, |number| {
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let made = tenant().post("/Users", &json!({ "userName": name, "externalId": name }));
            statuses.push(made.status);
            if made.status == 201 && number % 2 == 0 {
                statuses.push(tenant().delete(&format!("/Users/{}", made.id())).status);
            }
        }
        statuses
    });
    assert!(statuses.iter().flatten().all(|status| [201, 204, 409].contains(status)), "{statuses:?}");
    let count = |code: u16| statuses.iter().flatten().filter(|status| **status == code).count() as u64;
    let left = tenant().find("/Users", &format!("userName eq \"{name}\"")).total();
    assert_eq!(left, count(201) - count(204));
    assert!(left <= 1);
}

#[test]
fn who_is_deleted_while_becoming_a_member_is_a_ghost_nowhere() {
    for _ in 0..10 {
        let ids = tenant().users(4);
        let (group, _) = tenant().group(&[]);
        at_once(8, |number| {
            let id = &ids[number / 2];
            let status = if number % 2 == 0 {
                tenant().delete(&format!("/Users/{id}")).expect(204).status
            } else {
                let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
                tenant().patch(&group, &add).expect(200).status
            };
            assert!(status < 300);
        });
        assert!(tenant().get(&group).values("members").is_empty(), "all of them are gone");
    }
}

#[test]
fn a_rename_onto_a_name_that_is_being_created_has_one_winner() {
    for _ in 0..5 {
        let (path, _) = tenant().user(&json!({}));
        let name = unique("wanted");
        let statuses = at_once(2, |number| match number {
            0 => tenant().post("/Users", &json!({ "userName": name })).status,
            _ => tenant().patch(&path, &json!([{ "op": "replace", "path": "userName", "value": name }])).status,
        });
        let won = statuses.iter().filter(|status| **status < 300).count();
        assert!(won == 1 && statuses.iter().all(|status| *status < 300 || *status == 409), "{statuses:?}");
        assert_eq!(tenant().find("/Users", &format!("userName eq \"{name}\"")).total(), 1);
    }
}
