//! BulkResponse (RFC 7644 §3.7.3).

use serde_json::{Value, json};

use super::plan::{Entry, Plan, State};
use super::{Method, Outcome};
use crate::{Error, Object};

impl Plan {
    /// The answer: what was run, in the order of the request. `location` is there except for a failed POST, the error's
    /// body as `response`. What was not run any more is not listed.
    pub fn response(&self, base_url: &str) -> Value {
        let operations: Vec<Value> = self.entries.iter().filter_map(|entry| self.result(entry, base_url)).collect();
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"], "Operations": operations })
    }

    fn result(&self, entry: &Entry, base_url: &str) -> Option<Value> {
        let incomplete = Outcome::Failed(Error::plain(409, "created, but without its circular references"));
        let outcome = match &entry.state {
            State::Waiting => return None,
            State::Incomplete(_) => &incomplete,
            State::Ended(outcome) => outcome,
        };
        let mut result = Object::new();
        if let Some(location) = self.location(entry, base_url) {
            result.insert("location".to_owned(), json!(location));
        }
        if let Some(method) = entry.method {
            result.insert("method".to_owned(), json!(method.as_str()));
        }
        if let Some(bulk_id) = &entry.bulk_id {
            result.insert("bulkId".to_owned(), json!(bulk_id));
        }
        match outcome {
            Outcome::Done { status, version, .. } => {
                if let Some(version) = version {
                    result.insert("version".to_owned(), json!(version));
                }
                result.insert("status".to_owned(), json!(status.to_string()));
            }
            Outcome::Failed(error) => {
                result.insert("status".to_owned(), json!(error.status.to_string()));
                result.insert("response".to_owned(), error.to_json());
            }
        }
        Some(Value::Object(result))
    }

    /// Where the resource is. A POST whose completion failed did create one, and has one.
    fn location(&self, entry: &Entry, base_url: &str) -> Option<String> {
        let operation = entry.operation.as_ref()?;
        let id = match operation.method {
            Method::Post => self.ids.get(entry.bulk_id.as_ref()?)?.clone(),
            Method::Put | Method::Patch | Method::Delete => self.id(operation)?,
        };
        Some(format!("{base_url}{}/{id}", operation.endpoint))
    }
}
