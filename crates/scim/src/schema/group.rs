//! The core Group schema (RFC 7643 §4.2; errata 5368 and 5607: `displayName` is required, members refer to both types).

use super::attribute::{list, reference, text};
use super::{NAME, Schema};

pub(super) fn schema() -> Schema {
    let member = vec![
        // An id is case-exact (RFC 7643 §3.1), and so is a reference to one, although §8.7.1 prints `false`.
        text("value").exact().immutable(),
        reference("$ref", &["User", "Group"]).immutable(),
        text("type").canonical(&["User", "Group"]).immutable(),
        // The server knows what its members are called.
        text("display").read_only(),
    ];
    Schema::new(
        "urn:ietf:params:scim:schemas:core:2.0:Group",
        "Group",
        "Group",
        vec![text("displayName").required().within(NAME), list("members", member)],
    )
}
