//! Send: claim → realm → plan → HTTP → record (K16–K22), or from a look that was claimed on to it. One sender per user; a verdict
//! counts only for what it was made for; a POST is never repeated blindly.

use directory::ledger::{self, Claim, LinkUpdate, Mark, Stage};
use directory::link::{self, Link};
use downstream::{Outcome, Remote};
use realm::RealmUser;
use registry::TenantId;
use registry::target::{self, Target};
use tracing::Instrument;
use uuid::Uuid;

use crate::Deps;
use crate::create::{Standing, Wanted};
use crate::ended::Ended;
use crate::fairness::Health;
use crate::plan::{Plan, Trust, plan};
use crate::pushed::{Pushed, digest_of, observed};
use crate::round::{Error, Round};

/// A round that has what it needs: claimed, and its user looked at under that claim.
pub(crate) struct Begun {
    pub target: Target,
    pub link: Link,
    pub claim: Claim,
    /// `None` for a user who is gone.
    pub seen: Option<RealmUser>,
}

/// One round for a user, if one is due; what it says about the target. A `probe` of a target whose breaker is half open is
/// not charged to its user.
pub(crate) async fn run(deps: &Deps, tenant: TenantId, user: Uuid, probe: bool) -> Result<Health, Error> {
    let Some(target) = target::current(&deps.db, tenant).await? else { return Ok(Health::Unknown) };
    if !target.open() {
        return Ok(Health::Unknown);
    }
    let Some(claim) = ledger::claim(&deps.db, tenant, user, Stage::Send, Some(target.generation)).await? else {
        return Ok(Health::Unknown);
    };
    let span = span(tenant, user, &claim);
    let work = async {
        let seen = match deps.realms.of(tenant).await {
            Ok(realm) => realm.user(user).await,
            Err(error) => Err(error),
        };
        let Ok(seen) = seen else {
            ledger::release(&deps.db, tenant, user, &claim, 2_000_000).await?;
            return Ok(Health::Unknown);
        };
        let link = link::of(&deps.db, tenant, user, target.id).await?;
        round(deps, tenant, user, &Begun { target, link, claim, seen }, probe).await
    };
    work.instrument(span).await
}

/// One round for a user whose look has begun it.
pub(crate) async fn go_on(
    deps: &Deps,
    tenant: TenantId,
    user: Uuid,
    begun: &Begun,
    probe: bool,
) -> Result<Health, Error> {
    round(deps, tenant, user, begun, probe).instrument(span(tenant, user, &begun.claim)).await
}

fn span(tenant: TenantId, user: Uuid, claim: &Claim) -> tracing::Span {
    let span = tracing::info_span!("outbound.send", tenant.id = %tenant, user.id = %user);
    telemetry::trace::join(&span, claim.row.trace.as_deref());
    span
}

async fn round(deps: &Deps, tenant: TenantId, user: Uuid, begun: &Begun, probe: bool) -> Result<Health, Error> {
    let Begun { target, link, claim, seen } = begun;
    let Some(mut round) = Round::begin(deps, tenant, user.into(), target, link.clone(), claim).await? else {
        ledger::release(&deps.db, tenant, user, claim, 5_000_000).await?;
        return Ok(Health::Unknown);
    };
    round.probe = probe;
    round.observed = observed(seen.as_ref(), &claim.mapping, &round.key);
    if claim.row.observed.as_ref() != Some(&round.observed) {
        // The directory follows what a look sees, and none has seen this. It may be an edit that fires no event, and from here on
        // a compare takes it as seen.
        ledger::mark(deps.db.connection(), tenant, user, &Mark::default()).await?;
    }
    let ended = match seen {
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

impl Round<'_> {
    async fn push(&mut self, seen: &RealmUser) -> Result<Option<Ended>, Error> {
        let pushed = Pushed::of(seen, &self.claim.mapping);
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
                    let ours = remote.as_ref().is_some_and(|remote| self.may_touch(remote));
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
        let removable: Vec<&str> = remote.map(|remote| pushed.standing_in(&remote.resource)).unwrap_or_default();
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
                let patched = self.call("PATCH /Users/{id}", &names, client.patch(id, &operations)).await?;
                // Announced, and not there: what an application says of itself may be wrong.
                if matches!(patched.as_ref().and_then(Outcome::status), Some(405 | 501)) {
                    self.call("PUT /Users/{id}", &names, client.replace(id, &pushed.resource())).await?
                } else {
                    patched
                }
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
            refused @ (Outcome::Rejected(_) | Outcome::Conflict(_)) if departs => {
                Box::pin(self.only_switched_off(id, &refused)).await?
            }
            other => Some(self.failed(&other)),
        })
    }

    /// What an application refuses of a user does not keep the user active there (P7): the deactivation goes alone, and the rest
    /// waits for a person.
    async fn only_switched_off(&mut self, id: &str, refused: &Outcome) -> Result<Option<Ended>, Error> {
        let ended = self.failed(refused);
        Ok(match self.switch_off(id, None).await? {
            None => None,
            Some(Outcome::Ok(_)) => Some(Ended { link: Some(self.switched_off(id.to_owned())), ..ended }),
            // It refuses that too: nothing has changed, and it is parked for what it was.
            Some(Outcome::Rejected(_) | Outcome::Conflict(_)) => Some(ended),
            Some(other) => Some(self.failed(&other)),
        })
    }

    /// Whether a linked record is ours to change: it carries our externalId (K22), or none at all, where we have had it under this
    /// id since the enable; or a person linked it.
    pub fn may_touch(&self, remote: &Remote) -> bool {
        let verified = self.link.verified_generation == self.target.generation;
        let nameless = remote.external_id.as_deref().is_none_or(str::is_empty);
        self.is_ours(remote) || self.link.adopted || (verified && nameless)
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
