//! Keys that seal secrets: everything stored must open with what a role was given, and `seal rewrap` moves it under the
//! active key while everything runs.

use clap::Subcommand;
use registry::Db;
use registry::seal::Keyring;
use registry::sealed::{self, Kind};

use crate::env::{self, Environment, bad};
use crate::{roles, settings};

/// Secrets at rest.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Wraps every stored secret anew under the first key of its keyring. Needs the old keys too; afterwards they can go.
    Rewrap,
}

pub(crate) async fn run(command: Command, environment: &Environment) -> anyhow::Result<()> {
    let Command::Rewrap = command;
    let db = roles::open(&settings::common(environment)?).await?;
    let tokens = settings::keyring(environment, env::SEAL_KEYRING)?;
    let realms = settings::realm_keyring(environment)?;
    check(&db, Some(&tokens), realms.as_ref()).await?;
    let count = sealed::rewrap(&db, Kind::DownstreamToken, &tokens).await?;
    println!("{count} downstream tokens wrapped anew");
    if let Some(realms) = realms {
        let count = sealed::rewrap(&db, Kind::RealmSecret, &realms).await?;
        println!("{count} realm secrets wrapped anew");
    }
    Ok(())
}

/// Refuses to go on where a key is missing that something stored is sealed with. A keyring that is not given is not
/// judged: that role opens nothing of it.
pub(crate) async fn check(db: &Db, tokens: Option<&Keyring>, realms: Option<&Keyring>) -> anyhow::Result<()> {
    for (keyring, kind, variable, what) in [
        (tokens, Kind::DownstreamToken, env::SEAL_KEYRING, "downstream tokens"),
        (realms, Kind::RealmSecret, env::REALM_KEYRING, "realm secrets"),
    ] {
        let Some(keyring) = keyring else { continue };
        for (id, count) in sealed::keys(db, kind).await? {
            if id.is_empty() {
                tracing::error!(count, what, "stored secrets are no sealed values");
            } else if !keyring.holds(&id) {
                let reason = format!(
                    "it has no key \"{id}\", which {count} stored {what} are sealed with; add that key behind the first \
                     one, and take it away only after `kevra-scim seal rewrap`"
                );
                return Err(bad(variable, reason).into());
            }
        }
    }
    Ok(())
}
