//! Creates whose request is gone (K2): their realm user gets its role and its row; where there is none, the name is free
//! again. The client was told 503 and asks once more.

use directory::reservation::{self, Reservation};
use directory::resource::Kind;
use realm::{Realm, RealmUser};
use scim::native::Native;

use super::{AT_ONCE, Repaired, text, waiting};
use crate::Deps;

pub(super) async fn finish_all(deps: &Deps) {
    let mut all = waiting("creates", reservation::claim_stale(&deps.db, Kind::User, AT_ONCE).await);
    all.extend(waiting("creates", reservation::claim_stale(&deps.db, Kind::Group, AT_ONCE).await));
    let finish = async |reservation: &Reservation| {
        let finished = match reservation.kind {
            Kind::User => user(deps, reservation).await,
            Kind::Group => group(deps, reservation).await,
        };
        if let Err(reason) = finished {
            tracing::info!(
                name = "repair.create_waits",
                reason,
                tenant.id = %reservation.tenant,
                "a create waits to be finished",
            );
        }
    };
    futures_util::future::join_all(all.iter().map(finish)).await;
}

async fn user(deps: &Deps, reservation: &Reservation) -> Repaired {
    let realm = deps.realms.of(reservation.tenant).await.map_err(|error| text(&error))?;
    let native = Native::of(&reservation.document);
    let found = realm.find_by_username(&native.user_name).await.map_err(|error| text(&error))?;
    match found.filter(|user| reservation.made(user.marker.as_deref())) {
        Some(user) => adopt(deps, &realm, reservation, &user).await,
        None => abandon(deps, reservation).await,
    }
}

async fn adopt(deps: &Deps, realm: &Realm, reservation: &Reservation, user: &RealmUser) -> Repaired {
    still_ours(deps, reservation).await?;
    realm.grant_role(user.id).await.map_err(|error| text(&error))?;
    match reservation::complete_user(&deps.db, reservation, user.id, &user.native(), None).await {
        Ok(_) => Ok(()),
        Err(directory::Error::Taken(_)) => {
            // Another user has the externalId: the create came to nothing, in the realm too.
            still_ours(deps, reservation).await?;
            let undone = if reservation.adopts { realm.release(user.id).await } else { realm.delete(user.id).await };
            undone.map_err(|error| text(&error))?;
            abandon(deps, reservation).await
        }
        Err(error) => Err(text(&error)),
    }
}

async fn group(deps: &Deps, reservation: &Reservation) -> Repaired {
    let realm = deps.realms.of(reservation.tenant).await.map_err(|error| text(&error))?;
    let name = directory::group::display_name(&reservation.document);
    let found = realm.find_group(&name).await.map_err(|error| text(&error))?;
    let Some(group) = found.filter(|group| reservation.made(group.marker.as_deref())) else {
        return abandon(deps, reservation).await;
    };
    match reservation::complete_group(&deps.db, reservation, group.id, !realm.keeps_groups()).await {
        Ok(_) => Ok(()),
        Err(directory::Error::Taken(_)) => {
            still_ours(deps, reservation).await?;
            let undone = if reservation.adopts {
                realm.mark_group(group.id, None, None).await
            } else {
                realm.delete_group(group.id).await
            };
            undone.map_err(|error| text(&error))?;
            abandon(deps, reservation).await
        }
        Err(error) => Err(text(&error)),
    }
}

/// To be asked before each realm call that changes something (K1).
async fn still_ours(deps: &Deps, reservation: &Reservation) -> Repaired {
    let ours = reservation::renew_stale(&deps.db, reservation).await.map_err(|error| text(&error))?;
    if ours { Ok(()) } else { Err("another process ends it".to_owned()) }
}

async fn abandon(deps: &Deps, reservation: &Reservation) -> Repaired {
    reservation::abandon(&deps.db, reservation).await.map(drop).map_err(|error| text(&error))
}
