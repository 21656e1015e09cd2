//! A round under one claim: what it is made of, how it judges an answer, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use directory::activity::Entry;
use directory::ledger::{self, Acknowledgement, Claim, LinkUpdate, Recorded, Subject, Verdict};
use directory::link::Link;
use directory::resource::Kind;
use directory::watch;
use downstream::{BaseUrl, Client, Outcome};
use registry::TenantId;
use registry::target::{self, Target};
use secrecy::ExposeSecret;
use telemetry::metrics::KeyValue;

use crate::Deps;
use crate::attempt::micros_now;
use crate::ended::Ended;
use crate::fairness::Health;
use crate::gauges::{CHANGES, LAG};
use crate::verdict::{TargetVerdict, of_failure, of_group_failure};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Directory(#[from] directory::Error),
    #[error(transparent)]
    Registry(#[from] registry::Error),
}

/// One round under one claim. What it does downstream stands in `send`, `create` and `groups`; how a call is made, in `attempt`.
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
        link: Link,
        claim: &'a Claim,
    ) -> Result<Option<Self>, Error> {
        let token = match deps.keyring.open(&target::aad(tenant), &target.token) {
            Ok(token) => token,
            Err(error) => {
                tracing::error!(
                    name = "outbound.token_unopened",
                    %error,
                    tenant.id = %tenant,
                    "a downstream token does not open",
                );
                return Ok(None);
            }
        };
        let Ok(base) = BaseUrl::parse(&target.base_url, &downstream::Guard::judged()) else { return Ok(None) };
        let sent = vec![token.expose_secret().to_owned()];
        let client = Client::new(deps.connector.clone(), base, token);
        let client = if subject.kind == Kind::Group { client.groups() } else { client };
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
        let (verdict, target) = judge(outcome, self.claim.row.state.attempts, rand::random());
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
        let ended = self.refused(ended).await?;
        let (db, id, generation) = (&self.deps.db, self.target.id, self.target.generation);
        match ended.target {
            TargetVerdict::Carry => {}
            TargetVerdict::Pause(wait) => {
                let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2);
                target::pause(db, id, generation, wait).await?;
            }
            TargetVerdict::Quarantine(cause) => target::quarantine(db, id, generation, cause).await?,
        }
        let acknowledgement = Acknowledgement {
            claim: self.claim,
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
            tracing::info!(
                name = "outbound.outdated",
                tenant.id = %self.tenant,
                subject = ?self.subject,
                "a round no longer counted",
            );
        }
        Ok(())
    }

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
