//! What capture remembers of a realm: poll cursor, its owner by lease, event ids already taken, and the tenant's
//! digest key.

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::ledger::{self, Mark};
use crate::{Error, finish, sql};

/// How long a poller owns a realm without renewal, microseconds.
const POLL_LEASE: i64 = 30_000_000;

/// A realm to poll, owned by the caller until its lease ends.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Watch {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Up to where events are taken, milliseconds of Keycloak's clock.
    pub cursor_ms: Option<i64>,
    /// The claim's number.
    pub poll_epoch: i64,
    /// The realm's UUID as first seen: its identity (K29).
    pub realm_uuid: Option<Uuid>,
    /// Internal UUIDs of every client that was ever ours, a JSON array (K26).
    pub client_ids: String,
}

/// An event of a realm: which user may have changed, and whether an operator touched it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The event's id.
    pub id: String,
    /// The user.
    pub user: Uuid,
    /// An operator's touch (K26).
    pub touch: bool,
}

#[derive(FromQueryResult)]
struct Key {
    digest_key: Vec<u8>,
}

/// Makes the row of a tenant if there is none, due at once.
pub async fn ensure(db: &Db, tenant: TenantId) -> Result<(), Error> {
    let connection = db.connection();
    let key: [u8; 32] = rand::random();
    let text = format!(
        "insert into realm_watch (tenant_id, next_poll_at, digest_key) values ($1, {}, $2)
         on conflict (tenant_id) do nothing",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [tenant.0.into(), key.to_vec().into()]).await?;
    Ok(())
}

/// The key under which this tenant's digests and observed hashes are made.
pub async fn digest_key(db: &Db, tenant: TenantId) -> Result<Vec<u8>, Error> {
    for _ in 0..2 {
        let text = "select digest_key from realm_watch where tenant_id = $1";
        if let Some(key) = sql::one::<Key>(db.connection(), text, [tenant.0.into()]).await? {
            return Ok(key.digest_key);
        }
        ensure(db, tenant).await?;
    }
    Err(Error::Inconsistent("realm_watch has no row".to_owned()))
}

/// Remembers who the realm is and which client is ours.
pub async fn identify(db: &Db, tenant: TenantId, realm: Uuid, client: Uuid) -> Result<(), Error> {
    ensure(db, tenant).await?;
    let text = "select tenant_id, cursor_ms, poll_epoch, realm_uuid, client_ids from realm_watch where tenant_id = $1";
    let Some(watch) = sql::one::<Watch>(db.connection(), text, [tenant.0.into()]).await? else { return Ok(()) };
    let mut clients: Vec<Uuid> = serde_json::from_str(&watch.client_ids)?;
    if !clients.contains(&client) {
        clients.push(client);
    }
    let text = "update realm_watch set realm_uuid = $2, client_ids = $3 where tenant_id = $1";
    sql::execute(db.connection(), text, [tenant.0.into(), realm.into(), serde_json::to_string(&clients)?.into()])
        .await?;
    Ok(())
}

/// Remembers how a realm's event stores were before capture; what was remembered first stays (K25).
pub async fn remember_events(db: &Db, tenant: TenantId, before: &str) -> Result<(), Error> {
    let text = "update realm_watch set events_before = coalesce(events_before, $2) where tenant_id = $1";
    sql::execute(db.connection(), text, [tenant.0.into(), before.into()]).await?;
    Ok(())
}

/// How a realm's event stores were before capture, if neither direction needs capture any more (K25).
pub async fn to_restore(db: &Db, tenant: TenantId) -> Result<Option<String>, Error> {
    #[derive(FromQueryResult)]
    struct Before {
        events_before: Option<String>,
    }
    let text = format!("select w.events_before from realm_watch w where w.tenant_id = $1 and not ({NEEDED})");
    let row: Option<Before> = sql::one(db.connection(), &text, [tenant.0.into()]).await?;
    Ok(row.and_then(|row| row.events_before))
}

/// The event stores are as they were.
pub async fn restored(db: &Db, tenant: TenantId) -> Result<(), Error> {
    let text = "update realm_watch set events_before = null where tenant_id = $1";
    sql::execute(db.connection(), text, [tenant.0.into()]).await?;
    Ok(())
}

/// Capture serves a tenant while inbound or outbound is on.
const NEEDED: &str = "exists (select 1 from inbound_token i where i.tenant_id = w.tenant_id and i.died_at is null)
     or exists (select 1 from target t where t.tenant_id = w.tenant_id and t.state = 'active')";

/// Takes over realms whose poll is due and unowned, of tenants with inbound or outbound on (K25).
pub async fn claim_due(db: &Db, limit: u32, owner_lease: Option<i64>) -> Result<Vec<Watch>, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let lease = owner_lease.unwrap_or(POLL_LEASE);
    let free = format!("next_poll_at <= {now} and (poll_until is null or poll_until <= {now})");
    let text = format!(
        "update realm_watch set poll_epoch = poll_epoch + 1, poll_until = {now} + {lease}
         where {free} and tenant_id in (
             select w.tenant_id from realm_watch w
             where {free} and ({NEEDED}) order by w.next_poll_at limit $1 {})
         returning tenant_id, cursor_ms, poll_epoch, realm_uuid, client_ids",
        sql::skip_locked(connection)
    );
    sql::all(connection, &text, [i64::from(limit).into()]).await
}

/// Stores the marks of a poll and its cursor in one transaction, under the poller's epoch (K28); says which users were
/// marked. Events seen before mark nobody.
pub async fn advance(
    db: &Db,
    watch: &Watch,
    events: &[Seen],
    cursor_ms: i64,
    next_in: i64,
) -> Result<Vec<Uuid>, Error> {
    let transaction = db.begin().await?;
    let outcome = advance_in(&transaction, watch, events, cursor_ms, next_in).await;
    finish(transaction, outcome).await
}

async fn advance_in(
    transaction: &sea_orm::DatabaseTransaction,
    watch: &Watch,
    events: &[Seen],
    cursor_ms: i64,
    next_in: i64,
) -> Result<Vec<Uuid>, Error> {
    let now = ledger::clock(transaction);
    let text = format!(
        "update realm_watch set cursor_ms = $3, next_poll_at = {now} + $4, poll_until = null
         where tenant_id = $1 and poll_epoch = $2"
    );
    let values = [watch.tenant_id.0.into(), watch.poll_epoch.into(), cursor_ms.into(), next_in.into()];
    if sql::execute(transaction, &text, values).await? == 0 {
        return Ok(Vec::new());
    }
    let mut marked = Vec::new();
    for event in events {
        let text = format!(
            "insert into seen_event (tenant_id, event_id, seen_at) values ($1, $2, {now})
             on conflict (tenant_id, event_id) do nothing"
        );
        let values = [watch.tenant_id.0.into(), event.id.clone().into()];
        if sql::execute(transaction, &text, values).await? == 1 {
            let mark = Mark { reassert: event.touch, ..Mark::default() };
            ledger::mark(transaction, watch.tenant_id, event.user, &mark).await?;
            marked.push(event.user);
        }
    }
    Ok(marked)
}

/// Gives a poll back after a failure, to be tried again later.
pub async fn postpone(db: &Db, watch: &Watch, by: i64) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!(
        "update realm_watch set next_poll_at = {} + $3, poll_until = null where tenant_id = $1 and poll_epoch = $2",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [watch.tenant_id.0.into(), watch.poll_epoch.into(), by.into()]).await?;
    Ok(())
}

/// Forgets event ids older than 15 minutes (K28).
pub async fn forget_old_events(db: &Db) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!("delete from seen_event where seen_at < {} - 900000000", ledger::clock(connection));
    sql::execute(connection, &text, []).await?;
    Ok(())
}

/// How far back a poll reads again, milliseconds: events commit up to that late behind the cursor (K28).
pub const OVERLAP_MS: i64 = 60_000;

/// Remembers events as taken without marking anybody: what happened before an enable is not for the new target (K24).
pub async fn remember(db: &Db, tenant: TenantId, events: impl IntoIterator<Item = String>) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!(
        "insert into seen_event (tenant_id, event_id, seen_at) values ($1, $2, {})
         on conflict (tenant_id, event_id) do nothing",
        ledger::clock(connection)
    );
    for event in events {
        sql::execute(connection, &text, [tenant.0.into(), event.into()]).await?;
    }
    Ok(())
}
