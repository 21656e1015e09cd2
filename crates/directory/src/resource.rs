//! Users and groups as they are read: document, version, and what relates to them. One statement a read.

use registry::{Db, TenantId};
use scim::Object;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Value};
use uuid::Uuid;

use crate::condition::Condition;
use crate::{Error, sql};

/// Which resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Users.
    User,
    /// Groups.
    Group,
}

impl Kind {
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::User => "directory_user",
            Self::Group => "directory_group",
        }
    }

    /// The attribute that names a resource and is unique in its tenant.
    pub(crate) fn name_attribute(self) -> &'static str {
        match self {
            Self::User => "userName",
            Self::Group => "displayName",
        }
    }
}

/// A resource as stored.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its id.
    pub id: Uuid,
    /// The SCIM document; a group's holds no members.
    pub document: Object,
    /// Counts real changes; the `ETag`.
    pub version: i64,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub modified_at: i64,
    /// The groups of a user, with their names; the members of a group, with their kinds. Empty where not asked for.
    pub related: Vec<(Uuid, String)>,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    document: String,
    version: i64,
    created_at: i64,
    modified_at: i64,
    related: String,
    total: i64,
}

impl Row {
    fn read(self) -> Result<Resource, Error> {
        Ok(Resource {
            id: self.id,
            document: serde_json::from_str(&self.document)?,
            version: self.version,
            created_at: self.created_at,
            modified_at: self.modified_at,
            related: read_related(&self.related)?,
        })
    }
}

/// Which page of a selection, always in the order of creation.
#[derive(Debug, Clone, Copy)]
pub enum Page {
    /// So many, after skipping so many.
    Offset(u64, u32),
    /// So many, after a resource (created, id); none for the first.
    After(Option<(i64, Uuid)>, u32),
}

/// What of a selection to read.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// What relates to each resource.
    pub related: bool,
    /// How many there are in all.
    pub total: bool,
}

/// A resource by id.
pub async fn by_id(db: &Db, tenant: TenantId, kind: Kind, id: Uuid, related: bool) -> Result<Option<Resource>, Error> {
    let condition = Condition { text: "r.id = $2".to_owned(), values: vec![id.into()], exact: true };
    let wanted = Wanted { related, total: false };
    Ok(page(db, tenant, kind, &condition, Page::Offset(0, 1), wanted).await?.0.pop())
}

/// Resources by their ids, in no particular order.
pub async fn by_ids(
    db: &Db,
    tenant: TenantId,
    kind: Kind,
    ids: &[Uuid],
    related: bool,
) -> Result<Vec<Resource>, Error> {
    let places: Vec<String> = (2..ids.len() + 2).map(|place| format!("${place}")).collect();
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!("r.id in ({})", places.join(", "));
    let condition = Condition { text, values: ids.iter().map(|id| (*id).into()).collect(), exact: true };
    let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let wanted = Wanted { related, total: false };
    Ok(page(db, tenant, kind, &condition, Page::Offset(0, count), wanted).await?.0)
}

/// A page of what meets a condition, and how many do if that was asked for.
pub async fn page(
    db: &Db,
    tenant: TenantId,
    kind: Kind,
    condition: &Condition,
    page: Page,
    wanted: Wanted,
) -> Result<(Vec<Resource>, Option<u64>), Error> {
    let connection = db.connection();
    let table = kind.table();
    let mut values: Vec<Value> = vec![tenant.0.into()];
    values.extend(condition.values.iter().cloned());
    let mut place = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let (after, limit, offset) = match page {
        Page::Offset(first, count) => {
            let first = i64::try_from(first).unwrap_or(i64::MAX);
            (String::new(), place(i64::from(count).into()), place(first.into()))
        }
        Page::After(None, count) => (String::new(), place(i64::from(count).into()), "0".to_owned()),
        Page::After(Some((created_at, id)), count) => {
            let (created_at, id) = (place(created_at.into()), place(id.into()));
            (format!("and (r.created_at, r.id) > ({created_at}, {id})"), place(i64::from(count).into()), "0".to_owned())
        }
    };
    let filtered = format!("from {table} r where r.tenant_id = $1 and not r.protected and {}", condition.text);
    let total = if wanted.total { format!("(select count(*) {filtered})") } else { "cast(0 as bigint)".to_owned() };
    let related = if wanted.related { related(connection, kind, "r") } else { "'[]'".to_owned() };
    let text = format!(
        "select r.id, r.document, r.version, r.created_at, r.modified_at, {related} as related, {total} as total
         {filtered} {after} order by r.created_at, r.id limit {limit} offset {offset}"
    );
    let rows: Vec<Row> = sql::all(connection, &text, values).await?;
    let total = match (wanted.total, rows.first()) {
        (false, _) => None,
        (true, Some(row)) => Some(u64::try_from(row.total).unwrap_or(0)),
        // Where the first page is empty nobody matches; that is most look-ups of identity providers.
        (true, None) if matches!(page, Page::Offset(0, 1..) | Page::After(None, 1..)) => Some(0),
        // No row carries the total of a page past the end.
        (true, None) => Some(count(db, tenant, kind, condition).await?),
    };
    Ok((rows.into_iter().map(Row::read).collect::<Result<_, _>>()?, total))
}

/// How many meet a condition.
pub async fn count(db: &Db, tenant: TenantId, kind: Kind, condition: &Condition) -> Result<u64, Error> {
    #[derive(FromQueryResult)]
    struct Count {
        total: i64,
    }
    let text = format!(
        "select count(*) as total from {} r where r.tenant_id = $1 and not r.protected and {}",
        kind.table(),
        condition.text
    );
    let values = std::iter::once(tenant.0.into()).chain(condition.values.iter().cloned());
    let row: Option<Count> = sql::one(db.connection(), &text, values).await?;
    Ok(row.map_or(0, |row| u64::try_from(row.total).unwrap_or(0)))
}

/// Reads what [`related`] answers with.
pub(crate) fn read_related(text: &str) -> Result<Vec<(Uuid, String)>, Error> {
    let related: Vec<(String, String)> = serde_json::from_str(text)?;
    let id = |text: &str| Uuid::parse_str(text).map_err(|error| Error::Inconsistent(error.to_string()));
    related.into_iter().map(|(text, label)| Ok((id(&text)?, label))).collect()
}

/// A JSON list of what relates to a row of a table (or its alias), in the order it was related.
pub(crate) fn related(connection: &impl ConnectionTrait, kind: Kind, of: &str) -> String {
    let groups = format!(
        "from membership m join directory_group g on g.tenant_id = m.tenant_id and g.id = m.group_id
         where m.tenant_id = $1 and m.user_id = {of}.id and m.desired"
    );
    let members = format!("from membership m where m.tenant_id = $1 and m.group_id = {of}.id and m.desired");
    match (connection.get_database_backend(), kind) {
        (DbBackend::Postgres, Kind::User) => format!(
            "(select coalesce(json_agg(json_build_array(g.id, g.display_name) order by g.created_at, g.id), '[]')::text
                 {groups})"
        ),
        (DbBackend::Postgres, Kind::Group) => format!(
            "(select coalesce(json_agg(json_build_array(m.user_id, m.kind) order by m.changed_at, m.user_id), '[]')::text
                 {members})"
        ),
        (_, Kind::User) => format!(
            "(select json_group_array(json_array(lower(hex(id)), display_name)) from (
                 select g.id, g.display_name {groups} order by g.created_at, g.id))"
        ),
        (_, Kind::Group) => format!(
            "(select json_group_array(json_array(lower(hex(user_id)), kind)) from (
                 select m.user_id, m.kind {members} order by m.changed_at, m.user_id))"
        ),
    }
}
