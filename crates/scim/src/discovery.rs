//! Discovery documents (RFC 7643 §5–7), rendered from the schema registry: one source.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::schema::{Attribute, Kind, Mutability, ResourceType, Returned, Schema};
use crate::{Object, bulk, list};

/// What of the service differs between deployments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provider {
    /// Passwords are taken over.
    pub change_password: bool,
    /// The largest bulk request, bytes.
    pub max_payload: usize,
    /// How long a cursor is valid, seconds.
    pub cursor_timeout: u32,
}

impl Default for Provider {
    fn default() -> Self {
        Self { change_password: false, max_payload: bulk::MAX_PAYLOAD, cursor_timeout: 3_600 }
    }
}

/// `/ServiceProviderConfig` (RFC 7643 §5, RFC 9865 §4).
pub fn service_provider_config(base_url: &str, provider: &Provider) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": {
            "supported": true,
            "maxOperations": bulk::MAX_OPERATIONS,
            "maxPayloadSize": provider.max_payload,
        },
        "filter": { "supported": true, "maxResults": list::MAX_RESULTS },
        "changePassword": { "supported": provider.change_password },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": list::DEFAULT_RESULTS,
            "maxPageSize": list::MAX_RESULTS,
            "cursorTimeout": provider.cursor_timeout,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "The tenant's bearer token in the Authorization header",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true
        }],
        "meta": meta("ServiceProviderConfig", &format!("{base_url}/ServiceProviderConfig")),
    })
}

/// What `/ResourceTypes` lists.
pub fn resource_types(types: &[&ResourceType], base_url: &str) -> Vec<Object> {
    types.iter().map(|resource| resource_type(resource, base_url)).collect()
}

/// What `/Schemas` lists: the schemas of all types, each once.
pub fn schemas(types: &[&ResourceType], base_url: &str) -> Vec<Object> {
    let mut seen = HashSet::new();
    let all = types.iter().flat_map(|resource| resource.schemas());
    all.filter(|schema| seen.insert(schema.id.as_str())).map(|schema| self::schema(schema, base_url)).collect()
}

/// A resource type.
pub fn resource_type(resource: &ResourceType, base_url: &str) -> Object {
    let extensions: Vec<Value> =
        resource.extensions.iter().map(|schema| json!({ "schema": schema.id, "required": false })).collect();
    object(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": resource.name,
        "name": resource.name,
        "description": resource.description,
        "endpoint": resource.endpoint,
        "schema": resource.schema.id,
        "schemaExtensions": extensions,
        "meta": meta("ResourceType", &format!("{base_url}/ResourceTypes/{}", resource.name)),
    }))
}

/// A schema.
pub fn schema(schema: &Schema, base_url: &str) -> Object {
    let attributes: Vec<Value> = schema.attributes.iter().map(attribute).collect();
    object(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": attributes,
        "meta": meta("Schema", &format!("{base_url}/Schemas/{}", schema.id)),
    }))
}

fn attribute(attribute: &Attribute) -> Value {
    let mut object = Object::new();
    object.insert("name".to_owned(), json!(attribute.name));
    object.insert("type".to_owned(), json!(kind(attribute.kind)));
    object.insert("multiValued".to_owned(), json!(attribute.multi_valued));
    object
        .insert("description".to_owned(), json!(attribute.description.clone().unwrap_or_else(|| describe(attribute))));
    object.insert("required".to_owned(), json!(attribute.required));
    object.insert("caseExact".to_owned(), json!(attribute.case_exact));
    object.insert("mutability".to_owned(), json!(mutability(attribute.mutability)));
    object.insert("returned".to_owned(), json!(returned(attribute.returned)));
    object.insert("uniqueness".to_owned(), json!(attribute.uniqueness));
    if !attribute.canonical_values.is_empty() {
        object.insert("canonicalValues".to_owned(), json!(attribute.canonical_values));
    }
    if !attribute.reference_types.is_empty() {
        object.insert("referenceTypes".to_owned(), json!(attribute.reference_types));
    }
    if !attribute.sub_attributes.is_empty() {
        let subs: Vec<Value> = attribute.sub_attributes.iter().map(self::attribute).collect();
        object.insert("subAttributes".to_owned(), json!(subs));
    }
    Value::Object(object)
}

/// `phoneNumbers` as "Phone numbers".
fn describe(attribute: &Attribute) -> String {
    let mut words = String::new();
    for (place, letter) in attribute.name.trim_start_matches('$').chars().enumerate() {
        if place == 0 {
            words.extend(letter.to_uppercase());
        } else if letter.is_uppercase() {
            words.push(' ');
            words.extend(letter.to_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "string",
        Kind::Boolean => "boolean",
        Kind::Decimal => "decimal",
        Kind::Integer => "integer",
        Kind::DateTime => "dateTime",
        Kind::Binary => "binary",
        Kind::Reference => "reference",
        Kind::Complex => "complex",
    }
}

fn mutability(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::Immutable => "immutable",
        Mutability::WriteOnly => "writeOnly",
    }
}

fn returned(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Never => "never",
        Returned::Default => "default",
        Returned::Request => "request",
    }
}

fn meta(resource_type: &str, location: &str) -> Value {
    json!({ "resourceType": resource_type, "location": location })
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
