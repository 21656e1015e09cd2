//! Which realm a tenant has: embedded, or a Keycloak realm reached with the data path's sealed secret.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use directory::watch::{self, Setup};
use realm::embedded::Embedded;
use realm::keycloak::{Admin, Client, Connection, EventStores, Known, Servers, Wanted};
use realm::{Error, Realm};
use registry::audit::Note;
use registry::option::Options;
use registry::provisioner::Provisioner;
use registry::seal::Keyring;
use registry::tenant::Tenant;
use registry::{Db, TenantId, credential};
use secrecy::SecretString;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::people::PeopleOf;
use crate::settings::Admins;

/// How long a realm's client is used before it is asked whether its secret is still the one; one that was refused is
/// asked about at once.
const FRESH: Duration = Duration::from_secs(10);
/// How long one waits for its turn at a realm's set-up.
const TURN: Duration = Duration::from_secs(30);

/// Signs in to the console by one-time codes; only the demo does.
pub(crate) trait Codes: Send + Sync {
    /// A code for a token.
    fn offer(&self, token: &str) -> String;
    /// The token of a code.
    fn redeem(&self, code: &str) -> Option<String>;
}

/// The realms of all tenants, and the cluster-wide credential where the role has it.
pub(crate) struct Realms {
    pub db: Db,
    pub keyring: Option<Keyring>,
    pub admins: Admins,
    pub codes: Option<Arc<dyn Codes>>,
    cache: Mutex<HashMap<TenantId, Held>>,
    servers: Servers,
}

/// A realm's client as it was made.
#[derive(Clone)]
struct Held {
    at: Instant,
    generation: i64,
    place: String,
    identity: Option<Uuid>,
    realm: Realm,
}

fn place(url: &str, realm: &str) -> String {
    format!("{url} {realm}")
}

impl Realms {
    pub fn new(db: Db, keyring: Option<Keyring>, admins: Admins) -> Self {
        Self { db, keyring, admins, codes: None, cache: Mutex::default(), servers: Servers::default() }
    }

    async fn realm(&self, tenant: TenantId, realm: &str, keycloak: Option<&str>) -> Result<Realm, Error> {
        let Some(url) = keycloak else {
            let people = PeopleOf { db: self.db.clone(), tenant };
            return Ok(Realm::Embedded(Embedded::new(Arc::new(people))));
        };
        let mut cache = self.cache.lock().await;
        let held = cache.get(&tenant).cloned();
        let good =
            |held: &&Held| held.at.elapsed() < FRESH && held.place == place(url, realm) && !held.realm.is_refused();
        if let Some(held) = held.as_ref().filter(good) {
            return Ok(held.realm.clone());
        }
        let credential = credential::of(&self.db, tenant).await.map_err(|_| Error::Unavailable)?;
        let (Some(credential), Some(keyring)) = (credential, &self.keyring) else { return Err(Error::Refused) };
        let identity = watch::identity(&self.db, tenant).await.map_err(|_| Error::Unavailable)?;
        let identity = identity.and_then(|identity| identity.realm_uuid);
        // The same secret at the same place: the client and its token stay.
        let same = |held: &Held| {
            held.generation == credential.generation && held.place == place(url, realm) && held.identity == identity
        };
        let client = match held.filter(same) {
            Some(held) => held.realm,
            None => {
                let secret = keyring.open(&credential::aad(tenant), &credential.secret).map_err(|_| Error::Refused)?;
                let connection = Connection {
                    base_url: url.trim_end_matches('/').to_owned(),
                    realm: realm.to_owned(),
                    token_realm: realm.to_owned(),
                    client_id: credential.client_id,
                    client_secret: secret,
                    timeout: realm::CALL,
                    identity,
                };
                let server = self.servers.at(&connection.base_url);
                Realm::Keycloak(Client::new(connection, server)?)
            }
        };
        let held = Held {
            at: Instant::now(),
            generation: credential.generation,
            place: place(url, realm),
            identity,
            realm: client.clone(),
        };
        cache.insert(tenant, held);
        Ok(client)
    }

    /// A tenant's realm by its data path.
    pub async fn of_tenant(&self, tenant: &Tenant) -> Result<Realm, Error> {
        self.realm(tenant.id, &tenant.realm, tenant.keycloak_url.as_deref()).await
    }

    /// The privileged way into a tenant's realm; only `control` has one.
    fn admin(&self, tenant: &Tenant) -> Option<Admin> {
        let (client_id, client_secret) = self.admins.get(&tenant.cluster)?.clone();
        let base_url = tenant.keycloak_url.as_ref()?.trim_end_matches('/').to_owned();
        Some(Admin { base_url, client_id, client_secret })
    }

    /// Sets a tenant's realm up under its lease, and stores what the data path needs (K29), with an entry of who wanted it.
    pub async fn set_up(&self, tenant: &Tenant, note: Option<&Note<'_>>) -> Result<(), Error> {
        self.set_up_for(tenant, None, note).await
    }

    /// The same, for other settings than those that are stored.
    async fn set_up_for(
        &self,
        tenant: &Tenant,
        options: Option<&Options>,
        note: Option<&Note<'_>>,
    ) -> Result<(), Error> {
        watch::ensure(&self.db, tenant.id).await.map_err(unavailable)?;
        if tenant.keycloak_url.is_none() {
            return Ok(());
        }
        let setup = self.turn(tenant.id).await?;
        // Order: after the lease, the tenant as it is now.
        let tenant = registry::tenant::by_id(&self.db, tenant.id).await.map_err(unavailable)?;
        let done = watch::keep_setup(&self.db, &setup, self.provision(&tenant, options, note)).await;
        watch::end_setup(&self.db, &setup, done.is_ok()).await.map_err(unavailable)?;
        done
    }

    /// Waits for its turn at a realm's set-up.
    async fn turn(&self, tenant: TenantId) -> Result<Setup, Error> {
        let begun = Instant::now();
        loop {
            if let Some(setup) = watch::begin_setup(&self.db, tenant).await.map_err(unavailable)? {
                return Ok(setup);
            }
            if begun.elapsed() > TURN {
                return Err(Error::Unavailable);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn wanted(&self, tenant: TenantId) -> Result<Wanted, Error> {
        let options = registry::option::of(&self.db, tenant).await.map_err(unavailable)?;
        Ok(wanted(&options))
    }

    async fn provision(
        &self,
        tenant: &Tenant,
        options: Option<&Options>,
        note: Option<&Note<'_>>,
    ) -> Result<(), Error> {
        let (Some(admin), Some(keyring)) = (self.admin(tenant), &self.keyring) else { return Err(Error::Refused) };
        let identity = watch::identity(&self.db, tenant.id).await.map_err(unavailable)?;
        let known = identity.and_then(|identity| identity.realm_uuid);
        let wanted = match options {
            Some(options) => wanted(options),
            None => self.wanted(tenant.id).await?,
        };
        let remember = async |before: EventStores| {
            let text = serde_json::to_string(&before).map_err(|_| Error::Unavailable)?;
            watch::remember_events(&self.db, tenant.id, before.realm, &text).await.map_err(unavailable)
        };
        let provisioned = admin.provision(&tenant.realm, &wanted, known, remember).await?;
        // Order: a client that is known too early harms nobody; one that wrote unknown would be taken for an operator (K26).
        let (realm, client, role) = (provisioned.realm_uuid, provisioned.client_uuid, provisioned.role_id);
        watch::identify(&self.db, tenant.id, realm, client, role).await.map_err(unavailable)?;
        self.store(keyring, tenant.id, (&provisioned.client_id, &provisioned.client_secret), note).await
    }

    async fn store(
        &self,
        keyring: &Keyring,
        tenant: TenantId,
        (client_id, secret): (&str, &SecretString),
        note: Option<&Note<'_>>,
    ) -> Result<(), Error> {
        let sealed = keyring.seal(&credential::aad(tenant), secret).map_err(|_| Error::Refused)?;
        credential::store(&self.db, tenant, client_id, &sealed, note).await.map_err(unavailable)?;
        self.cache.lock().await.remove(&tenant);
        Ok(())
    }

    /// Another secret for the data-path client. Order: the realm first; whoever crashes before the entry has changed nothing
    /// that anybody uses, and the next look at the set-up finds the secret wrong and repairs it.
    pub async fn rotate_secret(&self, tenant: &Tenant, actor: &str) -> Result<(), Error> {
        let Some(keyring) = &self.keyring else { return Err(Error::Refused) };
        let setup = self.turn(tenant.id).await?;
        let done = async {
            // Order: after the lease, the tenant as it is now.
            let tenant = registry::tenant::by_id(&self.db, tenant.id).await.map_err(unavailable)?;
            let identity = watch::identity(&self.db, tenant.id).await.map_err(unavailable)?;
            let known = identity.and_then(|identity| identity.realm_uuid);
            let secret = self.admin(&tenant).ok_or(Error::Refused)?.rotate_secret(&tenant.realm, known).await?;
            let note = Note { actor, action: "realm.rotate_secret", detail: serde_json::json!({}) };
            self.store(keyring, tenant.id, (realm::keycloak::CLIENT_ID, &secret), Some(&note)).await
        };
        let done = watch::keep_setup(&self.db, &setup, done).await;
        watch::end_setup(&self.db, &setup, false).await.map_err(unavailable)?;
        done
    }

    /// What of a realm's set-up is missing, by name.
    pub async fn missing(&self, tenant: &Tenant) -> Result<Vec<&'static str>, Error> {
        if tenant.keycloak_url.is_none() {
            return Ok(Vec::new());
        }
        let admin = self.admin(tenant).ok_or(Error::Refused)?;
        admin.missing(&tenant.realm, &self.wanted(tenant.id).await?, &self.known(tenant.id).await?).await
    }

    /// What was found when the realm was set up last.
    async fn known(&self, tenant: TenantId) -> Result<Known, Error> {
        let identity = watch::identity(&self.db, tenant).await.map_err(unavailable)?;
        let (realm_uuid, role_id) = identity.map_or((None, None), |identity| (identity.realm_uuid, identity.role_id));
        let client_secret = match (credential::of(&self.db, tenant).await.map_err(unavailable)?, &self.keyring) {
            (Some(held), Some(keyring)) => keyring.open(&credential::aad(tenant), &held.secret).ok(),
            _ => None,
        };
        Ok(Known { realm_uuid, role_id, client_secret })
    }

    /// Puts back what [`Realms::set_up`] switched on, under the same lease, if nobody needs it.
    pub async fn stand_down(&self, tenant: &Tenant) -> Result<(), Error> {
        if watch::to_restore(&self.db, tenant.id).await.map_err(unavailable)?.is_none() {
            return Ok(());
        }
        let setup = self.turn(tenant.id).await?;
        let done = watch::keep_setup(&self.db, &setup, self.restore(tenant.id)).await;
        watch::end_setup(&self.db, &setup, done.is_ok()).await.map_err(unavailable)?;
        done
    }

    async fn restore(&self, tenant: TenantId) -> Result<(), Error> {
        // Order: after the lease, because somebody may need it again by now.
        let before = watch::to_restore(&self.db, tenant).await.map_err(unavailable)?;
        let tenant = registry::tenant::by_id(&self.db, tenant).await.map_err(unavailable)?;
        let (Some(before), Some(admin)) = (before, self.admin(&tenant)) else { return Ok(()) };
        let before: EventStores = serde_json::from_str(&before).map_err(|_| Error::Unavailable)?;
        admin.restore_events(&tenant.realm, &before).await?;
        watch::restored(&self.db, tenant.id).await.map_err(unavailable)
    }
}

/// What settings want of a realm.
fn wanted(options: &Options) -> Wanted {
    let projection = options.projection.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let projection: BTreeMap<String, String> = projection.unwrap_or_default();
    Wanted {
        allow_rename: options.allow_rename,
        any_username: options.any_username,
        attributes: projection.into_values().collect(),
    }
}

fn unavailable(error: impl std::fmt::Display) -> Error {
    tracing::warn!(name = "registry.failed", %error, "the registry could not be read or written");
    Error::Unavailable
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
        dispatcher::Realms::at(self, &tenant).await
    }

    async fn at(&self, tenant: &Tenant) -> Result<Realm, Error> {
        if tenant.frozen_at.is_some() {
            return Err(Error::Unavailable);
        }
        self.of_tenant(tenant).await
    }
}

#[async_trait]
impl control::Realms for Realms {
    async fn provision(&self, tenant: &Tenant) -> Result<(), Error> {
        self.set_up(tenant, None).await
    }

    async fn prepare(&self, tenant: &Tenant, options: &Options) -> Result<(), Error> {
        self.set_up_for(tenant, Some(options), None).await
    }

    async fn missing(&self, tenant: &Tenant) -> Result<Vec<&'static str>, Error> {
        Self::missing(self, tenant).await
    }

    async fn repair(&self, tenant: &Tenant, note: &Note<'_>) -> Result<(), Error> {
        self.provision(tenant, None, Some(note)).await
    }

    async fn rotate_secret(&self, tenant: &Tenant, actor: &str) -> Result<(), Error> {
        Self::rotate_secret(self, tenant, actor).await
    }

    async fn stand_down(&self, tenant: &Tenant) -> Result<(), Error> {
        Self::stand_down(self, tenant).await
    }

    async fn of(&self, tenant: &Tenant) -> Result<Realm, Error> {
        self.realm(tenant.id, &tenant.realm, tenant.keycloak_url.as_deref()).await
    }

    fn offer(&self, token: &str) -> Option<String> {
        Some(self.codes.as_ref()?.offer(token))
    }

    fn redeem(&self, code: &str) -> Option<String> {
        self.codes.as_ref()?.redeem(code)
    }
}
