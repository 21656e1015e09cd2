//! A table for people, and the same as JSON on the last line.

use serde_json::{Value, json};

use crate::load::Pair;

/// The rows of one suite.
pub struct Report {
    suite: &'static str,
    beside: String,
    rows: Vec<Value>,
}

impl Report {
    /// Prints the head of the table.
    pub fn begin(suite: &'static str, beside: String) -> Self {
        println!("CPU microseconds per request, user and system; {beside}");
        println!(
            "{:<26} {:>9} {:>9} {:>8} {:>7} {:>9} {:>8} {:>8} {:>7}",
            "operation", "ours", "theirs", "ratio", "goal", "ours/s", "p50 ms", "p99 ms", "failed"
        );
        Self { suite, beside, rows: Vec::new() }
    }

    /// Without a table: notes only.
    pub fn begin_plain(suite: &'static str, beside: String) -> Self {
        Self { suite, beside, rows: Vec::new() }
    }

    /// Prints a row. `goal` is the ratio to stay under.
    pub fn row(&mut self, operation: &str, goal: Option<f64>, pair: &Pair) {
        let (ours, theirs) = (pair.subject, pair.floor);
        let wanted = goal.map_or_else(|| "-".to_owned(), |goal| format!("{goal}"));
        println!(
            "{operation:<26} {:>9.1} {:>9.1} {:>8.3} {wanted:>7} {:>9.0} {:>8.2} {:>8.2} {:>7}",
            ours.cpu,
            theirs.cpu,
            pair.ratio,
            ours.per_second,
            ours.median,
            ours.p99,
            ours.failed + theirs.failed
        );
        let side = |figures: crate::load::Figures| {
            json!({ "cpu_micros": figures.cpu, "per_second": figures.per_second, "p50_ms": figures.median,
                "p99_ms": figures.p99, "failed": figures.failed })
        };
        self.rows.push(json!({ "operation": operation, "ratio": pair.ratio, "goal": goal,
            "ours": side(ours), "theirs": side(theirs) }));
    }

    /// A figure that is not a request's.
    pub fn note(&mut self, name: &str, figures: &Value) {
        println!("{name}: {figures}");
        self.rows.push(json!({ "name": name, "figures": figures }));
    }

    /// Prints everything as JSON.
    pub fn end(self) {
        println!("{}", json!({ "benchmark": self.suite, "beside": self.beside, "rows": self.rows }));
    }
}
