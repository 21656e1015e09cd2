//! Statements in plain SQL: `$1` placeholders, which PostgreSQL and SQLite both take through sqlx.

use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use crate::Error;

/// Runs a statement and says how many rows it touched.
pub(crate) async fn execute(
    connection: &impl ConnectionTrait,
    text: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, Error> {
    Ok(connection.execute_raw(statement(connection, text, values)).await?.rows_affected())
}

/// The first row, if there is one.
pub(crate) async fn one<R: FromQueryResult>(
    connection: &impl ConnectionTrait,
    text: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<R>, Error> {
    Ok(R::find_by_statement(statement(connection, text, values)).one(connection).await?)
}

/// All rows.
pub(crate) async fn all<R: FromQueryResult>(
    connection: &impl ConnectionTrait,
    text: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<R>, Error> {
    Ok(R::find_by_statement(statement(connection, text, values)).all(connection).await?)
}

fn statement(connection: &impl ConnectionTrait, text: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), text, values)
}

/// `for update skip locked` where the database has it; SQLite has one writer and drops the clause silently.
pub(crate) fn skip_locked(connection: &impl ConnectionTrait) -> &'static str {
    match connection.get_database_backend() {
        sea_orm::DbBackend::Postgres => "for update skip locked",
        _ => "",
    }
}

/// `for update` where the database has it; on SQLite the transaction began as a writer.
pub(crate) fn for_update(connection: &impl ConnectionTrait) -> &'static str {
    match connection.get_database_backend() {
        sea_orm::DbBackend::Postgres => "for update",
        _ => "",
    }
}

/// Only of tenants that are not being moved: what is repaired meanwhile would keep a move waiting, of a realm that is away for
/// ever (K30).
pub(crate) fn stays(tenant: &str) -> String {
    format!("{tenant} not in (select id from tenant where frozen_at is not null)")
}
