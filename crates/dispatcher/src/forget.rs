//! What is kept for a while is forgotten in small batches: activity, who departed of late, whom a realm did not find.

use std::time::Duration;

use directory::{departure, trail, watch};
use registry::Db;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_mins(1);
const BATCH: u32 = 500;

pub(crate) async fn run(db: Db, keep: Duration, shutdown: CancellationToken) {
    let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX / 2);
    loop {
        if let Err(error) = forget(&db, keep, &shutdown).await {
            tracing::warn!(name = "upkeep.unforgotten", %error, "what is old cannot be forgotten");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn forget(db: &Db, keep: i64, shutdown: &CancellationToken) -> Result<(), directory::Error> {
    while !shutdown.is_cancelled() && trail::forget(db, keep, BATCH).await? > 0 {}
    while !shutdown.is_cancelled() && departure::forget(db, BATCH).await? > 0 {}
    while !shutdown.is_cancelled() && watch::forget_absences(db, BATCH).await? > 0 {}
    Ok(())
}
