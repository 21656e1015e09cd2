use std::sync::atomic::Ordering;

use control::{Problem, freeze, remove, thaw};
use registry::tenant::{self, Tenant};
use registry::{Error, TenantId, audit, inbound_token};
use testkit::store::Store;

use crate::realms::Noting;

testkit::on_both_databases!(
    a_tenant_is_removed_once_both_directions_are_off_and_its_realm_is_as_it_was,
    a_realm_that_refuses_keeps_its_tenant_until_it_is_left_alone,
    a_tenant_that_was_frozen_before_is_not_thawed_by_what_fails,
);

async fn found(store: &Store, tenant: TenantId) -> Tenant {
    tenant::by_id(&store.db, tenant).await.unwrap()
}

/// Whether inbound is on.
async fn is_on(store: &Store, tenant: TenantId) -> bool {
    inbound_token::newest(&store.db, tenant).await.unwrap().is_some_and(|token| token.died_at.is_none())
}

async fn a_tenant_is_removed_once_both_directions_are_off_and_its_realm_is_as_it_was(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    let realms = Noting::default();
    remove(&store.db, &realms, &found(&store, acme).await, false, "dana").await.unwrap();
    assert_eq!(realms.done(), ["stand down acme"]);
    assert!(matches!(tenant::by_id(&store.db, acme).await, Err(Error::NotFound(_))));
    let entries = audit::newest(&store.db, acme, 3).await.unwrap();
    let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["tenant.delete", "inbound.disable", "inbound.enable"]);
}

async fn a_realm_that_refuses_keeps_its_tenant_until_it_is_left_alone(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    let realms = Noting::default();
    realms.refusing.store(true, Ordering::SeqCst);
    let refused = remove(&store.db, &realms, &found(&store, acme).await, false, "dana").await.unwrap_err();
    assert!(matches!(refused, Problem::EventsKept { passing: false, .. }), "{refused:?}");
    assert!(refused.to_string().contains("both directions are off"), "{refused}");
    assert!(found(&store, acme).await.frozen_at.is_none() && !is_on(&store, acme).await);
    realms.done();
    remove(&store.db, &realms, &found(&store, acme).await, true, "dana").await.unwrap();
    assert!(realms.done().is_empty(), "the realm was left alone");
    assert!(tenant::by_id(&store.db, acme).await.is_err());
}

async fn a_tenant_that_was_frozen_before_is_not_thawed_by_what_fails(store: Store) {
    let acme = store.tenant("acme").await;
    let free = found(&store, acme).await;
    freeze(&store.db, &free).await.unwrap();
    let frozen = found(&store, acme).await;
    assert!(frozen.frozen_at.is_some());
    thaw(&store.db, &frozen).await.unwrap();
    assert!(found(&store, acme).await.frozen_at.is_some(), "what froze it is not over");
    thaw(&store.db, &free).await.unwrap();
    assert!(found(&store, acme).await.frozen_at.is_none());
}
