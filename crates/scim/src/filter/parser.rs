//! Precedence climbing over the tokens: grouping, then `not`, then `and`, then `or`. Depth and terms are counted while
//! parsing, so hostile input ends early.

use serde_json::Value;

use super::lexer::{Token, fault, tokens};
use super::{Expression, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Operand, Operator};
use crate::path::AttributePath;
use crate::schema::{Attribute, Kind, ResourceType};
use crate::{Error, ScimType};

/// What a PATCH path names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PathTarget {
    /// The attribute, or a whole extension.
    pub path: AttributePath,
    /// Which elements of a multi-valued attribute.
    pub filter: Option<Expression>,
}

pub(super) fn parse_filter(resource: &ResourceType, text: &str) -> Result<Expression, Error> {
    let mut parser = Parser::new(resource, text, ScimType::InvalidFilter)?;
    let expression = parser.or(None)?;
    parser.end()?;
    Ok(expression)
}

/// Parses a PATCH path: `attr`, `attr.sub`, `attr[filter]`, `attr[filter].sub`, with or without URN.
pub(crate) fn parse_path(resource: &ResourceType, text: &str) -> Result<PathTarget, Error> {
    let mut parser = Parser::new(resource, text, ScimType::InvalidPath)?;
    let mut path = match parser.next() {
        Some((at, Token::Word(word))) => parser.resolve(at, &word)?,
        _ => return Err(parser.here("a path begins with an attribute")),
    };
    let mut filter = None;
    if parser.take(&Token::OpenBracket) {
        let attribute = parser.elements_of(&path)?;
        filter = Some(parser.or(Some(attribute))?);
        if !parser.take(&Token::CloseBracket) {
            return Err(parser.here("the [ is not closed"));
        }
        if let Some(sub) = parser.sub_after_bracket(attribute)? {
            path.sub = Some(sub);
        }
    }
    parser.end()?;
    Ok(PathTarget { path, filter })
}

struct Parser<'a> {
    resource: &'a ResourceType,
    tokens: std::iter::Peekable<std::vec::IntoIter<(usize, Token)>>,
    end: usize,
    kind: ScimType,
    depth: usize,
    terms: usize,
}

impl<'a> Parser<'a> {
    fn new(resource: &'a ResourceType, text: &str, kind: ScimType) -> Result<Self, Error> {
        if text.len() > MAX_LENGTH && text.chars().count() > MAX_LENGTH {
            return Err(Error::bad(kind, format!("longer than {MAX_LENGTH} characters")));
        }
        let tokens = tokens(text, kind)?;
        if tokens.is_empty() {
            return Err(Error::bad(kind, "it is empty"));
        }
        Ok(Self { resource, tokens: tokens.into_iter().peekable(), end: text.len(), kind, depth: 0, terms: 0 })
    }

    fn next(&mut self) -> Option<(usize, Token)> {
        self.tokens.next()
    }

    fn take(&mut self, token: &Token) -> bool {
        self.tokens.next_if(|(_, next)| next == token).is_some()
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let same = |token: &(usize, Token)| matches!(&token.1, Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.tokens.next_if(same).is_some()
    }

    fn here(&mut self, what: &str) -> Error {
        let at = self.tokens.peek().map_or(self.end, |(column, _)| column - 1);
        fault(self.kind, at, what)
    }

    fn end(&mut self) -> Result<(), Error> {
        if self.tokens.peek().is_some() { Err(self.here("the expression should end here")) } else { Ok(()) }
    }

    fn or(&mut self, element: Option<&'static Attribute>) -> Result<Expression, Error> {
        let mut left = self.and(element)?;
        while self.keyword("or") {
            left = Expression::Or(Box::new(left), Box::new(self.and(element)?));
        }
        Ok(left)
    }

    fn and(&mut self, element: Option<&'static Attribute>) -> Result<Expression, Error> {
        let mut left = self.term(element)?;
        while self.keyword("and") {
            left = Expression::And(Box::new(left), Box::new(self.term(element)?));
        }
        Ok(left)
    }

    fn term(&mut self, element: Option<&'static Attribute>) -> Result<Expression, Error> {
        if self.keyword("not") {
            if self.tokens.peek().is_none_or(|(_, token)| *token != Token::Open) {
                return Err(self.here("not is followed by ("));
            }
            return Ok(Expression::Not(Box::new(self.group(element)?)));
        }
        if matches!(self.tokens.peek(), Some((_, Token::Open))) {
            return self.group(element);
        }
        self.comparison(element)
    }

    fn group(&mut self, element: Option<&'static Attribute>) -> Result<Expression, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.here(&format!("nested deeper than {MAX_DEPTH}")));
        }
        self.next();
        let inner = self.or(element)?;
        if !self.take(&Token::Close) {
            return Err(self.here("the ( is not closed"));
        }
        self.depth -= 1;
        Ok(inner)
    }

    fn comparison(&mut self, element: Option<&'static Attribute>) -> Result<Expression, Error> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.here(&format!("more than {MAX_TERMS} comparisons")));
        }
        let Some((column, Token::Word(word))) = self.next() else {
            return Err(self.here("an attribute is expected"));
        };
        let operand = match element {
            Some(parent) => Operand::Element(
                parent.sub(&word).ok_or_else(|| self.unknown(column, &format!("{}.{word}", parent.name)))?,
            ),
            None => Operand::Resource(self.resolve(column, &word)?),
        };
        if let Operand::Resource(path) = operand
            && self.take(&Token::OpenBracket)
        {
            return self.elements(path);
        }
        match self.operator(operand_kind(&operand))? {
            None => Ok(Expression::Present(operand)),
            Some((operator, value)) => Ok(Expression::Compare(operand, operator, value)),
        }
    }

    fn elements(&mut self, path: AttributePath) -> Result<Expression, Error> {
        let attribute = self.elements_of(&path)?;
        let inner = self.or(Some(attribute))?;
        if !self.take(&Token::CloseBracket) {
            return Err(self.here("the [ is not closed"));
        }
        let tail = match self.sub_after_bracket(attribute)? {
            None => None,
            Some(sub) => Some((sub, self.operator(Some(sub.kind))?)),
        };
        Ok(Expression::Elements(path, Box::new(inner), tail))
    }

    /// The complex attribute whose elements a `[` selects.
    fn elements_of(&mut self, path: &AttributePath) -> Result<&'static Attribute, Error> {
        match path.attribute {
            Some(attribute) if path.sub.is_none() && attribute.kind == Kind::Complex => Ok(attribute),
            _ => Err(self.here("only a complex attribute has elements to select")),
        }
    }

    fn sub_after_bracket(&mut self, attribute: &'static Attribute) -> Result<Option<&'static Attribute>, Error> {
        let dotted = |token: &(usize, Token)| matches!(&token.1, Token::Word(word) if word.starts_with('.'));
        let Some((column, Token::Word(word))) = self.tokens.next_if(dotted) else { return Ok(None) };
        match attribute.sub(&word[1..]) {
            Some(sub) => Ok(Some(sub)),
            None => Err(self.unknown(column, &format!("{}{word}", attribute.name))),
        }
    }

    /// The operator and its value; none for `pr`.
    fn operator(&mut self, kind: Option<Kind>) -> Result<Option<(Operator, Value)>, Error> {
        let Some((column, Token::Word(word))) = self.next() else {
            return Err(self.here("an operator is expected"));
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(None);
        }
        let operator = Operator::parse(&word).ok_or_else(|| fault(self.kind, column - 1, "this is no operator"))?;
        let Some((value_at, Token::Literal(value))) = self.next() else {
            return Err(self.here("a quoted string, number, true, false or null is expected"));
        };
        let ordering =
            matches!(operator, Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual);
        if ordering && matches!(kind, Some(Kind::Boolean | Kind::Binary)) {
            return Err(fault(self.kind, column - 1, "this attribute has no order"));
        }
        let value = match (kind, value) {
            // Entra writes booleans as strings, in filters too.
            (Some(Kind::Boolean), Value::String(text)) if text.eq_ignore_ascii_case("true") => Value::Bool(true),
            (Some(Kind::Boolean), Value::String(text)) if text.eq_ignore_ascii_case("false") => Value::Bool(false),
            (Some(Kind::DateTime), Value::String(text)) if !operator.is_textual() => {
                chrono::DateTime::parse_from_rfc3339(&text)
                    .map_err(|_| fault(self.kind, value_at - 1, "an RFC 3339 date and time is expected"))?;
                Value::String(text)
            }
            (_, value) => value,
        };
        Ok(Some((operator, value)))
    }

    fn resolve(&self, column: usize, word: &str) -> Result<AttributePath, Error> {
        // Some clients ask for `email.value`. Only in filters: a PATCH path has to name what it changes.
        let email =
            word.get(..5).filter(|head| head.eq_ignore_ascii_case("email") && self.kind == ScimType::InvalidFilter);
        AttributePath::resolve(self.resource, word)
            .or_else(|| email.and_then(|_| AttributePath::resolve(self.resource, &format!("emails{}", &word[5..]))))
            .ok_or_else(|| self.unknown(column, word))
    }

    fn unknown(&self, column: usize, name: &str) -> Error {
        let short: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        fault(self.kind, column - 1, &format!("{} has no attribute {short}", self.resource.name))
    }
}

fn operand_kind(operand: &Operand) -> Option<Kind> {
    let attribute = match operand {
        Operand::Element(attribute) => Some(*attribute),
        Operand::Resource(path) => path.sub.or(path.attribute),
    }?;
    // A bare complex attribute compares its value.
    Some(if attribute.kind == Kind::Complex {
        attribute.value().map_or(Kind::Complex, |v| v.kind)
    } else {
        attribute.kind
    })
}
