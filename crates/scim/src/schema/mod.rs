//! The schema registry: one source for bodies, filters, PATCH and the discovery documents (RFC 7643 §7).
//!
//! [`USER`] and [`GROUP`] are what everybody has. A tenant's own extensions come from JSON ([`Schema::extension`]) and
//! make a resource type of their own ([`ResourceType::extended`]), which shares the rest. Nothing here is leaked or
//! interned: whatever names an attribute borrows it from its resource type.

mod attribute;
mod custom;
mod enterprise;
mod group;
mod user;

use std::sync::{Arc, LazyLock};

pub use attribute::{Attribute, Kind, Mutability, Returned};
pub use custom::{MAX_ATTRIBUTES, MAX_URN};

use attribute::{complex, date_time, reference, text};

/// The longest name or e-mail address, bytes: the 255 characters Keycloak has room for.
const NAME: usize = 4 * 255;

/// The longest `externalId`, bytes, as its attribute in the realm allows.
const EXTERNAL_ID: usize = 2048;

/// A schema: a URN and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Its URN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    fn new(id: &str, name: &str, description: &str, attributes: Vec<Attribute>) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), description: description.to_owned(), attributes }
    }

    /// An attribute by name, whatever its letter case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

/// A type of resource: its endpoint, schema and extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// `User` or `Group`.
    pub name: String,
    /// `/Users` or `/Groups`.
    pub endpoint: String,
    /// What it is.
    pub description: String,
    /// Its core schema.
    pub schema: Arc<Schema>,
    /// Its extensions.
    pub extensions: Vec<Arc<Schema>>,
}

impl ResourceType {
    fn new(name: &str, endpoint: &str, description: &str, schema: Schema, extensions: Vec<Arc<Schema>>) -> Self {
        Self {
            name: name.to_owned(),
            endpoint: endpoint.to_owned(),
            description: description.to_owned(),
            schema: Arc::new(schema),
            extensions,
        }
    }

    /// A core or common attribute by name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.schema.attribute(name).or_else(|| COMMON.iter().find(|a| a.name.eq_ignore_ascii_case(name)))
    }

    /// An extension by URN.
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions.iter().map(AsRef::as_ref).find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// Its schemas, the core schema first.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        std::iter::once(&self.schema).chain(&self.extensions).map(AsRef::as_ref)
    }
}

/// Attributes every resource has (RFC 7643 §3.1).
pub static COMMON: LazyLock<Vec<Attribute>> = LazyLock::new(|| {
    vec![
        Attribute { multi_valued: true, ..reference("schemas", &["uri"]).always() },
        Attribute { uniqueness: "server", ..text("id").exact().read_only().always() },
        text("externalId").exact().within(EXTERNAL_ID),
        complex(
            "meta",
            vec![
                text("resourceType").exact().read_only(),
                date_time("created").read_only(),
                date_time("lastModified").read_only(),
                reference("location", &["uri"]).read_only(),
                text("version").exact().read_only(),
            ],
        )
        .read_only(),
    ]
});

/// The Enterprise User extension.
pub static ENTERPRISE_USER: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(enterprise::schema()));

/// Users.
pub static USER: LazyLock<ResourceType> = LazyLock::new(|| {
    ResourceType::new("User", "/Users", "User Account", user::schema(), vec![Arc::clone(&ENTERPRISE_USER)])
});

/// Users and groups with a tenant's own extensions: a JSON array of `{"resource": "User" | "Group", "schema": …}`. None where
/// one of them cannot be used.
pub fn with_extensions(text: &str) -> Option<(ResourceType, ResourceType)> {
    let extensions: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
    let of = |name: &str| -> Option<Vec<Arc<Schema>>> {
        let mine = extensions.iter().filter(|extension| extension["resource"] == name);
        mine.map(|extension| Schema::extension(&extension["schema"]).ok().map(Arc::new)).collect()
    };
    Some((USER.extended(of("User")?).ok()?, GROUP.extended(of("Group")?).ok()?))
}

/// Groups.
pub static GROUP: LazyLock<ResourceType> =
    LazyLock::new(|| ResourceType::new("Group", "/Groups", "Group", group::schema(), Vec::new()));
