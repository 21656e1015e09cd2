//! Write-backs: where the realm differs and the directory is right. Our own late write after an unconfirmed one (K5), and
//! what belongs to the directory anyway (K13).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use directory::refresh::Fence;
use directory::resource::Kind;
use realm::{Realm, RealmUser, UserChange};
use registry::TenantId;
use scim::mapping::Mapping;
use scim::native::Native;
use uuid::Uuid;

use crate::Deps;
use crate::hold::Hold;
use crate::triage::Unread;

/// How often a directory-owned attribute is written back to one user.
const EVERY: Duration = Duration::from_mins(10);
/// Users remembered for that.
const KEPT: usize = 10_000;

/// When a user was written back last, and what of it counted then.
type Written = HashMap<(TenantId, Uuid), (Instant, Arc<Mapping>)>;

static WRITTEN: LazyLock<Mutex<Written>> = LazyLock::new(Mutex::default);

/// Writes back what has to be; says whether the realm was written, so that it has to be looked at anew.
pub(crate) async fn mend(
    deps: &Deps,
    tenant: TenantId,
    realm: &Realm,
    seen: &RealmUser,
    fence: &Fence,
    mapping: &Arc<Mapping>,
) -> Result<bool, Unread> {
    let (document, doubtful) = (fence.document()?, fence.doubtful());
    let (held, wanted) = (seen.native(), fence.native(&document, &seen.native()));
    let mut change = UserChange::mending(&held, &wanted, doubtful);
    // A profile that lost an attribute drops it from every write, in doubt too.
    if is_in_turn(tenant, seen.id, mapping) {
        change.attributes = mapping.to_realm(&document);
        change.attributes.retain(|name, wanted| {
            let held = seen.attributes.get(name);
            // What the document never said anything about is the realm's, except after a write of ours that may have.
            (doubtful || wanted.is_some()) && held != wanted.as_ref()
        });
    } else if !doubtful {
        return Ok(false);
    }
    // Nobody writes what is protected, not even to put something right.
    if change.is_empty() || realm.user_is_protected(seen.id).await? {
        return Ok(false);
    }
    // Under the write lease, like every write of ours to the realm (K1).
    let Some(mut hold) = Hold::take(&deps.db, Kind::User, tenant, seen.id).await? else { return Ok(true) };
    let written = write(&mut hold, realm, seen.id, &change).await;
    // What the realm refuses is tried once in a while too; what came to no call at all was no try.
    if !matches!(written, Ok(false)) {
        turn_is_over(tenant, seen.id, mapping);
    }
    // Doubt stays: the write it is about may still be on its way (K5).
    if end(hold, written).await? {
        tracing::info!(
            name = "user.mended",
            tenant.id = %tenant,
            user.id = %seen.id,
            "the realm was mended from the directory",
        );
    }
    Ok(true)
}

/// Whether the realm has anything otherwise that belongs to the directory (K13): a compare says so, because no event may have
/// told of it, or it was not the user's turn when one did. An attribute that a profile has lost is not there for anybody, and
/// whoever is asked about that would be asked about everybody.
pub(crate) fn has_strayed(seen: &RealmUser, document: &scim::Object, mapping: &Mapping) -> bool {
    let wanted = mapping.to_realm(document);
    let other = |(name, held): (&String, &String)| matches!(wanted.get(name), Some(Some(wanted)) if wanted != held);
    seen.external_id != Native::of(document).external_id || seen.attributes.iter().any(other)
}

/// Takes the marker of somebody who was let go of away (K30): with one that nobody answers for, whoever is looked at next is
/// taken for a create that came too late, and deleted (K2). Says whether that is done.
pub(crate) async fn unmark(deps: &Deps, tenant: TenantId, realm: &Realm, user: Uuid) -> Result<bool, Unread> {
    let Some(mut hold) = Hold::take(&deps.db, Kind::User, tenant, user).await? else { return Ok(false) };
    let unmarked = UserChange { marker: Some(None), ..UserChange::default() };
    let written = write(&mut hold, realm, user, &unmarked).await;
    end(hold, written).await
}

/// Gives back what was held for a write and says whether it came to that; after one that was not confirmed the lease is
/// left to run out (K5).
async fn end(hold: Hold<'_>, written: Result<bool, Unread>) -> Result<bool, Unread> {
    if matches!(written, Err(Unread::Realm(realm::Error::Ambiguous))) {
        hold.doubt().await?;
        return Ok(false);
    }
    hold.release().await?;
    written
}

/// Says whether it came to the write before the lease was somebody else's.
async fn write(hold: &mut Hold<'_>, realm: &Realm, id: Uuid, change: &UserChange) -> Result<bool, Unread> {
    let fresh = realm.read(id).await?;
    if !hold.ready().await? {
        return Ok(false);
    }
    realm.write(fresh, change).await?;
    if change.enabled == Some(false) && hold.ready().await? {
        realm.logout(id).await?;
    }
    Ok(true)
}

/// Whether a user's turn has come again; a mapping of another kind has it come at once.
fn is_in_turn(tenant: TenantId, user: Uuid, mapping: &Arc<Mapping>) -> bool {
    let written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    written.get(&(tenant, user)).is_none_or(|(at, of)| at.elapsed() >= EVERY || of != mapping)
}

/// The user's next turn is a while from now.
fn turn_is_over(tenant: TenantId, user: Uuid, mapping: &Arc<Mapping>) {
    let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    if written.len() >= KEPT {
        written.retain(|_, (at, _)| at.elapsed() < EVERY);
    }
    written.insert((tenant, user), (Instant::now(), mapping.clone()));
}
