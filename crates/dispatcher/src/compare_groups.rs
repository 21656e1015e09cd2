//! The compare's part of groups: who is called otherwise or is missing, and whose members the realm lists otherwise. It
//! only marks; a look at that one group or user decides (K7).

use std::collections::{HashMap, HashSet};

use directory::ledger::Mark;
use directory::look;
use directory::member;
use directory::resource::Kind;
use directory::watch;
use realm::{Realm, Walk};
use registry::TenantId;
use uuid::Uuid;

use crate::Deps;
use crate::compare::{mark, text};

pub(crate) async fn run(deps: &Deps, tenant: TenantId, realm: &Realm, managed: &HashSet<Uuid>) -> Result<(), String> {
    let names = look::names(&deps.db, tenant).await.map_err(text)?;
    if names.is_empty() || !realm.keeps_groups() {
        return Ok(());
    }
    let listed = listing(realm).await?;
    // Missing in the listing is a suspicion; the look at that one group decides, as one of as many (K14).
    let missing: Vec<Uuid> = names.iter().map(|(id, _)| *id).filter(|id| !listed.contains_key(id)).collect();
    watch::note_absences(&deps.db, Kind::Group, tenant, &missing).await.map_err(text)?;
    for (id, name) in &names {
        if listed.get(id) != Some(name) {
            look::want(deps.db.connection(), tenant, *id, false).await.map_err(text)?;
        }
    }
    for (group, _) in names.iter().filter(|(id, _)| listed.contains_key(id)) {
        let there: HashSet<Uuid> = members(realm, *group).await?.intersection(managed).copied().collect();
        let here = member::of_group(&deps.db, tenant, *group).await.map_err(text)?;
        let here: HashSet<Uuid> = here.into_iter().filter(|(_, kind)| *kind == Kind::User).map(|(id, _)| id).collect();
        for user in here.symmetric_difference(&there) {
            mark(deps, tenant, *user, &Mark { roles: true, ..Mark::default() }).await?;
        }
    }
    Ok(())
}

async fn listing(realm: &Realm) -> Result<HashMap<Uuid, String>, String> {
    let (mut listed, mut walk) = (HashMap::new(), Walk::default());
    while let Some((first, max)) = walk.next() {
        let Some(page) = walk.took(realm.groups(first, max).await).map_err(text)? else { continue };
        listed.extend(page.into_iter().map(|group| (group.id, group.name)));
    }
    Ok(listed)
}

pub(crate) async fn members(realm: &Realm, group: Uuid) -> Result<HashSet<Uuid>, String> {
    let (mut members, mut walk) = (HashSet::new(), Walk::of_ids());
    while let Some((first, max)) = walk.next() {
        match walk.took(realm.members(group, first, max).await) {
            // Deleted since it was listed: its end is an event of its own.
            Err(realm::Error::NotFound) => break,
            page => members.extend(page.map_err(text)?.into_iter().flatten()),
        }
    }
    Ok(members)
}
