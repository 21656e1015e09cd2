//! Instruments. Every name begins with `kevra_scim_`; units are base units; no label names a tenant, a user or a value.
//!
//! An instrument is made once, in a `static` of the module that uses it, after the program has installed its exporters.

use opentelemetry::metrics::Meter;
pub use opentelemetry::metrics::{Counter, Gauge, Histogram};

pub use opentelemetry::KeyValue;

/// Buckets for durations of calls and requests, seconds.
const CALLS: [f64; 13] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Buckets for how long changes wait, seconds: the objective is 30 s, a back-off may last a quarter of an hour.
const WAITS: [f64; 13] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

fn meter() -> Meter {
    opentelemetry::global::meter("kevra-scim")
}

/// Something that is counted; `_total` is added to the name where it is scraped.
pub fn counter(name: &'static str, description: &'static str) -> Counter<u64> {
    meter().u64_counter(format!("kevra_scim_{name}")).with_description(description).build()
}

/// How long a call or a request takes; `_seconds` is added to the name.
pub fn duration(name: &'static str, description: &'static str) -> Histogram<f64> {
    seconds(name, description, CALLS.to_vec())
}

/// How long something waits; `_seconds` is added to the name.
pub fn wait(name: &'static str, description: &'static str) -> Histogram<f64> {
    seconds(name, description, WAITS.to_vec())
}

fn seconds(name: &'static str, description: &'static str, buckets: Vec<f64>) -> Histogram<f64> {
    let meter = meter();
    let histogram = meter.f64_histogram(format!("kevra_scim_{name}")).with_unit("s");
    histogram.with_description(description).with_boundaries(buckets).build()
}

/// A number that goes up and down.
pub fn gauge(name: &'static str, description: &'static str) -> Gauge<i64> {
    meter().i64_gauge(format!("kevra_scim_{name}")).with_description(description).build()
}

/// Seconds that go up and down; `_seconds` is added to the name.
pub fn gauge_seconds(name: &'static str, description: &'static str) -> Gauge<f64> {
    meter().f64_gauge(format!("kevra_scim_{name}")).with_unit("s").with_description(description).build()
}
