//! The import: users who hold `scim-managed` in the realm come into the directory with their ids (W8). Paged, under the
//! poller's claim, begun again from the start after a crash: who is in stays as they are.

use directory::watch::{self, Watch};
use realm::Realm;

use crate::triage::arrival;
use crate::{Deps, regrant};

/// Users of one page and one transaction (K31).
const PAGE: u32 = 200;

pub(crate) async fn run(deps: &Deps, watch: &Watch, realm: &Realm) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    // Order: first, because the import goes by the role.
    regrant::run(deps, watch, realm).await?;
    if !watch::import_due(&deps.db, watch).await.map_err(|error| text(&error))? {
        return Ok(());
    }
    let mut first = 0;
    loop {
        let page = realm.managed(first, PAGE).await.map_err(|error| text(&error))?;
        let full = page.len() == PAGE as usize;
        let mut users = Vec::with_capacity(page.len());
        for user in &page {
            let ids = [user.id];
            let known = directory::user::managed_among(&deps.db, watch.tenant_id, &ids).await.map_err(|e| text(&e))?;
            if !known.is_empty() {
                continue;
            }
            // Who administers the realm is neither shown nor changed.
            if !realm.user_is_protected(user.id).await.map_err(|error| text(&error))? {
                users.push(arrival(watch.tenant_id, user));
            }
        }
        if !watch::renew(&deps.db, watch).await.map_err(|error| text(&error))? {
            return Err("another process polls this realm now".to_owned());
        }
        watch::import_page(&deps.db, watch, &users).await.map_err(|error| text(&error))?;
        if !full {
            break;
        }
        // Pages drift when users are added meanwhile; an overlap misses nobody.
        first += PAGE - 10;
    }
    watch::import_done(&deps.db, watch).await.map_err(|error| text(&error))
}
