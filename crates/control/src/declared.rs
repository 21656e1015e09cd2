//! A tenant as a document: everything somebody chose, no secret and no state. What was exported can be applied elsewhere,
//! or kept under version control and applied again; tokens are minted and entered where they are used.

use registry::tenant::{self, Change, New, Tenant};
use registry::{Db, option, target};
use serde::{Deserialize, Serialize};

use crate::inbound::InboundOptions;
use crate::outbound::{self, OutboundOptions};
use crate::tenants::{check_realm, check_slug, domain};
use crate::{Problem, Realms};

/// A tenant as it was chosen to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Its name in URLs.
    pub slug: String,
    /// Its name for people; the slug where left out.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The Keycloak realm.
    pub realm: String,
    /// The cluster its realm is on.
    #[serde(default = "default_cluster")]
    pub cluster: String,
    /// A host of the customer's own.
    #[serde(default)]
    pub custom_domain: Option<String>,
    /// Inbound settings; what is left out gets its default.
    #[serde(default)]
    pub inbound: InboundOptions,
    /// Choices for the downstream that is enabled; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound: Option<OutboundOptions>,
}

fn default_cluster() -> String {
    "default".to_owned()
}

/// What applying a document came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Applied {
    /// There was no such tenant.
    Created,
    /// Something was different.
    Changed,
    /// Nothing was.
    Unchanged,
}

impl Default for Declared {
    /// Nothing chosen, on the default cluster.
    fn default() -> Self {
        Self {
            slug: String::new(),
            display_name: None,
            realm: String::new(),
            cluster: default_cluster(),
            custom_domain: None,
            inbound: InboundOptions::default(),
            outbound: None,
        }
    }
}

impl Declared {
    /// A tenant as it is now.
    pub async fn of(db: &Db, tenant: &Tenant) -> Result<Self, Problem> {
        let target = target::current(db, tenant.id).await?.filter(|target| target.active);
        Ok(Self {
            slug: tenant.slug.clone(),
            display_name: Some(tenant.display_name.clone()),
            realm: tenant.realm.clone(),
            cluster: tenant.cluster.clone(),
            custom_domain: tenant.custom_domain.clone(),
            inbound: InboundOptions::of(option::of(db, tenant.id).await?)?,
            outbound: target.as_ref().map(OutboundOptions::of),
        })
    }

    /// Makes or changes the tenant. A realm is not moved this way, nor is a direction switched on or off.
    pub async fn apply(self, db: &Db, realms: &dyn Realms, actor: &str) -> Result<Applied, Problem> {
        check_slug("slug", &self.slug)?;
        check_realm(&self.realm)?;
        let custom_domain = self.custom_domain.as_deref().map(domain).transpose()?;
        let display_name = self.display_name.clone().unwrap_or_else(|| self.slug.clone());
        let (found, mut applied) = match tenant::by_slug(db, &self.slug).await {
            Ok(found) => (found, Applied::Unchanged),
            Err(registry::Error::NotFound(_)) => {
                let cluster = registry::cluster::by_name(db, &self.cluster).await?.id;
                let (slug, realm) = (self.slug.clone(), self.realm.clone());
                let (display_name, custom_domain) = (display_name.clone(), custom_domain.clone());
                let new = New { slug, display_name, realm, cluster, custom_domain };
                (tenant::create(db, &new, actor).await?, Applied::Created)
            }
            Err(error) => return Err(error.into()),
        };
        if (&found.realm, &found.cluster) != (&self.realm, &self.cluster) {
            let reason = format!("the tenant is realm {} on cluster {}; move it first", found.realm, found.cluster);
            return Err(Problem::Field { field: "realm", reason });
        }
        let mut changed = found.display_name != display_name || found.custom_domain != custom_domain;
        if changed {
            let change = Change { display_name: Some(display_name), custom_domain: Some(custom_domain) };
            tenant::change(db, found.id, &change, actor).await?;
        }
        let held = Self::of(db, &found).await?;
        if !self.inbound.is_held(&held.inbound) {
            self.inbound.store(db, realms, &found, None, actor).await?;
            changed = true;
        }
        if let Some(wanted) = self.outbound.filter(|wanted| Some(wanted) != held.outbound.as_ref()) {
            outbound::choose(db, found.id, wanted.choices()?, None, actor).await?;
            changed = true;
        }
        if changed && applied == Applied::Unchanged {
            applied = Applied::Changed;
        }
        Ok(applied)
    }
}
