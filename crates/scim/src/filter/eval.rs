//! Evaluation over a rendered resource. A multi-valued attribute matches if any value does; inside `[]` all terms hold
//! for the same element. The depth of the recursion is bounded by the parser.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Expression, Operand, Operator};
use crate::Object;
use crate::json::member;
use crate::schema::{Attribute, Kind};

pub(crate) fn matches(expression: &Expression, document: &Object) -> bool {
    match expression {
        Expression::And(left, right) => matches(left, document) && matches(right, document),
        Expression::Or(left, right) => matches(left, document) || matches(right, document),
        Expression::Not(inner) => !matches(inner, document),
        Expression::Present(operand) => values(operand, document).iter().any(|(value, _)| present(value)),
        Expression::Compare(operand, operator, wanted) => any(&values(operand, document), *operator, wanted),
        Expression::Elements(path, inner, tail) => {
            let elements = path.value(document).map(as_list).unwrap_or_default();
            elements.iter().filter_map(|element| element.as_object()).any(|element| {
                matches(inner, element)
                    && tail.as_ref().is_none_or(|(sub, asked)| {
                        let value = member(element, sub.name);
                        match asked {
                            None => value.is_some_and(present),
                            Some((operator, wanted)) => any(
                                &value.map(|value| (value, *sub)).into_iter().collect::<Vec<_>>(),
                                *operator,
                                wanted,
                            ),
                        }
                    })
            })
        }
    }
}

/// The values a comparison is about, each with the attribute that says how it compares.
fn values<'a>(operand: &Operand, document: &'a Object) -> Vec<(&'a Value, &'static Attribute)> {
    let (found, attribute, sub) = match operand {
        Operand::Element(attribute) => (member(document, attribute.name), *attribute, None),
        Operand::Resource(path) => match path.attribute {
            Some(attribute) => (path.value(document), attribute, path.sub),
            None => return Vec::new(),
        },
    };
    let list = found.map(as_list).unwrap_or_default();
    // A bare complex attribute means its value: `emails co "x"`, `manager eq "id"`.
    match sub.or_else(|| if attribute.kind == Kind::Complex { attribute.value() } else { None }) {
        Some(sub) => list
            .into_iter()
            .filter_map(|element| element.as_object().and_then(|element| member(element, sub.name)))
            .map(|value| (value, sub))
            .collect(),
        None => list.into_iter().map(|value| (value, attribute)).collect(),
    }
}

fn as_list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

fn present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
        _ => true,
    }
}

fn any(values: &[(&Value, &'static Attribute)], operator: Operator, wanted: &Value) -> bool {
    if wanted.is_null() {
        let unassigned = !values.iter().any(|(value, _)| present(value));
        return match operator {
            Operator::Equal => unassigned,
            Operator::NotEqual => !unassigned,
            _ => false,
        };
    }
    // `ne` is "no value equals": the unassigned differs from everything.
    if operator == Operator::NotEqual {
        return !any(values, Operator::Equal, wanted);
    }
    values.iter().any(|(value, attribute)| compare(value, operator, wanted, attribute))
}

fn compare(value: &Value, operator: Operator, wanted: &Value, attribute: &Attribute) -> bool {
    match (value, wanted) {
        (Value::String(value), Value::String(wanted)) => {
            if attribute.kind == Kind::DateTime && !operator.is_textual() {
                let parse = |text: &str| chrono::DateTime::parse_from_rfc3339(text).ok();
                return match (parse(value), parse(wanted)) {
                    (Some(value), Some(wanted)) => ordered(value.cmp(&wanted), operator),
                    _ => false,
                };
            }
            if attribute.case_exact {
                text(value, operator, wanted)
            } else {
                text(&crate::key::username_key(value), operator, &crate::key::username_key(wanted))
            }
        }
        (Value::Bool(value), Value::Bool(wanted)) => operator == Operator::Equal && value == wanted,
        (Value::Number(value), Value::Number(wanted)) => match (value.as_f64(), wanted.as_f64()) {
            (Some(value), Some(wanted)) => {
                value.partial_cmp(&wanted).is_some_and(|ordering| ordered(ordering, operator))
            }
            _ => false,
        },
        _ => false,
    }
}

fn text(value: &str, operator: Operator, wanted: &str) -> bool {
    match operator {
        Operator::Contains => value.contains(wanted),
        Operator::StartsWith => value.starts_with(wanted),
        Operator::EndsWith => value.ends_with(wanted),
        _ => ordered(value.cmp(wanted), operator),
    }
}

fn ordered(ordering: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}

pub(crate) fn element_matches(filter: &Expression, element: &Value) -> bool {
    element.as_object().is_some_and(|element| matches(filter, element))
}

/// The values an `eq`-only filter fixes, such as `type` in `[type eq "work"]`; none for any other filter.
pub(crate) fn fixed_values(filter: &Expression) -> Option<Vec<(&'static Attribute, &Value)>> {
    match filter {
        Expression::And(left, right) => {
            let mut fixed = fixed_values(left)?;
            fixed.extend(fixed_values(right)?);
            Some(fixed)
        }
        Expression::Compare(Operand::Element(attribute), Operator::Equal, value) if !value.is_null() => {
            Some(vec![(attribute, value)])
        }
        _ => None,
    }
}
