//! The Enterprise User extension (RFC 7643 §4.3).

use super::{Schema, complex, reference, text};

/// The schema.
pub static ENTERPRISE_USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "Enterprise User",
    attributes: &[
        text("employeeNumber"),
        text("costCenter"),
        text("organization"),
        text("division"),
        text("department"),
        complex("manager", &[text("value"), reference("$ref", &["User"]), text("displayName").read_only()]),
    ],
};
