//! Commands on clusters: a host under which identity providers reach a group of realms, and the Keycloak behind it.

use clap::Subcommand;
use registry::cluster;
use serde::Serialize;

use crate::env::Environment;
use crate::output::Output;
use crate::{roles, settings};

/// Clusters.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists clusters.
    Ls,
    /// Makes a cluster, or changes where it is reached.
    Set {
        /// Its name; `default` is the one tenants get where none is named.
        name: String,
        /// Scheme and host of its realms as identity providers see them.
        #[arg(long, value_parser = origin)]
        public_host: String,
        /// The Keycloak behind it; embedded realms where left out.
        #[arg(long, value_parser = base_url)]
        keycloak_url: Option<String>,
    },
}

/// A cluster as it is shown.
#[derive(Serialize)]
struct Shown {
    name: String,
    public_host: String,
    keycloak_url: Option<String>,
}

impl Shown {
    fn of(cluster: cluster::Cluster) -> Self {
        let cluster::Cluster { name, public_host, keycloak_url, .. } = cluster;
        Self { name, public_host, keycloak_url }
    }

    fn line(&self) -> String {
        let keycloak = self.keycloak_url.as_deref().unwrap_or("embedded realms");
        format!("{}\t{}\t{keycloak}", self.name, self.public_host)
    }
}

pub(crate) async fn run(command: Command, environment: &Environment, output: Output) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    match command {
        Command::Ls => {
            let clusters: Vec<Shown> = cluster::list(&db).await?.into_iter().map(Shown::of).collect();
            output.list(&clusters, Shown::line)
        }
        Command::Set { name, public_host, keycloak_url } => {
            let set = cluster::ensure(&db, &name, &public_host, keycloak_url.as_deref()).await?;
            output.show(&Shown::of(set), Shown::line)
        }
    }
}

/// `https://identity-0.kevra.app`: a scheme and a host, nothing behind them.
fn origin(text: &str) -> Result<String, String> {
    let url = base_url(text)?;
    let (_, host) = url.split_once("://").unwrap_or_default();
    if host.is_empty() || host.contains(['/', '?', '#', '@']) {
        return Err("a scheme and a host, such as https://identity-0.kevra.app".to_owned());
    }
    Ok(url)
}

fn base_url(text: &str) -> Result<String, String> {
    if !text.starts_with("https://") && !text.starts_with("http://") {
        return Err("it must begin with https:// or http://".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn a_public_host_is_a_scheme_and_a_host() {
        assert_eq!(origin("https://identity-0.kevra.app/").as_deref(), Ok("https://identity-0.kevra.app"));
        for wrong in ["identity-0.kevra.app", "https://", "https://x/realms", "https://user@x"] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
