//! What operators see of a call: one span, one line, and a count of every change.

use std::sync::LazyLock;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use telemetry::metrics::{self, Counter, Histogram, KeyValue};
use telemetry::trace;
use tracing::Instrument;
use tracing::field::Empty;

static ACTIONS: LazyLock<Counter<u64>> =
    LazyLock::new(|| metrics::counter("control_actions", "Changes through the control API, by action and outcome"));
pub(crate) static PROBE: LazyLock<Histogram<f64>> =
    LazyLock::new(|| metrics::duration("probe_duration", "How long probing a downstream takes"));

/// Wraps every call.
pub(crate) async fn call<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let started = Instant::now();
    let method = request.method().to_string();
    let route = request.match_pattern().unwrap_or_else(|| "/…".to_owned());
    let span = tracing::info_span!(
        "control.request",
        otel.kind = "server",
        otel.name = format!("{method} {route}"),
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        tenant.slug = Empty,
    );
    let parent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    trace::join(&span, parent);
    let trace_id = trace::id(trace::of(&span).as_deref());
    let outcome = next.call(request).instrument(span.clone()).await;
    let status = match &outcome {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    span.record("http.response.status_code", status.as_u16());
    // A slug names a customer's deployment, not a person. Which one it is shows only where the path was matched.
    let answered = outcome.as_ref().ok().map(|response| response.request().match_info());
    let tenant = answered.and_then(|path| path.get("tenant"));
    if let Some(tenant) = tenant {
        span.record("tenant.slug", tenant);
    }
    tracing::info!(
        name = "control.request",
        tenant.slug = tenant,
        method,
        path = route,
        http.status = status.as_u16(),
        duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        trace_id,
    );
    if let Some(action) = action(&method, &route) {
        let outcome = match status.as_u16() {
            200..=399 => "done",
            400..=499 => "refused",
            _ => "failed",
        };
        ACTIONS.add(1, &[KeyValue::new("action", action), KeyValue::new("outcome", outcome)]);
    }
    outcome
}

/// A name for what a call changes; reads change nothing.
fn action(method: &str, route: &str) -> Option<String> {
    let below = route.strip_prefix("/v1/tenants")?;
    let below = below.strip_prefix("/{tenant}").unwrap_or(below);
    let name = match (method, below) {
        ("POST" | "PUT", "") => "tenant.create".to_owned(),
        ("PATCH", "") => "tenant.change".to_owned(),
        ("DELETE", "") => "tenant.delete".to_owned(),
        ("POST" | "PUT" | "PATCH" | "DELETE", rest) => {
            rest.trim_start_matches('/').replace("/{user}", "").replace('/', ".")
        }
        _ => return None,
    };
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::action;

    #[test]
    fn a_change_has_a_name_and_a_read_has_none() {
        assert_eq!(action("POST", "/v1/tenants/{tenant}/inbound/rotate").as_deref(), Some("inbound.rotate"));
        assert_eq!(action("POST", "/v1/tenants").as_deref(), Some("tenant.create"));
        assert_eq!(action("DELETE", "/v1/tenants/{tenant}").as_deref(), Some("tenant.delete"));
        assert_eq!(action("PATCH", "/v1/tenants/{tenant}/realm-users/{user}").as_deref(), Some("realm-users"));
        assert_eq!(action("GET", "/v1/tenants/{tenant}/identity-sync"), None);
        assert_eq!(action("POST", "/…"), None);
    }
}
