//! Commands on parked users: what an operator does from a shell when a downstream refuses somebody.

use anyhow::bail;
use clap::Subcommand;
use directory::parked::{self, Decision};
use registry::Db;
use registry::tenant::Tenant;
use uuid::Uuid;

use crate::env::Environment;
use crate::tenants::{ACTOR, find};
use crate::{roles, settings, wiring};

/// Parked users.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists them, those that are ignored included.
    Ls {
        /// The tenant's slug.
        tenant: String,
    },
    /// Shows one, and the record of the downstream that `link` would link.
    Show {
        /// The tenant's slug.
        tenant: String,
        /// The user's id.
        user: Uuid,
    },
    /// Tries one again now.
    Retry {
        /// The tenant's slug.
        tenant: String,
        /// The user's id.
        user: Uuid,
    },
    /// Links one to the record that `show` showed.
    Link {
        /// The tenant's slug.
        tenant: String,
        /// The user's id.
        user: Uuid,
        /// The record's id at the downstream.
        downstream_id: String,
    },
    /// Leaves one as it is, until it changes.
    Ignore {
        /// The tenant's slug.
        tenant: String,
        /// The user's id.
        user: Uuid,
    },
}

pub(crate) async fn run(command: Command, environment: &Environment) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    match command {
        Command::Ls { tenant } => list(&db, &find(&db, &tenant).await?).await,
        Command::Show { tenant, user } => {
            let found = find(&db, &tenant).await?;
            let shown = control::look(&wiring::control(environment, db)?, &found, user).await?;
            println!("{}\t{}", shown.user_id, shown.username.unwrap_or_default());
            println!(
                "  reason     {} {}",
                shown.reason,
                shown.status.map(|status| status.to_string()).unwrap_or_default()
            );
            println!("  since      {}", shown.since);
            match shown.candidate {
                None => println!("  candidate  none"),
                Some(candidate) => println!(
                    "  candidate  {}\n    externalId   {}\n    userName     {}\n    displayName  {}\n    active       {}",
                    candidate.id,
                    candidate.external_id.unwrap_or_default(),
                    candidate.user_name.unwrap_or_default(),
                    candidate.display_name.unwrap_or_default(),
                    candidate.active.map(|active| active.to_string()).unwrap_or_default(),
                ),
            }
            Ok(())
        }
        Command::Retry { tenant, user } => decide(&db, &find(&db, &tenant).await?, user, Decision::Retry).await,
        Command::Ignore { tenant, user } => decide(&db, &find(&db, &tenant).await?, user, Decision::Ignore).await,
        Command::Link { tenant, user, downstream_id } => {
            let found = find(&db, &tenant).await?;
            control::link(&wiring::control(environment, db)?, &found, user, &downstream_id, ACTOR).await?;
            println!("{user} is linked");
            Ok(())
        }
    }
}

async fn list(db: &Db, tenant: &Tenant) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = parked::page(db, tenant.id, after, true, 200).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.user_id);
        for user in page {
            let status = user.parked_status.map(|status| status.to_string()).unwrap_or_default();
            println!("{}\t{}\t{status}", user.user_id, user.reason.unwrap_or_default());
        }
    }
}

async fn decide(db: &Db, tenant: &Tenant, user: Uuid, decision: Decision) -> anyhow::Result<()> {
    if !parked::decide(db, tenant.id, user, decision, ACTOR).await? {
        bail!("user {user} is not parked");
    }
    Ok(())
}
