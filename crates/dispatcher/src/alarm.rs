//! What somebody should look at: an entry in the tenant's activity, a line, a count. Told once in a while, not each time.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use directory::activity::{self, Entry};
use registry::TenantId;
use telemetry::metrics::{self, Counter, KeyValue};
use uuid::Uuid;

use crate::Deps;
use crate::attempt::micros_now;

static NOTED: LazyLock<Counter<u64>> =
    LazyLock::new(|| metrics::counter("realm_notes", "What capture found in realms that somebody should look at"));

const QUIET: Duration = Duration::from_mins(5);
const KEPT: usize = 10_000;

static TOLD: LazyLock<Mutex<HashMap<(TenantId, &'static str), Instant>>> = LazyLock::new(Mutex::default);

/// Classes of what concerns one user and nobody else.
const OF_ONE: [&str; 2] = ["released", "switched_on"];

/// What is said of a realm that is another one than the tenant's.
pub(crate) const FOREIGN: &str = "the realm is not the one this tenant was set up with";

/// The realm is another one (K29).
pub(crate) async fn foreign(deps: &Deps, tenant: TenantId) {
    noted(deps, tenant, None, "foreign_realm", FOREIGN).await;
}

/// Too many users, or groups, are missing at once (K14); `user` is one of them.
pub(crate) async fn absences(deps: &Deps, tenant: TenantId, user: Option<Uuid>) {
    let reason = "more are missing than were said to be deleted; nobody is given up until somebody looks";
    noted(deps, tenant, user, "absences_held", reason).await;
}

/// Somebody whom SCIM switched off lately was switched on by another hand, and the realm is followed (K15).
pub(crate) async fn switched_on(deps: &Deps, tenant: TenantId, user: Uuid) {
    let reason = "whom SCIM had switched off within a day was switched on in the realm";
    noted(deps, tenant, Some(user), "switched_on", reason).await;
}

/// Notes something of a realm. What concerns one user is told each time, what concerns the realm once in a while.
pub(crate) async fn noted(
    deps: &Deps,
    tenant: TenantId,
    user: Option<Uuid>,
    class: &'static str,
    reason: &'static str,
) {
    NOTED.add(1, &[KeyValue::new("class", class)]);
    if !OF_ONE.contains(&class) && !news(tenant, class) {
        return;
    }
    tracing::warn!(
        name = "realm.noted",
        tenant.id = %tenant,
        class,
        reason,
        "capture found something somebody should look at",
    );
    let entry = Entry {
        tenant,
        at: micros_now(),
        direction: "realm",
        user,
        target: None,
        operation: "realm".to_owned(),
        status: None,
        class: class.to_owned(),
        reason: Some(reason.to_owned()),
        changed: Vec::new(),
        duration_ms: 0,
        seq: None,
        trace_id: None,
        client: None,
        detail: None,
        realm_calls: Vec::new(),
    };
    // The finding does not depend on it.
    if let Err(error) = activity::insert(deps.db.connection(), &[entry]).await {
        tracing::warn!(name = "activity.unwritten", %error, "activity could not be written");
    }
}

fn news(tenant: TenantId, class: &'static str) -> bool {
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.get(&(tenant, class)).is_some_and(|at| at.elapsed() < QUIET) {
        return false;
    }
    if told.len() >= KEPT {
        told.retain(|_, at| at.elapsed() < QUIET);
    }
    told.insert((tenant, class), Instant::now());
    true
}
