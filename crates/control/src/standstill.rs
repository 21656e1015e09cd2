//! A tenant that stands still: nothing of it is answered or claimed, and nothing is under way (K30).

use std::time::{Duration, Instant};

use directory::writing;
use registry::tenant::{self, Tenant};
use registry::{Db, inbound_token, target};

use crate::{Problem, Realms};

/// How long work of a tenant is waited for: a lease, a request's deadline, and a little.
pub const DRAIN: Duration = Duration::from_secs(40);

/// Freezes a tenant and waits until nothing of it is under way; where that does not come it is thawed again.
pub async fn freeze(db: &Db, tenant: &Tenant) -> Result<(), Problem> {
    tenant::freeze(db, tenant.id, true).await?;
    let begun = Instant::now();
    while writing::under_way(db, tenant.id).await? > 0 {
        if begun.elapsed() > DRAIN {
            thaw(db, tenant).await?;
            return Err(Problem::Busy);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Has a tenant go on that was frozen for what could not be done. One that was frozen before stays so: what froze it is not
/// over.
pub async fn thaw(db: &Db, tenant: &Tenant) -> Result<(), Problem> {
    if tenant.frozen_at.is_none() {
        tenant::freeze(db, tenant.id, false).await?;
    }
    Ok(())
}

/// Removes a tenant with everything we know of it: both directions off, the realm's event stores as they were, then the
/// rows. The realm, its users and the downstream's records stay.
pub async fn remove(
    db: &Db,
    realms: &dyn Realms,
    tenant: &Tenant,
    leave_realm: bool,
    actor: &str,
) -> Result<(), Problem> {
    freeze(db, tenant).await?;
    let removed = remove_still(db, realms, tenant, leave_realm, actor).await;
    if removed.is_err() {
        thaw(db, tenant).await?;
    }
    removed
}

async fn remove_still(
    db: &Db,
    realms: &dyn Realms,
    tenant: &Tenant,
    leave_realm: bool,
    actor: &str,
) -> Result<(), Problem> {
    for off in [
        inbound_token::disable(db, tenant.id, actor).await.map(drop),
        target::disable(db, tenant.id, actor).await.map(drop),
    ] {
        match off {
            Ok(()) | Err(registry::Error::NotEnabled) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // While there is a row that remembers how they were.
    if !leave_realm {
        realms.stand_down(tenant).await.map_err(|error| Problem::EventsKept {
            passing: matches!(error, realm::Error::Contended | realm::Error::Unavailable | realm::Error::Ambiguous),
            reason: error.to_string(),
        })?;
    }
    Ok(tenant::delete(db, tenant.id, actor).await?)
}
