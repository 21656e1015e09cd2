//! Realms that write down what is done to them, and refuse it where they are told to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use control::Realms;
use realm::{Error, Realm};
use registry::audit::Note;
use registry::option::Options;
use registry::tenant::Tenant;

#[derive(Default)]
pub struct Noting {
    done: Mutex<Vec<String>>,
    pub refusing: AtomicBool,
}

impl Noting {
    /// What was done since this was asked last.
    pub fn done(&self) -> Vec<String> {
        std::mem::take(&mut self.done.lock().unwrap())
    }

    fn note(&self, what: String) -> Result<(), Error> {
        self.done.lock().unwrap().push(what);
        if self.refusing.load(Ordering::SeqCst) { Err(Error::Refused) } else { Ok(()) }
    }
}

#[async_trait]
impl Realms for Noting {
    async fn provision(&self, tenant: &Tenant) -> Result<(), Error> {
        self.note(format!("provision {}", tenant.realm))
    }

    async fn prepare(&self, tenant: &Tenant, options: &Options) -> Result<(), Error> {
        self.note(format!("prepare {} for {}", tenant.realm, options.projection.as_deref().unwrap_or_default()))
    }

    async fn missing(&self, _: &Tenant) -> Result<Vec<&'static str>, Error> {
        Ok(Vec::new())
    }

    async fn repair(&self, tenant: &Tenant, _: &Note<'_>) -> Result<(), Error> {
        self.note(format!("repair {}", tenant.realm))
    }

    async fn rotate_secret(&self, tenant: &Tenant, _: &str) -> Result<(), Error> {
        self.note(format!("rotate the secret of {}", tenant.realm))
    }

    async fn stand_down(&self, tenant: &Tenant) -> Result<(), Error> {
        self.note(format!("stand down {}", tenant.realm))
    }

    async fn of(&self, _: &Tenant) -> Result<Realm, Error> {
        Err(Error::Unavailable)
    }

    fn offer(&self, _: &str) -> Option<String> {
        None
    }

    fn redeem(&self, _: &str) -> Option<String> {
        None
    }
}
