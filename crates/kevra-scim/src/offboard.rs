//! What needs a tenant, or one of its people, to stand still: moving its realm, erasing a person (K30).

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use control::DRAIN;
use directory::erase::{self, Erasure};
use directory::ledger::{self, Mark};
use directory::{user, watch};
use registry::{ClusterId, Db, tenant};
use serde::Serialize;
use uuid::Uuid;

use crate::consent::Consent;
use crate::output::Output;
use crate::realms::Realms;
use crate::tenants::ACTOR;

/// How long nothing more of an erased person may come: what waits in a process's journal is written within a fraction of it.
const QUIET: Duration = Duration::from_secs(2);

/// Freeze, drain, act, compare, thaw (K30). What fails leaves the tenant frozen where it was found to be unsafe, and says so.
pub(crate) async fn relocate(
    db: &Db,
    realms: &Realms,
    found: &tenant::Tenant,
    cluster: ClusterId,
    realm: &str,
) -> anyhow::Result<()> {
    control::freeze(db, found).await?;
    if let Err(error) = tenant::relocate(db, found.id, cluster, realm, ACTOR).await {
        control::thaw(db, found).await?;
        let after = if found.frozen_at.is_none() { "goes on where it is" } else { "stays frozen" };
        bail!("{error}; nothing was moved, and the tenant {after}");
    }
    watch::forget_realm(db, found.id).await?;
    let moved = tenant::by_id(db, found.id).await?;
    realms.set_up(&moved, None).await.context("the realm at its new place; the tenant stays frozen, run this again")?;
    watch::want_import(db.connection(), found.id).await?;
    watch::want_compare(db, found.id).await?;
    Ok(tenant::freeze(db, found.id, false).await?)
}

/// What is told of an erasure.
#[derive(Serialize)]
struct Told {
    user_id: Uuid,
    erased: bool,
    rows: Rows,
    /// Records of applications, which have to erase them themselves.
    downstream: Vec<erase::Record>,
}

impl Told {
    fn text(&self) -> String {
        let mut lines = vec![format!("{} {}", self.user_id, if self.erased { "is erased" } else { "would be erased" })];
        lines.extend(self.rows.iter().map(|(table, count)| format!("  {table:<15} {count}")));
        for record in &self.downstream {
            lines.push(format!("  still downstream: {} {}", record.base_url, record.downstream_id));
        }
        lines.join("\n")
    }
}

/// How to erase somebody.
pub(crate) struct Wish<'a> {
    /// A user's id, or the userName of one who is in the directory still.
    pub user: &'a str,
    /// Only say what there is.
    pub dry_run: bool,
    /// Even where a change waits to be delivered.
    pub even_if_owed: bool,
    pub consent: &'a Consent,
}

/// Erases one person. Who is still in the realm is refused: the next look at the realm would bring the data back.
pub(crate) async fn erase_user(
    db: &Db,
    realms: &Realms,
    found: &tenant::Tenant,
    wish: &Wish<'_>,
    output: Output,
) -> anyhow::Result<()> {
    let id = identify(db, found, wish.user).await?;
    let downstream = erase::records(db, found.id, id).await?;
    if wish.dry_run {
        let told = Told { user_id: id, erased: false, rows: erase::rows(db, found.id, id).await?, downstream };
        return output.show(&told, Told::text);
    }
    if found.keycloak_url.is_some() {
        let realm = realms.of_tenant(found).await.context("the realm")?;
        if realm.user(id).await.context("the realm")?.is_some() {
            bail!("user {id} is in the realm still; delete it there first, or the next look would bring the data back");
        }
    }
    wish.consent.to(&format!("Everything known of user {id} of {} will be erased.", found.slug))?;
    // The realm may have deleted the user a moment ago. What the application is told of it comes first.
    let followed = found.keycloak_url.is_some() && watch::is_needed(db, found.id).await?;
    if followed && !wish.even_if_owed && erase::is_unseen(db, found.id, id).await? {
        ledger::mark(db.connection(), found.id, id, &Mark { deleted: true, ..Mark::default() }).await?;
    }
    let mut rows = erase_once(db, found, id, wish.even_if_owed).await?;
    let mut quiet = Instant::now();
    while quiet.elapsed() < QUIET {
        tokio::time::sleep(Duration::from_millis(200)).await;
        // A line about the last request may have been on its way to the activity, or an event is read late: of whom nobody has any
        // more, nothing is owed by that.
        if !erase::rows(db, found.id, id).await?.is_empty() {
            for (table, count) in erase_once(db, found, id, true).await? {
                *rows.entry(table).or_default() += count;
            }
            quiet = Instant::now();
        }
    }
    output.show(&Told { user_id: id, erased: true, rows, downstream }, Told::text)
}

type Rows = std::collections::BTreeMap<&'static str, u64>;

async fn erase_once(db: &Db, found: &tenant::Tenant, id: Uuid, even_if_owed: bool) -> anyhow::Result<Rows> {
    let begun = Instant::now();
    loop {
        match erase::erase(db, found.id, id, even_if_owed, ACTOR).await? {
            Erasure::Done(rows) => return Ok(rows),
            Erasure::Owed => {
                bail!("a change of user {id} has yet to be delivered; wait for it, or say --even-if-owed to drop it")
            }
            Erasure::UnderWay if begun.elapsed() > DRAIN => bail!("work on user {id} did not end; nothing was erased"),
            Erasure::UnderWay => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

async fn identify(db: &Db, found: &tenant::Tenant, text: &str) -> anyhow::Result<Uuid> {
    if let Ok(id) = Uuid::parse_str(text) {
        return Ok(id);
    }
    match user::named(db, found.id, text).await?.as_slice() {
        [id] => Ok(*id),
        [] => bail!("nobody of that name is in the directory; give the id, as the realm or the activity shows it"),
        _ => bail!("several users have that name or address; give the id"),
    }
}
