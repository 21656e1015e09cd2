//! Numbers out of processes and samples.

use std::time::Duration;

use anyhow::Context;

/// Clock ticks of `/proc` per second, on every Linux.
const TICKS: f64 = 100.0;

/// User and system time of a process so far.
pub fn cpu(process: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("the process is gone")?;
    let (_, fields) = stat.rsplit_once(')').context("an unknown form of /proc")?;
    let fields: Vec<f64> = fields.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
    let ticks = fields.get(11).context("user time")? + fields.get(12).context("system time")?;
    Ok(Duration::from_secs_f64(ticks / TICKS))
}

/// Resident memory of a process, MiB.
pub fn memory(process: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).context("the process is gone")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("its memory")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1024.0)
}

/// A quantile of a sample, milliseconds; what is missing counts as infinite.
pub fn quantile(sample: &[Option<Duration>], of: f64) -> f64 {
    let mut sample: Vec<f64> =
        sample.iter().map(|one| one.map_or(f64::INFINITY, |one| one.as_secs_f64() * 1_000.0)).collect();
    sample.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
    let place = ((sample.len() as f64 * of) as usize).min(sample.len().saturating_sub(1));
    sample.get(place).copied().unwrap_or(f64::NAN)
}

/// The one in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
