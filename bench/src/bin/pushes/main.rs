//! What a push costs, how long a change takes, and what other tenants notice of a dead one: the built program on PostgreSQL
//! and RabbitMQ of its own, beside a bare loop in the same run. See `bench/README.md`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod figures;
mod measures;
mod sink;
mod world;

use std::path::PathBuf;

use serde_json::{Value, json};
use world::World;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [bare, database, broker, users, places] = arguments.as_slice()
        && bare == "bare"
    {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(testkit::bare::run(database, broker, users, places.parse()?));
        return Ok(());
    }
    let program = arguments.first().map_or_else(|| PathBuf::from("target/release/kevra-scim"), PathBuf::from);
    let only = arguments.get(1).map(String::as_str);
    let mut world = World::start(&program)?;
    let mut rows: Vec<Value> = Vec::new();
    for (name, measure) in measures::ALL {
        if only.is_none_or(|only| only == name) {
            let row = measure(&mut world)?;
            println!("{name}: {row}");
            rows.push(json!({ "measure": name, "figures": row }));
        }
    }
    println!("{}", json!({ "benchmark": "dispatcher", "rows": rows }));
    Ok(())
}
