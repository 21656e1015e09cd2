//! `kevra-scim`

fn main() -> std::process::ExitCode {
    kevra_scim::main()
}
