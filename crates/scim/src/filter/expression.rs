//! The tree of a filter, for whoever evaluates it or compiles it to conditions of a database.

use serde_json::Value;

use crate::path::AttributePath;
use crate::schema::Attribute;

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
    pub(super) fn parse(word: &str) -> Option<Self> {
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

    /// `co`, `sw`, `ew`: looks at letters, not at order.
    pub fn is_textual(self) -> bool {
        matches!(self, Self::Contains | Self::StartsWith | Self::EndsWith)
    }

    /// `gt`, `ge`, `lt`, `le`.
    pub fn is_ordering(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual)
    }

    /// As on the wire.
    pub fn as_str(self) -> &'static str {
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

/// An attribute as a comparison names it. Prints its canonical name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand<'s> {
    /// Of the resource.
    Resource(AttributePath<'s>),
    /// Inside `[…]`: of the element.
    Element(&'s Attribute),
}

impl<'s> Operand<'s> {
    /// The definition that says how its values compare: kind, letter case. A bare complex attribute means its `value`.
    /// None for a whole extension.
    pub fn compared(&self) -> Option<&'s Attribute> {
        match self {
            Self::Resource(path) => path.compared(),
            Self::Element(attribute) => Some(attribute.compared()),
        }
    }
}

/// What is asked of the sub-attribute behind a value path: `emails[type eq "work"].value sw "a"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tail<'s> {
    /// The sub-attribute.
    pub sub: &'s Attribute,
    /// The comparison; none for `pr`.
    pub comparison: Option<(Operator, Value)>,
}

/// The tree of a filter.
///
/// Its depth is bounded by [`MAX_DEPTH`](super::MAX_DEPTH) and [`MAX_TERMS`](super::MAX_TERMS) together, so recursion
/// over it is safe. Literals have the type of their attribute: booleans written as strings are booleans here, dateTimes
/// are checked, and a `null` comes with `eq` or `ne` only.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression<'s> {
    /// Both hold.
    And(Box<Expression<'s>>, Box<Expression<'s>>),
    /// One of them holds.
    Or(Box<Expression<'s>>, Box<Expression<'s>>),
    /// It does not hold.
    Not(Box<Expression<'s>>),
    /// `pr`: there is a value that is not empty.
    Present(Operand<'s>),
    /// A comparison. `ne` is "no value equals"; `eq null` is "no value".
    Compare(Operand<'s>, Operator, Value),
    /// `emails[…]`: an element for which all holds, and what its sub-attribute is asked.
    Elements(AttributePath<'s>, Box<Expression<'s>>, Option<Tail<'s>>),
    /// Decided while parsing: in a query over several types, a comparison with what this type lacks.
    Constant(bool),
}

impl std::fmt::Display for Operand<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resource(path) => path.fmt(formatter),
            Self::Element(attribute) => formatter.write_str(&attribute.name),
        }
    }
}

impl Expression<'_> {
    pub(super) fn mentions(&self, name: &str) -> bool {
        let names = |path: &AttributePath<'_>| {
            path.extension.is_none()
                && path.attribute.is_some_and(|attribute| attribute.name.eq_ignore_ascii_case(name))
        };
        match self {
            Self::And(left, right) | Self::Or(left, right) => left.mentions(name) || right.mentions(name),
            Self::Not(inner) => inner.mentions(name),
            Self::Present(Operand::Resource(path))
            | Self::Compare(Operand::Resource(path), ..)
            | Self::Elements(path, ..) => names(path),
            Self::Present(Operand::Element(_)) | Self::Compare(Operand::Element(_), ..) | Self::Constant(_) => false,
        }
    }

    fn grouped(&self, formatter: &mut std::fmt::Formatter<'_>, group: bool) -> std::fmt::Result {
        if group { write!(formatter, "({self})") } else { write!(formatter, "{self}") }
    }
}

impl std::fmt::Display for Expression<'_> {
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
                    Some(Tail { sub, comparison: None }) => write!(formatter, ".{} pr", sub.name),
                    Some(Tail { sub, comparison: Some((operator, value)) }) => {
                        write!(formatter, ".{} {} {value}", sub.name, operator.as_str())
                    }
                }
            }
            // Every resource has an id.
            Self::Constant(true) => formatter.write_str("id pr"),
            Self::Constant(false) => formatter.write_str("not (id pr)"),
        }
    }
}
