//! What operators see of our calls to Keycloak: a span and two metrics each, never a name or an address.

use std::sync::LazyLock;
use std::time::Instant;

use reqwest::Method;
use telemetry::metrics::{self, Counter, Histogram, KeyValue};
use tracing::Span;
use uuid::Uuid;

static REQUESTS: LazyLock<Counter<u64>> =
    LazyLock::new(|| metrics::counter("realm_requests", "Calls to Keycloak, by operation and outcome"));
static DURATION: LazyLock<Histogram<f64>> =
    LazyLock::new(|| metrics::duration("realm_request_duration", "How long calls to Keycloak take"));

/// A call under way.
pub(super) struct Watched {
    operation: String,
    span: Span,
    begun: Instant,
}

impl Watched {
    pub fn begin(method: &Method, url: &str) -> Self {
        let operation = format!("{method} {}", template(url));
        let span = tracing::info_span!(
            "realm.request",
            otel.kind = "client",
            otel.name = operation,
            http.response.status_code = tracing::field::Empty,
            outcome = tracing::field::Empty,
        );
        Self { operation, span, begun: Instant::now() }
    }

    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// Ends with a status, or the class of an error.
    pub fn end(self, outcome: Result<u16, &'static str>) {
        let code = match outcome {
            Ok(status) => {
                self.span.record("http.response.status_code", status);
                status.to_string()
            }
            Err(class) => {
                self.span.record("outcome", class);
                class.to_owned()
            }
        };
        let operation = KeyValue::new("op", self.operation);
        DURATION.record(self.begun.elapsed().as_secs_f64(), std::slice::from_ref(&operation));
        REQUESTS.add(1, &[operation, KeyValue::new("code", code)]);
    }
}

/// The path below the realm, without query, ids and names.
fn template(url: &str) -> String {
    let path = url.split_once("/admin/realms/").map_or("", |(_, path)| path);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut segments = path.split('/').skip(1).peekable();
    let mut named = Vec::new();
    while let Some(segment) = segments.next() {
        let named_by_us = matches!(segment, "users" | "roles" | "clients" | "groups");
        named.push(if Uuid::parse_str(segment).is_ok() { "{id}" } else { segment });
        // What follows a collection names a member of it.
        if named_by_us && segments.next_if(|next| !matches!(*next, "count" | "profile" | "realm")).is_some() {
            named.push("{id}");
        }
    }
    format!("/{}", named.join("/"))
}

#[cfg(test)]
mod tests {
    use super::template;

    #[test]
    fn an_operation_names_no_user_and_no_realm() {
        for (path, wanted) in [
            ("acme", "/"),
            ("acme/users?username=ada%40acme.test&exact=true", "/users"),
            ("acme/users/7b2f1a0e-6c1f-4f0e-9c57-0b4a4f3d2c11/role-mappings/realm", "/users/{id}/role-mappings/realm"),
            ("acme/roles/scim-managed", "/roles/{id}"),
            ("acme/users/profile", "/users/profile"),
            ("acme/admin-events?resourceTypes=USER", "/admin-events"),
        ] {
            assert_eq!(template(&format!("https://kc.test/admin/realms/{path}")), wanted, "{path}");
        }
    }
}
