//! A second PATCH, slow and simple, to hold the engine against. It never sees JSON paths or dialects: operations come
//! as what they mean, and are written down for the engine in one of many spellings.

use std::collections::BTreeMap;

use scim::ScimType;
use serde_json::{Map, Value, json};

/// A complex value.
pub type Element = BTreeMap<&'static str, Value>;

/// A user as the reference sees one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    pub simple: BTreeMap<&'static str, Value>,
    pub name: BTreeMap<&'static str, Value>,
    pub emails: Vec<Element>,
    pub enterprise: BTreeMap<&'static str, Value>,
    /// A `replace` that matches nothing creates what it describes.
    pub creates: bool,
}

/// Add or replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    Add,
    Replace,
}

/// One comparison of a value path.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub sub: &'static str,
    pub operator: &'static str,
    pub value: Value,
}

/// All terms hold, or any.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub terms: Vec<Term>,
    pub any: bool,
}

/// What an operation means.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    Simple(Set, &'static str, Value),
    RemoveSimple(&'static str),
    Name(Set, Vec<(&'static str, Value)>),
    NamePart(Set, &'static str, Value),
    RemoveName(Option<&'static str>),
    Emails(Set, Vec<Element>),
    RemoveEmails(Option<Vec<Element>>),
    Matching(Set, Choice, Element),
    MatchingPart(Set, Choice, &'static str, Value),
    RemoveMatching(Choice, Option<&'static str>),
    EveryPart(Set, &'static str, Value),
    Enterprise(Set, &'static str, Value),
    RemoveEnterprise(Option<&'static str>),
    Manager(Set, &'static str),
}

type Refusal = Result<(), ScimType>;

impl Model {
    /// All operations or none.
    pub fn patched(&self, operations: &[Meaning]) -> Result<Self, ScimType> {
        let mut after = self.clone();
        for operation in operations {
            after.apply(operation)?;
        }
        after.emails.retain(|email| !email.is_empty());
        let blank = |value: Option<&Value>| value.and_then(Value::as_str).is_none_or(|text| text.trim().is_empty());
        if blank(after.simple.get("userName")) { Err(ScimType::InvalidValue) } else { Ok(after) }
    }

    fn apply(&mut self, operation: &Meaning) -> Refusal {
        match operation {
            Meaning::Simple(_, name, Value::Null) | Meaning::RemoveSimple(name) => self.unset(name)?,
            Meaning::Simple(_, name, value) => {
                let value = match (*name, value) {
                    ("active", Value::String(text)) if text.eq_ignore_ascii_case("true") => json!(true),
                    ("active", Value::String(text)) if text.eq_ignore_ascii_case("false") => json!(false),
                    ("active", Value::String(_)) => return Err(ScimType::InvalidValue),
                    _ => value.clone(),
                };
                self.simple.insert(name, value);
            }
            Meaning::Name(_, parts) => parts.iter().for_each(|(part, value)| put(&mut self.name, part, value)),
            Meaning::NamePart(_, part, value) => put(&mut self.name, part, value),
            Meaning::RemoveName(None) => self.name.clear(),
            Meaning::RemoveName(Some(part)) => put(&mut self.name, part, &Value::Null),
            Meaning::Emails(set, new) => self.set_emails(*set, new),
            Meaning::RemoveEmails(None) => self.emails.clear(),
            Meaning::RemoveEmails(Some(listed)) => {
                self.emails.retain(|held| !listed.iter().any(|listed| names(listed, held)));
            }
            Meaning::RemoveMatching(choice, None) => self.emails.retain(|email| !choice.holds(email)),
            Meaning::RemoveMatching(choice, Some(part)) => {
                self.emails.iter_mut().filter(|email| choice.holds(email)).for_each(|email| {
                    email.remove(part);
                });
            }
            Meaning::Matching(set, choice, new) => self.set_matching(*set, choice, |email, fresh| {
                // What is created has what the filter says of it.
                if *set == Set::Replace && !fresh {
                    email.clear();
                }
                email.extend(new.clone());
                true
            })?,
            Meaning::MatchingPart(set, choice, part, value) => self.set_matching(*set, choice, |email, _| {
                put(email, part, value);
                !value.is_null()
            })?,
            Meaning::EveryPart(_, part, value) => {
                self.emails.iter_mut().for_each(|email| put(email, part, value));
                let first = self.emails.iter().position(is_primary);
                self.only_primary(first);
            }
            Meaning::Enterprise(_, name, value) => put(&mut self.enterprise, name, value),
            Meaning::RemoveEnterprise(None) => self.enterprise.clear(),
            Meaning::RemoveEnterprise(Some(name)) => put(&mut self.enterprise, name, &Value::Null),
            Meaning::Manager(_, "") => put(&mut self.enterprise, "manager", &Value::Null),
            Meaning::Manager(_, id) => put(&mut self.enterprise, "manager", &json!({ "value": id })),
        }
        Ok(())
    }

    fn unset(&mut self, name: &str) -> Refusal {
        if name == "userName" {
            return Err(ScimType::Mutability);
        }
        self.simple.remove(name);
        Ok(())
    }

    fn set_emails(&mut self, set: Set, new: &[Element]) {
        let mut sent: Vec<Element> = Vec::new();
        for email in new {
            match sent.iter_mut().find(|held| same(held, email)) {
                Some(held) => {
                    let primary = is_primary(held) || is_primary(email);
                    held.extend(beside(email));
                    if primary {
                        held.insert("primary", json!(true));
                    }
                }
                None => sent.push(email.clone()),
            }
        }
        let mut primary_seen = false;
        for email in &mut sent {
            if is_primary(email) && std::mem::replace(&mut primary_seen, true) {
                email.insert("primary", json!(false));
            }
        }
        if set == Set::Replace {
            self.emails = sent;
            return;
        }
        let mut newest = None;
        for email in sent {
            let primary = is_primary(&email);
            let place = match self.emails.iter().position(|held| same(held, &email)) {
                Some(place) => {
                    self.emails[place].extend(beside(&email));
                    place
                }
                None => {
                    self.emails.push(email);
                    self.emails.len() - 1
                }
            };
            if primary {
                newest = Some(place);
            }
        }
        if newest.is_some() {
            self.only_primary(newest);
        }
    }

    fn set_matching(
        &mut self,
        set: Set,
        choice: &Choice,
        mut change: impl FnMut(&mut Element, bool) -> bool,
    ) -> Refusal {
        let creates = self.creates;
        let mut touched: Vec<usize> =
            (0..self.emails.len()).filter(|place| choice.holds(&self.emails[*place])).collect();
        if touched.is_empty() {
            let mut fresh = choice.described().filter(|_| set == Set::Add || creates).ok_or(ScimType::NoTarget)?;
            if change(&mut fresh, true) {
                self.emails.push(fresh);
                touched.push(self.emails.len() - 1);
            }
        } else {
            for place in &touched {
                change(&mut self.emails[*place], false);
            }
        }
        let keeper = touched.into_iter().find(|place| is_primary(&self.emails[*place]));
        if keeper.is_some() {
            self.only_primary(keeper);
        }
        Ok(())
    }

    fn only_primary(&mut self, keeper: Option<usize>) {
        for (place, email) in self.emails.iter_mut().enumerate() {
            if Some(place) != keeper && is_primary(email) {
                email.insert("primary", json!(false));
            }
        }
    }

    /// As a document of the engine.
    pub fn document(&self) -> Map<String, Value> {
        let object = |map: &BTreeMap<&'static str, Value>| -> Map<String, Value> {
            map.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        let mut document = object(&self.simple);
        if !self.name.is_empty() {
            document.insert("name".to_owned(), object(&self.name).into());
        }
        if !self.emails.is_empty() {
            document
                .insert("emails".to_owned(), self.emails.iter().map(|email| Value::Object(object(email))).collect());
        }
        if !self.enterprise.is_empty() {
            document.insert(crate::support::ENTERPRISE.to_owned(), object(&self.enterprise).into());
        }
        document
    }
}

fn put(map: &mut BTreeMap<&'static str, Value>, name: &'static str, value: &Value) {
    if value.is_null() {
        map.remove(name);
    } else {
        map.insert(name, value.clone());
    }
}

fn is_primary(email: &Element) -> bool {
    email.get("primary") == Some(&json!(true))
}

/// One e-mail and another with the same value and type are one.
fn same(held: &Element, new: &Element) -> bool {
    match (held.get("value"), new.get("value")) {
        (Some(held_value), Some(new_value)) => {
            alike(held_value, new_value)
                && match (held.get("type"), new.get("type")) {
                    (Some(held), Some(new)) => alike(held, new),
                    (held, new) => held == new,
                }
        }
        (None, None) => held == new,
        _ => false,
    }
}

/// What an e-mail says beside its value and type.
fn beside(email: &Element) -> Element {
    let named = email.contains_key("value");
    email
        .iter()
        .filter(|(part, _)| !named || !["value", "type"].contains(*part))
        .map(|(part, value)| (*part, value.clone()))
        .collect()
}

/// Values and types have no letter case.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.to_lowercase() == other.to_lowercase(),
        _ => one == other,
    }
}

/// Whether an element of a `remove` names a held one: by value, and by type if it says one.
fn names(listed: &Element, held: &Element) -> bool {
    if listed.get("value").is_none() || held.get("value").is_none() {
        return listed == held;
    }
    let types = (listed.get("type"), held.get("type"));
    alike(&listed["value"], &held["value"]) && !matches!(types, (Some(listed), Some(held)) if !alike(listed, held))
}

impl Term {
    fn holds(&self, email: &Element) -> bool {
        let held = email.get(self.sub);
        let equal = match (held, &self.value) {
            (Some(Value::String(held)), Value::String(wanted)) => held.to_lowercase() == wanted.to_lowercase(),
            (Some(held), wanted) => held == wanted,
            (None, _) => false,
        };
        match self.operator {
            "eq" => equal,
            "ne" => !equal,
            _ => held.is_some(),
        }
    }
}

impl Choice {
    pub fn holds(&self, email: &Element) -> bool {
        let mut terms = self.terms.iter();
        if self.any { terms.any(|term| term.holds(email)) } else { terms.all(|term| term.holds(email)) }
    }

    /// The element that is described by equalities which all hold.
    fn described(&self) -> Option<Element> {
        let plain = self.terms.iter().all(|term| term.operator == "eq") && (!self.any || self.terms.len() == 1);
        let element: Element = self.terms.iter().map(|term| (term.sub, term.value.clone())).collect();
        Some(element).filter(|element| plain && self.holds(element))
    }
}
