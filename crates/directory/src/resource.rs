//! Users and groups as they are read: document, version, and what relates to them. One statement a read.

use registry::{Db, TenantId};
use scim::Object;
use scim::sort::Key;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Value};
use uuid::Uuid;

use crate::condition::Condition;
use crate::order::Order;
use crate::{Error, member, sql};

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

/// A row of a page; all of it null where the page is empty and only the total is told.
#[derive(FromQueryResult)]
struct Row {
    id: Option<Uuid>,
    document: Option<String>,
    version: Option<i64>,
    created_at: Option<i64>,
    modified_at: Option<i64>,
    text_key: Option<String>,
    time_key: Option<i64>,
    related: String,
    total: i64,
}

impl Row {
    fn read(self) -> Result<Option<(Resource, Key)>, Error> {
        let (Some(id), Some(document), Some(version), Some(created_at), Some(modified_at)) =
            (self.id, self.document, self.version, self.created_at, self.modified_at)
        else {
            return Ok(None);
        };
        let (document, related) = (serde_json::from_str(&document)?, read_related(&self.related)?);
        let resource = Resource { id, document, version, created_at, modified_at, related };
        Ok(Some((resource, Order::read(self.text_key, self.time_key))))
    }
}

/// A row of one resource, not read yet.
#[derive(Debug, FromQueryResult)]
pub(crate) struct One {
    id: Uuid,
    document: String,
    version: i64,
    created_at: i64,
    modified_at: i64,
    related: String,
}

impl One {
    pub(crate) fn read(&self) -> Result<Resource, Error> {
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

/// A place in an order: after a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// What the resource is sorted by; missing in the order of creation.
    pub key: Key,
    /// Microseconds.
    pub created_at: i64,
    /// Its id.
    pub id: Uuid,
}

/// Which page of a selection.
#[derive(Debug, Clone)]
pub enum Page {
    /// So many, after skipping so many.
    Offset(u64, u32),
    /// So many, after a place; none for the first.
    After(Option<Place>, u32),
}

/// What of a selection to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// What relates to each resource.
    pub related: bool,
    /// How many there are in all.
    pub total: bool,
    /// Another order than that of creation.
    pub order: Option<Order>,
}

/// A page as it is read.
#[derive(Debug, Default)]
pub struct Selected {
    /// The resources.
    pub resources: Vec<Resource>,
    /// What each is sorted by.
    pub keys: Vec<Key>,
    /// How many there are in all, if that was asked for.
    pub total: u64,
}

/// A resource by id, with what relates to it or not: what is asked most, by the least there is to ask.
pub async fn by_id(db: &Db, tenant: TenantId, kind: Kind, id: Uuid, related: bool) -> Result<Option<Resource>, Error> {
    let (connection, table) = (db.connection(), kind.table());
    let related = if related { self::related(connection, kind, "r", "$1") } else { "'[]'".to_owned() };
    let text = format!(
        "select r.id, r.document, r.version, r.created_at, r.modified_at, {related} as related from {table} r
         where r.tenant_id = $1 and r.id = $2 and not r.protected"
    );
    let one: Option<One> = sql::one(connection, &text, [tenant.0.into(), id.into()]).await?;
    one.as_ref().map(One::read).transpose()
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
    let wanted = Wanted { related, ..Wanted::default() };
    Ok(page(db, tenant, kind, &condition, &Page::Offset(0, count), wanted).await?.resources)
}

/// A page of what meets a condition, and how many do if that was asked for: one statement, the page past the end and the
/// empty one included.
pub async fn page(
    db: &Db,
    tenant: TenantId,
    kind: Kind,
    condition: &Condition,
    page: &Page,
    wanted: Wanted,
) -> Result<Selected, Error> {
    let connection = db.connection();
    let backend = connection.get_database_backend();
    let table = kind.table();
    let mut values: Vec<Value> = vec![tenant.0.into()];
    values.extend(condition.values.iter().cloned());
    let mut place = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let (after, count, skipped) = match page {
        Page::Offset(first, count) => (String::new(), *count, i64::try_from(*first).unwrap_or(i64::MAX)),
        Page::After(None, count) => (String::new(), *count, 0),
        Page::After(Some(Place { key, created_at, id }), count) => {
            let (created_at, id) = (place((*created_at).into()), place((*id).into()));
            let later = format!("(r.created_at, r.id) > ({created_at}, {id})");
            let after = match wanted.order {
                Some(order) => order.after(backend, key, &later, &mut place),
                None => later,
            };
            (format!("and {after}"), *count, 0)
        }
    };
    let (limit, offset) = (place(i64::from(count).into()), place(skipped.into()));
    let filtered = format!("from {table} r where r.tenant_id = $1 and not r.protected and {}", condition.text);
    let (text_key, time_key) = Order::columns(wanted.order);
    let by = |key: fn(Order) -> String| wanted.order.map_or(String::new(), |order| order.by(backend, &key(order)));
    let (within, again) = (by(Order::key), by(Order::of_page));
    let related = if wanted.related { related(connection, kind, "page", "$1") } else { "'[]'".to_owned() };
    let total = if wanted.total {
        format!("select count(*) as total {filtered}")
    } else {
        "select cast(0 as bigint) as total".to_owned()
    };
    // What relates to a resource is read of the page alone, and the total is there however empty the page.
    let text = format!(
        "with page as (
             select r.id, r.document, r.version, r.created_at, r.modified_at, {text_key} as text_key, {time_key} as time_key
             {filtered} {after} order by {within} r.created_at, r.id limit {limit} offset {offset})
         select page.*, {related} as related, whole.total from ({total}) as whole left join page on 1 = 1
         order by {again} page.created_at, page.id"
    );
    let rows: Vec<Row> = sql::all(connection, &text, values).await?;
    let mut selected = Selected::default();
    for row in rows {
        selected.total = u64::try_from(row.total).unwrap_or(0);
        if let Some((resource, key)) = row.read()? {
            selected.resources.push(resource);
            selected.keys.push(key);
        }
    }
    Ok(selected)
}

/// Reads what [`related`] answers with.
pub(crate) fn read_related(text: &str) -> Result<Vec<(Uuid, String)>, Error> {
    let related: Vec<(String, String)> = serde_json::from_str(text)?;
    let id = |text: &str| Uuid::parse_str(text).map_err(|error| Error::Inconsistent(error.to_string()));
    related.into_iter().map(|(text, label)| Ok((id(&text)?, label))).collect()
}

/// A JSON list of what relates to a row of a table (or its alias) of a tenant, in the order it was related.
pub(crate) fn related(connection: &impl ConnectionTrait, kind: Kind, of: &str, tenant: &str) -> String {
    let groups = format!(
        "from membership m join directory_group g on g.tenant_id = m.tenant_id and g.id = m.group_id
         where m.tenant_id = {tenant} and m.user_id = {of}.id and m.desired and not g.protected"
    );
    let members = format!(
        "from membership m where m.tenant_id = {tenant} and m.group_id = {of}.id and m.desired and {}",
        member::is_shown("m", tenant)
    );
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
