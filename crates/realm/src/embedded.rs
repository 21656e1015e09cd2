//! The embedded realm: people in our own database, with Keycloak's rules where they matter (usernames and addresses are
//! lower-cased and unique). Storage is behind [`People`], which the program fills in.

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{Changes, Error, NewUser, Page, RealmEvent, RealmUser, UserChange};

/// A person as stored.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user.
    pub user: RealmUser,
    /// Holds `scim-managed`.
    pub managed: bool,
    /// When it last changed, microseconds.
    pub changed_at: i64,
    /// When an operator, not SCIM, last saved it, microseconds.
    pub touched_at: i64,
}

/// Where people are stored.
#[async_trait]
pub trait People: Send + Sync {
    /// Adds a person; [`Error::Conflict`] if username or address is taken. With an operator, an audit entry goes with it.
    async fn insert(&self, person: &Person, operator: Option<&str>) -> Result<(), Error>;
    /// Replaces a person; says whether it existed. With an operator, an audit entry goes with it.
    async fn update(&self, person: &Person, operator: Option<&str>) -> Result<bool, Error>;
    /// Removes a person.
    async fn delete(&self, id: Uuid) -> Result<(), Error>;
    /// Gives the role; says whether the person exists.
    async fn manage(&self, id: Uuid) -> Result<bool, Error>;
    /// Ends sessions; says whether the person exists.
    async fn end_sessions(&self, id: Uuid) -> Result<bool, Error>;
    /// By id.
    async fn by_id(&self, id: Uuid) -> Result<Option<Person>, Error>;
    /// By lower-cased username.
    async fn by_username(&self, username: &str) -> Result<Option<Person>, Error>;
    /// A page by username.
    async fn page(&self, first: u32, max: u32) -> Result<Vec<Person>, Error>;
    /// A page of holders of `scim-managed` by username.
    async fn managed(&self, first: u32, max: u32) -> Result<Vec<Person>, Error>;
    /// Who changed at or after a moment, microseconds, oldest first.
    async fn changed_since(&self, since: i64) -> Result<Vec<Person>, Error>;
    /// The clock `changed_at` is in, microseconds.
    fn now(&self) -> i64;
}

fn page(people: Vec<Person>) -> Page<RealmUser> {
    Page { listed: people.len(), entries: people.into_iter().map(|person| person.user).collect() }
}

/// One embedded realm.
#[derive(Clone)]
pub struct Embedded(Arc<dyn People>);

impl Embedded {
    /// A realm over a store.
    pub fn new(people: Arc<dyn People>) -> Self {
        Self(people)
    }

    pub(crate) async fn create(&self, new: &NewUser) -> Result<RealmUser, Error> {
        let user = RealmUser { marker: Some(new.marker.clone()), ..unmarked(new) };
        let person = Person { user: user.clone(), managed: false, changed_at: self.0.now(), touched_at: 0 };
        self.0.insert(&person, None).await?;
        Ok(user)
    }

    pub(crate) async fn grant_role(&self, id: Uuid) -> Result<(), Error> {
        if self.0.manage(id).await? { Ok(()) } else { Err(Error::NotFound) }
    }

    pub(crate) async fn release(&self, id: Uuid) -> Result<(), Error> {
        let Some(mut person) = self.0.by_id(id).await? else { return Ok(()) };
        person.managed = false;
        person.user.marker = None;
        self.0.update(&person, None).await.map(drop)
    }

    pub(crate) async fn managed(&self, first: u32, max: u32) -> Result<Page<Uuid>, Error> {
        let held = self.0.managed(first, max).await?;
        Ok(Page { listed: held.len(), entries: held.into_iter().map(|person| person.user.id).collect() })
    }

    pub(crate) async fn is_managed(&self, id: Uuid) -> Result<bool, Error> {
        Ok(self.0.by_id(id).await?.is_some_and(|person| person.managed))
    }

    pub(crate) async fn user(&self, id: Uuid) -> Result<Option<RealmUser>, Error> {
        Ok(self.0.by_id(id).await?.map(|person| person.user))
    }

    pub(crate) async fn find_by_username(&self, username: &str) -> Result<Option<RealmUser>, Error> {
        Ok(self.0.by_username(&username.to_lowercase()).await?.map(|person| person.user))
    }

    /// An operator's save, through the small page of realm users: counts as a touch even if nothing changes (P2).
    pub async fn touch(&self, id: Uuid, change: &UserChange, operator: &str) -> Result<RealmUser, Error> {
        self.save(id, change, Some(operator)).await
    }

    /// An operator's new user, unknown to SCIM.
    pub async fn add(&self, new: &NewUser, operator: &str) -> Result<RealmUser, Error> {
        let (user, now) = (unmarked(new), self.0.now());
        let person = Person { user: user.clone(), managed: false, changed_at: now, touched_at: now };
        self.0.insert(&person, Some(operator)).await?;
        Ok(user)
    }

    /// With an operator, it counts as a touch.
    pub(crate) async fn save(&self, id: Uuid, change: &UserChange, operator: Option<&str>) -> Result<RealmUser, Error> {
        let mut person = self.0.by_id(id).await?.ok_or(Error::NotFound)?;
        person.user = change.applied_to(person.user);
        person.changed_at = self.0.now();
        if operator.is_some() {
            person.touched_at = person.changed_at;
        }
        if self.0.update(&person, operator).await? { Ok(person.user) } else { Err(Error::NotFound) }
    }

    pub(crate) async fn logout(&self, id: Uuid) -> Result<(), Error> {
        if self.0.end_sessions(id).await? { Ok(()) } else { Err(Error::NotFound) }
    }

    pub(crate) async fn delete(&self, id: Uuid) -> Result<(), Error> {
        self.0.delete(id).await
    }

    pub(crate) async fn users(&self, first: u32, max: u32) -> Result<Page<RealmUser>, Error> {
        Ok(page(self.0.page(first, max).await?))
    }

    pub(crate) async fn changes(&self, since_ms: i64) -> Result<Changes, Error> {
        let server_ms = self.0.now() / 1_000;
        let people = self.0.changed_since(since_ms.saturating_mul(1_000)).await?;
        let events = people
            .into_iter()
            .map(|person| RealmEvent {
                id: format!("{}@{}", person.user.id, person.changed_at),
                at_ms: person.changed_at / 1_000,
                user: person.user.id,
                touch: person.touched_at == person.changed_at,
                deleted: false,
                roles: false,
            })
            .collect();
        Ok(Changes { events, server_ms, ..Changes::default() })
    }
}

/// Somebody new, with the rules for names and addresses.
fn unmarked(new: &NewUser) -> RealmUser {
    RealmUser {
        id: Uuid::new_v4(),
        username: new.username.to_lowercase(),
        email: new.email.as_ref().map(|email| email.to_lowercase()),
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        enabled: new.enabled,
        external_id: new.external_id.clone(),
        marker: None,
        attributes: new.attributes.clone(),
    }
}
