//! Every upgrade there ever was, step by step: what is stored stays as it is, and what an older program says to the
//! database is still understood after the newest migration (expand and contract). On SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here")]

mod schema;

use std::collections::BTreeMap;

use migrations::{Migrator, MigratorTrait, migrate, pending};
use schema::Schema;
use testkit::database::Database;

/// Runs a test on a database without a schema.
fn on(database: &Database, test: impl AsyncFnOnce(Schema)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { test(Schema::open(database.url()).await).await });
}

mod sqlite {
    use super::*;

    #[test]
    fn every_upgrade_keeps_what_is_stored() {
        on(&Database::empty_sqlite(), super::every_upgrade_keeps_what_is_stored);
    }

    #[test]
    fn an_older_program_still_writes_and_reads_after_the_newest_upgrade() {
        on(&Database::empty_sqlite(), super::an_older_program_still_writes_and_reads_after_the_newest_upgrade);
    }

    #[test]
    fn a_program_goes_on_under_a_schema_that_is_newer_than_it() {
        on(&Database::empty_sqlite(), super::a_program_goes_on_under_a_schema_that_is_newer_than_it);
    }
}

mod postgres {
    use super::*;

    #[test]
    fn every_upgrade_keeps_what_is_stored() {
        on(&Database::empty_postgres(), super::every_upgrade_keeps_what_is_stored);
    }

    #[test]
    fn an_older_program_still_writes_and_reads_after_the_newest_upgrade() {
        on(&Database::empty_postgres(), super::an_older_program_still_writes_and_reads_after_the_newest_upgrade);
    }

    #[test]
    fn a_program_goes_on_under_a_schema_that_is_newer_than_it() {
        on(&Database::empty_postgres(), super::a_program_goes_on_under_a_schema_that_is_newer_than_it);
    }
}

/// A row in each table as soon as it is there; each later step leaves its columns and their values alone.
async fn every_upgrade_keeps_what_is_stored(schema: Schema) {
    let mut stored: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let count = Migrator::migrations().len();
    assert!(count > 30);
    for step in 1..=count {
        Migrator::up(&schema.db, Some(1)).await.unwrap();
        let name = Migrator::migrations()[step - 1].name().to_owned();
        for (table, before) in &stored {
            let now: BTreeMap<String, String> = schema.row(table).await.into_iter().collect();
            for (column, value) in before {
                assert_eq!(now.get(column), Some(value), "{name} changes {table}.{column}");
            }
        }
        for table in schema.tables().await {
            if !stored.contains_key(&table) {
                let columns = schema.columns(&table).await;
                schema.insert(&table, &columns).await;
            }
            // With what this step added, so that the next one has to keep it too.
            let row = schema.row(&table).await;
            stored.insert(table, row);
        }
    }
    assert!(stored.len() > 15, "{:?}", stored.keys());
    assert!(pending(&schema.db).await.unwrap().is_empty());
}

/// An older program names the columns of its own schema and no others. Its inserts, updates and selects have to work
/// under the newest schema, because it runs on while the new version rolls out.
async fn an_older_program_still_writes_and_reads_after_the_newest_upgrade(schema: Schema) {
    let mut versions: Vec<(String, BTreeMap<String, Vec<schema::Column>>)> = Vec::new();
    for migration in Migrator::migrations() {
        Migrator::up(&schema.db, Some(1)).await.unwrap();
        let mut tables = BTreeMap::new();
        for table in schema.tables().await {
            let columns = schema.columns(&table).await;
            tables.insert(table, columns);
        }
        versions.push((migration.name().to_owned(), tables));
    }
    // What an index or a default changed, the older columns meet in the end anyway.
    versions.dedup_by(|later, earlier| later.1 == earlier.1);
    let order = schema::tables_in_order(&versions.iter().map(|(_, tables)| tables).collect::<Vec<_>>());
    for (version, tables) in &versions {
        schema.run("begin").await;
        for table in order.iter().filter(|table| tables.contains_key(*table)) {
            let columns = &tables[table];
            schema.try_insert(table, columns).await.unwrap_or_else(|error| panic!("as of {version}: {table}: {error}"));
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            schema.run(&format!("select {} from {table}", names.join(", "))).await;
            let same: Vec<String> = names.iter().map(|name| format!("{name} = {name}")).collect();
            schema.run(&format!("update {table} set {}", same.join(", "))).await;
        }
        schema.run("rollback").await;
    }
}

/// The next version has migrated already: a role of this one that restarts must not refuse to.
async fn a_program_goes_on_under_a_schema_that_is_newer_than_it(schema: Schema) {
    Migrator::up(&schema.db, None).await.unwrap();
    schema.run("insert into seaql_migrations (version, applied_at) values ('m9999_of_the_next_version', 1)").await;
    schema.run("alter table tenant add column of_the_next_version text").await;
    assert_eq!(pending(&schema.db).await.unwrap(), Vec::<String>::new());
    assert_eq!(migrate(&schema.url).await.unwrap(), 0, "its migrations are a no-op, as when a release is rolled back");
    schema.run("delete from seaql_migrations where version like 'm0002%'").await;
    assert_eq!(pending(&schema.db).await.unwrap(), ["m0002_tenant"], "what is missing is still missed");
}
