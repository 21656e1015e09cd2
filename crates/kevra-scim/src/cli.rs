//! The command line. Exit codes: 64 for a bad setting, 2 for missing prerequisites of the demo, 1 for everything else.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use secrecy::ExposeSecret;

use crate::env::{self, Environment, Fault};
use crate::roles::{self, Which};
use crate::{backfill, clusters, demo, exporters, parked, seal, settings, tenants};

#[derive(Parser)]
#[command(name = "kevra-scim", version, about = "SCIM 2.0 provisioning, both ways, for managed Keycloak realms")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The control API and the console.
    Control,
    /// The SCIM gateway.
    Gateway,
    /// The outbound dispatcher.
    Dispatcher,
    /// The three roles in one process.
    All,
    /// Brings the schema up to date.
    Migrate,
    /// Everything on this machine, on the embedded default, thrown away on exit.
    Demo(demo::Options),
    /// Prints the OpenAPI document of the control API.
    Openapi {
        /// Compares with this file instead, and fails if it differs.
        #[arg(long, value_name = "FILE")]
        check: Option<PathBuf>,
    },
    /// Checks the configuration of a role, without connecting anywhere.
    Check {
        /// control, gateway, dispatcher or all.
        #[arg(default_value = "all")]
        role: String,
    },
    /// Asks a running process whether it is ready: for images without curl.
    Healthcheck {
        /// The URL to ask.
        #[arg(default_value = "http://127.0.0.1:9464/readyz")]
        url: String,
    },
    /// Clusters, straight on the registry.
    #[command(subcommand)]
    Cluster(clusters::Command),
    /// Tenants, straight on the registry.
    #[command(subcommand)]
    Tenant(tenants::Command),
    /// Users set aside at a downstream, until they change or somebody decides.
    #[command(subcommand)]
    Parked(parked::Command),
    /// The explicit push of everybody to a tenant's downstream.
    #[command(subcommand)]
    Backfill(backfill::Command),
    /// Secrets at rest.
    #[command(subcommand)]
    Seal(seal::Command),
    /// Realms.
    #[command(subcommand)]
    Realm(tenants::RealmCommand),
    /// Looks at everything a tenant needs and says what is missing and how it is mended.
    Doctor {
        /// The tenant's slug.
        tenant: String,
        /// Mend what is missing.
        #[arg(long)]
        repair: bool,
    },
    /// Prints every setting with its meaning, as a page of the documentation.
    Environment {
        /// Compares with this file instead, and fails if it differs.
        #[arg(long, value_name = "FILE")]
        check: Option<PathBuf>,
    },
}

/// Runs the program.
pub fn main() -> ExitCode {
    // A second provider in the dependency graph must not decide; both calls fail only if one is installed already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("kevra-scim: no runtime: {error}");
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = if error.chain().any(<dyn std::error::Error>::is::<Fault>) {
                64
            } else if error.chain().any(<dyn std::error::Error>::is::<demo::Prerequisite>) {
                2
            } else {
                1
            };
            eprintln!("kevra-scim: {error:#}");
            ExitCode::from(code)
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    let environment = Environment::of_process();
    environment.check_names()?;
    match command {
        Command::Control => role(Which::CONTROL, &environment).await,
        Command::Gateway => role(Which::GATEWAY, &environment).await,
        Command::Dispatcher => role(Which::DISPATCHER, &environment).await,
        Command::All => role(Which::ALL, &environment).await,
        Command::Migrate => migrate(&environment).await,
        Command::Demo(options) => demo::run(options, environment).await,
        Command::Openapi { check } => generated("openapi", &control::document(), check.as_deref()),
        Command::Check { role } => check(&role, &environment),
        Command::Healthcheck { url } => healthcheck(&url).await,
        Command::Cluster(command) => clusters::run(command, &environment).await,
        Command::Tenant(command) => tenants::run(command, &environment).await,
        Command::Parked(command) => parked::run(command, &environment).await,
        Command::Backfill(command) => backfill::run(command, &environment).await,
        Command::Seal(command) => seal::run(command, &environment).await,
        Command::Realm(command) => tenants::realm(command, &environment).await,
        Command::Doctor { tenant, repair } => tenants::doctor(&tenant, repair, &environment).await,
        Command::Environment { check } => generated("environment", &env::page(), check.as_deref()),
    }
}

async fn role(which: Which, environment: &Environment) -> anyhow::Result<()> {
    let common = settings::common(environment)?;
    let exporters = exporters::install(&exporters::Settings {
        filter: &common.log,
        json: common.json,
        role: which.name(),
        otlp: common.otlp,
    })?;
    let outcome = roles::run(which, environment, exporters.registry.clone()).await;
    if let Err(error) = &outcome {
        tracing::error!(error = format!("{error:#}"), "stopped");
    }
    exporters.flush().await;
    outcome
}

async fn migrate(environment: &Environment) -> anyhow::Result<()> {
    let common = settings::common(environment)?;
    let count = migrations::migrate(common.database_url.expose_secret()).await?;
    println!("{count} migrations applied");
    Ok(())
}

/// Prints a document, or compares it with the file that holds it.
fn generated(command: &str, document: &str, check: Option<&std::path::Path>) -> anyhow::Result<()> {
    let Some(path) = check else {
        print!("{document}");
        return Ok(());
    };
    let stored = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if stored != document {
        anyhow::bail!("{0} is not current; write it anew: kevra-scim {command} > {0}", path.display());
    }
    Ok(())
}

fn check(role: &str, environment: &Environment) -> anyhow::Result<()> {
    let which = match role {
        "control" => Which::CONTROL,
        "gateway" => Which::GATEWAY,
        "dispatcher" => Which::DISPATCHER,
        "all" => Which::ALL,
        other => anyhow::bail!("there is no role {other}"),
    };
    roles::check(which, environment)?;
    println!("the configuration of {} is usable", which.name());
    Ok(())
}

async fn healthcheck(url: &str) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(3)).build()?;
    let response = client.get(url).send().await.with_context(|| format!("{url} does not answer"))?;
    let status = response.status();
    if !status.is_success() {
        anyhow::bail!("{url} answers {status}: {}", response.text().await.unwrap_or_default().trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
