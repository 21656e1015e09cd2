//! The set-up of realms, looked after: whatever somebody changed in Keycloak that provisioning needs is put back within
//! minutes and audited; what was switched on for capture is switched off where nobody needs it any more (K25, K29).

use std::time::Duration;

use directory::watch::{self, Setup};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use realm::keycloak::ANOTHER_REALM;
use registry::audit::Note;
use registry::tenant;
use tokio_util::sync::CancellationToken;

use crate::Deps;

/// How often realms whose turn has come are looked for.
const EVERY: Duration = Duration::from_secs(5);
/// Realms looked at at once.
const AT_ONCE: usize = 8;
/// The actor in audit entries of repairs.
const ACTOR: &str = "system";

/// Looks after set-ups until shutdown. One whose Keycloak hangs holds up itself alone: whatever place is free is taken.
pub(crate) async fn run(deps: Deps, shutdown: CancellationToken) {
    let mut looks = FuturesUnordered::new();
    loop {
        if let Some(free) = AT_ONCE.checked_sub(looks.len()).filter(|free| *free > 0) {
            match watch::setups_due(&deps.db, free).await {
                Ok(setups) => looks.extend(setups.into_iter().map(|setup| looked(&deps, setup))),
                Err(error) => {
                    tracing::warn!(name = "realm.setups_unread", %error, "set-ups to look after cannot be read");
                }
            }
        }
        tokio::select! {
            Some(()) = looks.next(), if !looks.is_empty() => {}
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.cancelled() => break,
        }
    }
    while looks.next().await.is_some() {}
}

async fn looked(deps: &Deps, setup: Setup) {
    if let Err(reason) = watch::keep_setup(&deps.db, &setup, look(deps, &setup)).await {
        tracing::info!(
            name = "realm.setup_unseen",
            reason,
            tenant.id = %setup.tenant_id,
            "a realm's set-up could not be looked at",
        );
    }
    drop(watch::end_setup(&deps.db, &setup, true).await);
    // It takes its turn itself, like everybody who stands a realm down.
    if !setup.needed
        && let Ok(tenant) = tenant::by_id(&deps.db, setup.tenant_id).await
    {
        deps.realms.try_stand_down(&tenant).await;
    }
}

async fn look(deps: &Deps, setup: &Setup) -> Result<(), String> {
    if !setup.needed {
        return Ok(());
    }
    // Order: after the lease, so that what is done is done for the tenant as it is now.
    let tenant = tenant::by_id(&deps.db, setup.tenant_id).await.map_err(|error| error.to_string())?;
    let missing = deps.realms.missing(&tenant).await.map_err(|error| error.to_string())?;
    if missing.is_empty() {
        return Ok(());
    }
    if missing.contains(&ANOTHER_REALM) {
        tracing::warn!(name = "realm.foreign", tenant.id = %tenant.id, "nothing is done to a realm that only has the name");
        return Ok(());
    }
    let note = Note { actor: ACTOR, action: "realm.repair", detail: serde_json::json!({ "missing": missing }) };
    deps.realms.repair(&tenant, &note).await.map_err(|error| error.to_string())?;
    tracing::warn!(
        name = "realm.repaired",
        tenant.id = %tenant.id,
        missing = missing.join(", "),
        "a realm's set-up was mended",
    );
    // What happened meanwhile fired no event anybody saw.
    watch::want_compare(&deps.db, tenant.id).await.map_err(|error| error.to_string())
}
