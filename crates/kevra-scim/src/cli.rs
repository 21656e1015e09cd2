//! The command line. Exit codes: 64 for a bad setting or consent that was not given, 2 for wrong arguments or missing
//! prerequisites of the demo, 1 for everything else.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use secrecy::ExposeSecret;

use crate::consent::Withheld;
#[cfg(feature = "demo")]
use crate::demo;
use crate::env::{self, Environment, Fault};
use crate::output::{Output, say};
use crate::roles::{self, Which};
use crate::{
    attempts, backfill, clusters, doctor, exporters, held, manual, outbound, parked, realm_commands, seal, settings,
    tenants,
};

#[derive(Parser)]
#[command(name = "kevra-scim", version, about = "SCIM 2.0 provisioning, both ways, for managed Keycloak realms")]
struct Cli {
    /// How a command says what it found or did.
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORMAT")]
    output: Output,
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
    #[cfg(feature = "demo")]
    Demo(demo::Options),
    /// Prints the OpenAPI document of the control API.
    Openapi {
        /// Compares with a file instead, and fails if it differs.
        #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "docs/openapi.json")]
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
    /// The application a tenant's changes are pushed to.
    #[command(subcommand)]
    Outbound(outbound::Command),
    /// Calls to a tenant's downstream, and the rest of its activity.
    #[command(subcommand)]
    Attempt(attempts::Command),
    /// Users set aside at a downstream, until they change or somebody decides.
    #[command(subcommand)]
    Parked(parked::Command),
    /// What would hit many users at once, and waits for somebody's word.
    #[command(subcommand)]
    Held(held::Command),
    /// The explicit push of everybody to a tenant's downstream.
    #[command(subcommand)]
    Backfill(backfill::Command),
    /// Secrets at rest.
    #[command(subcommand)]
    Seal(seal::Command),
    /// Realms.
    #[command(subcommand)]
    Realm(realm_commands::Command),
    /// Looks at everything the service would reach, from where it runs, and says what is missing and how it is mended.
    Doctor {
        /// The slug of one tenant to look at; the whole installation where left out.
        tenant: Option<String>,
        /// Mend what is missing of the tenant's realm.
        #[arg(long, requires = "tenant")]
        repair: bool,
    },
    /// Prints completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Writes manual pages.
    Man {
        /// Where to; made if it is not there.
        directory: PathBuf,
    },
    /// Prints a generated page of the documentation.
    Reference {
        /// Which.
        page: Page,
        /// Compares with this file instead, and fails if it differs.
        #[arg(long, value_name = "FILE")]
        check: Option<PathBuf>,
    },
    /// Prints every setting with its meaning, as a page of the documentation.
    Environment {
        /// Compares with a file instead, and fails if it differs.
        #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "docs/configuration.md")]
        check: Option<PathBuf>,
    },
}

/// A generated page of the documentation.
#[derive(Clone, Copy, ValueEnum)]
enum Page {
    /// Every command and argument.
    Cli,
    /// Every code of an error.
    Errors,
}

impl Page {
    fn text(self) -> String {
        match self {
            Self::Cli => manual::page(Cli::command()),
            Self::Errors => control::error_page(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cli => "reference cli",
            Self::Errors => "reference errors",
        }
    }
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
    match runtime.block_on(run(cli.command, cli.output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kevra-scim: {error:#}");
            ExitCode::from(code(&error))
        }
    }
}

fn code(error: &anyhow::Error) -> u8 {
    #[cfg(feature = "demo")]
    if error.chain().any(<dyn std::error::Error>::is::<demo::Prerequisite>) {
        return 2;
    }
    let asked_wrongly = |error: &(dyn std::error::Error + 'static)| error.is::<Fault>() || error.is::<Withheld>();
    if error.chain().any(asked_wrongly) { 64 } else { 1 }
}

async fn run(command: Command, output: Output) -> anyhow::Result<()> {
    let environment = Environment::of_process();
    environment.check_names()?;
    match command {
        Command::Control => role(Which::CONTROL, &environment).await,
        Command::Gateway => role(Which::GATEWAY, &environment).await,
        Command::Dispatcher => role(Which::DISPATCHER, &environment).await,
        Command::All => role(Which::ALL, &environment).await,
        Command::Migrate => migrate(&environment, output).await,
        #[cfg(feature = "demo")]
        Command::Demo(options) => demo::run(options, environment).await,
        Command::Openapi { check } => generated("openapi", &control::document(), check.as_deref()),
        Command::Check { role } => check(&role, &environment, output),
        Command::Healthcheck { url } => healthcheck(&url).await,
        Command::Cluster(command) => clusters::run(command, &environment, output).await,
        Command::Tenant(command) => tenants::run(command, &environment, output).await,
        Command::Parked(command) => parked::run(command, &environment, output).await,
        Command::Held(command) => held::run(command, &environment, output).await,
        Command::Backfill(command) => backfill::run(command, &environment, output).await,
        Command::Seal(command) => seal::run(command, &environment, output).await,
        Command::Outbound(command) => outbound::run(command, &environment, output).await,
        Command::Attempt(command) => attempts::run(command, &environment, output).await,
        Command::Realm(command) => realm_commands::run(command, &environment, output).await,
        Command::Doctor { tenant: Some(tenant), repair } => doctor::tenant(&tenant, repair, &environment, output).await,
        Command::Doctor { tenant: None, .. } => doctor::installation(&environment, output).await,
        Command::Completions { shell } => manual::completions(shell, Cli::command()),
        Command::Man { directory } => manual::pages(&directory, Cli::command()),
        Command::Reference { page, check } => generated(page.name(), &page.text(), check.as_deref()),
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
    let outcome = roles::run(which, environment, &exporters).await;
    if let Err(error) = &outcome {
        tracing::error!(name = "stopped", error = format!("{error:#}"), "stopped");
    }
    exporters.flush().await;
    outcome
}

async fn migrate(environment: &Environment, output: Output) -> anyhow::Result<()> {
    let common = settings::common(environment)?;
    let count = migrations::migrate(common.database_url.expose_secret()).await?;
    output.show(&serde_json::json!({ "applied": count }), |_| format!("{count} migrations applied"))
}

/// Prints a document, or compares it with the file that holds it.
fn generated(command: &str, document: &str, check: Option<&std::path::Path>) -> anyhow::Result<()> {
    let Some(path) = check else {
        return say(document);
    };
    let stored = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if stored != document {
        anyhow::bail!("{0} is not current; write it anew: kevra-scim {command} > {0}", path.display());
    }
    Ok(())
}

fn check(role: &str, environment: &Environment, output: Output) -> anyhow::Result<()> {
    let which = match role {
        "control" => Which::CONTROL,
        "gateway" => Which::GATEWAY,
        "dispatcher" => Which::DISPATCHER,
        "all" => Which::ALL,
        other => anyhow::bail!("there is no role {other}"),
    };
    roles::check(which, environment)?;
    output.done(&format!("the configuration of {} is usable", which.name()))
}

#[expect(clippy::disallowed_methods, reason = "the one call, to the address it was given")]
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
