//! The realm role given back: where `scim-managed` was deleted in the realm and made anew, nobody holds it, and everybody
//! whom SCIM manages gets it again. Until that is done nobody counts as released (K13).

use std::collections::HashSet;

use directory::watch::{self, Survey};
use realm::{Realm, Walk};
use uuid::Uuid;

use crate::compare::text;
use crate::{Deps, alarm};

/// Users given the role between two renewals of the claim.
const BATCH: usize = 50;

/// Gives the role to those who lack it, under the survey's claim; begun again from the start after a crash.
pub(crate) async fn run(deps: &Deps, survey: &Survey, realm: &Realm) -> Result<(), String> {
    if !survey.regrant {
        return Ok(());
    }
    let reason = "the realm role was made anew; everybody whom SCIM manages gets it again";
    alarm::noted(deps, survey.tenant_id, None, "role_lost", reason).await;
    let mut holders: HashSet<Uuid> = HashSet::new();
    let mut walk = Walk::of_ids();
    while let Some((first, max)) = walk.next() {
        let Some(page) = walk.took(realm.managed(first, max).await).map_err(text)? else { continue };
        holders.extend(page);
    }
    let managed = directory::user::ids(&deps.db, survey.tenant_id).await.map_err(text)?;
    let lacking: Vec<Uuid> = managed.into_iter().filter(|id| !holders.contains(id)).collect();
    for batch in lacking.chunks(BATCH) {
        if !watch::keep_survey(&deps.db, survey).await.map_err(text)? {
            return Err("another process surveys this realm now".to_owned());
        }
        for id in batch {
            match realm.grant_role(*id).await {
                // Who is gone from the realm is triage's to find out.
                Ok(()) | Err(realm::Error::NotFound) => {}
                Err(error) => return Err(text(error)),
            }
        }
    }
    watch::regranted(&deps.db, survey).await.map_err(text)
}
