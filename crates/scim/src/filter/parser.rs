//! Precedence climbing over the tokens: grouping, then `not`, then `and`, then `or`. Depth and terms are counted while
//! parsing, so hostile input ends early.

use serde_json::Value;

use super::lexer::{Token, fault, tokens};
use super::{Expression, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Operand, Operator, Tail};
use crate::path::AttributePath;
use crate::schema::{Attribute, Kind, ResourceType};
use crate::{Error, ScimType};

/// What a PATCH path names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PathTarget<'s> {
    /// The attribute, or a whole extension.
    pub path: AttributePath<'s>,
    /// Which elements of a multi-valued attribute.
    pub filter: Option<Expression<'s>>,
}

pub(super) fn parse_filter<'s>(
    resource: &'s ResourceType,
    others: &[&'s ResourceType],
    text: &str,
) -> Result<Expression<'s>, Error> {
    let mut parser = Parser::new(resource, text, ScimType::InvalidFilter)?;
    parser.others = others.to_vec();
    let expression = parser.or(None)?;
    parser.end()?;
    Ok(expression)
}

/// Parses a PATCH path: `attr`, `attr.sub`, `attr[filter]`, `attr[filter].sub`, with or without URN.
pub(crate) fn parse_path<'s>(resource: &'s ResourceType, text: &str) -> Result<PathTarget<'s>, Error> {
    let mut parser = Parser::new(resource, text, ScimType::InvalidPath)?;
    let mut path = match parser.next() {
        Some((at, Token::Word(word))) => parser.resolve(at, &word)?.0,
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

struct Parser<'s> {
    resource: &'s ResourceType,
    /// The other types of a query over several: what only they have is "no value".
    others: Vec<&'s ResourceType>,
    tokens: std::iter::Peekable<std::vec::IntoIter<(usize, Token)>>,
    end: usize,
    kind: ScimType,
    depth: usize,
    terms: usize,
}

impl<'s> Parser<'s> {
    fn new(resource: &'s ResourceType, text: &str, kind: ScimType) -> Result<Self, Error> {
        if text.len() > MAX_LENGTH && text.chars().count() > MAX_LENGTH {
            return Err(Error::bad(kind, format!("longer than {MAX_LENGTH} characters")));
        }
        let tokens = tokens(text, kind)?;
        if tokens.is_empty() {
            return Err(Error::bad(kind, "it is empty"));
        }
        let tokens = tokens.into_iter().peekable();
        Ok(Self { resource, others: Vec::new(), tokens, end: text.len(), kind, depth: 0, terms: 0 })
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

    fn or(&mut self, element: Option<&'s Attribute>) -> Result<Expression<'s>, Error> {
        let mut left = self.and(element)?;
        while self.keyword("or") {
            left = Expression::Or(Box::new(left), Box::new(self.and(element)?));
        }
        Ok(left)
    }

    fn and(&mut self, element: Option<&'s Attribute>) -> Result<Expression<'s>, Error> {
        let mut left = self.term(element)?;
        while self.keyword("and") {
            left = Expression::And(Box::new(left), Box::new(self.term(element)?));
        }
        Ok(left)
    }

    fn term(&mut self, element: Option<&'s Attribute>) -> Result<Expression<'s>, Error> {
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

    fn group(&mut self, element: Option<&'s Attribute>) -> Result<Expression<'s>, Error> {
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

    fn comparison(&mut self, element: Option<&'s Attribute>) -> Result<Expression<'s>, Error> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.here(&format!("more than {MAX_TERMS} comparisons")));
        }
        let Some((column, Token::Word(word))) = self.next() else {
            return Err(self.here("an attribute is expected"));
        };
        let (operand, lacking) = match element {
            Some(parent) => {
                let sub = parent.sub(&word);
                (Operand::Element(sub.ok_or_else(|| self.unknown(column, &format!("{}.{word}", parent.name)))?), false)
            }
            None => {
                let (path, lacking) = self.resolve(column, &word)?;
                (Operand::Resource(path), lacking)
            }
        };
        if let Operand::Resource(path) = operand
            && self.take(&Token::OpenBracket)
        {
            let elements = self.elements(path)?;
            return Ok(if lacking { Expression::Constant(false) } else { elements });
        }
        let comparison = self.operator(operand.compared())?;
        Ok(match comparison {
            // What a type lacks has no value: it equals only null, and differs from everything.
            Some((operator, value)) if lacking => {
                Expression::Constant(operator == if value.is_null() { Operator::Equal } else { Operator::NotEqual })
            }
            None if lacking => Expression::Constant(false),
            None => Expression::Present(operand),
            Some((operator, value)) => Expression::Compare(operand, operator, value),
        })
    }

    fn elements(&mut self, path: AttributePath<'s>) -> Result<Expression<'s>, Error> {
        let attribute = self.elements_of(&path)?;
        let inner = self.or(Some(attribute))?;
        if !self.take(&Token::CloseBracket) {
            return Err(self.here("the [ is not closed"));
        }
        let tail = match self.sub_after_bracket(attribute)? {
            None => None,
            Some(sub) => Some(Tail { sub, comparison: self.operator(Some(sub))? }),
        };
        Ok(Expression::Elements(path, Box::new(inner), tail))
    }

    /// The complex attribute whose elements a `[` selects.
    fn elements_of(&mut self, path: &AttributePath<'s>) -> Result<&'s Attribute, Error> {
        match path.attribute {
            Some(attribute) if path.sub.is_none() && attribute.kind == Kind::Complex => Ok(attribute),
            _ => Err(self.here("only a complex attribute has elements to select")),
        }
    }

    fn sub_after_bracket(&mut self, attribute: &'s Attribute) -> Result<Option<&'s Attribute>, Error> {
        let dotted = |token: &(usize, Token)| matches!(&token.1, Token::Word(word) if word.starts_with('.'));
        let Some((column, Token::Word(word))) = self.tokens.next_if(dotted) else { return Ok(None) };
        match attribute.sub(&word[1..]) {
            Some(sub) => Ok(Some(sub)),
            None => Err(self.unknown(column, &format!("{}{word}", attribute.name))),
        }
    }

    /// The operator and its value; none for `pr`.
    fn operator(&mut self, compared: Option<&Attribute>) -> Result<Option<(Operator, Value)>, Error> {
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
        let Some(attribute) = compared else {
            return Err(fault(self.kind, column - 1, "a whole extension has no value to compare"));
        };
        match literal(attribute, operator, value) {
            Ok(value) => Ok(Some((operator, value))),
            Err(what) => Err(fault(self.kind, value_at - 1, what)),
        }
    }

    /// The path, and whether only another type of the query has it.
    fn resolve(&self, column: usize, word: &str) -> Result<(AttributePath<'s>, bool), Error> {
        if let Some(path) = self.resolve_in(self.resource, word) {
            return Ok((path, false));
        }
        let elsewhere = self.others.iter().find_map(|resource| self.resolve_in(resource, word));
        elsewhere.map(|path| (path, true)).ok_or_else(|| self.unknown(column, word))
    }

    fn resolve_in(&self, resource: &'s ResourceType, word: &str) -> Option<AttributePath<'s>> {
        // Some clients ask for `email.value`. Only in filters: a PATCH path has to name what it changes.
        let email =
            word.get(..5).filter(|head| head.eq_ignore_ascii_case("email") && self.kind == ScimType::InvalidFilter);
        AttributePath::resolve(resource, word)
            .or_else(|| email.and_then(|_| AttributePath::resolve(resource, &format!("emails{}", &word[5..]))))
    }

    fn unknown(&self, column: usize, name: &str) -> Error {
        let short: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        fault(self.kind, column - 1, &format!("{} has no attribute {short}", self.resource.name))
    }
}

/// The literal as its attribute has it. A literal no value could equal is refused: its `ne` would be everybody.
fn literal(attribute: &Attribute, operator: Operator, value: Value) -> Result<Value, &'static str> {
    if value.is_null() {
        let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        return if equality { Ok(value) } else { Err("null compares with eq and ne only") };
    }
    if operator.is_ordering() && matches!(attribute.kind, Kind::Boolean | Kind::Binary) {
        return Err("this attribute has no order");
    }
    match (attribute.kind, value) {
        (Kind::Boolean, _) if operator.is_textual() => Err("a boolean is no text"),
        (Kind::Boolean, Value::Bool(flag)) => Ok(Value::Bool(flag)),
        // Entra writes booleans as strings, in filters too.
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        (Kind::Boolean, _) => Err("true or false is expected"),
        (Kind::Integer | Kind::Decimal, _) if operator.is_textual() => Err("a number is no text"),
        (Kind::Integer | Kind::Decimal, Value::Number(number)) => Ok(Value::Number(number)),
        (Kind::Integer | Kind::Decimal, _) => Err("a number is expected"),
        (Kind::DateTime, Value::String(text)) if !operator.is_textual() => {
            match chrono::DateTime::parse_from_rfc3339(&text) {
                Ok(_) => Ok(Value::String(text)),
                Err(_) => Err("an RFC 3339 date and time is expected"),
            }
        }
        (Kind::String | Kind::Reference | Kind::Binary | Kind::DateTime, Value::String(text)) => {
            Ok(Value::String(text))
        }
        (Kind::String | Kind::Reference | Kind::Binary | Kind::DateTime, _) => Err("a quoted string is expected"),
        (Kind::Complex, _) => Err("name one of its sub-attributes to compare"),
    }
}
