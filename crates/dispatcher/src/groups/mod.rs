//! A group's round: the same claim, link, verdict and record as a user's. What is pushed is the directory's group; members
//! travel by deltas, each remembered when it is confirmed.
//!
//! A round makes few calls and comes again for the rest, so that no user waits long for its place.

mod members;
pub mod plan;

use std::collections::{BTreeMap, BTreeSet};

use directory::group;
use directory::ledger::{self, LinkUpdate, Stage, Subject, Verdict};
use directory::link;
use directory::pushed_member::{self, Held};
use downstream::Answer;
use registry::TenantId;
use registry::target;
use serde_json::json;
use tracing::Instrument;
use uuid::Uuid;

use crate::Deps;
use crate::create::{Standing, Wanted};
use crate::ended::Ended;
use crate::fairness::Health;
use crate::pushed::digest_of;
use crate::round::{Error, Round};
use crate::verdict::of_found_group;

pub(crate) use members::standing;
use plan::{Known, MEMBERS, Step};

/// Calls of one round.
const CALLS: usize = 16;
/// Members of a group without PATCH, which travels as a whole.
const WHOLE: u32 = 10_000;

/// One round for a group, if one is due; what it says about the target.
pub(crate) async fn run(deps: &Deps, tenant: TenantId, group: Uuid, probe: bool) -> Result<Health, Error> {
    let Some(target) = target::current(&deps.db, tenant).await? else { return Ok(Health::Unknown) };
    if !target.open() || !target.choices.pushes_groups {
        return Ok(Health::Unknown);
    }
    let subject = Subject::group(group);
    let Some(claim) = ledger::claim(&deps.db, tenant, subject, Stage::Send, Some(target.generation)).await? else {
        return Ok(Health::Unknown);
    };
    let span = tracing::info_span!("outbound.send", tenant.id = %tenant, group.id = %group);
    let work = async {
        let link = link::of(&deps.db, tenant, subject, target.id).await?;
        let Some(mut round) = Round::begin(deps, tenant, subject, &target, link, &claim).await? else {
            ledger::release(&deps.db, tenant, subject, &claim, 5_000_000).await?;
            return Ok(Health::Unknown);
        };
        round.probe = probe;
        let ended = round.push_group().await?;
        let health = round.health;
        match ended {
            Some(ended) => round.record(ended).await?,
            // What was written may have come after somebody else's writes.
            None if round.wrote() => round.record(Ended::in_doubt()).await?,
            None => ledger::release(&deps.db, tenant, subject, &claim, 0).await?,
        }
        Ok(health)
    };
    work.instrument(span).await
}

/// How a step went.
enum Went {
    /// On to the next.
    On,
    /// The round is over.
    Over(Ended),
    /// The group answers 404.
    Lost(Answer),
    /// What was asked for is refused: what stands there may not be what is remembered.
    Refused(Ended),
    /// The lease went away.
    Away,
}

/// A group's record, as far as a round knows it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a record")]
struct Record {
    id: String,
    /// What the directory calls it; nothing once it is gone from there.
    name: Option<String>,
    /// What it has to be called, or whose it is, differs from what stands there.
    differs: bool,
    /// It was read in this round.
    looked: bool,
    /// It was given its name in this round.
    named: bool,
    /// A removal of several was refused: some of them may not be there.
    alone: bool,
    /// It answered 404, and has not been seen since.
    missing: bool,
    /// What it is called there.
    stands_as: String,
    /// Who stands in it, where it was read and hides nobody.
    records: Option<BTreeSet<String>>,
    joining: Joining,
}

/// How members join in a round.
struct Joining {
    /// So many by one request: fewer after a refusal of several.
    at_once: usize,
    /// Somebody has joined.
    began: bool,
    /// Who was refused alone, and how the round ends for the first of them.
    refused: Vec<Uuid>,
    refusal: Option<Ended>,
}

impl Default for Joining {
    fn default() -> Self {
        Self { at_once: MEMBERS as usize, began: false, refused: Vec::new(), refusal: None }
    }
}

impl Joining {
    /// One is being looked for among many, and nobody has joined yet: made way for now, all of it would begin anew.
    fn seeks(&self) -> bool {
        !self.began && (self.at_once < Self::default().at_once || !self.refused.is_empty())
    }
}

impl Round<'_> {
    fn claimed(&self) -> Held {
        let (tenant, group, target) = (self.tenant, self.subject.id, self.target.id);
        Held { tenant, group, target, epoch: self.claim.epoch, late: self.claim.awaits_late_writes() }
    }

    /// A call of this round changed something, or may have.
    fn wrote(&self) -> bool {
        self.attempts.iter().any(|attempt| !attempt.operation.starts_with("GET "))
    }

    async fn push_group(&mut self) -> Result<Option<Ended>, Error> {
        let name = group::name(&self.deps.db, self.tenant, self.subject.id).await?;
        self.sent.extend(name.clone());
        let Some(id) = self.link.downstream_id.clone() else { return self.make_group(name, false).await };
        let unverified = self.link.verified_generation != self.target.generation;
        // Without PATCH, whoever else stands in the group has to be known before it is replaced.
        let look = self.claim.doubt || self.claim.reassert || unverified || !self.target.supports_patch;
        self.group_in_step(id, name, look).await
    }

    /// Finds the group's record, or makes it. Members come with the next round, when its id is safe: whoever dies before that
    /// leaves a record that holds nobody, should the group be deleted meanwhile. `lost` where this round had a record before.
    async fn make_group(&mut self, name: Option<String>, lost: bool) -> Result<Option<Ended>, Error> {
        // Gone before it got there: nobody is looked for, nothing is made.
        let Some(name) = name else { return Ok(Some(Ended::done(Some(LinkUpdate::default())))) };
        let resource = plan::resource(self.subject.id, &name);
        let names = vec!["displayName".to_owned(), "externalId".to_owned()];
        match self.create(&Wanted { name: name.clone(), resource, names }).await? {
            None => Ok(None),
            Some(Err(ended)) => Ok(Some(ended)),
            // Nor is anything known of it: the next round begins in doubt, and looks.
            Some(Ok(Standing::Found(remote))) => {
                let link = LinkUpdate { downstream_id: Some(remote.id), digests: BTreeMap::new() };
                let verdict = of_found_group(lost, self.claim.row.state.attempts, rand::random());
                Ok(Some(Ended { verdict, link: Some(link), ..Ended::again() }))
            }
            Some(Ok(Standing::Made(id))) => {
                self.link.digests = self.naming_digests(&name);
                let nobody = pushed_member::made(&self.deps.db, &self.claimed()).await?;
                Ok(nobody.then(|| self.more(&id)))
            }
        }
    }

    /// Brings a record in step, call by call.
    async fn group_in_step(
        &mut self,
        id: String,
        name: Option<String>,
        mut look: bool,
    ) -> Result<Option<Ended>, Error> {
        let differs = name.as_ref().is_some_and(|name| self.link.digests != self.naming_digests(name));
        let mut record = Record {
            id,
            name,
            differs,
            looked: false,
            named: false,
            alone: false,
            missing: false,
            stands_as: String::new(),
            records: None,
            joining: Joining::default(),
        };
        loop {
            let went = if look { self.look(&mut record).await? } else { self.step(&mut record).await? };
            look = false;
            match went {
                None => {
                    let digests = std::mem::take(&mut self.link.digests);
                    return Ok(Some(Ended::done(Some(LinkUpdate { downstream_id: Some(record.id), digests }))));
                }
                Some(Went::On) => {}
                Some(Went::Refused(_)) if !record.looked => look = true,
                Some(Went::Over(ended) | Went::Refused(ended)) => return Ok(Some(self.kept(&record, ended))),
                Some(Went::Lost(answer)) => return self.group_lost(record.name, answer).await,
                // Given back, a claim counts as one that called nobody.
                Some(Went::Away) => return Ok(record.named.then(|| self.kept(&record, Ended::in_doubt()))),
            }
            if record.id.is_empty() {
                // Somebody else's: ours is looked for, or made.
                self.link = self.link.unlinked();
                let made = self.make_group(record.name, true).await?;
                return Ok(Some(self.without_record(made)));
            }
        }
    }

    /// The next step, if there is one.
    async fn step(&mut self, record: &mut Record) -> Result<Option<Went>, Error> {
        let (held, limit) = (self.claimed(), if self.target.supports_patch { MEMBERS } else { WHOLE });
        let refused = u32::try_from(record.joining.refused.len()).unwrap_or(WHOLE);
        let mut missing = pushed_member::missing(&self.deps.db, &held, limit.saturating_add(refused)).await?;
        missing.retain(|member| !record.joining.refused.contains(&member.user_id));
        let surplus = pushed_member::surplus(&self.deps.db, &held, limit).await?;
        let known = Known {
            name_differs: record.differs,
            missing: &missing,
            surplus: &surplus,
            generation: self.target.generation,
            supports_patch: self.target.supports_patch,
        };
        let step = plan::next(&known);
        if step != Step::Nothing && self.attempts.len() >= CALLS && !record.joining.seeks() {
            return Ok(Some(Went::Over(self.more(&record.id))));
        }
        Ok(match step {
            Step::Nothing => record.joining.refusal.take().map(Went::Over),
            Step::Verify(members) => Some(self.verify(&members).await?),
            Step::Remove(members) => Some(self.remove(record, &members).await?),
            Step::Name => Some(self.rename(record).await?),
            Step::Add(members) => Some(self.add(record, &members).await?),
            Step::Put => Some(self.put(record, &missing, &surplus).await?),
        })
    }

    /// The group answers 404, and is made anew.
    async fn group_lost(&mut self, name: Option<String>, answer: Answer) -> Result<Option<Ended>, Error> {
        match self.unlink(answer) {
            Some(ended) => Ok(Some(ended)),
            None => {
                let made = self.make_group(name, true).await?;
                Ok(Some(self.without_record(made)))
            }
        }
    }

    /// A name that was confirmed or seen is remembered, however its round ends: the group may get its old name back before the
    /// next. So is that it was looked at: one look is enough for a group that takes many rounds.
    fn kept(&self, record: &Record, mut ended: Ended) -> Ended {
        // What a person linked says whose it is once it has its name from us.
        let known = record.named || record.looked && !self.link.adopted;
        if known && ended.link.is_none() {
            let (downstream_id, digests) = (Some(record.id.clone()), self.link.digests.clone());
            ended.link = Some(LinkUpdate { downstream_id, digests });
        }
        if let Verdict::Retry { after, definite: true, charged } = ended.verdict
            && record.looked
            && ended.link.is_some()
        {
            ended.verdict = Verdict::Looked { after, charged };
        }
        // By the next round nobody may be left about whom it would be called.
        if let Verdict::Retry { after, charged, .. } = ended.verdict
            && record.missing
        {
            ended.verdict = Verdict::Retry { after, definite: false, charged };
        }
        ended
    }

    /// The round is over, its group is not: it comes again at once.
    fn more(&self, id: &str) -> Ended {
        let digests = self.link.digests.clone();
        let link = LinkUpdate { downstream_id: Some(id.to_owned()), digests };
        Ended { link: Some(link), ..Ended::again() }
    }

    fn naming_digests(&self, name: &str) -> BTreeMap<String, String> {
        let digest = digest_of(&self.key, "displayName", &json!(name));
        BTreeMap::from([("displayName".to_owned(), digest)])
    }
}
