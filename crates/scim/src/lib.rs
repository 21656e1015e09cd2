//! SCIM 2.0 without IO: schemas, filters, PATCH, projection, messages.
