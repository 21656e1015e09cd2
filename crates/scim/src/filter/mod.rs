//! Filters (RFC 7644 §3.4.2.2): parsed with limits, resolved against a resource type, evaluated over documents.
//!
//! A filter that cannot be understood is an error, never "everybody". Beyond the RFC's grammar a value path may be
//! followed by a sub-attribute and an operator, `emails[type eq "work"].value eq "x"`, which Entra requires.

mod eval;
mod lexer;
mod parser;

use serde_json::Value;

pub(crate) use eval::{element_matches, fixed_values};
pub(crate) use parser::parse_path;

use crate::path::AttributePath;
use crate::schema::{Attribute, ResourceType};
use crate::{Error, Object};

/// The longest filter, characters.
pub const MAX_LENGTH: usize = 2_048;
/// The deepest nesting.
pub const MAX_DEPTH: usize = 10;
/// The most comparisons.
pub const MAX_TERMS: usize = 64;

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

impl Operator {
    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "co" => Self::Contains,
            "sw" => Self::StartsWith,
            "ew" => Self::EndsWith,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            _ => return None,
        })
    }

    /// Compares letters, not order.
    fn is_textual(self) -> bool {
        matches!(self, Self::Contains | Self::StartsWith | Self::EndsWith)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Contains => "co",
            Self::StartsWith => "sw",
            Self::EndsWith => "ew",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }
}

/// A parsed filter.
#[derive(Clone, PartialEq)]
pub struct Filter(Expression);

/// An attribute as a comparison names it: of the resource, or of an element inside a value path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Operand {
    Resource(AttributePath),
    Element(&'static Attribute),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Present(Operand),
    Compare(Operand, Operator, Value),
    /// `emails[…]`, and what is asked of a sub-attribute of the matching elements.
    Elements(AttributePath, Box<Expression>, Option<(&'static Attribute, Option<(Operator, Value)>)>),
}

impl Filter {
    /// Parses and resolves a filter; a name the resource type lacks is 400 `invalidFilter`.
    pub fn parse(resource: &ResourceType, text: &str) -> Result<Self, Error> {
        parser::parse_filter(resource, text).map(Self)
    }

    /// Whether a rendered resource matches.
    pub fn matches(&self, document: &Object) -> bool {
        eval::matches(&self.0, document)
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
impl std::fmt::Debug for Filter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Filter").finish_non_exhaustive()
    }
}

impl std::fmt::Display for Filter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::fmt::Display for Operand {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resource(path) => path.fmt(formatter),
            Self::Element(attribute) => formatter.write_str(attribute.name),
        }
    }
}

impl Expression {
    fn grouped(&self, formatter: &mut std::fmt::Formatter<'_>, group: bool) -> std::fmt::Result {
        if group { write!(formatter, "({self})") } else { write!(formatter, "{self}") }
    }
}

impl std::fmt::Display for Expression {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Only the parentheses that are needed, so that what was within the limits stays within them.
            Self::And(left, right) => {
                left.grouped(formatter, matches!(**left, Self::Or(..)))?;
                formatter.write_str(" and ")?;
                right.grouped(formatter, matches!(**right, Self::And(..) | Self::Or(..)))
            }
            Self::Or(left, right) => {
                write!(formatter, "{left} or ")?;
                right.grouped(formatter, matches!(**right, Self::Or(..)))
            }
            Self::Not(inner) => write!(formatter, "not ({inner})"),
            Self::Present(operand) => write!(formatter, "{operand} pr"),
            Self::Compare(operand, operator, value) => write!(formatter, "{operand} {} {value}", operator.as_str()),
            Self::Elements(path, inner, tail) => {
                write!(formatter, "{path}[{inner}]")?;
                match tail {
                    None => Ok(()),
                    Some((sub, None)) => write!(formatter, ".{} pr", sub.name),
                    Some((sub, Some((operator, value)))) => {
                        write!(formatter, ".{} {} {value}", sub.name, operator.as_str())
                    }
                }
            }
        }
    }
}
