//! The plan: what would be sent now. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::pushed::Pushed;

/// What a round sends to a user that is linked.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// In step.
    Nothing,
    /// The fewest operations that bring the downstream in step, and the names of what changes.
    Patch(Vec<Value>, Vec<String>),
    /// The whole resource, for a target without PATCH.
    Put(Vec<String>),
}

/// How far the digests can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The last round settled: send what differs.
    Digests,
    /// In doubt (K17), or asked to assert (K18, P2): send everything.
    Nothing,
}

/// Compares what should stand downstream with the digests of what does.
///
/// `removable` are the paths that may stand downstream although the user lacks them now; in doubt it is read from the
/// downstream itself, because removing what is not there is an error for some servers.
pub fn plan(
    pushed: &Pushed,
    digests: &BTreeMap<String, String>,
    key: &[u8],
    trust: Trust,
    removable: &[&str],
    supports_patch: bool,
) -> Plan {
    let present = pushed.digests(key);
    let mut operations = Vec::new();
    let mut names = Vec::new();
    for path in pushed.paths() {
        let differs = trust == Trust::Nothing || digests.get(path) != present.get(path);
        match pushed.attribute(path) {
            Some(value) if differs => {
                operations.push(json!({ "op": "replace", "path": path, "value": value }));
                names.push(path.to_owned());
            }
            None if digests.contains_key(path) || removable.contains(&path) => {
                operations.push(json!({ "op": "remove", "path": path }));
                names.push(path.to_owned());
            }
            _ => {}
        }
    }
    if operations.is_empty() {
        Plan::Nothing
    } else if supports_patch {
        Plan::Patch(operations, names)
    } else {
        Plan::Put(names)
    }
}
