//! Where the real servers are: `scripts/test` starts them and says so in the environment.

/// A fact of the test servers, such as `KEVRA_TEST_DATABASE_URL`.
///
/// # Panics
/// Where it is not given: a test that needs a server and has none has failed, not been skipped.
#[expect(clippy::disallowed_methods, reason = "the tests' servers are named by the environment of scripts/test")]
pub fn fact(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this test through `scripts/test`"))
}
