//! Memberships that the realm was not told of, because the request that wanted them is gone (K7).

use directory::member::{self, Lacking};
use directory::resource::Kind;
use directory::writing;
use registry::TenantId;
use uuid::Uuid;

use super::{AT_ONCE, Repaired, text, waiting};
use crate::Deps;
use crate::hold::Hold;

/// Memberships told under one claim; the rest comes with the next pass.
const PENDING: u32 = 200;

pub(super) async fn tell_all(deps: &Deps) {
    let all = waiting("memberships", member::stale(&deps.db, AT_ONCE).await);
    let tell = async |(tenant, group): &(TenantId, Uuid)| {
        if let Err(reason) = tell(deps, *tenant, *group).await {
            tracing::info!(
                name = "repair.memberships_wait",
                reason,
                tenant.id = %tenant,
                "memberships wait for the realm",
            );
        }
    };
    futures_util::future::join_all(all.iter().map(tell)).await;
}

async fn tell(deps: &Deps, tenant: TenantId, group: Uuid) -> Repaired {
    let held = Hold::take(&deps.db, Kind::Group, tenant, group).await.map_err(|error| text(&error))?;
    let Some(mut hold) = held else { return Ok(()) };
    let told = tell_held(deps, tenant, group, &mut hold).await;
    let ended = if matches!(told, Ok(Told::Unconfirmed)) { hold.doubt().await } else { hold.release().await };
    match told? {
        Told::Confirmed => ended.map_err(|error| text(&error)),
        Told::Unconfirmed => ended.map_err(|error| text(&error)).and(Err(text(&realm::Error::Ambiguous))),
    }
}

/// How telling ended.
enum Told {
    /// Whatever was sent was answered.
    Confirmed,
    /// The last of it may still arrive (K5).
    Unconfirmed,
}

async fn tell_held(deps: &Deps, tenant: TenantId, group: Uuid, hold: &mut Hold<'_>) -> Result<Told, String> {
    let realm = deps.realms.of(tenant).await.map_err(|error| text(&error))?;
    // A group may have come to give administrative roles since it was wanted: nobody joins or leaves that by us.
    match realm.group_is_protected(group).await {
        Ok(false) | Err(realm::Error::NotFound) => {}
        Ok(true) => {
            writing::protect(&deps.db, Kind::Group, tenant, group, true).await.map_err(|error| text(&error))?;
            return Ok(Told::Confirmed);
        }
        Err(error) => return Err(text(&error)),
    }
    let mut there = None;
    for one in member::pending(&deps.db, tenant, group, PENDING).await.map_err(|error| text(&error))? {
        if !hold.ready().await.map_err(|error| text(&error))? {
            return Ok(Told::Confirmed);
        }
        match realm.set_member(one.user_id, group, one.desired).await {
            Ok(()) => member::settle(deps.db.connection(), &one).await.map_err(|error| text(&error))?,
            Err(realm::Error::NotFound) => {
                // Asked once, however many users are missing.
                if there.is_none() {
                    if !hold.ready().await.map_err(|error| text(&error))? {
                        return Ok(Told::Confirmed);
                    }
                    there = Some(realm.group(group).await.map_err(|error| text(&error))?.is_some());
                }
                let lacking =
                    member::not_found(&deps.db, &one, there == Some(true)).await.map_err(|error| text(&error))?;
                if lacking == Lacking::Group {
                    return Ok(Told::Confirmed);
                }
            }
            Err(realm::Error::Ambiguous) => return Ok(Told::Unconfirmed),
            Err(error) => return Err(text(&error)),
        }
    }
    Ok(Told::Confirmed)
}
