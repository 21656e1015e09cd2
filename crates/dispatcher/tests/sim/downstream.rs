//! The model of a customer's application: records, calls, and every bad way to answer one. What is planned for it is the
//! real plan of the real code, remembered because worlds ask for the same ones again and again.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use dispatcher::{Plan, Pushed, Trust, plan};
use downstream::{Answer, Outcome};
use scim::mapping::Mapping;
use serde_json::Value;

use crate::realm::Person;

/// A record there. `owner` is the place of the user whose id it carries, if it is one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Record {
    pub id: u16,
    pub owner: Option<u8>,
    pub person: Person,
}

/// An application.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a way in which applications differ")]
pub struct Application {
    /// Which workspace our token opens; another one behind the same URL has another token.
    pub workspace: u8,
    pub records: Vec<Record>,
    pub next: u16,
    /// Two records with one user name are refused.
    pub unique: bool,
    /// Takes filters.
    pub filters: bool,
    /// Answers a filter with every record it has.
    pub ignores_filters: bool,
    /// Takes PATCH.
    pub patches: bool,
}

impl Application {
    pub const EMPTY: Self = Self {
        workspace: 0,
        records: Vec::new(),
        next: 1,
        unique: true,
        filters: true,
        ignores_filters: false,
        patches: true,
    };

    pub fn find(&self, id: u16) -> Option<&Record> {
        self.records.iter().find(|record| record.id == id)
    }

    pub fn of(&self, place: u8) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.owner == Some(place))
    }

    pub fn create(&mut self, place: u8, person: Person) -> Result<u16, u16> {
        if self.unique && self.of(place).next().is_some() {
            return Err(409);
        }
        let id = self.next;
        self.next += 1;
        self.records.push(Record { id, owner: Some(place), person });
        Ok(id)
    }
}

/// What a plan comes to for the fields of a [`Person`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Change {
    pub enabled: Option<bool>,
    pub given: Option<u8>,
    pub family: Option<u16>,
}

impl Change {
    pub fn apply(self, person: &mut Person) {
        person.enabled = self.enabled.unwrap_or(person.enabled);
        person.given = self.given.unwrap_or(person.given);
        person.family = self.family.unwrap_or(person.family);
    }

    fn whole(person: Person) -> Self {
        Self { enabled: Some(person.enabled), given: Some(person.given), family: Some(person.family) }
    }

    fn read(operations: &[Value]) -> Self {
        let mut change = Self { enabled: None, given: None, family: None };
        for operation in operations {
            let number = |value: &Value, skip: usize| value.as_str().and_then(|text| text.get(skip..)?.parse().ok());
            match operation["path"].as_str() {
                Some("active") => change.enabled = operation["value"].as_bool(),
                Some("name.givenName") if operation["op"] == "remove" => change.given = Some(0),
                Some("name.givenName") => {
                    change.given = number(&operation["value"], 4).and_then(|number: u16| u8::try_from(number).ok());
                }
                Some("name.familyName") => change.family = number(&operation["value"], 1),
                Some(_) | None => {}
            }
        }
        change
    }
}

/// A call to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    Read(u16),
    Find { again: bool },
    Post(Person),
    Write(u16, Change),
}

impl Call {
    pub fn writes(self) -> bool {
        matches!(self, Self::Post(_) | Self::Write(..))
    }

    /// Whether it would leave the user switched on.
    pub fn activates(self) -> bool {
        match self {
            Self::Post(person) => person.enabled,
            Self::Write(_, change) => change.enabled == Some(true),
            Self::Read(_) | Self::Find { .. } => false,
        }
    }
}

/// Where it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    None,
    /// Done, and the connection breaks before the answer.
    LostReply,
    /// The connection breaks before anything is done.
    Reset,
    /// Nobody answers.
    Unreachable,
    /// No answer in time, done later.
    Slow,
    /// 500, done all the same.
    FailedAfter,
    /// 500, nothing done.
    Failed,
    /// 200 with a web page, nothing done.
    Page,
    /// 2xx without id, done.
    WithoutId,
    /// 429 with `Retry-After`.
    Throttled,
    /// The call does its work and is answered with 503 and `Retry-After`.
    BusyAfter,
    /// 401.
    Unauthorized,
    /// 400.
    Rejected,
    /// 404 although it is there.
    NotFound,
    /// 409 although there is no other.
    Conflict,
}

/// How a call that was answered, or not, ends for the caller; what was read comes beside it.
pub fn answer(status: u16, body: Option<Value>) -> Answer {
    Answer { status, content_type: None, retry_after: None, location: None, text: None, body }
}

/// The outcome of a fault for a read or a write, if it is one that is answered without the application's own word.
pub fn outcome_of(fault: Fault, writes: bool) -> Option<Outcome> {
    Some(match fault {
        Fault::None | Fault::WithoutId => return None,
        Fault::LostReply | Fault::Reset | Fault::Slow if writes => Outcome::Ambiguous,
        Fault::LostReply | Fault::Slow => Outcome::TimedOut,
        Fault::Reset | Fault::Unreachable => Outcome::Unreachable,
        Fault::FailedAfter | Fault::Failed => Outcome::Failed(answer(500, None)),
        Fault::Page => Outcome::NotScim(answer(200, None)),
        Fault::Throttled => Outcome::Throttled(answer(429, None), Some(std::time::Duration::from_secs(20))),
        Fault::BusyAfter => Outcome::Throttled(answer(503, None), Some(std::time::Duration::from_secs(20))),
        Fault::Unauthorized => Outcome::Unauthorized(answer(401, None)),
        Fault::Rejected => Outcome::Rejected(answer(400, None)),
        Fault::NotFound => Outcome::NotFound(answer(404, None)),
        Fault::Conflict => Outcome::Conflict(answer(409, None)),
    })
}

/// Whether a fault lets the call do its work.
pub fn is_done(fault: Fault) -> bool {
    matches!(fault, Fault::None | Fault::LostReply | Fault::FailedAfter | Fault::BusyAfter | Fault::WithoutId)
}

type Asked = (Person, Option<Person>, bool, Option<Person>, bool);

thread_local! {
    static PLANS: RefCell<HashMap<Asked, Option<Change>>> = RefCell::new(HashMap::new());
}

const KEY: &[u8] = b"a key of the model";

/// The real plan for a linked user: what stands downstream is known by digests of `sent`, or was read as `remote`.
pub fn planned(
    person: Person,
    sent: Option<Person>,
    trust: Trust,
    remote: Option<Person>,
    patches: bool,
) -> Option<Change> {
    let asked = (person, sent, trust == Trust::Digests, remote, patches);
    if let Some(known) = PLANS.with_borrow(|plans| plans.get(&asked).copied()) {
        return known;
    }
    let pushed = Pushed::of(&person.user(0), &Mapping::default());
    let digests = sent.map_or_else(BTreeMap::new, |sent| Pushed::of(&sent.user(0), &Mapping::default()).digests(KEY));
    let removable: &[&str] = if remote.is_some_and(|remote| remote.given > 0) { &["name.givenName"] } else { &[] };
    let found = match plan(&pushed, &digests, KEY, trust, removable, patches) {
        Plan::Nothing => None,
        Plan::Patch(operations, _) => Some(Change::read(&operations)),
        Plan::Put(_) => Some(Change::whole(person)),
    };
    PLANS.with_borrow_mut(|plans| plans.insert(asked, found));
    found
}
