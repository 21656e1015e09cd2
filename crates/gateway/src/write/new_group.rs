//! Groups made: in the realm and then here, or taken over where the realm has one of that name (K2).

use std::time::{Duration, Instant};

use directory::group::{self, Committed};
use directory::look;
use directory::reservation::{self, Reservation};
use directory::resource::{self, Kind};
use directory::watch;
use realm::{NewGroup, Realm, Walk};
use scim::members::Member;
use scim::{Error, Object};
use uuid::Uuid;

use super::create::{Creating, is_left_over};
use super::group::{resolved, tell};
use super::{Failed, Held, claimed, realm_failed};
use crate::answer::Answer;
use crate::call::Call;

/// For how long a create tells the realm its members; the sweeper tells the rest. Identity providers give a request up after a
/// minute, and whoever repeated this one would meet a conflict.
const TELLING: Duration = Duration::from_secs(10);

/// Creates a group: reservation, realm, row, memberships.
pub(crate) async fn create(call: &Call<'_>, document: Object, members: &[Member]) -> Result<Committed, Answer> {
    let db = &call.deps.db;
    let members = resolved(call, members).await?;
    let count = members.len() as u64;
    let reservation = Reservation::new(call.tenant(), Kind::Group, document, members);
    let mut creating = match Creating::begin(call, reservation).await? {
        Ok(creating) => creating,
        Err(attribute) => return Err(Error::taken(attribute).into()),
    };
    let created = match call.deps.realms.of(call.provisioner).await {
        Ok(realm) if creating.is_ours().await? => match create_in_realm(&realm, &mut creating).await {
            Err(conflict @ realm::Error::Conflict { .. }) => take_over(&mut creating, &realm, conflict).await?,
            made => made,
        }
        .map(|id| (realm, id)),
        Ok(_) => return Err(Answer::unavailable()),
        Err(error) => Err(error),
    };
    let (realm, id) = match created {
        Ok(created) => created,
        Err(error) => return Err(creating.failed(error).await),
    };
    let settled = !realm.keeps_groups();
    let group = match reservation::complete_group(db, &creating.reservation, id, settled).await {
        Ok(Some(group)) => group,
        // The sweeper was faster. Either the group is there all the same, or nobody answers for it.
        Ok(None) => match creating.made_by_others(id, Kind::Group).await? {
            Some(group) => group,
            None => {
                undo(&creating, &realm, id).await?;
                return Err(Answer::unavailable());
            }
        },
        Err(taken @ directory::Error::Taken(_)) => {
            if !creating.is_ours().await? {
                return Err(Answer::unavailable());
            }
            undo(&creating, &realm, id).await?;
            creating.abandon().await?;
            return Err(taken.into());
        }
        Err(error) => return Err(error.into()),
    };
    let group = if creating.reservation.adopts {
        // Should that not come to its end, the compare does: the group is there, and whoever repeated the request would meet it
        // as a conflict.
        watch::want_compare(db, call.tenant()).await?;
        drop(take_in_members(call, id, &realm).await);
        resource::by_id(db, call.tenant(), Kind::Group, id, true).await?.unwrap_or(group)
    } else {
        group
    };
    if !settled && count > 0 && tell_new(call, id, &realm).await.is_err() {
        // The group is there, and whoever repeated the request would meet it as a conflict; the sweeper tells the realm (K7).
        tracing::info!(name = "inbound.members_untold", tenant.id = %call.tenant(), group.id = %id,
            "a group was made whose members the realm does not know yet");
    }
    Ok(Committed { group, large: false })
}

/// Whoever was in a group before it was taken over is in it still: the directory has to know before the next request says who
/// stays, or it would take nobody out of it.
async fn take_in_members(call: &Call<'_>, id: Uuid, realm: &Realm) -> Result<(), Answer> {
    let claim = || group::claim(&call.deps.db, call.tenant(), id, call.provisioner.admission);
    let (before, lease) = claimed(Kind::Group, claim).await?;
    let mut held = Held::new(call, Kind::Group, id, before.write_epoch, lease);
    match members_claimed(&mut held, realm).await {
        Ok(()) => Ok(held.release().await?),
        Err(failed) => Err(held.failed(failed).await),
    }
}

async fn members_claimed(held: &mut Held<'_>, realm: &Realm) -> Result<(), Failed> {
    let mut walk = Walk::of_ids();
    while let Some((first, max)) = walk.next() {
        held.ready().await?;
        let Some(page) = walk.took(realm.members(held.id, first, max).await).map_err(realm_failed)? else { continue };
        if !look::join_members(&held.call.deps.db, held.call.tenant(), (held.id, held.epoch), &page).await? {
            return Err(Failed::Clean(Answer::unavailable()));
        }
    }
    Ok(())
}

/// Tells the realm the members of a group that was just made.
async fn tell_new(call: &Call<'_>, id: Uuid, realm: &Realm) -> Result<(), Answer> {
    let claim = || group::claim(&call.deps.db, call.tenant(), id, call.provisioner.admission);
    let (before, lease) = claimed(Kind::Group, claim).await?;
    let mut held = Held::new(call, Kind::Group, id, before.write_epoch, lease);
    tell(&mut held, realm, Some(Instant::now() + TELLING)).await
}

/// The realm's part of a create. On its 409 only a group that carries this reservation's nonce is ours (K2); one that an
/// earlier create made too late, so that nobody answers for it, makes way. A 409 that does not say what is taken is a conflict
/// only with a group that is found there.
async fn create_in_realm(realm: &Realm, creating: &mut Creating<'_>) -> Result<Uuid, realm::Error> {
    let reservation = &creating.reservation;
    let name = group::display_name(&reservation.document);
    let new = NewGroup { name, external_id: reservation.external_key.clone(), marker: creating.marker() };
    let refused = match realm.create_group(&new).await {
        Err(refused @ (realm::Error::Conflict { .. } | realm::Error::Contended)) => refused,
        other => return other,
    };
    let Some(held) = realm.find_group(&new.name).await? else { return Err(refused) };
    if reservation.made(held.marker.as_deref()) {
        return Ok(held.id);
    }
    let marker = held.marker.as_deref();
    if reservation::took_over(marker) || !is_left_over(creating, Kind::Group, marker).await? {
        return Err(realm::Error::Conflict { attribute: "displayName" });
    }
    still_ours(creating).await?;
    realm.delete_group(held.id).await?;
    still_ours(creating).await?;
    realm.create_group(&new).await
}

/// A create that has become the sweeper's is left to it.
async fn still_ours(creating: &mut Creating<'_>) -> Result<(), realm::Error> {
    let ours = creating.is_ours().await.map_err(|_| realm::Error::Unavailable)?;
    if ours { Ok(()) } else { Err(realm::Error::Ambiguous) }
}

/// A group of that name is in the realm: it is taken over where the tenant wants that, and never where it gives
/// administrative roles.
async fn take_over(
    creating: &mut Creating<'_>,
    realm: &Realm,
    conflict: realm::Error,
) -> Result<Result<Uuid, realm::Error>, Answer> {
    if !creating.call.provisioner.adopts {
        return Ok(Err(conflict));
    }
    let Some(found) = realm.find_group(&group::display_name(&creating.reservation.document)).await? else {
        return Ok(Err(conflict));
    };
    let is_free = found.marker.is_none() || is_left_over(creating, Kind::Group, found.marker.as_deref()).await?;
    if !is_free || realm.group_is_protected(found.id).await? {
        return Ok(Err(conflict));
    }
    // Order: noted before the realm is written, so that whoever ends this create never deletes that group.
    let db = &creating.call.deps.db;
    if !reservation::adopt(db, &mut creating.reservation).await? || !creating.is_ours().await? {
        return Err(Answer::unavailable());
    }
    let external_id = creating.reservation.external_key.as_deref();
    Ok(realm.mark_group(found.id, external_id, Some(&creating.marker())).await.map(|()| found.id))
}

/// A create came to nothing, in the realm too.
async fn undo(creating: &Creating<'_>, realm: &Realm, id: Uuid) -> Result<(), realm::Error> {
    if creating.reservation.adopts { realm.mark_group(id, None, None).await } else { realm.delete_group(id).await }
}
