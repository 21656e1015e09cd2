//! What capture remembers of a realm: who it is, poll cursor and its owner by lease, event ids already taken, how far import
//! and compare are, and the tenant's digest key.

mod gone;
mod import;
mod poll;
mod reading;
mod restore;
mod setup;
mod survey;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{Error, ledger, sql};

pub use gone::{Absence, Gone, LASTS, forget_absences, found, may_go, note_absences};
pub(crate) use gone::{counts, is_mass};
pub use import::{Import, import_done, import_due, import_page, import_state, want_import};
pub use poll::{
    Harvest, advance, begin_anew, claim_due, forget_old_events, forget_realm, is_needed, is_new, postpone, remember,
    renew, take, tenant_of, wake,
};
pub use restore::{remember_events, restored, to_restore};
pub use setup::{Setup, begin_setup, end_setup, keep_setup, setups_due, want_setup};
pub use survey::{
    Survey, begin_compare, compared, end_survey, keep_survey, put_survey_off, regranted, surveys_due, want_compare,
};

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
    /// Polls since something happened.
    pub idle_polls: i64,
    /// The last minutes are to be read again with this poll (K28).
    pub reread: bool,
    /// The newest events known, as the realm's adapter notes them.
    pub newest_event: Option<String>,
    /// For how long nobody has read events, microseconds.
    pub unread: Option<i64>,
}

/// An event of a realm: which user may have changed, and whether an operator touched it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The event's id.
    pub id: String,
    /// The user.
    pub user: Uuid,
    /// When, milliseconds of the realm's clock.
    pub at_ms: i64,
    /// An operator's touch (K26).
    pub touch: bool,
    /// The user was deleted.
    pub deleted: bool,
    /// The user's roles changed.
    pub roles: bool,
}

/// An event of a realm: which group is called otherwise, or was deleted.
#[derive(Debug, Clone)]
pub struct GroupSeen {
    /// The event's id.
    pub id: String,
    /// The group.
    pub group: Uuid,
    /// The group was deleted.
    pub deleted: bool,
}

/// Who a realm is and which clients are ours.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Identity {
    /// The realm's UUID as first seen.
    pub realm_uuid: Option<Uuid>,
    /// Internal UUIDs of every client that was ever ours, a JSON array.
    pub client_ids: String,
    /// The realm role that marks those whom SCIM manages.
    pub role_id: Option<Uuid>,
    /// It was made anew, and not everybody has it back yet.
    pub regrant: bool,
}

/// Who the tenant's realm is.
pub async fn identity(db: &Db, tenant: TenantId) -> Result<Option<Identity>, Error> {
    let text = "select realm_uuid, client_ids, role_id, regrant from realm_watch where tenant_id = $1";
    sql::one(db.connection(), text, [tenant.0.into()]).await
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

/// Keys that were read: a tenant's never changes, and every push needs it twice.
static KEYS: LazyLock<RwLock<HashMap<TenantId, Arc<[u8]>>>> = LazyLock::new(RwLock::default);

/// The key under which this tenant's digests and observed hashes are made.
pub async fn digest_key(db: &Db, tenant: TenantId) -> Result<Arc<[u8]>, Error> {
    if let Some(key) = KEYS.read().unwrap_or_else(PoisonError::into_inner).get(&tenant) {
        return Ok(key.clone());
    }
    for _ in 0..2 {
        let text = "select digest_key from realm_watch where tenant_id = $1";
        if let Some(key) = sql::one::<Key>(db.connection(), text, [tenant.0.into()]).await? {
            let key: Arc<[u8]> = key.digest_key.into();
            KEYS.write().unwrap_or_else(PoisonError::into_inner).insert(tenant, key.clone());
            return Ok(key);
        }
        ensure(db, tenant).await?;
    }
    Err(Error::Inconsistent("realm_watch has no row".to_owned()))
}

/// Remembers who the realm is, which client is ours and which role marks those whom SCIM manages. Another role than before
/// is held by nobody: it has to be given back.
pub async fn identify(db: &Db, tenant: TenantId, realm: Uuid, client: Uuid, role: Uuid) -> Result<(), Error> {
    ensure(db, tenant).await?;
    let Some(watch) = identity(db, tenant).await? else { return Ok(()) };
    let mut clients: Vec<Uuid> = serde_json::from_str(&watch.client_ids)?;
    if !clients.contains(&client) {
        clients.push(client);
    }
    let text = "update realm_watch set realm_uuid = $2, client_ids = $3, role_id = $4,
             regrant = regrant or (role_id is not null and role_id <> $4)
         where tenant_id = $1";
    let values = [tenant.0.into(), realm.into(), serde_json::to_string(&clients)?.into(), role.into()];
    sql::execute(db.connection(), text, values).await?;
    Ok(())
}

/// How far back a poll reads again, milliseconds: events commit up to that late behind the cursor (K28).
pub const OVERLAP_MS: i64 = 60_000;

/// Once in a while so much is read again, milliseconds, and with the first poll of a realm: events may commit late, or be
/// cleared (K28).
pub const REREAD_MS: i64 = 600_000;

/// Capture serves a tenant while inbound or outbound is on.
const NEEDED: &str = "exists (select 1 from inbound_token i where i.tenant_id = w.tenant_id and i.died_at is null)
     or exists (select 1 from target t where t.tenant_id = w.tenant_id and t.state = 'active')";
