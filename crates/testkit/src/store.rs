//! The store on both databases: each test of the store's suite is one function that runs once on SQLite and once on
//! PostgreSQL.

use registry::{BearerToken, Db, DbOptions, TenantId, cluster, inbound_token, tenant};

use crate::database::Database;

/// A connection to a migrated database of the test's own, with one cluster.
pub struct Store {
    /// The connection.
    pub db: Db,
    _database: Database,
}

/// Where the identity providers of the test's tenants reach them.
pub const HOST: &str = "identity-0.kevra.test";

impl Store {
    async fn open(database: Database) -> Self {
        let db = Db::connect(&database.url().to_owned().into(), &DbOptions::default()).await.expect("the database");
        cluster::ensure(&db, "default", &format!("https://{HOST}"), None).await.expect("a cluster");
        Self { db, _database: database }
    }

    /// Whether this is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.db.backend() == sea_orm::DbBackend::Postgres
    }

    /// Runs a statement of the test's own.
    pub async fn run(&self, statement: &str) {
        use sea_orm::ConnectionTrait;
        self.db.connection().execute_unprepared(statement).await.expect("the statement runs");
    }

    /// Makes a tenant whose realm has its name.
    pub async fn tenant(&self, slug: &str) -> TenantId {
        let cluster = cluster::by_name(&self.db, "default").await.expect("the cluster").id;
        let (name, custom_domain) = (slug.to_owned(), None);
        let new = tenant::New { slug: name.clone(), display_name: name.clone(), realm: name, cluster, custom_domain };
        tenant::create(&self.db, &new, "test").await.expect("a tenant").id
    }

    /// Makes a tenant with inbound on; its token.
    pub async fn provisioned(&self, slug: &str) -> (TenantId, BearerToken) {
        let tenant = self.tenant(slug).await;
        let token = BearerToken::generate().expect("randomness");
        inbound_token::enable(&self.db, tenant, &token, "test").await.expect("inbound on");
        (tenant, token)
    }
}

/// Runs a test on SQLite.
pub fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Store) -> F) {
    run(Database::sqlite(), test);
}

/// Runs a test on the PostgreSQL of `scripts/test`.
pub fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Store) -> F) {
    run(Database::postgres(), test);
}

fn run<F: Future<Output = ()>>(database: Database, test: impl FnOnce(Store) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async move {
        let store = Store::open(database).await;
        let db = store.db.clone();
        test(store).await;
        // The database cannot be dropped while the pool holds connections to it.
        drop(db.close().await);
    });
}

/// Makes each function of a module a test on either database.
#[macro_export]
macro_rules! on_both_databases {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { $crate::store::on_sqlite(super::$test); })*
        }
        mod postgres {
            $(#[test] fn $test() { $crate::store::on_postgres(super::$test); })*
        }
    };
}
