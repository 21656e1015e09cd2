//! Glue: the embedded realm's people live in the directory's database. Neither crate knows the other.

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use directory::person;
use realm::embedded::{People, Person};
use realm::{Error, RealmUser};
use registry::{Db, TenantId};
use uuid::Uuid;

pub(crate) struct PeopleOf {
    pub db: Db,
    pub tenant: TenantId,
}

#[async_trait]
impl People for PeopleOf {
    async fn insert(&self, person: &Person, operator: Option<&str>) -> Result<(), Error> {
        person::insert(&self.db, self.tenant, &stored(person), operator).await.map_err(failed)
    }

    async fn update(&self, person: &Person, operator: Option<&str>) -> Result<bool, Error> {
        person::update(&self.db, self.tenant, &stored(person), operator).await.map_err(failed)
    }

    async fn delete(&self, id: Uuid) -> Result<(), Error> {
        person::delete(&self.db, self.tenant, id).await.map(drop).map_err(failed)
    }

    async fn manage(&self, id: Uuid) -> Result<bool, Error> {
        person::manage(&self.db, self.tenant, id).await.map_err(failed)
    }

    async fn end_sessions(&self, id: Uuid) -> Result<bool, Error> {
        person::end_sessions(&self.db, self.tenant, id, self.now()).await.map_err(failed)
    }

    async fn by_id(&self, id: Uuid) -> Result<Option<Person>, Error> {
        Ok(person::by_id(&self.db, self.tenant, id).await.map_err(failed)?.map(read))
    }

    async fn by_username(&self, username: &str) -> Result<Option<Person>, Error> {
        Ok(person::by_username(&self.db, self.tenant, username).await.map_err(failed)?.map(read))
    }

    async fn page(&self, first: u32, max: u32) -> Result<Vec<Person>, Error> {
        let page = person::page(&self.db, self.tenant, first, max, false).await.map_err(failed)?;
        Ok(page.into_iter().map(read).collect())
    }

    async fn managed(&self, first: u32, max: u32) -> Result<Vec<Person>, Error> {
        let page = person::page(&self.db, self.tenant, first, max, true).await.map_err(failed)?;
        Ok(page.into_iter().map(read).collect())
    }

    async fn changed_since(&self, since: i64) -> Result<Vec<Person>, Error> {
        let people = person::changed_since(&self.db, self.tenant, since).await.map_err(failed)?;
        Ok(people.into_iter().map(read).collect())
    }

    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err takes")]
fn failed(error: directory::Error) -> Error {
    match error {
        directory::Error::Taken("email") => Error::Conflict { attribute: "emails" },
        directory::Error::Taken(_) => Error::Conflict { attribute: "userName" },
        directory::Error::Circle | directory::Error::Inconsistent(_) | directory::Error::Unavailable(_) => {
            Error::Unavailable
        }
    }
}

fn stored(person: &Person) -> person::Person {
    let user = &person.user;
    person::Person {
        id: user.id,
        username: user.username.clone(),
        email: user.email.clone(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        enabled: user.enabled,
        external_id: user.external_id.clone(),
        marker: user.marker.clone(),
        managed: person.managed,
        changed_at: person.changed_at,
        touched_at: person.touched_at,
        attributes: (!user.attributes.is_empty()).then(|| serde_json::json!(user.attributes).to_string()),
    }
}

fn read(person: person::Person) -> Person {
    // Written above: what does not parse was not ours.
    let attributes = person.attributes.as_deref().and_then(|text| serde_json::from_str(text).ok());
    Person {
        managed: person.managed,
        changed_at: person.changed_at,
        touched_at: person.touched_at,
        user: RealmUser {
            id: person.id,
            username: person.username,
            email: person.email,
            first_name: person.first_name,
            last_name: person.last_name,
            enabled: person.enabled,
            external_id: person.external_id,
            marker: person.marker,
            attributes: attributes.unwrap_or_default(),
        },
    }
}
