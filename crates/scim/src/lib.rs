#![doc = include_str!("../README.md")]

pub mod bulk;
pub mod cursor;
pub mod discovery;
pub mod document;
mod error;
pub mod etag;
pub mod filter;
pub mod ignored;
pub mod json;
pub mod key;
mod lasting;
pub mod list;
pub mod mapping;
pub mod members;
pub mod native;
pub mod patch;
pub mod path;
pub mod projection;
pub mod query;
mod same;
pub mod schema;
pub mod sort;

pub use error::{Error, ScimType};

/// A JSON object that keeps its order.
pub type Object = serde_json::Map<String, serde_json::Value>;
