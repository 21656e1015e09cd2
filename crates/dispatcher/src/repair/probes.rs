//! Quarantined targets: asked now and then whether they take our token again (P4).

use downstream::{BaseUrl, Client};
use registry::target::{self, Target};

use super::{Repaired, text, waiting};
use crate::Deps;

pub(super) async fn ask_all(deps: &Deps) {
    let targets = waiting("quarantined targets", target::probes_due(&deps.db, 20).await);
    // Side by side: one that does not answer must not keep the others waiting.
    let asked = targets.iter().map(|target| async move {
        if let Err(reason) = ask(deps, target).await {
            tracing::info!(
                name = "repair.probe_waits",
                reason,
                tenant.id = %target.tenant,
                "a quarantined target could not be probed",
            );
        }
    });
    futures_util::future::join_all(asked).await;
}

async fn ask(deps: &Deps, target: &Target) -> Repaired {
    let Ok(token) = deps.keyring.open(&target::aad(target.tenant), &target.token) else { return Ok(()) };
    let Ok(base) = BaseUrl::parse(&target.base_url, &downstream::Guard::judged()) else { return Ok(()) };
    let outcome = match Client::new(deps.connector.clone(), base, token).probe().await {
        Ok(_) => target::release(&deps.db, target.id, target.generation).await,
        Err(_) => target::probe_failed(&deps.db, target.id, target.generation).await,
    };
    outcome.map_err(|error| text(&error))
}
