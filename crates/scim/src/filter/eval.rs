//! Evaluation over a rendered resource. A multi-valued attribute matches if any value does; inside `[]` all terms hold
//! for the same element. The depth of the recursion is bounded by the parser.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{Expression, Operand, Operator, Tail};
use crate::Object;
use crate::json::member;
use crate::key::case_key;
use crate::schema::{Attribute, Kind};

pub(crate) fn matches(expression: &Expression<'_>, document: &Object) -> bool {
    match expression {
        Expression::And(left, right) => matches(left, document) && matches(right, document),
        Expression::Or(left, right) => matches(left, document) || matches(right, document),
        Expression::Not(inner) => !matches(inner, document),
        Expression::Present(operand) => values(operand, document).into_iter().any(present),
        // One value of one element: what most value paths ask, a thousand times over in a PATCH.
        Expression::Compare(Operand::Element(attribute), Operator::Equal, wanted)
            if !attribute.multi_valued && attribute.kind != Kind::Complex && !wanted.is_null() =>
        {
            member(document, &attribute.name).is_some_and(|value| compare(value, Operator::Equal, wanted, attribute))
        }
        Expression::Compare(operand, operator, wanted) => match operand.compared() {
            Some(attribute) => any(&values(operand, document), *operator, wanted, attribute),
            None => false,
        },
        Expression::Elements(path, inner, tail) => {
            let elements = path.value(document).map(as_list).unwrap_or_default();
            let mut elements = elements.iter().filter_map(Value::as_object).filter(|element| matches(inner, element));
            elements.any(|element| tail.as_ref().is_none_or(|tail| tail_holds(tail, element)))
        }
        Expression::Constant(holds) => *holds,
    }
}

fn tail_holds(tail: &Tail<'_>, element: &Object) -> bool {
    let found: Vec<&Value> = member(element, &tail.sub.name).map(as_list).unwrap_or_default().iter().collect();
    match &tail.comparison {
        None => found.into_iter().any(present),
        Some((operator, wanted)) => any(&found, *operator, wanted, tail.sub),
    }
}

/// The values a comparison is about.
fn values<'a>(operand: &Operand<'_>, document: &'a Object) -> Vec<&'a Value> {
    let (found, attribute, sub) = match operand {
        Operand::Element(attribute) => (member(document, &attribute.name), Some(*attribute), None),
        Operand::Resource(path) => (path.value(document), path.attribute, path.sub),
    };
    let list = found.map(as_list).unwrap_or_default();
    // A bare complex attribute means its value: `emails co "x"`, `manager eq "id"`.
    let value = attribute.filter(|attribute| attribute.kind == Kind::Complex).and_then(Attribute::value);
    match sub.or(value) {
        Some(sub) => list
            .iter()
            .filter_map(|element| element.as_object().and_then(|element| member(element, &sub.name)))
            .flat_map(as_list)
            .collect(),
        None => list.iter().collect(),
    }
}

fn as_list(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        other => std::slice::from_ref(other),
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

fn any(values: &[&Value], operator: Operator, wanted: &Value, attribute: &Attribute) -> bool {
    if wanted.is_null() {
        let unassigned = !values.iter().any(|value| present(value));
        return match operator {
            Operator::Equal => unassigned,
            Operator::NotEqual => !unassigned,
            _ => false,
        };
    }
    // `ne` is "no value equals": the unassigned differs from everything.
    if operator == Operator::NotEqual {
        return !any(values, Operator::Equal, wanted, attribute);
    }
    values.iter().any(|value| compare(value, operator, wanted, attribute))
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
            } else if operator == Operator::Equal && value.is_ascii() && wanted.is_ascii() {
                // Most comparisons there are, without a copy of either side.
                value.eq_ignore_ascii_case(wanted)
            } else {
                text(&case_key(value), operator, &case_key(wanted))
            }
        }
        (Value::Bool(value), Value::Bool(wanted)) => operator == Operator::Equal && value == wanted,
        (Value::Number(value), Value::Number(wanted)) => {
            number_order(value, wanted).is_some_and(|ordering| ordered(ordering, operator))
        }
        _ => false,
    }
}

/// Whole numbers compare exactly; beyond 2^53 a float would find different ones equal.
pub(crate) fn number_order(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
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

pub(crate) fn element_matches(filter: &Expression<'_>, element: &Value) -> bool {
    element.as_object().is_some_and(|element| matches(filter, element))
}

/// The values an `eq`-only filter fixes, such as `type` in `[type eq "work"]`; none for any other filter.
pub(crate) fn fixed_values<'f, 's>(filter: &'f Expression<'s>) -> Option<Vec<(&'s Attribute, &'f Value)>> {
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
