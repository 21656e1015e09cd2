//! Log-outs that a crash left owed (K4).

use directory::user::{self, OwedLogout};

use super::{AT_ONCE, Repaired, text, waiting};
use crate::Deps;

pub(super) async fn pay_all(deps: &Deps) {
    let all = waiting("log-outs", user::claim_owed_logouts(&deps.db, AT_ONCE).await);
    let pay = async |owed: &OwedLogout| {
        if let Err(reason) = pay(deps, owed).await {
            tracing::info!(
                name = "repair.logout_waits",
                reason,
                tenant.id = %owed.tenant_id,
                user.id = %owed.id,
                "a log-out stays owed",
            );
        }
    };
    futures_util::future::join_all(all.iter().map(pay)).await;
}

async fn pay(deps: &Deps, owed: &OwedLogout) -> Repaired {
    let realm = deps.realms.of(owed.tenant_id).await.map_err(|error| text(&error))?;
    match realm.logout(owed.id).await {
        // A user that is gone has no sessions.
        Ok(()) | Err(realm::Error::NotFound) => user::logout_paid(&deps.db, owed).await.map_err(|error| text(&error)),
        Err(error) => Err(text(&error)),
    }
}
