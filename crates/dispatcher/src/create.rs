//! Create: find our record, or make it, never twice and never a stranger (K21, P5).

use directory::ledger::LinkUpdate;
use directory::link::{self, Link};
use downstream::{Outcome, Remote};

use crate::plan::Trust;
use crate::pushed::{PATHS, Pushed};
use crate::send::{Ended, Error, Round};

/// After an unconfirmed create, how long until a second empty look-up allows another POST, microseconds (K21).
const UNCONFIRMED: i64 = 60_000_000;

impl Round<'_> {
    /// Finds the record by our externalId, or makes it. Only a record with our externalId is ever linked (P5).
    pub async fn create(&mut self, pushed: &Pushed) -> Result<Option<Ended>, Error> {
        if let Some(ended) = self.look_up(pushed, true).await? {
            return Ok(ended);
        }
        // Nobody can be asked whether the last one was made, so it is for a person to find out.
        if !self.target.supports_filter && self.link.create_intent_age.is_some() {
            return Ok(Some(Ended::park("unconfirmed create")));
        }
        if let Some(age) = self.link.create_intent_age.filter(|age| *age < UNCONFIRMED) {
            return Ok(Some(Ended::retry(UNCONFIRMED - age, "unconfirmed create")));
        }
        if !link::intend_create(&self.deps.db, self.tenant, self.user, self.target.id, self.claim.epoch).await? {
            return Ok(None);
        }
        let client = self.client.clone();
        let names: Vec<String> =
            PATHS.iter().filter(|path| pushed.attribute(path).is_some()).map(|path| (*path).to_owned()).collect();
        self.kind = Some("create");
        let created = self.call("POST /Users", &names, client.create(&pushed.resource())).await?;
        let Some(outcome) = created else { return Ok(None) };
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
                None => Ok(Some(Ended { link: Some(LinkUpdate::default()), ..Ended::park("conflict") })),
            },
            other => {
                let mut ended = self.failed(&other);
                // Refused for sure: nothing was made, and the next one need not wait for it.
                if ended.is_definite() {
                    ended.link = Some(LinkUpdate::default());
                }
                Ok(Some(ended))
            }
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
            let client = self.client.clone();
            let found = match self.call("GET /Users", &[], client.find(attribute, value)).await? {
                Some(Ok(found)) => found,
                Some(Err(outcome)) => return Ok(Some(Some(self.failed(&outcome)))),
                None => return Ok(Some(None)),
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
    pub fn is_ours(&self, remote: &Remote) -> bool {
        remote.external_id.as_deref() == Some(self.user.to_string().as_str())
    }
}
