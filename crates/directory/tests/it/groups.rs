use std::sync::{Arc, Mutex};

use directory::group::{self, Commit, Group};
use directory::ledger;
use directory::look;
use directory::member::{self, Change, Lacking};
use directory::reservation::{self, Reservation, Reserved};
use directory::resource::{self, Kind};
use directory::user::{self, LogOut};
use directory::writing::Claim;
use futures_util::future::join_all;
use registry::{BearerToken, TenantId};
use scim::Object;
use serde_json::json;
use testkit::store::Store;
use uuid::Uuid;

use crate::{admitted, made};

testkit::on_both_databases!(
    of_many_groups_of_one_name_one_is_made,
    members_change_by_what_is_named_and_a_repetition_changes_nothing,
    members_keep_the_order_they_were_named_in,
    a_change_of_a_large_group_looks_at_who_is_named_and_at_no_more_than_are_shown,
    who_is_deleted_leaves_every_group,
    a_group_cannot_be_reached_from_itself,
    what_the_realm_was_not_told_is_pending,
    what_the_realm_does_not_find_stays_pending_for_as_long_as_the_directory_has_both,
    many_writers_of_one_group_lose_no_member,
    who_is_deleted_meanwhile_becomes_no_member,
);

pub(crate) fn document(name: &str) -> Object {
    let mut document = Object::new();
    document.insert("displayName".to_owned(), json!(name));
    document
}

pub(crate) async fn make(
    store: &Store,
    tenant: TenantId,
    token: &BearerToken,
    name: &str,
    members: Vec<(Uuid, Kind)>,
) -> Uuid {
    let wanted = Reservation::new(tenant, Kind::Group, document(name), members);
    assert_eq!(reservation::reserve(&store.db, &wanted, admitted(token.hash())).await.unwrap(), Reserved::Yes);
    let id = Uuid::new_v4();
    assert!(reservation::complete_group(&store.db, &wanted, id, true).await.unwrap().is_some());
    id
}

async fn claimed(store: &Store, tenant: TenantId, id: Uuid, token: &BearerToken) -> Group {
    loop {
        match group::claim(&store.db, tenant, id, admitted(token.hash())).await.unwrap() {
            Claim::Granted(group) => return group,
            Claim::Busy => tokio::task::yield_now().await,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn change(
    store: &Store,
    tenant: TenantId,
    token: &BearerToken,
    id: Uuid,
    members: &Change,
    settled: bool,
) -> i64 {
    let before = claimed(store, tenant, id, token).await;
    let document = before.document.clone();
    let commit = Commit { document: &document, members, settled, base: None, keep: false, members_up_to: 1_000 };
    group::commit(&store.db, tenant, &before, &commit).await.unwrap().unwrap().group.version
}

/// So many users to be members, in no order of creation.
pub(crate) async fn people(store: &Store, tenant: TenantId, count: usize) -> Vec<Uuid> {
    let people: Vec<Uuid> = (0..count).map(|_| Uuid::new_v4()).collect();
    let literal = |id: Uuid| if store.is_postgres() { format!("'{id}'") } else { format!("x'{}'", id.simple()) };
    for some in people.chunks(500) {
        let row = |id: &Uuid| format!("({}, {}, '{{}}', 1, true, '{{}}', {0}, 1, 1)", literal(tenant.0), literal(*id));
        let rows: Vec<String> = some.iter().map(row).collect();
        let columns = "tenant_id, id, document, version, active, base, nonce, created_at, modified_at";
        store.run(&format!("insert into directory_user ({columns}) values {}", rows.join(", "))).await;
    }
    people
}

pub(crate) async fn ids(store: &Store, tenant: TenantId, group: Uuid) -> Vec<Uuid> {
    member::of_group(&store.db, tenant, group).await.unwrap().into_iter().map(|(id, _)| id).collect()
}

pub(crate) fn add(ids: &[Uuid]) -> Change {
    Change { add: ids.iter().map(|id| (*id, Kind::User)).collect(), remove: Vec::new() }
}

async fn of_many_groups_of_one_name_one_is_made(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let wanted: Vec<_> = ["Team", "TEAM", "team"]
        .iter()
        .cycle()
        .take(30)
        .map(|name| Reservation::new(acme, Kind::Group, document(name), Vec::new()))
        .collect();
    let outcomes =
        join_all(wanted.iter().map(|one| reservation::reserve(&store.db, one, admitted(token.hash())))).await;
    let outcomes: Vec<Reserved> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|one| **one == Reserved::Yes).count(), 1);
    assert_eq!(outcomes.iter().filter(|one| **one == Reserved::Taken("displayName")).count(), 29);
}

async fn members_change_by_what_is_named_and_a_repetition_changes_nothing(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let [ada, grace] = people(&store, acme, 2).await[..] else { panic!() };
    let team = make(&store, acme, &token, "Team", Vec::new()).await;
    assert_eq!(change(&store, acme, &token, team, &add(&[ada, grace]), true).await, 2);
    assert_eq!(change(&store, acme, &token, team, &add(&[ada]), true).await, 2, "who is a member stays one");
    let gone = Change { add: Vec::new(), remove: vec![grace, Uuid::new_v4()] };
    assert_eq!(change(&store, acme, &token, team, &gone, true).await, 3);
    assert_eq!(change(&store, acme, &token, team, &gone, true).await, 3, "who is none can leave");
    assert_eq!(ids(&store, acme, team).await, [ada]);
}

async fn members_keep_the_order_they_were_named_in(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let people = people(&store, acme, 1_200).await;
    let team = make(&store, acme, &token, "Team", Vec::new()).await;
    change(&store, acme, &token, team, &add(&people), true).await;
    assert_eq!(ids(&store, acme, team).await, people);
    let read = resource::by_id(&store.db, acme, Kind::Group, team, true).await.unwrap().unwrap();
    assert_eq!(read.related.len(), 1_200);
    assert_eq!(read.related[7], (people[7], "User".to_owned()));
    let bare = resource::by_id(&store.db, acme, Kind::Group, team, false).await.unwrap().unwrap();
    assert!(bare.related.is_empty());
}

async fn a_change_of_a_large_group_looks_at_who_is_named_and_at_no_more_than_are_shown(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let people = people(&store, acme, 3_000).await;
    let team = make(&store, acme, &token, "Team", Vec::new()).await;
    change(&store, acme, &token, team, &add(&people[1..]), true).await;
    let ran: Arc<Mutex<Vec<String>>> = Arc::default();
    let watcher = ran.clone();
    let db = store.db.clone().watched(move |statement| watcher.lock().unwrap().push(statement.sql.clone()));
    let removed = Change { add: Vec::new(), remove: vec![people[2]] };
    for (change, shown) in [(add(&people[..1]), 1_000), (removed.clone(), 1_000), (removed, 0)] {
        let before = claimed(&store, acme, team, &token).await;
        let document = before.document.clone();
        let commit = Commit {
            document: &document,
            members: &change,
            settled: true,
            base: None,
            keep: false,
            members_up_to: shown,
        };
        let committed = group::commit(&db, acme, &before, &commit).await.unwrap().unwrap();
        assert_eq!((committed.large, committed.group.related.len()), (shown > 0, 0));
    }
    let ran = ran.lock().unwrap();
    let about: Vec<&String> = ran.iter().filter(|statement| statement.contains("membership")).collect();
    assert!(about.len() >= 4, "{ran:#?}");
    for statement in about {
        let named = statement.contains("user_id in (") || statement.contains("r.id = named.id");
        let bounded = statement.contains("case when exists (") && statement.contains("limit 1 offset 1000) then null");
        assert!((named || bounded) && !statement.contains("count("), "{statement}");
    }
}

async fn who_is_deleted_leaves_every_group(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let team = make(&store, acme, &token, "Team", vec![(ada.id, Kind::User)]).await;
    let outer = make(&store, acme, &token, "Outer", vec![(team, Kind::Group)]).await;
    let held = resource::by_id(&store.db, acme, Kind::User, ada.id, true).await.unwrap().unwrap();
    assert_eq!(held.related, [(team, "Team".to_owned())]);
    let Claim::Granted(held) = user::claim(&store.db, acme, ada.id, admitted(token.hash()), LogOut::No).await.unwrap()
    else {
        panic!()
    };
    assert!(user::delete(&store.db, acme, ada.id, held.write_epoch, None).await.unwrap());
    let read = resource::by_id(&store.db, acme, Kind::Group, team, true).await.unwrap().unwrap();
    assert_eq!((read.related.len(), read.version), (0, 2), "the group has changed");
    let held = claimed(&store, acme, team, &token).await;
    assert!(group::delete(&store.db, acme, team, held.write_epoch).await.unwrap());
    assert_eq!(ids(&store, acme, outer).await, Vec::<Uuid>::new());
}

async fn a_group_cannot_be_reached_from_itself(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let inner = make(&store, acme, &token, "Inner", Vec::new()).await;
    let middle = make(&store, acme, &token, "Middle", vec![(inner, Kind::Group)]).await;
    let outer = make(&store, acme, &token, "Outer", vec![(middle, Kind::Group)]).await;
    assert!(member::reaches(store.db.connection(), acme, &[outer], inner).await.unwrap());
    assert!(member::reaches(store.db.connection(), acme, &[inner], inner).await.unwrap());
    assert!(!member::reaches(store.db.connection(), acme, &[inner], outer).await.unwrap());
}

async fn what_the_realm_was_not_told_is_pending(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let [ada, grace] = people(&store, acme, 2).await[..] else { panic!() };
    let team = make(&store, acme, &token, "Team", Vec::new()).await;
    change(&store, acme, &token, team, &add(&[ada, grace]), false).await;
    let pending = member::pending(&store.db, acme, team, 10).await.unwrap();
    assert_eq!(pending.iter().map(|one| (one.user_id, one.desired)).collect::<Vec<_>>(), [(ada, true), (grace, true)]);
    member::settle(store.db.connection(), &pending[0]).await.unwrap();
    let gone = Change { add: Vec::new(), remove: vec![ada, grace] };
    change(&store, acme, &token, team, &gone, false).await;
    assert_eq!(ids(&store, acme, team).await, Vec::<Uuid>::new(), "what is not wanted is not shown");
    // A late word about a joining does not undo the leaving.
    member::settle(store.db.connection(), &pending[1]).await.unwrap();
    let pending = member::pending(&store.db, acme, team, 10).await.unwrap();
    assert!(pending.iter().all(|one| !one.desired) && pending.len() == 2, "{pending:?}");
    for one in &pending {
        member::settle(store.db.connection(), one).await.unwrap();
    }
    assert!(member::pending(&store.db, acme, team, 10).await.unwrap().is_empty());
}

async fn what_the_realm_does_not_find_stays_pending_for_as_long_as_the_directory_has_both(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let [ada, grace, eve] = people(&store, acme, 3).await[..] else { panic!() };
    let team = make(&store, acme, &token, "Team", vec![(ada, Kind::User)]).await;
    change(&store, acme, &token, team, &Change { remove: vec![ada], ..add(&[grace, eve]) }, false).await;
    let pending = async || member::pending(&store.db, acme, team, 10).await.unwrap();
    let of = async |user: Uuid| pending().await.into_iter().find(|one| one.user_id == user).unwrap();
    let stale = async || {
        store.run("update membership set changed_at = changed_at - 6000000 where state = 'pending'").await;
        store.run("update directory_group set write_until = null").await;
        member::stale(&store.db, 10).await.unwrap()
    };
    assert_eq!(stale().await, [(acme, team)]);

    // Both of a mass: the group is looked at before anything else is told of it.
    for user in [ada, grace] {
        assert_eq!(member::not_found(&store.db, &of(user).await, false).await.unwrap(), Lacking::Group);
    }
    assert_eq!(pending().await.len(), 3);
    assert_eq!(look::due(&store.db, 10).await.unwrap().iter().map(|look| look.id).collect::<Vec<_>>(), [team]);
    assert_eq!(stale().await, []);
    store.run("update directory_group set look_at = null").await;
    assert_eq!(stale().await, [(acme, team)]);

    // A user: looked at, and told of again behind the others.
    for user in [ada, grace] {
        assert_eq!(member::not_found(&store.db, &of(user).await, true).await.unwrap(), Lacking::User);
        assert!(ledger::claim(&store.db, acme, user, ledger::Stage::Triage, None).await.unwrap().is_some());
    }
    assert_eq!(pending().await.iter().map(|one| one.user_id).collect::<Vec<_>>(), [eve, ada, grace]);
    member::settle(store.db.connection(), &of(eve).await).await.unwrap();
    assert_eq!(stale().await, [], "not at once");
    assert_eq!(ids(&store, acme, team).await, [eve, grace], "as it was wanted");

    // Whom the directory has no more either is a member of nothing.
    store.run("delete from directory_user").await;
    for user in [ada, grace] {
        assert_eq!(member::not_found(&store.db, &of(user).await, true).await.unwrap(), Lacking::Nobody);
    }
    assert_eq!(pending().await, []);
}

async fn many_writers_of_one_group_lose_no_member(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let team = make(&store, acme, &token, "Team", Vec::new()).await;
    let people = people(&store, acme, 30).await;
    let one_each: Vec<Change> = people.iter().map(|id| add(&[*id])).collect();
    join_all(one_each.iter().map(|members| change(&store, acme, &token, team, members, true))).await;
    let mut held = ids(&store, acme, team).await;
    let mut wanted = people;
    held.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(held, wanted);
}

async fn who_is_deleted_meanwhile_becomes_no_member(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let team = make(&store, acme, &token, "Team", Vec::new()).await;
    let stranger = add(&[Uuid::new_v4()]);
    assert_eq!(change(&store, acme, &token, team, &stranger, true).await, 1, "who does not exist is no member");
    for number in 0..20 {
        let ada = made(&store, acme, &token, &format!("ada-{number}"), None).await.id;
        let Claim::Granted(held) = user::claim(&store.db, acme, ada, admitted(token.hash()), LogOut::No).await.unwrap()
        else {
            panic!()
        };
        let joining = add(&[ada]);
        let (_, gone) = tokio::join!(
            change(&store, acme, &token, team, &joining, true),
            user::delete(&store.db, acme, ada, held.write_epoch, None)
        );
        assert!(gone.unwrap());
        assert_eq!(ids(&store, acme, team).await, Vec::<Uuid>::new());
    }
}
