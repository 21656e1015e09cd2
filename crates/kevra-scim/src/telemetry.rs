//! Logs, traces and metrics. Installed once, by the program; roles only emit.
//!
//! Logs are JSON lines on standard output. Traces and metrics go by OTLP where the standard `OTEL_*` variables name an
//! endpoint; metrics are always scrapeable on the ops port.

use anyhow::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// What was installed; flushed at the end, on failure too.
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: SdkMeterProvider,
    /// What `/metrics` shows.
    pub registry: prometheus::Registry,
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
pub fn install(settings: &Settings<'_>) -> anyhow::Result<Telemetry> {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let resource = Resource::builder()
        .with_service_name("kevra-scim")
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("kevra.role", settings.role),
        ])
        .build();
    let traces = settings.otlp.then(|| tracer(&resource)).transpose()?;
    let registry = prometheus::Registry::new();
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()
        .context("metrics exporter")?;
    let mut metrics = SdkMeterProvider::builder().with_resource(resource).with_reader(exporter);
    if settings.otlp {
        let push = opentelemetry_otlp::MetricExporter::builder().with_http().build().context("OTLP metrics")?;
        metrics = metrics.with_periodic_exporter(push);
    }
    let metrics = metrics.build();
    opentelemetry::global::set_meter_provider(metrics.clone());

    // What libraries say at their info level is not for the people who read our lines; the setting can overrule it.
    let quiet = "sqlx=warn,sea_orm_migration=warn,actix_server=warn,lapin=warn,";
    let filter =
        EnvFilter::try_new(format!("{quiet}{}", settings.filter)).context("KEVRA_LOG is not a tracing filter")?;
    let lines = if settings.json {
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).boxed()
    } else {
        tracing_subscriber::fmt::layer().compact().with_writer(std::io::stderr).boxed()
    };
    let spans =
        traces.as_ref().map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("kevra-scim")));
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).try_init().context("logs")?;
    Ok(Telemetry { traces, metrics, registry })
}

fn tracer(resource: &Resource) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build().context("OTLP traces")?;
    Ok(SdkTracerProvider::builder().with_resource(resource.clone()).with_batch_exporter(exporter).build())
}

impl Telemetry {
    /// Flushes what is buffered. Runs off the async threads: the exporters wait on threads of their own.
    pub async fn flush(self) {
        let flushed = tokio::task::spawn_blocking(move || {
            let traces = self.traces.map_or(Ok(()), |traces| traces.shutdown());
            (traces, self.metrics.shutdown())
        })
        .await;
        if let Ok((Err(error), _) | (_, Err(error))) = flushed {
            tracing::debug!(%error, "telemetry was not flushed");
        }
    }
}
