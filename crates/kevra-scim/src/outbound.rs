//! Commands on a tenant's downstream: what the console's outbound panel does, from a shell.

use clap::Subcommand;
use control::{Downstream, Probed};

use crate::consent::Consent;
use crate::env::Environment;
use crate::output::Output;
use crate::tenants::{ACTOR, find};
use crate::{roles, settings, wiring};

/// Downstreams.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Probes a downstream and enables it; its bearer token is read from standard input.
    Enable {
        /// The tenant's slug.
        tenant: String,
        /// Its SCIM base URL.
        base_url: String,
    },
    /// Disables it: returns when nothing is in flight any more.
    Disable {
        /// The tenant's slug.
        tenant: String,
        #[command(flatten)]
        consent: Consent,
    },
}

pub(crate) async fn run(command: Command, environment: &Environment, output: Output) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    match command {
        Command::Enable { tenant, base_url } => {
            let found = find(&db, &tenant).await?;
            let token = std::io::read_to_string(std::io::stdin())?;
            let wanted = Downstream { base_url, token: token.trim().into() };
            let guard = settings::guard(environment)?;
            let deps = wiring::control(environment, db)?;
            output.show(&control::switch_on(&deps, &guard, &found, &wanted, ACTOR).await?, text)
        }
        Command::Disable { tenant, consent } => {
            let found = find(&db, &tenant).await?;
            consent.to(&format!("Nothing of {tenant} is pushed any more until it is enabled again."))?;
            control::switch_off(&wiring::control(environment, db)?, &found, ACTOR).await?;
            output.done(&format!("outbound SCIM of {tenant} is disabled"))
        }
    }
}

fn text(probed: &Probed) -> String {
    format!("enabled: {}", probed.lines().collect::<Vec<_>>().join("\n  "))
}
