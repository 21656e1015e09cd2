//! The invariants of `docs/architecture.md`, held over the dependency graph.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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
    // The tests' own crates are beside the layers: one sets databases up, the other fills them beforehand.
    let databases = BTreeSet::from(["registry", "directory", "migrations", "testkit", "bench"]);
    assert!(speakers("sea-orm").is_subset(&databases));
    assert!(speakers("sqlx").is_subset(&databases));
    assert_eq!(speakers("lapin"), BTreeSet::from(["bus"]));
    for foreign in ["tokio", "http", "hyper", "reqwest", "actix-web", "tracing", "sea-orm", "sqlx", "lapin"] {
        assert!(!graph["scim"].contains(foreign), "scim depends on {foreign}");
    }
    for name in graph.keys() {
        assert!(!["common", "utils", "core", "types", "shared"].contains(&name.as_str()), "{name} is no noun of ours");
    }
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Rust files below the crates and their neighbours that hold one of some words.
fn files_with(below: impl Fn(&Path) -> bool, words: &[&str]) -> Vec<String> {
    let mut directories: Vec<PathBuf> = ["crates", "migrations", "bench"].map(|name| Path::new(ROOT).join(name)).into();
    let mut found = Vec::new();
    while let Some(directory) = directories.pop() {
        for path in std::fs::read_dir(&directory).unwrap().flatten().map(|entry| entry.path()) {
            let place = path.strip_prefix(ROOT).unwrap();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && below(place) {
                let text = std::fs::read_to_string(&path).unwrap();
                let mut code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                if code.any(|line| words.iter().any(|word| line.contains(word))) {
                    found.push(place.display().to_string());
                }
            }
        }
    }
    found.sort();
    found
}

fn is_test(place: &Path) -> bool {
    place.components().any(|part| part.as_os_str() == "tests") || place.starts_with("crates/testkit")
}

#[test]
fn the_environment_is_read_in_one_file() {
    // One word for var, vars, var_os and vars_os. Tests are told by it where their servers are.
    let readers = files_with(|place| !is_test(place), &["env::var"]);
    assert_eq!(readers, ["crates/kevra-scim/src/env.rs"]);
}

#[test]
fn no_test_sleeps() {
    let sleepers = files_with(is_test, &[concat!("time::", "sleep"), concat!("thread::", "sleep")]);
    assert_eq!(sleepers, ["crates/testkit/src/lib.rs"], "`eventually` asks again and again, and is the only one");
}
