//! Filters (RFC 7644 §3.4.2.2): parsed with limits, resolved against a resource type, evaluated over documents.
//!
//! A filter that cannot be understood is an error, never "everybody"; so is a comparison no value could ever pass, such
//! as a string attribute with a number, because its `ne` would be everybody. Beyond the RFC's grammar a value path may
//! be followed by a sub-attribute and an operator, `emails[type eq "work"].value eq "x"`, which Entra requires.

mod eval;
mod expression;
mod lexer;
mod parser;

use serde_json::Value;

pub use expression::{Expression, Operand, Operator, Tail};

pub(crate) use eval::{element_matches, fixed_values, number_order};
pub(crate) use parser::parse_path;

use crate::schema::ResourceType;
use crate::{Error, Object};

/// The longest filter, characters.
pub const MAX_LENGTH: usize = 2_048;
/// The deepest nesting.
pub const MAX_DEPTH: usize = 10;
/// The most comparisons.
pub const MAX_TERMS: usize = 64;

/// A parsed filter.
#[derive(Clone, PartialEq)]
pub struct Filter<'s>(Expression<'s>);

impl<'s> Filter<'s> {
    /// Parses and resolves a filter; a name the resource type lacks is 400 `invalidFilter`.
    pub fn parse(resource: &'s ResourceType, text: &str) -> Result<Self, Error> {
        parser::parse_filter(resource, &[], text).map(Self)
    }

    /// Parses a filter of a query over several types, for one of them: what it lacks but another has is "no value"
    /// (RFC 7644 §3.4.2.1). A name that no type has is 400 `invalidFilter`.
    pub fn parse_among(resource: &'s ResourceType, types: &[&'s ResourceType], text: &str) -> Result<Self, Error> {
        parser::parse_filter(resource, types, text).map(Self)
    }

    /// Whether a rendered resource matches.
    pub fn matches(&self, document: &Object) -> bool {
        eval::matches(&self.0, document)
    }

    /// The tree, for compiling it to conditions of a database.
    pub fn expression(&self) -> &Expression<'s> {
        &self.0
    }

    /// Whether it asks for a core or common attribute, such as a group's `members`, which a caller would rather not
    /// read in vain.
    pub fn mentions(&self, attribute: &str) -> bool {
        self.0.mentions(attribute)
    }

    /// The attribute and text of a filter that is one plain equality, such as `userName eq "x"`: what an index answers.
    pub fn as_equality(&self) -> Option<(String, &str)> {
        match &self.0 {
            Expression::Compare(Operand::Resource(path), Operator::Equal, Value::String(text)) => {
                Some((path.to_string(), text))
            }
            _ => None,
        }
    }
}

/// What is looked for is personal data: only [`Display`](std::fmt::Display) prints it.
impl std::fmt::Debug for Filter<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Filter").finish_non_exhaustive()
    }
}

impl std::fmt::Display for Filter<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}
