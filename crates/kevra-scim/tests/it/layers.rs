//! The invariants of `docs/architecture.md`, held over the dependency graph.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

const ADAPTERS: [&str; 5] = ["registry", "directory", "realm", "bus", "downstream"];
const ROLES: [&str; 3] = ["control", "gateway", "dispatcher"];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let of = |package: &cargo_metadata::Package| {
        let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        normal.map(|dependency| dependency.name.clone()).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), of(package))).collect()
}

#[test]
fn adapters_do_not_see_adapters_and_roles_do_not_see_roles() {
    let graph = dependencies();
    for adapter in ADAPTERS {
        for other in ADAPTERS.into_iter().chain(ROLES).filter(|other| *other != adapter) {
            let allowed = adapter == "directory" && other == "registry";
            assert!(allowed || !graph[adapter].contains(other), "{adapter} depends on {other}");
        }
    }
    for role in ROLES {
        for other in ROLES.into_iter().filter(|other| *other != role) {
            assert!(!graph[role].contains(other), "{role} depends on {other}");
        }
    }
}

#[test]
fn each_foreign_language_is_spoken_in_one_place() {
    let graph = dependencies();
    let speakers = |language: &str| -> BTreeSet<&str> {
        graph.iter().filter(|(_, uses)| uses.contains(language)).map(|(name, _)| name.as_str()).collect()
    };
    // A benchmark fills a database beforehand.
    let databases = BTreeSet::from(["registry", "directory", "migrations", "testkit", "bench"]);
    assert!(speakers("sea-orm").is_subset(&databases));
    assert!(speakers("sqlx").is_subset(&databases));
    assert_eq!(speakers("lapin"), BTreeSet::from(["bus"]));
    for foreign in ["tokio", "reqwest", "actix-web", "tracing"] {
        assert!(!graph["scim"].contains(foreign), "scim depends on {foreign}");
    }
    for name in graph.keys() {
        assert!(!["common", "utils", "core", "types", "shared"].contains(&name.as_str()), "{name} is no noun of ours");
    }
}
