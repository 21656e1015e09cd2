//! Groups that may have changed in the realm: the directory follows their names, and lets go of those that are gone.

use directory::look::{self, Look, Named};
use directory::resource::Kind;
use directory::watch::{self, Gone, LASTS};
use directory::{group, writing};

use realm::Realm;

use super::{AT_ONCE, Repaired, text, waiting};
use crate::hold::Hold;
use crate::{Deps, alarm};

/// How long a group waits that cannot be decided about, microseconds.
const HELD: i64 = 60_000_000;
/// How long one waits whose realm cannot be read, microseconds.
const UNREADABLE: i64 = 5_000_000;

pub(super) async fn look_at_all(deps: &Deps) {
    let all = waiting("groups", look::due(&deps.db, AT_ONCE).await);
    let each = async |look: &Look| {
        if let Err(reason) = look_at(deps, look).await {
            tracing::info!(
                name = "repair.group_waits",
                reason,
                tenant.id = %look.tenant_id,
                group.id = %look.id,
                "a group waits to be looked at",
            );
        }
    };
    futures_util::future::join_all(all.iter().map(each)).await;
}

/// What a look came to.
enum Seen {
    /// The directory is in step.
    Followed,
    /// Gone for good.
    Gone,
    /// Not to be decided now: again after so many microseconds.
    Later(i64),
    /// The realm was written, and did not confirm it.
    Unconfirmed,
}

async fn look_at(deps: &Deps, look: &Look) -> Repaired {
    let taken = Hold::look(&deps.db, Kind::Group, look.tenant_id, look.id).await;
    let Some(mut hold) = taken.map_err(|error| text(&error))? else { return Ok(()) };
    let epoch = hold.epoch();
    let seen = follow(deps, look, &mut hold).await;
    let ended = match &seen {
        // The mark stays: it is looked at again when the lease has run out (K5).
        Ok(Seen::Unconfirmed) => hold.doubt().await,
        Ok(Seen::Followed) => look::done(&deps.db, look, epoch).await,
        Ok(Seen::Gone) => group::delete(&deps.db, look.tenant_id, look.id, epoch).await.map(drop),
        Ok(Seen::Later(wait)) => look::later(&deps.db, look, epoch, *wait).await,
        Err(_) => look::later(&deps.db, look, epoch, UNREADABLE).await,
    };
    ended.map_err(|error| text(&error))?;
    seen.map(drop)
}

async fn follow(deps: &Deps, look: &Look, hold: &mut Hold<'_>) -> Result<Seen, String> {
    let tenant = look.tenant_id;
    let realm = deps.realms.of(tenant).await.map_err(|error| text(&error))?;
    if !realm.keeps_groups() {
        return Ok(Seen::Followed);
    }
    let found = match realm.group(look.id).await {
        // Somebody else's realm stays that until a person has acted.
        Err(realm::Error::Foreign) => {
            alarm::foreign(deps, tenant).await;
            return Ok(Seen::Later(HELD));
        }
        found => found.map_err(|error| text(&error))?,
    };
    if let Some(found) = found {
        watch::found(&deps.db, Kind::Group, tenant, look.id).await.map_err(|error| text(&error))?;
        let named = look::to_name_again(&deps.db, look, &found.name).await.map_err(|error| text(&error))?;
        if named.is_none() {
            look::follow_name(&deps.db, look, hold.epoch(), &found.name).await.map_err(|error| text(&error))?;
        }
        realm.forget_protection(look.id);
        let protected = realm.group_is_protected(look.id).await.map_err(|error| text(&error))?;
        writing::protect(&deps.db, Kind::Group, tenant, look.id, protected).await.map_err(|error| text(&error))?;
        // Nobody writes what is protected, not even to put something right.
        return match named.filter(|_| !protected) {
            Some(named) => name_again(look, &realm, hold, &named).await,
            None => Ok(Seen::Followed),
        };
    }
    // Not found is gone only where the realm is the one we know, and does not lack too many at once (K14).
    let known = watch::identity(&deps.db, tenant).await.map_err(|error| text(&error))?;
    let known = known.and_then(|identity| identity.realm_uuid);
    if known.is_some() && realm.identity().await.map_err(|error| text(&error))? != known {
        alarm::foreign(deps, tenant).await;
        return Ok(Seen::Later(HELD));
    }
    let gone = watch::may_go(&deps.db, Kind::Group, tenant, look.id, look.delete_seen).await;
    match gone.map_err(|error| text(&error))? {
        Gone::Yes => {
            tracing::info!(
                name = "group.gone",
                tenant.id = %tenant,
                group.id = %look.id,
                "a group is gone from the realm",
            );
            Ok(Seen::Gone)
        }
        Gone::NotYet => Ok(Seen::Later(LASTS)),
        Gone::Held(again) => {
            alarm::absences(deps, tenant, None).await;
            Ok(Seen::Later(again))
        }
    }
}

/// Has the realm call a group as the directory does.
async fn name_again(look: &Look, realm: &Realm, hold: &mut Hold<'_>, named: &Named) -> Result<Seen, String> {
    if !hold.writes().await.map_err(|error| text(&error))? {
        return Ok(Seen::Later(UNREADABLE));
    }
    match realm.rename_group(look.id, &named.name, named.external_id.as_deref()).await {
        Ok(()) => {
            tracing::info!(
                name = "group.mended",
                tenant.id = %look.tenant_id,
                group.id = %look.id,
                "the realm was mended from the directory",
            );
            Ok(Seen::Followed)
        }
        Err(realm::Error::Ambiguous) => Ok(Seen::Unconfirmed),
        Err(error) => Err(text(&error)),
    }
}
