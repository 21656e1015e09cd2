//! Departures: who was deactivated, or found gone, at a downstream within the last minutes. A few are everyday; a mass of
//! them is somebody's mistake more often than not (K23, design §10).

use registry::{Db, TargetId, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{Error, ledger, sql};

/// How long one counts, microseconds.
pub const WINDOW: i64 = 600_000_000;
/// So many are never a mass, however few users there are.
const FEW: i64 = 20;

/// What happened to a user downstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// We deactivated it.
    Off,
    /// Its record was not there any more.
    Gone,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Gone => "gone",
        }
    }
}

/// How many departed within the window, of how many that are linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Toll {
    /// Departed.
    pub departed: i64,
    /// Linked.
    pub linked: i64,
}

impl Toll {
    /// More than 20, and more than a tenth of all.
    pub fn is_mass(self) -> bool {
        self.departed > FEW.max(self.linked / 10)
    }
}

/// Counts a user among those who departed from a target; how many that makes.
pub async fn note(
    db: &Db,
    tenant: TenantId,
    target: TargetId,
    generation: i64,
    kind: Kind,
    user: Uuid,
) -> Result<Toll, Error> {
    let connection = db.connection();
    let text = format!(
        "insert into departure (tenant_id, target_id, generation, kind, user_id, at) values ($1, $2, $3, $4, $5, {})
         on conflict (target_id, kind, user_id) do update set generation = excluded.generation, at = excluded.at",
        ledger::clock(connection)
    );
    let values = [tenant.0.into(), target.0.into(), generation.into(), kind.as_str().into(), user.into()];
    sql::execute(connection, &text, values).await?;
    toll(db, tenant, target, generation, kind).await
}

/// How many departed of late.
pub async fn toll(db: &Db, tenant: TenantId, target: TargetId, generation: i64, kind: Kind) -> Result<Toll, Error> {
    let connection = db.connection();
    let text = format!(
        "select departed, case when departed < {FEW} then 0 else (
                 select count(*) from link where tenant_id = $1 and target_id = $2 and downstream_id is not null) end as linked
         from (select count(*) as departed from departure where target_id = $2 and kind = $3 and generation = $4
             and at > {} - {WINDOW}) as recent",
        ledger::clock(connection)
    );
    let values = [tenant.0.into(), target.0.into(), kind.as_str().into(), generation.into()];
    Ok(sql::one(connection, &text, values).await?.unwrap_or(Toll { departed: 0, linked: 0 }))
}

/// Forgets a batch of those that count no more; how many there were.
pub async fn forget(db: &Db, batch: u32) -> Result<u64, Error> {
    let connection = db.connection();
    let text = format!(
        "delete from departure where (target_id, kind, user_id) in (
             select target_id, kind, user_id from departure where at < {} - {WINDOW} order by at limit $1)",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [i64::from(batch).into()]).await
}

#[cfg(test)]
mod tests {
    use super::Toll;

    #[test]
    fn a_mass_is_more_than_twenty_and_more_than_a_tenth() {
        for (departed, linked, mass) in
            [(20, 10, false), (21, 10, true), (21, 200, true), (21, 210, false), (22, 210, true), (100, 1_000, false)]
        {
            assert_eq!(Toll { departed, linked }.is_mass(), mass, "{departed} of {linked}");
        }
    }
}
