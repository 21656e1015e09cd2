//! The core Group schema (RFC 7643 §4.2; errata 5368 and 5607: `displayName` is required, members refer to both types).

use super::{Attribute, Mutability, Schema, list, reference, text};

/// The schema.
pub static SCHEMA: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "Group",
    attributes: &[
        text("displayName").required(),
        list(
            "members",
            &[
                Attribute { mutability: Mutability::Immutable, ..text("value") },
                Attribute { mutability: Mutability::Immutable, ..reference("$ref", &["User", "Group"]) },
                Attribute { mutability: Mutability::Immutable, ..text("type").canonical(&["User", "Group"]) },
                text("display"),
            ],
        ),
    ],
};
