//! Memberships follow the realm (K7): a user's groups there and here are compared; each pair that differs is decided by a
//! second read under the group's write lease, so that a page or a read from before a write of ours changes nothing. While such
//! a write may still arrive, the realm is told again instead (K5).

use std::collections::HashMap;

use directory::look;
use directory::resource::Kind;
use directory::writing;
use realm::Realm;
use registry::TenantId;
use uuid::Uuid;

use crate::Deps;
use crate::hold::Hold;
use crate::triage::Unread;

/// Lets the directory follow the groups of a user it manages. `false` where a group was being written: look again.
pub(crate) async fn follow(deps: &Deps, tenant: TenantId, realm: &Realm, user: Uuid) -> Result<bool, Unread> {
    if !realm.keeps_groups() || !look::any(&deps.db, tenant).await? {
        return Ok(true);
    }
    let there = look::ours(&deps.db, tenant, &realm.groups_of(user).await?).await?;
    let here = look::of_user(&deps.db, tenant, user).await?;
    let here: HashMap<Uuid, bool> = here.into_iter().map(|held| (held.group_id, held.told)).collect();
    let joined = there.iter().filter(|group| !here.contains_key(group));
    // What the realm has not been told yet is ours to tell.
    let left = here.iter().filter(|(group, told)| **told && !there.contains(group)).map(|(group, _)| group);
    let suspects: Vec<Uuid> = joined.chain(left).copied().collect();
    for group in suspects {
        if !decide(deps, tenant, realm, user, group).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn decide(deps: &Deps, tenant: TenantId, realm: &Realm, user: Uuid, group: Uuid) -> Result<bool, Unread> {
    let Some(mut hold) = Hold::look(&deps.db, Kind::Group, tenant, group).await? else { return Ok(false) };
    let decided = is_member(&mut hold, realm, user, group).await;
    let settled = match &decided {
        Ok(Some(is_member)) => settle(deps, tenant, user, (group, hold.epoch()), *is_member).await,
        Ok(None) | Err(_) => Ok(()),
    };
    hold.release().await?;
    if decided?.is_none() {
        look::want(deps.db.connection(), tenant, group, false).await?;
    }
    settled?;
    Ok(true)
}

/// Brings directory and realm in step about a pair, under the group's lease.
async fn settle(
    deps: &Deps,
    tenant: TenantId,
    user: Uuid,
    held: (Uuid, i64),
    is_member: bool,
) -> Result<(), directory::Error> {
    let group = held.0;
    if writing::in_doubt(&deps.db, Kind::Group, tenant, group).await? {
        // The sweeper tells it, like what a dead request left untold (K7).
        if look::tell_member_again(&deps.db, tenant, held, user, is_member).await? {
            tracing::info!(
                name = "membership.kept",
                tenant.id = %tenant,
                user.id = %user,
                group.id = %group,
                "a membership is told to the realm again",
            );
        }
    } else if look::follow_member(&deps.db, tenant, held, user, is_member).await? {
        tracing::info!(
            name = "membership.followed",
            tenant.id = %tenant,
            user.id = %user,
            group.id = %group,
            "a membership followed the realm",
        );
    }
    Ok(())
}

/// Whether a user is in a group; `None` where the realm has no such group. Nobody has left it by that: it may be back, and a
/// look at the group itself decides (K14).
async fn is_member(hold: &mut Hold<'_>, realm: &Realm, user: Uuid, group: Uuid) -> Result<Option<bool>, Unread> {
    if realm.groups_of(user).await?.contains(&group) {
        return Ok(Some(true));
    }
    if !hold.ready().await? || realm.group(group).await?.is_none() || !hold.ready().await? {
        return Ok(None);
    }
    // It may have come back between the two answers.
    Ok(Some(realm.groups_of(user).await?.contains(&group)))
}
