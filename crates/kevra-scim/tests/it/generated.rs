//! Documents that are made from the code are current.

use std::process::Command;

#[test]
fn the_generated_documents_are_current() {
    for (command, file) in [
        ("openapi", "openapi.json"),
        ("environment", "configuration.md"),
        ("reference cli", "integrate/cli.md"),
        ("reference errors", "integrate/error-codes.md"),
    ] {
        let path = format!("{}/../../docs/{file}", env!("CARGO_MANIFEST_DIR"));
        let mut program = Command::new(env!("CARGO_BIN_EXE_kevra-scim"));
        let output = program.args(command.split(' ')).args(["--check", &path]).env_clear().output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
