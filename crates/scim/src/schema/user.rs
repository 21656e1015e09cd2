//! The core User schema (RFC 7643 §4.1, §8.7.1).

use super::{Attribute, Kind, Mutability, Returned, Schema, attribute, complex, list, reference, text};

const PRIMARY: Attribute = attribute("primary", Kind::Boolean);

const fn plural(value: Attribute, types: &'static [&'static str]) -> [Attribute; 4] {
    [value, text("display"), text("type").canonical(types), PRIMARY]
}

static EMAIL: [Attribute; 4] = plural(text("value"), &["work", "home", "other"]);
static PHONE: [Attribute; 4] = plural(text("value"), &["work", "home", "mobile", "fax", "pager", "other"]);
static IM: [Attribute; 4] = plural(text("value"), &["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]);
static PHOTO: [Attribute; 4] = plural(reference("value", &["external"]), &["photo", "thumbnail"]);
static ENTITLEMENT: [Attribute; 4] = plural(text("value"), &[]);
static ROLE: [Attribute; 4] = plural(text("value"), &[]);
static CERTIFICATE: [Attribute; 4] = plural(attribute("value", Kind::Binary), &[]);

/// The schema.
pub static SCHEMA: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "User Account",
    attributes: &[
        Attribute { uniqueness: "server", ..text("userName").required() },
        complex(
            "name",
            &[
                text("formatted"),
                text("familyName"),
                text("givenName"),
                text("middleName"),
                text("honorificPrefix"),
                text("honorificSuffix"),
            ],
        ),
        text("displayName"),
        text("nickName"),
        reference("profileUrl", &["external"]),
        text("title"),
        text("userType"),
        text("preferredLanguage"),
        text("locale"),
        text("timezone"),
        attribute("active", Kind::Boolean),
        Attribute { mutability: Mutability::WriteOnly, returned: Returned::Never, ..text("password") },
        list("emails", &EMAIL),
        list("phoneNumbers", &PHONE),
        list("ims", &IM),
        list("photos", &PHOTO),
        list(
            "addresses",
            &[
                text("formatted"),
                text("streetAddress"),
                text("locality"),
                text("region"),
                text("postalCode"),
                text("country"),
                text("type").canonical(&["work", "home", "other"]),
                PRIMARY,
            ],
        ),
        list(
            "groups",
            &[
                text("value").read_only(),
                reference("$ref", &["User", "Group"]).read_only(),
                text("display").read_only(),
                text("type").canonical(&["direct", "indirect"]).read_only(),
            ],
        )
        .read_only(),
        list("entitlements", &ENTITLEMENT),
        list("roles", &ROLE),
        list("x509Certificates", &CERTIFICATE),
    ],
};
