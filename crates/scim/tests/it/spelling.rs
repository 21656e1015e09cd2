//! Operations from bytes, and what they look like on the wire: in the spelling of one identity provider or another.

use serde_json::{Map, Value, json};

use crate::naive::{Choice, Element, Meaning, Model, Set, Term};
use crate::support::ENTERPRISE;

/// Decisions, one byte each; zeros when they are used up, which is what shrinking makes of them.
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    fn take(&mut self) -> usize {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                usize::from(*first)
            }
            None => 0,
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.take() % limit
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    fn set(&mut self) -> Set {
        self.of(&[Set::Add, Set::Replace])
    }

    fn text(&mut self) -> Value {
        let value = self.of(&["a", "b", "A", "c", ""]);
        if value.is_empty() { Value::Null } else { json!(value) }
    }

    fn element(&mut self) -> Element {
        let mut element = Element::new();
        match self.below(5) {
            0..=3 => element.insert("value", json!(self.of(&["a", "b", "A"]))),
            _ => element.insert("display", json!("x")),
        };
        if let kind @ ("work" | "home" | "WORK") = self.of(&["work", "home", "WORK", ""]) {
            element.insert("type", json!(kind));
        }
        match self.below(4) {
            0 => element.insert("primary", json!(true)),
            1 => element.insert("primary", json!(false)),
            _ => None,
        };
        element
    }

    fn elements(&mut self) -> Vec<Element> {
        (0..self.below(4)).map(|_| self.element()).collect()
    }

    fn term(&mut self) -> Term {
        let operator = self.of(&["eq", "eq", "eq", "ne", "pr"]);
        let (sub, value) = match self.below(4) {
            0 | 1 => ("type", json!(self.of(&["work", "home", "WORK"]))),
            2 => ("value", json!(self.of(&["a", "b"]))),
            _ => ("primary", json!(self.of(&[true, false]))),
        };
        Term { sub, operator, value }
    }

    fn choice(&mut self) -> Choice {
        let terms = (0..=self.below(2)).map(|_| self.term()).collect();
        Choice { terms, any: self.below(3) == 0 }
    }

    fn part(&mut self) -> (&'static str, Value) {
        match self.below(4) {
            0 | 1 => ("value", self.text()),
            2 => ("display", self.text()),
            _ => ("primary", json!(self.of(&[true, false]))),
        }
    }

    /// An operation.
    pub fn meaning(&mut self) -> Meaning {
        let simple = ["title", "nickName", "displayName"];
        let parts = ["givenName", "familyName", "formatted"];
        let enterprise = ["department", "division"];
        match self.below(18) {
            0 => Meaning::Simple(self.set(), self.of(&simple), self.text()),
            1 => Meaning::Simple(
                self.set(),
                "active",
                self.of(&[json!(true), json!("False"), json!("tRue"), Value::Null]),
            ),
            2 => match self.below(4) {
                0 => Meaning::Simple(self.set(), "userName", json!("")),
                1 => Meaning::Simple(self.set(), "active", json!("banana")),
                2 => Meaning::RemoveSimple("userName"),
                _ => Meaning::Simple(self.set(), "userName", json!("other")),
            },
            3 => Meaning::RemoveSimple(self.of(&["title", "nickName", "displayName", "active"])),
            4 => Meaning::Name(self.set(), (0..=self.below(2)).map(|place| (parts[place], self.text())).collect()),
            5 => Meaning::NamePart(self.set(), self.of(&parts), self.text()),
            6 => Meaning::RemoveName(self.of(&[None, Some(parts[0]), Some(parts[1])])),
            7 | 8 => Meaning::Emails(self.set(), self.elements()),
            9 => Meaning::RemoveEmails(if self.below(3) == 0 { None } else { Some(self.elements()) }),
            10 => Meaning::Matching(self.set(), self.choice(), self.element()),
            11 | 12 => {
                let (set, choice, (part, value)) = (self.set(), self.choice(), self.part());
                Meaning::MatchingPart(set, choice, part, value)
            }
            13 => Meaning::RemoveMatching(self.choice(), self.of(&[None, Some("display"), Some("value")])),
            14 => {
                let (set, (part, value)) = (self.set(), self.part());
                Meaning::EveryPart(set, part, value)
            }
            15 => Meaning::Enterprise(self.set(), self.of(&enterprise), self.text()),
            16 => Meaning::RemoveEnterprise(self.of(&[None, Some("department"), Some("division"), Some("manager")])),
            _ => Meaning::Manager(self.set(), self.of(&["m-1", "m-2", ""])),
        }
    }

    /// A user to begin with.
    pub fn model(&mut self) -> Model {
        let mut model = Model::default();
        model.simple.insert("userName", json!("name"));
        let before = [
            Meaning::Simple(Set::Add, "title", self.text()),
            Meaning::Simple(Set::Add, "active", self.of(&[json!(true), json!(false), json!(true)])),
            Meaning::NamePart(Set::Add, "givenName", self.text()),
            Meaning::Emails(Set::Replace, self.elements()),
            Meaning::Enterprise(Set::Add, "department", self.text()),
        ];
        model.patched(&before).unwrap()
    }

    /// How an operation may be written.
    pub fn spelled(&mut self, meaning: &Meaning) -> Value {
        let verb = |set: &Set, bytes: &mut Self| match set {
            Set::Add => bytes.of(&["add", "Add", "ADD"]),
            Set::Replace => bytes.of(&["replace", "Replace", "rePLACE"]),
        };
        match meaning {
            Meaning::Simple(set, name, value) => {
                let value =
                    if *name == "active" && self.below(3) == 0 { json!([{ "value": value }]) } else { value.clone() };
                let op = verb(set, self);
                self.placed(op, name, value)
            }
            Meaning::RemoveSimple(name) => self.removed(name, json!("left alone")),
            Meaning::Name(set, parts) => {
                let value: Map<String, Value> =
                    parts.iter().map(|(part, value)| ((*part).to_owned(), value.clone())).collect();
                let op = verb(set, self);
                self.placed(op, "name", Value::Object(value))
            }
            Meaning::NamePart(set, part, value) => {
                let op = verb(set, self);
                self.placed(op, &format!("name.{part}"), value.clone())
            }
            Meaning::RemoveName(None) => self.removed("name", Value::Null),
            Meaning::RemoveName(Some(part)) => self.removed(&format!("name.{part}"), json!("left alone")),
            Meaning::Emails(set, new) => {
                let value = match new.as_slice() {
                    [only] if self.below(2) == 0 => json!(only),
                    _ => json!(new),
                };
                let op = verb(set, self);
                self.placed(op, "emails", value)
            }
            Meaning::RemoveEmails(None) => self.removed("emails", Value::Null),
            Meaning::RemoveEmails(Some(listed)) => json!({ "op": "Remove", "path": "emails", "value": listed }),
            Meaning::Matching(set, choice, new) => {
                let (op, path) = (verb(set, self), self.path(choice, None));
                let value = if self.below(2) == 0 { json!([new]) } else { json!(new) };
                self.placed(op, &path, value)
            }
            Meaning::MatchingPart(set, choice, part, value) => {
                let (op, path) = (verb(set, self), self.path(choice, Some(part)));
                let value = self.boolean(value);
                self.placed(op, &path, value)
            }
            Meaning::RemoveMatching(choice, part) => {
                let path = self.path(choice, *part);
                self.removed(&path, json!("left alone"))
            }
            Meaning::EveryPart(set, part, value) => {
                let (op, value) = (verb(set, self), self.boolean(value));
                self.placed(op, &format!("emails.{part}"), value)
            }
            Meaning::Enterprise(set, name, value) => {
                let op = verb(set, self);
                match self.below(3) {
                    0 => json!({ "op": op, "path": ENTERPRISE, "value": { *name: value } }),
                    1 => json!({ "op": op, "value": { ENTERPRISE: { *name: value } } }),
                    _ => self.placed(op, &format!("{ENTERPRISE}:{name}"), value.clone()),
                }
            }
            Meaning::RemoveEnterprise(None) => json!({ "op": "remove", "path": ENTERPRISE }),
            Meaning::RemoveEnterprise(Some(name)) => json!({ "op": "remove", "path": format!("{ENTERPRISE}:{name}") }),
            Meaning::Manager(set, id) => {
                let op = verb(set, self);
                let path =
                    self.of(&["manager".to_owned(), format!("{ENTERPRISE}:manager"), format!("{ENTERPRISE}.manager")]);
                let value = match self.below(3) {
                    0 => json!(id),
                    1 if !id.is_empty() => json!([{ "$ref": null, "value": id }]),
                    _ if id.is_empty() => Value::Null,
                    _ => json!({ "value": id }),
                };
                self.placed(op, &path, value)
            }
        }
    }

    fn boolean(&mut self, value: &Value) -> Value {
        match value {
            Value::Bool(flag) if self.below(2) == 0 => json!(if *flag { "True" } else { "False" }),
            other => other.clone(),
        }
    }

    /// With a path, or as a member of the value without one.
    fn placed(&mut self, op: &str, path: &str, value: Value) -> Value {
        if self.below(2) == 0 {
            return json!({ "op": op, "value": { path: value } });
        }
        let path = self.of(&[path.to_owned(), path.to_owned(), flipped(path)]);
        json!({ "op": op, "path": path, "value": value })
    }

    fn removed(&mut self, path: &str, value: Value) -> Value {
        if self.below(2) == 0 {
            json!({ "op": "Remove", "path": flipped(path), "value": value })
        } else {
            json!({ "op": "remove", "path": path })
        }
    }

    fn path(&mut self, choice: &Choice, part: Option<&str>) -> String {
        let term = |term: &Term| match (term.operator, &term.value) {
            ("pr", _) => format!("{} pr", term.sub),
            (operator, Value::Bool(flag)) if *flag => format!("{} {operator} \"True\"", term.sub),
            (operator, value) => format!("{} {operator} {value}", term.sub),
        };
        let terms: Vec<String> = choice.terms.iter().map(term).collect();
        let filter = terms.join(if choice.any { " or " } else { " and " });
        let urn = self.of(&["", "", "urn:ietf:params:scim:schemas:core:2.0:User:"]);
        format!("{urn}emails[{filter}]{}", part.map(|part| format!(".{part}")).unwrap_or_default())
    }
}

/// The letters before a filter in the other case: names do not care, values would.
fn flipped(path: &str) -> String {
    let (name, filter) = path.split_at(path.find('[').unwrap_or(path.len()));
    name.chars()
        .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect::<String>()
        + filter
}
