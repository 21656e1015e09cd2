//! Capture: the poll of the realm's events, and the baseline after an outbound enable. Both only mark (K9).

use std::time::Duration;

use bus::Hint;
use directory::ledger::{self, Mark};
use directory::link;
use directory::watch::{self, OVERLAP_MS, Seen, Watch, digest_key};
use realm::Realm;
use registry::target::{self, Target};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::pushed::Pushed;
use crate::{Config, Deps};

/// Users of one baseline transaction's page.
const PAGE: u32 = 200;

/// Polls due realms, one owner per realm by a lease row.
pub(crate) async fn poll(config: Config, deps: Deps, shutdown: CancellationToken) {
    let pause = config.poll.min(Duration::from_millis(500));
    while !shutdown.is_cancelled() {
        match watch::claim_due(&deps.db, 16, None).await {
            Ok(watches) => {
                for watch in &watches {
                    poll_one(&config, &deps, watch).await;
                }
            }
            Err(error) => tracing::warn!(%error, "realms to poll cannot be read"),
        }
        if let Err(error) = watch::forget_old_events(&deps.db).await {
            tracing::warn!(%error, "old event ids cannot be forgotten");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn poll_one(config: &Config, deps: &Deps, watch: &Watch) {
    let outcome = async {
        let realm = deps.realms.of(watch.tenant_id).await.map_err(|error| error.to_string())?;
        take(config, deps, watch, &realm).await
    };
    if let Err(reason) = outcome.await {
        tracing::info!(reason, tenant.id = %watch.tenant_id, "a realm's events cannot be read; the poll waits");
        drop(watch::postpone(&deps.db, watch, 5_000_000).await);
    }
}

async fn take(config: &Config, deps: &Deps, watch: &Watch, realm: &Realm) -> Result<(), String> {
    let ours: Vec<Uuid> = serde_json::from_str(&watch.client_ids).unwrap_or_default();
    // The first poll begins a minute back: what happened while nobody watched is the compare's to find.
    let now_ms = i64::try_from(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis(),
    )
    .unwrap_or(i64::MAX);
    let since = watch.cursor_ms.unwrap_or(now_ms) - OVERLAP_MS;
    let changes = realm.changes(since, &ours).await.map_err(|error| error.to_string())?;
    // The cursor never passes the realm's clock, and never goes back (K28).
    let cursor = changes.server_ms.max(watch.cursor_ms.unwrap_or(0));
    let events: Vec<Seen> =
        changes.events.into_iter().map(|event| Seen { id: event.id, user: event.user, touch: event.touch }).collect();
    let next = i64::try_from(config.poll.as_micros()).unwrap_or(2_000_000);
    let marked = watch::advance(&deps.db, watch, &events, cursor, next).await.map_err(|error| error.to_string())?;
    for user in marked {
        deps.doorbell.ring(Hint { tenant: watch.tenant_id.0, user, urgent: false, traceparent: None });
    }
    Ok(())
}

/// After an enable: rows for users the ledger has never heard of, as clean, so that nobody is pushed (P2). Whoever is
/// linked there and differs from what was sent is owed the difference (K24).
pub(crate) async fn baselines(deps: Deps, every: Duration, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        match target::baselines_due(&deps.db, 4).await {
            Ok(targets) => {
                for target in targets {
                    if let Err(reason) = baseline(&deps, &target).await {
                        tracing::warn!(reason, tenant.id = %target.tenant, "a baseline waits");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "baselines cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn baseline(deps: &Deps, target: &Target) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let realm = deps.realms.of(target.tenant).await.map_err(|error| text(&error))?;
    let key = digest_key(&deps.db, target.tenant).await.map_err(|error| text(&error))?;
    let mut first = 0;
    loop {
        let page = realm.users(first, PAGE).await.map_err(|error| text(&error))?;
        let ids: Vec<Uuid> = page.iter().map(|user| user.id).collect();
        let sent = link::digests(&deps.db, target.tenant, target.id, &ids).await.map_err(|error| text(&error))?;
        for user in &page {
            let pushed = Pushed::of(user);
            let differs = sent.get(&user.id).is_some_and(|digests| *digests != pushed.digests(&key));
            let connection = deps.db.connection();
            let noted = if differs {
                let mark = Mark { urgent: !user.enabled, reassert: true, trace: None };
                ledger::mark(connection, target.tenant, user.id, &mark).await
            } else {
                ledger::baseline(connection, target.tenant, user.id, &pushed.observed(&key)).await.map(drop)
            };
            noted.map_err(|error| text(&error))?;
        }
        first += PAGE;
        if page.len() < PAGE as usize {
            break;
        }
    }
    target::baseline_done(&deps.db, target.id, target.generation).await.map_err(|error| text(&error))
}
