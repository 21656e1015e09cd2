//! Surveys: the role given back, the import and the compare, one owner per realm by a claim apart from the poll's. They take
//! minutes in a large realm and fail for as long as a realm is not set up; events are read meanwhile.

use std::sync::Arc;
use std::time::Duration;

use directory::watch::{self, Survey};
use realm::Realm;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::compare::text;
use crate::{Config, Deps, capture, compare, import};

/// Realms surveyed at once by one process.
const AT_ONCE: usize = 32;
/// How often whoever is at one says so: a few times within the lease.
const ALIVE: Duration = Duration::from_secs(3);
/// How often realms whose turn has come are looked for, at least.
const EVERY: Duration = Duration::from_secs(1);

/// Surveys due realms until shutdown.
pub(crate) async fn run(config: Config, deps: Deps, tracker: TaskTracker, shutdown: CancellationToken) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    while !shutdown.is_cancelled() {
        let room = u32::try_from(turns.available_permits()).unwrap_or(0);
        match watch::surveys_due(&deps.db, room).await {
            Ok(surveys) => {
                for survey in surveys {
                    let Ok(turn) = turns.clone().acquire_owned().await else { return };
                    let (deps, shutdown) = (deps.clone(), shutdown.clone());
                    tracker.spawn(async move {
                        let _turn = turn;
                        survey_one(&deps, &survey, &shutdown).await;
                    });
                }
            }
            Err(error) => tracing::warn!(name = "survey.unread", %error, "realms to survey cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(config.poll.min(EVERY)) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn survey_one(deps: &Deps, survey: &Survey, shutdown: &CancellationToken) {
    let outcome = tokio::select! {
        outcome = take(deps, survey) => outcome,
        () = taken_over(deps, survey) => return,
        // Whoever goes on begins again at once.
        () = shutdown.cancelled() => return drop(watch::end_survey(&deps.db, survey, false).await),
    };
    // What cannot be said to the database says the lease when it ends.
    match outcome {
        Ok(()) => drop(watch::end_survey(&deps.db, survey, true).await),
        Err(reason) => {
            tracing::warn!(
                name = "survey.waits",
                reason,
                failures = survey.survey_failures + 1,
                tenant.id = %survey.tenant_id,
                "a realm cannot be imported from or compared; that is tried again, and its events are read meanwhile",
            );
            drop(watch::put_survey_off(&deps.db, survey).await);
        }
    }
}

/// Keeps a claim alive; ends when it is another's.
async fn taken_over(deps: &Deps, survey: &Survey) {
    loop {
        tokio::time::sleep(ALIVE).await;
        if let Ok(false) = watch::keep_survey(&deps.db, survey).await {
            return;
        }
    }
}

async fn take(deps: &Deps, survey: &Survey) -> Result<(), String> {
    let realm = deps.realms.of(survey.tenant_id).await.map_err(text)?;
    capture::recognize(deps, survey.tenant_id, survey.realm_uuid, &realm).await?;
    let imported = import::run(deps, survey, &realm).await;
    // Whoever cannot be taken in does not hide what else happened.
    let compared = compared(deps, survey, &realm).await;
    imported.and(compared)
}

async fn compared(deps: &Deps, survey: &Survey, realm: &Realm) -> Result<(), String> {
    if survey.compare { compare::run(deps, survey, realm).await } else { Ok(()) }
}
