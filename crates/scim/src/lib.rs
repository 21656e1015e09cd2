//! SCIM 2.0 (RFC 7643, RFC 7644) without IO: schemas, documents, filters, PATCH, projection, messages.
//!
//! One schema registry drives everything: what a body may hold, how a filter compares, what PATCH may change, what the
//! discovery documents say. A tolerant entrance stands before a strict core: dialects of identity providers are
//! normalised on the way in, output is always strict.
//!
//! ```
//! use scim::{document, filter::Filter, patch, schema::USER};
//!
//! let body = scim::json::parse(br#"{"USERNAME":"ada@acme.test","active":"True","emails":[{"value":"ada@acme.test"}]}"#)?;
//! let user = document::accept(&USER, &body)?;
//! let entra = scim::json::parse(br#"{"Operations":[{"op":"Replace","path":"active","value":"False"}]}"#)?;
//! let applied = patch::apply(&USER, &user, &patch::parse(&entra)?, patch::Options::default())?;
//! assert_eq!(applied.document["active"], false);
//! let filter = Filter::parse(&USER, r#"emails[value co "ACME"] and not (active eq true)"#)?;
//! assert!(filter.matches(&applied.document));
//! # Ok::<(), scim::Error>(())
//! ```

pub mod bulk;
pub mod cursor;
pub mod discovery;
pub mod document;
mod error;
pub mod filter;
pub mod json;
pub mod key;
pub mod list;
pub mod members;
pub mod native;
pub mod patch;
pub mod path;
pub mod projection;
pub mod query;
pub mod schema;
pub mod sort;

pub use error::{Error, ScimType};

/// A JSON object that keeps its order.
pub type Object = serde_json::Map<String, serde_json::Value>;
