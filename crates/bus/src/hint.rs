//! The message: version, tenant, user. No payload, no personal data, no secret.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// "User U of tenant T may have changed."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The tenant.
    pub tenant: Uuid,
    /// The realm user.
    pub user: Uuid,
    /// A deactivation is part of it.
    pub urgent: bool,
    /// W3C `traceparent` of whatever caused it; travels as a message header.
    pub traceparent: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u8,
    tenant: Uuid,
    user: Uuid,
}

impl Hint {
    pub(crate) fn body(&self) -> Vec<u8> {
        // A struct of numbers and ids always serializes.
        serde_json::to_vec(&Wire { v: 1, tenant: self.tenant, user: self.user }).unwrap_or_default()
    }

    /// `None` for what is not a hint of a version we know.
    pub(crate) fn read(body: &[u8], urgent: bool, traceparent: Option<String>) -> Option<Self> {
        let wire: Wire = serde_json::from_slice(body).ok()?;
        (wire.v == 1).then_some(Self { tenant: wire.tenant, user: wire.user, urgent, traceparent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_travels_and_garbage_does_not() {
        let hint = Hint { tenant: Uuid::new_v4(), user: Uuid::new_v4(), urgent: true, traceparent: None };
        assert_eq!(Hint::read(&hint.body(), true, None), Some(hint));
        for garbage in [&b"{}"[..], b"", b"{\"v\":2,\"tenant\":\"x\",\"user\":\"y\"}", b"[1]"] {
            assert_eq!(Hint::read(garbage, false, None), None);
        }
    }
}
