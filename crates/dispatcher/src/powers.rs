//! Who has a hand in the realm's administration without an event of his own: a role given to a group or put into a
//! composite, a group that got another place. Users and groups concerned are only marked; the look at each one decides.

use std::collections::HashSet;

use directory::ledger::{self, Mark};
use directory::resource::Kind;
use directory::watch::{self, Watch};
use directory::{look, user, writing};
use realm::{Error, Gained, PowerEvent, Realm};
use uuid::Uuid;

use crate::Deps;
use crate::compare::{mark, text};
use crate::compare_groups::members;

/// Has everybody looked at whom events of roles and groups concern; those taken before concern nobody.
pub(crate) async fn follow(deps: &Deps, watch: &Watch, realm: &Realm, events: &[PowerEvent]) -> Result<(), String> {
    let tenant = watch.tenant_id;
    let (mut taken, mut gained) = (Vec::new(), HashSet::new());
    for event in events {
        if watch::is_new(&deps.db, tenant, &event.id).await.map_err(text)? {
            taken.push(event.id.clone());
            gained.insert(event.gained);
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    if gained.contains(&Gained::Anybody) {
        everybody(deps, watch).await?;
    } else {
        // Whoever had such a role may have lost it.
        concern(deps, watch, Kind::User, writing::protected(&deps.db, Kind::User, tenant).await.map_err(text)?).await?;
        concern(deps, watch, Kind::Group, writing::protected(&deps.db, Kind::Group, tenant).await.map_err(text)?)
            .await?;
        for gained in gained {
            if let Gained::Group(group) = gained {
                below(deps, watch, realm, group).await?;
            }
        }
    }
    // Order: marked first, so that a crash between them marks twice rather than never.
    watch::remember(&deps.db, tenant, taken).await.map_err(text)
}

/// Has every user and every group looked at: nobody can say whom a change concerned.
pub(crate) async fn everybody(deps: &Deps, watch: &Watch) -> Result<(), String> {
    ledger::mark_managed(deps.db.connection(), watch.tenant_id, true).await.map_err(text)?;
    let groups = look::names(&deps.db, watch.tenant_id).await.map_err(text)?;
    concern(deps, watch, Kind::Group, groups.into_iter().map(|(group, _)| group).collect()).await
}

/// A group gives other roles than before: to its members, to those of the groups below, and a group above is not to be
/// deleted with it.
async fn below(deps: &Deps, watch: &Watch, realm: &Realm, group: Uuid) -> Result<(), String> {
    realm.forget_protection(group);
    // Asked first: most roles are not administrative, and concern nobody here.
    match realm.group_is_protected(group).await {
        Ok(true) => {}
        Ok(false) | Err(Error::NotFound) => return Ok(()),
        Err(error) => return Err(text(error)),
    }
    let mut family = realm.groups_below(group).await.map_err(text)?;
    family.push(group);
    let managed: HashSet<Uuid> = user::ids(&deps.db, watch.tenant_id).await.map_err(text)?.into_iter().collect();
    for one in &family {
        let members = members(realm, *one).await?;
        concern(deps, watch, Kind::User, members.intersection(&managed).copied().collect()).await?;
    }
    family.extend(realm.groups_above(group).await.map_err(text)?);
    concern(deps, watch, Kind::Group, family).await
}

async fn concern(deps: &Deps, watch: &Watch, kind: Kind, ids: Vec<Uuid>) -> Result<(), String> {
    for id in ids {
        match kind {
            Kind::User => mark(deps, watch.tenant_id, id, &Mark { roles: true, ..Mark::default() }).await?,
            Kind::Group => look::want(deps.db.connection(), watch.tenant_id, id, false).await.map_err(text)?,
        }
    }
    Ok(())
}
