//! One authenticated request with everything its handler works on.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use directory::ahead::{Ahead, Sought};
use directory::resource::{self, Kind, Resource};
use registry::TenantId;
use registry::provisioner::Provisioner;
use scim::mapping::Mapping;
use scim::schema::{GROUP, ResourceType, USER, with_extensions};
use uuid::Uuid;

use crate::request::Request;
use crate::{Deps, journal};

/// The resource types of a tenant.
pub(crate) struct Types {
    pub user: ResourceType,
    pub group: ResourceType,
}

impl Types {
    pub fn of(&self, kind: Kind) -> &ResourceType {
        match kind {
            Kind::User => &self.user,
            Kind::Group => &self.group,
        }
    }

    pub fn all(&self) -> [&ResourceType; 2] {
        [&self.user, &self.group]
    }
}

static STANDARD: LazyLock<Arc<Types>> = LazyLock::new(|| Arc::new(Types { user: USER.clone(), group: GROUP.clone() }));

/// Tenants whose types are kept parsed.
const KEPT: usize = 1_000;

/// The types of tenants with extensions of their own, as long as those are what the registry says.
#[derive(Default)]
pub(crate) struct TypesOfTenants(Mutex<HashMap<TenantId, (String, Arc<Types>)>>);

impl TypesOfTenants {
    pub fn of(&self, provisioner: &Provisioner) -> Arc<Types> {
        let Some(text) = &provisioner.extensions else { return STANDARD.clone() };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, types)) = kept.get(&provisioner.tenant).filter(|(held, _)| held == text) {
            return types.clone();
        }
        // Checked when they were registered; what does not parse now is a fault of ours, and no reason to refuse users.
        let types = with_extensions(text).map(|(user, group)| Arc::new(Types { user, group }));
        let types = types.unwrap_or_else(|| STANDARD.clone());
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(provisioner.tenant, (text.clone(), types.clone()));
        types
    }
}

/// What the tenant's activity tells of a request, beside its status: names and numbers, never values.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Attributes that became different.
    pub changed: BTreeSet<String>,
    /// Members that are nobody we know.
    pub skipped: Skipped,
    /// Attributes that no schema has.
    pub ignored: BTreeSet<String>,
    /// What was asked of the realm.
    pub asked: Vec<realm::Asked>,
}

/// Members that were skipped: how many, and the ids of some. What has no id's form is told of by number alone, because it
/// may be a name.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    pub count: usize,
    pub ids: Vec<Uuid>,
}

/// Ids told of one request.
const TOLD: usize = 20;

/// What a handler is given.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub deps: &'a Deps,
    pub provisioner: &'a Provisioner,
    /// What was read with the token.
    pub ahead: Option<&'a Ahead>,
    pub types: &'a Types,
    pub request: &'a Request,
    pub notes: &'a Mutex<Notes>,
}

impl Call<'_> {
    pub fn changed(&self, names: impl IntoIterator<Item = String>) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).changed.extend(names);
    }

    /// Members that are nobody we know: how many, and those that have the form of an id.
    pub fn skipped(&self, count: usize, ids: impl IntoIterator<Item = Uuid>) {
        let skipped = &mut self.notes.lock().unwrap_or_else(PoisonError::into_inner).skipped;
        skipped.count += count;
        let room = TOLD.saturating_sub(skipped.ids.len());
        skipped.ids.extend(ids.into_iter().take(room));
    }

    /// Attributes that no schema has.
    pub fn ignored(&self, names: BTreeSet<String>) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).ignored.extend(names);
    }

    /// A resource by id, with what relates to it or not.
    pub async fn one(&self, kind: Kind, id: Uuid, related: bool) -> Result<Option<Resource>, directory::Error> {
        match self.ahead.and_then(|ahead| ahead.answer(&Sought::Id(kind, id), related)) {
            Some(answer) => answer,
            None => resource::by_id(&self.deps.db, self.tenant(), kind, id, related).await,
        }
    }

    /// Whether the identity provider is Entra ID: as the tenant says, or where it says nothing, as the client calls itself.
    pub fn is_entra(&self) -> bool {
        match self.provisioner.idp_profile.as_str() {
            "entra" => true,
            "auto" => journal::client(self.request.user_agent.as_deref()).as_deref() == Some("Entra ID"),
            _ => false,
        }
    }

    pub fn tenant(&self) -> TenantId {
        self.provisioner.tenant
    }

    /// What the tenant keeps of a user in its realm's profile.
    pub fn mapping(&self) -> Mapping {
        Mapping::read(self.provisioner.projection.as_deref(), &self.types.user)
    }
}
