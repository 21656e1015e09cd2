//! The import: users who hold `scim-managed` in the realm come into the directory with their ids (W8). Paged, under the
//! poller's claim, begun again from the start after a crash: who is in stays as they are.

use directory::watch::{self, Watch};
use realm::{Realm, RealmUser, Walk};
use uuid::Uuid;

use crate::triage::arrival;
use crate::{Deps, regrant};

/// Users asked about at once: each costs a call.
const AT_ONCE: usize = 8;

pub(crate) async fn run(deps: &Deps, watch: &Watch, realm: &Realm) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    // Order: first, because the import goes by the role.
    regrant::run(deps, watch, realm).await?;
    if !watch::import_due(&deps.db, watch).await.map_err(|error| text(&error))? {
        return Ok(());
    }
    let (mut walk, mut hidden) = (Walk::default(), 0);
    while let Some((first, max)) = walk.next() {
        let Some(page) = walk.took(realm.managed(first, max).await).map_err(|error| text(&error))? else { continue };
        let ids: Vec<Uuid> = page.iter().map(|user| user.id).collect();
        let known =
            directory::user::managed_among(&deps.db, watch.tenant_id, &ids).await.map_err(|error| text(&error))?;
        let unknown: Vec<&RealmUser> = page.iter().filter(|user| !known.contains(&user.id)).collect();
        let mut users = Vec::with_capacity(unknown.len());
        for few in unknown.chunks(AT_ONCE) {
            // Who administers the realm is neither shown nor changed.
            let asked = few.iter().map(|user| realm.user_is_protected(user.id));
            let protected = futures_util::future::try_join_all(asked).await.map_err(|error| text(&error))?;
            hidden += protected.iter().map(|protected| i64::from(*protected)).sum::<i64>();
            let people = few.iter().zip(protected).filter(|(_, protected)| !protected);
            users.extend(people.map(|(user, _)| arrival(watch.tenant_id, user)));
        }
        let reached = i64::from(first) + i64::try_from(page.len()).unwrap_or_default() - hidden;
        watch::import_page(&deps.db, watch, &users, reached).await.map_err(|error| text(&error))?;
    }
    watch::import_done(&deps.db, watch).await.map_err(|error| text(&error))
}
