//! A user deleted in the realm: nothing happens downstream (the stated limit), or, where the tenant chose so, its record is
//! deactivated. Nothing is ever deleted there.

use directory::ledger::LinkUpdate;
use downstream::{Outcome, Remote};
use serde_json::{Value, json};

use crate::ended::Ended;
use crate::pushed::digest_of;
use crate::round::{Error, Round};

impl Round<'_> {
    /// Settles what is owed for a user who is no more.
    pub async fn deleted(&mut self) -> Result<Option<Ended>, Error> {
        let off = digest_of(&self.key, "active", &Value::Bool(false));
        let linked = self.link.downstream_id.clone().filter(|_| self.target.choices.deactivates_deleted);
        let Some(id) = linked.filter(|_| self.link.digests.get("active") != Some(&off)) else {
            return Ok(Some(Ended::done(None)));
        };
        if let Some(held) = self.held().await? {
            return Ok(Some(held));
        }
        let client = self.client.clone();
        let Some(read) = self.call("GET /Users/{id}", &[], client.read(&id)).await? else { return Ok(None) };
        let remote = match read {
            Outcome::Ok(answer) => answer.body.as_ref().and_then(Remote::read).filter(|remote| self.is_ours(remote)),
            Outcome::NotFound(answer) if answer.body.is_some() => None,
            other => return Ok(Some(self.failed(&other))),
        };
        // Gone there too, or somebody else's: nobody to switch off.
        let Some(remote) = remote else { return Ok(Some(Ended::done(None))) };
        let names = ["active".to_owned()];
        self.kind = Some("deactivate");
        let outcome = if self.target.supports_patch {
            let operations = [json!({ "op": "replace", "path": "active", "value": false })];
            self.call("PATCH /Users/{id}", &names, client.patch(&id, &operations)).await?
        } else {
            let mut resource = remote.resource;
            resource.insert("active".to_owned(), json!(false));
            self.call("PUT /Users/{id}", &names, client.replace(&id, &resource)).await?
        };
        Ok(match outcome {
            None => None,
            Some(Outcome::Ok(_)) => {
                self.deactivated().await?;
                let mut digests = std::mem::take(&mut self.link.digests);
                digests.insert("active".to_owned(), off);
                Some(Ended::done(Some(LinkUpdate { downstream_id: Some(id), digests })))
            }
            Some(other) => Some(self.failed(&other)),
        })
    }
}
