//! What waits for a person's word because it would hit many at once: deactivations a tenant wants held (K23), users and
//! groups a realm lacks without having said that they were deleted (K14). A word is for those that were shown: never for more.

use registry::{Db, TenantId, audit};
use sea_orm::{DatabaseTransaction, FromQueryResult, Value};

use crate::ledger::clock;
use crate::parked::{self, is_parked};
use crate::resource::Kind;
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
    /// Groups likewise.
    pub groups: u64,
}

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The deactivations may go.
    Deactivate,
    /// The deactivations are not meant: each rests until its user changes.
    Keep,
    /// The users, or groups, that the realm lacks are gone.
    Gone(Kind),
}

impl Word {
    fn action(self) -> &'static str {
        match self {
            Self::Deactivate => "held.deactivations.confirm",
            Self::Keep => "held.deactivations.refuse",
            Self::Gone(Kind::User) => "held.absences.confirm",
            Self::Gone(Kind::Group) => "held.groups.confirm",
        }
    }

    /// How many it would be about.
    pub fn waiting(self, held: Held) -> u64 {
        match self {
            Self::Deactivate | Self::Keep => held.deactivations,
            Self::Gone(Kind::User) => held.absences,
            Self::Gone(Kind::Group) => held.groups,
        }
    }

    /// What those it is about are called.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Gone(Kind::Group) => "groups",
            Self::Deactivate | Self::Keep | Self::Gone(Kind::User) => "users",
        }
    }
}

/// Those whose look waits for somebody, absent as they are; the tenant is `$1`. Whoever is found again waits no more.
fn absent(kind: Kind, now: &str) -> String {
    let (key, from) = (kind.key(), kind.absences());
    let waits = match kind {
        Kind::User => {
            "ledger as held on held.tenant_id = absence.tenant_id and held.user_id = absence.user_id
                 and held.gone_at is null and held.dirty_seq > held.seen_seq"
        }
        Kind::Group => {
            "directory_group as held on held.tenant_id = absence.tenant_id and held.id = absence.group_id
                 and held.look_at is not null"
        }
    };
    format!("select absence.{key} from {from} as absence join {waits} where {}", counts(now))
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
    }
    let text = format!("select count(*) as deactivations from ledger where {}", deactivations());
    let found: Option<Counts> = sql::one(db.connection(), &text, [tenant.0.into()]).await?;
    Ok(Held {
        deactivations: found.map_or(0, |found| found.deactivations.unsigned_abs()),
        absences: absences(db, tenant, Kind::User).await?,
        groups: absences(db, tenant, Kind::Group).await?,
    })
}

/// How many of a kind a realm lacks and wait, if they are too many to be believed.
async fn absences(db: &Db, tenant: TenantId, kind: Kind) -> Result<u64, Error> {
    #[derive(FromQueryResult)]
    struct Counts {
        counting: i64,
        waiting: i64,
        known: i64,
    }
    let connection = db.connection();
    let now = clock(connection);
    let text = format!(
        "select counting, waiting, case when waiting = 0 then 0 else {} end as known
         from (select (select count(*) from {} absence where {}) as counting,
             (select count(*) from ({}) as absent) as waiting) as held",
        kind.known(),
        kind.absences(),
        counts(now),
        absent(kind, now)
    );
    let found: Option<Counts> = sql::one(connection, &text, [tenant.0.into()]).await?;
    let held = found.filter(|found| is_mass(found.counting, found.known));
    Ok(held.map_or(0, |found| found.waiting.unsigned_abs()))
}

/// Does what a person said about as many as it was shown, with audit entries; how many it was.
pub async fn decide(db: &Db, tenant: TenantId, word: Word, shown: u64, actor: &str) -> Result<u64, Error> {
    let mut done = 0;
    loop {
        let batch = BATCH.min(shown - done);
        let transaction = db.begin().await?;
        let outcome = async {
            let decided = some(&transaction, tenant, word, batch).await?;
            if decided > 0 {
                let detail = serde_json::json!({ word.noun(): decided });
                audit::insert(&transaction, Some(tenant), actor, word.action(), detail).await?;
            }
            Ok::<_, Error>(decided)
        }
        .await;
        let decided = finish(transaction, outcome).await?;
        done += decided;
        if decided < BATCH || done >= shown {
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
        Word::Gone(kind) => {
            let (table, key) = (kind.absences(), kind.key());
            let text = format!(
                "update {table} set confirmed_at = {now} where tenant_id = $1 and {key} in ({} order by 1 limit $2)",
                absent(kind, now)
            );
            let gone = sql::execute(transaction, &text, values).await?;
            let confirmed = format!("(select {key} from {table} where tenant_id = $1 and confirmed_at is not null)");
            let text = match kind {
                Kind::User => format!(
                    "update ledger set triage_at = {now} where tenant_id = $1 and dirty_seq > seen_seq
                         and triage_at > {now} and user_id in {confirmed}"
                ),
                Kind::Group => format!(
                    "update directory_group set look_at = {now} where tenant_id = $1 and look_at > {now}
                         and id in {confirmed}"
                ),
            };
            sql::execute(transaction, &text, [tenant.0.into()]).await?;
            return Ok(gone);
        }
    };
    let text = format!(
        "update ledger set {change} where tenant_id = $1 and user_id in (
             select user_id from ledger where {} order by user_id limit $2)",
        deactivations()
    );
    sql::execute(transaction, &text, values).await
}
