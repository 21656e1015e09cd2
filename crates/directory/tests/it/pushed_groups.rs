//! What is owed of groups: by whom they are touched, what is remembered of their members, whose claim may write it.

use std::collections::BTreeMap;

use directory::backfill::{self, Action, Page};
use directory::ledger::{
    self, Acknowledgement, LinkUpdate, Mark, Recorded, Stage, Subject, Verdict, mark_linked_groups,
};
use directory::link;
use directory::member::Change;
use directory::pushed_member::{self, Held, Member};
use directory::resource::Kind;
use directory::user::{self, LogOut};
use registry::target::{self, Enabled};
use registry::target_option::{self, Choices};
use registry::{BearerToken, TenantId};
use testkit::store::Store;
use uuid::Uuid;

use crate::enabling::enable;
use crate::groups::{change, make};
use crate::{admitted, made};

testkit::on_both_databases!(
    nothing_is_owed_of_groups_where_they_are_not_pushed,
    a_group_that_nobody_touched_is_owed_only_by_a_backfill,
    every_touch_of_a_group_is_owed,
    members_join_when_their_record_is_known_and_leave_with_it,
    what_was_not_confirmed_is_asked_about_again,
    whoever_was_taken_out_too_early_is_taken_out_again,
    only_the_holder_of_a_claim_remembers_members,
    a_group_is_drained_and_forgets_nothing_over_a_disable,
);

struct World {
    store: Store,
    acme: TenantId,
    token: BearerToken,
    target: Enabled,
}

impl World {
    async fn new(store: Store) -> Self {
        let (acme, token) = store.provisioned("acme").await;
        let target = enable(&store, acme, "https://a.test").await;
        Self { store, acme, token, target }
    }

    /// As the control API chooses.
    async fn push_groups(&self, pushes_groups: bool) {
        let choices = Choices { deactivates_deleted: false, holds_mass: false, pushes_groups };
        let transaction = self.store.db.begin().await.unwrap();
        let target = target_option::choose(&transaction, self.acme, choices, None, "dana").await.unwrap();
        mark_linked_groups(&transaction, self.acme, target).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn group(&self, name: &str, members: &[Uuid]) -> Uuid {
        let members = members.iter().map(|id| (*id, Kind::User)).collect();
        make(&self.store, self.acme, &self.token, name, members).await
    }

    async fn user(&self, name: &str) -> Uuid {
        made(&self.store, self.acme, &self.token, name, None).await.id
    }

    async fn owed(&self) -> Vec<Uuid> {
        ledger::owe_groups(&self.store.db).await.unwrap();
        let due = ledger::due_groups(&self.store.db, 100, 100, &[]).await.unwrap();
        due.into_iter().map(|due| due.user_id).collect()
    }

    async fn claim(&self, group: Uuid) -> (ledger::Claim, Held) {
        let (subject, generation) = (Subject::group(group), Some(self.target.generation));
        let claim = ledger::claim(&self.store.db, self.acme, subject, Stage::Send, generation).await.unwrap().unwrap();
        let held = Held {
            tenant: self.acme,
            group,
            target: self.target.id,
            epoch: claim.epoch,
            late: claim.awaits_late_writes(),
        };
        (claim, held)
    }

    async fn record(&self, subject: impl Into<Subject>, claim: &ledger::Claim, downstream_id: &str) -> Recorded {
        let link = LinkUpdate { downstream_id: Some(downstream_id.to_owned()), digests: BTreeMap::new() };
        let round = Acknowledgement {
            claim,
            target: self.target.id,
            generation: self.target.generation,
            observed: Vec::new(),
            verdict: Verdict::Done,
            reason: None,
            status: None,
            link: Some(link),
            attempts: Vec::new(),
        };
        ledger::record(&self.store.db, self.acme, subject, &round).await.unwrap()
    }

    /// A round of a group that found nothing to do but to link it.
    async fn sent(&self, group: Uuid) {
        let (claim, _) = self.claim(group).await;
        assert_eq!(self.record(Subject::group(group), &claim, "g").await, Recorded::Written { owed: false });
    }

    /// A user is pushed, under an id.
    async fn link(&self, user: Uuid, downstream_id: &str) {
        let (db, acme) = (&self.store.db, self.acme);
        ledger::mark(db.connection(), acme, user, &Mark { reassert: true, ..Mark::default() }).await.unwrap();
        let claim = ledger::claim(db, acme, user, Stage::Triage, None).await.unwrap().unwrap();
        let seen = ledger::Triage { claim: &claim, observed: vec![1], urgent: false, gone: false };
        let transaction = db.begin().await.unwrap();
        ledger::triaged(&transaction, acme, user, &seen).await.unwrap();
        transaction.commit().await.unwrap();
        let generation = Some(self.target.generation);
        let claim = ledger::claim(db, acme, user, Stage::Send, generation).await.unwrap().unwrap();
        assert_eq!(self.record(user, &claim, downstream_id).await, Recorded::Written { owed: false });
    }

    async fn missing(&self, held: &Held) -> Vec<String> {
        ids(pushed_member::missing(&self.store.db, held, 100).await.unwrap())
    }

    async fn surplus(&self, held: &Held) -> Vec<String> {
        ids(pushed_member::surplus(&self.store.db, held, 100).await.unwrap())
    }
}

fn ids(members: Vec<Member>) -> Vec<String> {
    members.into_iter().map(|member| member.downstream_id).collect()
}

fn member(user_id: Uuid, downstream_id: &str) -> Member {
    Member { user_id, downstream_id: downstream_id.to_owned(), verified_generation: 0 }
}

async fn nothing_is_owed_of_groups_where_they_are_not_pushed(store: Store) {
    let world = World::new(store).await;
    let ada = world.user("ada").await;
    let crew = world.group("Crew", &[ada]).await;
    world.link(ada, "1").await;
    assert!(world.owed().await.is_empty());
    assert!(ledger::row(&world.store.db, world.acme, Subject::group(crew)).await.unwrap().is_none());
    // What is owed waits while the choice is taken back.
    world.push_groups(true).await;
    let other = world.group("Other", &[]).await;
    assert_eq!(world.owed().await, [other]);
    world.push_groups(false).await;
    assert!(world.owed().await.is_empty());
    let generation = Some(world.target.generation);
    let claim = ledger::claim(&world.store.db, world.acme, Subject::group(other), Stage::Send, generation).await;
    assert!(claim.unwrap().is_none());
    world.push_groups(true).await;
    assert_eq!(world.owed().await, [other]);
}

async fn a_group_that_nobody_touched_is_owed_only_by_a_backfill(store: Store) {
    let world = World::new(store).await;
    let ada = world.user("ada").await;
    let before = world.group("Before", &[ada]).await;
    world.push_groups(true).await;
    let after = world.group("After", &[]).await;
    world.link(ada, "1").await;
    assert_eq!(world.owed().await, [after], "a member's record touches no group that is not pushed");
    let mut all = vec![before, after];
    all.sort();
    let (db, seen) = (&world.store.db, |id: &Uuid| (*id, Some(Action::Update)));
    target::baseline_done(db, world.target.id, world.target.generation).await.unwrap();
    backfill::start(db, world.acme, world.target.id, false, "dana").await.unwrap();
    let mut walk = backfill::claim_due(db, 1).await.unwrap().pop().unwrap();
    assert_eq!(backfill::next_groups(db, &walk, 1).await.unwrap(), all[..1]);
    let first: Vec<_> = all[..1].iter().map(seen).collect();
    let page = Page { kind: Kind::Group, seen: &first, marks: &[], last: false };
    assert!(backfill::advance(db, &mut walk, &page).await.unwrap());
    assert_eq!(world.owed().await, [after], "a dry-run marks nothing");
    assert_eq!(backfill::next_groups(db, &walk, 8).await.unwrap(), all[1..]);
    let second: Vec<_> = all[1..].iter().map(seen).collect();
    let page = Page { kind: Kind::Group, seen: &second, marks: &all, last: true };
    assert!(backfill::advance(db, &mut walk, &page).await.unwrap());
    assert_eq!((walk.group_total, walk.group_seen, walk.group_updates, walk.seen), (Some(2), 2, 2, 0));
    assert_eq!((walk.state.as_str(), walk.sample.as_str()), ("done", "[]"));
    let mut owed = world.owed().await;
    owed.sort();
    assert_eq!(owed, all);
    let row = ledger::row(db, world.acme, Subject::group(before)).await.unwrap().unwrap();
    assert!(row.state.reasserts(), "whatever is remembered of it");
}

async fn every_touch_of_a_group_is_owed(store: Store) {
    let world = World::new(store).await;
    world.push_groups(true).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let crew = world.group("Crew", &[ada]).await;
    assert_eq!(world.owed().await, [crew]);
    world.sent(crew).await;
    assert!(world.owed().await.is_empty());
    let (db, acme, token) = (&world.store.db, world.acme, &world.token);
    let joins = Change { add: vec![(bob, Kind::User)], remove: Vec::new() };
    change(&world.store, acme, token, crew, &joins, true).await;
    assert_eq!(world.owed().await, [crew], "a member joined");
    world.sent(crew).await;
    let claimed = user::claim(db, acme, bob, admitted(token.hash()), LogOut::No).await.unwrap();
    let directory::writing::Claim::Granted(claimed) = claimed else { panic!("{claimed:?}") };
    assert!(user::delete(db, acme, bob, claimed.write_epoch, None).await.unwrap());
    assert_eq!(world.owed().await, [crew], "a member is no more");
    // A mark that comes during a round is for the next.
    let (claim, _) = world.claim(crew).await;
    change(&world.store, acme, token, crew, &Change::default(), true).await;
    assert_eq!(world.record(Subject::group(crew), &claim, "g").await, Recorded::Written { owed: false });
    assert_eq!(world.owed().await, [crew]);
    world.sent(crew).await;
    let directory::writing::Claim::Granted(claimed) =
        directory::group::claim(db, acme, crew, admitted(token.hash())).await.unwrap()
    else {
        panic!("it is free")
    };
    assert!(directory::group::delete(db, acme, crew, claimed.write_epoch).await.unwrap());
    assert_eq!(world.owed().await, [crew], "it is no more");
}

async fn members_join_when_their_record_is_known_and_leave_with_it(store: Store) {
    let world = World::new(store).await;
    world.push_groups(true).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.link(ada, "1").await;
    let crew = world.group("Crew", &[ada, bob]).await;
    world.owed().await;
    let (claim, held) = world.claim(crew).await;
    assert_eq!(world.missing(&held).await, ["1"], "bob is not there yet");
    assert!(pushed_member::added(&world.store.db, &held, &[member(ada, "1")]).await.unwrap());
    assert!(world.missing(&held).await.is_empty());
    world.record(Subject::group(crew), &claim, "g").await;
    assert!(world.owed().await.is_empty());
    world.link(bob, "2").await;
    assert_eq!(world.owed().await, [crew], "bob is there");
    let (claim, held) = world.claim(crew).await;
    assert_eq!(world.missing(&held).await, ["2"]);
    assert!(pushed_member::added(&world.store.db, &held, &[member(bob, "2")]).await.unwrap());
    world.record(Subject::group(crew), &claim, "g").await;
    world.link(bob, "2").await;
    assert!(world.owed().await.is_empty(), "nothing new");
    // Bob's record was made anew, and ada left.
    world.link(bob, "3").await;
    let leaves = Change { add: Vec::new(), remove: vec![ada] };
    change(&world.store, world.acme, &world.token, crew, &leaves, true).await;
    assert_eq!(world.owed().await, [crew]);
    let (_, held) = world.claim(crew).await;
    assert_eq!(world.missing(&held).await, ["3"]);
    let mut surplus = world.surplus(&held).await;
    surplus.sort();
    assert_eq!(surplus, ["1", "2"]);
    let gone = [member(ada, "1"), member(bob, "2")];
    assert!(pushed_member::leaving(&world.store.db, &held, &gone).await.unwrap());
    assert!(pushed_member::removed(&world.store.db, &held, &gone).await.unwrap());
    assert!(world.surplus(&held).await.is_empty());
    // Whose record was shown to be somebody else's joins nothing.
    pushed_member::verified(&world.store.db, &held, &member(bob, "3"), None).await.unwrap();
    assert!(world.missing(&held).await.is_empty());
}

async fn what_was_not_confirmed_is_asked_about_again(store: Store) {
    let world = World::new(store).await;
    world.push_groups(true).await;
    let (ada, bob, cyd) = (world.user("ada").await, world.user("bob").await, world.user("cyd").await);
    for (user, id) in [(ada, "1"), (bob, "2"), (cyd, "3")] {
        world.link(user, id).await;
    }
    let crew = world.group("Crew", &[ada, bob]).await;
    world.owed().await;
    let (_, held) = world.claim(crew).await;
    let db = &world.store.db;
    assert!(pushed_member::added(db, &held, &[member(bob, "2")]).await.unwrap());
    // The reply to ada's joining is lost, then she leaves: she may stand there.
    assert!(pushed_member::unsure(db, &held, &[member(ada, "1")]).await.unwrap());
    assert_eq!(world.missing(&held).await, ["1"]);
    let leaves = Change { add: Vec::new(), remove: vec![ada] };
    change(&world.store, world.acme, &world.token, crew, &leaves, true).await;
    assert!(world.missing(&held).await.is_empty());
    assert_eq!(world.surplus(&held).await, ["1"]);
    // The group is read: a late write has brought cyd, who is ours; a stranger is nobody's; ada never got there.
    let read = ["2", "3", "stranger"].map(str::to_owned);
    assert!(pushed_member::learn(db, &held, &read).await.unwrap());
    let mut surplus = world.surplus(&held).await;
    surplus.sort();
    assert_eq!(surplus, ["1", "3"], "ada is not gone for not being shown");
    assert!(world.missing(&held).await.is_empty());
    assert!(pushed_member::hides(db, &held).await.unwrap());
    assert!(pushed_member::leaving(db, &held, &[member(ada, "1")]).await.unwrap());
    assert!(pushed_member::removed(db, &held, &[member(ada, "1")]).await.unwrap());
    assert!(pushed_member::learn(db, &held, &read).await.unwrap());
    assert!(!pushed_member::hides(db, &held).await.unwrap(), "everybody is shown");
    // It shows nobody: everybody is asked for again.
    assert!(pushed_member::learn(db, &held, &[]).await.unwrap());
    assert_eq!((world.missing(&held).await, world.surplus(&held).await), (vec!["2".to_owned()], vec!["3".to_owned()]));
    assert!(pushed_member::hides(db, &held).await.unwrap());
    // Its record was made anew.
    assert!(pushed_member::made(db, &held).await.unwrap());
    assert_eq!((world.missing(&held).await, world.surplus(&held).await), (vec!["2".to_owned()], Vec::new()));
}

async fn whoever_was_taken_out_too_early_is_taken_out_again(store: Store) {
    let world = World::new(store).await;
    world.push_groups(true).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    for (user, id) in [(ada, "1"), (bob, "2")] {
        world.link(user, id).await;
    }
    let crew = world.group("Crew", &[ada, bob]).await;
    world.owed().await;
    world.claim(crew).await;
    world.store.run("update group_ledger set lease_until = 0").await;
    let (_, late) = world.claim(crew).await;
    assert!(late.late, "its predecessor may have sent something");
    let (db, settled) = (&world.store.db, Held { late: false, ..late });
    let (one, two) = (member(ada, "1"), member(bob, "2"));
    assert!(pushed_member::added(db, &late, &[one.clone(), two.clone()]).await.unwrap());
    let leaves = Change { add: Vec::new(), remove: vec![ada, bob] };
    change(&world.store, world.acme, &world.token, crew, &leaves, true).await;
    assert!(pushed_member::leaving(db, &late, &[one.clone(), two.clone()]).await.unwrap());
    assert!(pushed_member::removed(db, &late, &[one.clone(), two.clone()]).await.unwrap());
    assert!(world.surplus(&late).await.is_empty(), "enough for now");
    // The group shows nobody; then a late worker adds bob.
    assert!(pushed_member::learn(db, &late, &[]).await.unwrap());
    assert!(world.surplus(&late).await.is_empty());
    pushed_member::late(db, &late, std::slice::from_ref(&two)).await.unwrap();
    assert_eq!(world.surplus(&late).await, ["2"]);
    // No late write can come any more: both are taken out for good, and what is known of them stays until that is confirmed.
    let mut surplus = world.surplus(&settled).await;
    surplus.sort();
    assert_eq!(surplus, ["1", "2"]);
    assert!(pushed_member::leaving(db, &settled, &[one.clone(), two.clone()]).await.unwrap());
    assert!(pushed_member::was_taken_out(db, &settled, &one).await.unwrap());
    assert!(!pushed_member::was_taken_out(db, &settled, &two).await.unwrap());
    // Bob is put back once more by somebody who is late, after he was taken out and before that is confirmed.
    pushed_member::late(db, &late, std::slice::from_ref(&two)).await.unwrap();
    assert!(pushed_member::removed(db, &settled, &[one, two.clone()]).await.unwrap());
    assert_eq!(world.surplus(&settled).await, ["2"]);
    assert!(pushed_member::leaving(db, &settled, std::slice::from_ref(&two)).await.unwrap());
    assert!(pushed_member::removed(db, &settled, &[two]).await.unwrap());
    assert!(pushed_member::standing(db, &settled).await.unwrap().is_empty());
    // Whoever a new record does not hold is not forgotten either while a late write may come.
    assert!(pushed_member::added(db, &late, &[member(ada, "1")]).await.unwrap());
    assert!(pushed_member::made(db, &late).await.unwrap());
    assert_eq!((world.surplus(&late).await, world.surplus(&settled).await), (Vec::new(), vec!["1".to_owned()]));
    assert!(pushed_member::made(db, &settled).await.unwrap());
    assert!(pushed_member::standing(db, &settled).await.unwrap().is_empty());
}

async fn only_the_holder_of_a_claim_remembers_members(store: Store) {
    let world = World::new(store).await;
    world.push_groups(true).await;
    let ada = world.user("ada").await;
    world.link(ada, "1").await;
    let crew = world.group("Crew", &[ada]).await;
    world.owed().await;
    let (_, late) = world.claim(crew).await;
    world.store.run("update group_ledger set lease_until = 0").await;
    let (claim, held) = world.claim(crew).await;
    assert!(claim.doubt, "its predecessor never settled");
    let (db, ada) = (&world.store.db, [member(ada, "1")]);
    for refused in [
        pushed_member::unsure(db, &late, &ada).await,
        pushed_member::added(db, &late, &ada).await,
        pushed_member::removed(db, &late, &ada).await,
        pushed_member::leaving(db, &late, &ada).await,
        pushed_member::learn(db, &late, &["1".to_owned()]).await,
        pushed_member::made(db, &late).await,
    ] {
        assert!(!refused.unwrap());
    }
    assert!(pushed_member::standing(db, &held).await.unwrap().is_empty());
    // That somebody may stand there is noted under any claim, and makes nobody sure.
    assert!(pushed_member::added(db, &held, &ada).await.unwrap());
    assert!(world.missing(&held).await.is_empty());
    pushed_member::late(db, &late, &ada).await.unwrap();
    assert_eq!(world.missing(&held).await, ["1"]);
    assert!(pushed_member::removed(db, &held, &ada).await.unwrap());
    assert!(pushed_member::unsure(db, &held, &ada).await.unwrap());
    assert_eq!(pushed_member::standing(db, &held).await.unwrap().len(), 1);
    assert!(link::intend_create(db, world.acme, Subject::group(crew), held.target, held.epoch).await.unwrap());
    assert!(!link::intend_create(db, world.acme, Subject::group(crew), held.target, late.epoch).await.unwrap());
}

async fn a_group_is_drained_and_forgets_nothing_over_a_disable(store: Store) {
    let mut world = World::new(store).await;
    world.push_groups(true).await;
    let (crew, other) = (world.group("Crew", &[]).await, world.group("Other", &[]).await);
    world.owed().await;
    world.sent(crew).await;
    let (claim, _) = world.claim(other).await;
    let (db, acme) = (world.store.db.clone(), world.acme);
    let generation = registry::target::disable(&db, acme, "dana").await.unwrap();
    assert_eq!(ledger::live_leases(&db, acme, generation).await.unwrap(), 1);
    assert_eq!(world.record(Subject::group(other), &claim, "o").await, Recorded::Stale, "it is off");
    assert_eq!(ledger::live_leases(&db, acme, generation).await.unwrap(), 0);
    change(&world.store, acme, &world.token, crew, &Change::default(), true).await;
    assert!(world.owed().await.is_empty());
    world.target = enable(&world.store, acme, "https://a.test").await;
    let mut owed = world.owed().await;
    owed.sort();
    let mut both = vec![crew, other];
    both.sort();
    assert_eq!(owed, both, "as it was owed before, and touched while it was off");
    // Another application, which nobody chose to push groups to.
    registry::target::disable(&db, acme, "dana").await.unwrap();
    enable(&world.store, acme, "https://b.test").await;
    assert!(world.owed().await.is_empty());
    registry::target::disable(&db, acme, "dana").await.unwrap();
    world.target = enable(&world.store, acme, "https://a.test").await;
    let mut owed = world.owed().await;
    owed.sort();
    assert_eq!(owed, both, "the first one is back");
}
