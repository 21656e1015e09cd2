//! An attribute's definition (RFC 7643 §2.2, §7).

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
    /// Only when asked for.
    Request,
}

/// An attribute's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its canonical name.
    pub name: String,
    /// What it is, where its schema says; else its name says it.
    pub description: Option<String>,
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
    /// How long a text may be, bytes: it is a key in the store, whose indexes take no longer ones.
    pub longest: Option<usize>,
    /// Suggested values; others are taken too.
    pub canonical_values: Vec<String>,
    /// What a reference may point at.
    pub reference_types: Vec<String>,
    /// Sub-attributes of a complex attribute.
    pub sub_attributes: Vec<Attribute>,
}

pub(super) fn attribute(name: &str, kind: Kind) -> Attribute {
    Attribute {
        name: name.to_owned(),
        description: None,
        kind,
        multi_valued: false,
        required: false,
        case_exact: matches!(kind, Kind::Reference | Kind::Binary | Kind::DateTime),
        mutability: Mutability::ReadWrite,
        returned: Returned::Default,
        uniqueness: "none",
        longest: None,
        canonical_values: Vec::new(),
        reference_types: Vec::new(),
        sub_attributes: Vec::new(),
    }
}

pub(super) fn text(name: &str) -> Attribute {
    attribute(name, Kind::String)
}

pub(super) fn date_time(name: &str) -> Attribute {
    attribute(name, Kind::DateTime)
}

pub(super) fn complex(name: &str, sub_attributes: Vec<Attribute>) -> Attribute {
    Attribute { sub_attributes, ..attribute(name, Kind::Complex) }
}

pub(super) fn list(name: &str, sub_attributes: Vec<Attribute>) -> Attribute {
    Attribute { multi_valued: true, ..complex(name, sub_attributes) }
}

pub(super) fn reference(name: &str, types: &[&str]) -> Attribute {
    Attribute { reference_types: owned(types), ..attribute(name, Kind::Reference) }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// How the core schemas are written down.
impl Attribute {
    pub(super) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(super) fn read_only(self) -> Self {
        Self { mutability: Mutability::ReadOnly, ..self }
    }

    pub(super) fn immutable(self) -> Self {
        Self { mutability: Mutability::Immutable, ..self }
    }

    pub(super) fn always(self) -> Self {
        Self { returned: Returned::Always, ..self }
    }

    pub(super) fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    pub(super) fn within(self, longest: usize) -> Self {
        Self { longest: Some(longest), ..self }
    }

    pub(super) fn canonical(self, values: &[&str]) -> Self {
        Self { canonical_values: owned(values), ..self }
    }
}

impl Attribute {
    /// A sub-attribute by name, whatever its letter case.
    pub fn sub(&self, name: &str) -> Option<&Attribute> {
        self.sub_attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// The sub-attribute a bare comparison means: `emails eq "x"` compares `emails.value`.
    pub fn value(&self) -> Option<&Attribute> {
        self.sub("value")
    }

    /// What a comparison with this attribute compares: a complex attribute's `value`, else itself.
    pub fn compared(&self) -> &Attribute {
        if self.kind == Kind::Complex { self.value().unwrap_or(self) } else { self }
    }

    /// A group's `members`: one element per id, whose `value` never changes (RFC 7643 §4.2).
    pub(crate) fn is_membership(&self) -> bool {
        self.name == "members" && self.value().is_some_and(|value| value.mutability == Mutability::Immutable)
    }
}
