//! The everyday end of a round, which is recorded in one statement.

use std::sync::{Arc, Mutex};

use directory::activity::Entry;
use directory::ledger::{self, Acknowledgement, Claim, LinkUpdate, Mark, Recorded, Stage, Triage, Verdict};
use directory::link;
use directory::refresh::{self, Fate};
use directory::trail;
use registry::TargetId;
use scim::native::Native;
use testkit::store::Store;
use uuid::Uuid;

use crate::ledger::{sending, target};

testkit::on_both_databases!(
    an_everyday_round_is_recorded_in_one_statement,
    what_came_meanwhile_is_minded_by_what_is_recorded_in_one_statement,
);

/// A user who was pushed, as the round records it; what the database was asked for it.
async fn arrived(store: &Store, claim: &Claim, target: (TargetId, i64)) -> (Recorded, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let watcher = asked.clone();
    let db = store.db.clone().watched(move |statement| watcher.lock().unwrap().push(statement.sql.clone()));
    let (tenant, user) = (claim.row.tenant_id, claim.row.id);
    let digests = [("active".to_owned(), "on".to_owned())].into();
    let attempt = |operation: &str| Entry {
        tenant,
        at: 1,
        direction: "out",
        user: Some(user),
        target: Some(target.0),
        operation: operation.to_owned(),
        status: Some(200),
        class: "ok".to_owned(),
        reason: None,
        changed: vec!["active".to_owned()],
        duration_ms: 1,
        seq: Some(claim.seq),
        trace_id: None,
        client: None,
        detail: None,
        realm_calls: Vec::new(),
    };
    let round = Acknowledgement {
        claim,
        target: target.0,
        generation: target.1,
        observed: vec![1],
        verdict: Verdict::Done,
        reason: None,
        status: None,
        link: Some(LinkUpdate { downstream_id: Some("d7".to_owned()), digests }),
        attempts: vec![attempt("GET /Users/{id}"), attempt("PATCH /Users/{id}")],
    };
    let recorded = ledger::record(&db, tenant, user, &round).await.unwrap();
    let asked = asked.lock().unwrap().clone();
    (recorded, asked)
}

async fn an_everyday_round_is_recorded_in_one_statement(store: Store) {
    let acme = store.tenant("acme").await;
    let (target, ada) = (target(&store, acme).await, Uuid::new_v4());
    ledger::mark(store.db.connection(), acme, ada, &Mark::default()).await.unwrap();
    // A look that changes nothing in the directory.
    let asked = Arc::new(Mutex::new(0));
    let watcher = asked.clone();
    let db = store.db.clone().watched(move |_| *watcher.lock().unwrap() += 1);
    let claim = ledger::claim(&store.db, acme, ada, Stage::Triage, None).await.unwrap().unwrap();
    let native = Native::of(&crate::document("ada", None));
    let seen = Triage { claim: &claim, observed: vec![1], urgent: false, gone: false };
    let looked = refresh::commit(&db, acme, ada, None, Fate::Follow(&native), &seen).await.unwrap();
    assert_eq!((looked, *asked.lock().unwrap()), (Recorded::Written { owed: true }, 1));
    // A push that arrived; SQLite needs a transaction.
    let claim = ledger::claim(&store.db, acme, ada, Stage::Send, Some(target.1)).await.unwrap().unwrap();
    let (recorded, asked) = arrived(&store, &claim, target).await;
    assert_eq!(recorded, Recorded::Written { owed: false });
    assert!(!store.is_postgres() || asked.len() == 1, "{}", asked.join("\n\n"));
    let link = link::of(&store.db, acme, ada, target.0).await.unwrap();
    assert_eq!((link.downstream_id.as_deref(), link.verified_generation), (Some("d7"), target.1));
    assert_eq!(link.digests.get("active").map(String::as_str), Some("on"));
    let told = trail::since(&store.db, acme, 0, 10).await.unwrap();
    let operations: Vec<&str> = told.iter().map(|row| row.operation.as_str()).collect();
    assert_eq!(operations, ["GET /Users/{id}", "PATCH /Users/{id}"]);
}

async fn what_came_meanwhile_is_minded_by_what_is_recorded_in_one_statement(store: Store) {
    let acme = store.tenant("acme").await;
    let target = target(&store, acme).await;
    let recorded = async |user: Uuid, meanwhile: &str| {
        let claim = sending(&store, acme, user, target.1).await;
        if !meanwhile.is_empty() {
            store.run(meanwhile).await;
        }
        arrived(&store, &claim, target).await.0
    };
    // A mark: what was pushed is acknowledged, and the mark stays.
    let (ada, eve, kim) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let marked = "update ledger set dirty_seq = dirty_seq + 1, triage_at = 0";
    assert_eq!(recorded(ada, marked).await, Recorded::Written { owed: false });
    let row = ledger::row(&store.db, acme, ada).await.unwrap().unwrap().state;
    assert_eq!((row.dirty_seq - row.acked_seq, row.lease_until), (1, None));
    // Somebody else's claim: nothing of the round counts but that it may stand downstream.
    assert_eq!(recorded(eve, "update ledger set epoch = epoch + 1").await, Recorded::Stale);
    assert!(ledger::row(&store.db, acme, eve).await.unwrap().unwrap().state.reasserts());
    // Another generation: nothing at all is written.
    assert_eq!(recorded(kim, "update target set generation = generation + 1").await, Recorded::Stale);
    let row = ledger::row(&store.db, acme, kim).await.unwrap().unwrap().state;
    assert!(row.owed() && row.lease_until.is_none());
    for user in [eve, kim] {
        assert_eq!(link::of(&store.db, acme, user, target.0).await.unwrap().downstream_id, None);
    }
}
