//! Capture: the poll of the realms' events, one owner per realm by a lease row, realms side by side so that a slow one keeps
//! nobody waiting. It only marks (K9), and has the realm imported from or compared where there was a gap: see [`crate::survey`].

use std::sync::Arc;
use std::time::Duration;

use bus::Hint;
use directory::watch::{self, GroupSeen, Harvest, Seen, Watch};
use realm::{Keeping, Marks, Reading, Realm};
use registry::TenantId;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::compare::text;
use crate::{Config, Deps, alarm, powers};

/// Realms polled at once by one process.
const AT_ONCE: usize = 32;
/// How often a poller says that it is alive: a few times within its lease.
const ALIVE: Duration = Duration::from_secs(3);
/// The longest pause between two polls of a realm where nothing happens, microseconds.
const IDLE: i64 = 10_000_000;
/// How long a realm that cannot be read is left alone, microseconds.
const UNREADABLE: i64 = 5_000_000;

/// Polls due realms until shutdown.
pub(crate) async fn poll(config: Config, deps: Deps, tracker: TaskTracker, shutdown: CancellationToken) {
    let (pause, turns) = (config.poll.min(Duration::from_millis(250)), Arc::new(Semaphore::new(AT_ONCE)));
    let mut forgotten = std::time::Instant::now();
    while !shutdown.is_cancelled() {
        let room = u32::try_from(turns.available_permits()).unwrap_or(0);
        match watch::claim_due(&deps.db, room, None).await {
            Ok(watches) => {
                for watch in watches {
                    let Ok(turn) = turns.clone().acquire_owned().await else { return };
                    let (config, deps) = (config.clone(), deps.clone());
                    tracker.spawn(async move {
                        let _turn = turn;
                        poll_one(&config, &deps, &watch).await;
                    });
                }
            }
            Err(error) => tracing::warn!(name = "capture.unread", %error, "realms to poll cannot be read"),
        }
        if forgotten.elapsed() > Duration::from_mins(1) {
            forgotten = std::time::Instant::now();
            if let Err(error) = watch::forget_old_events(&deps.db).await {
                tracing::warn!(name = "capture.unforgotten", %error, "old event ids cannot be forgotten");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn poll_one(config: &Config, deps: &Deps, watch: &Watch) {
    let work = async {
        let realm = deps.realms.of(watch.tenant_id).await.map_err(text)?;
        take(config, deps, watch, &realm).await
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        () = taken_over(deps, watch) => Err("another process polls this realm now".to_owned()),
    };
    if let Err(reason) = outcome {
        tracing::info!(
            name = "capture.waits",
            reason,
            tenant.id = %watch.tenant_id,
            "a realm's events cannot be read; the poll waits",
        );
        drop(watch::postpone(&deps.db, watch, UNREADABLE).await);
    }
}

/// Keeps a poller's claim alive, a long reading's too; ends when it is another's.
async fn taken_over(deps: &Deps, watch: &Watch) {
    loop {
        tokio::time::sleep(ALIVE).await;
        if let Ok(false) = watch::renew(&deps.db, watch).await {
            return;
        }
    }
}

async fn take(config: &Config, deps: &Deps, watch: &Watch, realm: &Realm) -> Result<(), String> {
    if watch.reread {
        recognize(deps, watch.tenant_id, watch.realm_uuid, realm).await?;
    }
    let ours: Vec<Uuid> = serde_json::from_str(&watch.client_ids).unwrap_or_default();
    // What an earlier version noted is nothing to look for.
    let mut known: Marks =
        watch.newest_event.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if watch.reread {
        known.keeping = kept(deps, watch, realm).await?;
    }
    let now_ms = now_ms();
    let reading = Reading { since_ms: watch.since_ms(now_ms), now_ms, known };
    let changes = realm.changes(&reading, &ours).await.map_err(text)?;
    if changes.cleared {
        let reason = "events of the realm were cleared; the whole realm is compared";
        alarm::noted(deps, watch.tenant_id, None, "events_cleared", reason).await;
    }
    if changes.cleared || watch.paused(changes.server_ms) {
        powers::everybody(deps, watch).await?;
        after_gap(deps, watch).await?;
    }
    powers::follow(deps, watch, realm, &changes.powers).await?;
    let events: Vec<Seen> = changes.events.into_iter().map(seen).collect();
    let groups: Vec<GroupSeen> = changes.groups.into_iter().map(group_seen).collect();
    let harvest = Harvest {
        events: &events,
        groups: &groups,
        cursor_ms: watch.cursor_after(changes.server_ms),
        next_in: pause(config, watch.idle_polls),
        newest: noted(&changes.newest)?,
    };
    for user in watch::advance(&deps.db, watch, &harvest).await.map_err(text)? {
        deps.doorbell.ring(Hint { tenant: watch.tenant_id.0, user, urgent: false, traceparent: None });
    }
    Ok(())
}

fn noted(newest: &Marks) -> Result<Option<String>, String> {
    let known = newest.admin.is_some() || newest.user.is_some();
    known.then(|| serde_json::to_string(newest).map_err(text)).transpose()
}

/// For how long the realm keeps its events; where it does not store them, what they would have told is found otherwise, and
/// they are switched on again.
async fn kept(deps: &Deps, watch: &Watch, realm: &Realm) -> Result<Option<Keeping>, String> {
    let keeping = realm.keeps_events().await.map_err(text)?;
    if keeping.is_none() {
        let reason = "the realm does not store its events; it is compared, and its settings are looked after";
        alarm::noted(deps, watch.tenant_id, None, "events_off", reason).await;
        watch::want_setup(&deps.db, watch.tenant_id).await.map_err(text)?;
        after_gap(deps, watch).await?;
    }
    Ok(keeping)
}

/// What no event told of is found by a compare, and until everybody who came meanwhile is taken in, whoever looks for somebody
/// has the realm asked (K8).
async fn after_gap(deps: &Deps, watch: &Watch) -> Result<(), String> {
    watch::want_import(deps.db.connection(), watch.tenant_id).await.map_err(text)?;
    watch::want_compare(&deps.db, watch.tenant_id).await.map_err(text)
}

/// Fails where the realm is not the tenant's, or does not say who it is (K29).
pub(crate) async fn recognize(deps: &Deps, tenant: TenantId, known: Option<Uuid>, realm: &Realm) -> Result<(), String> {
    if known.is_none() {
        return Ok(());
    }
    let identity = match realm.identity().await {
        Err(realm::Error::Foreign) => None,
        identity => identity.map_err(text)?,
    };
    if identity == known {
        return Ok(());
    }
    alarm::foreign(deps, tenant).await;
    Err(alarm::FOREIGN.to_owned())
}

pub(crate) fn seen(event: realm::RealmEvent) -> Seen {
    let realm::RealmEvent { id, at_ms, user, touch, deleted, roles } = event;
    Seen { id, at_ms, user, touch, deleted, roles }
}

fn group_seen(event: realm::GroupEvent) -> GroupSeen {
    let realm::GroupEvent { id, group, deleted } = event;
    GroupSeen { id, group, deleted }
}

/// Fast while something happens, slower the longer nothing does. Microseconds.
fn pause(config: &Config, idle_polls: i64) -> i64 {
    let base = i64::try_from(config.poll.as_micros()).unwrap_or(IDLE);
    let doublings = u32::try_from(((idle_polls - 30) / 30).clamp(0, 8)).unwrap_or(0);
    base.saturating_mul(1 << doublings).min(IDLE.max(base))
}

pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_where_nothing_happens_is_asked_less_often_and_at_least_every_ten_seconds() {
        let config = Config { poll: Duration::from_secs(1), ..Config::default() };
        assert_eq!(pause(&config, 0), 1_000_000);
        assert_eq!(pause(&config, 60), 2_000_000);
        assert_eq!(pause(&config, 10_000), IDLE);
    }
}
