//! The SCIM wire, from outside: one running demo for all of it, a tenant of its own for each module.

mod bodies;
mod bulk;
mod bulk_limits;
mod case_http;
mod case_lifecycle;
mod case_queries;
mod cases;
mod entra;
mod entra_dialects;
mod exits;
mod extensions;
mod groups;
mod heads;
mod large_groups;
mod matrix;
mod okta;
mod okta_spec;
mod others;
mod races;
mod routes;
mod walks;
mod walks_sorted;
mod wire;
