use std::collections::HashSet;

use directory::look::{self, Look};
use directory::member;
use directory::reservation::{self, Reservation, Reserved};
use directory::resource::{self, Kind};
use directory::writing;
use registry::TenantId;
use testkit::store::Store;
use uuid::Uuid;

use crate::admitted;
use crate::groups::{add, change, document, ids, make, people};

testkit::on_both_databases!(
    a_membership_follows_the_realm_only_under_the_groups_lease,
    what_the_realm_has_not_been_told_stays,
    a_name_follows_the_realm_and_is_taken_from_whoever_has_it,
    a_mark_that_comes_during_a_look_stays,
    in_doubt_a_membership_is_told_again_and_not_followed,
    in_doubt_a_group_keeps_its_name,
    only_a_claim_to_write_that_ran_out_leaves_a_group_in_doubt,
    a_group_that_is_protected_is_told_no_memberships,
    of_the_realms_groups_those_are_known_that_the_directory_has,
);

async fn taken(store: &Store, tenant: TenantId, group: Uuid) -> i64 {
    writing::take_over(&store.db, Kind::Group, tenant, group, true).await.unwrap().unwrap()
}

async fn only_a_claim_to_write_that_ran_out_leaves_a_group_in_doubt(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let team = make(&store, acme, &token, "Team", Vec::new()).await;
    let take = async |writing| {
        let epoch = writing::take_over(&store.db, Kind::Group, acme, team, writing).await.unwrap().unwrap();
        let doubt = writing::in_doubt(&store.db, Kind::Group, acme, team).await.unwrap();
        (epoch, doubt)
    };
    let runs_out = async || store.run("update directory_group set write_until = write_until - 15000000").await;
    take(false).await;
    runs_out().await;
    let (epoch, doubt) = take(false).await;
    assert!(!doubt, "whoever only looked has nothing on its way");
    assert!(writing::writes(&store.db, Kind::Group, acme, team, epoch).await.unwrap());
    runs_out().await;
    assert!(!writing::writes(&store.db, Kind::Group, acme, team, epoch).await.unwrap(), "it is nobody's any more");
    assert!(take(false).await.1);
}

async fn a_group_that_is_protected_is_told_no_memberships(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let [ada] = people(&store, acme, 1).await[..] else { panic!() };
    let team = make(&store, acme, &token, "Team", vec![(ada, Kind::User)]).await;
    store.run("update membership set state = 'pending', changed_at = 0").await;
    let epoch = taken(&store, acme, team).await;
    writing::release(&store.db, Kind::Group, acme, team, epoch).await.unwrap();
    assert_eq!(member::stale(&store.db, 10).await.unwrap(), [(acme, team)]);
    writing::protect(&store.db, Kind::Group, acme, team, true).await.unwrap();
    assert_eq!(member::stale(&store.db, 10).await.unwrap(), []);
    let epoch = taken(&store, acme, team).await;
    store.run("update membership set state = 'done'").await;
    assert!(!look::tell_member_again(&store.db, acme, (team, epoch), ada, false).await.unwrap());
}

async fn due(store: &Store) -> Vec<Look> {
    look::due(&store.db, 10).await.unwrap()
}

async fn name(store: &Store, tenant: TenantId, group: Uuid) -> String {
    let held = resource::by_id(&store.db, tenant, Kind::Group, group, false).await.unwrap().unwrap();
    held.document["displayName"].as_str().unwrap().to_owned()
}

async fn a_membership_follows_the_realm_only_under_the_groups_lease(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let [ada, eve] = people(&store, acme, 2).await[..] else { panic!() };
    let team = make(&store, acme, &token, "Team", vec![(ada, Kind::User)]).await;
    let follow = async |epoch, user, is_member| {
        look::follow_member(&store.db, acme, (team, epoch), user, is_member).await.unwrap()
    };
    let late = taken(&store, acme, team).await;
    writing::release(&store.db, Kind::Group, acme, team, late).await.unwrap();
    let epoch = taken(&store, acme, team).await;
    assert!(!follow(late, eve, true).await && !follow(late, ada, false).await, "somebody else's turn");
    assert_eq!(ids(&store, acme, team).await, [ada]);
    assert!(follow(epoch, eve, true).await && follow(epoch, ada, false).await);
    assert_eq!(ids(&store, acme, team).await, [eve]);
    assert!(!follow(epoch, eve, true).await && !follow(epoch, ada, false).await, "nothing new");
    assert!(!follow(epoch, Uuid::new_v4(), true).await, "nobody of ours");
    assert_eq!(ids(&store, acme, team).await, [eve]);
}

async fn what_the_realm_has_not_been_told_stays(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let [ada, eve] = people(&store, acme, 2).await[..] else { panic!() };
    let team = make(&store, acme, &token, "Team", vec![(ada, Kind::User)]).await;
    let wanted = member::Change { remove: vec![ada], ..add(&[eve]) };
    change(&store, acme, &token, team, &wanted, false).await;
    let epoch = taken(&store, acme, team).await;
    for (user, is_member) in [(ada, true), (eve, false)] {
        assert!(!look::of_user(&store.db, acme, user).await.unwrap()[0].told);
        assert!(!look::follow_member(&store.db, acme, (team, epoch), user, is_member).await.unwrap());
    }
    assert_eq!(ids(&store, acme, team).await, [eve]);
    assert_eq!(member::pending(&store.db, acme, team, 10).await.unwrap().len(), 2);
}

async fn a_name_follows_the_realm_and_is_taken_from_whoever_has_it(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let (guides, guards) = (
        make(&store, acme, &token, "Guides", Vec::new()).await,
        make(&store, acme, &token, "Guards", Vec::new()).await,
    );
    look::want(store.db.connection(), acme, guides, false).await.unwrap();
    look::want(store.db.connection(), acme, Uuid::new_v4(), false).await.unwrap();
    let [one] = due(&store).await[..] else { panic!("one of ours") };
    let epoch = taken(&store, acme, guides).await;
    assert!(due(&store).await.is_empty(), "while it is written nobody else looks");
    look::follow_name(&store.db, &one, epoch, "Guards").await.unwrap();
    look::done(&store.db, &one, epoch).await.unwrap();
    assert_eq!(name(&store, acme, guides).await, "Guards");
    let names = look::names(&store.db, acme).await.unwrap();
    assert!(names.contains(&(guides, "Guards".to_owned())), "{names:?}");
    // Whoever lost the name is looked at in turn.
    assert_eq!(due(&store).await.iter().map(|look| look.id).collect::<Vec<_>>(), [guards]);

    // Its members change all the same, and it has the name again once that is free.
    let ada = people(&store, acme, 1).await[0];
    change(&store, acme, &token, guards, &add(&[ada]), true).await;
    assert_eq!(ids(&store, acme, guards).await, [ada]);
    let called = async |name: &str| {
        let wanted = Reservation::new(acme, Kind::Group, document(name), Vec::new());
        let reserved = reservation::reserve(&store.db, &wanted, admitted(token.hash())).await.unwrap();
        reservation::abandon(&store.db, &wanted).await.unwrap();
        reserved
    };
    let epoch = taken(&store, acme, guides).await;
    look::follow_name(&store.db, &one, epoch, "Guides").await.unwrap();
    writing::release(&store.db, Kind::Group, acme, guides, epoch).await.unwrap();
    assert_eq!(called("Guards").await, Reserved::Yes);
    let epoch = taken(&store, acme, guards).await;
    look::follow_name(&store.db, &Look { id: guards, ..one }, epoch, "Guards").await.unwrap();
    assert_eq!(called("Guards").await, Reserved::Taken("displayName"));
}

async fn a_mark_that_comes_during_a_look_stays(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let team = make(&store, acme, &token, "Team", Vec::new()).await;
    let marked = async || look::want(store.db.connection(), acme, team, false).await.unwrap();
    marked().await;
    let first = due(&store).await.remove(0);
    let epoch = taken(&store, acme, team).await;
    marked().await;
    look::done(&store.db, &first, epoch).await.unwrap();
    let second = due(&store).await.remove(0);
    assert!(second.look_at > first.look_at);
    let epoch = taken(&store, acme, team).await;
    look::later(&store.db, &second, epoch, 60_000_000).await.unwrap();
    assert!(due(&store).await.is_empty(), "not before its time");
}

async fn of_the_realms_groups_those_are_known_that_the_directory_has(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let (other, others) = store.provisioned("other").await;
    assert!(!look::any(&store.db, acme).await.unwrap());
    let (guides, guards) = (
        make(&store, acme, &token, "Guides", Vec::new()).await,
        make(&store, acme, &token, "Guards", Vec::new()).await,
    );
    let theirs = make(&store, other, &others, "Theirs", Vec::new()).await;
    assert!(look::any(&store.db, acme).await.unwrap());
    // More than one statement takes.
    let strangers = std::iter::repeat_with(Uuid::new_v4).take(600);
    let asked: Vec<Uuid> = [guides, theirs].into_iter().chain(strangers).chain([guards]).collect();
    assert_eq!(look::ours(&store.db, acme, &asked).await.unwrap(), HashSet::from([guides, guards]));
    assert!(look::ours(&store.db, acme, &[]).await.unwrap().is_empty());
}

async fn in_doubt_a_membership_is_told_again_and_not_followed(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let [ada, eve, bob] = people(&store, acme, 3).await[..] else { panic!() };
    let team = make(&store, acme, &token, "Team", vec![(ada, Kind::User), (bob, Kind::User)]).await;
    let in_doubt = async || writing::in_doubt(&store.db, Kind::Group, acme, team).await.unwrap();
    assert!(!in_doubt().await);
    writing::doubt(&store.db, Kind::Group, acme, team).await.unwrap();
    assert!(in_doubt().await);
    let late = taken(&store, acme, team).await;
    writing::release(&store.db, Kind::Group, acme, team, late).await.unwrap();
    let epoch = taken(&store, acme, team).await;
    let again = async |epoch, user, is_member| {
        look::tell_member_again(&store.db, acme, (team, epoch), user, is_member).await.unwrap()
    };
    assert!(!again(late, eve, true).await && !again(late, ada, false).await, "somebody else's turn");
    assert!(!again(epoch, Uuid::new_v4(), true).await, "nobody of ours");
    assert!(!again(epoch, bob, true).await && !again(epoch, eve, false).await, "in step");
    assert!(again(epoch, eve, true).await && again(epoch, ada, false).await);
    assert!(!again(epoch, eve, true).await && !again(epoch, ada, false).await, "it is to be told already");
    assert_eq!(ids(&store, acme, team).await, [ada, bob], "for whoever asks nothing has changed");
    let pending = member::pending(&store.db, acme, team, 10).await.unwrap();
    let told: HashSet<(Uuid, bool)> = pending.iter().map(|one| (one.user_id, one.desired)).collect();
    assert_eq!(told, HashSet::from([(ada, true), (eve, false)]));
    for one in &pending {
        member::settle(store.db.connection(), one).await.unwrap();
    }
    assert!(member::pending(&store.db, acme, team, 10).await.unwrap().is_empty());
    assert_eq!(ids(&store, acme, team).await, [ada, bob]);
    store.run("update directory_group set realm_doubt_until = 0").await;
    assert!(!in_doubt().await);
}

async fn in_doubt_a_group_keeps_its_name(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let team = make(&store, acme, &token, "Team", Vec::new()).await;
    look::want(store.db.connection(), acme, team, false).await.unwrap();
    let one = due(&store).await.remove(0);
    let again = async |name: &str| look::to_name_again(&store.db, &one, name).await.unwrap();
    assert_eq!(again("Late").await, None, "an administrator's wish");
    writing::doubt(&store.db, Kind::Group, acme, team).await.unwrap();
    let team = look::Named { name: "Team".to_owned(), external_id: None };
    assert_eq!((again("Late").await, again("Team").await), (Some(team), None));
    store.run("update directory_group set realm_doubt_until = 0").await;
    assert_eq!(again("Late").await, None);
}
