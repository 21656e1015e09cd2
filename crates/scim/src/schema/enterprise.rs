//! The Enterprise User extension (RFC 7643 §4.3).

use super::Schema;
use super::attribute::{complex, reference, text};

pub(super) fn schema() -> Schema {
    let manager = vec![text("value").exact(), reference("$ref", &["User"]), text("displayName").read_only()];
    Schema::new(
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "EnterpriseUser",
        "Enterprise User",
        vec![
            text("employeeNumber"),
            text("costCenter"),
            text("organization"),
            text("division"),
            text("department"),
            complex("manager", manager),
        ],
    )
}
