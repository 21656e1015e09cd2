//! The erasure of one person's data: everything any table knows about a realm user. What the realm itself and the
//! downstream hold is theirs to erase, and comes first: whoever is still in the realm would be taken in again.

use std::collections::BTreeMap;

use registry::{Db, TenantId, audit};
use sea_orm::{DatabaseTransaction, FromQueryResult, Value};
use uuid::Uuid;

use crate::{Error, finish_if, ledger, sql};

/// What came of an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasure {
    /// Rows that are gone, by table; only those tables that had any.
    Done(BTreeMap<&'static str, u64>),
    /// A request or a round works on the user at this moment: nothing was erased.
    UnderWay,
    /// A change of the user has yet to be seen or delivered: nothing was erased.
    Owed,
}

/// A record of the user in an application, which that application has to erase.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult, serde::Serialize)]
pub struct Record {
    /// The application's SCIM base URL.
    pub base_url: String,
    /// Its id of the record.
    pub downstream_id: String,
}

/// The records of a user in applications, as far as they are linked.
pub async fn records(db: &Db, tenant: TenantId, user: Uuid) -> Result<Vec<Record>, Error> {
    let text = "select target.base_url, link.downstream_id from link join target on target.id = link.target_id
         where link.tenant_id = $1 and link.user_id = $2 and link.downstream_id is not null order by target.base_url";
    sql::all(db.connection(), text, [tenant.0.into(), user.into()]).await
}

/// Erases a user in one transaction, with an audit entry that names nobody. `even_if_owed` drops what has yet to be
/// delivered; work under way is waited for by the caller in either case.
pub async fn erase(db: &Db, tenant: TenantId, user: Uuid, even_if_owed: bool, actor: &str) -> Result<Erasure, Error> {
    let transaction = db.begin().await?;
    let outcome = erase_in(&transaction, tenant, user, even_if_owed, actor).await;
    finish_if(transaction, outcome, |outcome| matches!(outcome, Erasure::Done(_))).await
}

/// Whether a user who is gone from the realm was not seen to be gone yet: what the application is told of it is still to come.
pub async fn is_unseen(db: &Db, tenant: TenantId, user: Uuid) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Unseen {
        number: i64,
    }
    let text = "select (select count(*) from directory_user where tenant_id = $1 and id = $2)
             + (select count(*) from ledger where tenant_id = $1 and user_id = $2 and gone_at is null) as number";
    let row: Option<Unseen> = sql::one(db.connection(), text, [tenant.0.into(), user.into()]).await?;
    Ok(row.is_some_and(|row| row.number > 0))
}

/// What there is of a user, by table; only those tables that have any.
pub async fn rows(db: &Db, tenant: TenantId, user: Uuid) -> Result<BTreeMap<&'static str, u64>, Error> {
    #[derive(FromQueryResult)]
    struct Count {
        number: i64,
    }
    let mut rows = BTreeMap::new();
    for (table, whose) in ROWS {
        let text = format!("select count(*) as number from {table} where {whose}");
        let count: Option<Count> = sql::one(db.connection(), &text, [tenant.0.into(), user.into()]).await?;
        if let Some(number) = count.and_then(|count| u64::try_from(count.number).ok()).filter(|number| *number > 0) {
            rows.insert(table, number);
        }
    }
    Ok(rows)
}

/// Tables whose rows of a user go, with the columns that name it. The directory's own row is last: the reservations are
/// found by its name.
const ROWS: [(&str, &str); 10] = [
    ("membership", "tenant_id = $1 and user_id = $2"),
    (
        "reservation",
        "tenant_id = $1 and username_key = (select username_key from directory_user where tenant_id = $1 and id = $2)",
    ),
    ("pushed_member", "tenant_id = $1 and user_id = $2"),
    ("link", "tenant_id = $1 and user_id = $2"),
    ("departure", "tenant_id = $1 and user_id = $2"),
    ("absence", "tenant_id = $1 and user_id = $2"),
    ("ledger", "tenant_id = $1 and user_id = $2"),
    ("activity", "tenant_id = $1 and user_id = $2"),
    ("realm_person", "tenant_id = $1 and id = $2"),
    ("directory_user", "tenant_id = $1 and id = $2"),
];

async fn erase_in(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    user: Uuid,
    even_if_owed: bool,
    actor: &str,
) -> Result<Erasure, Error> {
    let known: [Value; 2] = [tenant.0.into(), user.into()];
    let work = work(transaction, &known).await?;
    if work.busy > 0 {
        return Ok(Erasure::UnderWay);
    }
    if work.owed > 0 && !even_if_owed {
        return Ok(Erasure::Owed);
    }
    let mut erased = BTreeMap::new();
    for (table, whose) in ROWS {
        let count = sql::execute(transaction, &format!("delete from {table} where {whose}"), known.clone()).await?;
        if count > 0 {
            erased.insert(table, count);
        }
    }
    // A backfill's sample shows ids; one that is over needs its place no more.
    let id = user.to_string();
    let text = "update backfill set sample = '[]' where tenant_id = $1 and sample like $2";
    sql::execute(transaction, text, [tenant.0.into(), format!("%{id}%").into()]).await?;
    let text = "update backfill set reach = null where tenant_id = $1 and reach = $2 and ended_at is not null";
    sql::execute(transaction, text, known).await?;
    audit::redact(transaction, tenant, user).await?;
    audit::insert(transaction, Some(tenant), actor, "user.erase", serde_json::json!({ "rows": erased })).await?;
    Ok(Erasure::Done(erased))
}

#[derive(FromQueryResult)]
struct Work {
    busy: i64,
    owed: i64,
}

/// Locks the user's rows and says how many are being worked on, and how many owe something.
async fn work(transaction: &DatabaseTransaction, known: &[Value; 2]) -> Result<Work, Error> {
    let (lock, now) = (sql::for_update(transaction), ledger::clock(transaction));
    for (table, column) in [("directory_user", "id"), ("ledger", "user_id")] {
        let text = format!("select tenant_id from {table} where tenant_id = $1 and {column} = $2 {lock}");
        sql::execute(transaction, &text, known.clone()).await?;
    }
    let text = format!(
        "select (select count(*) from directory_user where tenant_id = $1 and id = $2 and write_until > {now})
             + (select count(*) from ledger where tenant_id = $1 and user_id = $2 and lease_until > {now}) as busy,
             (select count(*) from ledger where tenant_id = $1 and user_id = $2
                 and (dirty_seq > seen_seq or owed_seq > acked_seq)
                 and exists (select 1 from target where target.tenant_id = $1 and target.state = 'active')) as owed"
    );
    Ok(sql::one(transaction, &text, known.clone()).await?.unwrap_or(Work { busy: 0, owed: 0 }))
}
