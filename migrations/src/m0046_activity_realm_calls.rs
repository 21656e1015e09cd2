//! What a request of the identity provider asked of the realm: names of operations, outcomes, counts and times, as JSON.

crate::table!("m0046_activity_realm_calls", r"alter table activity add column realm_calls text");
