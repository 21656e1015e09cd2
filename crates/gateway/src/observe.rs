//! What operators see of a request: one span, one line, three metrics. Ids and codes, never a name, an address or a token.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use directory::activity::{Entry, RealmCall};
use directory::contact::{Accepted, Rejected};
use registry::TenantId;
use serde_json::json;
use telemetry::metrics::{self, Counter, Histogram, KeyValue};
use telemetry::trace;
use tracing::Span;
use tracing::field::Empty;
use uuid::Uuid;

use crate::call::Notes;
use crate::journal::{self, Journal, Line};
use crate::provisioner::{self, Refused};
use crate::request::Request;

static REQUESTS: LazyLock<Counter<u64>> =
    LazyLock::new(|| metrics::counter("inbound_requests", "SCIM requests, by operation and status"));
static DURATION: LazyLock<Histogram<f64>> =
    LazyLock::new(|| metrics::duration("inbound_request_duration", "How long SCIM requests take"));
static OWN_DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    metrics::duration("inbound_own_duration", "How long SCIM requests take, without what they wait for the realm")
});
static AUTH_FAILURES: LazyLock<Counter<u64>> =
    LazyLock::new(|| metrics::counter("inbound_auth_failures", "SCIM requests refused with 401, by reason"));

static SKIPPED: LazyLock<Counter<u64>> =
    LazyLock::new(|| metrics::counter("inbound_members_skipped", "Members of groups that were nobody we know"));

/// A request under observation.
pub(crate) struct Observed {
    operation: String,
    method: String,
    route: &'static str,
    resource: Option<Uuid>,
    trace_id: Option<String>,
    client: Option<String>,
    span: Span,
    started: Instant,
}

/// What came of a request.
pub(crate) struct Ended {
    pub status: u16,
    /// The tenant once it is known.
    pub tenant: Option<TenantId>,
    /// Why the credentials were refused, if they were.
    pub refused: Option<Refused>,
    pub notes: Notes,
    /// The resource it was about, where the path does not say.
    pub id: Option<Uuid>,
}

impl Ended {
    pub fn unknown(status: u16) -> Self {
        Self { status, tenant: None, refused: None, notes: Notes::default(), id: None }
    }
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
        let (mut resource, mut client) = (None, None);
        if let Some(request) = request {
            client = journal::client(request.user_agent.as_deref());
            trace::join(&span, request.traceparent.as_deref());
            request.traceparent = trace::of(&span).or_else(|| request.traceparent.take());
            resource = request.segments.get(1).and_then(|id| Uuid::parse_str(id).ok());
        }
        let trace_id = trace::id(trace::of(&span).as_deref());
        let method = method.to_owned();
        Self { operation, method, route, resource, trace_id, client, span, started: Instant::now() }
    }

    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// Ends: the line, the metrics, and what the tenant's journal is told.
    pub fn end(self, journal: &Journal, ended: &Ended) {
        let elapsed = self.started.elapsed();
        let Ended { status, refused, .. } = ended;
        let tenant = ended.tenant.or_else(|| refused.as_ref().and_then(|refused| refused.tenant));
        // One call follows the other: together they are what was waited.
        let realm: Duration = ended.notes.asked.iter().map(|asked| asked.duration).sum();
        let duration_ms = millis(elapsed);
        self.span.record("http.response.status_code", status);
        let tenant_id = tenant.map(|tenant| tenant.to_string());
        if let Some(tenant) = &tenant_id {
            self.span.record("tenant.id", tenant);
        }
        tracing::info!(
            name = "inbound.request",
            tenant.id = tenant_id,
            method = self.method,
            path = self.route,
            resource.id = self.resource.or(ended.id).map(|id| id.to_string()),
            http.status = status,
            reason = refused.as_ref().map(|refused| refused.reason.as_str()),
            duration_ms,
            realm_ms = millis(realm),
            trace_id = self.trace_id,
        );
        let operation = KeyValue::new("op", self.operation.clone());
        DURATION.record(elapsed.as_secs_f64(), std::slice::from_ref(&operation));
        OWN_DURATION.record(elapsed.saturating_sub(realm).as_secs_f64(), std::slice::from_ref(&operation));
        REQUESTS.add(1, &[operation, KeyValue::new("code", i64::from(*status))]);
        if let Some(refused) = refused {
            AUTH_FAILURES.add(1, &[KeyValue::new("reason", refused.class)]);
        }
        if let Some(tenant) = tenant {
            self.tell_skipped(journal, tenant, ended);
            for attribute in journal.ignored.news(tenant, &ended.notes.ignored) {
                tracing::info!(name = "inbound.ignored", tenant.id = %tenant, attribute, trace_id = self.trace_id);
            }
            self.tell(journal, tenant, ended, duration_ms);
        }
    }

    /// Members that were skipped, in the log, the metric and the audit: one stale id is nobody's error, many are.
    fn tell_skipped(&self, journal: &Journal, tenant: TenantId, ended: &Ended) {
        let skipped = &ended.notes.skipped;
        if skipped.count == 0 {
            return;
        }
        SKIPPED.add(skipped.count as u64, &[]);
        let group = self.resource.or(ended.id).map(|id| id.to_string());
        let ids: Vec<String> = skipped.ids.iter().map(ToString::to_string).collect();
        tracing::info!(
            name = "inbound.skipped",
            tenant.id = %tenant,
            resource.id = group,
            count = skipped.count,
            members = ids.join(" "),
            trace_id = self.trace_id,
        );
        let detail = json!({ "group": group, "count": skipped.count, "members": ids });
        journal.write(Line::Skipped(tenant, detail));
    }

    /// Changes are told, and what went wrong; not every look-up.
    fn tell(self, journal: &Journal, tenant: TenantId, ended: &Ended, duration_ms: i64) {
        let at = provisioner::chrono_micros();
        let (operation, client) = (self.operation, self.client);
        match &ended.refused {
            Some(refused) if !refused.news => return,
            Some(refused) => {
                let (class, reason) = (refused.class.to_owned(), refused.reason.clone());
                journal.write(Line::Rejected(tenant, Rejected { at, operation: operation.clone(), class, reason }));
            }
            None if ended.status < 400 => {
                let (operation, client) = (operation.clone(), client.clone());
                journal.write(Line::Accepted(tenant, Accepted { at, operation, client }));
            }
            None => {}
        }
        let read = matches!(self.method.as_str(), "GET" | "HEAD") || operation.ends_with("/.search");
        if read && (ended.status < 400 || ended.status == 404) {
            return;
        }
        let skipped = ended.notes.skipped.count;
        let skipped = (skipped > 0).then(|| format!("{skipped} unknown members were skipped"));
        journal.write(Line::Entry(Box::new(Entry {
            tenant,
            at,
            direction: "in",
            user: self.resource.or(ended.id),
            target: None,
            operation,
            status: Some(ended.status),
            class: class(ended),
            reason: ended.refused.as_ref().map(|refused| refused.reason.clone()).or(skipped),
            changed: ended.notes.changed.iter().cloned().collect(),
            duration_ms,
            seq: None,
            trace_id: self.trace_id,
            client,
            detail: None,
            realm_calls: ended.notes.asked.iter().map(call).collect(),
        })));
    }
}

fn call(asked: &realm::Asked) -> RealmCall {
    RealmCall {
        operation: asked.operation.to_owned(),
        class: asked.class.to_owned(),
        count: asked.count,
        duration_ms: millis(asked.duration),
    }
}

fn class(ended: &Ended) -> String {
    if let Some(refused) = &ended.refused {
        return refused.class.to_owned();
    }
    let class = match ended.status {
        200..=399 => "ok",
        404 => "not_found",
        409 => "conflict",
        412 => "stale",
        429 => "throttled",
        400..=499 => "rejected",
        _ => "failed",
    };
    class.to_owned()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
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
