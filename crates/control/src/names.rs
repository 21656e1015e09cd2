//! Names of users for people to read: from the directory, and from the realm for those SCIM does not manage. Looked up when
//! they are shown, kept nowhere.

use std::collections::HashMap;

use directory::user;
use futures_util::future::join_all;
use registry::tenant::Tenant;
use uuid::Uuid;

use crate::{Deps, Problem};

/// How many the realm is asked for at once; the others stay nameless.
const ASKED: usize = 50;

/// The userNames of some users, as far as they are known. A realm that does not answer knows none.
pub(crate) async fn of(deps: &Deps, tenant: &Tenant, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, Problem> {
    let mut known = user::names(&deps.db, tenant.id, ids).await?;
    let missing = ids.iter().filter(|id| !known.contains_key(id)).take(ASKED);
    let Ok(realm) = deps.realms.of(tenant).await else { return Ok(known) };
    let asked = missing.map(|id| {
        let realm = realm.clone();
        async move { realm.user(*id).await.ok().flatten().map(|user| (*id, user.username)) }
    });
    let found: Vec<_> = join_all(asked).await;
    known.extend(found.into_iter().flatten());
    Ok(known)
}
