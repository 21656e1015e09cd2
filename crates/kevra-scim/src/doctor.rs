//! `doctor`: looks at everything the service would reach, from where it runs, and says what is missing and how it is
//! mended. Of one tenant, or of the whole installation.

use anyhow::Context;
use control::jwks::Verifier;
use directory::{ledger, watch};
use realm::keycloak::{ANOTHER_REALM, Admin, OLD_KEYCLOAK};
use registry::audit::Note;
use registry::{Db, DbOptions, cluster, tenant};
use secrecy::ExposeSecret;
use serde::Serialize;

use crate::env::{self, Environment};
use crate::output::Output;
use crate::realms::Realms;
use crate::tenants::{ACTOR, find, realms};
use crate::{roles, seal, settings};

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    ok: bool,
    what: &'static str,
    says: String,
}

/// Everything that was looked at.
#[derive(Default, Serialize)]
struct Findings(Vec<Finding>);

impl Findings {
    fn note(&mut self, ok: bool, what: &'static str, says: impl Into<String>) {
        self.0.push(Finding { ok, what, says: says.into() });
    }

    /// Says all of it; an error where something is missing.
    fn tell(&self, output: Output) -> anyhow::Result<()> {
        let line = |finding: &Finding| {
            let Finding { ok, what, says } = finding;
            format!("{} {what:<12} {says}", if *ok { "ok  " } else { "MISS" })
        };
        output.list(&self.0, line)?;
        match self.0.iter().filter(|finding| !finding.ok).count() {
            0 => Ok(()),
            1 => anyhow::bail!("1 thing is missing"),
            missing => anyhow::bail!("{missing} things are missing"),
        }
    }
}

/// Looks at one tenant; `repair` mends its realm's set-up first.
pub(crate) async fn tenant(slug: &str, repair: bool, environment: &Environment, output: Output) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    let found = find(&db, slug).await?;
    let realms = realms(&db, environment)?;
    let mut findings = Findings::default();
    let place = found.keycloak_url.as_deref().unwrap_or("embedded");
    findings.note(true, "realm", format!("{} on {} ({place})", found.realm, found.cluster));
    let frozen = found.frozen_at.is_some();
    findings.note(!frozen, "tenant", if frozen { "frozen: a move is not over" } else { "served" });
    match realms.missing(&found).await {
        Err(error) => {
            let says = format!("{error}; check the address and the credential of its cluster");
            findings.note(false, "keycloak", says);
        }
        Ok(missing) => set_up(&db, &realms, &found, missing, repair, &mut findings).await?,
    }
    let import = watch::import_state(&db, found.id).await?;
    let state = import.map_or("never begun".to_owned(), |import| match import.import_done_at {
        Some(_) => format!("done, {} users", import.imported),
        None => format!("under way, {} users so far", import.imported),
    });
    findings.note(true, "import", state);
    findings.tell(output)
}

async fn set_up(
    db: &Db,
    realms: &Realms,
    found: &tenant::Tenant,
    mut missing: Vec<&'static str>,
    repair: bool,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let slug = &found.slug;
    // What a repair cannot mend, and who can.
    let by_hand = |piece: &str| match piece {
        ANOTHER_REALM => {
            let cluster = &found.cluster;
            let take_it = format!("kevra-scim tenant move {slug} --cluster {cluster}");
            Some(format!("putting the realm back, or, to take this one: {take_it}"))
        }
        OLD_KEYCLOAK => Some("an upgrade of Keycloak".to_owned()),
        _ => None,
    };
    if repair && !missing.is_empty() && missing.iter().all(|piece| by_hand(piece).is_none()) {
        let note = Note { actor: ACTOR, action: "realm.repair", detail: serde_json::json!({ "missing": missing }) };
        realms.set_up(found, Some(&note)).await.context("the realm")?;
        watch::want_compare(db, found.id).await?;
        for piece in &missing {
            findings.note(true, "mended", *piece);
        }
        missing = realms.missing(found).await.context("the realm")?;
    }
    for piece in &missing {
        let mended_by = by_hand(piece).unwrap_or_else(|| format!("kevra-scim doctor {slug} --repair"));
        findings.note(false, "set-up", format!("{piece}; mend it with: {mended_by}"));
    }
    if missing.is_empty() {
        findings.note(true, "set-up", "client, roles, realm role, attributes, event stores, renames");
    }
    let reached = match realms.of_tenant(found).await {
        Ok(realm) => realm.identity().await.map(drop),
        Err(error) => Err(error),
    };
    match reached {
        Ok(()) => findings.note(true, "data path", "the realm takes our client"),
        Err(error) => {
            let says = format!("{error}; mend it with: kevra-scim realm provision {slug}");
            findings.note(false, "data path", says);
        }
    }
    Ok(())
}

/// Looks at the whole installation: what this environment names, and what the database says of all tenants.
pub(crate) async fn installation(environment: &Environment, output: Output) -> anyhow::Result<()> {
    let mut findings = Findings::default();
    let common = settings::common(environment)?;
    let options = DbOptions { connections: 2, ..common.database.clone() };
    let db = match Db::connect(&common.database_url, &options).await {
        Ok(db) => {
            let kind = if common.database_url.expose_secret().starts_with("sqlite:") { "SQLite" } else { "PostgreSQL" };
            findings.note(true, "database", kind);
            Some(db)
        }
        Err(error) => {
            findings.note(false, "database", format!("{error}; check DATABASE_URL and whether it runs"));
            None
        }
    };
    broker(environment, &mut findings).await?;
    operators(environment, &mut findings).await?;
    if let Some(db) = db {
        match migrations::pending(db.connection()).await {
            Err(error) => findings.note(false, "schema", format!("{error}")),
            Ok(pending) if !pending.is_empty() => {
                findings.note(false, "schema", format!("{} migrations are pending: kevra-scim migrate", pending.len()));
            }
            Ok(_) => {
                findings.note(true, "schema", "current");
                keys(&db, environment, &mut findings).await?;
                clusters(&db, environment, &mut findings).await?;
                tenants(&db, &mut findings).await?;
            }
        }
    }
    findings.tell(output)
}

async fn broker(environment: &Environment, findings: &mut Findings) -> anyhow::Result<()> {
    match settings::amqp(environment)? {
        None => findings.note(true, "broker", "none: the doorbell is in process, for one process only"),
        Some(url) => match bus::reach(&url).await {
            Ok(()) => findings.note(true, "broker", "takes our credentials"),
            Err(why) => findings.note(false, "broker", format!("{why}; check AMQP_URL and whether it runs")),
        },
    }
    Ok(())
}

async fn operators(environment: &Environment, findings: &mut Findings) -> anyhow::Result<()> {
    if !environment.has(env::JWKS) {
        findings.note(true, "operators", "KEVRA_JWKS is not set here: control would not start");
        return Ok(());
    }
    let readable = Verifier::new(settings::operators(environment)?)?.reaches_keys().await;
    let says =
        if readable { "the issuer's keys can be read" } else { "the issuer's keys cannot be read: check KEVRA_JWKS" };
    findings.note(readable, "operators", says);
    Ok(())
}

async fn keys(db: &Db, environment: &Environment, findings: &mut Findings) -> anyhow::Result<()> {
    let given = environment.has(env::SEAL_KEYRING);
    let tokens = given.then(|| settings::keyring(environment, env::SEAL_KEYRING)).transpose()?;
    match seal::check(db, tokens.as_ref(), settings::realm_keyring(environment)?.as_ref()).await {
        Ok(()) => findings.note(true, "keyrings", "what is stored opens with the keys given here"),
        Err(fault) => findings.note(false, "keyrings", format!("{fault}")),
    }
    Ok(())
}

async fn clusters(db: &Db, environment: &Environment, findings: &mut Findings) -> anyhow::Result<()> {
    let admins = settings::admins(environment)?;
    let clusters = cluster::list(db).await?;
    if clusters.is_empty() {
        findings.note(false, "clusters", "none: kevra-scim cluster set default --public-host URL --keycloak-url URL");
    }
    for cluster in clusters {
        let (name, host) = (cluster.name, cluster.public_host);
        let Some(base_url) = cluster.keycloak_url else {
            findings.note(true, "cluster", format!("{name} at {host}: embedded realms"));
            continue;
        };
        let Some((client_id, client_secret)) = admins.get(&name).cloned() else {
            let says = format!("{name} at {host}: no credential for {base_url} here, as is right outside control");
            findings.note(true, "cluster", says);
            continue;
        };
        let admin = Admin { base_url: base_url.trim_end_matches('/').to_owned(), client_id, client_secret };
        match admin.call("master", reqwest::Method::GET, "", None).await {
            Ok(_) => findings.note(true, "cluster", format!("{name} at {host}: {base_url} takes our client")),
            Err(error) => findings.note(false, "cluster", format!("{name} at {host}: {base_url}: {error}")),
        }
    }
    Ok(())
}

async fn tenants(db: &Db, findings: &mut Findings) -> anyhow::Result<()> {
    let (_, total) = tenant::list(db, "", 0, 0).await?;
    findings.note(true, "tenants", format!("{total}"));
    for slug in tenant::frozen(db).await? {
        findings.note(false, "tenant", format!("{slug} is frozen: a move or a removal is not over"));
    }
    let targets = ledger::targets(db).await?;
    let says =
        format!("{} deliver, {} are paused, {} quarantined", targets.delivering, targets.paused, targets.quarantined);
    findings.note(targets.quarantined == 0, "downstreams", says);
    let backlog = ledger::backlog(db).await?;
    let oldest = backlog.oldest / 1_000_000;
    let says = format!("{} wait, the oldest for {oldest} s; {} are parked", backlog.waiting, backlog.parked);
    findings.note(oldest < 300, "changes", says);
    Ok(())
}
