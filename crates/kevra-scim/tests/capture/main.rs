//! What happens in Keycloak reaches directory and downstream, whichever way it is told of and whatever breaks meanwhile.
//! Apart from the other tests, because it stops the servers they would share; one at a time. `scripts/test` starts them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here")]

mod convergence;
mod edits;
mod listener;
mod people;
mod silence;
mod stage;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kevra-scim");
