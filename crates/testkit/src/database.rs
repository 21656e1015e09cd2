//! A database per test. On PostgreSQL it is copied from a migrated template, which takes some 30 ms.

use std::process::Command;
use std::sync::OnceLock;

use crate::scratch::Scratch;
use crate::{servers, unique};

/// A migrated database of a test's own.
pub struct Database {
    url: String,
    kept_by: Keeper,
}

enum Keeper {
    Postgres { name: String },
    Server,
    Sqlite { _file: Scratch },
}

impl Database {
    /// On the PostgreSQL of `scripts/test`.
    pub fn postgres() -> Self {
        static TEMPLATE: OnceLock<String> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            let name = unique("template");
            psql(&format!("CREATE DATABASE \"{name}\""));
            migrate(&at(&name));
            name
        });
        let name = unique("test");
        psql(&format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\""));
        Self { url: at(&name), kept_by: Keeper::Postgres { name } }
    }

    /// The only one on a PostgreSQL of the test's own, with which it goes.
    pub(crate) fn whole_server(url: &str) -> Self {
        migrate(url);
        Self { url: url.to_owned(), kept_by: Keeper::Server }
    }

    /// A SQLite file.
    pub fn sqlite() -> Self {
        let empty = Self::empty_sqlite();
        migrate(&empty.url);
        empty
    }

    /// On that PostgreSQL, without a schema.
    pub fn empty_postgres() -> Self {
        let name = unique("test");
        psql(&format!("CREATE DATABASE \"{name}\""));
        Self { url: at(&name), kept_by: Keeper::Postgres { name } }
    }

    /// A SQLite file without a schema.
    pub fn empty_sqlite() -> Self {
        let scratch = Scratch::default();
        let url = format!("sqlite://{}?mode=rwc", scratch.file("kevra.db").display());
        Self { url, kept_by: Keeper::Sqlite { _file: scratch } }
    }

    /// Writes everything it holds into a file, in PostgreSQL's custom format.
    pub fn dump(&self, file: &std::path::Path) {
        tool("pg_dump", &["--format=custom", "--file", &file.display().to_string(), &self.url]);
    }

    /// Puts back what a dump holds, in place of everything there is.
    pub fn restore(&self, file: &std::path::Path) {
        let file = file.display().to_string();
        tool("pg_restore", &["--clean", "--if-exists", "--dbname", &self.url, &file]);
    }

    /// What a program is given.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What a statement answers on PostgreSQL, as text.
    pub fn ask(&self, statement: &str) -> String {
        ask(&self.url, statement)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Keeper::Postgres { name } = &self.kept_by {
            psql(&format!("DROP DATABASE \"{name}\" WITH (FORCE)"));
        }
    }
}

/// The test server's URL with another database.
fn at(name: &str) -> String {
    let url = servers::fact("KEVRA_TEST_DATABASE_URL");
    let (server, _) = url.rsplit_once('/').expect("a database in the URL");
    format!("{server}/{name}")
}

/// What a statement answers in Keycloak's own database, as somebody who goes past Keycloak.
pub fn ask_keycloaks(statement: &str) -> String {
    ask(&servers::fact("KEVRA_TEST_KEYCLOAK_DATABASE_URL"), statement)
}

fn psql(statement: &str) -> String {
    ask(&servers::fact("KEVRA_TEST_DATABASE_URL"), statement)
}

fn ask(url: &str, statement: &str) -> String {
    let run = Command::new(servers::fact("KEVRA_TEST_PSQL"))
        .args(["--quiet", "--no-psqlrc", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1", "--dbname", url])
        .args(["--command", statement])
        .output()
        .expect("psql runs");
    assert!(run.status.success(), "{statement}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8_lossy(&run.stdout).trim().to_owned()
}

/// One of PostgreSQL's tools, run to its end.
fn tool(name: &str, arguments: &[&str]) {
    let psql = std::path::PathBuf::from(servers::fact("KEVRA_TEST_PSQL"));
    let run = Command::new(psql.with_file_name(name)).args(arguments).output().expect("PostgreSQL's tools run");
    assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
}

/// On a thread of its own: a test may be inside a runtime already.
fn migrate(url: &str) {
    let url = url.to_owned();
    let migrated = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(migrations::migrate(&url)).expect("the schema")
    });
    migrated.join().expect("migrations run");
}
