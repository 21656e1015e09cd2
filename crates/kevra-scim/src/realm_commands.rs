//! Commands on realms: set up, given another secret, compared.

use anyhow::Context;
use clap::Subcommand;
use registry::audit::Note;
use serde_json::json;

use crate::env::Environment;
use crate::output::Output;
use crate::tenants::{ACTOR, find, realms};
use crate::{roles, settings};

/// Realms.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sets a tenant's realm up; repeatable.
    Provision {
        /// The tenant's slug.
        tenant: String,
    },
    /// Gives the realm's data-path client another secret.
    RotateSecret {
        /// The tenant's slug.
        tenant: String,
    },
    /// Has the whole realm compared with what was seen of it, by a running dispatcher.
    Compare {
        /// The tenant's slug.
        tenant: String,
    },
}

pub(crate) async fn run(command: Command, environment: &Environment, output: Output) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    let realms = realms(&db, environment)?;
    match command {
        Command::Provision { tenant } => {
            let found = find(&db, &tenant).await?;
            let note = Note { actor: ACTOR, action: "realm.provision", detail: json!({}) };
            realms.set_up(&found, Some(&note)).await.context("the realm")?;
            output.done(&format!("realm {} is set up", found.realm))
        }
        Command::RotateSecret { tenant } => {
            let found = find(&db, &tenant).await?;
            control::replace_secret(&db, &realms, &found, ACTOR).await.context("the realm")?;
            output.done(&format!("the client of realm {} has another secret", found.realm))
        }
        Command::Compare { tenant } => {
            let found = find(&db, &tenant).await?;
            directory::watch::want_compare(&db, found.id).await?;
            output.done(&format!("realm {} will be compared", found.realm))
        }
    }
}
