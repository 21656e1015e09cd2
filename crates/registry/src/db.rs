//! The connection: PostgreSQL in production, SQLite in the embedded default, one set of statements for both.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, FromQueryResult,
    SqliteTransactionMode, SqlxPostgresConnector, Statement, TransactionOptions, TransactionTrait, Value,
};
use secrecy::{ExposeSecret, SecretString};

use crate::Error;

/// After how long unused a connection is looked at before it is used. No database restarts faster.
const IDLE: Duration = Duration::from_secs(1);

/// How to connect.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// The pool's size. SQLite takes its own.
    pub connections: u32,
    /// How long a caller waits for a connection before it is told that the database is not available.
    pub acquire: Duration,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self { connections: 20, acquire: Duration::from_secs(3) }
    }
}

/// A pool of connections.
#[derive(Clone)]
pub struct Db {
    pool: DatabaseConnection,
    /// Pools of threads of their own, beside this one.
    threads: Arc<Mutex<Vec<DatabaseConnection>>>,
    told: Option<Told>,
}

/// Hears of each statement that was run.
type Told = Arc<dyn Fn(&Statement) + Send + Sync>;

impl Db {
    /// Opens a pool on `postgres://…` or `sqlite://…`. The URL never appears in an error.
    pub async fn connect(url: &SecretString, options: &DbOptions) -> Result<Self, Error> {
        let mut connect = ConnectOptions::new(url.expose_secret());
        connect
            .max_connections(options.connections)
            .acquire_timeout(options.acquire)
            .connect_timeout(options.acquire)
            // A ping before each use costs a fifth of a read; pinging what has idled catches what a restart broke.
            .test_before_acquire_if_idle_for(IDLE)
            // Statements have values in them.
            .sqlx_logging(false);
        if url.expose_secret().starts_with("sqlite:") {
            connect.max_connections(8).map_sqlx_sqlite_opts(|sqlite| {
                sqlite
                    .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
                    .synchronous(sqlx::sqlite::SqliteSynchronous::Normal)
                    .busy_timeout(Duration::from_secs(10))
                    .foreign_keys(true)
            });
        }
        Ok(Self { pool: Database::connect(connect).await?, threads: Arc::default(), told: None })
    }

    /// The same pool, which tells of each statement it has run, with its values: how a test counts them and asks for
    /// their plans.
    #[must_use]
    pub fn watched(mut self, told: impl Fn(&Statement) + Send + Sync + 'static) -> Self {
        let told: Told = Arc::new(told);
        tell(&mut self.pool, told.clone());
        self.told = Some(told);
        self
    }

    /// A pool of this size for a thread that has a runtime of its own, to be asked for on that thread. A connection wakes
    /// the runtime it was opened on: one that was opened elsewhere costs two threads' wake-ups for each statement. SQLite's
    /// connections have threads anyway, and are shared.
    #[must_use]
    pub fn of_thread(&self, connections: u32) -> Self {
        if self.backend() != DbBackend::Postgres {
            return self.clone();
        }
        let shared = self.pool.get_postgres_connection_pool();
        let options = shared.options().clone().min_connections(0).max_connections(connections);
        let own = options.connect_lazy_with((*shared.connect_options()).clone());
        let mut pool = SqlxPostgresConnector::from_sqlx_postgres_pool(own);
        if let Some(told) = &self.told {
            tell(&mut pool, told.clone());
        }
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(pool.clone());
        Self { pool, threads: Arc::default(), told: self.told.clone() }
    }

    /// The pool, for the directory and the migrations check.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Which database it is.
    pub fn backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    /// Begins a transaction that will write: on SQLite it takes the writer's place at once, since a reader that turns
    /// writer half-way can fail where waiting would have helped.
    pub async fn begin(&self) -> Result<DatabaseTransaction, Error> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.pool.begin_with_options(options).await?)
    }

    /// The database's clock in microseconds as an SQL expression (K20).
    pub fn clock_sql(&self) -> &'static str {
        clock_sql(&self.pool)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.pool.ping().await?)
    }

    /// How many connections are open, and how many of those idle: of this pool, and of those of threads together.
    pub fn connections(&self) -> [(i64, i64); 2] {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let together = threads.iter().map(counted).fold((0, 0), |(open, idle), more| (open + more.0, idle + more.1));
        [counted(&self.pool), together]
    }

    /// Closes the pool.
    pub async fn close(self) -> Result<(), Error> {
        Ok(self.pool.close().await?)
    }
}

/// Open and idle connections of a pool.
fn counted(pool: &DatabaseConnection) -> (i64, i64) {
    let (open, idle) = match pool.get_database_backend() {
        DbBackend::Postgres => {
            let pool = pool.get_postgres_connection_pool();
            (pool.size(), pool.num_idle())
        }
        _ => {
            let pool = pool.get_sqlite_connection_pool();
            (pool.size(), pool.num_idle())
        }
    };
    (i64::from(open), i64::try_from(idle).unwrap_or(i64::MAX))
}

fn tell(pool: &mut DatabaseConnection, told: Told) {
    pool.set_metric_callback(move |run| told(run.statement));
}

pub(crate) fn clock_sql(connection: &impl ConnectionTrait) -> &'static str {
    match connection.get_database_backend() {
        DbBackend::Postgres => "(extract(epoch from clock_timestamp()) * 1000000)::bigint",
        _ => "cast(unixepoch('subsec') * 1000000 as integer)",
    }
}

/// Columns, `table.name` or `table.name as other`, with a prefix to their names.
pub(crate) fn prefixed(columns: &str, prefix: &str) -> String {
    let named = columns.split(',').map(|column| {
        let (what, name) = match column.trim().split_once(" as ") {
            Some((what, name)) => (what, name),
            None => (column.trim(), column.rsplit('.').next().unwrap_or(column)),
        };
        format!("{what} as {prefix}{name}")
    });
    named.collect::<Vec<_>>().join(", ")
}

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

/// Ends a transaction: commits what went well, rolls back what did not. Never left to `Drop`, which would panic where
/// the connection is gone.
pub(crate) async fn finish<T>(transaction: DatabaseTransaction, outcome: Result<T, Error>) -> Result<T, Error> {
    match outcome {
        Ok(value) => {
            transaction.commit().await?;
            Ok(value)
        }
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}
