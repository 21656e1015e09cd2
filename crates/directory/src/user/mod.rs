//! Users as they are written: the document with the columns the protocol needs, claimed, committed, removed.

mod commit;
mod import;
mod logout;

use std::collections::HashMap;

use registry::provisioner::Admission;
use registry::{Db, TenantId};
use scim::Object;
use scim::native::Native;
use sea_orm::FromQueryResult;
use serde_json::Value;
use uuid::Uuid;

pub use commit::{Commit, commit, delete, off_in_doubt};
pub use import::{Arrival, document_of, ids, import, let_go, managed_among};
pub use logout::{LogOut, OwedLogout, claim_owed_logouts, logout_paid, refused};

use crate::resource::{Kind, Resource};
use crate::writing::{self, Claim};
use crate::{Error, sql};

/// A user of the directory.
#[derive(Debug, Clone)]
pub struct User {
    /// The realm's id and ours.
    pub id: Uuid,
    /// The SCIM document.
    pub document: Object,
    /// Counts real changes; the `ETag`.
    pub version: i64,
    /// May log in, as far as the directory knows. A document from which a client removed `active` does not say.
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
    /// The externalId it is found by; none where it has given its own up to another (K6).
    pub external_key: Option<String>,
    /// An earlier deactivation owes its log-out: nobody saw its end, and the realm may have the user off or on.
    pub off_unsettled: bool,
}

impl User {
    /// As it is read, with the groups it is in.
    pub fn into_resource(self, groups: Vec<(Uuid, String)>) -> Resource {
        let Self { id, document, version, created_at, modified_at, .. } = self;
        Resource { id, document, version, created_at, modified_at, related: groups }
    }
}

#[derive(FromQueryResult)]
pub(crate) struct Row {
    id: Uuid,
    document: String,
    version: i64,
    active: bool,
    adopted: bool,
    base: String,
    created_at: i64,
    modified_at: i64,
    write_epoch: i64,
    external_key: Option<String>,
    logout_owed: bool,
    logout_epoch: Option<i64>,
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
            external_key: row.external_key,
            off_unsettled: row.logout_owed && row.logout_epoch != Some(row.write_epoch),
        })
    }
}

pub(crate) const COLUMNS: &str =
    "id, document, version, active, adopted, base, created_at, modified_at, write_epoch, external_key,
     logout_owed, logout_epoch";

/// Claims a user for a write and reads it (K1), and notes whether the user's sessions will have to end (K4).
pub async fn claim(
    db: &Db,
    tenant: TenantId,
    id: Uuid,
    admission: Admission,
    logout: LogOut,
) -> Result<Claim<User>, Error> {
    writing::claim::<Row, _>(db, Kind::User, COLUMNS, logout.set(), (tenant, id), admission).await
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

/// What a user is found by when looked up by e-mail address: the realm's one, and the others as `|a|b|`.
pub(crate) fn email_keys(document: &Object, native: &Native) -> (Option<String>, Option<String>) {
    let realms = native.email.as_deref().map(scim::key::case_key);
    let all = document.get("emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut others: Vec<String> = all
        .iter()
        .filter_map(|email| email.get("value").and_then(Value::as_str))
        .map(scim::key::case_key)
        .filter(|key| Some(key) != realms.as_ref())
        .collect();
    others.sort_unstable();
    others.dedup();
    let others = if others.is_empty() { None } else { Some(format!("|{}|", others.join("|"))) };
    (realms, others)
}

/// Managed users with a userName or an e-mail address, letter case aside.
pub async fn named(db: &Db, tenant: TenantId, text: &str) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Id {
        id: Uuid,
    }
    let query = "select id from directory_user
         where tenant_id = $1 and (username_key = $2 or email_key = $3 or other_email_keys like $4 escape '\\')
         order by id limit 20";
    let address = scim::key::case_key(text);
    let among = format!("%|{}|%", address.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    let values = [tenant.0.into(), scim::key::username_key(text).into(), address.into(), among.into()];
    let rows: Vec<Id> = sql::all(db.connection(), query, values).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The userNames of some users, as far as they are managed.
pub async fn names(db: &Db, tenant: TenantId, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, Error> {
    let documents = documents(db, tenant, ids).await?;
    let name = |document: &Object| document.get("userName").and_then(Value::as_str).map(str::to_owned);
    Ok(documents.into_iter().filter_map(|(id, document)| Some((id, name(&document)?))).collect())
}

/// The documents of some users, as far as they are managed.
pub async fn documents(db: &Db, tenant: TenantId, ids: &[Uuid]) -> Result<HashMap<Uuid, Object>, Error> {
    #[derive(FromQueryResult)]
    struct Managed {
        id: Uuid,
        document: String,
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = (2..ids.len() + 2).map(|place| format!("${place}")).collect();
    let text =
        format!("select id, document from directory_user where tenant_id = $1 and id in ({})", places.join(", "));
    let values = std::iter::once(tenant.0.into()).chain(ids.iter().map(|id| (*id).into()));
    let rows: Vec<Managed> = sql::all(db.connection(), &text, values).await?;
    rows.into_iter().map(|row| Ok((row.id, serde_json::from_str(&row.document)?))).collect()
}
