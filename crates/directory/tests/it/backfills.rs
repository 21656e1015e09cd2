use directory::backfill::{self, Action, Order, Page};
use directory::ledger::{self, Stage};
use directory::resource::Kind;
use registry::quarantine::Cause;
use registry::{TargetId, TenantId, target};
use testkit::store::Store;
use uuid::Uuid;

use crate::enabling::enable;

testkit::on_both_databases!(
    one_is_alive_at_a_time,
    a_walk_reaches_everybody_once_and_marks_as_it_goes,
    an_order_takes_the_walk_out_of_its_hands,
    a_walk_waits_for_its_downstream,
    whoever_fails_again_and_again_is_not_waited_for,
);

async fn tenant_of(store: &Store, people: usize) -> (TenantId, TargetId) {
    let acme = store.tenant("acme").await;
    let enabled = enable(store, acme, "https://a.test/scim").await;
    target::baseline_done(&store.db, enabled.id, enabled.generation).await.unwrap();
    for _ in 0..people {
        ledger::baseline(store.db.connection(), acme, Uuid::new_v4(), b"seen").await.unwrap();
    }
    (acme, enabled.id)
}

async fn claimed(store: &Store) -> Option<backfill::Backfill> {
    backfill::claim_due(&store.db, 10).await.unwrap().pop()
}

fn page_of<'a>(seen: &'a [(Uuid, Option<Action>)], marks: &'a [Uuid], last: bool) -> Page<'a> {
    Page { kind: Kind::User, seen, marks, last }
}

async fn one_is_alive_at_a_time(store: Store) {
    let (acme, target) = tenant_of(&store, 3).await;
    let first = backfill::start(&store.db, acme, target, true, "dana").await.unwrap().unwrap();
    assert_eq!((first.total, first.state.as_str(), first.dry_run), (None, "running", true));
    assert_eq!(claimed(&store).await.unwrap().total, Some(3));
    assert!(backfill::start(&store.db, acme, target, false, "dana").await.unwrap().is_none());
    let gone = backfill::order(&store.db, acme, Order::Cancel, "dana").await.unwrap().unwrap();
    assert_eq!((gone.state.as_str(), gone.ended_at.is_some()), ("cancelled", true));
    assert!(backfill::order(&store.db, acme, Order::Resume, "dana").await.unwrap().is_none(), "it is over");
    assert!(backfill::start(&store.db, acme, target, false, "dana").await.unwrap().is_some());
}

async fn a_walk_reaches_everybody_once_and_marks_as_it_goes(store: Store) {
    let (acme, target) = tenant_of(&store, 30).await;
    backfill::start(&store.db, acme, target, false, "dana").await.unwrap();
    let mut walk = claimed(&store).await.unwrap();
    assert!(claimed(&store).await.is_none(), "one dispatcher at a time");
    let mut reached = Vec::new();
    loop {
        let users = backfill::next_users(&store.db, &walk, 8).await.unwrap();
        if users.is_empty() {
            assert!(backfill::advance(&store.db, &mut walk, &page_of(&[], &[], true)).await.unwrap());
            break;
        }
        let page: Vec<_> = users.iter().map(|user| (*user, Some(Action::Create))).collect();
        assert!(backfill::advance(&store.db, &mut walk, &page_of(&page, &users, false)).await.unwrap());
        reached.extend(users);
        // Whoever holds it dies here and there; another goes on at the cursor.
        store.run("update backfill set lease_until = 0").await;
        walk = claimed(&store).await.unwrap();
    }
    reached.sort_unstable();
    reached.dedup();
    assert_eq!(reached.len(), 30);
    assert_eq!(backfill::ahead(&store.db, acme, Kind::User).await.unwrap(), 30);
    assert_eq!(ledger::due(&store.db, Stage::Triage, 100, 100, &[]).await.unwrap().len(), 30);
    let done = backfill::newest(&store.db, acme).await.unwrap().unwrap();
    assert_eq!((done.state.as_str(), done.seen, done.creates), ("done", 30, 30));
    let sample: Vec<backfill::Sampled> = serde_json::from_str(&done.sample).unwrap();
    assert_eq!(sample.len(), 20);
}

async fn an_order_takes_the_walk_out_of_its_hands(store: Store) {
    let (acme, target) = tenant_of(&store, 3).await;
    backfill::start(&store.db, acme, target, false, "dana").await.unwrap();
    let mut walk = claimed(&store).await.unwrap();
    let users = backfill::next_users(&store.db, &walk, 8).await.unwrap();
    let page: Vec<_> = users.iter().map(|user| (*user, Some(Action::Update))).collect();
    backfill::order(&store.db, acme, Order::Pause, "dana").await.unwrap();
    assert!(!backfill::advance(&store.db, &mut walk, &page_of(&page, &users, false)).await.unwrap());
    assert_eq!(backfill::ahead(&store.db, acme, Kind::User).await.unwrap(), 0, "nobody was marked");
    assert!(claimed(&store).await.is_none());
    backfill::order(&store.db, acme, Order::Resume, "dana").await.unwrap();
    assert_eq!(claimed(&store).await.unwrap().seen, 0);
}

async fn a_walk_waits_for_its_downstream(store: Store) {
    let (acme, target) = tenant_of(&store, 3).await;
    let generation = target::current(&store.db, acme).await.unwrap().unwrap().generation;
    backfill::start(&store.db, acme, target, false, "dana").await.unwrap();
    target::quarantine(&store.db, target, generation, Cause::Unauthorized).await.unwrap();
    assert!(claimed(&store).await.is_none());
    target::release(&store.db, target, generation).await.unwrap();
    assert!(claimed(&store).await.is_some());
}

async fn whoever_fails_again_and_again_is_not_waited_for(store: Store) {
    let (acme, _) = tenant_of(&store, 3).await;
    store.run("update ledger set dirty_seq = 1, seen_seq = 1, owed_seq = 1, acked_seq = 0").await;
    for (attempts, ahead) in [(0, 3), (1, 3), (3, 3), (4, 0), (40, 0)] {
        store.run(&format!("update ledger set attempts = {attempts}")).await;
        assert_eq!(backfill::ahead(&store.db, acme, Kind::User).await.unwrap(), ahead, "{attempts}");
    }
}
