//! Send: claim → realm → plan → HTTP → record (K16–K22). One sender per user; a verdict counts only for what it was made
//! for; a POST is never repeated blindly.

use std::sync::Arc;
use std::time::Duration;

use directory::activity::Entry;
use directory::ledger::{self, Acknowledgement, Claim, LinkUpdate, Recorded, Stage, Subject, Verdict};
use directory::link::{self, Link};
use directory::resource::Kind;
use directory::watch;
use downstream::{BaseUrl, Client, Outcome, Remote};
use realm::RealmUser;
use registry::TenantId;
use registry::target::{self, Target};
use secrecy::ExposeSecret;
use telemetry::metrics::KeyValue;
use tracing::Instrument;
use uuid::Uuid;

use crate::Deps;
use crate::attempt::micros_now;
use crate::create::{Standing, Wanted};
use crate::ended::Ended;
use crate::fairness::Health;
use crate::gauges::{CHANGES, LAG};
use crate::plan::{Plan, Trust, plan};
use crate::pushed::{Pushed, digest_of, observed};
use crate::verdict::{TargetVerdict, of_failure, of_group_failure};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Directory(#[from] directory::Error),
    #[error(transparent)]
    Registry(#[from] registry::Error),
}

/// One round for a user, if one is due; what it says about the target. A `probe` of a target whose breaker is half open is
/// not charged to its user.
pub(crate) async fn run(deps: &Deps, tenant: TenantId, user: Uuid, probe: bool) -> Result<Health, Error> {
    let Some(target) = target::current(&deps.db, tenant).await? else { return Ok(Health::Unknown) };
    if !target.active || target.quarantined_at.is_some() || target.paused() {
        return Ok(Health::Unknown);
    }
    let Some(claim) = ledger::claim(&deps.db, tenant, user, Stage::Send, Some(target.generation)).await? else {
        return Ok(Health::Unknown);
    };
    let span = tracing::info_span!("outbound.send", tenant.id = %tenant, user.id = %user);
    telemetry::trace::join(&span, claim.row.trace.as_deref());
    round(deps, tenant, user, &target, &claim, probe).instrument(span).await
}

/// What a claim was granted for.
async fn round(
    deps: &Deps,
    tenant: TenantId,
    user: Uuid,
    target: &Target,
    claim: &Claim,
    probe: bool,
) -> Result<Health, Error> {
    let seen = match deps.realms.of(tenant).await {
        Ok(realm) => realm.user(user).await,
        Err(error) => Err(error),
    };
    let Ok(seen) = seen else {
        ledger::release(&deps.db, tenant, user, claim, 2_000_000).await?;
        return Ok(Health::Unknown);
    };
    let Some(mut round) = Round::begin(deps, tenant, user.into(), target, claim).await? else {
        ledger::release(&deps.db, tenant, user, claim, 5_000_000).await?;
        return Ok(Health::Unknown);
    };
    round.probe = probe;
    round.observed = observed(seen.as_ref(), &round.key);
    let ended = match &seen {
        None => round.deleted().await?,
        Some(seen) => round.push(seen).await?,
    };
    let health = round.health;
    match ended {
        Some(ended) => round.record(ended).await?,
        // The lease or the target's generation went away before a call: nothing of this round counts.
        None => ledger::release(&deps.db, tenant, user, claim, 0).await?,
    }
    Ok(health)
}

/// One round under one claim. What it does downstream stands here and in `create`; how a call is made, in `attempt`.
pub(crate) struct Round<'a> {
    pub deps: &'a Deps,
    pub tenant: TenantId,
    /// Whose round it is.
    pub subject: Subject,
    pub target: &'a Target,
    pub claim: &'a Claim,
    pub client: Client,
    pub link: Link,
    pub key: Arc<[u8]>,
    /// Hash of the user as this round saw it.
    pub observed: Vec<u8>,
    /// What was changed downstream, for the metrics; nothing yet.
    pub kind: Option<&'static str>,
    pub attempts: Vec<Entry>,
    /// What an error of the downstream must not repeat: what we sent, token included.
    pub sent: Vec<String>,
    /// What the last call said about the target.
    pub health: Health,
    /// The linked record is not there any more.
    pub gone: bool,
    /// The one call that shows whether a failing target is back.
    pub probe: bool,
}

impl<'a> Round<'a> {
    /// `None` if the target cannot be used as it is stored: its token does not open, or its URL is no longer allowed.
    pub async fn begin(
        deps: &'a Deps,
        tenant: TenantId,
        subject: Subject,
        target: &'a Target,
        claim: &'a Claim,
    ) -> Result<Option<Self>, Error> {
        let token = match deps.keyring.open(&target::aad(tenant), &target.token) {
            Ok(token) => token,
            Err(error) => {
                tracing::error!(%error, tenant.id = %tenant, "a downstream token does not open");
                return Ok(None);
            }
        };
        let Ok(base) = BaseUrl::parse(&target.base_url, &downstream::Guard::judged()) else { return Ok(None) };
        let sent = vec![token.expose_secret().to_owned()];
        let client = Client::new(deps.connector.clone(), base, token);
        let client = if subject.kind == Kind::Group { client.groups() } else { client };
        let link = link::of(&deps.db, tenant, subject, target.id).await?;
        let key = watch::digest_key(&deps.db, tenant).await?;
        Ok(Some(Self {
            deps,
            tenant,
            subject,
            target,
            claim,
            client,
            link,
            key,
            observed: Vec::new(),
            kind: None,
            attempts: Vec::new(),
            sent,
            health: Health::Unknown,
            gone: false,
            probe: false,
        }))
    }

    async fn push(&mut self, seen: &RealmUser) -> Result<Option<Ended>, Error> {
        let pushed = Pushed::of(seen);
        self.sent.extend(pushed.texts());
        let Some(id) = self.link.downstream_id.clone() else { return self.make(&pushed).await };
        let assert = self.claim.doubt || self.claim.reassert;
        let unverified = self.link.verified_generation != self.target.generation;
        let mut remote = None;
        let client = self.client.clone();
        // What may stand there is not what was sent last: a late write can have brought back what the user lacks now.
        if unverified || assert {
            let read = self.call("GET /Users/{id}", &[], client.read(&id)).await?;
            let Some(read) = read else { return Ok(None) };
            match read {
                Outcome::Ok(answer) => {
                    remote = answer.body.as_ref().and_then(Remote::read);
                    // A record that is not ours is nobody we may touch (K22), unless a person linked it.
                    let ours = remote.as_ref().is_some_and(|remote| self.is_ours(remote) || self.link.adopted);
                    if !ours {
                        self.link = self.link.unlinked();
                        return self.make(&pushed).await;
                    }
                }
                Outcome::NotFound(answer) => return self.lost(&pushed, answer).await,
                other => return Ok(Some(self.failed(&other))),
            }
        }
        let trust = if assert || unverified { Trust::Nothing } else { Trust::Digests };
        self.update(&id, &pushed, trust, remote.as_ref()).await
    }

    /// Finds the user's record and brings it in step, or makes it.
    async fn make(&mut self, pushed: &Pushed) -> Result<Option<Ended>, Error> {
        Ok(match self.create(&Wanted::user(pushed)).await? {
            None => None,
            Some(Err(ended)) => Some(ended),
            Some(Ok(Standing::Made(id))) => {
                let digests = pushed.digests(&self.key);
                Some(Ended::done(Some(LinkUpdate { downstream_id: Some(id), digests })))
            }
            Some(Ok(Standing::Found(remote))) => {
                self.link = Link::default();
                self.update(&remote.id, pushed, Trust::Nothing, Some(&remote)).await?
            }
        })
    }

    /// Brings a linked record in step.
    pub async fn update(
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
        let departs = self.departs(&linked);
        if departs
            && plan != Plan::Nothing
            && let Some(held) = self.held().await?
        {
            return Ok(Some(held));
        }
        let client = self.client.clone();
        let outcome = match plan {
            Plan::Nothing => return Ok(Some(Ended::done(Some(linked)))),
            Plan::Patch(operations, names) => {
                self.kind = Some(kind(pushed, &names));
                self.call("PATCH /Users/{id}", &names, client.patch(id, &operations)).await?
            }
            Plan::Put(names) => {
                self.kind = Some(kind(pushed, &names));
                self.call("PUT /Users/{id}", &names, client.replace(id, &pushed.resource())).await?
            }
        };
        let Some(outcome) = outcome else { return Ok(None) };
        Ok(match outcome {
            Outcome::Ok(_) => {
                if departs {
                    self.deactivated().await?;
                }
                Some(Ended::done(Some(linked)))
            }
            Outcome::NotFound(answer) => Box::pin(self.lost(pushed, answer)).await?,
            other => Some(self.failed(&other)),
        })
    }

    /// Whether a push would switch somebody off who is on, as far as we know.
    fn departs(&self, linked: &LinkUpdate) -> bool {
        let off = digest_of(&self.key, "active", &serde_json::Value::Bool(false));
        linked.digests.get("active") == Some(&off) && self.link.digests.get("active") != Some(&off)
    }

    /// The linked record answers 404, and is made anew.
    async fn lost(&mut self, pushed: &Pushed, answer: downstream::Answer) -> Result<Option<Ended>, Error> {
        match self.unlink(answer) {
            Some(ended) => Ok(Some(ended)),
            None => {
                let made = self.make(pushed).await?;
                Ok(Some(self.without_record(made)))
            }
        }
    }

    /// How a round ends that found its record gone and may not have got another one. The link still leads there, so that the
    /// next round must not believe the digests: the user may be back to what was sent by then, and nobody would ask (K17).
    pub fn without_record(&self, ended: Option<Ended>) -> Ended {
        let ended = ended.unwrap_or_else(Ended::again);
        match ended.verdict {
            Verdict::Retry { after, charged, .. } if ended.link.is_none() => {
                Ended { verdict: Verdict::Retry { after, definite: false, charged }, ..ended }
            }
            // Whoever is parked was looked for; a POST whose fate is unknown stays unknown (K21).
            Verdict::Park if ended.link.is_none() && self.link.create_intent_age.is_none() => {
                Ended { link: Some(LinkUpdate::default()), ..ended }
            }
            _ => ended,
        }
    }

    /// Forgets a record that answers 404. It is gone only where SCIM says so and nobody else has our externalId (K23); how the
    /// round ends where that is not shown.
    pub fn unlink(&mut self, answer: downstream::Answer) -> Option<Ended> {
        if answer.body.is_none() {
            return Some(self.failed(&Outcome::Failed(answer)));
        }
        if self.gone {
            // Found and gone again within one round: the next one looks afresh.
            let gone = self.failed(&Outcome::NotFound(answer));
            return Some(Ended { reason: Some("gone".to_owned()), link: Some(LinkUpdate::default()), ..gone });
        }
        self.gone = true;
        self.link = self.link.unlinked();
        None
    }

    pub fn failed(&self, outcome: &Outcome) -> Ended {
        let judge = if self.subject.kind == Kind::Group { of_group_failure } else { of_failure };
        let (verdict, target) = judge(outcome, self.claim.row.state().attempts, rand::random());
        let verdict = match verdict {
            // The target's trouble is not the user's; others that are due come before it.
            Verdict::Retry { definite, .. } if self.probe => {
                Verdict::Retry { after: 1_000_000, definite, charged: false }
            }
            verdict => verdict,
        };
        Ended { verdict, target, reason: Some(outcome.class().to_owned()), status: outcome.status(), link: None }
    }

    pub async fn record(mut self, ended: Ended) -> Result<(), Error> {
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
            observed: std::mem::take(&mut self.observed),
            verdict: ended.verdict,
            reason: ended.reason,
            status: ended.status,
            link: ended.link,
            attempts: std::mem::take(&mut self.attempts),
        };
        let recorded = ledger::record(db, self.tenant, self.subject, &acknowledgement).await?;
        if matches!(recorded, Recorded::Written { .. }) && acknowledgement.verdict == Verdict::Done {
            self.delivered();
        }
        if recorded == Recorded::Stale {
            tracing::info!(tenant.id = %self.tenant, subject = ?self.subject, "a round no longer counted");
        }
        Ok(())
    }
}

impl Round<'_> {
    /// Counts a change that has arrived.
    fn delivered(&self) {
        if let Some(kind) = self.kind {
            CHANGES.add(1, &[KeyValue::new("kind", kind)]);
            // How late people are is what is watched; groups come after them.
            if self.subject.kind == Kind::Group {
                return;
            }
            let waited = u64::try_from(micros_now() - self.claim.row.dirty_at).unwrap_or(0);
            LAG.record(Duration::from_micros(waited).as_secs_f64(), &[]);
        }
    }
}

/// What a change of some attributes is called.
fn kind(pushed: &Pushed, names: &[String]) -> &'static str {
    let active = names.iter().any(|name| name == "active").then(|| pushed.attribute("active")).flatten();
    match active.and_then(serde_json::Value::as_bool) {
        Some(false) => "deactivate",
        Some(true) if names.len() == 1 => "activate",
        _ => "update",
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
