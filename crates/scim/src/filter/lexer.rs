//! Tokens of a filter or path, with their columns (RFC 7644 §3.4.2.2, §3.5.2).

use serde_json::Value;

use crate::{Error, ScimType};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// An attribute, operator or keyword.
    Word(String),
    /// A JSON literal.
    Literal(Value),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
}

/// Splits a text into tokens; each comes with the column it begins at, counted from 1.
pub(crate) fn tokens(text: &str, kind: ScimType) -> Result<Vec<(usize, Token)>, Error> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let token = match bytes[at] {
            b' ' | b'\t' => {
                at += 1;
                continue;
            }
            b'(' => Token::Open,
            b')' => Token::Close,
            b'[' => Token::OpenBracket,
            b']' => Token::CloseBracket,
            b'"' => {
                let end = string_end(bytes, at).ok_or_else(|| fault(kind, start, "the string does not end"))?;
                let literal: String = serde_json::from_str(&text[at..end])
                    .map_err(|_| fault(kind, start, "the string is not a JSON string"))?;
                // Nothing that is stored has it, and PostgreSQL takes no text with it.
                if literal.contains('\0') {
                    return Err(fault(kind, start, "the string has the character U+0000"));
                }
                at = end;
                found.push((start + 1, Token::Literal(Value::String(literal))));
                continue;
            }
            _ => {
                let stop = |byte: &u8| matches!(byte, b' ' | b'\t' | b'(' | b')' | b'[' | b']' | b'"');
                let end = bytes[at..].iter().position(stop).map_or(bytes.len(), |length| at + length);
                at = end;
                found.push((start + 1, word(&text[start..end])));
                continue;
            }
        };
        at += 1;
        found.push((start + 1, token));
    }
    Ok(found)
}

fn string_end(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// `true`, `false`, `null` and numbers are literals; everything else is a word.
fn word(text: &str) -> Token {
    let number = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    match text.to_ascii_lowercase().as_str() {
        "true" => Token::Literal(Value::Bool(true)),
        "false" => Token::Literal(Value::Bool(false)),
        "null" => Token::Literal(Value::Null),
        _ if number => match serde_json::from_str::<serde_json::Number>(text) {
            Ok(number) => Token::Literal(Value::Number(number)),
            Err(_) => Token::Word(text.to_owned()),
        },
        _ => Token::Word(text.to_owned()),
    }
}

/// An error that points at a column, counted from 0 here and from 1 in the text.
pub(crate) fn fault(kind: ScimType, at: usize, what: &str) -> Error {
    Error::bad(kind, format!("column {}: {what}", at + 1))
}
