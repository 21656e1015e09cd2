//! JSON in: depth and repeated names are checked while reading, before anything recurses or decides.
//!
//! A name that comes twice in one object is refused: which of the two counts differs between parsers, and what one of
//! them checked another would store (RFC 8259 §4). So is one that comes in two letter cases: it names one attribute (RFC 7643
//! §2.1), and every reader would take the one it meets first.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::{Error, Object};

/// The deepest nesting taken.
pub const MAX_DEPTH: usize = 32;

/// Parses a body that has to be a JSON object. A UTF-8 byte order mark is tolerated.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Node { depth: 0 }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    let value = value.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        // Only our own complaints are data errors; what the parser says may repeat what was sent.
        let what = match error.to_string() {
            text if error.is_data() && text.starts_with(DEEP) => DEEP,
            text if error.is_data() && text.starts_with(TWICE) => TWICE,
            _ => "the body is not JSON",
        };
        Error::syntax(format!("{what}: line {line}, column {column}"))
    })?;
    if value.is_object() { Ok(value) } else { Err(Error::syntax("the body must be a JSON object")) }
}

const DEEP: &str = "the body is nested deeper than 32";
const TWICE: &str = "a name comes twice in one object";

/// A value at a depth.
#[derive(Clone, Copy)]
struct Node {
    depth: usize,
}

impl Node {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth < MAX_DEPTH { Ok(Self { depth: self.depth + 1 }) } else { Err(E::custom(DEEP)) }
    }
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let node = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(node)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let node = self.deeper()?;
        let (mut object, mut names) = (Object::new(), Names::default());
        while let Some(name) = members.next_key::<String>()? {
            if names.has(&object, &name) {
                return Err(A::Error::custom(TWICE));
            }
            let value = members.next_value_seed(node)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// Up to so many names are compared one by one, which costs less than a set of them.
const FEW: usize = 16;

/// The names of an object under way.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    fn has(&mut self, object: &Object, name: &str) -> bool {
        if object.len() < FEW {
            let is_same = |held: &String| held.eq_ignore_ascii_case(name) && folded(held) == folded(name);
            return object.keys().any(is_same);
        }
        if self.0.is_empty() {
            self.0.extend(object.keys().map(|name| folded(name)));
        }
        !self.0.insert(folded(name))
    }
}

/// A name without its letter case, but for texts inside a path: `emails[value eq "A"].type`.
fn folded(name: &str) -> String {
    let mut quoted = false;
    let fold = |letter: char| {
        quoted ^= letter == '"';
        if quoted { letter } else { letter.to_ascii_lowercase() }
    };
    name.chars().map(fold).collect()
}

/// A member by name, whatever its letter case (RFC 7643 §2.1).
pub(crate) fn member<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}
