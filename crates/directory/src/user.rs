//! SCIM users: document, version, indexed columns, and the write lease that keeps two writes to one realm user apart
//! (K1).

use registry::{Db, TenantId, TokenHash};
use scim::Object;
use scim::native::Native;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::ledger::{self, Mark};
use crate::{Error, sql};

/// How long a write lease lasts without renewal, microseconds: longer than any single realm call may take.
pub const LEASE: i64 = 15_000_000;

/// A user of the directory.
#[derive(Debug, Clone)]
pub struct User {
    /// The realm's id and ours.
    pub id: Uuid,
    /// The SCIM document.
    pub document: Object,
    /// Counts real changes; the `ETag`.
    pub version: i64,
    /// May log in, as far as the directory knows.
    pub active: bool,
    /// SCIM did not create it, it was there before.
    pub adopted: bool,
    /// The native fields as the realm last returned them (K12).
    pub base: Native,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub modified_at: i64,
    /// The claim this was read with; 0 if none.
    pub write_epoch: i64,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    document: String,
    version: i64,
    active: bool,
    adopted: bool,
    base: String,
    created_at: i64,
    modified_at: i64,
    write_epoch: i64,
}

impl TryFrom<Row> for User {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            document: serde_json::from_str(&row.document)?,
            version: row.version,
            active: row.active,
            adopted: row.adopted,
            base: serde_json::from_str(&row.base)?,
            created_at: row.created_at,
            modified_at: row.modified_at,
            write_epoch: row.write_epoch,
        })
    }
}

const COLUMNS: &str = "id, document, version, active, adopted, base, created_at, modified_at, write_epoch";

/// What a claim came to.
#[derive(Debug)]
pub enum Claim {
    /// The row is ours for [`LEASE`].
    Granted(Box<User>),
    /// There is no such user.
    Missing,
    /// Another write is under way; wait and try again.
    Busy,
    /// The request's token has died meanwhile.
    TokenDead,
}

/// Claims a user for a write and reads it, in one statement; the token has to be alive still (K1). `logout` notes that
/// the user's sessions will have to end, so that a crash cannot leave them (K4).
pub async fn claim(db: &Db, tenant: TenantId, id: Uuid, token: TokenHash, logout: bool) -> Result<Claim, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let alive = format!(
        "exists (select 1 from inbound_token where hash = $3 and tenant_id = $1 and died_at is null
             and (expires_at is null or expires_at > {now}))"
    );
    let text = format!(
        "update directory_user set write_epoch = write_epoch + 1, write_until = {now} + {LEASE},
             logout_owed = logout_owed or $4
         where tenant_id = $1 and id = $2 and (write_until is null or write_until <= {now}) and {alive}
         returning {COLUMNS}"
    );
    let values = [tenant.0.into(), id.into(), token.to_vec().into(), logout.into()];
    if let Some(row) = sql::one::<Row>(connection, &text, values).await? {
        return Ok(Claim::Granted(Box::new(row.try_into()?)));
    }
    #[derive(FromQueryResult)]
    struct Why {
        found: i64,
        alive: i64,
    }
    let text = format!(
        "select (select count(*) from directory_user where tenant_id = $1 and id = $2) as found,
             cast(case when {alive} then 1 else 0 end as bigint) as alive"
    );
    let why: Option<Why> = sql::one(connection, &text, [tenant.0.into(), id.into(), token.to_vec().into()]).await?;
    Ok(match why {
        Some(why) if why.alive == 0 => Claim::TokenDead,
        Some(why) if why.found == 0 => Claim::Missing,
        _ => Claim::Busy,
    })
}

/// Extends a claim before the next realm call; `false` means that it is no longer ours.
pub async fn renew(db: &Db, tenant: TenantId, id: Uuid, epoch: i64) -> Result<bool, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "update directory_user set write_until = {now} + {LEASE}
         where tenant_id = $1 and id = $2 and write_epoch = $3 and write_until > {now}"
    );
    Ok(sql::execute(connection, &text, [tenant.0.into(), id.into(), epoch.into()]).await? == 1)
}

/// Gives a claim back with nothing changed.
pub async fn release(db: &Db, tenant: TenantId, id: Uuid, epoch: i64) -> Result<(), Error> {
    let text = "update directory_user set write_until = null where tenant_id = $1 and id = $2 and write_epoch = $3";
    sql::execute(db.connection(), text, [tenant.0.into(), id.into(), epoch.into()]).await?;
    Ok(())
}

/// A realm write was not confirmed: the lease runs out by itself, and for ten minutes a realm that differs is our own
/// late write, not an admin's wish (K5).
pub async fn doubt(db: &Db, tenant: TenantId, id: Uuid) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!(
        "update directory_user set realm_doubt_until = {} + 600000000 where tenant_id = $1 and id = $2",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [tenant.0.into(), id.into()]).await?;
    Ok(())
}

/// What a write leaves behind.
#[derive(Debug)]
pub struct Commit<'a> {
    /// The document afterwards.
    pub document: &'a Object,
    /// Whether it differs: only then version and time move.
    pub changed: bool,
    /// The native fields as the realm returned them; none if the realm was not called.
    pub base: Option<&'a Native>,
    /// The user's sessions have ended.
    pub logged_out: bool,
    /// W3C `traceparent` of the request.
    pub trace: Option<&'a str>,
}

/// Commits a write under its claim and marks the ledger, in one transaction. `None` if the claim is no longer ours.
pub async fn commit(db: &Db, tenant: TenantId, before: &User, commit: &Commit<'_>) -> Result<Option<User>, Error> {
    let transaction = db.begin().await?;
    let outcome = commit_in(&transaction, tenant, before, commit).await;
    match outcome {
        Ok(Some(user)) => {
            transaction.commit().await?;
            Ok(Some(user))
        }
        Ok(None) => {
            transaction.rollback().await?;
            Ok(None)
        }
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

async fn commit_in(
    transaction: &sea_orm::DatabaseTransaction,
    tenant: TenantId,
    before: &User,
    commit: &Commit<'_>,
) -> Result<Option<User>, Error> {
    let native = Native::of(commit.document);
    let now = ledger::clock(transaction);
    let text = format!(
        "update directory_user set document = $4, version = version + $5, username_key = $6, external_key = $7,
             active = $8, base = $9, write_until = null,
             logout_owed = case when $10 then false else logout_owed end,
             realm_doubt_until = case when $11 then null else realm_doubt_until end,
             modified_at = case when $5 = 0 then modified_at else {now} end
         where tenant_id = $1 and id = $2 and write_epoch = $3 returning {COLUMNS}"
    );
    let base = commit.base.unwrap_or(&before.base);
    let values = [
        tenant.0.into(),
        before.id.into(),
        before.write_epoch.into(),
        serde_json::to_string(commit.document)?.into(),
        i64::from(commit.changed).into(),
        scim::key::username_key(&native.user_name).into(),
        native.external_id.clone().into(),
        native.active.into(),
        serde_json::to_string(base)?.into(),
        commit.logged_out.into(),
        commit.base.is_some().into(),
    ];
    let Some(row) = sql::one::<Row>(transaction, &text, values).await? else { return Ok(None) };
    if commit.changed || commit.base.is_some() {
        let urgent = !native.active;
        let mark = Mark { urgent, reassert: false, trace: commit.trace.map(str::to_owned) };
        ledger::mark(transaction, tenant, before.id, &mark).await?;
    }
    Ok(Some(row.try_into()?))
}

/// Removes a user under its claim, and marks the ledger.
pub async fn delete(db: &Db, tenant: TenantId, id: Uuid, epoch: i64, trace: Option<&str>) -> Result<bool, Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        let text = "delete from directory_user where tenant_id = $1 and id = $2 and write_epoch = $3";
        if sql::execute(&transaction, text, [tenant.0.into(), id.into(), epoch.into()]).await? == 0 {
            return Ok(false);
        }
        sql::execute(
            &transaction,
            "delete from membership where tenant_id = $1 and user_id = $2",
            [tenant.0.into(), id.into()],
        )
        .await?;
        let mark = Mark { trace: trace.map(str::to_owned), ..Mark::default() };
        ledger::mark(&transaction, tenant, id, &mark).await?;
        Ok(true)
    }
    .await;
    match outcome {
        Ok(true) => {
            transaction.commit().await?;
            Ok(true)
        }
        Ok(false) => {
            transaction.rollback().await?;
            Ok(false)
        }
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

/// Which of two values another user of the tenant has, or is about to have: for a write to be refused before it reaches
/// the realm. The constraints decide at the commit (K6).
pub async fn taken(
    db: &Db,
    tenant: TenantId,
    id: Uuid,
    username_key: &str,
    external_key: Option<&str>,
) -> Result<Option<&'static str>, Error> {
    #[derive(FromQueryResult)]
    struct Held {
        username: i64,
        external: i64,
    }
    let text = "select (select count(*) from directory_user where tenant_id = $1 and username_key = $3 and id <> $2)
             + (select count(*) from reservation where tenant_id = $1 and username_key = $3) as username,
         (select count(*) from directory_user where tenant_id = $1 and external_key = $4 and id <> $2) as external";
    let values = [tenant.0.into(), id.into(), username_key.into(), external_key.map(str::to_owned).into()];
    let held: Option<Held> = sql::one(db.connection(), text, values).await?;
    Ok(match held {
        Some(held) if held.username > 0 => Some("userName"),
        Some(held) if held.external > 0 => Some("externalId"),
        _ => None,
    })
}

/// A user by id.
pub async fn by_id(db: &Db, tenant: TenantId, id: Uuid) -> Result<Option<User>, Error> {
    one(db, "tenant_id = $1 and id = $2", [tenant.0.into(), id.into()]).await
}

/// A user by the comparison key of its userName.
pub async fn by_username(db: &Db, tenant: TenantId, key: &str) -> Result<Option<User>, Error> {
    one(db, "tenant_id = $1 and username_key = $2", [tenant.0.into(), key.into()]).await
}

/// A user by exact externalId.
pub async fn by_external(db: &Db, tenant: TenantId, external_id: &str) -> Result<Option<User>, Error> {
    one(db, "tenant_id = $1 and external_key = $2", [tenant.0.into(), external_id.into()]).await
}

async fn one<const N: usize>(db: &Db, condition: &str, values: [sea_orm::Value; N]) -> Result<Option<User>, Error> {
    let text = format!("select {COLUMNS} from directory_user where {condition}");
    sql::one::<Row>(db.connection(), &text, values).await?.map(TryInto::try_into).transpose()
}

/// A page of users in the order of their creation, and how many there are in all.
pub async fn page(db: &Db, tenant: TenantId, first: u32, count: u32) -> Result<(Vec<User>, u64), Error> {
    #[derive(FromQueryResult)]
    struct Count {
        total: i64,
    }
    let connection = db.connection();
    let text = "select count(*) as total from directory_user where tenant_id = $1";
    let total = sql::one::<Count>(connection, text, [tenant.0.into()]).await?.map_or(0, |count| count.total);
    let mut users = Vec::new();
    if count > 0 {
        let text = format!(
            "select {COLUMNS} from directory_user where tenant_id = $1 order by created_at, id limit $2 offset $3"
        );
        let values = [tenant.0.into(), i64::from(count).into(), i64::from(first).into()];
        for row in sql::all::<Row>(connection, &text, values).await? {
            users.push(row.try_into()?);
        }
    }
    Ok((users, u64::try_from(total).unwrap_or(0)))
}

/// The next users in the order of their creation, for a filter that no index answers: residual evaluation walks them.
pub async fn after(db: &Db, tenant: TenantId, last: Option<(i64, Uuid)>, count: u32) -> Result<Vec<User>, Error> {
    let (created_at, id) = last.unwrap_or((i64::MIN, Uuid::nil()));
    let text = format!(
        "select {COLUMNS} from directory_user where tenant_id = $1 and (created_at, id) > ($2, $3)
         order by created_at, id limit $4"
    );
    let values = [tenant.0.into(), created_at.into(), id.into(), i64::from(count).into()];
    sql::all::<Row>(db.connection(), &text, values).await?.into_iter().map(TryInto::try_into).collect()
}

/// A log-out that is owed.
#[derive(Debug, Clone, FromQueryResult)]
pub struct OwedLogout {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user.
    pub id: Uuid,
    /// The claim this was taken with.
    pub write_epoch: i64,
}

/// Takes over log-outs that a crash left owed: for the sweeper, which pays them (K4).
pub async fn claim_owed_logouts(db: &Db, limit: u32) -> Result<Vec<OwedLogout>, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let free = format!("logout_owed and (write_until is null or write_until <= {now})");
    let text = format!(
        "update directory_user set write_epoch = write_epoch + 1, write_until = {now} + {LEASE}
         where {free} and (tenant_id, id) in (select tenant_id, id from directory_user where {free} limit $1 {})
         returning tenant_id, id, write_epoch",
        sql::skip_locked(connection)
    );
    sql::all(connection, &text, [i64::from(limit).into()]).await
}

/// A log-out is paid.
pub async fn logout_paid(db: &Db, owed: &OwedLogout) -> Result<(), Error> {
    let text = "update directory_user set logout_owed = false, write_until = null
         where tenant_id = $1 and id = $2 and write_epoch = $3";
    sql::execute(db.connection(), text, [owed.tenant_id.0.into(), owed.id.into(), owed.write_epoch.into()]).await?;
    Ok(())
}
