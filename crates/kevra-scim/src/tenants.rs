//! Commands on the registry: what an operator does from a shell. A token is printed once, by the command that mints it.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use control::{Declared, Realms as _};
use registry::{BearerToken, Db, inbound_token, target, tenant};
use serde::Serialize;

use crate::consent::Consent;
use crate::env::Environment;
use crate::offboard::{self, Wish};
use crate::output::Output;
use crate::realms::Realms;
use crate::{roles, settings};

/// The actor in audit entries of these commands.
pub(crate) const ACTOR: &str = "cli";

/// Tenants.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists tenants.
    Ls {
        /// Only those with this in their slug, name or realm.
        #[arg(long, default_value = "")]
        search: String,
    },
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
    /// Replaces the inbound token and prints the new one, once. The old one is dead at once.
    Rotate {
        /// Its slug.
        tenant: String,
        #[command(flatten)]
        consent: Consent,
    },
    /// Disables inbound SCIM: the identity provider gets 401 from now on.
    Disable {
        /// Its slug.
        tenant: String,
        #[command(flatten)]
        consent: Consent,
    },
    /// Prints a tenant as a JSON document: everything somebody chose, no secret.
    Export {
        /// Its slug.
        tenant: String,
    },
    /// Makes or changes a tenant as a JSON document of `export` says.
    Apply {
        /// The document; standard input where it is `-`.
        file: PathBuf,
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
        #[command(flatten)]
        consent: Consent,
    },
    /// Erases everything known of one person, who has to be gone from the realm.
    EraseUser {
        /// Its slug.
        tenant: String,
        /// The user's id, or the userName of one who is in the directory still.
        user: String,
        /// Only say what there is.
        #[arg(long)]
        dry_run: bool,
        /// Even where a change has yet to be delivered: it never will be.
        #[arg(long)]
        even_if_owed: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Removes a tenant with everything known of it. Its realm and the downstream's records stay.
    Delete {
        /// Its slug.
        tenant: String,
        /// Do not put the realm's event stores back: for a realm that is gone already.
        #[arg(long)]
        leave_realm: bool,
        #[command(flatten)]
        consent: Consent,
    },
}

/// A tenant in a list.
#[derive(Serialize)]
struct Listed {
    slug: String,
    realm: String,
    cluster: String,
    base_url: String,
}

/// A tenant by itself.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    listed: Listed,
    display_name: String,
    custom_domain: Option<String>,
    frozen: bool,
    inbound: Option<Inbound>,
    outbound: Option<Outbound>,
}

#[derive(Serialize)]
struct Inbound {
    hint: String,
    minted_at: String,
    expires_at: Option<String>,
}

#[derive(Serialize)]
struct Outbound {
    base_url: String,
    quarantine: Option<String>,
    paused: bool,
    waiting: i64,
    parked: i64,
}

/// A fresh token.
#[derive(Serialize)]
struct Minted {
    token: String,
    hint: String,
    base_url: String,
}

impl Listed {
    fn of(tenant: &tenant::Tenant) -> Self {
        Self {
            slug: tenant.slug.clone(),
            realm: tenant.realm.clone(),
            cluster: tenant.cluster.clone(),
            base_url: tenant.scim_base_url(),
        }
    }
}

impl Shown {
    async fn of(db: &Db, tenant: &tenant::Tenant) -> anyhow::Result<Self> {
        let token = inbound_token::newest(db, tenant.id).await?.filter(|token| token.died_at.is_none());
        let outbound = match target::current(db, tenant.id).await?.filter(|target| target.active) {
            None => None,
            Some(target) => {
                let backlog = directory::ledger::backlog_of(db, tenant.id).await?;
                let (waiting, parked) = (backlog.waiting, backlog.parked);
                let (paused, quarantine) = (target.paused(), target.quarantine_reason);
                let quarantine = target.quarantined_at.map(|_| quarantine.unwrap_or_default());
                Some(Outbound { base_url: target.base_url, quarantine, paused, waiting, parked })
            }
        };
        Ok(Self {
            listed: Listed::of(tenant),
            display_name: tenant.display_name.clone(),
            custom_domain: tenant.custom_domain.clone(),
            frozen: tenant.frozen_at.is_some(),
            inbound: token.map(|token| Inbound {
                hint: token.hint,
                minted_at: control::moment(token.minted_at),
                expires_at: token.expires_at.map(control::moment),
            }),
            outbound,
        })
    }

    fn text(&self) -> String {
        let Listed { slug, realm, cluster, base_url } = &self.listed;
        let inbound =
            self.inbound.as_ref().map_or_else(|| "disabled".to_owned(), |on| format!("enabled, …{}", on.hint));
        let outbound = self.outbound.as_ref().map_or_else(|| "disabled".to_owned(), Outbound::text);
        let frozen = if self.frozen { "\n  frozen    a move or a removal is not over" } else { "" };
        format!(
            "{slug}\n  realm     {realm} on {cluster}\n  base URL  {base_url}\n  inbound   {inbound}\n  outbound  {outbound}{frozen}"
        )
    }
}

impl Outbound {
    fn text(&self) -> String {
        let Self { base_url, quarantine, paused, waiting, parked } = self;
        let state = match quarantine {
            Some(reason) => format!(", quarantined: {reason}"),
            None if *paused => ", paused at its own wish".to_owned(),
            None => String::new(),
        };
        format!("{base_url}{state}, {waiting} waiting, {parked} parked")
    }
}

pub(crate) async fn run(command: Command, environment: &Environment, output: Output) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    match command {
        Command::Ls { search } => {
            let (page, _) = tenant::list(&db, &search, 0, 100_000).await?;
            let rows: Vec<Listed> = page.iter().map(Listed::of).collect();
            output.list(&rows, |row| format!("{}\t{}\t{}", row.slug, row.realm, row.base_url))
        }
        Command::Show { tenant } => output.show(&Shown::of(&db, &find(&db, &tenant).await?).await?, Shown::text),
        Command::Create { tenant, realm, cluster } => {
            registry::cluster::by_name(&db, &cluster).await.with_context(|| {
                format!("cluster {cluster}; make it with `kevra-scim cluster set {cluster} --public-host URL`")
            })?;
            if find(&db, &tenant).await.is_ok() {
                anyhow::bail!("tenant {tenant}: there is one already");
            }
            let realm = realm.unwrap_or_else(|| tenant.clone());
            let declared = Declared { slug: tenant.clone(), realm, cluster, ..Declared::default() };
            declared.apply(&db, &realms(&db, environment)?, ACTOR).await?;
            let made = Listed::of(&find(&db, &tenant).await?);
            output.show(&made, |made| made.base_url.clone())
        }
        Command::Enable { tenant } => {
            let found = find(&db, &tenant).await?;
            realms(&db, environment)?.set_up(&found, None).await.context("the realm")?;
            let token = BearerToken::generate()?;
            control::accept(&db, found.id, &token, ACTOR).await?;
            reveal(&token, &found, output)
        }
        Command::Rotate { tenant, consent } => {
            let found = find(&db, &tenant).await?;
            consent.to(&format!("The present token of {tenant} will be refused at once."))?;
            let token = BearerToken::generate()?;
            inbound_token::rotate(&db, found.id, &token, None, ACTOR).await?;
            reveal(&token, &found, output)
        }
        Command::Disable { tenant, consent } => {
            let found = find(&db, &tenant).await?;
            consent.to(&format!("{tenant}'s identity provider will get 401, and its token never works again."))?;
            inbound_token::disable(&db, found.id, ACTOR).await?;
            realms(&db, environment)?.try_stand_down(&found).await;
            output.done(&format!("inbound SCIM of {tenant} is disabled"))
        }
        Command::Export { tenant } => {
            let declared = Declared::of(&db, &find(&db, &tenant).await?).await?;
            Output::Json.show(&declared, |_| String::new())
        }
        Command::Apply { file } => {
            let declared: Declared = serde_json::from_str(&read(&file)?).with_context(|| file.display().to_string())?;
            let slug = declared.slug.clone();
            let applied = declared.apply(&db, &realms(&db, environment)?, ACTOR).await?;
            let told = serde_json::json!({ "slug": slug, "applied": applied });
            output.show(&told, |told| format!("{slug} {}", told["applied"].as_str().unwrap_or_default()))
        }
        Command::Move { tenant, cluster, realm, consent } => {
            let found = find(&db, &tenant).await?;
            let to = registry::cluster::by_name(&db, &cluster).await.with_context(|| format!("cluster {cluster}"))?;
            let realm = realm.as_deref().unwrap_or(&found.realm);
            control::check_realm(realm)?;
            consent.to(&format!("{tenant} answers 503 until its realm is taken over on {cluster}."))?;
            offboard::relocate(&db, &realms(&db, environment)?, &found, to.id, realm).await?;
            output.show(&Listed::of(&find(&db, &tenant).await?), |moved| moved.base_url.clone())
        }
        Command::EraseUser { tenant, user, dry_run, even_if_owed, consent } => {
            let found = find(&db, &tenant).await?;
            let wish = Wish { user: &user, dry_run, even_if_owed, consent: &consent };
            offboard::erase_user(&db, &realms(&db, environment)?, &found, &wish, output).await
        }
        Command::Delete { tenant, leave_realm, consent } => {
            let found = find(&db, &tenant).await?;
            consent.to(&format!("{tenant}, its directory, its tokens and its activity will be gone."))?;
            control::remove(&db, &realms(&db, environment)?, &found, leave_realm, ACTOR).await?;
            output.done(&format!("tenant {tenant} is removed; realm {} stays", found.realm))
        }
    }
}

/// The realms with whatever credentials this environment has.
pub(crate) fn realms(db: &Db, environment: &Environment) -> anyhow::Result<Realms> {
    Ok(Realms::new(db.clone(), settings::realm_keyring(environment)?, settings::admins(environment)?))
}

fn reveal(token: &BearerToken, tenant: &tenant::Tenant, output: Output) -> anyhow::Result<()> {
    let (token, hint) = (token.reveal().to_owned(), token.hint());
    output.show(&Minted { token, hint, base_url: tenant.scim_base_url() }, |minted| minted.token.clone())
}

fn read(file: &std::path::Path) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        return std::io::read_to_string(std::io::stdin()).context("standard input");
    }
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

pub(crate) async fn find(db: &Db, slug: &str) -> anyhow::Result<tenant::Tenant> {
    tenant::by_slug(db, slug).await.with_context(|| format!("tenant {slug}"))
}
