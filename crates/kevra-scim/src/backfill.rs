//! Commands on backfills: the explicit push of everybody.

use anyhow::{Context, bail};
use clap::Subcommand;
use directory::backfill::{self, Backfill, Order};
use registry::{Db, target};
use serde::Serialize;

use crate::env::Environment;
use crate::output::Output;
use crate::tenants::{ACTOR, find};
use crate::{roles, settings};

/// Backfills.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Starts one.
    Run {
        /// The tenant's slug.
        tenant: String,
    },
    /// Counts what there would be to do, and does nothing.
    DryRun {
        /// The tenant's slug.
        tenant: String,
    },
    /// Shows the newest.
    Status {
        /// The tenant's slug.
        tenant: String,
    },
    /// Stops it for now.
    Pause {
        /// The tenant's slug.
        tenant: String,
    },
    /// Goes on with it.
    Resume {
        /// The tenant's slug.
        tenant: String,
    },
    /// Stops it for good.
    Cancel {
        /// The tenant's slug.
        tenant: String,
    },
}

pub(crate) async fn run(command: Command, environment: &Environment, output: Output) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    match command {
        Command::Run { tenant } => start(&db, &tenant, false, output).await,
        Command::DryRun { tenant } => start(&db, &tenant, true, output).await,
        Command::Status { tenant } => {
            let found = find(&db, &tenant).await?;
            show(backfill::newest(&db, found.id).await?.context("there was none")?, output)
        }
        Command::Pause { tenant } => order(&db, &tenant, Order::Pause, output).await,
        Command::Resume { tenant } => order(&db, &tenant, Order::Resume, output).await,
        Command::Cancel { tenant } => order(&db, &tenant, Order::Cancel, output).await,
    }
}

async fn start(db: &Db, slug: &str, dry_run: bool, output: Output) -> anyhow::Result<()> {
    let found = find(db, slug).await?;
    let target = target::current(db, found.id).await?.filter(|target| target.active);
    let target = target.context("outbound SCIM is not enabled")?;
    let Some(begun) = backfill::start(db, found.id, target.id, dry_run, ACTOR).await? else {
        bail!("one is running already");
    };
    show(begun, output)
}

async fn order(db: &Db, slug: &str, order: Order, output: Output) -> anyhow::Result<()> {
    let found = find(db, slug).await?;
    show(backfill::order(db, found.id, order, ACTOR).await?.context("none is running")?, output)
}

/// A backfill as it is shown.
#[derive(Serialize)]
struct Shown {
    state: String,
    dry_run: bool,
    started_at: String,
    ended_at: Option<String>,
    total: Option<i64>,
    seen: i64,
    creates: i64,
    updates: i64,
    in_step: i64,
    conflicts: i64,
    groups: Option<Groups>,
}

/// Groups come after users, where they are pushed.
#[derive(Serialize)]
struct Groups {
    total: i64,
    seen: i64,
    creates: i64,
    updates: i64,
    in_step: i64,
    conflicts: i64,
}

fn show(backfill: Backfill, output: Output) -> anyhow::Result<()> {
    let groups = backfill.group_total.map(|total| Groups {
        total,
        seen: backfill.group_seen,
        creates: backfill.group_creates,
        updates: backfill.group_updates,
        in_step: backfill.group_in_step,
        conflicts: backfill.group_conflicts,
    });
    let Backfill { state, dry_run, total, seen, creates, updates, in_step, conflicts, .. } = backfill;
    let (started_at, ended_at) = (control::moment(backfill.started_at), backfill.ended_at.map(control::moment));
    let shown =
        Shown { state, dry_run, started_at, ended_at, total, seen, creates, updates, in_step, conflicts, groups };
    output.show(&shown, Shown::text)
}

impl Shown {
    fn text(&self) -> String {
        let Self { state, seen, creates, updates, in_step, conflicts, .. } = self;
        let kind = if self.dry_run { "dry-run" } else { "backfill" };
        let total = self.total.map(|total| format!(" of {total}")).unwrap_or_default();
        let groups = self.groups.as_ref().map_or_else(String::new, |groups| {
            let Groups { total, seen, creates, updates, in_step, conflicts } = groups;
            format!(
                "\n  groups    {seen} of {total}: create {creates}, update {updates}, in step {in_step}, conflict {conflicts}"
            )
        });
        format!(
            "{kind} {state}\n  seen      {seen}{total}\n  create    {creates}\n  update    {updates}\n  in step   {in_step}\n  \
             conflict  {conflicts}{groups}"
        )
    }
}
