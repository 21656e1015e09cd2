//! User and system time of process trees, from `/proc`.

use anyhow::Context;
use testkit::{database::Database, servers};

/// Clock ticks of `/proc` per second, on every Linux.
const TICKS: f64 = 100.0;

/// Processes with everything they have started; their time counts together.
#[derive(Debug, Clone, Default)]
pub struct Trees(Vec<u32>);

impl Trees {
    /// Of these processes.
    pub fn of(roots: impl IntoIterator<Item = u32>) -> Self {
        Self(roots.into_iter().collect())
    }

    /// These and those.
    pub fn and(&self, others: &Self) -> Self {
        Self(self.0.iter().chain(&others.0).copied().collect())
    }

    /// CPU time spent since they began, microseconds; of children that have ended, too.
    pub fn micros(&self) -> anyhow::Result<f64> {
        let all = processes()?;
        let mut pending = self.0.clone();
        let mut ticks = 0.0;
        while let Some(id) = pending.pop() {
            let process = all.iter().find(|process| process.id == id);
            ticks += process.with_context(|| format!("process {id} is gone"))?.ticks;
            pending.extend(all.iter().filter(|process| process.parent == id).map(|process| process.id));
        }
        Ok(ticks / TICKS * 1e6)
    }
}

/// The test PostgreSQL, with its backends.
pub fn postgres(database: &Database) -> anyhow::Result<Trees> {
    let directory = database.ask("select setting from pg_settings where name = 'data_directory'");
    let file = std::fs::read_to_string(format!("{directory}/postmaster.pid")).context("PostgreSQL's process id")?;
    Ok(Trees::of([file.lines().next().unwrap_or_default().parse()?]))
}

/// The test Keycloak.
pub fn keycloak() -> anyhow::Result<Trees> {
    let url = servers::fact("KEVRA_TEST_KEYCLOAK_URL");
    let port = url.rsplit(':').next().context("a port in Keycloak's URL")?;
    let mine = format!("--http-port={port}");
    let java = |entry: &std::fs::DirEntry| {
        let command = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        name.trim() == "java" && command.split('\0').any(|argument| argument == mine)
    };
    let found = std::fs::read_dir("/proc")?.flatten().find(java).context("Keycloak's process")?;
    Ok(Trees::of([found.file_name().to_string_lossy().parse()?]))
}

/// A process's resident memory, MiB.
pub fn resident(process: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

struct Stat {
    id: u32,
    parent: u32,
    ticks: f64,
}

fn processes() -> anyhow::Result<Vec<Stat>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse() else { continue };
        // One that has just ended.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let (_, fields) = stat.rsplit_once(')').context("an unknown form of /proc")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let tick = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).context("a tick");
        let ticks = tick(11)? + tick(12)? + tick(13)? + tick(14)?;
        all.push(Stat { id, parent: fields.get(1).context("a parent")?.parse()?, ticks });
    }
    Ok(all)
}
