//! Reading activity: pages for the console, what is new for whoever listens, and the end of what is old.

use registry::{Db, TenantId};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::activity::Row;
use crate::{Error, ledger, sql};

const COLUMNS: &str = "id, at, direction, user_id, operation, status, class, reason, changed, duration_ms, trace_id, client, detail, realm_calls";

/// A place in the trail: entries before it are older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// When, microseconds.
    pub at: i64,
    /// Which of that moment.
    pub id: Uuid,
}

/// Which entries are wanted; all of them where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `in`, `out` or `realm`.
    pub direction: Option<String>,
    /// Of any of these stable classes; of all where there is none.
    pub classes: Vec<String>,
    /// Of any of these users.
    pub users: Option<Vec<Uuid>>,
    /// Of this trace.
    pub trace: Option<String>,
    /// Older than this.
    pub before: Option<Place>,
}

/// A page, newest first.
pub async fn page(db: &Db, tenant: TenantId, wanted: &Wanted, limit: u32) -> Result<Vec<Row>, Error> {
    let mut values: Vec<Value> = vec![tenant.0.into()];
    let mut conditions = vec!["tenant_id = $1".to_owned()];
    let mut equal = |column: &str, value: Value| {
        values.push(value);
        conditions.push(format!("{column} = ${}", values.len()));
    };
    if let Some(direction) = &wanted.direction {
        equal("direction", direction.clone().into());
    }
    if let Some(trace) = &wanted.trace {
        equal("trace_id", trace.clone().into());
    }
    let mut any_of = |column: &str, wanted: Vec<Value>| {
        let first = values.len() + 1;
        values.extend(wanted);
        let places: Vec<String> = (first..=values.len()).map(|place| format!("${place}")).collect();
        conditions.push(format!("{column} in ({})", places.join(", ")));
    };
    if !wanted.classes.is_empty() {
        any_of("class", wanted.classes.iter().map(|class| Value::from(class.clone())).collect());
    }
    match &wanted.users {
        Some(users) if users.is_empty() => return Ok(Vec::new()),
        Some(users) => any_of("user_id", users.iter().map(|user| Value::from(*user)).collect()),
        None => {}
    }
    if let Some(before) = wanted.before {
        values.extend([before.at.into(), before.id.into()]);
        let (at, id) = (values.len() - 1, values.len());
        conditions.push(format!("(at < ${at} or (at = ${at} and id < ${id}))"));
    }
    values.push(i64::from(limit).into());
    let text = format!(
        "select {COLUMNS} from activity where {} order by at desc, id desc limit ${}",
        conditions.join(" and "),
        values.len()
    );
    sql::all(db.connection(), &text, values).await
}

/// Entries since a moment, oldest first.
pub async fn since(db: &Db, tenant: TenantId, at: i64, limit: u32) -> Result<Vec<Row>, Error> {
    let text = format!("select {COLUMNS} from activity where tenant_id = $1 and at >= $2 order by at, id limit $3");
    sql::all(db.connection(), &text, [tenant.0.into(), at.into(), i64::from(limit).into()]).await
}

/// Forgets a batch of entries older than so many microseconds; how many there were.
pub async fn forget(db: &Db, keep: i64, batch: u32) -> Result<u64, Error> {
    let connection = db.connection();
    let text = format!(
        "delete from activity where id in (select id from activity where at < {} - $1 order by at limit $2)",
        ledger::clock(connection)
    );
    sql::execute(connection, &text, [keep.into(), i64::from(batch).into()]).await
}

/// When a change last arrived downstream, microseconds.
pub async fn last_delivery(db: &Db, tenant: TenantId) -> Result<Option<i64>, Error> {
    #[derive(FromQueryResult)]
    struct At {
        at: i64,
    }
    let text = "select at from activity
         where tenant_id = $1 and direction = 'out' and class = 'ok' and operation not like 'GET%'
         order by at desc limit 1";
    Ok(sql::one::<At>(db.connection(), text, [tenant.0.into()]).await?.map(|row| row.at))
}
