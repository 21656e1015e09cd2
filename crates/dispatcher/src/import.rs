//! The import: users who hold `scim-managed` in the realm come into the directory with their ids (W8). Paged, under the
//! survey's claim, begun again from the start after a crash: who is in stays as they are.

use directory::user::Arrival;
use directory::watch::{self, Survey};
use realm::{Realm, Walk};
use scim::mapping::Mapping;
use uuid::Uuid;

use crate::compare::{mapping, text};
use crate::triage::arrival;
use crate::{Deps, regrant};

/// Users asked about at once: each costs two calls.
const AT_ONCE: usize = 8;
/// Users taken in by one transaction.
const BATCH: usize = 200;

pub(crate) async fn run(deps: &Deps, survey: &Survey, realm: &Realm) -> Result<(), String> {
    // Order: first, because the import goes by the role.
    regrant::run(deps, survey, realm).await?;
    if !watch::import_due(&deps.db, survey).await.map_err(text)? {
        return Ok(());
    }
    let mapping = mapping(deps, survey.tenant_id).await?;
    let (mut walk, mut hidden) = (Walk::of_ids(), 0);
    while let Some((first, max)) = walk.next() {
        let Some(page) = walk.took(realm.managed(first, max).await).map_err(text)? else { continue };
        let known = directory::user::managed_among(&deps.db, survey.tenant_id, &page).await.map_err(text)?;
        let unknown: Vec<Uuid> = page.into_iter().filter(|id| !known.contains(id)).collect();
        let mut reached = i64::from(first) - hidden + count(known.len());
        watch::import_page(&deps.db, survey, &[], reached).await.map_err(text)?;
        for batch in unknown.chunks(BATCH) {
            let users = arrivals(survey, realm, batch, &mapping).await.map_err(text)?;
            hidden += count(batch.len() - users.len());
            reached += count(users.len());
            watch::import_page(&deps.db, survey, &users, reached).await.map_err(text)?;
        }
    }
    watch::import_done(&deps.db, survey).await.map_err(text)
}

/// Of some users, those who come in: whoever administers the realm is neither shown nor changed, and some are gone by now.
async fn arrivals(
    survey: &Survey,
    realm: &Realm,
    ids: &[Uuid],
    mapping: &Mapping,
) -> Result<Vec<Arrival>, realm::Error> {
    let mut users = Vec::with_capacity(ids.len());
    for few in ids.chunks(AT_ONCE) {
        let asked = few.iter().map(
            async |id| {
                if realm.user_is_protected(*id).await? { Ok(None) } else { realm.user(*id).await }
            },
        );
        let seen = futures_util::future::try_join_all(asked).await?;
        users.extend(seen.iter().flatten().map(|user| arrival(survey.tenant_id, user, mapping)));
    }
    Ok(users)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
