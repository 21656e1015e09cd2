//! Keys that seal secrets: everything stored must open with what a role was given, and `seal rewrap` moves it under the
//! active key while everything runs.

use clap::Subcommand;
use registry::Db;
use registry::seal::Keyring;
use registry::sealed::{self, Kind};

use crate::env::{self, Environment, bad};
use crate::output::Output;
use crate::{roles, settings};

/// Secrets at rest.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Wraps every stored secret anew under the first key of its keyring. Needs the old keys too; afterwards they can go.
    Rewrap,
}

/// How many secrets were wrapped anew.
#[derive(serde::Serialize)]
struct Rewrapped {
    downstream_tokens: u64,
    realm_secrets: Option<u64>,
}

impl Rewrapped {
    fn text(&self) -> String {
        let tokens = format!("{} downstream tokens wrapped anew", self.downstream_tokens);
        match self.realm_secrets {
            Some(count) => format!("{tokens}\n{count} realm secrets wrapped anew"),
            None => tokens,
        }
    }
}

pub(crate) async fn run(command: Command, environment: &Environment, output: Output) -> anyhow::Result<()> {
    let Command::Rewrap = command;
    let db = roles::open(&settings::common(environment)?).await?;
    let tokens = settings::keyring(environment, env::SEAL_KEYRING)?;
    let realms = settings::realm_keyring(environment)?;
    check(&db, Some(&tokens), realms.as_ref()).await?;
    let downstream_tokens = sealed::rewrap(&db, Kind::DownstreamToken, &tokens).await?;
    let realm_secrets = match realms {
        Some(realms) => Some(sealed::rewrap(&db, Kind::RealmSecret, &realms).await?),
        None => None,
    };
    output.show(&Rewrapped { downstream_tokens, realm_secrets }, Rewrapped::text)
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
                tracing::error!(name = "seal.foreign", count, what, "stored secrets are no sealed values");
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
