//! One authenticated request with everything its handler works on.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use directory::resource::Kind;
use registry::TenantId;
use registry::provisioner::Provisioner;
use scim::schema::{GROUP, ResourceType, Schema, USER};
use serde_json::Value;

use crate::Deps;
use crate::request::Request;

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
        let types = parse(text).map_or_else(|| STANDARD.clone(), Arc::new);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(provisioner.tenant, (text.clone(), types.clone()));
        types
    }
}

fn parse(text: &str) -> Option<Types> {
    let extensions: Vec<Value> = serde_json::from_str(text).ok()?;
    let of = |name: &str| -> Option<Vec<Arc<Schema>>> {
        let mine = extensions.iter().filter(|extension| extension["resource"] == name);
        mine.map(|extension| Schema::extension(&extension["schema"]).ok().map(Arc::new)).collect()
    };
    Some(Types { user: USER.extended(of("User")?).ok()?, group: GROUP.extended(of("Group")?).ok()? })
}

/// What the tenant's activity tells of a request, beside its status: names and numbers, never values.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Attributes that became different.
    pub changed: BTreeSet<String>,
    /// Members that are nobody we know.
    pub skipped_members: usize,
    /// What was asked of the realm.
    pub asked: Vec<realm::Asked>,
}

/// What a handler is given.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub deps: &'a Deps,
    pub provisioner: &'a Provisioner,
    pub types: &'a Types,
    pub request: &'a Request,
    pub notes: &'a Mutex<Notes>,
}

impl Call<'_> {
    pub fn changed(&self, names: impl IntoIterator<Item = String>) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).changed.extend(names);
    }

    pub fn skipped_members(&self, count: usize) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).skipped_members += count;
    }

    pub fn tenant(&self) -> TenantId {
        self.provisioner.tenant
    }
}
