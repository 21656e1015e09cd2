//! Triage: look at the realm, refresh the directory behind its fence, decide what is owed (K9–K12).

use directory::ledger::{self, Claim, Recorded, Stage, Triage};
use directory::{refresh, watch};
use realm::RealmUser;
use registry::TenantId;
use scim::native::Native;
use tracing::Instrument;
use uuid::Uuid;

use crate::Deps;
use crate::pushed::observed;

pub(crate) async fn run(deps: &Deps, tenant: TenantId, user: Uuid) -> Result<(), directory::Error> {
    let Some(claim) = ledger::claim(&deps.db, tenant, user, Stage::Triage, None).await? else { return Ok(()) };
    let span = tracing::info_span!("outbound.triage", tenant.id = %tenant, user.id = %user);
    telemetry::trace::join(&span, claim.row.trace.as_deref());
    look(deps, tenant, user, &claim).instrument(span).await
}

async fn look(deps: &Deps, tenant: TenantId, user: Uuid, claim: &Claim) -> Result<(), directory::Error> {
    // Order: the fence is read before the realm (K11).
    let fence = refresh::fence(&deps.db, tenant, user).await?;
    if fence.as_ref().is_some_and(refresh::Fence::writing) {
        return ledger::release(&deps.db, tenant, user, claim.epoch, 0).await;
    }
    let seen = match deps.realms.of(tenant).await {
        Ok(realm) => realm.user(user).await,
        Err(error) => Err(error),
    };
    let seen = match seen {
        Ok(seen) => seen,
        Err(error) => {
            tracing::info!(%error, tenant.id = %tenant, user.id = %user, "the realm cannot be read; triage waits");
            return ledger::release(&deps.db, tenant, user, claim.epoch, 2_000_000).await;
        }
    };
    let key = watch::digest_key(&deps.db, tenant).await?;
    let triage = Triage {
        epoch: claim.epoch,
        seq: claim.seq,
        observed: observed(seen.as_ref(), &key),
        urgent: seen.as_ref().is_some_and(|user| !user.enabled),
        gone: seen.is_none(),
    };
    let native = seen.as_ref().map(native_of);
    match refresh::commit(&deps.db, tenant, user, fence.as_ref(), native.as_ref(), &triage).await? {
        Recorded::Written { .. } => Ok(()),
        Recorded::Stale => ledger::release(&deps.db, tenant, user, claim.epoch, 0).await,
    }
}

pub(crate) fn native_of(user: &RealmUser) -> Native {
    Native {
        user_name: user.username.clone(),
        email: user.email.clone(),
        given_name: user.first_name.clone(),
        family_name: user.last_name.clone(),
        active: user.enabled,
        external_id: user.external_id.clone(),
    }
}
