//! Commands on the registry: what an operator does from a shell. A token is printed once, by the command that mints it.

use anyhow::Context;
use clap::Subcommand;
use registry::tenant::{self, New};
use registry::{BearerToken, Db, inbound_token};

use crate::env::Environment;
use crate::realms::Realms;
use crate::{roles, settings};

/// The actor in audit entries of these commands.
pub(crate) const ACTOR: &str = "cli";

/// Tenants.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists tenants.
    Ls,
    /// Shows a tenant.
    Show {
        /// Its slug.
        tenant: String,
    },
    /// Makes a tenant.
    Create {
        /// Its slug.
        tenant: String,
        /// Its realm; the slug where left out.
        #[arg(long)]
        realm: Option<String>,
        /// The cluster its realm is on.
        #[arg(long, default_value = "default")]
        cluster: String,
    },
    /// Enables inbound SCIM and prints the token, once.
    Enable {
        /// Its slug.
        tenant: String,
    },
    /// Replaces the inbound token and prints the new one, once.
    Rotate {
        /// Its slug.
        tenant: String,
    },
    /// Disables inbound SCIM.
    Disable {
        /// Its slug.
        tenant: String,
    },
}

/// Realms.
#[derive(Subcommand)]
pub(crate) enum RealmCommand {
    /// Sets a tenant's realm up; repeatable.
    Provision {
        /// The tenant's slug.
        tenant: String,
    },
}

pub(crate) async fn run(command: Command, environment: &Environment) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    match command {
        Command::Ls => {
            let (page, _) = tenant::list(&db, "", 0, 10_000).await?;
            for tenant in page {
                println!("{}\t{}\t{}", tenant.slug, tenant.realm, tenant.scim_base_url());
            }
        }
        Command::Show { tenant } => {
            let found = find(&db, &tenant).await?;
            let token = inbound_token::newest(&db, found.id).await?.filter(|token| token.died_at.is_none());
            let target = registry::target::current(&db, found.id).await?.filter(|target| target.active);
            println!("{}\n  realm     {}\n  base URL  {}", found.slug, found.realm, found.scim_base_url());
            println!(
                "  inbound   {}",
                token.map_or("disabled".to_owned(), |token| format!("enabled, …{}", token.hint))
            );
            println!("  outbound  {}", target.map_or("disabled".to_owned(), |target| target.base_url));
        }
        Command::Create { tenant, realm, cluster } => {
            let cluster = registry::cluster::by_name(&db, &cluster).await.with_context(|| {
                format!("cluster {cluster}; make it with `kevra-scim cluster set {cluster} --public-host URL`")
            })?;
            let new = New {
                display_name: tenant.clone(),
                realm: realm.unwrap_or_else(|| tenant.clone()),
                slug: tenant,
                cluster: cluster.id,
                custom_domain: None,
            };
            println!("{}", tenant::create(&db, &new, ACTOR).await?.scim_base_url());
        }
        Command::Enable { tenant } => {
            let found = find(&db, &tenant).await?;
            let realms = Realms::new(db.clone(), settings::realm_keyring(environment)?, settings::admin(environment)?);
            realms.set_up(&found).await.context("the realm")?;
            let token = BearerToken::generate()?;
            inbound_token::enable(&db, found.id, &token, ACTOR).await?;
            println!("{}", token.reveal());
        }
        Command::Rotate { tenant } => {
            let found = find(&db, &tenant).await?;
            let token = BearerToken::generate()?;
            inbound_token::rotate(&db, found.id, &token, None, ACTOR).await?;
            println!("{}", token.reveal());
        }
        Command::Disable { tenant } => {
            let found = find(&db, &tenant).await?;
            inbound_token::disable(&db, found.id, ACTOR).await?;
        }
    }
    Ok(())
}

pub(crate) async fn realm(command: RealmCommand, environment: &Environment) -> anyhow::Result<()> {
    let RealmCommand::Provision { tenant } = command;
    let db = roles::open(&settings::common(environment)?).await?;
    let found = find(&db, &tenant).await?;
    let realms = Realms::new(db.clone(), settings::realm_keyring(environment)?, settings::admin(environment)?);
    realms.set_up(&found).await.context("the realm")?;
    println!("realm {} is set up", found.realm);
    Ok(())
}

pub(crate) async fn find(db: &Db, slug: &str) -> anyhow::Result<tenant::Tenant> {
    tenant::by_slug(db, slug).await.with_context(|| format!("tenant {slug}"))
}
