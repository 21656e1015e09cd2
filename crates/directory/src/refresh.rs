//! The directory follows the realm: triage's half of a round (K10–K12).
//!
//! Native fields of an existing row are written by one party, the holder of the user's ledger lease (K9), and only
//! behind the fence: an inbound write that began meanwhile wins, and the row stays dirty.

use registry::{Db, TenantId};
use scim::native::Native;
use sea_orm::{DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use crate::ledger::{self, Claim, Mark, Recorded, Triage};
use crate::user::Arrival;
use crate::writing::DOUBT;
use crate::{Error, finish_if, sql, user};

/// What a triage reads of the directory before it asks the realm (K11).
#[derive(Debug, Clone, FromQueryResult)]
pub struct Fence {
    write_epoch: i64,
    write_until: Option<i64>,
    realm_doubt_until: Option<i64>,
    logout_owed: bool,
    scim_enabled_at: Option<i64>,
    keyless: bool,
    document: String,
    active: bool,
    base: String,
    scim_disabled_at: Option<i64>,
    now: i64,
}

/// For how long a switch by SCIM is remembered, microseconds: whoever undoes it meanwhile is told of (K15).
const REMEMBERED: i64 = 86_400_000_000;

impl Fence {
    /// The claim of the newest inbound write.
    pub(crate) fn write_epoch(&self) -> i64 {
        self.write_epoch
    }

    /// An inbound write is under way: triage has to wait.
    pub fn writing(&self) -> bool {
        self.write_until.is_some_and(|until| until > self.now)
    }

    /// A write of ours was not confirmed lately: a realm that differs is our own late write (K5).
    pub fn doubtful(&self) -> bool {
        self.realm_doubt_until.is_some_and(|until| until > self.now)
    }

    /// The realm has somebody on whom SCIM switched off within a day, and did not switch on: somebody else did, and the realm
    /// is followed (K15). Seen off there since, or taken over as on by a write about something else; where a switch was not
    /// confirmed, neither is so.
    pub fn is_undone_by(&self, fresh: &Native) -> Result<bool, Error> {
        let lately = self.scim_disabled_at.is_some_and(|at| at > self.now - REMEMBERED);
        Ok(lately && fresh.active && (self.active || !serde_json::from_str::<Native>(&self.base)?.active))
    }

    /// The document as it stood.
    pub fn document(&self) -> Result<scim::Object, Error> {
        Ok(serde_json::from_str(&self.document)?)
    }

    /// The native fields of that document, as they are written back in doubt (K5) to a realm that has `seen`. Whoever owes a
    /// log-out is off: a deactivation ended without a word, and what nobody heard of is not to be undone. Whom the realm has off
    /// stays so where SCIM did not switch on lately: a write of ours that came late would have been a deactivation, and those the
    /// directory has or owes. It is somebody else's, and whoever was locked out is not let in again on a doubt.
    pub fn native(&self, document: &scim::Object, seen: &Native) -> Native {
        let native = Native::of_user(document, self.active);
        let switched_on = self.scim_enabled_at.is_some_and(|at| at > self.now - DOUBT);
        Native { active: native.active && !self.logout_owed && (seen.active || switched_on), ..native }
    }
}

/// The columns of a [`Fence`], of `directory_user u`, named with a prefix.
pub(crate) fn columns(now: &str, prefix: &str) -> String {
    format!(
        "u.write_epoch as {prefix}write_epoch, u.write_until as {prefix}write_until,
         u.realm_doubt_until as {prefix}realm_doubt_until, u.logout_owed as {prefix}logout_owed,
         u.scim_enabled_at as {prefix}scim_enabled_at, u.username_key is null as {prefix}keyless, u.document as {prefix}document,
         u.active as {prefix}active, u.base as {prefix}base,
         u.scim_disabled_at as {prefix}scim_disabled_at, {now} as {prefix}now"
    )
}

/// What a triage does to the directory.
#[derive(Debug, Clone, Copy)]
pub enum Fate<'a> {
    /// The directory follows the realm's native fields, if it manages the user (K12).
    Follow(&'a Native),
    /// The realm counts the user as managed and the directory does not know it: taken in (K13).
    Import(&'a Arrival),
    /// The user holds the role no more: let go of (K13).
    LetGo,
    /// The user is gone from the realm (K14).
    Gone,
}

impl Fate<'_> {
    /// Whether the directory stays as it is behind this fence.
    fn keeps(self, fence: Option<&Fence>) -> Result<bool, Error> {
        Ok(match (self, fence) {
            (Fate::Follow(_), None) => true,
            (Fate::Follow(fresh), Some(fence)) => {
                serde_json::from_str::<Native>(&fence.base)? == *fresh
                    && !fence.keyless
                    && !fence.is_undone_by(fresh)?
            }
            (Fate::Import(_) | Fate::LetGo | Fate::Gone, _) => false,
        })
    }
}

/// Commits a triage: directory and ledger row in one transaction, or one statement. [`Recorded::Stale`] if the fence fell.
pub async fn commit(
    db: &Db,
    tenant: TenantId,
    user: Uuid,
    fence: Option<&Fence>,
    fate: Fate<'_>,
    triage: &Triage<'_>,
) -> Result<Recorded, Error> {
    if fate.keeps(fence)?
        && let Some(recorded) = ledger::look(db, fence, triage).await?
    {
        return Ok(recorded);
    }
    let transaction = db.begin().await?;
    let outcome = commit_in(&transaction, tenant, user, fence, fate, triage).await;
    finish_if(transaction, outcome, |recorded| matches!(recorded, Recorded::Written { .. })).await
}

/// Commits a triage that found a send owed, and claims that send for the target's generation; `None`, and nothing has changed,
/// where both do not go in one statement: then [`commit`].
pub async fn commit_and_claim(
    db: &Db,
    fence: Option<&Fence>,
    fate: Fate<'_>,
    triage: &Triage<'_>,
    generation: i64,
) -> Result<Option<Claim>, Error> {
    if fate.keeps(fence)? { ledger::look_on(db, fence, triage, generation).await } else { Ok(None) }
}

#[derive(FromQueryResult)]
struct Row {
    document: String,
    base: String,
    version: i64,
    write_epoch: i64,
    write_until: Option<i64>,
    now: i64,
}

async fn commit_in(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    user: Uuid,
    fence: Option<&Fence>,
    fate: Fate<'_>,
    triage: &Triage<'_>,
) -> Result<Recorded, Error> {
    // Order: directory before ledger, as in every transaction of the gateway, so that two never wait for each other.
    let text = format!(
        "select document, base, version, write_epoch, write_until, {} as now from directory_user
         where tenant_id = $1 and id = $2 {}",
        ledger::clock(transaction),
        sql::for_update(transaction)
    );
    let row: Option<Row> = sql::one(transaction, &text, [tenant.0.into(), user.into()]).await?;
    let mut left = Vec::new();
    match (&row, fence) {
        (None, None) => {
            if let Fate::Import(arrival) = fate
                && user::import(transaction, tenant, arrival).await?
            {
                // Who is here now may be in groups; the next look sees.
                ledger::mark(transaction, tenant, user, &Mark { roles: true, ..Mark::default() }).await?;
            }
        }
        (Some(row), Some(fence))
            if row.write_epoch == fence.write_epoch && row.write_until.is_none_or(|until| until <= row.now) =>
        {
            match fate {
                Fate::Follow(fresh) => {
                    follow(transaction, tenant, user, row, fresh).await?;
                    if fence.is_undone_by(fresh)? {
                        forget_switch(transaction, tenant, user).await?;
                    }
                }
                Fate::Import(arrival) => follow(transaction, tenant, user, row, &arrival.base).await?,
                Fate::LetGo | Fate::Gone => left = user::let_go(transaction, tenant, user).await?,
            }
        }
        _ => return Ok(Recorded::Stale),
    }
    let recorded = ledger::triaged(transaction, tenant, user, triage).await?;
    ledger::mark_groups(transaction, tenant, &left).await?;
    Ok(recorded)
}

async fn follow(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    user: Uuid,
    row: &Row,
    fresh: &Native,
) -> Result<(), Error> {
    let base: Native = serde_json::from_str(&row.base)?;
    if base == *fresh {
        return take_free_username(transaction, tenant, user, &scim::key::username_key(&fresh.user_name)).await;
    }
    let mut document: scim::Object = serde_json::from_str(&row.document)?;
    let changed = scim::native::follow(&mut document, &base, fresh);
    let native = Native::of(&document);
    let username_key = scim::key::username_key(&native.user_name);
    take_username(transaction, tenant, user, &username_key).await?;
    let version = if changed.is_empty() { row.version } else { row.version + 1 };
    let (email, others) = crate::user::email_keys(&document, &native);
    let text = "update directory_user set document = $3, base = $4, version = $5, username_key = $6, active = $7,
             email_key = $9, other_email_keys = $10, modified_at = case when version = $5 then modified_at else $8 end
         where tenant_id = $1 and id = $2";
    let values = [
        tenant.0.into(),
        user.into(),
        serde_json::to_string(&document)?.into(),
        serde_json::to_string(fresh)?.into(),
        version.into(),
        username_key.into(),
        document.get("active").and_then(serde_json::Value::as_bool).unwrap_or(fresh.active).into(),
        row.now.into(),
        email.into(),
        others.into(),
    ];
    sql::execute(transaction, text, values).await?;
    if fresh.user_name != base.user_name {
        let left = scim::key::username_key(&base.user_name);
        mark_named(transaction, tenant, user, &left).await?;
    }
    Ok(())
}

/// Whoever has no userName here because another had it when they came, takes it once it is free.
async fn take_free_username(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    user: Uuid,
    username_key: &str,
) -> Result<(), Error> {
    let text = "update directory_user set username_key = $3
         where tenant_id = $1 and id = $2 and username_key is null
             and not exists (select 1 from directory_user where tenant_id = $1 and username_key = $3)
             and not exists (select 1 from reservation where tenant_id = $1 and username_key = $3)";
    sql::execute(transaction, text, [tenant.0.into(), user.into(), username_key.into()]).await?;
    Ok(())
}

/// A userName is free: whoever waits for one is looked at.
async fn mark_named(transaction: &DatabaseTransaction, tenant: TenantId, by: Uuid, left: &str) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct Waiting {
        id: Uuid,
        document: String,
    }
    let text = "select id, document from directory_user where tenant_id = $1 and username_key is null and id <> $2";
    for waiting in sql::all::<Waiting>(transaction, text, [tenant.0.into(), by.into()]).await? {
        let document: scim::Object = serde_json::from_str(&waiting.document)?;
        if scim::key::username_key(&Native::of(&document).user_name) == left {
            ledger::mark(transaction, tenant, waiting.id, &Mark::default()).await?;
        }
    }
    Ok(())
}

/// What SCIM switched off is on again, and that is told once.
async fn forget_switch(transaction: &DatabaseTransaction, tenant: TenantId, user: Uuid) -> Result<(), Error> {
    let text = "update directory_user set scim_disabled_at = null where tenant_id = $1 and id = $2";
    sql::execute(transaction, text, [tenant.0.into(), user.into()]).await?;
    Ok(())
}

/// A refresh never fails on uniqueness: it takes the userName from its holder, who is marked and follows in turn (K6).
async fn take_username(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    user: Uuid,
    username_key: &str,
) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct Holder {
        id: Uuid,
    }
    let text = "update directory_user set username_key = null
         where tenant_id = $1 and username_key = $2 and id <> $3 returning id";
    let values = [tenant.0.into(), username_key.into(), user.into()];
    if let Some(holder) = sql::one::<Holder>(transaction, text, values).await? {
        ledger::mark(transaction, tenant, holder.id, &Mark::default()).await?;
    }
    Ok(())
}
