//! What gauges, alerts and the autoscaler are told of the ledger.

use directory::ledger::{self, Backlog, Mark, Stage};
use directory::parked::{self, Decision};
use directory::resource::Kind;
use directory::watch;
use registry::quarantine::Cause;
use registry::target::{self, Enabled};
use registry::{TargetId, TenantId};
use testkit::store::Store;
use uuid::Uuid;

use crate::enabling::enable;
use crate::groups::make;
use crate::parked::{set_aside_as, touched};

testkit::on_both_databases!(
    what_rests_by_a_persons_word_is_parked_no_more,
    a_change_nobody_has_looked_at_waits_unless_its_user_is_missing,
    a_target_that_takes_nothing_makes_nothing_old,
    the_autoscaler_counts_what_a_dispatcher_would_take,
);

async fn counted(store: &Store) -> (i64, i64) {
    let Backlog { waiting, parked, .. } = ledger::backlog(&store.db).await.unwrap();
    (waiting, parked)
}

async fn of_tenant(store: &Store, tenant: TenantId) -> (i64, i64) {
    let Backlog { waiting, parked, .. } = ledger::backlog_of(&store.db, tenant).await.unwrap();
    (waiting, parked)
}

async fn with_target(store: &Store, slug: &str) -> (TenantId, Enabled) {
    let tenant = store.tenant(slug).await;
    (tenant, enable(store, tenant, &format!("https://{slug}.test/scim")).await)
}

async fn marked(store: &Store, tenant: TenantId) -> Uuid {
    let user = Uuid::new_v4();
    ledger::mark(store.db.connection(), tenant, user, &Mark::default()).await.unwrap();
    user
}

async fn what_rests_by_a_persons_word_is_parked_no_more(store: Store) {
    let (acme, target) = with_target(&store, "acme").await;
    let ada = set_aside_as(&store, acme, (target.id, target.generation), "conflict").await;
    assert_eq!((counted(&store).await, of_tenant(&store, acme).await), ((0, 1), (0, 1)));
    assert!(parked::decide(&store.db, acme, ada, Decision::Ignore, "dana").await.unwrap());
    assert_eq!((counted(&store).await, of_tenant(&store, acme).await), ((0, 0), (0, 0)));
    // A change of the user begins anew.
    ledger::mark(store.db.connection(), acme, ada, &Mark::default()).await.unwrap();
    assert_eq!((counted(&store).await, of_tenant(&store, acme).await), ((1, 0), (1, 0)));
}

async fn a_change_nobody_has_looked_at_waits_unless_its_user_is_missing(store: Store) {
    let (acme, _) = with_target(&store, "acme").await;
    let inbound_only = store.tenant("beta").await;
    let ada = marked(&store, acme).await;
    marked(&store, inbound_only).await;
    assert_eq!(counted(&store).await, (1, 0));
    store.run("update ledger set dirty_at = dirty_at - 90000000").await;
    assert!(ledger::backlog(&store.db).await.unwrap().oldest >= 90_000_000);
    watch::note_absences(&store.db, Kind::User, acme, &[ada]).await.unwrap();
    assert_eq!(ledger::backlog(&store.db).await.unwrap(), Backlog { waiting: 0, parked: 0, oldest: 0 });
}

async fn a_target_that_takes_nothing_makes_nothing_old(store: Store) {
    let (acme, first) = with_target(&store, "acme").await;
    let (beta, second) = with_target(&store, "beta").await;
    for tenant in [acme, beta] {
        touched(&store, tenant, Uuid::new_v4(), 1).await;
    }
    store.run("update ledger set dirty_at = dirty_at - 90000000").await;
    let old = async || ledger::backlog(&store.db).await.unwrap().oldest >= 90_000_000;
    let quarantine = async |id: TargetId, of: &Enabled| {
        target::quarantine(&store.db, id, of.generation, Cause::Unauthorized).await.unwrap();
    };
    quarantine(first.id, &first).await;
    assert!(old().await, "the other one is to be delivered");
    target::pause(&store.db, second.id, second.generation, 60_000_000).await.unwrap();
    assert!(!old().await);
    assert_eq!(counted(&store).await, (2, 0), "and both wait all the same");
    store.run("update target set paused_until = 1 where paused_until is not null").await;
    assert!(old().await);
}

/// What KEDA asks, by whom, and what the manual lets them read.
const DUE: &str = include_str!("../../../../deploy/helm/kevra-scim/files/due.sql");
const MANUAL: &str = include_str!("../../../../docs/operate/scaling.md");

async fn the_autoscaler_counts_what_a_dispatcher_would_take(store: Store) {
    if !store.is_postgres() {
        return;
    }
    let role = format!("keda_{}", Uuid::new_v4().simple());
    store.run(&format!("create role {role}")).await;
    let grants = MANUAL.lines().map(str::trim).filter(|line| line.starts_with("grant ") && !line.contains("database"));
    for grant in grants {
        store.run(&grant.replace("kevra_keda", &role)).await;
    }
    let counts = async |expected: usize| {
        let triage = ledger::due(&store.db, Stage::Triage, 100, 100, &[]).await.unwrap().len();
        let send = ledger::due(&store.db, Stage::Send, 100, 100, &[]).await.unwrap().len();
        let groups = ledger::due_groups(&store.db, 100, 100, &[]).await.unwrap().len();
        assert_eq!(triage + send + groups, expected);
        // One round trip, for one connection has the role; a division by zero says that the two differ.
        let same = format!("select 1 / (case when due = {expected} then 1 else 0 end) from ({DUE}) counted");
        store.run(&format!("set role {role}; {same}; reset role")).await;
    };
    let (acme, token) = store.provisioned("acme").await;
    let target = enable(&store, acme, "https://acme.test/scim").await;
    counts(0).await;
    let ada = marked(&store, acme).await;
    counts(1).await;
    touched(&store, acme, ada, 1).await;
    counts(1).await;
    set_aside_as(&store, acme, (target.id, target.generation), "conflict").await;
    counts(1).await;
    make(&store, acme, &token, "Builders", Vec::new()).await;
    ledger::owe_groups(&store.db).await.unwrap();
    counts(1).await;
    store.run("update target set push_groups = true").await;
    make(&store, acme, &token, "Masons", Vec::new()).await;
    ledger::owe_groups(&store.db).await.unwrap();
    counts(2).await;
    store.run("update ledger set next_at = next_at + 60000000 where parked_at is null").await;
    counts(1).await;
    target::pause(&store.db, target.id, target.generation, 60_000_000).await.unwrap();
    counts(0).await;
    store.run("update target set paused_until = null; update ledger set next_at = 0 where parked_at is null").await;
    target::quarantine(&store.db, target.id, target.generation, Cause::Unauthorized).await.unwrap();
    counts(0).await;
    store.run(&format!("drop owned by {role}; drop role {role}")).await;
}
