//! A realm in memory: its work is not the database's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gateway::Realms;
use realm::embedded::{Embedded, People, Person};
use realm::{Error, Realm};
use registry::provisioner::Provisioner;
use uuid::Uuid;

#[derive(Default)]
struct Memory {
    people: Mutex<HashMap<Uuid, Person>>,
    clock: AtomicI64,
}

#[async_trait]
impl People for Memory {
    async fn insert(&self, person: &Person, _: Option<&str>) -> Result<(), Error> {
        let mut people = self.people.lock().unwrap();
        if people.values().any(|held| held.user.username == person.user.username) {
            return Err(Error::Conflict { attribute: "userName" });
        }
        people.insert(person.user.id, person.clone());
        Ok(())
    }

    async fn update(&self, person: &Person, _: Option<&str>) -> Result<bool, Error> {
        Ok(self.people.lock().unwrap().insert(person.user.id, person.clone()).is_some())
    }

    async fn delete(&self, id: Uuid) -> Result<(), Error> {
        self.people.lock().unwrap().remove(&id);
        Ok(())
    }

    async fn manage(&self, id: Uuid) -> Result<bool, Error> {
        Ok(self.people.lock().unwrap().get_mut(&id).map(|person| person.managed = true).is_some())
    }

    async fn end_sessions(&self, id: Uuid) -> Result<bool, Error> {
        Ok(self.people.lock().unwrap().contains_key(&id))
    }

    async fn by_id(&self, id: Uuid) -> Result<Option<Person>, Error> {
        Ok(self.people.lock().unwrap().get(&id).cloned())
    }

    async fn by_username(&self, username: &str) -> Result<Option<Person>, Error> {
        Ok(self.people.lock().unwrap().values().find(|person| person.user.username == username).cloned())
    }

    async fn page(&self, _first: u32, _max: u32) -> Result<Vec<Person>, Error> {
        Ok(Vec::new())
    }

    async fn managed(&self, _first: u32, _max: u32) -> Result<Vec<Person>, Error> {
        Ok(Vec::new())
    }

    async fn changed_since(&self, _since: i64) -> Result<Vec<Person>, Error> {
        Ok(Vec::new())
    }

    fn now(&self) -> i64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
}

/// One realm for whoever asks.
pub struct InMemory(Embedded);

impl Default for InMemory {
    fn default() -> Self {
        Self(Embedded::new(Arc::new(Memory::default())))
    }
}

#[async_trait]
impl Realms for InMemory {
    async fn of(&self, _provisioner: &Provisioner) -> Result<Realm, Error> {
        Ok(Realm::Embedded(self.0.clone()))
    }
}
