//! Whose turn it is to look after a realm's set-up: one `control` at a time, by a lease (K29).

use std::time::Duration;

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;

use super::NEEDED;
use crate::{Error, ledger, sql};

/// How long a realm's set-up is one's own without renewal, microseconds: so long does a crash keep others waiting.
const LEASE: i64 = 20_000_000;
/// How often whoever is at it says so: a few times within the lease.
const ALIVE: Duration = Duration::from_secs(5);
/// How often a set-up is looked after, microseconds.
const EVERY: i64 = 180_000_000;

/// A realm whose set-up is ours to look after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Setup {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The claim's number.
    pub setup_epoch: i64,
    /// Capture serves the tenant: the set-up has to stand. Otherwise what was switched on is put back.
    pub needed: bool,
}

/// Takes realms whose set-up has not been looked at for a while; first those that are known not to be as they should.
pub async fn setups_due(db: &Db, limit: usize) -> Result<Vec<Setup>, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let free =
        format!("(setup_until is null or setup_until <= {now}) and (check_at is null or check_at <= {now} - {EVERY})");
    let text = format!(
        "update realm_watch set setup_epoch = setup_epoch + 1, setup_until = {now} + {LEASE}
         where {free} and tenant_id in (
             select w.tenant_id from realm_watch w
             where {free} and (events_before is not null or {NEEDED}) order by w.check_at nulls first limit $1 {})
         returning tenant_id, setup_epoch,
             (exists (select 1 from inbound_token i where i.tenant_id = realm_watch.tenant_id and i.died_at is null)
              or exists (select 1 from target t where t.tenant_id = realm_watch.tenant_id and t.state = 'active')) as needed",
        sql::skip_locked(connection)
    );
    sql::all(connection, &text, [i64::try_from(limit).unwrap_or(i64::MAX).into()]).await
}

/// Has a realm's set-up looked at with the next round: something of it is not as it should be.
pub async fn want_setup(db: &Db, tenant: TenantId) -> Result<(), Error> {
    let text = "update realm_watch set check_at = null where tenant_id = $1";
    sql::execute(db.connection(), text, [tenant.0.into()]).await?;
    Ok(())
}

/// Takes one realm's set-up, if nobody is at it.
pub async fn begin_setup(db: &Db, tenant: TenantId) -> Result<Option<Setup>, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "update realm_watch set setup_epoch = setup_epoch + 1, setup_until = {now} + {LEASE}
         where tenant_id = $1 and (setup_until is null or setup_until <= {now})
         returning tenant_id, setup_epoch, true as needed"
    );
    sql::one(connection, &text, [tenant.0.into()]).await
}

/// Keeps a realm's set-up one's own for as long as the work takes. It may end all the same where the database is away for
/// long; two set-ups at once do no harm, since every step is idempotent.
pub async fn keep_setup<T>(db: &Db, setup: &Setup, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(ALIVE) => {}
        }
        let connection = db.connection();
        let text = format!(
            "update realm_watch set setup_until = {} + {LEASE} where tenant_id = $1 and setup_epoch = $2",
            ledger::clock(connection)
        );
        // Whoever cannot say it goes on all the same.
        drop(sql::execute(connection, &text, [setup.tenant_id.0.into(), setup.setup_epoch.into()]).await);
    }
}

/// Gives a realm's set-up back; `looked` where it stands as it should.
pub async fn end_setup(db: &Db, setup: &Setup, looked: bool) -> Result<(), Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let check = if looked { format!(", check_at = {now}") } else { String::new() };
    let text = format!("update realm_watch set setup_until = null{check} where tenant_id = $1 and setup_epoch = $2");
    sql::execute(connection, &text, [setup.tenant_id.0.into(), setup.setup_epoch.into()]).await?;
    Ok(())
}
