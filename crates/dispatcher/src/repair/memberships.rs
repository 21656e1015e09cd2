//! Memberships that the realm was not told of, because the request that wanted them is gone (K7).

use directory::lease::Lease;
use directory::member;
use directory::resource::Kind;
use directory::writing::{self, LEASE};
use registry::TenantId;
use uuid::Uuid;

use super::{AT_ONCE, Repaired, text, waiting};
use crate::Deps;

/// Memberships told under one claim; the rest comes with the next pass.
const PENDING: u32 = 200;

pub(super) async fn tell_all(deps: &Deps) {
    for (tenant, group) in waiting("memberships", member::stale(&deps.db, AT_ONCE).await) {
        if let Err(reason) = tell(deps, tenant, group).await {
            tracing::info!(reason, tenant.id = %tenant, "memberships wait for the realm");
        }
    }
}

async fn tell(deps: &Deps, tenant: TenantId, group: Uuid) -> Repaired {
    let lease = Lease::asked(LEASE);
    let claimed = writing::take_over(&deps.db, Kind::Group, tenant, group).await.map_err(|error| text(&error))?;
    let Some(epoch) = claimed else { return Ok(()) };
    let told = tell_claimed(deps, tenant, group, epoch, lease).await;
    let released = writing::release(&deps.db, Kind::Group, tenant, group, epoch).await;
    told.and(released.map_err(|error| text(&error)))
}

async fn tell_claimed(deps: &Deps, tenant: TenantId, group: Uuid, epoch: i64, mut lease: Lease) -> Repaired {
    let realm = deps.realms.of(tenant).await.map_err(|error| text(&error))?;
    for one in member::pending(&deps.db, tenant, group, PENDING).await.map_err(|error| text(&error))? {
        if !lease.covers(realm::CALL) {
            lease = Lease::asked(LEASE);
            let ours = writing::renew(&deps.db, Kind::Group, tenant, group, epoch).await.map_err(|e| text(&e))?;
            if !ours {
                return Ok(());
            }
        }
        match realm.set_member(one.user_id, group, one.desired).await {
            // Who is gone from the realm is a member of nothing there.
            Ok(()) | Err(realm::Error::NotFound) => {
                member::settle(deps.db.connection(), &one).await.map_err(|error| text(&error))?;
            }
            Err(error) => return Err(text(&error)),
        }
    }
    Ok(())
}
