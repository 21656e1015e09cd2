//! The event poll's part: one owner per realm by a lease, the cursor, the ids already taken (K28).

use registry::{Db, TenantId};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{GroupSeen, NEEDED, Seen, Watch};
use crate::ledger::{self, Mark};
use crate::{Error, finish, look, sql};

/// How long a poller owns a realm without renewal, microseconds: so long is a dead one's realm not polled. A poller that is
/// late all the same does no harm: it marks twice at most, and moves no cursor.
const POLL_LEASE: i64 = 10_000_000;
/// How long event ids are remembered beyond what may be read again, microseconds.
const FORGOTTEN: i64 = 900_000_000;
/// How often the last minutes are read again, microseconds.
const REREAD: i64 = 60_000_000;

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
         returning tenant_id, cursor_ms, poll_epoch, realm_uuid, client_ids, idle_polls, newest_event,
             {now} - polled_at as unread, (reread_at is null or reread_at <= {now} - {REREAD}) as reread",
        sql::skip_locked(connection)
    );
    sql::all(connection, &text, [i64::from(limit).into()]).await
}

/// What a poll found.
#[derive(Debug)]
pub struct Harvest<'a> {
    /// What happened, oldest first.
    pub events: &'a [Seen],
    /// Groups that may have changed.
    pub groups: &'a [GroupSeen],
    /// Up to where events are taken now, milliseconds of the realm's clock.
    pub cursor_ms: i64,
    /// When the next poll is due, microseconds from now.
    pub next_in: i64,
    /// The newest events known now, for the next poll to look for, as the realm's adapter notes them.
    pub newest: Option<String>,
}

/// Stores the marks of a poll and its cursor in one transaction, under the poller's epoch (K28); says which users were
/// marked. Events seen before mark nobody.
pub async fn advance(db: &Db, watch: &Watch, harvest: &Harvest<'_>) -> Result<Vec<Uuid>, Error> {
    let transaction = db.begin().await?;
    let outcome = advance_in(&transaction, watch, harvest).await;
    finish(transaction, outcome).await
}

async fn advance_in(
    transaction: &sea_orm::DatabaseTransaction,
    watch: &Watch,
    harvest: &Harvest<'_>,
) -> Result<Vec<Uuid>, Error> {
    let now = ledger::clock(transaction);
    let text = format!(
        "update realm_watch set cursor_ms = $3, polled_at = {now}, next_poll_at = {now} + $4, poll_until = null,
             newest_event = $5, reread_at = case when $6 then {now} else reread_at end
         where tenant_id = $1 and poll_epoch = $2 and poll_until > {now}"
    );
    let values = [
        watch.tenant_id.0.into(),
        watch.poll_epoch.into(),
        harvest.cursor_ms.into(),
        harvest.next_in.into(),
        harvest.newest.clone().into(),
        watch.reread.into(),
    ];
    if sql::execute(transaction, &text, values).await? == 0 {
        return Ok(Vec::new());
    }
    let mut marked = Vec::new();
    for event in harvest.events {
        if take_in(transaction, watch.tenant_id, event).await? {
            marked.push(event.user);
        }
    }
    for event in harvest.groups {
        if first_sight(transaction, watch.tenant_id, &event.id).await? {
            look::want(transaction, watch.tenant_id, event.group, event.deleted).await?;
        }
    }
    let idle = if marked.is_empty() { "idle_polls + 1" } else { "0" };
    let text = format!("update realm_watch set idle_polls = {idle} where tenant_id = $1");
    sql::execute(transaction, &text, [watch.tenant_id.0.into()]).await?;
    Ok(marked)
}

/// Extends a poller's claim while it works, well before the lease ends; `false` if it is not the poller's any more. One that has
/// ended stays so: what its poller takes for the time since somebody read events is from before.
pub async fn renew(db: &Db, watch: &Watch) -> Result<bool, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "update realm_watch set poll_until = {now} + {POLL_LEASE}
         where tenant_id = $1 and poll_epoch = $2 and poll_until > {now}",
    );
    Ok(sql::execute(connection, &text, [watch.tenant_id.0.into(), watch.poll_epoch.into()]).await? == 1)
}

/// The tenant whose realm has this UUID, for messages that name nothing else.
pub async fn tenant_of(db: &Db, realm: Uuid) -> Result<Option<TenantId>, Error> {
    #[derive(FromQueryResult)]
    struct Of {
        tenant_id: TenantId,
    }
    let text = "select tenant_id from realm_watch where realm_uuid = $1";
    let row: Option<Of> = sql::one(db.connection(), text, [realm.into()]).await?;
    Ok(row.map(|row| row.tenant_id))
}

/// Whether anybody follows a tenant's realm: inbound or outbound is on.
pub async fn is_needed(db: &Db, tenant: TenantId) -> Result<bool, Error> {
    let text = format!("select w.tenant_id from realm_watch w where w.tenant_id = $1 and ({NEEDED})");
    let row: Option<Needed> = sql::one(db.connection(), &text, [tenant.0.into()]).await?;
    Ok(row.is_some_and(|row| row.tenant_id == tenant))
}

#[derive(FromQueryResult)]
struct Needed {
    tenant_id: TenantId,
}

/// Has a realm polled at once: something happened there.
pub async fn wake(db: &Db, tenant: TenantId) -> Result<(), Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "update realm_watch set next_poll_at = {now}, idle_polls = 0 where tenant_id = $1 and next_poll_at > {now}"
    );
    sql::execute(connection, &text, [tenant.0.into()]).await?;
    Ok(())
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

/// Forgets event ids older than 15 minutes (K28), and than 15 minutes before the cursor: a poll that was away for long goes back
/// to where it was, and from there on nothing is taken twice.
pub async fn forget_old_events(db: &Db) -> Result<(), Error> {
    let connection = db.connection();
    let text = format!(
        "delete from seen_event where seen_at < {} - {FORGOTTEN} and not exists (
             select 1 from realm_watch w
             where w.tenant_id = seen_event.tenant_id and w.cursor_ms * 1000 - {FORGOTTEN} <= seen_event.seen_at)",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, []).await?;
    Ok(())
}

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

/// After an enable of outbound: where nobody followed the realm until then, it is read from now on. A cursor of an earlier
/// time would have everybody pushed who was edited meanwhile (K24).
pub async fn begin_anew(connection: &impl ConnectionTrait, tenant: TenantId) -> Result<(), Error> {
    let text = "update realm_watch set cursor_ms = null, newest_event = null, polled_at = null
         where tenant_id = $1
             and not exists (select 1 from inbound_token i where i.tenant_id = $1 and i.died_at is null)";
    sql::execute(connection, text, [tenant.0.into()]).await?;
    Ok(())
}

/// Whether an event was not taken yet.
pub async fn is_new(db: &Db, tenant: TenantId, event: &str) -> Result<bool, Error> {
    let text = "select tenant_id from seen_event where tenant_id = $1 and event_id = $2";
    let taken: Option<Needed> = sql::one(db.connection(), text, [tenant.0.into(), event.to_owned().into()]).await?;
    Ok(taken.is_none())
}

/// Takes one event that was pushed: its id and its mark in one transaction, so that a crash between them loses neither;
/// `false` if it was taken before, or marks nobody.
pub async fn take(db: &Db, tenant: TenantId, event: &Seen) -> Result<bool, Error> {
    let transaction = db.begin().await?;
    let outcome = take_in(&transaction, tenant, event).await;
    finish(transaction, outcome).await
}

async fn take_in(transaction: &sea_orm::DatabaseTransaction, tenant: TenantId, event: &Seen) -> Result<bool, Error> {
    if !first_sight(transaction, tenant, &event.id).await? {
        return Ok(false);
    }
    // There is nothing of whom nobody knows to give up. One who was erased is not to be brought back by a late event.
    if event.deleted && !is_known(transaction, tenant, event.user).await? {
        return Ok(false);
    }
    let (reassert, roles, deleted) = (event.touch, event.roles, event.deleted);
    let mark = Mark { reassert, roles, deleted, ..Mark::default() };
    ledger::mark(transaction, tenant, event.user, &mark).await?;
    Ok(true)
}

/// Whether anything is known of a user.
async fn is_known(transaction: &sea_orm::DatabaseTransaction, tenant: TenantId, user: Uuid) -> Result<bool, Error> {
    let text = "select tenant_id from ledger where tenant_id = $1 and user_id = $2
         union all select tenant_id from directory_user where tenant_id = $1 and id = $2
         union all select tenant_id from link where tenant_id = $1 and user_id = $2 limit 1";
    let row: Option<Needed> = sql::one(transaction, text, [tenant.0.into(), user.into()]).await?;
    Ok(row.is_some())
}

/// Notes an event as taken; `false` if it was taken before.
async fn first_sight(transaction: &sea_orm::DatabaseTransaction, tenant: TenantId, event: &str) -> Result<bool, Error> {
    let now = ledger::clock(transaction);
    let text = format!(
        "insert into seen_event (tenant_id, event_id, seen_at) values ($1, $2, {now})
         on conflict (tenant_id, event_id) do nothing"
    );
    Ok(sql::execute(transaction, &text, [tenant.0.into(), event.to_owned().into()]).await? == 1)
}

/// Forgets who a tenant's realm was: it is another one now, or the same elsewhere (K30). How its event stores were before
/// capture stays known, and says whose they are.
pub async fn forget_realm(db: &Db, tenant: TenantId) -> Result<(), Error> {
    let text = "update realm_watch set realm_uuid = null, role_id = null, cursor_ms = null, newest_event = null,
             realm_generation = realm_generation + 1, poll_epoch = poll_epoch + 1, survey_epoch = survey_epoch + 1,
             survey_until = null
         where tenant_id = $1";
    sql::execute(db.connection(), text, [tenant.0.into()]).await?;
    Ok(())
}
