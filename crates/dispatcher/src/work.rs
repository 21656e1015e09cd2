//! Who works when: hints and the sweeper feed one pool with caps per process and per tenant. Over the cap nothing waits
//! in memory: the row stays in the ledger and the sweeper comes again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bus::Hints;
use directory::ledger::{self, Stage};
use registry::TenantId;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;

use crate::{Config, Deps, send, triage};

/// Rows the sweeper takes at once, and how many of them may be one tenant's.
const PAGE: u32 = 200;
const PER_TENANT: u32 = 16;

pub(crate) struct Pool {
    config: Config,
    deps: Deps,
    tracker: TaskTracker,
    permits: Arc<Semaphore>,
    tenants: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

impl Pool {
    pub fn new(config: Config, deps: Deps, tracker: TaskTracker) -> Self {
        let permits = Arc::new(Semaphore::new(config.concurrency));
        Self { config, deps, tracker, permits, tenants: Mutex::new(HashMap::new()) }
    }

    /// Starts work on a user if there is room for its tenant; waits for room in the process.
    async fn start(&self, tenant: TenantId, user: Uuid) {
        let Some(tenant_permit) = self.tenant_permit(tenant).await else { return };
        let Ok(permit) = self.permits.clone().acquire_owned().await else { return };
        let deps = self.deps.clone();
        self.tracker.spawn(async move {
            let _permits = (permit, tenant_permit);
            round(&deps, tenant, user).await;
        });
    }

    async fn tenant_permit(&self, tenant: TenantId) -> Option<OwnedSemaphorePermit> {
        let mut tenants = self.tenants.lock().await;
        let cap = self.config.per_target;
        // Tenants nobody works for are forgotten, so that the map stays as small as the load.
        if tenants.len() > 1_000 {
            tenants.retain(|_, permits| permits.available_permits() < cap);
        }
        let permits = tenants.entry(tenant).or_insert_with(|| Arc::new(Semaphore::new(cap))).clone();
        permits.try_acquire_owned().ok()
    }
}

/// Triage, then send what is owed.
async fn round(deps: &Deps, tenant: TenantId, user: Uuid) {
    if let Err(error) = triage::run(deps, tenant, user).await {
        tracing::warn!(%error, tenant.id = %tenant, user.id = %user, "triage did not end");
        return;
    }
    if let Err(error) = send::run(deps, tenant, user).await {
        tracing::warn!(%error, tenant.id = %tenant, user.id = %user, "a send did not end");
    }
}

/// Works on what rings.
pub(crate) async fn listen(pool: Arc<Pool>, mut hints: Hints, shutdown: CancellationToken) {
    loop {
        let hint = tokio::select! {
            hint = hints.next() => hint,
            () = shutdown.cancelled() => return,
        };
        let Some(hint) = hint else { return };
        let span = tracing::info_span!("process hint", otel.kind = "consumer", messaging.system = "rabbitmq");
        telemetry::trace::join(&span, hint.traceparent.as_deref());
        pool.start(TenantId(hint.tenant), hint.user).instrument(span).await;
    }
}

/// Works on what is due and did not ring: lost hints, back-offs that ended, leases of the dead.
pub(crate) async fn sweep(pool: Arc<Pool>, every: Duration, shutdown: CancellationToken) {
    loop {
        let mut full = false;
        for stage in [Stage::Triage, Stage::Send] {
            match ledger::due(&pool.deps.db, stage, PAGE, PER_TENANT).await {
                Ok(rows) => {
                    full |= rows.len() >= PER_TENANT as usize;
                    for row in rows {
                        pool.start(row.tenant_id, row.user_id).await;
                    }
                }
                Err(error) => tracing::warn!(%error, "the ledger cannot be read"),
            }
        }
        let pause = if full { every.min(Duration::from_millis(100)) } else { every };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
    }
}
