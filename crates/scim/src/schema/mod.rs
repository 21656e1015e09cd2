//! The schema registry: one source for bodies, filters, PATCH and the discovery documents (RFC 7643 §7).

mod enterprise;
mod group;
mod user;

pub use enterprise::ENTERPRISE_USER;

/// The data type of an attribute (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// `true` or `false`; strings of the same are taken from clients that send them.
    Boolean,
    /// A number with a fraction.
    Decimal,
    /// A whole number.
    Integer,
    /// RFC 3339.
    DateTime,
    /// Base64.
    Binary,
    /// A URI.
    Reference,
    /// Sub-attributes.
    Complex,
}

/// Who may change an attribute, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// The service provider only.
    ReadOnly,
    /// The client.
    ReadWrite,
    /// The client, once.
    Immutable,
    /// The client, and never read.
    WriteOnly,
}

/// When an attribute is in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// Whatever is asked for.
    Always,
    /// Not at all.
    Never,
    /// Unless excluded.
    Default,
}

/// An attribute's definition.
#[derive(Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its canonical name.
    pub name: &'static str,
    /// Its data type.
    pub kind: Kind,
    /// A list of values.
    pub multi_valued: bool,
    /// Has to be there.
    pub required: bool,
    /// Compared with regard to letter case.
    pub case_exact: bool,
    /// Who may change it.
    pub mutability: Mutability,
    /// When it is in an answer.
    pub returned: Returned,
    /// `none`, `server` or `global`.
    pub uniqueness: &'static str,
    /// Suggested values; others are taken too.
    pub canonical_values: &'static [&'static str],
    /// What a reference may point at.
    pub reference_types: &'static [&'static str],
    /// Sub-attributes of a complex attribute.
    pub sub_attributes: &'static [Attribute],
}

const fn attribute(name: &'static str, kind: Kind) -> Attribute {
    Attribute {
        name,
        kind,
        multi_valued: false,
        required: false,
        case_exact: matches!(kind, Kind::Reference | Kind::Binary | Kind::DateTime),
        mutability: Mutability::ReadWrite,
        returned: Returned::Default,
        uniqueness: "none",
        canonical_values: &[],
        reference_types: &[],
        sub_attributes: &[],
    }
}

const fn text(name: &'static str) -> Attribute {
    attribute(name, Kind::String)
}

const fn complex(name: &'static str, sub_attributes: &'static [Attribute]) -> Attribute {
    Attribute { sub_attributes, ..attribute(name, Kind::Complex) }
}

const fn list(name: &'static str, sub_attributes: &'static [Attribute]) -> Attribute {
    Attribute { multi_valued: true, ..complex(name, sub_attributes) }
}

const fn reference(name: &'static str, reference_types: &'static [&'static str]) -> Attribute {
    Attribute { reference_types, ..attribute(name, Kind::Reference) }
}

impl Attribute {
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    const fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    const fn canonical(mut self, values: &'static [&'static str]) -> Self {
        self.canonical_values = values;
        self
    }

    /// A sub-attribute by name, whatever its letter case.
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        self.sub_attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// The sub-attribute a bare comparison means: `emails eq "x"` compares `emails.value`.
    pub fn value(&self) -> Option<&'static Attribute> {
        self.sub("value")
    }
}

/// A schema: a URN and its attributes.
#[derive(Debug, PartialEq, Eq)]
pub struct Schema {
    /// Its URN.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// An attribute by name, whatever its letter case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

/// A type of resource: its endpoint, schema and extensions.
#[derive(Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// `User` or `Group`.
    pub name: &'static str,
    /// `/Users` or `/Groups`.
    pub endpoint: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Its core schema.
    pub schema: &'static Schema,
    /// Its extensions.
    pub extensions: &'static [&'static Schema],
}

impl ResourceType {
    /// A core or common attribute by name.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        let of = |attributes: &'static [Attribute]| attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name));
        of(self.schema.attributes).or_else(|| of(COMMON))
    }

    /// An extension by URN.
    pub fn extension(&self, urn: &str) -> Option<&'static Schema> {
        self.extensions.iter().copied().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }
}

/// Attributes every resource has (RFC 7643 §3.1).
pub static COMMON: &[Attribute] = &[
    Attribute { returned: Returned::Always, multi_valued: true, ..reference("schemas", &["uri"]) },
    Attribute { returned: Returned::Always, uniqueness: "server", ..text("id").exact().read_only() },
    text("externalId").exact(),
    complex(
        "meta",
        &[
            text("resourceType").exact().read_only(),
            attribute("created", Kind::DateTime).read_only(),
            attribute("lastModified", Kind::DateTime).read_only(),
            reference("location", &["uri"]).read_only(),
            text("version").exact().read_only(),
        ],
    )
    .read_only(),
];

/// Users.
pub static USER: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    description: "User Account",
    schema: &user::SCHEMA,
    extensions: &[&ENTERPRISE_USER],
};

/// Groups.
pub static GROUP: ResourceType =
    ResourceType { name: "Group", endpoint: "/Groups", description: "Group", schema: &group::SCHEMA, extensions: &[] };
