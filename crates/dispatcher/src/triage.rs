//! Triage: look at the realm, refresh the directory behind its fence, decide what is owed (K9–K14).

use directory::ledger::protocol::URGENT;
use directory::ledger::{self, Claim, Recorded, Stage, Triage};
use directory::refresh::{self, Fate, Fence};
use directory::resource::Kind;
use directory::setting::Setting;
use directory::user::Arrival;
use directory::watch::{self, Gone, LASTS};
use directory::{reservation, setting, writing};
use realm::{Realm, RealmUser};
use registry::TenantId;
use scim::mapping::Mapping;
use tracing::Instrument;
use uuid::Uuid;

use crate::pushed::observed;
use crate::send::Begun;
use crate::{Deps, alarm, heal, memberships};

/// How long a triage waits for a realm that cannot be read, microseconds.
const UNREADABLE: i64 = 2_000_000;
/// How long one waits for a group that is being written, microseconds.
const BUSY: i64 = 500_000;
/// How long one waits that is held, microseconds.
const HELD: i64 = 60_000_000;

/// What comes after a look at a user.
pub(crate) enum Next {
    /// A send is owed.
    Send {
        /// In the lane of deactivations.
        urgent: bool,
    },
    /// A send is owed, and has begun with what the look saw.
    Begun(Box<Begun>),
    /// Nothing is.
    Nothing,
    /// The look came to nothing; what was owed before it may be owed still.
    Unknown,
}

/// One look at a user, if one is due. What is found owed goes on to its send at once where the pool has a `place` for it, in the
/// lane of deactivations or not: a look is claimed, stored and read but once then.
pub(crate) async fn run(
    deps: &Deps,
    tenant: TenantId,
    user: Uuid,
    place: impl FnOnce(bool) -> bool + Send,
) -> Result<Next, directory::Error> {
    let Some(claim) = ledger::claim(&deps.db, tenant, user, Stage::Triage, None).await? else {
        return Ok(Next::Unknown);
    };
    let span = tracing::info_span!("outbound.triage", tenant.id = %tenant, user.id = %user);
    telemetry::trace::join(&span, claim.row.trace.as_deref());
    look(deps, tenant, user, &claim, place).instrument(span).await
}

/// What a look at the realm came to.
enum Look {
    /// The user, and what becomes of it in the directory.
    Seen(RealmUser, Standing),
    /// Gone for good.
    Gone,
    /// Not to be decided now: again after so many microseconds.
    Later(i64),
}

/// How a user stands to SCIM.
#[derive(PartialEq)]
enum Standing {
    /// As it was.
    AsBefore,
    /// Holds the role, and the directory did not know.
    Managed,
    /// Holds the role no more.
    Released,
}

async fn look(
    deps: &Deps,
    tenant: TenantId,
    user: Uuid,
    claim: &Claim,
    place: impl FnOnce(bool) -> bool + Send,
) -> Result<Next, directory::Error> {
    let later = async |wait| ledger::release(&deps.db, tenant, user, claim, wait).await.map(|()| Next::Unknown);
    // Order: the fence is read before the realm (K11).
    let Some(setting) = setting::of(&deps.db, tenant, user).await? else { return later(HELD).await };
    if setting.fence.as_ref().is_some_and(Fence::writing) {
        return later(0).await;
    }
    let looked = match deps.realms.at(&setting.tenant).await {
        Ok(realm) => ask(deps, tenant, user, claim, &setting, &realm).await,
        Err(error) => Err(error.into()),
    };
    let seen = match looked {
        Ok(Look::Later(wait)) => return later(wait).await,
        Ok(Look::Seen(seen, standing)) => Some((seen, standing)),
        Ok(Look::Gone) => None,
        Err(Unread::Directory(error)) => return Err(error),
        Err(Unread::Realm(error)) => {
            let foreign = matches!(error, realm::Error::Foreign);
            if foreign {
                alarm::foreign(deps, tenant).await;
            }
            tracing::info!(
                name = "triage.waits",
                %error,
                tenant.id = %tenant,
                user.id = %user,
                "the realm cannot be read; triage waits",
            );
            // Somebody else's realm stays that until a person has acted.
            return later(if foreign { HELD } else { UNREADABLE }).await;
        }
    };
    let fence = setting.fence;
    let key = watch::digest_key(&deps.db, tenant).await?;
    let user_seen = seen.as_ref().map(|(user, _)| user);
    let triage = Triage {
        claim,
        observed: observed(user_seen, &claim.mapping, &key),
        urgent: user_seen.is_some_and(|user| !user.enabled),
        gone: seen.is_none(),
    };
    let arrival = user_seen.map(|user| arrival(tenant, user, &claim.mapping));
    let fate = match (&seen, &arrival) {
        (Some((_, Standing::Released)), _) => Fate::LetGo,
        (Some((_, Standing::Managed)), Some(arrival)) => Fate::Import(arrival),
        (Some(_), Some(arrival)) => Fate::Follow(&arrival.base),
        _ => Fate::Gone,
    };
    let urgent = triage.urgent || claim.row.state.lane == URGENT;
    if let Some((target, link)) = setting.target.filter(|(target, _)| target.open())
        && triage.owes()
        && place(urgent)
    {
        let begun = refresh::commit_and_claim(&deps.db, fence.as_ref(), fate, &triage, target.generation).await?;
        if let Some(claim) = begun {
            let seen = seen.map(|(user, _)| user);
            return Ok(Next::Begun(Box::new(Begun { target, link, claim, seen })));
        }
    }
    let recorded = refresh::commit(&deps.db, tenant, user, fence.as_ref(), fate, &triage).await?;
    if let (Recorded::Written { .. }, Some(fence), Fate::Follow(fresh)) = (&recorded, &fence, fate)
        && fence.is_undone_by(fresh)?
    {
        alarm::switched_on(deps, tenant, user).await;
    }
    match recorded {
        Recorded::Written { owed: true } => Ok(Next::Send { urgent }),
        Recorded::Written { owed: false } => Ok(Next::Nothing),
        Recorded::Stale => later(0).await,
    }
}

/// Why a look did not come to anything.
pub(crate) enum Unread {
    Realm(realm::Error),
    Directory(directory::Error),
}

impl From<realm::Error> for Unread {
    fn from(error: realm::Error) -> Self {
        Self::Realm(error)
    }
}

impl From<directory::Error> for Unread {
    fn from(error: directory::Error) -> Self {
        Self::Directory(error)
    }
}

async fn ask(
    deps: &Deps,
    tenant: TenantId,
    user: Uuid,
    claim: &Claim,
    setting: &Setting,
    realm: &Realm,
) -> Result<Look, Unread> {
    let Some(seen) = realm.user(user).await? else {
        return absent(deps, tenant, user, claim, setting.is_at_stake(), realm).await;
    };
    if setting.missed {
        watch::found(&deps.db, Kind::User, tenant, user).await?;
    }
    let fence = setting.fence.as_ref();
    if let Some(fence) = fence {
        // A late write of our own is no admin's wish; what belongs to the directory is the directory's (K5, K13).
        if heal::mend(deps, tenant, realm, &seen, fence, &claim.mapping).await? {
            return Ok(Look::Later(0));
        }
    } else if orphaned(deps, tenant, realm, &seen).await? {
        // Whoever was there before stays, and is nobody's any more.
        if reservation::took_over(seen.marker.as_deref()) {
            realm.release(user).await?;
        } else {
            realm.delete(user).await?;
        }
        return Ok(Look::Later(UNREADABLE));
    }
    // Whoever was never seen before may have come with the role: a partial import tells of no grant.
    let stranger = fence.is_none() && claim.row.observed.is_none();
    if !claim.row.check_roles && !stranger {
        return Ok(Look::Seen(seen, Standing::AsBefore));
    }
    realm.forget_protection(user);
    let managed = realm.is_managed(user).await?;
    if !managed && fence.is_none() {
        return Ok(Look::Seen(seen, Standing::AsBefore));
    }
    let protected = realm.user_is_protected(user).await?;
    let standing = match (fence.is_some(), managed) {
        (true, false) if !role_stands(deps, tenant, realm).await? => return Ok(Look::Later(HELD)),
        // Order: the marker before the row that answers for it.
        (true, false) if seen.marker.is_some() => {
            let unmarked = heal::unmark(deps, tenant, realm, user).await?;
            return Ok(Look::Later(if unmarked { 0 } else { BUSY }));
        }
        (true, false) => {
            alarm::noted(deps, tenant, Some(user), "released", "the realm role was taken away in the realm").await;
            Standing::Released
        }
        (false, true) if !protected => Standing::Managed,
        _ => Standing::AsBefore,
    };
    if fence.is_some() {
        writing::protect(&deps.db, Kind::User, tenant, user, protected).await?;
        if managed && !memberships::follow(deps, tenant, realm, user).await? {
            return Ok(Look::Later(BUSY));
        }
    }
    Ok(Look::Seen(seen, standing))
}

/// Not found is gone only where the realm is the one we know, and does not lack too many at once (K14).
async fn absent(
    deps: &Deps,
    tenant: TenantId,
    user: Uuid,
    claim: &Claim,
    at_stake: bool,
    realm: &Realm,
) -> Result<Look, Unread> {
    let known = watch::identity(&deps.db, tenant).await?.and_then(|identity| identity.realm_uuid);
    if known.is_some() && realm.identity().await? != known {
        alarm::foreign(deps, tenant).await;
        return Ok(Look::Later(HELD));
    }
    // Nobody loses an account by it, here or downstream.
    if !at_stake {
        return Ok(Look::Gone);
    }
    match watch::may_go(&deps.db, Kind::User, tenant, user, claim.row.delete_seen).await? {
        Gone::Yes => Ok(Look::Gone),
        Gone::NotYet => Ok(Look::Later(LASTS)),
        Gone::Held(again) => {
            alarm::absences(deps, tenant, Some(user)).await;
            Ok(Look::Later(again))
        }
    }
}

/// Whether the realm role is the one we know: where it was deleted or made anew, nobody was released (K13).
async fn role_stands(deps: &Deps, tenant: TenantId, realm: &Realm) -> Result<bool, Unread> {
    let identity = watch::identity(&deps.db, tenant).await?;
    let known = identity.as_ref().and_then(|identity| identity.role_id);
    Ok(known.is_none() || (identity.is_some_and(|identity| !identity.regrant) && realm.role().await? == known))
}

/// A realm user that a create of ours made or took over too late: nobody answers for its nonce, and it never got its role (K2).
async fn orphaned(deps: &Deps, tenant: TenantId, realm: &Realm, seen: &RealmUser) -> Result<bool, Unread> {
    let Some(nonce) = reservation::nonce_of(tenant, seen.marker.as_deref()) else { return Ok(false) };
    if reservation::answers_for(&deps.db, Kind::User, tenant, nonce).await? {
        return Ok(false);
    }
    // Nor does a create of ours make anybody an administrator.
    Ok(!realm.is_managed(seen.id).await? && !realm.user_is_protected(seen.id).await?)
}

pub(crate) fn arrival(tenant: TenantId, user: &RealmUser, mapping: &Mapping) -> Arrival {
    let nonce = reservation::nonce_of(tenant, user.marker.as_deref());
    Arrival { id: user.id, base: user.native(), mapped: mapping.to_document(&user.attributes), nonce }
}
