//! The full compare: sees what fires no event (direct SQL, LDAP, IdP mappers, workflows). It pages through the realm and
//! only marks: whoever differs from what was seen before, whoever is missing, whoever gained or lost the realm role.
//! After an enable it is the baseline: who is new there is noted as clean, so that nobody is pushed (K24).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bus::Hint;
use directory::ledger::{self, Mark};
use directory::link;
use directory::resource::Kind;
use directory::watch::{self, Survey, digest_key};
use realm::{Realm, RealmUser, Walk};
use registry::target::{self, Target};
use registry::{TenantId, option};
use scim::mapping::Mapping;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::pushed::Pushed;
use crate::{Deps, compare_groups, heal};

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What counts of a realm's further attributes, as its tenant has it now.
pub(crate) async fn mapping(deps: &Deps, tenant: TenantId) -> Result<Arc<Mapping>, String> {
    let options = option::of(&deps.db, tenant).await.map_err(text)?;
    Ok(Mapping::of(options.projection.as_deref(), options.extensions.as_deref()))
}

/// Compares a whole realm with what was seen of it, under the survey's claim.
pub(crate) async fn run(deps: &Deps, survey: &Survey, realm: &Realm) -> Result<(), String> {
    let tenant = survey.tenant_id;
    let Some(began) = watch::begin_compare(&deps.db, survey).await.map_err(text)? else { return Ok(()) };
    let key = digest_key(&deps.db, tenant).await.map_err(text)?;
    let mapping = mapping(deps, tenant).await?;
    let target = target::current(&deps.db, tenant).await.map_err(text)?.filter(|target| target.active);
    let known: HashMap<Uuid, Option<Vec<u8>>> =
        ledger::observed(&deps.db, tenant).await.map_err(text)?.into_iter().collect();
    let mut seen = HashSet::new();
    let mut walk = Walk::default();
    while let Some((first, max)) = walk.next() {
        // Whoever is missed by a page that drifts is looked at below.
        let Some(page) = walk.took(realm.users(first, max).await).map_err(text)? else { continue };
        let ids: Vec<Uuid> = page.iter().map(|user| user.id).collect();
        let documents = directory::user::documents(&deps.db, tenant, &ids).await.map_err(text)?;
        for user in &page {
            seen.insert(user.id);
            if documents.get(&user.id).is_some_and(|document| heal::has_strayed(user, document, &mapping)) {
                mark(deps, tenant, user.id, &Mark { urgent: !user.enabled, ..Mark::default() }).await?;
                continue;
            }
            let observed = Pushed::of(user, &mapping).observed(&key);
            match known.get(&user.id).and_then(Option::as_deref) {
                Some(held) if held == observed => {}
                // Where nobody is pushed to, whoever is new is noted as seen; while a baseline is under way, it does that.
                None if target.is_none() => {
                    ledger::baseline(deps.db.connection(), tenant, user.id, &observed).await.map_err(text)?;
                }
                None if target.as_ref().is_some_and(|target| target.baseline_done_at.is_none()) => {}
                _ => mark(deps, tenant, user.id, &Mark { urgent: !user.enabled, ..Mark::default() }).await?,
            }
        }
    }
    // Missing in the listing is a suspicion; the triage of that one user decides (K14).
    let lost = |(id, held): &(&Uuid, &Option<Vec<u8>>)| !seen.contains(*id) && held.as_deref() != Some(ledger::GONE);
    let missing: Vec<Uuid> = known.iter().filter(lost).map(|(id, _)| *id).collect();
    let managed: HashSet<Uuid> = directory::user::ids(&deps.db, tenant).await.map_err(text)?.into_iter().collect();
    // Order: all are noted before the first is looked at, so that each is judged as one of as many.
    let departing: HashSet<Uuid> = link::departing(&deps.db, tenant).await.map_err(text)?.into_iter().collect();
    let at_stake = |id: &Uuid| managed.contains(id) || departing.contains(id);
    let accounts: Vec<Uuid> = missing.iter().copied().filter(at_stake).collect();
    watch::note_absences(&deps.db, Kind::User, tenant, &accounts).await.map_err(text)?;
    for id in missing {
        mark(deps, tenant, id, &Mark::default()).await?;
    }
    roles(deps, tenant, realm, &managed).await?;
    compare_groups::run(deps, tenant, realm, &managed).await?;
    watch::compared(&deps.db, survey, began).await.map_err(text)
}

/// Who holds the realm role and is not known, or is known and does not hold it.
async fn roles(deps: &Deps, tenant: TenantId, realm: &Realm, managed: &HashSet<Uuid>) -> Result<(), String> {
    let mut holders = HashSet::new();
    let mut walk = Walk::of_ids();
    while let Some((first, max)) = walk.next() {
        let Some(page) = walk.took(realm.managed(first, max).await).map_err(text)? else { continue };
        holders.extend(page);
    }
    for id in holders.symmetric_difference(managed) {
        mark(deps, tenant, *id, &Mark { roles: true, ..Mark::default() }).await?;
    }
    Ok(())
}

pub(crate) async fn mark(deps: &Deps, tenant: TenantId, user: Uuid, mark: &Mark) -> Result<(), String> {
    ledger::mark(deps.db.connection(), tenant, user, mark).await.map_err(text)?;
    deps.doorbell.ring(Hint { tenant: tenant.0, user, urgent: mark.urgent, traceparent: None });
    Ok(())
}

/// After an enable: rows for users the ledger has never heard of, as clean, so that nobody is pushed (P2). Whoever is
/// linked there and differs from what was sent is owed the difference (K24).
pub(crate) async fn baselines(deps: Deps, every: std::time::Duration, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        match target::baselines_due(&deps.db, 16).await {
            Ok(targets) => {
                let all = targets.iter().map(|target| async {
                    if let Err(reason) = baseline(&deps, target).await {
                        tracing::warn!(name = "compare.waits", reason, tenant.id = %target.tenant, "a baseline waits");
                    }
                });
                futures_util::future::join_all(all).await;
            }
            Err(error) => tracing::warn!(name = "compare.unread", %error, "baselines cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn baseline(deps: &Deps, target: &Target) -> Result<(), String> {
    let realm = deps.realms.of(target.tenant).await.map_err(text)?;
    let key = digest_key(&deps.db, target.tenant).await.map_err(text)?;
    let mapping = mapping(deps, target.tenant).await?;
    let mut walk = Walk::default();
    while let Some((first, max)) = walk.next() {
        let Some(page) = walk.took(realm.users(first, max).await).map_err(text)? else { continue };
        note(deps, target, &page, (&key, &mapping)).await?;
    }
    target::baseline_done(&deps.db, target.id, target.generation).await.map_err(text)
}

async fn note(
    deps: &Deps,
    target: &Target,
    page: &[RealmUser],
    (key, mapping): (&[u8], &Mapping),
) -> Result<(), String> {
    let ids: Vec<Uuid> = page.iter().map(|user| user.id).collect();
    let sent = link::digests(&deps.db, target.tenant, target.id, &ids).await.map_err(text)?;
    for user in page {
        let pushed = Pushed::of(user, mapping);
        let connection = deps.db.connection();
        if sent.get(&user.id).is_some_and(|digests| *digests != pushed.digests(key)) {
            let mark = Mark { urgent: !user.enabled, reassert: true, ..Mark::default() };
            ledger::mark(connection, target.tenant, user.id, &mark).await.map_err(text)?;
        } else {
            ledger::baseline(connection, target.tenant, user.id, &pushed.observed(key)).await.map_err(text)?;
        }
    }
    Ok(())
}
