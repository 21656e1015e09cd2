//! Repair: what a crash of the gateway left half done, and quarantined targets that may take us again.

use directory::reservation::{self, Reservation};
use directory::user;
use downstream::{BaseUrl, Client};
use realm::{Realm, RealmUser};
use registry::target::{self, Target};
use scim::native::Native;
use tokio_util::sync::CancellationToken;

use crate::{Config, Deps};

pub(crate) async fn run(config: Config, deps: Deps, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        if let Err(reason) = pass(&deps).await {
            tracing::warn!(reason, "repairs wait");
        }
        tokio::select! {
            () = tokio::time::sleep(config.sweep) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn pass(deps: &Deps) -> Result<(), String> {
    for reservation in reservation::claim_stale(&deps.db, 50).await.map_err(|error| error.to_string())? {
        if let Err(error) = finish(deps, &reservation).await {
            tracing::info!(error, tenant.id = %reservation.tenant_id, "a create waits to be finished");
        }
    }
    for owed in user::claim_owed_logouts(&deps.db, 50).await.map_err(|error| error.to_string())? {
        let realm = deps.realms.of(owed.tenant_id).await.map_err(|error| error.to_string())?;
        match realm.logout(owed.id).await {
            // A user that is gone has no sessions.
            Ok(()) | Err(realm::Error::NotFound) => {
                user::logout_paid(&deps.db, &owed).await.map_err(|error| error.to_string())?;
            }
            Err(error) => tracing::info!(%error, tenant.id = %owed.tenant_id, "a log-out stays owed"),
        }
    }
    for target in target::probes_due(&deps.db, 20).await.map_err(|error| error.to_string())? {
        probe(deps, &target).await?;
    }
    Ok(())
}

/// Ends a create whose request is gone (K2): its realm user, if there is one, gets its role and its row; if there is
/// none, the name is free again. The client was told 503 and asks once more.
async fn finish(deps: &Deps, reservation: &Reservation) -> Result<(), String> {
    let realm = deps.realms.of(reservation.tenant_id).await.map_err(|error| error.to_string())?;
    let document: scim::Object = serde_json::from_str(&reservation.document).map_err(|error| error.to_string())?;
    let native = Native::of(&document);
    let marker = format!("{}:{}", reservation.tenant_id, reservation.nonce);
    let found = realm.find_by_username(&native.user_name).await.map_err(|error| error.to_string())?;
    let Some(user) = found.filter(|user| user.marker.as_deref() == Some(&marker)) else {
        reservation::abandon(&deps.db, reservation).await.map_err(|error| error.to_string())?;
        return Ok(());
    };
    adopt(deps, &realm, reservation, &user).await
}

async fn adopt(deps: &Deps, realm: &Realm, reservation: &Reservation, user: &RealmUser) -> Result<(), String> {
    realm.grant_role(user.id).await.map_err(|error| error.to_string())?;
    let base = Native {
        user_name: user.username.clone(),
        email: user.email.clone(),
        given_name: user.first_name.clone(),
        family_name: user.last_name.clone(),
        active: user.enabled,
        external_id: user.external_id.clone(),
    };
    reservation::complete(&deps.db, reservation, user.id, &base, None).await.map_err(|error| error.to_string())?;
    Ok(())
}

/// Asks a quarantined target whether it takes our token again (P4).
async fn probe(deps: &Deps, target: &Target) -> Result<(), String> {
    let Ok(token) = deps.keyring.open(&target::aad(target.tenant), &target.token) else { return Ok(()) };
    let lenient = downstream::Guard { development: true, ports: Vec::new() };
    let Ok(base) = BaseUrl::parse(&target.base_url, &lenient) else { return Ok(()) };
    let answer = Client::new(deps.connector.clone(), base, token).probe().await;
    let outcome = match answer {
        Ok(_) => target::release(&deps.db, target.id, target.generation).await,
        Err(_) => target::quarantine(&deps.db, target.id, target.generation, "the downstream still refuses").await,
    };
    outcome.map_err(|error| error.to_string())
}
