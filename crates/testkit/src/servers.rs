//! Where the real servers are: `scripts/test` starts them and says so in the environment.

/// A fact of the test servers, such as `KEVRA_TEST_DATABASE_URL`.
///
/// # Panics
/// Where it is not given: a test that needs a server and has none has failed, not been skipped.
#[expect(clippy::disallowed_methods, reason = "the tests' servers are named by the environment of scripts/test")]
pub fn fact(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this test through `scripts/test`"))
}

/// A wish of whoever runs a test, such as a seed; `None` where nobody has one.
#[expect(clippy::disallowed_methods, reason = "wishes come by the environment of the test run")]
pub fn wish<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let read = text.parse().ok();
    assert!(read.is_some(), "{name} cannot be read: {text}");
    read
}
