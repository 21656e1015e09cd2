//! Groups: the document like a user's; memberships by deltas, committed first and then told to the realm one by one (K7).
//! What a crash leaves untold belongs to the sweeper.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use directory::group::{self, Commit, Committed, Group};
use directory::member::{self, Change, Lacking};
use directory::resource::Kind;
use directory::writing;
use realm::Realm;
use scim::members::{Delta, Member, Membership};
use scim::{Error, Object, ScimType};
use uuid::Uuid;

use super::{Failed, Held, check_version, claimed, existing, given_out, id_of, realm_failed};
use crate::answer::Answer;
use crate::call::Call;

/// Memberships told to the realm between two looks at what is pending.
const PENDING: u32 = 200;

/// What a request wants of the members.
pub(crate) enum Wish<'s> {
    /// These and no others (PUT).
    Exactly(Vec<Member>),
    /// What a PATCH says.
    Patch(Membership<'s>),
}

impl Wish<'_> {
    /// Whether it can name members and change none, because they are what they should be.
    fn says_who(&self) -> bool {
        match self {
            Self::Exactly(_) => true,
            Self::Patch(membership) => membership.delta().is_none_or(|delta| delta.clear),
        }
    }
}

/// Changes a group under its write lease; its members are read afterwards if there are at most so many.
pub(crate) async fn update(
    call: &Call<'_>,
    id: &str,
    members_up_to: u64,
    wish: &Wish<'_>,
    change: impl Fn(&Object) -> Result<Object, Error>,
) -> Result<Committed, Answer> {
    let id = id_of(Kind::Group, id)?;
    let claim = || group::claim(&call.deps.db, call.tenant(), id, call.provisioner.admission);
    let (before, lease) = claimed(Kind::Group, claim).await?;
    let mut held = Held::new(call, Kind::Group, id, before.write_epoch, lease);
    match change_claimed(&mut held, &before, members_up_to, wish, change).await {
        Ok(committed) => Ok(committed),
        Err(failed) => Err(held.failed(failed).await),
    }
}

async fn change_claimed(
    held: &mut Held<'_>,
    before: &Group,
    members_up_to: u64,
    wish: &Wish<'_>,
    change: impl Fn(&Object) -> Result<Object, Error>,
) -> Result<Committed, Failed> {
    let (db, tenant) = (&held.call.deps.db, held.call.tenant());
    check_version(held.call, before.version)?;
    let after = change(&before.document)?;
    let members = wished(held.call, before.id, wish).await?;
    held.call.changed(scim::patch::difference(&held.call.types.group, &before.document, &after));
    if !members.is_empty() {
        held.call.changed(["members".to_owned()]);
    }
    let differs = |name: &str| after.get(name) != before.document.get(name);
    let renamed = differs("displayName") || differs("externalId");
    let external_id = group::external_id(&after);
    let external_id = external_id.as_deref();
    let name = group::display_name(&after);
    if renamed {
        let key = scim::key::display_name_key(&name);
        if let Some(attribute) = writing::taken(db, Kind::Group, (tenant, before.id), Some(&key), external_id).await? {
            return Err(Error::taken(attribute).into());
        }
    }
    let realm = held.realm().await?;
    let settled = !realm.keeps_groups();
    // Who repeats a request after a 503 changes nothing any more, and is not answered before the realm knows all of it (W7).
    let keep =
        !settled && (!members.is_empty() || (wish.says_who() && member::is_pending(db, tenant, before.id).await?));
    if renamed || !members.is_empty() || keep {
        refuse_protected(held, &realm).await?;
    }
    if renamed && realm.keeps_groups() {
        held.ready().await?;
        realm.rename_group(before.id, &name, external_id).await.map_err(realm_failed)?;
    }
    let base = renamed.then_some(name.as_str());
    let commit = Commit { document: &after, members: &members, settled, base, keep, members_up_to };
    let committed = group::commit(db, tenant, before, &commit).await?;
    let committed = committed.ok_or_else(|| Failed::Clean(Answer::unavailable()))?;
    if keep {
        tell(held, &realm, None).await.map_err(Failed::Clean)?;
    }
    Ok(committed)
}

/// Tells the realm what is pending of a group, one by one under the renewed lease, then gives the claim back.
pub(super) async fn tell(held: &mut Held<'_>, realm: &Realm, until: Option<Instant>) -> Result<(), Answer> {
    match tell_claimed(held, realm, until).await {
        Ok(()) => Ok(held.release().await?),
        Err(failed) => Err(held.failed(failed).await),
    }
}

async fn tell_claimed(held: &mut Held<'_>, realm: &Realm, until: Option<Instant>) -> Result<(), Failed> {
    let (db, tenant) = (&held.call.deps.db, held.call.tenant());
    loop {
        let pending = member::pending(db, tenant, held.id, PENDING).await?;
        let (mut untold, mut there) = (false, None);
        for one in &pending {
            if until.is_some_and(|until| Instant::now() >= until) {
                return Err(Failed::Clean(Answer::unavailable()));
            }
            held.ready().await?;
            match realm.set_member(one.user_id, held.id, one.desired).await {
                Ok(()) => member::settle(db.connection(), one).await?,
                Err(realm::Error::NotFound) => {
                    // Asked once, however many users are missing.
                    if there.is_none() {
                        held.ready().await?;
                        there = Some(realm.group(held.id).await.map_err(realm_failed)?.is_some());
                    }
                    match member::not_found(db, one, there == Some(true)).await? {
                        Lacking::Nobody => {}
                        // The others are told all the same.
                        Lacking::User => untold = true,
                        Lacking::Group => return Err(Failed::Clean(Answer::unavailable())),
                    }
                }
                Err(error) => return Err(realm_failed(error)),
            }
        }
        if untold {
            return Err(Failed::Clean(Answer::unavailable()));
        }
        if pending.len() < PENDING as usize {
            return Ok(());
        }
    }
}

/// Deletes a group: one that SCIM created leaves the realm, an adopted one stays there.
pub(crate) async fn delete(call: &Call<'_>, id: &str) -> Result<(), Answer> {
    let id = id_of(Kind::Group, id)?;
    let claim = || group::claim(&call.deps.db, call.tenant(), id, call.provisioner.admission);
    let (before, lease) = claimed(Kind::Group, claim).await?;
    let mut held = Held::new(call, Kind::Group, id, before.write_epoch, lease);
    match delete_claimed(&mut held, &before).await {
        Ok(()) => Ok(()),
        Err(failed) => Err(held.failed(failed).await),
    }
}

async fn delete_claimed(held: &mut Held<'_>, before: &Group) -> Result<(), Failed> {
    check_version(held.call, before.version)?;
    let realm = held.realm().await?;
    refuse_protected(held, &realm).await?;
    held.ready().await?;
    let left = if before.adopted {
        realm.mark_group(before.id, None, None).await
    } else {
        realm.delete_group(before.id).await
    };
    match left {
        // One that is gone carries no mark.
        Ok(()) | Err(realm::Error::NotFound) => {}
        Err(error) => return Err(realm_failed(error)),
    }
    if group::delete(&held.call.deps.db, held.call.tenant(), before.id, held.epoch).await? {
        Ok(())
    } else {
        Err(Failed::Clean(Answer::unavailable()))
    }
}

/// A group that gives a hand in the realm's administration, itself or by a parent or child, is not changed through SCIM.
async fn refuse_protected(held: &mut Held<'_>, realm: &Realm) -> Result<(), Failed> {
    held.ready().await?;
    match realm.group_is_protected(held.id).await {
        // One that is gone from the realm protects nothing.
        Ok(false) | Err(realm::Error::NotFound) => Ok(()),
        Ok(true) => {
            writing::protect(&held.call.deps.db, Kind::Group, held.call.tenant(), held.id, true).await?;
            let detail = "this group has administrative roles in the realm and is not changed through SCIM";
            Err(Error::plain(403, detail).into())
        }
        Err(error) => Err(realm_failed(error)),
    }
}

/// What becomes of the members of a group. Only a request that cannot be understood without them reads who they are.
async fn wished(call: &Call<'_>, group: Uuid, wish: &Wish<'_>) -> Result<Change, Answer> {
    let delta = match wish {
        Wish::Exactly(members) => Delta { clear: true, add: members.clone(), ..Delta::default() },
        Wish::Patch(membership) => match membership.delta() {
            Some(delta) => delta.clone(),
            None => membership.resolve(&current(call, group).await?)?,
        },
    };
    let added = resolved(call, &delta.add).await?;
    let change = if delta.clear {
        let held = member::of_group(&call.deps.db, call.tenant(), group).await?;
        let held: HashSet<Uuid> = held.into_iter().map(|(id, _)| id).collect();
        let wanted: HashSet<Uuid> = added.iter().map(|(id, _)| *id).collect();
        let remove = held.iter().copied().filter(|id| !wanted.contains(id)).collect();
        Change { add: added.into_iter().filter(|(id, _)| !held.contains(id)).collect(), remove }
    } else {
        let remove = delta.remove.iter().filter_map(|id| given_out(id)).collect();
        Change { add: added, remove }
    };
    let nested: Vec<Uuid> = change.add.iter().filter(|(_, kind)| *kind == Kind::Group).map(|(id, _)| *id).collect();
    if !nested.is_empty() && member::reaches(call.deps.db.connection(), call.tenant(), &nested, group).await? {
        return Err(directory::Error::Circle.into());
    }
    Ok(change)
}

async fn current(call: &Call<'_>, group: Uuid) -> Result<Vec<Member>, Answer> {
    let members = member::of_group(&call.deps.db, call.tenant(), group).await?;
    let one = |(id, kind): (Uuid, Kind)| Member { kind: Some(kind.as_str().to_owned()), ..Member::new(id.to_string()) };
    Ok(members.into_iter().map(one).collect())
}

/// Members as resources of the tenant. Who is unknown is skipped and noted, because one stale id must not fail a whole
/// push; the tenant may want it refused instead.
pub(super) async fn resolved(call: &Call<'_>, members: &[Member]) -> Result<Vec<(Uuid, Kind)>, Answer> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = members.iter().filter_map(|member| given_out(&member.value)).collect();
    existing::take_in(call, &ids).await?;
    let known = member::known(&call.deps.db, call.tenant(), &ids).await?;
    let skipped = members.len() - known.len();
    if skipped > 0 && call.provisioner.strict_members {
        // Who is protected is nobody's to see, and for that no reason to refuse everybody else.
        let unknown = members.len() - member::present(&call.deps.db, call.tenant(), &ids).await?.len();
        if unknown > 0 {
            let detail = format!("{unknown} of {} members are unknown", members.len());
            return Err(Error::bad(ScimType::InvalidValue, detail).into());
        }
    }
    let kinds: HashMap<Uuid, Kind> = known.into_iter().collect();
    if skipped > 0 {
        call.skipped(skipped, ids.iter().copied().filter(|id| !kinds.contains_key(id)));
    }
    // In the order they were sent.
    Ok(ids.into_iter().filter_map(|id| kinds.get(&id).map(|kind| (id, *kind))).collect())
}
