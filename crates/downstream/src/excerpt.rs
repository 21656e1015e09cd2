//! What a downstream says of an error, for the people who have to act on it: at most 1 KiB, without anything that looks
//! like an address, a token, or a value we sent.

use serde_json::Value;

use crate::outcome::Answer;

/// The longest excerpt, bytes.
const LONGEST: usize = 1_024;
/// Letters and digits in a row that are taken for a token.
const TOKEN: usize = 24;

/// Reads an answer's error; `sent` are the values we sent, token included.
pub fn excerpt(answer: &Answer, sent: &[String]) -> Option<String> {
    let said = match &answer.body {
        Some(body) => told(body),
        None => answer.text.clone()?,
    };
    let one_line: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let clean = redact(one_line.trim(), sent);
    (!clean.is_empty()).then(|| shortened(clean))
}

/// The fields in which errors are put in words, or the whole of what is none of the known forms.
fn told(body: &Value) -> String {
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let detail = ["detail", "error_description", "message", "error", "title"].into_iter().find_map(text);
    match (text("scimType"), detail) {
        (Some(kind), Some(detail)) => format!("{kind}: {detail}"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => body.to_string(),
    }
}

/// Takes out what was sent, wherever it stands, then word by word what looks like an address or a token.
fn redact(text: &str, sent: &[String]) -> String {
    let mut text = text.to_owned();
    let mut sent: Vec<&str> = sent.iter().map(|value| value.trim()).filter(|value| !value.is_empty()).collect();
    // The longest first: an address before the name that is part of it.
    sent.sort_by_key(|value| std::cmp::Reverse(value.len()));
    for value in sent {
        text = without(&text, value);
    }
    let word = |word: &str| {
        if word.contains('@') {
            "[address]".to_owned()
        } else if looks_like_a_token(word) {
            "[token]".to_owned()
        } else {
            word.to_owned()
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A text without a value, letter case aside. A value of one or two letters is taken out only where it stands alone.
fn without(text: &str, value: &str) -> String {
    let (chars, wanted): (Vec<char>, Vec<char>) = (text.chars().collect(), value.chars().collect());
    let same = |one: char, other: char| one == other || one.to_lowercase().eq(other.to_lowercase());
    let mut kept = String::with_capacity(text.len());
    let mut place = 0;
    while place < chars.len() {
        let end = place + wanted.len();
        let found = end <= chars.len() && chars[place..end].iter().zip(&wanted).all(|(one, other)| same(*one, *other));
        let alone = || {
            let before = place.checked_sub(1).map(|before| chars[before]);
            let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            !letter(before) && !letter(chars.get(end).copied())
        };
        if found && (wanted.len() > 2 || alone()) {
            kept.push_str("[value]");
            place = end;
        } else {
            kept.push(chars[place]);
            place += 1;
        }
    }
    kept
}

/// A long run of what tokens are made of, with a digit or both letter cases in it.
fn looks_like_a_token(word: &str) -> bool {
    word.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.' | '~'))).any(|run| {
        let any = |test: fn(&char) -> bool| run.chars().any(|c| test(&c));
        run.len() >= TOKEN
            && (any(char::is_ascii_digit) || (any(char::is_ascii_lowercase) && any(char::is_ascii_uppercase)))
    })
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST {
        let mut end = LONGEST - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(body: Value, sent: &[&str]) -> Option<String> {
        let body = Some(body);
        let answer = Answer { status: 400, content_type: None, retry_after: None, location: None, body, text: None };
        excerpt(&answer, &sent.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_words_of_an_error_stay_and_what_was_sent_goes() {
        for (body, sent, wanted) in [
            (json!({ "detail": "userName is taken" }), &[][..], "userName is taken"),
            (json!({ "scimType": "uniqueness", "detail": "taken" }), &[], "uniqueness: taken"),
            (json!({ "detail": "Ada Byron exists" }), &["Ada", "byron"], "[value] [value] exists"),
            (json!({ "detail": "an Al ends al" }), &["al"], "an [value] ends [value]"),
            (json!({ "detail": "a naïve ÉMILE" }), &["émile"], "a naïve [value]"),
            (json!({ "detail": "no such user: bob@other.test" }), &[], "no such user: [address]"),
            (json!({ "detail": "<ada@acme.test>, twice" }), &["ada@acme.test", "ada"], "<[value]>, twice"),
            (json!({ "error": "key eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x" }), &[], "key [token]"),
            (json!({ "message": "token=abcdefABCDEF0123456789xyz" }), &[], "[token]"),
            (json!({ "code": 7 }), &[], "{\"code\":7}"),
            (json!({ "detail": "line\none\ttab" }), &[], "line one tab"),
        ] {
            assert_eq!(said(body.clone(), sent).as_deref(), Some(wanted), "{body}");
        }
    }

    #[test]
    fn it_is_short() {
        let long = said(json!({ "detail": "ü ".repeat(2_000) }), &[]).unwrap();
        assert!(long.len() <= LONGEST && long.ends_with('…'));
    }
}
