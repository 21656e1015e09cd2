//! Create: find our record, or make it, never twice and never a stranger (K21, P5).

use std::collections::BTreeMap;

use directory::ledger::LinkUpdate;
use directory::link::{self, Link};
use downstream::{Outcome, Remote};

use crate::plan::Trust;
use crate::pushed::{PATHS, Pushed};
use crate::send::{Ended, Error, Round};

/// After an unconfirmed create, how long until a second empty look-up allows another POST, microseconds (K21).
const UNCONFIRMED: i64 = 60_000_000;
/// The longest list that is walked for one record, and its pages.
const WALK: usize = 10_000;
const PAGE: usize = 200;

/// What a look-up found.
pub(crate) enum Found {
    /// Ours.
    Ours(Box<Remote>),
    /// Somebody else's record has our userName.
    Stranger,
    /// Nobody.
    Nobody,
    /// The downstream cannot be asked: no filters, or a list too long.
    Unknown,
}

/// A look-up, or how the round ends without one; `None` where the lease went away.
type LookUp = Result<Option<Result<Found, Ended>>, Error>;

impl Round<'_> {
    /// Finds the record by our externalId, or makes it. Only a record with our externalId is ever linked (P5).
    pub async fn create(&mut self, pushed: &Pushed) -> Result<Option<Ended>, Error> {
        let unsure = self.link.create_intent_age;
        let found = if self.target.supports_filter {
            self.find(pushed, true).await?
        } else if unsure.is_some() || self.gone {
            self.walk(pushed).await?
        } else {
            // Without filters, a first create is its own question: 409 says that somebody has the name.
            Some(Ok(Found::Unknown))
        };
        match found {
            None => return Ok(None),
            Some(Err(ended)) => return Ok(Some(ended)),
            Some(Ok(Found::Ours(remote))) => return self.bring_in_step(pushed, &remote).await,
            Some(Ok(Found::Stranger)) => return Ok(Some(Ended::park("conflict", None))),
            Some(Ok(Found::Unknown)) if unsure.is_some() => return Ok(Some(Ended::park("unconfirmed create", None))),
            Some(Ok(Found::Nobody | Found::Unknown)) => {}
        }
        if self.gone
            && let Some(ended) = self.one_gone().await?
        {
            return Ok(Some(ended));
        }
        if let Some(age) = unsure.filter(|age| *age < UNCONFIRMED) {
            return Ok(Some(Ended::retry(UNCONFIRMED - age, "unconfirmed create")));
        }
        self.post(pushed).await
    }

    async fn post(&mut self, pushed: &Pushed) -> Result<Option<Ended>, Error> {
        if !link::intend_create(&self.deps.db, self.tenant, self.user, self.target.id, self.claim.epoch).await? {
            return Ok(None);
        }
        let client = self.client.clone();
        let names: Vec<String> =
            PATHS.iter().filter(|path| pushed.attribute(path).is_some()).map(|path| (*path).to_owned()).collect();
        self.kind = Some("create");
        let created = self.call("POST /Users", &names, client.create(&pushed.resource())).await?;
        let Some(outcome) = created else { return Ok(None) };
        let mut ended = match &outcome {
            Outcome::Ok(answer) => match answer.body.as_ref().and_then(Remote::read) {
                Some(remote) => {
                    let digests = pushed.digests(&self.key);
                    return Ok(Some(Ended::done(Some(LinkUpdate { downstream_id: Some(remote.id), digests }))));
                }
                // Made, but under which id? Looked up by the next round.
                None => return Ok(Some(self.failed(&Outcome::Ambiguous))),
            },
            Outcome::Conflict(_) => {
                let found = if self.target.supports_filter {
                    self.find(pushed, false).await?
                } else {
                    self.walk(pushed).await?
                };
                match found {
                    None => return Ok(None),
                    Some(Err(ended)) => return Ok(Some(ended)),
                    Some(Ok(Found::Ours(remote))) => return self.bring_in_step(pushed, &remote).await,
                    Some(Ok(_)) => Ended::park("conflict", outcome.status()),
                }
            }
            other => self.failed(other),
        };
        if outcome.did_nothing() {
            // Refused for sure: the next POST need not wait for what this one may have done.
            ended.link = Some(LinkUpdate { downstream_id: None, digests: BTreeMap::new() });
        }
        Ok(Some(ended))
    }

    async fn bring_in_step(&mut self, pushed: &Pushed, remote: &Remote) -> Result<Option<Ended>, Error> {
        self.link = Link::default();
        self.update(&remote.id.clone(), pushed, Trust::Nothing, Some(remote)).await
    }

    /// Asks by externalId, then by userName. What comes back is compared here: some servers ignore filters (K21).
    async fn find(&mut self, pushed: &Pushed, by_name_too: bool) -> LookUp {
        let (ours, name) = (self.user.to_string(), name_of(pushed));
        for (attribute, value) in [("externalId", ours.as_str()), ("userName", name.as_str())] {
            if !by_name_too && attribute == "userName" {
                continue;
            }
            let client = self.client.clone();
            let found = match self.call("GET /Users", &[], client.find(attribute, value)).await? {
                Some(Ok(found)) => found,
                Some(Err(outcome)) => return Ok(Some(Err(self.failed(&outcome)))),
                None => return Ok(None),
            };
            match self.judge(found, &name) {
                Found::Stranger if attribute == "externalId" => {}
                Found::Nobody | Found::Unknown => {}
                found => return Ok(Some(Ok(found))),
            }
        }
        Ok(Some(Ok(Found::Nobody)))
    }

    /// Reads the whole list, for a downstream that takes no filters; gives up on a long one.
    async fn walk(&mut self, pushed: &Pushed) -> LookUp {
        let (name, mut read, mut stranger) = (name_of(pushed), 0, false);
        while read < WALK {
            let client = self.client.clone();
            let page = match self.call("GET /Users", &[], client.list(read + 1, PAGE)).await? {
                Some(Ok(page)) => page,
                Some(Err(outcome)) => return Ok(Some(Err(self.failed(&outcome)))),
                None => return Ok(None),
            };
            if page.total > WALK {
                return Ok(Some(Ok(Found::Unknown)));
            }
            read += page.length;
            match self.judge(page.users, &name) {
                Found::Ours(remote) => return Ok(Some(Ok(Found::Ours(remote)))),
                Found::Stranger => stranger = true,
                Found::Nobody | Found::Unknown => {}
            }
            if page.length == 0 || read >= page.total {
                return Ok(Some(Ok(if stranger { Found::Stranger } else { Found::Nobody })));
            }
        }
        Ok(Some(Ok(Found::Unknown)))
    }

    fn judge(&self, found: Vec<Remote>, name: &str) -> Found {
        let stranger = found.iter().any(|remote| {
            let held = remote.resource.get("userName").and_then(|name| name.as_str()).unwrap_or_default();
            scim::key::username_key(held) == scim::key::username_key(name)
        });
        match found.into_iter().find(|remote| self.is_ours(remote)) {
            Some(remote) => Found::Ours(Box::new(remote)),
            None if stranger => Found::Stranger,
            None => Found::Nobody,
        }
    }

    /// Case-exact, and compared here: some servers ignore filters (K21).
    pub fn is_ours(&self, remote: &Remote) -> bool {
        remote.external_id.as_deref() == Some(self.user.to_string().as_str())
    }
}

fn name_of(pushed: &Pushed) -> String {
    pushed.attribute("userName").and_then(|name| name.as_str()).unwrap_or_default().to_owned()
}
