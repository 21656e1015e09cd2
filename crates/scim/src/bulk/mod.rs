//! Bulk requests (RFC 7644 §3.7) without doing any of it: reading, order, references, accounting, the answer.
//!
//! A [`Plan`] gives one [`Step`] at a time and is told how it ended; who asks for steps does the work. Operations run
//! in the order sent, except that one which refers to a `bulkId` waits until the operation that makes it has run;
//! operations that name the same resource keep their order. A circular reference is tried, as §3.7.1 demands: the first
//! resource of the circle is created without the attributes that refer to it, and gets them by a PATCH afterwards.
//!
//! An operation that is wrong in itself fails alone; a body that is no list of operations fails the request.

mod plan;
mod reference;
mod response;

use std::collections::HashSet;

use serde_json::Value;

pub use plan::Plan;

use crate::json::member;
use crate::{Error, Object};

/// The most operations of one request.
pub const MAX_OPERATIONS: usize = 1_000;
/// The largest request, bytes.
pub const MAX_PAYLOAD: usize = 1_048_576;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Creates a resource.
    Post,
    /// Replaces one.
    Put,
    /// Modifies one.
    Patch,
    /// Deletes one.
    Delete,
}

impl Method {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_uppercase().as_str() {
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => return None,
        })
    }

    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One thing to do now. All references in it are real ids.
#[derive(Clone, PartialEq)]
pub struct Step {
    /// Which operation of the request it belongs to.
    pub operation: usize,
    /// What to do. After the POST of a circular reference a PATCH of the same operation follows.
    pub method: Method,
    /// Such as `/Users`.
    pub endpoint: String,
    /// Whom it is about; none for a POST.
    pub id: Option<String>,
    /// The body; none for a DELETE.
    pub data: Option<Value>,
    /// The version the resource has to have: as `If-Match`.
    pub version: Option<String>,
}

/// Bodies are personal data.
impl std::fmt::Debug for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Step")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done {
        /// 200, 201 or 204.
        status: u16,
        /// The id of the resource; a POST has to say it.
        id: Option<String>,
        /// The resource's version now, as an entity tag.
        version: Option<String>,
    },
    /// It was not.
    Failed(Error),
}

/// An operation as read.
#[derive(Clone)]
struct Operation {
    method: Method,
    bulk_id: Option<String>,
    endpoint: String,
    id: Option<String>,
    data: Option<Value>,
    version: Option<String>,
}

/// An operation, or what is wrong with it and what of it can be echoed.
enum Parsed {
    Operation(Operation),
    Wrong { method: Option<Method>, bulk_id: Option<String>, error: Error },
}

/// Reads a BulkRequest. Too many operations are 413, naming the limit; so is, for the caller to say, too large a body.
pub fn parse(body: &Value) -> Result<Plan, Error> {
    let body = body.as_object().ok_or_else(|| Error::syntax("the body must be a JSON object"))?;
    let operations = member(body, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| Error::syntax("Operations must be a list"))?;
    if operations.len() > MAX_OPERATIONS {
        return Err(Error::plain(413, format!("more than {MAX_OPERATIONS} operations (maxOperations)")));
    }
    // Zero errors are no limit that could be reached; clients that send 0 mean none.
    let fail_on_errors = match member(body, "failOnErrors") {
        None | Some(Value::Null) => None,
        Some(limit) => match limit.as_u64() {
            Some(limit) => Some(limit).filter(|limit| *limit > 0),
            None => return Err(Error::value("failOnErrors must be a whole number")),
        },
    };
    let mut names = HashSet::new();
    let mut parsed = Vec::with_capacity(operations.len());
    for operation in operations {
        let object = operation.as_object().ok_or_else(|| Error::syntax("an operation must be a JSON object"))?;
        let bulk_id = text(object, "bulkId").ok().flatten().filter(|name| !name.is_empty());
        if let Some(name) = &bulk_id
            && !names.insert(name.clone())
        {
            return Err(Error::value("a bulkId comes twice"));
        }
        let method = text(object, "method").ok().flatten().as_deref().and_then(Method::parse);
        parsed.push(match read(object, method, bulk_id.clone()) {
            Ok(operation) => Parsed::Operation(operation),
            Err(error) => Parsed::Wrong { method, bulk_id, error },
        });
    }
    Ok(Plan::new(parsed, fail_on_errors))
}

fn text(object: &Object, name: &str) -> Result<Option<String>, Error> {
    match member(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::syntax(format!("{name} must be a string"))),
    }
}

fn read(object: &Object, method: Option<Method>, bulk_id: Option<String>) -> Result<Operation, Error> {
    let method = method.ok_or_else(|| Error::syntax("method must be POST, PUT, PATCH or DELETE"))?;
    if method == Method::Post && bulk_id.is_none() {
        return Err(Error::syntax("a POST needs a bulkId"));
    }
    let path = text(object, "path")?.ok_or_else(|| Error::syntax("path is missing"))?;
    let mut segments = path.trim_matches('/').split('/');
    let (endpoint, id) = (segments.next().filter(|segment| !segment.is_empty()), segments.next().map(str::to_owned));
    let endpoint = endpoint.filter(|_| segments.next().is_none());
    let endpoint = endpoint.ok_or_else(|| Error::syntax("path is /Type or /Type/id"))?;
    if id.is_some() == (method == Method::Post) {
        return Err(Error::syntax(format!("a {} has {} id in its path", method.as_str(), {
            if id.is_some() { "no" } else { "an" }
        })));
    }
    let body = member(object, "data").filter(|value| !value.is_null()).cloned();
    let needed = method != Method::Delete;
    if needed && !body.as_ref().is_some_and(Value::is_object) {
        return Err(Error::syntax("data must be a JSON object"));
    }
    let version = text(object, "version")?;
    Ok(Operation { method, bulk_id, endpoint: format!("/{endpoint}"), id, data: body.filter(|_| needed), version })
}
