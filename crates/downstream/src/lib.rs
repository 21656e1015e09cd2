//! The customer's SCIM application, as we meet it: a guarded connector, a small client, and every way a call can end.
//!
//! One connector for probe and push. It dials public addresses only, verifies TLS, follows nothing, believes no proxy
//! from the environment, and reads a bounded answer within a deadline.

mod client;
mod connector;
mod excerpt;
mod guard;
mod outcome;
mod resolve;

pub use client::{Capabilities, Client, Listed, ProbeCode, ProbeFailure, Remote};
pub use connector::{Connector, DEADLINE, Fault};
pub use excerpt::excerpt;
pub use guard::{BaseUrl, Guard, UrlFault, is_public};
pub use outcome::{Answer, Outcome, retry_after};
pub use resolve::{Names, System};
