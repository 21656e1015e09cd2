//! Links: realm user, or group, ↔ downstream id at one target, with digests of what was last sent. No copy of personal data.

use std::collections::BTreeMap;

use registry::{Db, TargetId, TenantId};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::ledger::{LinkUpdate, Subject};
use crate::resource::Kind;
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
    /// A person linked it: the record need not show our externalId before it is first written to.
    pub adopted: bool,
    /// How long ago a POST was begun whose fate is unknown, microseconds by the database's clock (K21).
    pub create_intent_age: Option<i64>,
    /// How long ago its record was first looked for and not found, microseconds.
    pub create_looked_age: Option<i64>,
}

impl Link {
    /// Without the record it led to. A POST whose fate is unknown stays unknown (K21).
    #[must_use]
    pub fn unlinked(&self) -> Self {
        let Self { create_intent_age, create_looked_age, .. } = *self;
        Self { create_intent_age, create_looked_age, ..Self::default() }
    }
}

/// A link as stored.
#[derive(FromQueryResult)]
pub(crate) struct Row {
    downstream_id: Option<String>,
    verified_generation: i64,
    digests: String,
    adopted: bool,
    create_intent_age: Option<i64>,
    create_looked_age: Option<i64>,
}

impl TryFrom<Row> for Link {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            downstream_id: row.downstream_id,
            verified_generation: row.verified_generation,
            digests: serde_json::from_str(&row.digests)?,
            adopted: row.adopted,
            create_intent_age: row.create_intent_age,
            create_looked_age: row.create_looked_age,
        })
    }
}

/// The columns of a link as stored, of `link l` or `group_link l`, named with a prefix.
pub(crate) fn columns(now: &str, prefix: &str) -> String {
    format!(
        "l.downstream_id as {prefix}downstream_id, l.verified_generation as {prefix}verified_generation,
         l.digests as {prefix}digests, l.adopted as {prefix}adopted,
         {now} - l.create_intent_at as {prefix}create_intent_age,
         {now} - l.create_looked_at as {prefix}create_looked_age"
    )
}

/// Reads a link; an absent row is an empty link.
pub async fn of(db: &Db, tenant: TenantId, subject: impl Into<Subject>, target: TargetId) -> Result<Link, Error> {
    let Subject { kind, id } = subject.into();
    let text = format!(
        "select {} from {} l where tenant_id = $1 and {} = $2 and target_id = $3",
        columns(crate::ledger::clock(db.connection()), ""),
        kind.link(),
        kind.key()
    );
    let row: Option<Row> = sql::one(db.connection(), &text, [tenant.0.into(), id.into(), target.0.into()]).await?;
    row.map_or_else(|| Ok(Link::default()), TryInto::try_into)
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

/// Users of tenant `$1` who are deactivated at the active target once they are given up, named `user_id`: those who are linked
/// there, where the tenant chose so, and were not given up yet.
pub(crate) const DEPARTING: &str = "select l.user_id from link l
     join target t on t.id = l.target_id and t.state = 'active' and t.on_delete = 'deactivate'
     join ledger on ledger.tenant_id = l.tenant_id and ledger.user_id = l.user_id and ledger.gone_at is null
     where l.tenant_id = $1 and l.downstream_id is not null";

/// Users who are deactivated downstream once they are given up, whether the directory manages them or not.
pub async fn departing(db: &Db, tenant: TenantId) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Departing {
        user_id: Uuid,
    }
    let rows: Vec<Departing> = sql::all(db.connection(), DEPARTING, [tenant.0.into()]).await?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}

/// Commits the intent to create before the POST (K21). Only the holder of the claim may, and only for the target's
/// present generation; says whether it did.
pub async fn intend_create(
    db: &Db,
    tenant: TenantId,
    subject: impl Into<Subject>,
    target: TargetId,
    epoch: i64,
) -> Result<bool, Error> {
    let Subject { kind, id } = subject.into();
    let connection = db.connection();
    let now = crate::ledger::clock(connection);
    let text = format!(
        "insert into {link} (tenant_id, {key}, target_id, create_intent_at, updated_at)
         select tenant_id, {key}, $3, {now}, {now} from {ledger}
         where tenant_id = $1 and {key} = $2 and epoch = $4
         on conflict (tenant_id, {key}, target_id) do update set
             create_intent_at = {now}, create_looked_at = null, updated_at = {now}",
        link = kind.link(),
        key = kind.key(),
        ledger = kind.ledger()
    );
    let values = [tenant.0.into(), id.into(), target.0.into(), epoch.into()];
    Ok(sql::execute(connection, &text, values).await? == 1)
}

/// Notes that a record whose POST was not confirmed was looked for and not found, for the first time (K21).
pub async fn looked_for(db: &Db, tenant: TenantId, subject: impl Into<Subject>, target: TargetId) -> Result<(), Error> {
    let Subject { kind, id } = subject.into();
    let connection = db.connection();
    let text = format!(
        "update {} set create_looked_at = {}
         where tenant_id = $1 and {} = $2 and target_id = $3 and create_intent_at is not null and create_looked_at is null",
        kind.link(),
        crate::ledger::clock(connection),
        kind.key()
    );
    sql::execute(connection, &text, [tenant.0.into(), id.into(), target.0.into()]).await?;
    Ok(())
}

/// Writes what a settled round found out; clears the intent to create.
pub(crate) async fn settle(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    Subject { kind, id }: Subject,
    (target, generation): (TargetId, i64),
    link: &LinkUpdate,
    now: i64,
) -> Result<(), Error> {
    let values = [
        tenant.0.into(),
        id.into(),
        target.0.into(),
        link.downstream_id.clone().into(),
        generation.into(),
        serde_json::to_string(&link.digests)?.into(),
        now.into(),
    ];
    sql::execute(connection, &settling(kind, "values ($1, $2, $3, $4, $5, $6, $7)"), values).await?;
    Ok(())
}

/// The statement of [`settle`]: tenant, subject, target, the downstream's id, generation, digests and the time `from` a list
/// or a query.
pub(crate) fn settling(kind: Kind, from: &str) -> String {
    format!(
        "insert into {link} (tenant_id, {key}, target_id, downstream_id, verified_generation, digests, updated_at)
         {from}
         on conflict (tenant_id, {key}, target_id) do update set
             downstream_id = excluded.downstream_id, verified_generation = excluded.verified_generation,
             digests = excluded.digests, create_intent_at = null, adopted = false, candidate_id = null,
             candidate_digest = null, updated_at = excluded.updated_at",
        link = kind.link(),
        key = kind.key()
    )
}

/// Remembers the record a person is shown before linking: its id and a digest of what was shown.
pub async fn show_candidate(
    db: &Db,
    tenant: TenantId,
    subject: impl Into<Subject>,
    target: TargetId,
    candidate: Option<(&str, &str)>,
) -> Result<(), Error> {
    let Subject { kind, id: key } = subject.into();
    let connection = db.connection();
    let text = format!(
        "insert into {link} (tenant_id, {column}, target_id, candidate_id, candidate_digest, updated_at)
         values ($1, $2, $3, $4, $5, {now})
         on conflict (tenant_id, {column}, target_id) do update set candidate_id = excluded.candidate_id,
             candidate_digest = excluded.candidate_digest",
        link = kind.link(),
        column = kind.key(),
        now = crate::ledger::clock(connection)
    );
    let (id, digest) = candidate.map_or((None, None), |(id, digest)| (Some(id.to_owned()), Some(digest.to_owned())));
    sql::execute(connection, &text, [tenant.0.into(), key.into(), target.0.into(), id.into(), digest.into()]).await?;
    Ok(())
}

/// Links a parked user or group to the record that was shown, by a person's decision, and lets the change go on; says
/// whether the record is the one that was shown, unchanged, and its change still parked for this generation of the target.
pub async fn adopt(
    db: &Db,
    tenant: TenantId,
    subject: impl Into<Subject>,
    target: (TargetId, i64),
    candidate: (&str, &str),
    actor: &str,
) -> Result<bool, Error> {
    let Subject { kind, id } = subject.into();
    let transaction = db.begin().await?;
    let outcome: Result<bool, Error> = async {
        let now = crate::ledger::clock(&transaction);
        let text = format!(
            "update {} set downstream_id = candidate_id, adopted = true, digests = '{{}}', verified_generation = 0,
                 create_intent_at = null, candidate_id = null, candidate_digest = null, updated_at = {now}
             where tenant_id = $1 and {} = $2 and target_id = $3 and candidate_id = $4 and candidate_digest = $5
                 and exists (select 1 from target t where t.id = $3 and t.generation = $6 and t.state = 'active')",
            kind.link(),
            kind.key()
        );
        let values =
            [tenant.0.into(), id.into(), target.0.0.into(), candidate.0.into(), candidate.1.into(), target.1.into()];
        if sql::execute(&transaction, &text, values).await? == 0 {
            return Ok(false);
        }
        let text = format!(
            "update {} set next_at = {now}, attempts = 0, reason = null, parked_at = null, parked_status = null,
                 ignored = false where tenant_id = $1 and {} = $2 and parked_at is not null",
            kind.ledger(),
            kind.key()
        );
        if sql::execute(&transaction, &text, [tenant.0.into(), id.into()]).await? == 0 {
            return Ok(false);
        }
        let detail = serde_json::json!({ kind.as_str().to_lowercase(): id, "downstream_id": candidate.0 });
        registry::audit::insert(&transaction, Some(tenant), actor, "outbound.link", detail).await?;
        Ok(true)
    }
    .await;
    crate::finish_if(transaction, outcome, |linked| *linked).await
}
