//! Users: changed and deleted under a write lease.

use std::borrow::Cow;

use directory::resource::{self, Kind, Resource};
use directory::user::{self, Commit, LogOut, User};
use directory::writing;
use realm::{Realm, RealmUser, UserChange};
use scim::native::Native;
use scim::{Error, Object, ScimType};
use serde_json::Value;

use super::{Failed, Held, check_version, claimed, existing, id_of, missing, realm_failed, ring};
use crate::answer::Answer;
use crate::call::Call;

/// Changes a user under its write lease. `deactivates` forces both realm calls, whatever the directory believes (K4).
pub(crate) async fn update(
    call: &Call<'_>,
    id: &str,
    deactivates: bool,
    change: impl Fn(&User) -> Result<Object, Error>,
) -> Result<Resource, Answer> {
    let id = id_of(Kind::User, id)?;
    existing::take_in(call, &[id]).await?;
    let logout = if deactivates { LogOut::Owed } else { LogOut::No };
    let claim = || user::claim(&call.deps.db, call.tenant(), id, call.provisioner.admission, logout);
    let (before, lease) = claimed(Kind::User, claim).await?;
    let mut held = Held::new(call, Kind::User, id, before.write_epoch, lease);
    match change_claimed(&mut held, &before, deactivates, change).await {
        Ok((user, active)) => {
            if user.version != before.version || deactivates {
                ring(call, id, !active);
            }
            Ok(user)
        }
        Err(Failed::Ambiguous) if deactivates => {
            let trace = call.request.traceparent.as_deref();
            user::off_in_doubt(&call.deps.db, call.tenant(), &before, trace).await?;
            Err(Answer::unavailable())
        }
        Err(failed) => Err(held.failed(failed).await),
    }
}

async fn change_claimed(
    held: &mut Held<'_>,
    before: &User,
    deactivates: bool,
    change: impl Fn(&User) -> Result<Object, Error>,
) -> Result<(Resource, bool), Failed> {
    let (db, tenant) = (&held.call.deps.db, held.call.tenant());
    check_version(held.call, before.version)?;
    let believed = believed(before);
    let mut after = change(&believed)?;
    let (old, new) = (Native::of_user(&believed.document, believed.active), Native::of_user(&after, believed.active));
    let mut realm_change = UserChange::asked(&old, &new, deactivates || before.off_unsettled);
    let mapping = held.call.mapping();
    let mapped = mapping.to_realm(&before.document);
    realm_change.attributes = mapping.to_realm(&after);
    realm_change.attributes.retain(|name, value| mapped.get(name) != Some(value));
    if realm_change.username.is_some() && !held.call.provisioner.allow_rename {
        let detail = "the tenant does not let its identity provider rename users";
        return Err(Error::bad(ScimType::Mutability, detail).into());
    }
    // Asked before the realm is: whatever is refused here has changed nothing anywhere.
    let comes_back = realm_change.enabled == Some(true) && before.external_key.is_none() && new.external_id.is_some();
    if realm_change.username.is_some() || realm_change.external_id.is_some() || comes_back {
        let key = realm_change.username.as_deref().map(scim::key::username_key);
        let (key, external_id) = (key.as_deref(), new.external_id.as_deref());
        if let Some(attribute) = writing::taken(db, Kind::User, (tenant, before.id), key, external_id).await? {
            return Err(Error::taken(attribute).into());
        }
    }
    let mut base = None;
    if !realm_change.is_empty() {
        let realm = held.realm().await?;
        refuse_protected(held, &realm).await?;
        if realm_change.enabled == Some(true) {
            end_sessions(held, &realm).await?;
        }
        base = Some(if realm_change.enabled.is_some() && realm_change.is_native() {
            merge(held, &realm, &realm_change).await?;
            // What else is in the realm by now was not seen: triage follows that.
            realm_change.moved(before.base.clone())
        } else {
            let (read, written) = change_realm(held, &realm, &realm_change).await?;
            // What an admin changed before this write is followed with it, because the base moves past it (K12).
            scim::native::follow(&mut after, &before.base, &realm_change.others(&before.base, read.native()));
            written.native()
        });
        if realm_change.enabled == Some(false) {
            end_sessions(held, &realm).await?;
        }
    }
    let changed = after != before.document;
    held.call.changed(scim::patch::difference(&held.call.types.user, &before.document, &after));
    if !changed && base.is_none() {
        held.release().await?;
        let unchanged = resource::by_id(db, tenant, Kind::User, before.id, true).await?;
        return Ok((unchanged.ok_or_else(|| missing(Kind::User))?, before.active));
    }
    let commit = Commit {
        document: &after,
        changed,
        active: Native::of_user(&after, new.active).active,
        base: base.as_ref(),
        switched: realm_change.enabled,
        trace: held.call.request.traceparent.as_deref(),
    };
    let committed = user::commit(db, tenant, before, &commit).await?;
    // The claim ran out: the realm has the change and triage will follow it; the client asks again.
    let committed = committed.ok_or_else(|| Failed::Clean(Answer::unavailable()))?;
    Ok((committed, commit.active))
}

/// A user as the directory has it, or off where a deactivation ended without a word: whoever writes next switches on, or ends
/// what that began.
fn believed(before: &User) -> Cow<'_, User> {
    let mut believed = Cow::Borrowed(before);
    if before.off_unsettled {
        let off = believed.to_mut();
        off.active = false;
        off.document.insert("active".to_owned(), Value::Bool(false));
    }
    believed
}

/// Whoever has a hand in the realm's administration is not changed through SCIM, and not shown from now on.
async fn refuse_protected(held: &mut Held<'_>, realm: &Realm) -> Result<(), Failed> {
    held.ready().await?;
    match realm.user_is_protected(held.id).await {
        // One that is gone from the realm is found out by the call that follows.
        Ok(false) | Err(realm::Error::NotFound) => Ok(()),
        Ok(true) => {
            writing::protect(&held.call.deps.db, Kind::User, held.call.tenant(), held.id, true).await?;
            let detail = "this user has administrative roles in the realm and is not changed through SCIM";
            Err(Error::plain(403, detail).into())
        }
        Err(error) => Err(realm_failed(error)),
    }
}

/// Native fields with the switch: the realm is told what changes and nothing else, so that a deactivation waits for no read, and
/// what others write meanwhile is lost by it no more than by a fresh read and a write (K3).
async fn merge(held: &mut Held<'_>, realm: &Realm, change: &UserChange) -> Result<(), Failed> {
    held.ready().await?;
    match realm.merge(held.id, change).await {
        // An attribute that got two values refuses every write until it is mended, and that takes a read.
        Err(realm::Error::Rejected { .. }) => change_realm(held, realm, change).await.map(drop),
        merged => {
            merged.map_err(realm_failed)?;
            held.written = true;
            Ok(())
        }
    }
}

/// Whoever goes is logged out (K4), and whoever comes back is so first as well: Keycloak ends sessions by the second, and one
/// that began in the very second of the log-out that went with the deactivation would come back too. Nobody who is off begins
/// another.
async fn end_sessions(held: &mut Held<'_>, realm: &Realm) -> Result<(), Failed> {
    held.ready().await?;
    realm.logout(held.id).await.map_err(realm_failed)
}

/// A fresh read and a write of this change alone (K3). Answers with the user as it was read, and as it is afterwards.
async fn change_realm(
    held: &mut Held<'_>,
    realm: &Realm,
    change: &UserChange,
) -> Result<(RealmUser, RealmUser), Failed> {
    held.ready().await?;
    let fresh = realm.read(held.id).await.map_err(realm_failed)?;
    let read = fresh.user().clone();
    held.ready().await?;
    let user = realm.write(fresh, change).await.map_err(realm_failed)?;
    held.written = true;
    Ok((read, user))
}

/// Deletes a user: one that SCIM created leaves the realm, an adopted one is disabled there.
pub(crate) async fn delete(call: &Call<'_>, id: &str) -> Result<(), Answer> {
    let id = id_of(Kind::User, id)?;
    existing::take_in(call, &[id]).await?;
    let claim = || user::claim(&call.deps.db, call.tenant(), id, call.provisioner.admission, LogOut::OwedIfAdopted);
    let (before, lease) = claimed(Kind::User, claim).await?;
    let mut held = Held::new(call, Kind::User, id, before.write_epoch, lease);
    match delete_claimed(&mut held, &before).await {
        Ok(()) => {
            ring(call, id, true);
            Ok(())
        }
        // In doubt nobody is switched on again: by the time of the next attempt the realm may have let them go.
        Err(Failed::Ambiguous) if before.adopted => {
            let trace = call.request.traceparent.as_deref();
            user::off_in_doubt(&call.deps.db, call.tenant(), &before, trace).await?;
            Err(Answer::unavailable())
        }
        Err(failed) => Err(held.failed(failed).await),
    }
}

async fn delete_claimed(held: &mut Held<'_>, before: &User) -> Result<(), Failed> {
    check_version(held.call, before.version)?;
    let realm = held.realm().await?;
    refuse_protected(held, &realm).await?;
    if before.adopted {
        merge(held, &realm, &UserChange::switch(false)).await?;
        end_sessions(held, &realm).await?;
        held.ready().await?;
        realm.release(before.id).await.map_err(realm_failed)?;
    } else {
        held.ready().await?;
        realm.delete(before.id).await.map_err(realm_failed)?;
    }
    let trace = held.call.request.traceparent.as_deref();
    if user::delete(&held.call.deps.db, held.call.tenant(), before.id, held.epoch, trace).await? {
        Ok(())
    } else {
        Err(Failed::Clean(Answer::unavailable()))
    }
}
