//! Which realm a tenant has: embedded, or a Keycloak realm reached with the data path's sealed secret.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use realm::embedded::Embedded;
use realm::keycloak::{Admin, Client, Connection, EventStores};
use realm::{Error, Realm};
use registry::seal::Keyring;
use registry::tenant::{Provisioner, Tenant};
use registry::{Db, TenantId, credential};
use tokio::sync::Mutex;

use crate::people::PeopleOf;

/// How long a realm's client is used before its secret is read again.
const FRESH: Duration = Duration::from_secs(30);

/// The realms of all tenants, and the cluster-wide credential where the role has it.
pub(crate) struct Realms {
    pub db: Db,
    pub keyring: Option<Keyring>,
    pub admin: Option<Admin>,
    pub issuer: Option<Arc<demo::issuer::Issuer>>,
    cache: Mutex<HashMap<TenantId, (Instant, Realm)>>,
}

impl Realms {
    pub fn new(db: Db, keyring: Option<Keyring>, admin: Option<Admin>) -> Self {
        Self { db, keyring, admin, issuer: None, cache: Mutex::default() }
    }

    async fn realm(&self, tenant: TenantId, realm: &str, keycloak: Option<&str>) -> Result<Realm, Error> {
        let Some(url) = keycloak else {
            let people = PeopleOf { db: self.db.clone(), tenant };
            return Ok(Realm::Embedded(Embedded::new(Arc::new(people))));
        };
        let mut cache = self.cache.lock().await;
        if let Some((at, realm)) = cache.get(&tenant)
            && at.elapsed() < FRESH
        {
            return Ok(realm.clone());
        }
        let credential = credential::of(&self.db, tenant).await.map_err(|_| Error::Unavailable)?;
        let (Some(credential), Some(keyring)) = (credential, &self.keyring) else { return Err(Error::Refused) };
        let client_secret = keyring.open(&credential::aad(tenant), &credential.secret).map_err(|_| Error::Refused)?;
        let realm = Realm::Keycloak(Client::new(Connection {
            base_url: url.trim_end_matches('/').to_owned(),
            realm: realm.to_owned(),
            token_realm: realm.to_owned(),
            client_id: credential.client_id,
            client_secret,
            timeout: realm::CALL,
        })?);
        cache.insert(tenant, (Instant::now(), realm.clone()));
        Ok(realm)
    }

    /// Sets a tenant's realm up, and stores what the data path needs.
    pub async fn set_up(&self, tenant: &Tenant) -> Result<(), Error> {
        directory::watch::ensure(&self.db, tenant.id).await.map_err(|_| Error::Unavailable)?;
        if tenant.keycloak_url.is_none() {
            return Ok(());
        }
        let (Some(admin), Some(keyring)) = (&self.admin, &self.keyring) else { return Err(Error::Refused) };
        let options = registry::option::of(&self.db, tenant.id).await.map_err(|_| Error::Unavailable)?;
        let provisioned = admin.provision(&tenant.realm, options.allow_rename).await?;
        let sealed =
            keyring.seal(&credential::aad(tenant.id), &provisioned.client_secret).map_err(|_| Error::Refused)?;
        credential::store(&self.db, tenant.id, &provisioned.client_id, &sealed)
            .await
            .map_err(|_| Error::Unavailable)?;
        directory::watch::identify(&self.db, tenant.id, provisioned.realm_uuid, provisioned.client_uuid)
            .await
            .map_err(|_| Error::Unavailable)?;
        if let Some(before) = provisioned.events_before {
            let before = serde_json::to_string(&before).map_err(|_| Error::Unavailable)?;
            directory::watch::remember_events(&self.db, tenant.id, &before).await.map_err(|_| Error::Unavailable)?;
        }
        self.cache.lock().await.remove(&tenant.id);
        Ok(())
    }

    /// Puts back what [`Realms::set_up`] switched on, if nobody needs it.
    pub async fn stand_down(&self, tenant: &Tenant) -> Result<(), Error> {
        let before = directory::watch::to_restore(&self.db, tenant.id).await.map_err(|_| Error::Unavailable)?;
        let (Some(before), Some(admin)) = (before, &self.admin) else { return Ok(()) };
        let before: EventStores = serde_json::from_str(&before).map_err(|_| Error::Unavailable)?;
        admin.restore_events(&tenant.realm, &before).await?;
        directory::watch::restored(&self.db, tenant.id).await.map_err(|_| Error::Unavailable)
    }
}

#[async_trait]
impl gateway::Realms for Realms {
    async fn of(&self, provisioner: &Provisioner) -> Result<Realm, Error> {
        self.realm(provisioner.tenant, &provisioner.realm, provisioner.keycloak_url.as_deref()).await
    }
}

#[async_trait]
impl dispatcher::Realms for Realms {
    async fn of(&self, tenant: TenantId) -> Result<Realm, Error> {
        let tenant = registry::tenant::by_id(&self.db, tenant).await.map_err(|_| Error::Unavailable)?;
        self.realm(tenant.id, &tenant.realm, tenant.keycloak_url.as_deref()).await
    }
}

#[async_trait]
impl control::Realms for Realms {
    async fn provision(&self, tenant: &Tenant) -> Result<(), Error> {
        self.set_up(tenant).await
    }

    async fn stand_down(&self, tenant: &Tenant) {
        if let Err(error) = Self::stand_down(self, tenant).await {
            tracing::warn!(%error, tenant.id = %tenant.id, "a realm's event stores are not put back yet");
        }
    }

    async fn of(&self, tenant: &Tenant) -> Result<Realm, Error> {
        self.realm(tenant.id, &tenant.realm, tenant.keycloak_url.as_deref()).await
    }

    fn redeem(&self, code: &str) -> Option<String> {
        self.issuer.as_ref()?.redeem(code)
    }
}
