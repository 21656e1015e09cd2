//! Send: claim → realm → plan → HTTP → record (K16–K22). One sender per user; a verdict counts only for what it was made
//! for; a POST is never repeated blindly.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use directory::activity::Entry;
use directory::ledger::{self, Acknowledgement, Claim, LinkUpdate, Recorded, Stage, Verdict};
use directory::link::{self, Link};
use directory::watch;
use downstream::{BaseUrl, Client, Outcome, Remote};
use realm::RealmUser;
use registry::TenantId;
use registry::target::{self, Target};
use uuid::Uuid;

use crate::Deps;
use crate::plan::{Plan, Trust, plan};
use crate::pushed::Pushed;
use crate::verdict::{TargetVerdict, of_failure};

/// After an unconfirmed create, how long until a second empty look-up allows another POST, microseconds (K21).
const UNCONFIRMED: i64 = 60_000_000;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Directory(#[from] directory::Error),
    #[error(transparent)]
    Registry(#[from] registry::Error),
}

/// What a round came to.
struct Ended {
    verdict: Verdict,
    target: TargetVerdict,
    reason: Option<String>,
    link: Option<LinkUpdate>,
}

impl Ended {
    fn done(link: Option<LinkUpdate>) -> Self {
        Self { verdict: Verdict::Done, target: TargetVerdict::Carry, reason: None, link }
    }

    fn park(reason: &str) -> Self {
        let reason = Some(reason.to_owned());
        Self { verdict: Verdict::Park, target: TargetVerdict::Carry, reason, link: None }
    }

    fn retry(after: i64, reason: &str) -> Self {
        let verdict = Verdict::Retry { after, definite: true, charged: false };
        Self { verdict, target: TargetVerdict::Carry, reason: Some(reason.to_owned()), link: None }
    }
}

pub(crate) async fn run(deps: &Deps, tenant: TenantId, user: Uuid) -> Result<(), Error> {
    let Some(target) = target::current(&deps.db, tenant).await? else { return Ok(()) };
    if !target.active || target.quarantined_at.is_some() {
        return Ok(());
    }
    // Order: the boot-time clock starts before the claim is sent (K20).
    let started = Instant::now();
    let Some(claim) = ledger::claim(&deps.db, tenant, user, Stage::Send, Some(target.generation)).await? else {
        return Ok(());
    };
    let seen = match deps.realms.of(tenant).await {
        Ok(realm) => realm.user(user).await,
        Err(error) => Err(error),
    };
    let Ok(seen) = seen else {
        return Ok(ledger::release(&deps.db, tenant, user, claim.epoch, 2_000_000).await?);
    };
    let Some(mut round) = Round::begin(deps, tenant, user, &target, &claim, started).await? else {
        return Ok(ledger::release(&deps.db, tenant, user, claim.epoch, 5_000_000).await?);
    };
    let ended = match &seen {
        // A deleted user is not propagated (the stated limit); nothing is owed any more.
        None => Some(Ended::done(None)),
        Some(seen) => round.push(seen).await?,
    };
    // The lease or the target's generation went away in between: nothing of this round counts.
    let Some(ended) = ended else { return Ok(()) };
    round.record(ended).await
}

struct Round<'a> {
    deps: &'a Deps,
    tenant: TenantId,
    user: Uuid,
    target: &'a Target,
    claim: &'a Claim,
    client: Client,
    link: Link,
    key: Vec<u8>,
    started: Instant,
    attempts: Vec<Entry>,
}

impl<'a> Round<'a> {
    /// `None` if the target cannot be used as it is stored: its token does not open, or its URL is no longer allowed.
    async fn begin(
        deps: &'a Deps,
        tenant: TenantId,
        user: Uuid,
        target: &'a Target,
        claim: &'a Claim,
        started: Instant,
    ) -> Result<Option<Self>, Error> {
        let token = match deps.keyring.open(&target::aad(tenant), &target.token) {
            Ok(token) => token,
            Err(error) => {
                tracing::error!(%error, tenant.id = %tenant, "a downstream token does not open");
                return Ok(None);
            }
        };
        // Judged when it was enabled; the connector judges every address again.
        let lenient = downstream::Guard { development: true, ports: Vec::new() };
        let Ok(base) = BaseUrl::parse(&target.base_url, &lenient) else { return Ok(None) };
        let client = Client::new(deps.connector.clone(), base, token).traced(claim.row.trace.clone());
        let link = link::of(&deps.db, tenant, user, target.id).await?;
        let key = watch::digest_key(&deps.db, tenant).await?;
        Ok(Some(Self { deps, tenant, user, target, claim, client, link, key, started, attempts: Vec::new() }))
    }

    async fn push(&mut self, seen: &RealmUser) -> Result<Option<Ended>, Error> {
        let pushed = Pushed::of(seen);
        let Some(id) = self.link.downstream_id.clone() else { return self.create(&pushed).await };
        let assert = self.claim.doubt || self.claim.reassert;
        let unverified = self.link.verified_generation != self.target.generation;
        let mut remote = None;
        let client = self.client.clone();
        if unverified || self.claim.doubt {
            if !self.renew().await? {
                return Ok(None);
            }
            match self.called("GET /Users/{id}", &[], client.read(&id)).await {
                Outcome::Ok(answer) => {
                    remote = answer.body.as_ref().and_then(Remote::read);
                    // A record that is not ours is nobody we may touch (K22).
                    let ours = remote.as_ref().is_some_and(|remote| self.is_ours(remote));
                    if !ours {
                        self.link = Link { create_intent_at: None, ..Link::default() };
                        return self.create(&pushed).await;
                    }
                }
                Outcome::NotFound(_) => {
                    self.link = Link::default();
                    return self.create(&pushed).await;
                }
                other => return Ok(Some(self.failed(&other))),
            }
        }
        let trust = if assert || unverified { Trust::Nothing } else { Trust::Digests };
        self.update(&id, &pushed, trust, remote.as_ref()).await
    }

    /// Brings a linked record in step.
    async fn update(
        &mut self,
        id: &str,
        pushed: &Pushed,
        trust: Trust,
        remote: Option<&Remote>,
    ) -> Result<Option<Ended>, Error> {
        let removable: Vec<&str> = remote.map(|remote| standing(&remote.resource)).unwrap_or_default();
        let supports_patch = self.target.supports_patch;
        let plan = plan(pushed, &self.link.digests, &self.key, trust, &removable, supports_patch);
        let linked = LinkUpdate { downstream_id: Some(id.to_owned()), digests: pushed.digests(&self.key) };
        let client = self.client.clone();
        let outcome = match plan {
            Plan::Nothing => return Ok(Some(Ended::done(Some(linked)))),
            Plan::Patch(operations, names) => {
                if !self.renew().await? {
                    return Ok(None);
                }
                self.called("PATCH /Users/{id}", &names, client.patch(id, &operations)).await
            }
            Plan::Put(names) => {
                if !self.renew().await? {
                    return Ok(None);
                }
                self.called("PUT /Users/{id}", &names, client.replace(id, &pushed.resource())).await
            }
        };
        Ok(Some(match outcome {
            Outcome::Ok(_) => Ended::done(Some(linked)),
            Outcome::NotFound(_) => {
                // Gone there: forget the link, look it up and create it next time.
                let mut ended = Ended::retry(0, "gone");
                ended.link = Some(LinkUpdate::default());
                ended
            }
            other => self.failed(&other),
        }))
    }

    /// Finds the record by our externalId, or makes it. Only a record with our externalId is ever linked (P5).
    async fn create(&mut self, pushed: &Pushed) -> Result<Option<Ended>, Error> {
        if let Some(ended) = self.look_up(pushed, true).await? {
            return Ok(ended);
        }
        if let Some(intent) = self.link.create_intent_at {
            let age = micros_now() - intent;
            if age < UNCONFIRMED {
                return Ok(Some(Ended::retry(UNCONFIRMED - age, "unconfirmed create")));
            }
        }
        if !self.renew().await?
            || !link::intend_create(&self.deps.db, self.tenant, self.user, self.target.id, self.claim.epoch).await?
        {
            return Ok(None);
        }
        let client = self.client.clone();
        let names: Vec<String> = crate::pushed::PATHS
            .iter()
            .filter(|path| pushed.attribute(path).is_some())
            .map(|path| (*path).to_owned())
            .collect();
        let outcome = self.called("POST /Users", &names, client.create(&pushed.resource())).await;
        match outcome {
            Outcome::Ok(answer) => match answer.body.as_ref().and_then(Remote::read) {
                Some(remote) => {
                    let digests = pushed.digests(&self.key);
                    Ok(Some(Ended::done(Some(LinkUpdate { downstream_id: Some(remote.id), digests }))))
                }
                // Made, but under which id? Looked up by the next round.
                None => Ok(Some(self.failed(&Outcome::Ambiguous))),
            },
            Outcome::Conflict(_) => match self.look_up(pushed, false).await? {
                Some(ended) => Ok(ended),
                None => Ok(Some(Ended::park("conflict"))),
            },
            other => Ok(Some(self.failed(&other))),
        }
    }

    /// Looks for the record: ours is linked and brought in step, a stranger with our userName parks the user. `None`
    /// means that there is none. A downstream without filters is asked by creating.
    async fn look_up(&mut self, pushed: &Pushed, by_name_too: bool) -> Result<Option<Option<Ended>>, Error> {
        if !self.target.supports_filter {
            return Ok(None);
        }
        let ours = self.user.to_string();
        let name = pushed.attribute("userName").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
        for (attribute, value) in [("externalId", ours.as_str()), ("userName", name.as_str())] {
            if !by_name_too && attribute == "userName" {
                continue;
            }
            if !self.renew().await? {
                return Ok(Some(None));
            }
            let begun = Instant::now();
            let found = self.client.find(attribute, value).await;
            let status = found.as_ref().err().map_or(Some(200), Outcome::status);
            let class = found.as_ref().err().map_or("ok", Outcome::class);
            self.note("GET /Users", &[], status, class, begun);
            let found = match found {
                Ok(found) => found,
                Err(outcome) => return Ok(Some(Some(self.failed(&outcome)))),
            };
            if let Some(remote) = found.iter().find(|remote| self.is_ours(remote)) {
                self.link = Link::default();
                let id = remote.id.clone();
                return Ok(Some(self.update(&id, pushed, Trust::Nothing, Some(remote)).await?));
            }
            let same_name = |remote: &&Remote| {
                let held = remote.resource.get("userName").and_then(|name| name.as_str()).unwrap_or_default();
                scim::key::username_key(held) == scim::key::username_key(&name)
            };
            if attribute == "userName" && found.iter().any(|remote| same_name(&remote)) {
                return Ok(Some(Some(Ended::park("conflict"))));
            }
        }
        Ok(None)
    }

    /// Case-exact, and compared here: some servers ignore filters (K21).
    fn is_ours(&self, remote: &Remote) -> bool {
        remote.external_id.as_deref() == Some(self.user.to_string().as_str())
    }

    /// Before each call: the lease is extended and the target's generation read again (K20).
    async fn renew(&self) -> Result<bool, Error> {
        let generation = Some(self.target.generation);
        Ok(ledger::renew(&self.deps.db, self.tenant, self.user, self.claim.epoch, generation).await?)
    }

    async fn called(&mut self, operation: &str, names: &[String], call: impl Future<Output = Outcome>) -> Outcome {
        let begun = Instant::now();
        let outcome = call.await;
        self.note(operation, names, outcome.status(), outcome.class(), begun);
        outcome
    }

    fn note(&mut self, operation: &str, names: &[String], status: Option<u16>, class: &str, begun: Instant) {
        let duration_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        let trace_id = self.claim.row.trace.as_deref().and_then(|text| text.get(3..35)).map(str::to_owned);
        tracing::info!(
            name = "outbound.attempted",
            tenant.id = %self.tenant,
            user.id = %self.user,
            operation,
            http.status = status,
            outcome = class,
            attempt = self.claim.row.state().attempts + 1,
            duration_ms,
            trace_id,
        );
        self.attempts.push(Entry {
            tenant: self.tenant,
            at: micros_now(),
            direction: "out",
            user: Some(self.user),
            target: Some(self.target.id),
            operation: operation.to_owned(),
            status,
            class: class.to_owned(),
            reason: None,
            changed: names.to_vec(),
            duration_ms,
            seq: Some(self.claim.seq),
            trace_id,
        });
    }

    fn failed(&self, outcome: &Outcome) -> Ended {
        let (verdict, target) = of_failure(outcome, self.claim.row.state().attempts, rand::random());
        Ended { verdict, target, reason: Some(outcome.class().to_owned()), link: None }
    }

    async fn record(self, ended: Ended) -> Result<(), Error> {
        let (db, id, generation) = (&self.deps.db, self.target.id, self.target.generation);
        match ended.target {
            TargetVerdict::Carry => {}
            TargetVerdict::Pause(wait) => {
                let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2);
                target::pause(db, id, generation, wait).await?;
            }
            TargetVerdict::Quarantine(reason) => target::quarantine(db, id, generation, reason).await?,
        }
        let acknowledgement = Acknowledgement {
            epoch: self.claim.epoch,
            seq: self.claim.seq,
            doubt: self.claim.doubt,
            target: id,
            generation,
            verdict: ended.verdict,
            reason: ended.reason,
            link: ended.link,
            attempts: self.attempts,
        };
        let recorded = ledger::record(db, self.tenant, self.user, &acknowledgement).await?;
        if recorded == Recorded::Stale {
            let held = self.started.elapsed() > Duration::from_secs(15);
            tracing::info!(tenant.id = %self.tenant, user.id = %self.user, held, "a round no longer counted");
        }
        Ok(())
    }
}

/// The paths of ours that stand in a record.
fn standing(resource: &scim::Object) -> Vec<&'static str> {
    crate::pushed::PATHS
        .into_iter()
        .filter(|path| match path.split_once('.') {
            Some((parent, child)) => resource.get(parent).is_some_and(|value| value.get(child).is_some()),
            None => resource.contains_key(*path),
        })
        .collect()
}

fn micros_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
