//! Groups on the wire: who is in them, from both sides.

use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::unique;

use super::wire::{Tenant, at_once};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("groups"))
}

fn add(id: &str) -> Value {
    json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[test]
fn of_thirty_adds_at_once_none_is_lost() {
    let ids = tenant().users(30);
    let (group, _) = tenant().group(&[]);
    at_once(30, |number| tenant().patch(&group, &add(&ids[number])).expect(200));
    assert_eq!(sorted(tenant().get(&group).values("members")), sorted(ids.clone()));
    at_once(30, |number| {
        let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[number]) }]);
        let operations = if number % 2 == 0 { remove } else { add(&ids[number]) };
        tenant().patch(&group, &operations).expect(200)
    });
    let odd: Vec<String> = ids.iter().skip(1).step_by(2).cloned().collect();
    assert_eq!(sorted(tenant().get(&group).values("members")), sorted(odd));
}

#[test]
fn a_user_shows_the_groups_it_is_in() {
    let (user, _) = tenant().user(&json!({ "groups": [{ "value": "made-up" }] }));
    let id = user["/Users/".len()..].to_owned();
    assert!(tenant().get(&user).body.get("groups").is_none());
    let (one, first) = tenant().group(std::slice::from_ref(&id));
    let (two, _) = tenant().group(&[]);
    tenant().patch(&two, &add(&id)).expect(200);
    let read = tenant().get(&user).expect(200);
    assert_eq!(read.values("groups"), [&one["/Groups/".len()..], &two["/Groups/".len()..]]);
    assert_eq!(
        read.body["groups"][0],
        json!({ "value": one["/Groups/".len()..], "$ref": format!("{}{one}", tenant().base), "display": first, "type": "direct" })
    );
    for change in
        [json!([{ "op": "replace", "path": "groups", "value": [] }]), json!([{ "op": "remove", "path": "groups" }])]
    {
        tenant().patch(&user, &change).refused(400, Some("mutability"));
    }
    let mut whole = read.body.clone();
    whole["groups"] = json!([]);
    assert_eq!(tenant().put(&user, &whole).expect(200).body["groups"], read.body["groups"]);
    assert_eq!(
        tenant().find("/Users", &format!("groups.value eq \"{}\" and userName pr", &one["/Groups/".len()..])).total(),
        1
    );
    let renamed = unique("renamed");
    tenant().patch(&one, &json!([{ "op": "replace", "path": "displayName", "value": renamed }])).expect(200);
    assert_eq!(tenant().get(&user).body["groups"][0]["display"], renamed);
    tenant().delete(&one).expect(204);
    assert_eq!(tenant().get(&user).values("groups"), [&two["/Groups/".len()..]]);
    assert!(tenant().get(&format!("{user}?attributes=userName")).body.get("groups").is_none());
}

#[test]
fn circles_of_any_length_are_refused() {
    let groups: Vec<String> = (0..4).map(|_| tenant().group(&[]).0["/Groups/".len()..].to_owned()).collect();
    for pair in groups.windows(2) {
        tenant().patch(&format!("/Groups/{}", pair[0]), &add(&pair[1])).expect(200);
    }
    for closing in [&groups[0], &groups[1], &groups[3]] {
        tenant().patch(&format!("/Groups/{}", groups[3]), &add(closing)).refused(400, Some("invalidValue"));
    }
    // Two halves of a circle at once: at most one of them.
    let (one, two) =
        (tenant().group(&[]).0["/Groups/".len()..].to_owned(), tenant().group(&[]).0["/Groups/".len()..].to_owned());
    let pairs = [(&one, &two), (&two, &one)];
    let replies =
        at_once(2, |number| tenant().patch(&format!("/Groups/{}", pairs[number].0), &add(pairs[number].1)).status);
    assert!(replies.iter().all(|status| *status == 200 || *status == 400), "{replies:?}");
    assert!(replies.contains(&400), "both halves: {replies:?}");
}

#[test]
fn strict_members_refuses_strangers_and_changes_nothing() {
    let strict = Tenant::with("strict", json!({ "strict_members": true }));
    let ids = strict.users(2);
    let stranger = uuid::Uuid::new_v4().to_string();
    let (group, name) = strict.group(&ids[..1]);
    for id in [stranger.as_str(), "not-an-id", "1"] {
        let both = json!([{ "value": ids[1] }, { "value": id }]);
        strict
            .patch(&group, &json!([{ "op": "add", "path": "members", "value": both }]))
            .refused(400, Some("invalidValue"));
        strict.put(&group, &json!({ "displayName": name, "members": both })).refused(400, Some("invalidValue"));
        strict
            .post("/Groups", &json!({ "displayName": unique("g"), "members": both }))
            .refused(400, Some("invalidValue"));
    }
    assert_eq!(strict.get(&group).values("members"), ids[..1]);
    let twice = json!([{ "op": "add", "path": "members", "value": [{ "value": ids[1] }, { "value": ids[1] }] }]);
    assert_eq!(strict.patch(&group, &twice).expect(200).values("members"), ids);
    // Removing a stranger is a success all the same.
    strict.patch(&group, &json!([{ "op": "remove", "path": format!("members[value eq \"{stranger}\"]") }])).expect(200);
}

#[test]
fn members_are_named_in_every_form_and_kept_once() {
    let ids = tenant().users(3);
    let (group, _) = tenant().group(&[]);
    for value in [
        json!({ "value": ids[0] }),
        json!([{ "value": ids[0] }, { "value": ids[0], "type": "User", "$ref": null, "display": null }]),
        json!([ids[0]]),
        json!(ids[0]),
    ] {
        let reply = tenant().patch(&group, &json!([{ "op": "Add", "path": "members", "value": value }])).expect(200);
        assert_eq!(reply.values("members"), ids[..1], "{value}");
        let member = &reply.body["members"][0];
        assert_eq!(
            (&member["type"], &member["$ref"]),
            (&json!("User"), &json!(format!("{}/Users/{}", tenant().base, ids[0])))
        );
    }
    tenant()
        .patch(
            &group,
            &json!([{ "op": "add", "path": "members", "value": [{ "value": ids[1] }, { "value": ids[2] }] }]),
        )
        .expect(200);
    let two = format!("members[value eq \"{}\" or value eq \"{}\"]", ids[0], ids[1]);
    assert_eq!(
        tenant().patch(&group, &json!([{ "op": "remove", "path": two }])).expect(200).values("members"),
        ids[2..]
    );
    tenant().patch(&group, &json!([{ "op": "replace", "path": "displayName", "value": unique("r") }, { "op": "add", "path": "externalId", "value": unique("e") }])).expect(200);
    assert_eq!(tenant().get(&group).values("members"), ids[2..], "a rename empties nothing");
    tenant().patch(&group, &json!([{ "op": "remove", "path": "members[type eq \"User\"]" }])).expect(200);
    assert!(tenant().get(&group).values("members").is_empty());
    for value in
        [json!([{ "display": "x" }]), json!([5]), json!([{ "value": 5 }]), json!([{ "value": "" }]), json!([[]])]
    {
        tenant()
            .patch(&group, &json!([{ "op": "add", "path": "members", "value": value }]))
            .refused(400, Some("invalidValue"));
    }
}
