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
    /// Moves a tenant's realm to another cluster, or to another name; it answers 503 meanwhile.
    Move {
        /// Its slug.
        tenant: String,
        /// Where its realm is from now on.
        #[arg(long)]
        cluster: String,
        /// The realm there; the same name where left out.
        #[arg(long)]
        realm: Option<String>,
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
            let realms = Realms::new(db.clone(), settings::realm_keyring(environment)?, settings::admins(environment)?);
            realms.set_up(&found).await.context("the realm")?;
            let token = BearerToken::generate()?;
            inbound_token::enable(&db, found.id, &token, ACTOR).await?;
            directory::watch::want_import(&db, found.id).await?;
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
        Command::Move { tenant, cluster, realm } => {
            let found = find(&db, &tenant).await?;
            let cluster =
                registry::cluster::by_name(&db, &cluster).await.with_context(|| format!("cluster {cluster}"))?;
            let realms = Realms::new(db.clone(), settings::realm_keyring(environment)?, settings::admins(environment)?);
            relocate(&db, &realms, &found, cluster.id, realm.as_deref().unwrap_or(&found.realm)).await?;
            println!("{}", find(&db, &tenant).await?.scim_base_url());
        }
    }
    Ok(())
}

/// Freeze, drain, act, compare, thaw (K30). What fails leaves the tenant frozen where it was found to be unsafe, and says so.
async fn relocate(
    db: &Db,
    realms: &Realms,
    tenant: &tenant::Tenant,
    cluster: registry::ClusterId,
    realm: &str,
) -> anyhow::Result<()> {
    tenant::freeze(db, tenant.id, true).await?;
    let begun = std::time::Instant::now();
    while directory::writing::under_way(db, tenant.id).await? > 0 {
        if begun.elapsed() > std::time::Duration::from_secs(40) {
            tenant::freeze(db, tenant.id, false).await?;
            anyhow::bail!("work of this tenant did not end; nothing was moved");
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    tenant::relocate(db, tenant.id, cluster, realm, ACTOR).await?;
    directory::watch::forget_realm(db, tenant.id).await?;
    let moved = tenant::by_id(db, tenant.id).await?;
    realms.set_up(&moved).await.context("the realm at its new place; the tenant stays frozen, run this again")?;
    directory::watch::want_import(db, tenant.id).await?;
    directory::watch::want_compare(db, tenant.id).await?;
    Ok(tenant::freeze(db, tenant.id, false).await?)
}

pub(crate) async fn realm(command: RealmCommand, environment: &Environment) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    let realms = Realms::new(db.clone(), settings::realm_keyring(environment)?, settings::admins(environment)?);
    match command {
        RealmCommand::Provision { tenant } => {
            let found = find(&db, &tenant).await?;
            realms.set_up(&found).await.context("the realm")?;
            println!("realm {} is set up", found.realm);
        }
        RealmCommand::RotateSecret { tenant } => {
            let found = find(&db, &tenant).await?;
            realms.rotate_secret(&found).await.context("the realm")?;
            println!("the client of realm {} has another secret", found.realm);
        }
        RealmCommand::Compare { tenant } => {
            let found = find(&db, &tenant).await?;
            directory::watch::want_compare(&db, found.id).await?;
            println!("realm {} will be compared", found.realm);
        }
    }
    Ok(())
}

/// Looks at everything a tenant needs and says what is missing and how it is mended.
pub(crate) async fn doctor(tenant: &str, repair: bool, environment: &Environment) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    let found = find(&db, tenant).await?;
    let realms = Realms::new(db.clone(), settings::realm_keyring(environment)?, settings::admins(environment)?);
    let line = |good: bool, what: &str, say: &str| println!("{} {what:<12} {say}", if good { "ok  " } else { "MISS" });
    let place = found.keycloak_url.as_deref().unwrap_or("embedded");
    line(true, "realm", &format!("{} on {} ({place})", found.realm, found.cluster));
    line(
        found.frozen_at.is_none(),
        "tenant",
        if found.frozen_at.is_some() { "frozen: a move is not over" } else { "served" },
    );
    let mut missing = match realms.missing(&found).await {
        Ok(missing) => missing,
        Err(error) => {
            line(false, "keycloak", &format!("{error}; check the address and the credential of its cluster"));
            anyhow::bail!("the realm could not be looked at");
        }
    };
    let foreign = missing.contains(&realm::keycloak::ANOTHER_REALM);
    if repair && !missing.is_empty() && !foreign {
        realms.set_up(&found).await.context("the realm")?;
        directory::watch::want_compare(&db, found.id).await?;
        for piece in &missing {
            line(true, "mended", piece);
        }
        missing = realms.missing(&found).await.context("the realm")?;
    }
    let repair = format!("kevra-scim doctor {tenant} --repair");
    let accept = format!(
        "putting the realm back, or, to take this one: kevra-scim tenant move {tenant} --cluster {}",
        found.cluster
    );
    for piece in &missing {
        line(false, "set-up", &format!("{piece}; mend it with: {}", if foreign { &accept } else { &repair }));
    }
    if missing.is_empty() {
        line(true, "set-up", "client, roles, realm role, attributes, event stores, renames");
    }
    match realms.of_tenant(&found).await {
        Ok(realm) => match realm.identity().await {
            Ok(_) => line(true, "data path", "the realm takes our client"),
            Err(error) => {
                line(false, "data path", &format!("{error}; mend it with: kevra-scim realm provision {tenant}"));
                missing.push("the data path");
            }
        },
        Err(error) => line(false, "data path", &error.to_string()),
    }
    let import = directory::watch::import_state(&db, found.id).await?;
    let state = import.map_or("never begun".to_owned(), |import| match import.import_done_at {
        Some(_) => format!("done, {} users", import.imported),
        None => format!("under way, {} users so far", import.imported),
    });
    line(true, "import", &state);
    if missing.is_empty() { Ok(()) } else { anyhow::bail!("{} pieces are missing", missing.len()) }
}

pub(crate) async fn find(db: &Db, slug: &str) -> anyhow::Result<tenant::Tenant> {
    tenant::by_slug(db, slug).await.with_context(|| format!("tenant {slug}"))
}
