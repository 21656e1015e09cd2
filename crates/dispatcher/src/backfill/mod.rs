//! The backfill's walk (P3, K27): each user, and after them each group where groups are pushed, is compared with a fresh look
//! at the downstream; what differs is marked, and the ledger does the rest. Few are marked ahead, so that live edits keep their place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::Hint;
use directory::backfill::{self, Action, Backfill, Page};
use directory::resource::Kind;
use directory::{link, watch};
use downstream::{BaseUrl, Client, Outcome, Remote};
use futures_util::future::join_all;
use realm::Realm;
use registry::option;
use registry::target::{self, Target};
use scim::mapping::Mapping;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Deps;
use crate::pushed::Pushed;
use crate::round::Error;

mod groups;
mod unread;

use unread::Heard;

/// Users looked at together.
const PAGE: u32 = 8;
/// Changes of the tenant that may wait while the backfill goes on.
const AHEAD: i64 = 16;
/// How long one turn lasts before other backfills get theirs.
const TURN: Duration = Duration::from_secs(5);
/// How long it waits for the ledger to take what was marked, and for a downstream that fails, microseconds.
const SOON: i64 = 200_000;
const LATER: i64 = 5_000_000;

pub(crate) async fn run(deps: Deps, every: Duration, shutdown: CancellationToken) {
    let pause = every.min(Duration::from_millis(500));
    while !shutdown.is_cancelled() {
        match backfill::claim_due(&deps.db, 8).await {
            Ok(claimed) => {
                let turns = claimed.into_iter().map(|backfill| turn(&deps, backfill, &shutdown));
                join_all(turns).await;
            }
            Err(error) => tracing::warn!(name = "backfill.unread", %error, "backfills cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn turn(deps: &Deps, mut backfill: Backfill, shutdown: &CancellationToken) {
    let begun = Instant::now();
    let tenant = backfill.tenant_id;
    let mut after = SOON;
    while begun.elapsed() < TURN && !shutdown.is_cancelled() {
        match page(deps, &mut backfill).await {
            Ok(Next::Go) => {}
            Ok(Next::Wait(wait)) => {
                after = wait;
                break;
            }
            Ok(Next::Stop) => return,
            Err(error) => {
                tracing::warn!(name = "backfill.waits", %error, tenant.id = %tenant, "a backfill waits");
                after = LATER;
                break;
            }
        }
    }
    if let Err(error) = backfill::release(&deps.db, &backfill, after).await {
        tracing::warn!(
            name = "backfill.held",
            %error,
            tenant.id = %tenant,
            "a backfill was not given back; its lease ends by itself",
        );
    }
}

/// What comes after a page.
enum Next {
    Go,
    Wait(i64),
    /// Done, cancelled, or somebody else's.
    Stop,
}

async fn page(deps: &Deps, backfill: &mut Backfill) -> Result<Next, Error> {
    let (db, tenant) = (&deps.db, backfill.tenant_id);
    let target = target::current(db, tenant).await?;
    let Some(target) = target.filter(|target| target.active && target.id == backfill.target_id) else {
        backfill::abandon(db, backfill).await?;
        return Ok(Next::Stop);
    };
    if target.quarantined_at.is_some() || target.paused() {
        return Ok(Next::Wait(LATER));
    }
    if !backfill.dry_run && backfill::ahead(db, tenant, Kind::User).await? > AHEAD - i64::from(PAGE) {
        return Ok(Next::Wait(SOON));
    }
    let users = backfill::next_users(db, backfill, PAGE).await?;
    if users.is_empty() && !target.choices.pushes_groups {
        let page = Page { kind: Kind::User, seen: &[], marks: &[], last: true };
        backfill::advance(db, backfill, &page).await?;
        return Ok(Next::Stop);
    }
    let Some(look) = Look::begin(deps, &target).await? else { return Ok(Next::Wait(LATER)) };
    if users.is_empty() {
        return groups::page(&look, backfill).await;
    }
    let mut heard = Vec::with_capacity(users.len());
    for looked in join_all(users.iter().map(|user| look.at(*user))).await {
        let Some(found) = looked? else {
            tracing::info!(name = "backfill.realm", tenant.id = %tenant, "a backfill waits for its realm");
            return Ok(Next::Wait(LATER));
        };
        heard.push(found);
    }
    if let Some(outcome) = unread::to_wait_for(&look, &heard).await {
        return unread::wait(&look, outcome).await;
    }
    unread::note(tenant, &heard);
    let seen: Vec<Found> = heard.into_iter().map(|(found, _)| found).collect();
    let marks = marked(backfill, &seen);
    let page: Vec<(Uuid, Option<Action>)> = seen.iter().map(|found| (found.id, found.action)).collect();
    let page = Page { kind: Kind::User, seen: &page, marks: &marks, last: false };
    if !backfill::advance(db, backfill, &page).await? {
        return Ok(Next::Stop);
    }
    for user in marks {
        deps.doorbell.ring(Hint { tenant: tenant.0, user, urgent: false, traceparent: None });
    }
    Ok(Next::Go)
}

fn marked(backfill: &Backfill, seen: &[Found]) -> Vec<Uuid> {
    seen.iter().filter(|found| found.mark && !backfill.dry_run).map(|found| found.id).collect()
}

/// A user or a group as it stands on both sides.
struct Found {
    id: Uuid,
    /// `None` for one that the realm no longer has, or of which the downstream does not say.
    action: Option<Action>,
    /// The ledger is to take it on: to do it, or to learn of a record that is ours already.
    mark: bool,
}

struct Look<'a> {
    deps: &'a Deps,
    target: &'a Target,
    client: Client,
    realm: Realm,
    mapping: Arc<Mapping>,
}

impl<'a> Look<'a> {
    async fn begin(deps: &'a Deps, target: &'a Target) -> Result<Option<Self>, Error> {
        // The key is made here where there is none yet, so that no look-up below has to.
        watch::digest_key(&deps.db, target.tenant).await?;
        let Ok(realm) = deps.realms.of(target.tenant).await else { return Ok(None) };
        let Ok(token) = deps.keyring.open(&target::aad(target.tenant), &target.token) else { return Ok(None) };
        let Ok(base) = BaseUrl::parse(&target.base_url, &downstream::Guard::judged()) else { return Ok(None) };
        let options = option::of(&deps.db, target.tenant).await?;
        let mapping = Mapping::of(options.projection.as_deref(), options.extensions.as_deref());
        let client = Client::new(deps.connector.clone(), base, token);
        Ok(Some(Self { deps, target, client, realm, mapping }))
    }

    /// A user on both sides; `None` where the realm does not say. Of a record that cannot be read there is all to do.
    async fn at(&self, user: Uuid) -> Result<Option<(Found, Heard)>, Error> {
        let Ok(seen) = self.realm.user(user).await else { return Ok(None) };
        let Some(seen) = seen else {
            return Ok(Some((Found { id: user, action: None, mark: false }, Heard::Nothing)));
        };
        let link = link::of(&self.deps.db, self.target.tenant, user, self.target.id).await?;
        let linked = link.downstream_id.is_some();
        let pushed = Pushed::of(&seen, &self.mapping);
        let (action, heard) = match self.compare(user, &pushed, link.downstream_id.as_deref()).await {
            Ok(action) if linked || self.target.supports_filter => (action, Heard::Answer),
            Ok(action) => (action, Heard::Nothing),
            Err(outcome) => (unread::unread(linked), Heard::Trouble(outcome)),
        };
        let found = Found { id: user, action: Some(action), mark: action != Action::InStep || !linked };
        Ok(Some((found, heard)))
    }

    /// Plans against the downstream as it is, not against what is remembered of it (K27).
    async fn compare(&self, user: Uuid, pushed: &Pushed, linked: Option<&str>) -> Result<Action, Outcome> {
        let ours = user.to_string();
        let judge = |remote: &Remote| {
            if pushed.stands_in(&remote.resource) { Action::InStep } else { Action::Update }
        };
        let is_ours = |remote: &Remote| remote.external_id.as_deref() == Some(ours.as_str());
        if let Some(id) = linked {
            match self.client.read(id).await {
                Outcome::Ok(answer) => {
                    let remote = answer.body.as_ref().and_then(Remote::read).filter(is_ours);
                    if let Some(remote) = remote {
                        return Ok(judge(&remote));
                    }
                }
                Outcome::NotFound(answer) if answer.body.is_some() => {}
                other => return Err(other),
            }
        }
        if !self.target.supports_filter {
            return Ok(Action::Create);
        }
        if let Some(remote) = self.client.find("externalId", &ours).await?.iter().find(|remote| is_ours(remote)) {
            return Ok(judge(remote));
        }
        let name = pushed.attribute("userName").and_then(|name| name.as_str()).unwrap_or_default();
        let same_name = |remote: &Remote| {
            let held = remote.resource.get("userName").and_then(|name| name.as_str()).unwrap_or_default();
            scim::key::username_key(held) == scim::key::username_key(name)
        };
        let taken = self.client.find("userName", name).await?.iter().any(same_name);
        Ok(if taken { Action::Conflict } else { Action::Create })
    }
}
