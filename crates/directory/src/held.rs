//! What waits for a person's word because it would hit many at once: deactivations a tenant wants held (K23), users a realm
//! lacks without having said that they were deleted (K14). A word is for those that were shown: never for more.

use registry::{Db, TenantId, audit};
use sea_orm::{DatabaseTransaction, FromQueryResult, Value};

use crate::ledger::clock;
use crate::parked::{self, is_parked};
use crate::watch::{counts, is_mass};
use crate::{Error, finish, sql};

/// Why a deactivation of a mass is parked.
pub const DEACTIVATION: &str = "mass deactivation";
/// Rows of one transaction (K31).
const BATCH: u64 = 500;

/// How many wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Deactivations held back from the downstream.
    pub deactivations: u64,
    /// Users a realm lacks, and nobody told that they were deleted.
    pub absences: u64,
}

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The deactivations may go.
    Deactivate,
    /// The deactivations are not meant: each rests until its user changes.
    Keep,
    /// The users are gone.
    Gone,
}

impl Word {
    fn action(self) -> &'static str {
        match self {
            Self::Deactivate => "held.deactivations.confirm",
            Self::Keep => "held.deactivations.refuse",
            Self::Gone => "held.absences.confirm",
        }
    }

    /// How many it would be about.
    pub fn waiting(self, held: Held) -> u64 {
        match self {
            Self::Deactivate | Self::Keep => held.deactivations,
            Self::Gone => held.absences,
        }
    }
}

/// Users whose triage waits for somebody, absent as they are; the tenant is `$1`. Whoever is found again waits no more.
fn absent(now: &str) -> String {
    format!(
        "select absence.user_id from absence join ledger on ledger.tenant_id = absence.tenant_id
             and ledger.user_id = absence.user_id and ledger.gone_at is null and ledger.dirty_seq > ledger.seen_seq
         where {}",
        counts(now)
    )
}

fn deactivations() -> String {
    format!(
        "tenant_id = $1 and reason = '{DEACTIVATION}' and not ignored and {}
             and exists (select 1 from target where target.tenant_id = $1 and target.state = 'active')",
        is_parked()
    )
}

/// What waits for a tenant.
pub async fn of(db: &Db, tenant: TenantId) -> Result<Held, Error> {
    #[derive(FromQueryResult)]
    struct Counts {
        deactivations: i64,
        counting: i64,
        waiting: i64,
        known: i64,
    }
    let connection = db.connection();
    let now = clock(connection);
    let text = format!(
        "select deactivations, counting, waiting, case when waiting = 0 then 0 else (
             select count(*) from ledger where tenant_id = $1 and gone_at is null) end as known
         from (select (select count(*) from ledger where {}) as deactivations,
             (select count(*) from absence where {}) as counting,
             (select count(*) from ({}) as absent) as waiting) as held",
        deactivations(),
        counts(now),
        absent(now)
    );
    let found: Option<Counts> = sql::one(connection, &text, [tenant.0.into()]).await?;
    let found = found.unwrap_or(Counts { deactivations: 0, counting: 0, waiting: 0, known: 0 });
    let absences = if is_mass(found.counting, found.known) { found.waiting } else { 0 };
    Ok(Held { deactivations: found.deactivations.unsigned_abs(), absences: absences.unsigned_abs() })
}

/// Does what a person said about as many as it was shown, with audit entries; how many it was.
pub async fn decide(db: &Db, tenant: TenantId, word: Word, shown: u64, actor: &str) -> Result<u64, Error> {
    let mut done = 0;
    loop {
        let batch = BATCH.min(shown - done);
        let transaction = db.begin().await?;
        let outcome = async {
            let users = some(&transaction, tenant, word, batch).await?;
            if users > 0 {
                let detail = serde_json::json!({ "users": users });
                audit::insert(&transaction, Some(tenant), actor, word.action(), detail).await?;
            }
            Ok::<_, Error>(users)
        }
        .await;
        let users = finish(transaction, outcome).await?;
        done += users;
        if users < BATCH || done >= shown {
            return Ok(done);
        }
    }
}

async fn some(transaction: &DatabaseTransaction, tenant: TenantId, word: Word, limit: u64) -> Result<u64, Error> {
    let now = clock(transaction);
    let values: [Value; 2] = [tenant.0.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
    let change = match word {
        Word::Deactivate => parked::let_go(now),
        Word::Keep => parked::leave(),
        Word::Gone => {
            let text = format!(
                "update absence set confirmed_at = {now} where tenant_id = $1 and user_id in ({} order by 1 limit $2)",
                absent(now)
            );
            let users = sql::execute(transaction, &text, values).await?;
            let text = format!(
                "update ledger set triage_at = {now} where tenant_id = $1 and dirty_seq > seen_seq and triage_at > {now}
                     and user_id in (select user_id from absence where tenant_id = $1 and confirmed_at is not null)"
            );
            sql::execute(transaction, &text, [tenant.0.into()]).await?;
            return Ok(users);
        }
    };
    let text = format!(
        "update ledger set {change} where tenant_id = $1 and user_id in (
             select user_id from ledger where {} order by user_id limit $2)",
        deactivations()
    );
    sql::execute(transaction, &text, values).await
}
