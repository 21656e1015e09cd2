//! Groups as they are written: the document without members, claimed, committed with a change of membership, removed.

use registry::provisioner::Admission;
use registry::{Db, TenantId};
use scim::Object;
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::Value;
use uuid::Uuid;

use crate::member::{self, Change};
use crate::resource::{self, Kind, Resource};
use crate::writing::{self, Claim};
use crate::{Error, finish_if, ledger, sql};

/// A group of the directory.
#[derive(Debug, Clone)]
pub struct Group {
    /// The realm's id and ours.
    pub id: Uuid,
    /// The SCIM document, without members.
    pub document: Object,
    /// Counts real changes; the `ETag`.
    pub version: i64,
    /// SCIM did not create it, it was there before.
    pub adopted: bool,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub modified_at: i64,
    /// The claim this was read with; 0 if none.
    pub write_epoch: i64,
}

impl Group {
    /// As it is read, with its members.
    pub fn into_resource(self, members: Vec<(Uuid, String)>) -> Resource {
        let Self { id, document, version, created_at, modified_at, .. } = self;
        Resource { id, document, version, created_at, modified_at, related: members }
    }
}

#[derive(FromQueryResult)]
pub(crate) struct Row {
    id: Uuid,
    document: String,
    version: i64,
    adopted: bool,
    created_at: i64,
    modified_at: i64,
    write_epoch: i64,
}

impl TryFrom<Row> for Group {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            document: serde_json::from_str(&row.document)?,
            version: row.version,
            adopted: row.adopted,
            created_at: row.created_at,
            modified_at: row.modified_at,
            write_epoch: row.write_epoch,
        })
    }
}

pub(crate) const COLUMNS: &str = "id, document, version, adopted, created_at, modified_at, write_epoch";

/// The name of a group's document.
pub fn display_name(document: &Object) -> String {
    document.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What the directory calls a group, if it has it.
pub async fn name(db: &Db, tenant: TenantId, id: Uuid) -> Result<Option<String>, Error> {
    #[derive(FromQueryResult)]
    struct Held {
        document: String,
    }
    let text = "select document from directory_group where tenant_id = $1 and id = $2";
    let held: Option<Held> = sql::one(db.connection(), text, [tenant.0.into(), id.into()]).await?;
    held.map(|held| Ok(display_name(&serde_json::from_str(&held.document)?))).transpose()
}

/// The externalId of a user or group; an empty one is none.
pub fn external_id(document: &Object) -> Option<String> {
    document.get("externalId").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
}

/// Claims a group for a write and reads it (K1).
pub async fn claim(db: &Db, tenant: TenantId, id: Uuid, admission: Admission) -> Result<Claim<Group>, Error> {
    writing::claim::<Row, _>(db, Kind::Group, COLUMNS, "", (tenant, id), admission).await
}

/// A group as it is read after a write.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The group, with its members as far as they were wanted.
    pub group: Resource,
    /// It has more members than were to be read.
    pub large: bool,
}

#[derive(FromQueryResult)]
struct CommittedRow {
    version: i64,
    modified_at: i64,
    /// Null where there are more than were to be read.
    related: Option<String>,
    pushed: bool,
}

/// What a write leaves behind.
#[derive(Debug)]
pub struct Commit<'a> {
    /// The document afterwards, without members.
    pub document: &'a Object,
    /// What becomes of the members.
    pub members: &'a Change,
    /// There is no realm to tell about members.
    pub settled: bool,
    /// The name as the realm has it now; none if the realm was not called.
    pub base: Option<&'a str>,
    /// Keep the claim: memberships are applied under it next.
    pub keep: bool,
    /// Read the members afterwards if there are at most so many.
    pub members_up_to: u64,
}

/// Commits a write under its claim, in one transaction. Version and time move if the document or a membership differs.
/// `None` if the claim is no longer ours.
pub async fn commit(
    db: &Db,
    tenant: TenantId,
    before: &Group,
    commit: &Commit<'_>,
) -> Result<Option<Committed>, Error> {
    let transaction = db.begin().await?;
    let outcome = commit_in(&transaction, tenant, before, commit).await;
    finish_if(transaction, outcome, Option::is_some).await
}

async fn commit_in(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    before: &Group,
    commit: &Commit<'_>,
) -> Result<Option<Committed>, Error> {
    let moved = member::change(transaction, tenant, before.id, commit.members, commit.settled).await?;
    let changed = moved || *commit.document != before.document;
    let name = display_name(commit.document);
    let key = scim::key::display_name_key(&name);
    let was_key = scim::key::display_name_key(&display_name(&before.document));
    let (was_known, known) = (external_id(&before.document), external_id(commit.document));
    // Who lost a key to another (K6) does not ask for it again by a change of something else.
    let (renamed, known_otherwise) = (was_key != key, was_known != known);
    let now = ledger::clock(transaction);
    let free = if commit.keep { "" } else { ", write_until = null" };
    let related = related(transaction, commit.members_up_to);
    let text = format!(
        "update directory_group set document = $4, version = version + $5, display_name = $7,
             display_key = case when $10 then $6 else display_key end,
             external_key = case when $11 then $8 else external_key end, base = coalesce($9, base),
             modified_at = case when $5 = 0 then modified_at else {now} end{free}
         where tenant_id = $1 and id = $2 and write_epoch = $3
         returning version, modified_at, {related} as related, {} as pushed",
        ledger::PUSHED
    );
    let values = [
        tenant.0.into(),
        before.id.into(),
        before.write_epoch.into(),
        serde_json::to_string(commit.document)?.into(),
        i64::from(changed).into(),
        key.into(),
        name.into(),
        known.into(),
        commit.base.map(str::to_owned).into(),
        renamed.into(),
        known_otherwise.into(),
    ];
    let Some(row) = sql::one::<CommittedRow>(transaction, &text, values).await? else { return Ok(None) };
    if row.pushed {
        ledger::mark_group(transaction, tenant, before.id).await?;
    }
    let group = Resource {
        id: before.id,
        document: commit.document.clone(),
        version: row.version,
        created_at: before.created_at,
        modified_at: row.modified_at,
        related: row.related.as_deref().map_or(Ok(Vec::new()), resource::read_related)?,
    };
    Ok(Some(Committed { group, large: row.related.is_none() }))
}

/// The members of a group after its commit, null where there are more than so many. Of a large group no more are looked at
/// than it takes to know that: a commit costs what changed, at any size.
fn related(connection: &impl ConnectionTrait, up_to: u64) -> String {
    let all = resource::related(connection, Kind::Group, "directory_group", "$1");
    match up_to {
        0 => "'[]'".to_owned(),
        u64::MAX => all,
        _ => format!(
            "case when exists (select 1 from membership m where m.tenant_id = $1 and m.group_id = directory_group.id
                 and m.desired limit 1 offset {up_to}) then null else {all} end"
        ),
    }
}

/// Removes a group under its claim, with its memberships; `false` if the claim is no longer ours.
pub async fn delete(db: &Db, tenant: TenantId, id: Uuid, epoch: i64) -> Result<bool, Error> {
    let transaction = db.begin().await?;
    let outcome = async {
        let text = "delete from directory_group where tenant_id = $1 and id = $2 and write_epoch = $3";
        if sql::execute(&transaction, text, [tenant.0.into(), id.into(), epoch.into()]).await? == 0 {
            return Ok(false);
        }
        let groups = member::forget(&transaction, tenant, id).await?;
        ledger::mark_groups(&transaction, tenant, &groups).await?;
        ledger::mark_gone(&transaction, tenant, id).await?;
        Ok(true)
    }
    .await;
    finish_if(transaction, outcome, |done| *done).await
}
