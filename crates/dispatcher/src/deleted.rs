//! A user deleted in the realm: nothing happens downstream (the stated limit), or, where the tenant chose so or the user was to
//! be deactivated anyway, its record is deactivated. Nothing is ever deleted there.

use directory::ledger::LinkUpdate;
use directory::ledger::protocol::URGENT;
use downstream::{Outcome, Remote};
use serde_json::{Value, json};

use crate::ended::Ended;
use crate::pushed::digest_of;
use crate::round::{Error, Round};

impl Round<'_> {
    /// Settles what is owed for a user who is no more.
    pub async fn deleted(&mut self) -> Result<Option<Ended>, Error> {
        // A deactivation that has not arrived is no less owed for its user having been deleted since (P7).
        let departs = self.target.choices.deactivates_deleted || self.claim.row.state.lane == URGENT;
        if departs && self.link.downstream_id.is_none() && self.link.create_intent_age.is_some() {
            return Box::pin(self.deleted_unconfirmed()).await;
        }
        let off = digest_of(&self.key, "active", &Value::Bool(false));
        let linked = self.link.downstream_id.clone().filter(|_| departs);
        let Some(id) = linked.filter(|_| self.link.digests.get("active") != Some(&off)) else {
            return Ok(Some(Ended::done(None)));
        };
        if let Some(held) = self.held().await? {
            return Ok(Some(held));
        }
        let client = self.client.clone();
        let Some(read) = self.call("GET /Users/{id}", &[], client.read(&id)).await? else { return Ok(None) };
        let remote = match read {
            Outcome::Ok(answer) => answer.body.as_ref().and_then(Remote::read).filter(|remote| self.may_touch(remote)),
            Outcome::NotFound(answer) if answer.body.is_some() => None,
            other => return Ok(Some(self.failed(&other))),
        };
        // Gone there too, or somebody else's: nobody to switch off.
        let Some(remote) = remote else { return Ok(Some(Ended::done(None))) };
        self.end_off(remote).await
    }

    /// Whoever was deleted while nobody knew whether they were made there (K21) is looked for.
    async fn deleted_unconfirmed(&mut self) -> Result<Option<Ended>, Error> {
        match self.unconfirmed().await? {
            None => Ok(None),
            Some(Err(ended)) => Ok(Some(ended)),
            Some(Ok(remote)) => match self.held().await? {
                Some(held) => Ok(Some(held)),
                None => self.end_off(*remote).await,
            },
        }
    }

    /// Ends a round with its record deactivated.
    async fn end_off(&mut self, remote: Remote) -> Result<Option<Ended>, Error> {
        let id = remote.id.clone();
        Ok(match self.switch_off(&id, Some(remote)).await? {
            None => None,
            Some(Outcome::Ok(_)) => Some(Ended::done(Some(self.switched_off(id)))),
            Some(other) => Some(self.failed(&other)),
        })
    }

    /// Deactivates a record and changes nothing else of it; `None` where the lease went away.
    pub async fn switch_off(&mut self, id: &str, remote: Option<Remote>) -> Result<Option<Outcome>, Error> {
        let (client, names) = (self.client.clone(), ["active".to_owned()]);
        self.kind = Some("deactivate");
        if self.target.supports_patch {
            let operations = [json!({ "op": "replace", "path": "active", "value": false })];
            return self.switching(self.client.clone().patch(id, &operations), "PATCH /Users/{id}", &names).await;
        }
        let remote = match remote {
            Some(remote) => remote,
            None => match self.call("GET /Users/{id}", &[], client.read(id)).await? {
                Some(Outcome::Ok(answer)) => match answer.body.as_ref().and_then(Remote::read) {
                    Some(remote) => remote,
                    None => return Ok(Some(Outcome::NotScim(answer))),
                },
                other => return Ok(other),
            },
        };
        let mut resource = remote.resource;
        resource.insert("active".to_owned(), json!(false));
        self.switching(client.replace(id, &resource), "PUT /Users/{id}", &names).await
    }

    async fn switching(
        &mut self,
        call: impl Future<Output = Outcome>,
        operation: &'static str,
        names: &[String],
    ) -> Result<Option<Outcome>, Error> {
        let outcome = self.call(operation, names, call).await?;
        if matches!(outcome, Some(Outcome::Ok(_))) {
            self.deactivated().await?;
        }
        Ok(outcome)
    }

    /// What is known of a record that was deactivated, and otherwise left as it was.
    pub fn switched_off(&self, id: String) -> LinkUpdate {
        let mut digests = self.link.digests.clone();
        digests.insert("active".to_owned(), digest_of(&self.key, "active", &Value::Bool(false)));
        LinkUpdate { downstream_id: Some(id), digests }
    }
}
