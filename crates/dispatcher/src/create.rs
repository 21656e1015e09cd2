//! Create: find our record, or make it, never twice and never a stranger (K21, P5).

use std::collections::BTreeMap;

use directory::ledger::LinkUpdate;
use directory::link;
use directory::resource::Kind;
use downstream::{Outcome, Remote};
use scim::Object;
use serde_json::Value;

use crate::ended::Ended;
use crate::pushed::Pushed;
use crate::round::{Error, Round};

/// After an empty look-up for an unconfirmed create, how long until a second one allows another POST, microseconds (K21).
const UNCONFIRMED: i64 = 60_000_000;
/// The longest list that is walked for one record, and its pages.
const WALK: usize = 10_000;
const PAGE: usize = 200;

/// What a look-up found.
pub(crate) enum Found {
    /// Ours.
    Ours(Box<Remote>),
    /// Somebody else's record has our name.
    Stranger,
    /// Nobody.
    Nobody,
    /// The downstream cannot be asked: no filters, or a list too long.
    Unknown,
}

/// A record as it would be made.
pub(crate) struct Wanted {
    /// What it is called: a userName or a displayName.
    pub name: String,
    /// The whole record.
    pub resource: Object,
    /// The names of what it holds.
    pub names: Vec<String>,
}

impl Wanted {
    /// A user's.
    pub fn user(pushed: &Pushed) -> Self {
        let names = pushed.paths().filter(|path| pushed.attribute(path).is_some()).map(str::to_owned);
        let name = pushed.attribute("userName").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { name, resource: pushed.resource(), names: names.collect() }
    }
}

/// Where a record of ours stands now.
pub(crate) enum Standing {
    /// It was there.
    Found(Box<Remote>),
    /// It was made, under this id.
    Made(String),
}

/// Where the record stands, or how the round ends without one; `None` where the lease went away.
type Settled = Result<Option<Result<Standing, Ended>>, Error>;

/// A look-up, or how the round ends without one; `None` where the lease went away.
type LookUp = Result<Option<Result<Found, Ended>>, Error>;

impl Round<'_> {
    /// Finds the record by our externalId, or makes it. Only a record with our externalId is ever linked (P5).
    pub async fn create(&mut self, wanted: &Wanted) -> Settled {
        let unsure = self.link.create_intent_age;
        let found = if self.target.supports_filter {
            self.find(&wanted.name, true).await?
        } else if unsure.is_some() || self.gone {
            self.walk(&wanted.name).await?
        } else {
            // Without filters, a first create is its own question: 409 says that somebody has the name.
            Some(Ok(Found::Unknown))
        };
        match found {
            None => return Ok(None),
            Some(Err(ended)) => return Ok(Some(Err(ended))),
            Some(Ok(Found::Ours(remote))) => return Ok(Some(Ok(Standing::Found(remote)))),
            Some(Ok(Found::Stranger)) => return Ok(Some(Err(Ended::park("conflict", None)))),
            Some(Ok(Found::Unknown)) if unsure.is_some() => {
                return Ok(Some(Err(Ended::park("unconfirmed create", None))));
            }
            Some(Ok(Found::Nobody | Found::Unknown)) => {}
        }
        // A mass of groups that are gone is no mass of people.
        if self.gone
            && self.subject.kind == Kind::User
            && let Some(ended) = self.one_gone().await?
        {
            return Ok(Some(Err(ended)));
        }
        if unsure.is_some()
            && let Some(waits) = self.looked_once().await?
        {
            return Ok(Some(Err(waits)));
        }
        self.post(wanted).await
    }

    /// A look-up for an unconfirmed create found nobody: the wait for the second one, where this was the first (K21).
    async fn looked_once(&self) -> Result<Option<Ended>, Error> {
        let looked = self.link.create_looked_age;
        if looked.is_none() {
            link::looked_for(&self.deps.db, self.tenant, self.subject, self.target.id).await?;
        }
        let wait = UNCONFIRMED - looked.unwrap_or(0);
        Ok((wait > 0).then(|| Ended::retry(wait, "unconfirmed create")))
    }

    /// The record that an unconfirmed create may have made, of a user who is no more; how the round ends where there is none, and
    /// `None` where the lease went away.
    pub async fn unconfirmed(&mut self) -> Result<Option<Result<Box<Remote>, Ended>>, Error> {
        // Nobody else's name is of interest, and what this one's was is not known any more.
        let found = if self.target.supports_filter { self.find("", false).await? } else { self.walk("").await? };
        Ok(match found {
            None => None,
            Some(Err(ended)) => Some(Err(ended)),
            Some(Ok(Found::Ours(remote))) => Some(Ok(remote)),
            Some(Ok(Found::Unknown)) => Some(Err(Ended::park("unconfirmed create", None))),
            Some(Ok(Found::Stranger | Found::Nobody)) => {
                Some(Err(self.looked_once().await?.unwrap_or_else(|| Ended::done(None))))
            }
        })
    }

    async fn post(&mut self, wanted: &Wanted) -> Settled {
        if !link::intend_create(&self.deps.db, self.tenant, self.subject, self.target.id, self.claim.epoch).await? {
            return Ok(None);
        }
        let client = self.client.clone();
        let (operation, kind) = match self.subject.kind {
            Kind::User => ("POST /Users", "create"),
            Kind::Group => ("POST /Groups", "group"),
        };
        self.kind = Some(kind);
        let created = self.call(operation, &wanted.names, client.create(&wanted.resource)).await?;
        let Some(outcome) = created else { return Ok(None) };
        let mut ended = match &outcome {
            Outcome::Ok(answer) => match answer.body.as_ref().and_then(Remote::read) {
                // Some give back whom they take for the same: with another externalId that is somebody else's record (P5).
                Some(remote)
                    if !self.is_ours(&remote) && remote.external_id.as_deref().is_some_and(|id| !id.is_empty()) =>
                {
                    return Ok(Some(Err(Ended::park("conflict", outcome.status()))));
                }
                Some(remote) => return Ok(Some(Ok(Standing::Made(remote.id)))),
                // Made, but under which id? Looked up by the next round.
                None => return Ok(Some(Err(self.failed(&Outcome::Ambiguous)))),
            },
            Outcome::Conflict(_) => {
                let found = if self.target.supports_filter {
                    self.find(&wanted.name, false).await?
                } else {
                    self.walk(&wanted.name).await?
                };
                match found {
                    None => return Ok(None),
                    Some(Err(ended)) => return Ok(Some(Err(ended))),
                    Some(Ok(Found::Ours(remote))) => return Ok(Some(Ok(Standing::Found(remote)))),
                    Some(Ok(_)) => Ended::park("conflict", outcome.status()),
                }
            }
            other => self.failed(other),
        };
        if outcome.did_nothing() {
            // Refused for sure: the next POST need not wait for what this one may have done.
            ended.link = Some(LinkUpdate { downstream_id: None, digests: BTreeMap::new() });
        }
        Ok(Some(Err(ended)))
    }

    /// Asks by externalId, then by name. What comes back is compared here: some servers ignore filters (K21).
    async fn find(&mut self, name: &str, by_name_too: bool) -> LookUp {
        let ours = self.subject.id.to_string();
        let (operation, by_name) = (self.listing(), self.name_attribute());
        for (attribute, value) in [("externalId", ours.as_str()), (by_name, name)] {
            if !by_name_too && attribute == by_name {
                continue;
            }
            let client = self.client.clone();
            let found = match self.call(operation, &[], client.search(attribute, value)).await? {
                Some(Ok(found)) => found,
                Some(Err(outcome)) => return Ok(Some(Err(self.failed(&outcome)))),
                None => return Ok(None),
            };
            let whole = found.is_whole();
            match self.judge(found.records, name) {
                Found::Ours(remote) => return Ok(Some(Ok(Found::Ours(remote)))),
                // Whoever is not shown, or cannot be read, may be ours all the same.
                _ if !whole => return Box::pin(self.walk(name)).await,
                Found::Stranger if attribute == "externalId" => {}
                Found::Nobody | Found::Unknown => {}
                found @ Found::Stranger => return Ok(Some(Ok(found))),
            }
        }
        Ok(Some(Ok(Found::Nobody)))
    }

    /// Reads the whole list, for a downstream that takes no filters; gives up on a long one. It ends where nobody more is shown,
    /// whatever total is told: some tell the page's.
    async fn walk(&mut self, name: &str) -> LookUp {
        let (mut read, mut stranger, mut unread) = (0, false, false);
        let mut last: Option<String> = None;
        while read < WALK {
            let client = self.client.clone();
            let page = match self.call(self.listing(), &[], client.list(read + 1, PAGE)).await? {
                Some(Ok(page)) => page,
                Some(Err(outcome)) => return Ok(Some(Err(self.failed(&outcome)))),
                None => return Ok(None),
            };
            if page.total > WALK {
                return Ok(Some(Ok(Found::Unknown)));
            }
            read += page.length;
            unread |= page.length > page.records.len();
            let first = page.records.first().map(|remote| remote.id.clone());
            // The same page for ever: the rest is never shown.
            let repeats = first.is_some() && first == last;
            let ends = page.length == 0 || repeats;
            unread |= repeats && page.total > page.length || page.length == 0 && read < page.total;
            last = first;
            match self.judge(page.records, name) {
                Found::Ours(remote) => return Ok(Some(Ok(Found::Ours(remote)))),
                Found::Stranger => stranger = true,
                Found::Nobody | Found::Unknown => {}
            }
            if ends {
                return Ok(Some(Ok(match (stranger, unread) {
                    (true, _) => Found::Stranger,
                    (false, true) => Found::Unknown,
                    (false, false) => Found::Nobody,
                })));
            }
        }
        Ok(Some(Ok(Found::Unknown)))
    }

    fn judge(&self, found: Vec<Remote>, name: &str) -> Found {
        let key = |text: &str| match self.subject.kind {
            Kind::User => scim::key::username_key(text),
            Kind::Group => scim::key::display_name_key(text),
        };
        let stranger = found.iter().any(|remote| {
            let held = remote.resource.get(self.name_attribute()).and_then(Value::as_str).unwrap_or_default();
            key(held) == key(name)
        });
        match found.into_iter().find(|remote| self.is_ours(remote)) {
            Some(remote) => Found::Ours(Box::new(remote)),
            None if stranger => Found::Stranger,
            None => Found::Nobody,
        }
    }

    fn listing(&self) -> &'static str {
        match self.subject.kind {
            Kind::User => "GET /Users",
            Kind::Group => "GET /Groups",
        }
    }

    fn name_attribute(&self) -> &'static str {
        match self.subject.kind {
            Kind::User => "userName",
            Kind::Group => "displayName",
        }
    }

    /// Case-exact, and compared here: some servers ignore filters (K21).
    pub fn is_ours(&self, remote: &Remote) -> bool {
        remote.external_id.as_deref() == Some(self.subject.id.to_string().as_str())
    }
}
