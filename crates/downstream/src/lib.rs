//! The customer's SCIM application: guarded connector, client, outcome of a call.
