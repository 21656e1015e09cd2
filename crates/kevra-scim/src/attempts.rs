//! What happened on the wire, from a shell: attempts at a downstream, or all of a tenant's activity.

use std::collections::HashMap;

use clap::{Args, Subcommand, ValueEnum};
use control::ActivityEntry;
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

fn line(entry: &ActivityEntry) -> String {
    let ActivityEntry { at, direction, operation, class, duration_ms, .. } = entry;
    let user = entry.user_id.map_or_else(|| "-".to_owned(), |user| user.to_string());
    let status = entry.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let reason = entry.reason.as_deref().unwrap_or_default();
    let changed = entry.changed.join(" ");
    format!("{at}\t{direction}\t{user}\t{operation}\t{status}\t{class}\t{duration_ms} ms\t{changed}\t{reason}")
        .trim_end()
        .to_owned()
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
    // Ids alone: who asks for names asks the console.
    let nobody = HashMap::new();
    let attempts: Vec<ActivityEntry> = page.into_iter().map(|row| ActivityEntry::of(row, &nobody)).collect();
    output.list(&attempts, line)
}
