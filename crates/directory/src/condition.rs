//! Filters as conditions of the database: what an index can answer is asked of the database, the rest is a superset and
//! evaluated over documents by whoever walks them. Never a subset: a filter that the database cannot answer at all asks
//! for everybody, and the residual evaluation decides.

use registry::Db;
use scim::filter::{Expression, Filter, Operand, Operator, Tail};
use scim::path::AttributePath;
use sea_orm::{DbBackend, Value};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::member;
use crate::resource::Kind;

/// A condition over the table `r` of a kind of resource. `$1` is the tenant; its own values follow.
#[derive(Debug, Clone)]
pub struct Condition {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
    /// It holds exactly where the filter does; otherwise whatever it lets through has to be evaluated.
    pub exact: bool,
}

impl Condition {
    /// Everybody.
    pub fn all() -> Self {
        Self { text: "1 = 1".to_owned(), values: Vec::new(), exact: true }
    }

    /// What the database can answer of a filter.
    pub fn of(db: &Db, kind: Kind, filter: &Filter<'_>) -> Self {
        let mut compiler = Compiler { backend: db.connection().get_database_backend(), kind, values: Vec::new() };
        let (text, exact) = compiler.expression(filter.expression());
        Self { text, values: compiler.values, exact }
    }
}

struct Compiler {
    backend: DbBackend,
    kind: Kind,
    values: Vec<Value>,
}

/// Nanoseconds.
const SECOND: u32 = 1_000_000_000;

/// A condition and whether it is exact.
type Compiled = (String, bool);

fn everybody() -> Compiled {
    ("1 = 1".to_owned(), false)
}

fn nobody() -> Compiled {
    ("1 = 0".to_owned(), true)
}

impl Compiler {
    /// Adds a value; its placeholder.
    fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len() + 1)
    }

    /// The depth is bounded by the parser.
    fn expression(&mut self, expression: &Expression<'_>) -> Compiled {
        match expression {
            Expression::And(left, right) => self.both("and", left, right),
            Expression::Or(left, right) => self.both("or", left, right),
            Expression::Not(inner) => {
                let (kept, (text, exact)) = (self.values.len(), self.expression(inner));
                if exact {
                    // A comparison with null is unknown, which is not true either.
                    return (format!("(case when {text} then 0 else 1 end) = 1"), true);
                }
                // The opposite of a superset is none.
                self.values.truncate(kept);
                everybody()
            }
            Expression::Compare(Operand::Resource(path), operator, value) => self.compare(path, *operator, value),
            Expression::Elements(path, inner, tail) => self.elements(path, inner, tail.as_ref()),
            Expression::Present(_) | Expression::Compare(Operand::Element(_), ..) => everybody(),
            Expression::Constant(true) => ("1 = 1".to_owned(), true),
            Expression::Constant(false) => nobody(),
        }
    }

    fn both(&mut self, word: &str, left: &Expression<'_>, right: &Expression<'_>) -> Compiled {
        let ((left, left_exact), (right, right_exact)) = (self.expression(left), self.expression(right));
        (format!("({left} {word} {right})"), left_exact && right_exact)
    }

    fn compare(&mut self, path: &AttributePath<'_>, operator: Operator, value: &Json) -> Compiled {
        let name = path.to_string();
        let text = match value {
            Json::String(text) => text,
            Json::Bool(active) if self.kind == Kind::User && name == "active" => return self.active(operator, *active),
            _ => return everybody(),
        };
        match (name.as_str(), operator) {
            ("id", Operator::Equal) => self.id("r.id = ", text),
            ("externalId", Operator::Equal) => (format!("r.external_key = {}", self.place(text.as_str())), true),
            ("meta.created", _) => self.time("r.created_at", operator, text),
            ("meta.lastModified", _) => self.time("r.modified_at", operator, text),
            _ => match self.kind {
                Kind::User => self.of_user(&name, operator, text),
                Kind::Group => self.of_group(&name, operator, text),
            },
        }
    }

    fn of_user(&mut self, name: &str, operator: Operator, text: &str) -> Compiled {
        match (name, operator) {
            ("userName", _) => self.keyed("r.username_key", &scim::key::username_key(text), operator),
            ("emails" | "emails.value", Operator::Equal) => self.email(text),
            ("groups" | "groups.value", Operator::Equal) => self.in_group(text),
            _ => everybody(),
        }
    }

    fn of_group(&mut self, name: &str, operator: Operator, text: &str) -> Compiled {
        match (name, operator) {
            ("displayName", _) => self.keyed("r.display_key", &scim::key::display_name_key(text), operator),
            ("members" | "members.value", Operator::Equal) => self.has_member(text),
            _ => everybody(),
        }
    }

    fn in_group(&mut self, text: &str) -> Compiled {
        self.id(
            "exists (select 1 from membership m join directory_group g on g.tenant_id = m.tenant_id and g.id = m.group_id
                 where m.tenant_id = $1 and m.desired and not g.protected and m.user_id = r.id and m.group_id = ",
            text,
        )
    }

    fn has_member(&mut self, text: &str) -> Compiled {
        let who = format!(
            "exists (select 1 from membership m where m.tenant_id = $1 and m.desired and {} and m.group_id = r.id
                 and m.user_id = ",
            member::is_shown("m", "$1")
        );
        self.id(&who, text)
    }

    /// A comparison key in a column. What contains, begins or ends with a text is found by the database and looked at
    /// again: its own idea of letter case is not ours.
    fn keyed(&mut self, column: &str, key: &str, operator: Operator) -> Compiled {
        let pattern = match operator {
            Operator::Equal => return (format!("{column} = {}", self.place(key)), true),
            Operator::Contains => format!("%{}%", escaped(key)),
            Operator::StartsWith => format!("{}%", escaped(key)),
            Operator::EndsWith => format!("%{}", escaped(key)),
            _ => return everybody(),
        };
        (format!("{column} like {} escape '\\'", self.place(pattern)), false)
    }

    fn email(&mut self, text: &str) -> Compiled {
        let key = scim::key::case_key(text);
        let (one, other) = (self.place(key.as_str()), self.place(format!("%|{}|%", escaped(&key))));
        let others = format!("r.other_email_keys = '*' or r.other_email_keys like {other} escape '\\'");
        (format!("(r.email_key = {one} or (r.other_email_keys is not null and ({others})))"), false)
    }

    /// A comparison with an id, which nobody has who is no UUID. A condition that opened a parenthesis gets it closed.
    fn id(&mut self, condition: &str, text: &str) -> Compiled {
        // An id is case-exact, and ours are lower-case.
        let Some(id) = Uuid::parse_str(text).ok().filter(|id| id.to_string() == text) else { return nobody() };
        let close = if condition.starts_with("exists (") { ")" } else { "" };
        (format!("{condition}{}{close}", self.place(id)), true)
    }

    /// The column says who may log in, also of a document that does not say so itself.
    fn active(&mut self, operator: Operator, active: bool) -> Compiled {
        let says = match self.backend {
            DbBackend::Postgres => "cast(r.document as json) ->> 'active'",
            _ => "json_extract(r.document, '$.active')",
        };
        let holds = format!("(r.active = {} and {says} is not null)", self.place(active));
        match operator {
            Operator::Equal => (holds, true),
            Operator::NotEqual => (format!("not {holds}"), true),
            _ => everybody(),
        }
    }

    /// Times are shown in whole milliseconds, rounded down, and stored in microseconds.
    fn time(&mut self, column: &str, operator: Operator, text: &str) -> Compiled {
        // A leap second has a time of its own in memory alone.
        let instant = chrono::DateTime::parse_from_rfc3339(text).ok().filter(|at| at.timestamp_subsec_nanos() < SECOND);
        let Some(instant) = instant else { return everybody() };
        let (millis, whole) = (instant.timestamp_millis(), instant.timestamp_subsec_nanos().is_multiple_of(1_000_000));
        // The first microseconds that are shown as this instant or later, and as later than it.
        let (here, beyond) = (if whole { millis } else { millis + 1 } * 1_000, (millis + 1) * 1_000);
        let text = match operator {
            Operator::GreaterOrEqual => format!("{column} >= {}", self.place(here)),
            Operator::Greater => format!("{column} >= {}", self.place(beyond)),
            Operator::Less => format!("{column} < {}", self.place(here)),
            Operator::LessOrEqual => format!("{column} < {}", self.place(beyond)),
            Operator::Equal => format!("({column} >= {} and {column} < {})", self.place(here), self.place(beyond)),
            Operator::NotEqual => format!("({column} < {} or {column} >= {})", self.place(here), self.place(beyond)),
            _ => return everybody(),
        };
        (text, true)
    }

    /// `emails[type eq "work"].value eq "x"` and `emails[type eq "work" and value eq "x"]`: who has the address at all; likewise
    /// for members and groups. What else is asked of the element is looked at again.
    fn elements(&mut self, path: &AttributePath<'_>, inner: &Expression<'_>, tail: Option<&Tail<'_>>) -> Compiled {
        let looked_for = match tail {
            Some(Tail { sub, comparison: Some((Operator::Equal, Json::String(text))) }) if sub.name == "value" => {
                Some(text)
            }
            _ => None,
        };
        match (path.to_string().as_str(), looked_for.or_else(|| value_of(inner))) {
            ("emails", Some(text)) => self.email(text),
            ("members", Some(text)) => (self.has_member(text).0, false),
            ("groups", Some(text)) => (self.in_group(text).0, false),
            _ => everybody(),
        }
    }
}

/// The text a conjunction fixes `value` to.
fn value_of<'e>(expression: &'e Expression<'_>) -> Option<&'e String> {
    match expression {
        Expression::And(left, right) => value_of(left).or_else(|| value_of(right)),
        Expression::Compare(Operand::Element(attribute), Operator::Equal, Json::String(text))
            if attribute.name == "value" =>
        {
            Some(text)
        }
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
