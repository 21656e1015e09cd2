//! Attributes that no schema has are ignored, and said once per tenant and name as long as the process runs: whoever set a
//! mapping up in the identity provider should hear that it comes to nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use registry::TenantId;

/// Names remembered of one tenant, and tenants remembered: beyond them nothing is said, or what a client makes up would fill
/// the memory and the log.
const NAMES: usize = 50;
const TENANTS: usize = 1_000;

/// What was said already.
#[derive(Default)]
pub(crate) struct Ignored(Mutex<HashMap<TenantId, BTreeSet<String>>>);

impl Ignored {
    /// Those of the names that were not told yet.
    pub fn news(&self, tenant: TenantId, names: &BTreeSet<String>) -> Vec<String> {
        if names.is_empty() {
            return Vec::new();
        }
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() >= TENANTS && !said.contains_key(&tenant) {
            return Vec::new();
        }
        let said = said.entry(tenant).or_default();
        let room = NAMES.saturating_sub(said.len());
        let news: Vec<String> = names.difference(said).take(room).cloned().collect();
        said.extend(news.iter().cloned());
        news
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_name_is_news_once_per_tenant_and_what_is_remembered_is_bounded() {
        let (ignored, tenant) = (Ignored::default(), |number| TenantId(Uuid::from_u128(number)));
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(ignored.news(tenant(1), &names(&["badge", "team"])), ["badge", "team"]);
        assert_eq!(ignored.news(tenant(1), &names(&["badge", "floor"])), ["floor"]);
        assert_eq!(ignored.news(tenant(2), &names(&["badge"])), ["badge"]);
        let flood: BTreeSet<String> = (0..200).map(|number| format!("made-up-{number}")).collect();
        assert_eq!(ignored.news(tenant(1), &flood).len(), NAMES - 3);
        assert!(ignored.news(tenant(1), &flood).is_empty());
        let said = (3..5_000).filter(|number| !ignored.news(tenant(*number), &names(&["badge"])).is_empty()).count();
        assert_eq!(said, TENANTS - 2);
    }
}
