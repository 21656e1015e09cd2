//! `migrate` under a lock, and the question every role asks at start: is the schema current?
//!
//! sea-orm-migration has no lock of its own, so replicas that migrate at once would race. On PostgreSQL a session
//! advisory lock on a connection of its own keeps them apart; SQLite belongs to one process.

use std::collections::HashSet;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement};
use sea_orm_migration::{MigratorTrait, SchemaManager};
use sqlx::{Connection, PgConnection};

use crate::Migrator;

/// "kevrascm" as a number: the advisory lock every migrating process takes.
const LOCK: i64 = 0x6b65_7672_6173_636d;

/// Where sea-orm-migration notes what is applied.
const TABLE: &str = "seaql_migrations";

/// Why migrating, or asking about it, failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database does not answer, or refuses the credentials.
    #[error("the database could not be reached: {0}")]
    Unreachable(String),
    /// A statement failed.
    #[error("a migration failed: {0}")]
    Failed(#[from] DbErr),
}

/// Brings the schema up to date and says how many migrations ran. `url` is `postgres://…` or `sqlite://…`.
pub async fn migrate(url: &str) -> Result<usize, Error> {
    let lock = if url.starts_with("sqlite:") { None } else { Some(take_lock(url).await?) };
    let outcome = run(url).await;
    if let Some(connection) = lock {
        // Closing the session frees the lock; a failure to close changes nothing about the outcome.
        drop(connection.close().await);
    }
    outcome
}

async fn take_lock(url: &str) -> Result<PgConnection, Error> {
    let mut connection = PgConnection::connect(url).await.map_err(|error| unreachable(&error))?;
    sqlx::query("select pg_advisory_lock($1)")
        .bind(LOCK)
        .execute(&mut connection)
        .await
        .map_err(|error| unreachable(&error))?;
    Ok(connection)
}

async fn run(url: &str) -> Result<usize, Error> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let database = Database::connect(options).await.map_err(|error| unreachable(&error))?;
    let count = pending(&database).await?.len();
    // Nothing to do is no failure, also where a newer version of the program has migrated already.
    if count > 0 {
        Migrator::up(&database, None).await?;
    }
    database.close().await?;
    Ok(count)
}

/// The names of migrations not applied yet. Reads only, so a role without the right to change tables can ask. Migrations
/// that are applied and not known here are those of a newer version, under which this one runs on.
pub async fn pending(database: &DatabaseConnection) -> Result<Vec<String>, Error> {
    let applied: HashSet<String> = if SchemaManager::new(database).has_table(TABLE).await? {
        let text = format!("select version from {TABLE}");
        let rows = database.query_all_raw(Statement::from_string(database.get_database_backend(), text)).await?;
        rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>()?
    } else {
        HashSet::new()
    };
    let names = Migrator::migrations().into_iter().map(|migration| migration.name().to_owned());
    Ok(names.filter(|name| !applied.contains(name)).collect())
}

fn unreachable(error: &impl std::fmt::Display) -> Error {
    // The text of a connection error names host and user, never the password.
    Error::Unreachable(error.to_string())
}
