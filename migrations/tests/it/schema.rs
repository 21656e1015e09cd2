//! A schema looked at from outside: its tables, their columns, and a row of made-up values.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, FromQueryResult, Statement,
};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// `text`, `bigint`, `uuid`, …
    pub kind: String,
}

/// A database under test.
pub struct Schema {
    /// The connection.
    pub db: DatabaseConnection,
    /// Where it is.
    pub url: String,
}

#[derive(FromQueryResult)]
struct Text {
    text: Option<String>,
}

impl Schema {
    /// Opens one.
    pub async fn open(url: &str) -> Self {
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        Self { db: Database::connect(options).await.unwrap(), url: url.to_owned() }
    }

    fn is_postgres(&self) -> bool {
        self.db.get_database_backend() == DbBackend::Postgres
    }

    fn statement(&self, text: &str) -> Statement {
        Statement::from_string(self.db.get_database_backend(), text)
    }

    /// Runs a statement.
    pub async fn run(&self, text: &str) {
        self.db.execute_raw(self.statement(text)).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    async fn texts(&self, text: &str) -> Vec<Option<String>> {
        let rows = Text::find_by_statement(self.statement(text)).all(&self.db).await;
        rows.unwrap_or_else(|error| panic!("{text}: {error}")).into_iter().map(|row| row.text).collect()
    }

    /// Our tables.
    pub async fn tables(&self) -> Vec<String> {
        let text = if self.is_postgres() {
            "select table_name::text as text from information_schema.tables where table_schema = 'public'
                 and table_name not like 'seaql%' order by 1"
        } else {
            "select name as text from sqlite_master where type = 'table' and name not like 'seaql%'
                 and name not like 'sqlite%' order by 1"
        };
        self.texts(text).await.into_iter().flatten().collect()
    }

    /// The columns of a table.
    pub async fn columns(&self, table: &str) -> Vec<Column> {
        let text = if self.is_postgres() {
            format!(
                "select column_name::text as name, data_type::text as kind from information_schema.columns
                 where table_schema = 'public' and table_name = '{table}' order by ordinal_position"
            )
        } else {
            format!("select name, lower(type) as kind from pragma_table_info('{table}')")
        };
        Column::find_by_statement(self.statement(&text)).all(&self.db).await.unwrap()
    }

    /// The values of a table's only row, as text.
    pub async fn row(&self, table: &str) -> Vec<(String, String)> {
        let columns = self.columns(table).await;
        let shown: Vec<String> = columns
            .iter()
            .map(|Column { name, kind }| match (self.is_postgres(), kind.as_str()) {
                (true, _) => format!("{name}::text"),
                (false, "uuid" | "bytea") => format!("hex({name})"),
                (false, _) => format!("cast({name} as text)"),
            })
            .collect();
        let text = format!("select {} from {table}", shown.join(", "));
        let rows = self.db.query_all_raw(self.statement(&text)).await.unwrap();
        assert_eq!(rows.len(), 1, "{table} has its row");
        let value = |at: usize| rows[0].try_get_by_index::<Option<String>>(at).unwrap();
        let value = |at: usize| value(at).unwrap_or_else(|| "null".to_owned());
        columns.into_iter().enumerate().map(|(at, column)| (column.name, value(at))).collect()
    }

    /// Inserts a row that names these columns.
    pub async fn insert(&self, table: &str, columns: &[Column]) {
        self.try_insert(table, columns).await.unwrap_or_else(|error| panic!("{table}: {error}"));
    }

    /// Likewise; the error where it is refused. Every id is the same, so whatever a row refers to is there.
    pub async fn try_insert(&self, table: &str, columns: &[Column]) -> Result<(), DbErr> {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let values: Vec<&str> = columns.iter().map(|column| self.value(&column.kind)).collect();
        let text = format!("insert into {table} ({}) values ({})", names.join(", "), values.join(", "));
        self.db.execute_raw(self.statement(&text)).await.map(drop)
    }

    fn value(&self, kind: &str) -> &'static str {
        match (kind, self.is_postgres()) {
            ("text", _) => "'[]'",
            ("bigint" | "smallint" | "integer", _) => "1",
            ("boolean", _) => "true",
            ("uuid", true) => "'00000000-0000-0000-0000-000000000001'",
            ("uuid", false) => "x'00000000000000000000000000000001'",
            ("bytea", true) => "'\\x01'",
            ("bytea", false) => "x'01'",
            _ => panic!("a column of the kind {kind}"),
        }
    }
}

/// All tables, those first that were made first: what a table refers to is older than it.
pub fn tables_in_order(versions: &[&BTreeMap<String, Vec<Column>>]) -> Vec<String> {
    let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
    for version in versions {
        order.extend(version.keys().filter(|table| seen.insert((*table).clone())).cloned());
    }
    order
}
