//! Shell sessions replayed: those of the command line's own tests, and every block tagged `console` of the documentation.

use std::path::{Path, PathBuf};

use testkit::scratch::Scratch;
use testkit::transcript;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Replays a page where nothing is but the program and an empty database.
fn replay(page: &Path) -> usize {
    let scratch = Scratch::default();
    let database = format!("sqlite://{}?mode=rwc", scratch.file("kevra.db").display());
    let keyring = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let settings = [
        ("DATABASE_URL", database.as_str()),
        ("KEVRA_SEAL_KEYRING", keyring),
        ("KEVRA_DEVELOPMENT", "true"),
        ("NO_COLOR", "1"),
    ];
    transcript::replay(page, Path::new(env!("CARGO_BIN_EXE_kevra-scim")), scratch.path(), &settings)
}

#[test]
fn a_tenant_lives_and_ends_at_the_command_line() {
    assert!(replay(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/tenants.md")) > 30);
}

#[test]
fn the_program_by_itself_says_what_it_is_asked() {
    assert!(replay(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/program.md")) > 15);
}

/// Pages that need servers are replayed where those are.
const WITH_SERVERS: [&str; 1] = ["operate/your-own-keycloak.md"];

#[test]
fn every_console_block_of_the_documentation_does_what_it_shows() {
    let docs = Path::new(ROOT).join("docs");
    let with_blocks: Vec<PathBuf> =
        pages(&docs).into_iter().filter(|page| transcript::is_in(&std::fs::read_to_string(page).unwrap())).collect();
    for elsewhere in WITH_SERVERS {
        assert!(with_blocks.contains(&docs.join(elsewhere)), "{elsewhere} has no console block");
    }
    let here = with_blocks.iter().filter(|page| !WITH_SERVERS.iter().any(|elsewhere| docs.join(elsewhere) == **page));
    let commands: usize = here.map(|page| replay(page)).sum();
    assert!(commands >= 3, "{commands} commands");
}

fn pages(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "book") {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}
