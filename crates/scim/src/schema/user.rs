//! The core User schema (RFC 7643 §4.1, §8.7.1).

use super::attribute::{attribute, complex, list, reference, text};
use super::{Attribute, Kind, Mutability, NAME, Returned, Schema};

fn primary() -> Attribute {
    attribute("primary", Kind::Boolean)
}

fn plural(name: &str, value: Attribute, types: &[&str]) -> Attribute {
    list(name, vec![value, text("display"), text("type").canonical(types), primary()])
}

fn names() -> Attribute {
    let parts = ["formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"];
    complex("name", parts.map(text).into())
}

fn addresses() -> Attribute {
    let parts = ["formatted", "streetAddress", "locality", "region", "postalCode", "country"];
    let mut subs: Vec<Attribute> = parts.map(text).into();
    subs.extend([text("type").canonical(&["work", "home", "other"]), primary()]);
    list("addresses", subs)
}

fn groups() -> Attribute {
    let subs = vec![
        text("value").exact().read_only(),
        reference("$ref", &["User", "Group"]).read_only(),
        text("display").read_only(),
        text("type").canonical(&["direct", "indirect"]).read_only(),
    ];
    list("groups", subs).read_only()
}

pub(super) fn schema() -> Schema {
    let attributes = vec![
        Attribute { uniqueness: "server", ..text("userName").required().within(NAME) },
        names(),
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
        plural("emails", text("value").within(NAME), &["work", "home", "other"]),
        plural("phoneNumbers", text("value"), &["work", "home", "mobile", "fax", "pager", "other"]),
        plural("ims", text("value"), &["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
        plural("photos", reference("value", &["external"]), &["photo", "thumbnail"]),
        addresses(),
        groups(),
        plural("entitlements", text("value"), &[]),
        plural("roles", text("value"), &[]),
        plural("x509Certificates", attribute("value", Kind::Binary), &[]),
    ];
    Schema::new("urn:ietf:params:scim:schemas:core:2.0:User", "User", "User Account", attributes)
}
