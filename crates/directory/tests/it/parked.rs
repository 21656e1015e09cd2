use directory::ledger::{self, Acknowledgement, Mark, Stage, Triage, Verdict};
use directory::parked::{self, Decision};
use directory::{departure, link};
use registry::{TargetId, TenantId, audit, target_option};
use testkit::store::Store;
use uuid::Uuid;

use crate::enabling::enable;

testkit::on_both_databases!(
    a_parked_user_is_listed_until_somebody_decides,
    an_ignored_user_stays_parked_until_it_changes,
    only_the_record_that_was_shown_is_linked,
    a_downstream_that_is_back_gets_at_once_what_backed_off,
    departures_count_for_minutes_and_for_their_generation,
    a_deleted_user_is_owed_a_deactivation_only_where_that_was_chosen,
);

async fn look(store: &Store, tenant: TenantId, user: Uuid, observed: u8, gone: bool) {
    let claim = ledger::claim(&store.db, tenant, user, Stage::Triage, None).await.unwrap().unwrap();
    let seen = Triage { claim: &claim, observed: vec![observed], urgent: false, gone };
    let transaction = store.db.begin().await.unwrap();
    let outcome = ledger::triaged(&transaction, tenant, user, &seen).await;
    directory::finish(transaction, outcome).await.unwrap();
}

pub async fn touched(store: &Store, tenant: TenantId, user: Uuid, observed: u8) {
    ledger::mark(store.db.connection(), tenant, user, &Mark::default()).await.unwrap();
    look(store, tenant, user, observed, false).await;
}

/// A round that ends with a verdict.
async fn round(store: &Store, tenant: TenantId, user: Uuid, target: (TargetId, i64), verdict: Verdict) {
    ended(store, tenant, user, target, verdict, "conflict").await;
}

/// A user who is parked for a reason.
pub async fn set_aside_as(store: &Store, tenant: TenantId, target: (TargetId, i64), reason: &str) -> Uuid {
    let user = Uuid::new_v4();
    touched(store, tenant, user, 1).await;
    ended(store, tenant, user, target, Verdict::Park, reason).await;
    user
}

async fn ended(store: &Store, tenant: TenantId, user: Uuid, target: (TargetId, i64), verdict: Verdict, reason: &str) {
    let claim = ledger::claim(&store.db, tenant, user, Stage::Send, Some(target.1)).await.unwrap().unwrap();
    let ended = Acknowledgement {
        claim: &claim,
        target: target.0,
        generation: target.1,
        observed: vec![1],
        verdict,
        reason: (verdict == Verdict::Park).then(|| reason.to_owned()),
        status: Some(409),
        link: None,
        attempts: Vec::new(),
    };
    ledger::record(&store.db, tenant, user, &ended).await.unwrap();
}

async fn set_aside(store: &Store) -> (TenantId, Uuid, (TargetId, i64)) {
    let acme = store.tenant("acme").await;
    let enabled = enable(store, acme, "https://a.test/scim").await;
    let (ada, target) = (Uuid::new_v4(), (enabled.id, enabled.generation));
    touched(store, acme, ada, 1).await;
    round(store, acme, ada, target, Verdict::Park).await;
    (acme, ada, target)
}

async fn due(store: &Store) -> usize {
    ledger::due(&store.db, Stage::Send, 10, 10, &[]).await.unwrap().len()
}

async fn a_parked_user_is_listed_until_somebody_decides(store: Store) {
    let (acme, ada, _) = set_aside(&store).await;
    let listed = parked::page(&store.db, acme, None, false, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    let held = (listed[0].user_id, listed[0].reason.as_deref(), listed[0].parked_status);
    assert_eq!(held, (ada, Some("conflict"), Some(409)));
    assert!(listed[0].parked_at > 0);
    assert_eq!((due(&store).await, ledger::backlog_of(&store.db, acme).await.unwrap().parked), (0, 1));
    assert!(parked::page(&store.db, acme, Some(ada), false, 10).await.unwrap().is_empty(), "the next page is empty");
    assert!(parked::decide(&store.db, acme, ada, Decision::Retry, "dana").await.unwrap());
    assert_eq!(due(&store).await, 1);
    assert!(parked::one(&store.db, acme, ada).await.unwrap().is_none());
    assert!(!parked::decide(&store.db, acme, ada, Decision::Retry, "dana").await.unwrap(), "once");
    let last = audit::last(&store.db, acme, &["outbound.retry"]).await.unwrap().unwrap();
    assert_eq!(last.actor, "dana");
    assert!(ledger::row(&store.db, acme, ada).await.unwrap().unwrap().released);
}

async fn an_ignored_user_stays_parked_until_it_changes(store: Store) {
    let (acme, ada, target) = set_aside(&store).await;
    assert!(parked::decide(&store.db, acme, ada, Decision::Ignore, "dana").await.unwrap());
    assert!(parked::page(&store.db, acme, None, false, 10).await.unwrap().is_empty());
    assert_eq!(parked::page(&store.db, acme, None, true, 10).await.unwrap().len(), 1);
    assert_eq!(ledger::backlog_of(&store.db, acme).await.unwrap().parked, 0);
    touched(&store, acme, ada, 1).await;
    assert_eq!(due(&store).await, 0, "a look that shows the same changes nothing");
    touched(&store, acme, ada, 2).await;
    assert_eq!(due(&store).await, 1);
    round(&store, acme, ada, target, Verdict::Park).await;
    assert_eq!(parked::page(&store.db, acme, None, false, 10).await.unwrap().len(), 1, "and it is listed again");
}

async fn only_the_record_that_was_shown_is_linked(store: Store) {
    let (acme, ada, target) = set_aside(&store).await;
    let adopt = |id: &'static str, digest: &'static str, generation| {
        let store = &store;
        async move { link::adopt(&store.db, acme, ada, (target.0, generation), (id, digest), "dana").await.unwrap() }
    };
    assert!(!adopt("7", "x", target.1).await, "nothing was shown");
    link::show_candidate(&store.db, acme, ada, target.0, Some(("7", "x"))).await.unwrap();
    assert!(!adopt("8", "x", target.1).await, "another record");
    assert!(!adopt("7", "y", target.1).await, "the record changed");
    assert!(!adopt("7", "x", target.1 + 1).await, "the downstream was enabled anew");
    assert!(adopt("7", "x", target.1).await);
    let held = link::of(&store.db, acme, ada, target.0).await.unwrap();
    assert_eq!((held.downstream_id.as_deref(), held.adopted), (Some("7"), true));
    assert_eq!(due(&store).await, 1);
    assert!(!adopt("7", "x", target.1).await, "once");
    assert!(audit::last(&store.db, acme, &["outbound.link"]).await.unwrap().unwrap().detail.contains("\"7\""));
}

async fn a_downstream_that_is_back_gets_at_once_what_backed_off(store: Store) {
    let acme = store.tenant("acme").await;
    let enabled = enable(&store, acme, "https://a.test/scim").await;
    let target = (enabled.id, enabled.generation);
    let later = Verdict::Retry { after: 600_000_000, definite: true, charged: true };
    for verdict in [later, later, Verdict::Park] {
        let user = Uuid::new_v4();
        touched(&store, acme, user, 1).await;
        round(&store, acme, user, target, verdict).await;
    }
    assert_eq!(due(&store).await, 0);
    assert_eq!(ledger::hasten(&store.db, acme).await.unwrap(), 2, "who is parked stays so");
    assert_eq!(due(&store).await, 2);
}

async fn departures_count_for_minutes_and_for_their_generation(store: Store) {
    use departure::Kind::{Gone, Off};
    let acme = store.tenant("acme").await;
    let target = enable(&store, acme, "https://a.test/scim").await;
    let mut toll = None;
    for _ in 0..21 {
        let noted = departure::note(&store.db, acme, target.id, target.generation, Off, Uuid::new_v4()).await;
        toll = Some(noted.unwrap());
    }
    assert!(toll.unwrap().is_mass());
    let count = |kind, generation| {
        let store = &store;
        async move { departure::toll(&store.db, acme, target.id, generation, kind).await.unwrap().departed }
    };
    assert_eq!((count(Gone, target.generation).await, count(Off, target.generation + 1).await), (0, 0));
    assert!(target_option::alarm(&store.db, target.id, departure::WINDOW).await.unwrap());
    assert!(!target_option::alarm(&store.db, target.id, departure::WINDOW).await.unwrap(), "once in a while");
    store.run("update departure set at = 0").await;
    assert_eq!(count(Off, target.generation).await, 0);
    assert_eq!(departure::forget(&store.db, 500).await.unwrap(), 21);
}

async fn a_deleted_user_is_owed_a_deactivation_only_where_that_was_chosen(store: Store) {
    let acme = store.tenant("acme").await;
    let enabled = enable(&store, acme, "https://a.test/scim").await;
    let mut owed = Vec::new();
    for deactivates_deleted in [false, true] {
        let choices = target_option::Choices { deactivates_deleted, holds_mass: false, pushes_groups: false };
        let transaction = store.db.begin().await.unwrap();
        target_option::choose(&transaction, acme, choices, None, "dana").await.unwrap();
        transaction.commit().await.unwrap();
        for linked in [false, true] {
            let user = Uuid::new_v4();
            if linked {
                link::show_candidate(&store.db, acme, user, enabled.id, None).await.unwrap();
                store.run("update link set downstream_id = '7'").await;
            }
            ledger::mark(store.db.connection(), acme, user, &Mark::default()).await.unwrap();
            look(&store, acme, user, 9, true).await;
            owed.push(ledger::row(&store.db, acme, user).await.unwrap().map(|row| row.state.owed()));
        }
    }
    // Of whom nobody has any more nothing is kept.
    assert_eq!(owed, [None, Some(false), None, Some(true)]);
}
