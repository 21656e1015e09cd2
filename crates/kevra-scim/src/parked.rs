//! Commands on parked users and groups: what an operator does from a shell when a downstream refuses somebody.

use anyhow::bail;
use clap::Subcommand;
use directory::parked::{self, Decision};
use registry::Db;
use registry::tenant::Tenant;
use serde::Serialize;
use uuid::Uuid;

use crate::consent::Consent;
use crate::env::Environment;
use crate::output::Output;
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
    /// Tries all of them again now, except those that are ignored.
    Drain {
        /// The tenant's slug.
        tenant: String,
        /// Only those parked for this reason: conflict, rejected, …
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        consent: Consent,
    },
}

/// A parked user in a list.
#[derive(Serialize)]
struct Listed {
    user_id: Uuid,
    kind: &'static str,
    reason: Option<String>,
    status: Option<i64>,
    since: String,
    attempts: i64,
    ignored: bool,
}

impl Listed {
    fn of(user: parked::Parked) -> Self {
        let parked::Parked { user_id, is_group, reason, parked_status: status, parked_at, attempts, ignored } = user;
        let kind = if is_group { "group" } else { "user" };
        Self { user_id, kind, reason, status, since: control::moment(parked_at), attempts, ignored }
    }

    fn line(&self) -> String {
        let status = self.status.map(|status| status.to_string()).unwrap_or_default();
        format!("{}\t{}\t{status}", self.user_id, self.reason.as_deref().unwrap_or_default()).trim_end().to_owned()
    }
}

pub(crate) async fn run(command: Command, environment: &Environment, output: Output) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    match command {
        Command::Ls { tenant } => output.list(&all(&db, &find(&db, &tenant).await?, true).await?, Listed::line),
        Command::Show { tenant, user } => {
            let found = find(&db, &tenant).await?;
            let shown = control::look(&wiring::control(environment, db)?, &found, user).await?;
            output.show(&shown, text)
        }
        Command::Retry { tenant, user } => {
            decide(&db, &find(&db, &tenant).await?, user, Decision::Retry).await?;
            output.done(&format!("{user} is tried again"))
        }
        Command::Ignore { tenant, user } => {
            decide(&db, &find(&db, &tenant).await?, user, Decision::Ignore).await?;
            output.done(&format!("{user} is left as it is"))
        }
        Command::Link { tenant, user, downstream_id } => {
            let found = find(&db, &tenant).await?;
            control::link(&wiring::control(environment, db)?, &found, user, &downstream_id, ACTOR).await?;
            output.done(&format!("{user} is linked"))
        }
        Command::Drain { tenant, reason, consent } => {
            let found = find(&db, &tenant).await?;
            let mut users = all(&db, &found, false).await?;
            users.retain(|user| reason.is_none() || user.reason == reason);
            if !users.is_empty() {
                consent.to(&format!("{} parked users of {tenant} will be tried again.", users.len()))?;
            }
            let mut retried = 0;
            for user in users {
                // Whoever is not parked any more was decided about meanwhile.
                retried += u64::from(parked::decide(&db, found.id, user.user_id, Decision::Retry, ACTOR).await?);
            }
            output.show(&serde_json::json!({ "retried": retried }), |_| format!("{retried} are tried again"))
        }
    }
}

fn text(shown: &control::ParkedUser) -> String {
    let status = shown.status.map(|status| status.to_string()).unwrap_or_default();
    let mut text = format!(
        "{}\t{}\n  reason     {} {status}\n  since      {}\n",
        shown.user_id,
        shown.username.as_deref().unwrap_or_default(),
        shown.reason,
        shown.since
    );
    text.push_str(&shown.candidate.as_ref().map_or_else(
        || "  candidate  none".to_owned(),
        |candidate| {
            format!(
                "  candidate  {}\n    externalId   {}\n    userName     {}\n    displayName  {}\n    active       {}",
                candidate.id,
                candidate.external_id.as_deref().unwrap_or_default(),
                candidate.user_name.as_deref().unwrap_or_default(),
                candidate.display_name.as_deref().unwrap_or_default(),
                candidate.active.map(|active| active.to_string()).unwrap_or_default(),
            )
        },
    ));
    text
}

async fn all(db: &Db, tenant: &Tenant, ignored: bool) -> anyhow::Result<Vec<Listed>> {
    let (mut users, mut after) = (Vec::new(), None);
    loop {
        let page = parked::page(db, tenant.id, after, ignored, 200).await?;
        let Some(last) = page.last() else { return Ok(users) };
        after = Some(last.user_id);
        users.extend(page.into_iter().map(Listed::of));
    }
}

async fn decide(db: &Db, tenant: &Tenant, user: Uuid, decision: Decision) -> anyhow::Result<()> {
    if !parked::decide(db, tenant.id, user, decision, ACTOR).await? {
        bail!("user {user} is not parked");
    }
    Ok(())
}
