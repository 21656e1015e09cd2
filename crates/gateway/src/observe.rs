//! What operators see of a request: one span, one line, three metrics. Ids and codes, never a name, an address or a token.

use std::sync::LazyLock;
use std::time::Instant;

use telemetry::metrics::{self, Counter, Histogram, KeyValue};
use telemetry::trace;
use tracing::Span;
use tracing::field::Empty;
use uuid::Uuid;

use crate::provisioner::Refused;
use crate::request::Request;

static REQUESTS: LazyLock<Counter<u64>> =
    LazyLock::new(|| metrics::counter("inbound_requests", "SCIM requests, by operation and status"));
static DURATION: LazyLock<Histogram<f64>> =
    LazyLock::new(|| metrics::duration("inbound_request_duration", "How long SCIM requests take"));
static AUTH_FAILURES: LazyLock<Counter<u64>> =
    LazyLock::new(|| metrics::counter("inbound_auth_failures", "SCIM requests refused with 401, by reason"));

/// A request under observation.
pub(crate) struct Observed {
    operation: String,
    method: String,
    route: &'static str,
    resource: Option<Uuid>,
    trace_id: Option<String>,
    span: Span,
    started: Instant,
}

impl Observed {
    /// Begins; `request` is `None` where the path is none of ours. The request carries the span's trace from here on.
    pub fn begin(method: &str, request: Option<&mut Request>) -> Self {
        let route = request.as_ref().map_or("/…", |request| route(&request.segments));
        // A method is whatever a client sends; a label is one of ours.
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = if known.contains(&method) { method } else { "OTHER" };
        let operation = format!("{method} {route}");
        let span = tracing::info_span!(
            "inbound.request",
            otel.kind = "server",
            otel.name = operation,
            http.request.method = method,
            http.route = route,
            http.response.status_code = Empty,
            tenant.id = Empty,
        );
        let mut resource = None;
        if let Some(request) = request {
            trace::join(&span, request.traceparent.as_deref());
            request.traceparent = trace::of(&span).or_else(|| request.traceparent.take());
            resource = request.segments.get(1).and_then(|id| Uuid::parse_str(id).ok());
        }
        let trace_id = trace::id(trace::of(&span).as_deref());
        let method = method.to_owned();
        Self { operation, method, route, resource, trace_id, span, started: Instant::now() }
    }

    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// Ends with a status, the tenant once it is known, and why the credentials were refused if they were.
    pub fn end(self, status: u16, tenant: Option<registry::TenantId>, refused: Option<&Refused>) {
        let elapsed = self.started.elapsed();
        let tenant = tenant.or_else(|| refused.and_then(|refused| refused.tenant)).map(|tenant| tenant.to_string());
        self.span.record("http.response.status_code", status);
        if let Some(tenant) = &tenant {
            self.span.record("tenant.id", tenant);
        }
        tracing::info!(
            name = "inbound.request",
            tenant.id = tenant,
            method = self.method,
            path = self.route,
            resource.id = self.resource.map(|id| id.to_string()),
            http.status = status,
            reason = refused.map(|refused| refused.reason.as_str()),
            duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            trace_id = self.trace_id,
        );
        let operation = KeyValue::new("op", self.operation);
        DURATION.record(elapsed.as_secs_f64(), std::slice::from_ref(&operation));
        REQUESTS.add(1, &[operation, KeyValue::new("code", i64::from(status))]);
        if let Some(refused) = refused {
            AUTH_FAILURES.add(1, &[KeyValue::new("reason", refused.class)]);
        }
    }
}

/// A path without ids; what is no endpoint of ours has no name.
pub(crate) fn route(segments: &[String]) -> &'static str {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["Users"] => "/Users",
        ["Users", ".search"] => "/Users/.search",
        ["Users", _] => "/Users/{id}",
        ["Groups"] => "/Groups",
        ["Groups", ".search"] => "/Groups/.search",
        ["Groups", _] => "/Groups/{id}",
        ["ServiceProviderConfig"] => "/ServiceProviderConfig",
        ["ResourceTypes"] => "/ResourceTypes",
        ["ResourceTypes", _] => "/ResourceTypes/{id}",
        ["Schemas"] => "/Schemas",
        ["Schemas", _] => "/Schemas/{id}",
        ["Bulk"] => "/Bulk",
        ["Me"] => "/Me",
        [".search"] => "/.search",
        _ => "/…",
    }
}
