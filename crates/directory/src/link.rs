//! Links: realm user ↔ downstream id at one target, with digests of what was last sent. No copy of personal data.

use std::collections::BTreeMap;

use registry::{Db, TargetId, TenantId};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::ledger::LinkUpdate;
use crate::{Error, sql};

/// What is known of a user at a target.
#[derive(Debug, Clone, Default)]
pub struct Link {
    /// The downstream's id, once known.
    pub downstream_id: Option<String>,
    /// The target generation in which the id was last shown to be ours (K22).
    pub verified_generation: i64,
    /// Digest per attribute of what the downstream holds.
    pub digests: BTreeMap<String, String>,
    /// How long ago a POST was begun whose fate is unknown, microseconds by the database's clock (K21).
    pub create_intent_age: Option<i64>,
}

impl Link {
    /// Without the record it led to. A POST whose fate is unknown stays unknown (K21).
    #[must_use]
    pub fn unlinked(&self) -> Self {
        Self { create_intent_age: self.create_intent_age, ..Self::default() }
    }
}

#[derive(FromQueryResult)]
struct Row {
    downstream_id: Option<String>,
    verified_generation: i64,
    digests: String,
    create_intent_age: Option<i64>,
}

/// Reads a link; an absent row is an empty link.
pub async fn of(db: &Db, tenant: TenantId, user: Uuid, target: TargetId) -> Result<Link, Error> {
    let text = format!(
        "select downstream_id, verified_generation, digests, {} - create_intent_at as create_intent_age from link
         where tenant_id = $1 and user_id = $2 and target_id = $3",
        crate::ledger::clock(db.connection())
    );
    let row: Option<Row> = sql::one(db.connection(), &text, [tenant.0.into(), user.into(), target.0.into()]).await?;
    let Some(row) = row else { return Ok(Link::default()) };
    Ok(Link {
        downstream_id: row.downstream_id,
        verified_generation: row.verified_generation,
        digests: serde_json::from_str(&row.digests)?,
        create_intent_age: row.create_intent_age,
    })
}

/// The digests of those of some users who are linked at a target.
pub async fn digests(
    db: &Db,
    tenant: TenantId,
    target: TargetId,
    users: &[Uuid],
) -> Result<BTreeMap<Uuid, BTreeMap<String, String>>, Error> {
    #[derive(FromQueryResult)]
    struct Linked {
        user_id: Uuid,
        digests: String,
    }
    if users.is_empty() {
        return Ok(BTreeMap::new());
    }
    let places: Vec<String> = (3..users.len() + 3).map(|place| format!("${place}")).collect();
    let text = format!(
        "select user_id, digests from link
         where tenant_id = $1 and target_id = $2 and downstream_id is not null and user_id in ({})",
        places.join(", ")
    );
    let values = [tenant.0.into(), target.0.into()].into_iter().chain(users.iter().map(|user| (*user).into()));
    let rows: Vec<Linked> = sql::all(db.connection(), &text, values).await?;
    rows.into_iter().map(|row| Ok((row.user_id, serde_json::from_str(&row.digests)?))).collect()
}

/// Commits the intent to create before the POST (K21). Only the holder of the claim may, and only for the target's
/// present generation; says whether it did.
pub async fn intend_create(db: &Db, tenant: TenantId, user: Uuid, target: TargetId, epoch: i64) -> Result<bool, Error> {
    let connection = db.connection();
    let now = crate::ledger::clock(connection);
    let text = format!(
        "insert into link (tenant_id, user_id, target_id, create_intent_at, updated_at)
         select tenant_id, user_id, $3, {now}, {now} from ledger
         where tenant_id = $1 and user_id = $2 and epoch = $4
         on conflict (tenant_id, user_id, target_id) do update set
             create_intent_at = {now}, updated_at = {now}"
    );
    let values = [tenant.0.into(), user.into(), target.0.into(), epoch.into()];
    Ok(sql::execute(connection, &text, values).await? == 1)
}

/// Writes what a settled round found out; clears the intent to create.
pub(crate) async fn settle(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    user: Uuid,
    target: TargetId,
    generation: i64,
    link: &LinkUpdate,
    now: i64,
) -> Result<(), Error> {
    let text =
        "insert into link (tenant_id, user_id, target_id, downstream_id, verified_generation, digests, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, user_id, target_id) do update set
             downstream_id = excluded.downstream_id, verified_generation = excluded.verified_generation,
             digests = excluded.digests, create_intent_at = null, updated_at = excluded.updated_at";
    let values = [
        tenant.0.into(),
        user.into(),
        target.0.into(),
        link.downstream_id.clone().into(),
        generation.into(),
        serde_json::to_string(&link.digests)?.into(),
        now.into(),
    ];
    sql::execute(connection, text, values).await?;
    Ok(())
}
