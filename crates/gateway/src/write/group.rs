//! Groups: the document like a user's; memberships by deltas, committed first and then told to the realm one by one (K7).
//! What a crash leaves untold belongs to the sweeper.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use directory::group::{self, Commit, Committed, Group};
use directory::member::{self, Change, Lacking};
use directory::reservation::{self, Reservation};
use directory::resource::Kind;
use directory::{watch, writing};
use realm::{NewGroup, Realm, RealmGroup};
use scim::members::{Delta, Member, Membership};
use scim::{Error, Object, ScimType};
use uuid::Uuid;

use super::create::Creating;
use super::{Failed, Held, check_version, claimed, given_out, id_of, realm_failed};
use crate::answer::Answer;
use crate::call::Call;

/// Memberships told to the realm between two looks at what is pending.
const PENDING: u32 = 200;
/// For how long a create tells the realm its members; the sweeper tells the rest. Identity providers give a request up after a
/// minute, and whoever repeated this one would meet a conflict.
const TELLING: Duration = Duration::from_secs(10);

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
            Self::Patch(membership) => membership.delta().is_none(),
        }
    }
}

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
        Ok(realm) if creating.is_ours().await? => match create_in_realm(&realm, &creating).await {
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
            undo(&creating, &realm, id).await?;
            creating.abandon().await?;
            return Err(taken.into());
        }
        Err(error) => return Err(error.into()),
    };
    if creating.reservation.adopts {
        // Whoever was in it before is in it still, and the directory is to know.
        watch::want_compare(db, call.tenant()).await?;
    }
    if !settled && count > 0 && tell_new(call, id, &realm).await.is_err() {
        // The group is there, and whoever repeated the request would meet it as a conflict; the sweeper tells the realm (K7).
        tracing::info!(name = "inbound.members_untold", tenant.id = %call.tenant(), group.id = %id,
            "a group was made whose members the realm does not know yet");
    }
    Ok(Committed { group, large: false })
}

/// Tells the realm the members of a group that was just made.
async fn tell_new(call: &Call<'_>, id: Uuid, realm: &Realm) -> Result<(), Answer> {
    let claim = || group::claim(&call.deps.db, call.tenant(), id, call.provisioner.token);
    let (before, lease) = claimed(Kind::Group, claim).await?;
    let mut held = Held { call, kind: Kind::Group, id, epoch: before.write_epoch, lease };
    tell(&mut held, realm, Some(Instant::now() + TELLING)).await
}

/// The realm's part of a create. On its 409 only a group that carries this reservation's nonce is ours (K2); one that an
/// earlier create made too late, so that nobody answers for it, makes way.
async fn create_in_realm(realm: &Realm, creating: &Creating<'_>) -> Result<Uuid, realm::Error> {
    let (reservation, marker) = (&creating.reservation, creating.marker());
    let name = group::display_name(&reservation.document);
    let new = NewGroup { name, external_id: reservation.external_key.clone(), marker: marker.clone() };
    let conflict = match realm.create_group(&new).await {
        Err(conflict @ realm::Error::Conflict { .. }) => conflict,
        other => return other,
    };
    let Some(held) = realm.find_group(&new.name).await? else { return Err(conflict) };
    if held.marker.as_deref() == Some(&marker) {
        return Ok(held.id);
    }
    if reservation::took_over(held.marker.as_deref()) || !is_left_over(creating, &held).await? {
        return Err(conflict);
    }
    realm.delete_group(held.id).await?;
    realm.create_group(&new).await
}

/// Whether a group of the realm carries the marker of a create for which nobody answers.
async fn is_left_over(creating: &Creating<'_>, held: &RealmGroup) -> Result<bool, realm::Error> {
    let tenant = creating.reservation.tenant;
    let Some(nonce) = reservation::nonce_of(tenant, held.marker.as_deref()) else { return Ok(false) };
    let answered = reservation::answers_for(&creating.call.deps.db, Kind::Group, tenant, nonce).await;
    answered.map(|answered| !answered).map_err(|_| realm::Error::Unavailable)
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
    let is_free = found.marker.is_none() || is_left_over(creating, &found).await?;
    if !is_free || realm.group_is_protected(found.id).await? {
        return Ok(Err(conflict));
    }
    // Order: noted before the realm is written, so that whoever ends this create never deletes that group.
    let db = &creating.call.deps.db;
    if !creating.is_ours().await? || !reservation::adopt(db, &mut creating.reservation).await? {
        return Err(Answer::unavailable());
    }
    let external_id = creating.reservation.external_key.as_deref();
    Ok(realm.mark_group(found.id, external_id, Some(&creating.marker())).await.map(|()| found.id))
}

/// A create came to nothing, in the realm too.
async fn undo(creating: &Creating<'_>, realm: &Realm, id: Uuid) -> Result<(), realm::Error> {
    if creating.reservation.adopts { realm.mark_group(id, None, None).await } else { realm.delete_group(id).await }
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
    let claim = || group::claim(&call.deps.db, call.tenant(), id, call.provisioner.token);
    let (before, lease) = claimed(Kind::Group, claim).await?;
    let mut held = Held { call, kind: Kind::Group, id, epoch: before.write_epoch, lease };
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
    let external_id = after.get("externalId").and_then(serde_json::Value::as_str);
    let name = group::display_name(&after);
    if renamed {
        let key = scim::key::display_name_key(&name);
        if let Some(attribute) = writing::taken(db, Kind::Group, (tenant, before.id), &key, external_id).await? {
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
async fn tell(held: &mut Held<'_>, realm: &Realm, until: Option<Instant>) -> Result<(), Answer> {
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
    let claim = || group::claim(&call.deps.db, call.tenant(), id, call.provisioner.token);
    let (before, lease) = claimed(Kind::Group, claim).await?;
    let mut held = Held { call, kind: Kind::Group, id, epoch: before.write_epoch, lease };
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
async fn resolved(call: &Call<'_>, members: &[Member]) -> Result<Vec<(Uuid, Kind)>, Answer> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = members.iter().filter_map(|member| given_out(&member.value)).collect();
    let known = member::known(&call.deps.db, call.tenant(), &ids).await?;
    let skipped = members.len() - known.len();
    if skipped > 0 && call.provisioner.strict_members {
        let detail = format!("{skipped} of {} members are unknown", members.len());
        return Err(Error::bad(ScimType::InvalidValue, detail).into());
    }
    let kinds: HashMap<Uuid, Kind> = known.into_iter().collect();
    if skipped > 0 {
        call.skipped(skipped, ids.iter().copied().filter(|id| !kinds.contains_key(id)));
    }
    // In the order they were sent.
    Ok(ids.into_iter().filter_map(|id| kinds.get(&id).map(|kind| (id, *kind))).collect())
}
