//! JSON in: the depth is checked while reading, before anything recurses.

use serde_json::Value;

use crate::Error;

/// The deepest nesting taken.
pub const MAX_DEPTH: usize = 32;

/// Parses a body that has to be a JSON object. A UTF-8 byte order mark is tolerated.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    check_depth(bytes)?;
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        Error::syntax(format!("the body is not JSON: line {}, column {}", error.line(), error.column()))
    })?;
    if value.is_object() { Ok(value) } else { Err(Error::syntax("the body must be a JSON object")) }
}

/// Counts brackets outside strings: one pass, no stack.
fn check_depth(bytes: &[u8]) -> Result<(), Error> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Error::syntax(format!("the body is nested deeper than {MAX_DEPTH}")));
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// A member by name, whatever its letter case (RFC 7643 §2.1).
pub(crate) fn member<'a>(object: &'a crate::Object, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_body_is_refused_before_it_is_parsed() {
        for bomb in ["[".repeat(200_000), "{\"a\":".repeat(100_000)] {
            assert_eq!(parse(bomb.as_bytes()).unwrap_err().status, 400);
        }
        assert!(parse(format!("{{\"a\":{}1{}}}", "[".repeat(31), "]".repeat(31)).as_bytes()).is_ok());
    }

    #[test]
    fn brackets_inside_strings_do_not_count() {
        let text = format!("{{\"a\":\"{}\\\"{}\"}}", "[".repeat(100), "{".repeat(100));
        assert!(parse(text.as_bytes()).is_ok());
    }

    #[test]
    fn a_byte_order_mark_is_tolerated_and_an_array_is_not() {
        assert!(parse(b"\xEF\xBB\xBF{}").is_ok());
        assert!(parse(b"[]").is_err());
        assert!(parse(b"").is_err());
    }
}
