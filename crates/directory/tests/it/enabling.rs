use std::collections::HashMap;

use directory::ledger::{self, Acknowledgement, LinkUpdate, Mark, Recorded, Stage, Verdict};
use directory::{Error, link, watch};
use registry::seal::Sealed;
use registry::target::{self, Enable, Enabled};
use registry::{TargetId, TenantId};
use testkit::store::Store;
use uuid::Uuid;

testkit::on_both_databases!(
    a_first_enable_pushes_nobody_who_was_not_touched,
    what_was_seen_while_somebody_followed_the_realm_is_seen_anew_by_the_baseline,
    a_reenable_forgets_nothing,
    an_enable_reads_a_realm_anew_that_nobody_followed_and_goes_on_with_any_other,
    a_send_of_an_older_generation_writes_nothing_at_all,
    a_late_write_of_an_older_generation_is_asserted_over,
    an_intent_to_create_needs_the_claim,
);

/// The registry's and the ledger's part of an enable, in one transaction, as the control API does it.
pub(crate) async fn enable(store: &Store, tenant: TenantId, base_url: &str) -> Enabled {
    let wanted = Enable {
        base_url: base_url.to_owned(),
        token: Sealed(vec![1]),
        supports_patch: true,
        supports_filter: true,
        limitations: Vec::new(),
    };
    let transaction = store.db.begin().await.unwrap();
    let outcome: Result<Enabled, Error> = async {
        let enabled = target::enable(&transaction, tenant, &wanted, "dana").await.unwrap();
        watch::begin_anew(&transaction, tenant).await?;
        if let Some(retired) = enabled.retired {
            ledger::retire(&transaction, tenant, retired).await?;
        }
        if enabled.first {
            ledger::first_enable(&transaction, tenant, enabled.id).await?;
        } else {
            ledger::owe_again(&transaction, tenant, enabled.id).await?;
        }
        Ok(enabled)
    }
    .await;
    directory::finish(transaction, outcome).await.unwrap()
}

async fn mark(store: &Store, tenant: TenantId, user: Uuid) {
    ledger::mark(store.db.connection(), tenant, user, &Mark::default()).await.unwrap();
}

/// Triage that finds the user as `observed`.
async fn look(store: &Store, tenant: TenantId, user: Uuid, observed: u8) {
    let claim = ledger::claim(&store.db, tenant, user, Stage::Triage, None).await.unwrap().unwrap();
    let seen = ledger::Triage { claim: &claim, observed: vec![observed], urgent: false, gone: false };
    let transaction = store.db.begin().await.unwrap();
    let outcome = ledger::triaged(&transaction, tenant, user, &seen).await;
    directory::finish(transaction, outcome).await.unwrap();
}

async fn owed(store: &Store) -> Vec<Uuid> {
    ledger::due(&store.db, Stage::Send, 100, 100, &[]).await.unwrap().into_iter().map(|due| due.user_id).collect()
}

fn acknowledged(claim: &ledger::Claim, target: TargetId, generation: i64) -> Acknowledgement<'_> {
    Acknowledgement {
        claim,
        target,
        generation,
        observed: vec![1],
        verdict: Verdict::Done,
        reason: None,
        status: None,
        link: Some(LinkUpdate { downstream_id: Some("d-1".to_owned()), ..LinkUpdate::default() }),
        attempts: Vec::new(),
    }
}

async fn a_first_enable_pushes_nobody_who_was_not_touched(store: Store) {
    let acme = store.tenant("acme").await;
    let (ada, grace) = (Uuid::new_v4(), Uuid::new_v4());
    mark(&store, acme, ada).await;
    look(&store, acme, ada, 1).await;
    enable(&store, acme, "https://a.test").await;
    assert_eq!(owed(&store).await, Vec::<Uuid>::new());
    mark(&store, acme, grace).await;
    look(&store, acme, grace, 1).await;
    assert_eq!(owed(&store).await, [grace], "who changes after the enable is pushed");
}

async fn what_was_seen_while_somebody_followed_the_realm_is_seen_anew_by_the_baseline(store: Store) {
    let acme = store.tenant("acme").await;
    let (ada, grace, gone) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    enable(&store, acme, "https://a.test").await;
    for user in [ada, grace, gone] {
        ledger::baseline(store.db.connection(), acme, user, if user == gone { ledger::GONE } else { &[1] })
            .await
            .unwrap();
    }
    target::disable(&store.db, acme, "dana").await.unwrap();
    enable(&store, acme, "https://b.test").await;
    // Whoever is touched first is pushed, in doubt.
    mark(&store, acme, grace).await;
    assert!(ledger::baseline(store.db.connection(), acme, ada, &[2]).await.unwrap());
    assert!(!ledger::baseline(store.db.connection(), acme, grace, &[2]).await.unwrap());
    let seen: HashMap<Uuid, Option<Vec<u8>>> = ledger::observed(&store.db, acme).await.unwrap().into_iter().collect();
    assert_eq!((&seen[&ada], &seen[&grace], &seen[&gone]), (&Some(vec![2]), &None, &Some(ledger::GONE.to_vec())));
    look(&store, acme, grace, 2).await;
    assert_eq!(owed(&store).await, [grace]);
}

async fn an_enable_reads_a_realm_anew_that_nobody_followed_and_goes_on_with_any_other(store: Store) {
    let (followed, left) = (store.provisioned("followed").await.0, store.tenant("left").await);
    for tenant in [followed, left] {
        watch::ensure(&store.db, tenant).await.unwrap();
    }
    // A month ago.
    store.run("update realm_watch set cursor_ms = 5, newest_event = '5 e', polled_at = 5000").await;
    for tenant in [followed, left] {
        enable(&store, tenant, "https://a.test").await;
    }
    let polls = watch::claim_due(&store.db, 10, None).await.unwrap();
    let of = |tenant: TenantId| polls.iter().find(|poll| poll.tenant_id == tenant).unwrap();
    assert_eq!((of(followed).cursor_ms, of(followed).newest_event.as_deref()), (Some(5), Some("5 e")));
    assert!(of(followed).unread.is_some());
    assert_eq!((of(left).cursor_ms, of(left).newest_event.as_deref(), of(left).unread), (None, None, None));
}

async fn a_reenable_forgets_nothing(store: Store) {
    let acme = store.tenant("acme").await;
    let ada = Uuid::new_v4();
    let first = enable(&store, acme, "https://a.test").await;
    mark(&store, acme, ada).await;
    look(&store, acme, ada, 1).await;
    target::disable(&store.db, acme, "dana").await.unwrap();
    assert_eq!(owed(&store).await, Vec::<Uuid>::new(), "nothing is sent while it is off");
    enable(&store, acme, "https://a.test").await;
    assert_eq!(owed(&store).await, [ada]);
    // Over to another downstream, where she is owed nothing, and back, where she is.
    target::disable(&store.db, acme, "dana").await.unwrap();
    enable(&store, acme, "https://b.test").await;
    assert_eq!(owed(&store).await, Vec::<Uuid>::new());
    target::disable(&store.db, acme, "dana").await.unwrap();
    assert_eq!(enable(&store, acme, "https://a.test").await.id, first.id);
    look(&store, acme, ada, 1).await;
    assert_eq!(owed(&store).await, [ada]);
}

async fn a_send_of_an_older_generation_writes_nothing_at_all(store: Store) {
    let acme = store.tenant("acme").await;
    let ada = Uuid::new_v4();
    let first = enable(&store, acme, "https://a.test").await;
    mark(&store, acme, ada).await;
    look(&store, acme, ada, 1).await;
    let claim = ledger::claim(&store.db, acme, ada, Stage::Send, Some(first.generation)).await.unwrap().unwrap();
    let off = target::disable(&store.db, acme, "dana").await.unwrap();
    assert_eq!(ledger::live_leases(&store.db, acme, off).await.unwrap(), 1, "disable waits for it");
    assert!(!ledger::renew(&store.db, acme, ada, claim.epoch, Some(first.generation)).await.unwrap());
    let late = acknowledged(&claim, first.id, first.generation);
    assert_eq!(ledger::record(&store.db, acme, ada, &late).await.unwrap(), Recorded::Stale);
    assert_eq!(ledger::live_leases(&store.db, acme, off).await.unwrap(), 0);
    assert!(link::of(&store.db, acme, ada, first.id).await.unwrap().downstream_id.is_none());
    enable(&store, acme, "https://a.test").await;
    assert_eq!(owed(&store).await, [ada]);
}

async fn a_late_write_of_an_older_generation_is_asserted_over(store: Store) {
    let (acme, ada) = (store.tenant("acme").await, Uuid::new_v4());
    let first = enable(&store, acme, "https://a.test").await;
    mark(&store, acme, ada).await;
    look(&store, acme, ada, 1).await;
    let frozen = ledger::claim(&store.db, acme, ada, Stage::Send, Some(first.generation)).await.unwrap().unwrap();
    store.run("update ledger set lease_until = 0").await;
    target::disable(&store.db, acme, "dana").await.unwrap();
    let again = enable(&store, acme, "https://a.test").await;
    let claim = ledger::claim(&store.db, acme, ada, Stage::Send, Some(again.generation)).await.unwrap().unwrap();
    ledger::record(&store.db, acme, ada, &acknowledged(&claim, again.id, again.generation)).await.unwrap();
    let before = ledger::row(&store.db, acme, ada).await.unwrap().unwrap().state;
    let late = acknowledged(&frozen, first.id, first.generation);
    assert_eq!(ledger::record(&store.db, acme, ada, &late).await.unwrap(), Recorded::Stale);
    let after = ledger::row(&store.db, acme, ada).await.unwrap().unwrap().state;
    assert!(after.dirty_seq > before.dirty_seq && after.reasserts(), "it stands there over what came after it");
    assert_eq!((after.acked_seq, after.epoch), (before.acked_seq, before.epoch), "nothing else of it counts");
}

async fn an_intent_to_create_needs_the_claim(store: Store) {
    let acme = store.tenant("acme").await;
    let ada = Uuid::new_v4();
    let enabled = enable(&store, acme, "https://a.test").await;
    mark(&store, acme, ada).await;
    look(&store, acme, ada, 1).await;
    let claim = ledger::claim(&store.db, acme, ada, Stage::Send, Some(enabled.generation)).await.unwrap().unwrap();
    assert!(!link::intend_create(&store.db, acme, ada, enabled.id, claim.epoch - 1).await.unwrap());
    assert!(link::of(&store.db, acme, ada, enabled.id).await.unwrap().create_intent_age.is_none());
    assert!(link::intend_create(&store.db, acme, ada, enabled.id, claim.epoch).await.unwrap());
    assert!(link::of(&store.db, acme, ada, enabled.id).await.unwrap().create_intent_age.is_some());
    // The first look-up that finds nobody counts, however long the POST is ago; another POST begins anew.
    let looked = async || link::of(&store.db, acme, ada, enabled.id).await.unwrap().create_looked_age;
    assert_eq!(looked().await, None);
    link::looked_for(&store.db, acme, ada, enabled.id).await.unwrap();
    store.run("update link set create_looked_at = create_looked_at - 60000000").await;
    link::looked_for(&store.db, acme, ada, enabled.id).await.unwrap();
    assert!(looked().await.is_some_and(|age| age >= 60_000_000));
    assert!(link::intend_create(&store.db, acme, ada, enabled.id, claim.epoch).await.unwrap());
    assert_eq!(looked().await, None);
    let done = acknowledged(&claim, enabled.id, enabled.generation);
    assert!(matches!(ledger::record(&store.db, acme, ada, &done).await.unwrap(), Recorded::Written { .. }));
    let held = link::of(&store.db, acme, ada, enabled.id).await.unwrap();
    assert_eq!((held.downstream_id.as_deref(), held.verified_generation), (Some("d-1"), enabled.generation));
    assert!(held.create_intent_age.is_none());
}
