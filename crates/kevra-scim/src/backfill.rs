//! Commands on backfills: the explicit push of everybody.

use anyhow::{Context, bail};
use clap::Subcommand;
use directory::backfill::{self, Backfill, Order};
use registry::{Db, target};

use crate::env::Environment;
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

pub(crate) async fn run(command: Command, environment: &Environment) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    match command {
        Command::Run { tenant } => start(&db, &tenant, false).await,
        Command::DryRun { tenant } => start(&db, &tenant, true).await,
        Command::Status { tenant } => {
            let found = find(&db, &tenant).await?;
            show(&backfill::newest(&db, found.id).await?.context("there was none")?);
            Ok(())
        }
        Command::Pause { tenant } => order(&db, &tenant, Order::Pause).await,
        Command::Resume { tenant } => order(&db, &tenant, Order::Resume).await,
        Command::Cancel { tenant } => order(&db, &tenant, Order::Cancel).await,
    }
}

async fn start(db: &Db, slug: &str, dry_run: bool) -> anyhow::Result<()> {
    let found = find(db, slug).await?;
    let target = target::current(db, found.id).await?.filter(|target| target.active);
    let target = target.context("outbound SCIM is not enabled")?;
    let Some(begun) = backfill::start(db, found.id, target.id, dry_run, ACTOR).await? else {
        bail!("one is running already");
    };
    show(&begun);
    Ok(())
}

async fn order(db: &Db, slug: &str, order: Order) -> anyhow::Result<()> {
    let found = find(db, slug).await?;
    show(&backfill::order(db, found.id, order, ACTOR).await?.context("none is running")?);
    Ok(())
}

fn show(backfill: &Backfill) {
    let Backfill { state, dry_run, seen, creates, updates, in_step, conflicts, .. } = backfill;
    let kind = if *dry_run { "dry-run" } else { "backfill" };
    let total = backfill.total.map(|total| total.to_string()).unwrap_or_default();
    println!("{kind} {state}\n  seen      {seen} of {total}");
    println!("  create    {creates}\n  update    {updates}\n  in step   {in_step}\n  conflict  {conflicts}");
}
