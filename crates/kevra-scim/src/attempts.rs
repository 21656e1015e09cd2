//! What happened on the wire, from a shell: attempts at a downstream, or all of a tenant's activity.

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use directory::activity::Row;
use directory::trail::{self, Wanted};
use uuid::Uuid;

use crate::env::Environment;
use crate::output::Output;
use crate::tenants::find;
use crate::{roles, settings};

/// Attempts.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the newest, newest first.
    Ls(List),
}

#[derive(Args)]
pub(crate) struct List {
    /// The tenant's slug.
    tenant: String,
    /// Only those of this user, by its id.
    #[arg(long)]
    user: Option<Uuid>,
    /// Only those that ended this way: ok, conflict, unauthorized, …
    #[arg(long)]
    class: Option<String>,
    /// Only those of this trace.
    #[arg(long)]
    trace: Option<String>,
    /// Which way.
    #[arg(long, value_enum, default_value = "out")]
    direction: Direction,
    /// How many at most.
    #[arg(long, default_value = "50", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Direction {
    /// To the downstream.
    Out,
    /// From the identity provider.
    In,
    /// What capture found in the realm.
    Realm,
    /// All of it.
    Any,
}

impl Direction {
    fn wanted(self) -> Option<String> {
        let text = match self {
            Self::Out => "out",
            Self::In => "in",
            Self::Realm => "realm",
            Self::Any => return None,
        };
        Some(text.to_owned())
    }
}

#[derive(serde::Serialize)]
struct Attempt {
    at: String,
    #[serde(flatten)]
    row: Shown,
}

/// A row as it is shown: attributes as a list, the time apart.
#[derive(serde::Serialize)]
struct Shown {
    direction: String,
    user_id: Option<Uuid>,
    operation: String,
    status: Option<i64>,
    class: String,
    reason: Option<String>,
    changed: Vec<String>,
    duration_ms: i64,
    trace_id: Option<String>,
    client: Option<String>,
    detail: Option<String>,
}

impl Attempt {
    fn of(row: Row) -> anyhow::Result<Self> {
        let changed = serde_json::from_str(&row.changed).context("a stored row")?;
        let Row { direction, user_id, operation, status, class, reason, duration_ms, trace_id, client, detail, .. } =
            row;
        let at = control::moment(row.at);
        let row = Shown {
            direction,
            user_id,
            operation,
            status,
            class,
            reason,
            changed,
            duration_ms,
            trace_id,
            client,
            detail,
        };
        Ok(Self { at, row })
    }

    fn line(&self) -> String {
        let Self { at, row } = self;
        let user = row.user_id.map_or_else(|| "-".to_owned(), |user| user.to_string());
        let status = row.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        let Shown { direction, operation, class, changed, duration_ms, .. } = row;
        let reason = row.reason.as_deref().unwrap_or_default();
        let changed = changed.join(" ");
        format!("{at}\t{direction}\t{user}\t{operation}\t{status}\t{class}\t{duration_ms} ms\t{changed}\t{reason}")
            .trim_end()
            .to_owned()
    }
}

pub(crate) async fn run(command: Command, environment: &Environment, output: Output) -> anyhow::Result<()> {
    let Command::Ls(list) = command;
    let db = roles::open(&settings::common(environment)?).await?;
    let found = find(&db, &list.tenant).await?;
    let wanted = Wanted {
        direction: list.direction.wanted(),
        classes: list.class.into_iter().collect(),
        users: list.user.map(|user| vec![user]),
        trace: list.trace,
        before: None,
    };
    let page = trail::page(&db, found.id, &wanted, list.limit).await?;
    let attempts: Vec<Attempt> = page.into_iter().map(Attempt::of).collect::<Result<_, _>>()?;
    output.list(&attempts, Attempt::line)
}
