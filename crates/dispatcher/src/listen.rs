//! What Keycloak's event listeners push: the fast path of capture. A message only marks, under the same event id as the
//! poll's, so that what comes both ways marks once; where it has no id, the realm is polled at once as well.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bus::{Hint, News};
use directory::ledger::{self, Mark};
use directory::watch::{self, REREAD_MS, Seen};
use registry::TenantId;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Deps;
use crate::capture::now_ms;

/// How long a realm's tenant and our clients there are remembered.
const FRESH: Duration = Duration::from_secs(30);
/// Realms remembered.
const KEPT: usize = 10_000;

/// A tenant and the clients of ours in its realm, if the realm is a tenant's.
type Known = Option<(TenantId, Vec<Uuid>)>;

/// Marks what the listeners say until shutdown.
pub(crate) async fn run(deps: Deps, mut news: Receiver<News>, shutdown: CancellationToken) {
    let mut known: HashMap<Uuid, (Instant, Known)> = HashMap::new();
    loop {
        let next = tokio::select! {
            next = news.recv() => next,
            () = shutdown.cancelled() => return,
        };
        let Some(one) = next else { return };
        if let Err(error) = take(&deps, &one, &mut known).await {
            // The poll carries it.
            tracing::info!(name = "capture.untaken", %error, "a listener's message could not be taken");
        }
    }
}

async fn take(deps: &Deps, news: &News, known: &mut HashMap<Uuid, (Instant, Known)>) -> Result<(), directory::Error> {
    let Some((tenant, ours)) = of(deps, news.realm, known).await? else { return Ok(()) };
    let Some(user) = news.user else {
        // A group: the poll tells which.
        return watch::wake(&deps.db, tenant).await;
    };
    if news.at_ms < now_ms() - REREAD_MS {
        // So late that the poll may have taken it and forgotten that: whatever is left of it is the poll's (K28).
        return watch::wake(&deps.db, tenant).await;
    }
    let by_us = news.client.is_some_and(|client| ours.contains(&client));
    if let Some(id) = &news.id {
        let event = Seen {
            id: id.clone(),
            user,
            at_ms: news.at_ms,
            touch: news.saved && !by_us,
            deleted: news.deleted,
            roles: news.roles,
        };
        if !watch::take(&deps.db, tenant, &event).await? {
            return Ok(());
        }
    } else {
        // Without an id the poll will tell of the touch; marking it here too would assert twice.
        watch::wake(&deps.db, tenant).await?;
        let mark = Mark { roles: news.roles, deleted: news.deleted, ..Mark::default() };
        ledger::mark(deps.db.connection(), tenant, user, &mark).await?;
    }
    deps.doorbell.ring(Hint { tenant: tenant.0, user, urgent: false, traceparent: None });
    Ok(())
}

async fn of(deps: &Deps, realm: Uuid, known: &mut HashMap<Uuid, (Instant, Known)>) -> Result<Known, directory::Error> {
    if let Some((at, found)) = known.get(&realm)
        && at.elapsed() < FRESH
    {
        return Ok(found.clone());
    }
    let tenant = watch::tenant_of(&deps.db, realm).await?;
    let found = match tenant {
        None => None,
        Some(tenant) => {
            let clients = watch::identity(&deps.db, tenant).await?.map(|identity| identity.client_ids);
            let clients = clients.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            Some((tenant, clients))
        }
    };
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(realm, (Instant::now(), found.clone()));
    Ok(found)
}
