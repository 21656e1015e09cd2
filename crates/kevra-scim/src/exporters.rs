//! Where logs, traces and metrics go. Installed once, by the program; roles only emit.
//!
//! Logs are JSON lines on standard output. Traces and metrics go by OTLP where the standard `OTEL_*` variables name an
//! endpoint; metrics are always scrapeable on the ops port. Spans are made in any case, because their ids stand in log
//! lines, in the activity and in what we send on.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use registry::Db;
use tracing::{Level, Metadata};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::{FilterExt, dynamic_filter_fn, filter_fn};
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, reload};

/// What was installed; flushed at the end, on failure too.
pub struct Exporters {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    /// What `/metrics` shows.
    pub registry: prometheus::Registry,
    /// What is logged.
    pub log: LogFilter,
}

/// The filter of the log, which can be changed while the program runs.
#[derive(Clone)]
pub struct LogFilter {
    change: Arc<dyn Fn(EnvFilter) -> bool + Send + Sync>,
    current: Arc<Mutex<String>>,
}

impl LogFilter {
    /// The filter as it is.
    pub fn current(&self) -> String {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another filter from now on; says whether it is one.
    pub fn set(&self, text: &str) -> bool {
        let Ok(filter) = EnvFilter::try_new(text) else { return false };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if !(self.change)(filter) {
            return false;
        }
        text.clone_into(&mut current);
        true
    }
}

/// The fields of spans: no line shows them, so they are not put into words.
struct Unwritten;

impl<'writer> FormatFields<'writer> for Unwritten {
    fn format_fields<R: RecordFields>(&self, _: Writer<'writer>, _: R) -> std::fmt::Result {
        Ok(())
    }
}

/// How to log.
pub struct Settings<'a> {
    /// A tracing filter.
    pub filter: &'a str,
    /// JSON lines, or text for people.
    pub json: bool,
    /// The role, for the resource.
    pub role: &'static str,
    /// Whether an OTLP endpoint is named in the environment.
    pub otlp: bool,
}

/// Installs logs, traces, metrics.
pub fn install(settings: &Settings<'_>) -> anyhow::Result<Exporters> {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let resource = Resource::builder()
        .with_service_name("kevra-scim")
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("kevra.role", settings.role),
        ])
        .build();
    let mut traces = SdkTracerProvider::builder().with_resource(resource.clone());
    if settings.otlp {
        let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build().context("OTLP traces")?;
        traces = traces.with_batch_exporter(exporter);
    }
    let traces = traces.build();
    let (metrics, registry) = meters(resource, settings.otlp)?;

    let filter = EnvFilter::try_new(settings.filter).context("KEVRA_LOG is not a tracing filter")?;
    let (filter, handle) = reload::Layer::new(filter);
    let log = LogFilter {
        change: Arc::new(move |filter| handle.reload(filter).is_ok()),
        current: Arc::new(Mutex::new(settings.filter.to_owned())),
    };
    // Whatever the filter becomes, what libraries say stays unsaid.
    let filter = filter.and(filter_fn(may_be_written));
    let lines = if settings.json {
        tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .fmt_fields(Unwritten)
            .boxed()
    } else {
        tracing_subscriber::fmt::layer().compact().with_writer(std::io::stderr).boxed()
    };
    // Dynamic, so that it is asked every time: where a library asks whether a line would be written and then writes none,
    // a remembered "always" of the next span would meet the state that question left behind, and the span would be lost.
    let spans = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer("kevra-scim"))
        .with_location(false)
        .with_threads(false)
        // Nobody asks for OpenTelemetry's own current context, nor for how long a span was busy: both are paid for each time a
        // task goes on.
        .with_context_activation(false)
        .with_tracked_inactivity(false)
        .with_filter(
            dynamic_filter_fn(|metadata, _| metadata.is_span() && is_ours(metadata)).with_max_level_hint(Level::INFO),
        );
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).try_init().context("logs")?;
    report_panics();
    let info = telemetry::metrics::gauge("build_info", "The version and role of this process");
    info.record(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION")), KeyValue::new("role", settings.role)]);
    Ok(Exporters { traces, metrics, registry, log })
}

fn meters(resource: Resource, otlp: bool) -> anyhow::Result<(SdkMeterProvider, prometheus::Registry)> {
    let registry = prometheus::Registry::new();
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()
        .context("metrics exporter")?;
    let mut metrics = SdkMeterProvider::builder().with_resource(resource).with_reader(exporter);
    if otlp {
        let push = opentelemetry_otlp::MetricExporter::builder().with_http().build().context("OTLP metrics")?;
        metrics = metrics.with_periodic_exporter(push);
    }
    let metrics = metrics.build();
    opentelemetry::global::set_meter_provider(metrics.clone());
    Ok((metrics, registry))
}

/// Libraries are heard only when something is wrong, whatever `KEVRA_LOG` says: at their lower levels they write
/// headers, statements and bodies, and with them tokens and people's addresses.
fn may_be_written(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN || is_ours(metadata)
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    const OURS: [&str; 10] = [
        "kevra_scim",
        "control",
        "gateway",
        "dispatcher",
        "bus",
        "directory",
        "registry",
        "realm",
        "downstream",
        "demo",
    ];
    let target = metadata.target().split("::").next().unwrap_or_default();
    OURS.contains(&target)
}

/// A panic is counted and its place is written; its message is not, because it may hold a value.
fn report_panics() {
    let panics = telemetry::metrics::counter("panics", "Panics of this process");
    panics.add(0, &[]);
    std::panic::set_hook(Box::new(move |panic| {
        panics.add(1, &[]);
        let place = panic.location().map(ToString::to_string);
        tracing::error!(name = "panic", place, "a task panicked");
    }));
}

/// Shows the pools of a database among the metrics.
pub fn watch_pool(db: &Db) {
    let db = db.clone();
    let meter = opentelemetry::global::meter("kevra-scim");
    meter
        .i64_observable_gauge("kevra_scim_db_pool_connections")
        .with_description("Connections to the database, by pool and state")
        .with_callback(move |gauge| {
            for (pool, (open, idle)) in ["main", "reads"].into_iter().zip(db.connections()) {
                for (state, count) in [("busy", open.saturating_sub(idle)), ("idle", idle)] {
                    gauge.observe(count, &[KeyValue::new("pool", pool), KeyValue::new("state", state)]);
                }
            }
        })
        .build();
}

impl Exporters {
    /// Flushes what is buffered. Runs off the async threads: the exporters wait on threads of their own.
    pub async fn flush(self) {
        let flushed = tokio::task::spawn_blocking(move || (self.traces.shutdown(), self.metrics.shutdown())).await;
        if let Ok((Err(error), _) | (_, Err(error))) = flushed {
            tracing::debug!(name = "telemetry.unflushed", %error, "telemetry was not flushed");
        }
    }
}
