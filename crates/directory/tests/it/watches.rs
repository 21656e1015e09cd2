use directory::ledger::{self, Stage};
use directory::watch::{self, Harvest, Seen};
use futures_util::future::join_all;
use testkit::store::Store;
use uuid::Uuid;

testkit::on_both_databases!(
    a_realm_has_one_poller,
    an_event_marks_once_and_only_under_the_pollers_claim,
    a_poller_that_is_alive_keeps_its_realm_and_one_that_has_ended_takes_nothing_back
);

async fn a_realm_has_one_poller(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let claims = join_all((0..8).map(|_| watch::claim_due(&store.db, 10, None))).await;
    let owners: usize = claims.into_iter().map(|claimed| claimed.unwrap().len()).sum();
    assert_eq!(owners, 1);
}

fn harvest(events: &[Seen], cursor_ms: i64) -> Harvest<'_> {
    Harvest { events, groups: &[], cursor_ms, next_in: 0 }
}

async fn an_event_marks_once_and_only_under_the_pollers_claim(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let ada = Uuid::new_v4();
    let event = Seen { id: "event-1".to_owned(), user: ada, at_ms: 5, touch: true, deleted: false, roles: false };
    let first = watch::claim_due(&store.db, 10, Some(0)).await.unwrap().remove(0);
    // Its lease has run out at once: another replica takes over.
    let second = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
    assert!(watch::advance(&store.db, &first, &harvest(std::slice::from_ref(&event), 10)).await.unwrap().is_empty());
    let twice = [event.clone(), event];
    assert_eq!(watch::advance(&store.db, &second, &harvest(&twice, 20)).await.unwrap(), [ada]);
    let third = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
    assert_eq!(third.cursor_ms, Some(20), "the late poller moved nothing");
    assert!(
        watch::advance(&store.db, &third, &harvest(&twice, 30)).await.unwrap().is_empty(),
        "the overlap marks nobody"
    );
    let claim = ledger::claim(&store.db, acme, ada, Stage::Triage, None).await.unwrap().unwrap();
    assert_eq!((claim.seq, claim.reassert), (1, true));
}

async fn a_poller_that_is_alive_keeps_its_realm_and_one_that_has_ended_takes_nothing_back(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let late = watch::claim_due(&store.db, 10, Some(0)).await.unwrap().remove(0);
    // It says that it is alive in time, and nobody takes over.
    assert!(watch::renew(&store.db, &late).await.unwrap());
    assert!(watch::claim_due(&store.db, 10, None).await.unwrap().is_empty());
    watch::advance(&store.db, &late, &harvest(&[], 10)).await.unwrap();
    // What it says after its end keeps the realm from nobody.
    assert!(!watch::renew(&store.db, &late).await.unwrap());
    assert_eq!(watch::claim_due(&store.db, 10, None).await.unwrap().len(), 1);
}
