//! The dispatcher: the ledger to the downstream, and the realm's changes to the ledger. Any number of replicas.
//!
//! Whatever wakes it, a hint, the sweeper or the poll, it takes no input from it: it claims a row, reads the present
//! state, and sends the difference. Triage looks at the realm and ignores the target; send obeys the target.

mod alarm;
mod attempt;
mod backfill;
mod breaker;
mod capture;
mod compare;
mod compare_groups;
mod create;
mod deleted;
mod ended;
mod fairness;
mod forget;
mod gauges;
mod groups;
mod heal;
mod hold;
mod import;
mod listen;
mod mass;
mod memberships;
mod plan;
mod powers;
mod pushed;
mod refusal;
mod regrant;
mod repair;
mod round;
mod send;
mod survey;
mod triage;
mod verdict;
mod work;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bus::{Doorbell, Hints, News};
use downstream::{Connector, Guard};
use realm::Realm;
use registry::seal::Keyring;
use registry::tenant::Tenant;
use registry::{Db, TenantId};
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use groups::plan as group_plan;
pub use plan::{Plan, Trust, plan};
pub use pushed::Pushed;
pub use verdict::{TargetVerdict, backoff, is_members_own, of_failure, of_found_group, of_group_failure};

/// Settings of the role.
#[derive(Debug, Clone)]
pub struct Config {
    /// Users worked on at once, in this process.
    pub concurrency: usize,
    /// Calls at once to one tenant's downstream, from this process.
    pub per_target: usize,
    /// How often the sweeper looks for due rows nobody rang for.
    pub sweep: Duration,
    /// How often a realm is asked for its events.
    pub poll: Duration,
    /// Which downstreams may be dialled.
    pub guard: Guard,
    /// How long activity is kept.
    pub keep_activity: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency: 64,
            per_target: 8,
            sweep: Duration::from_secs(2),
            poll: Duration::from_secs(2),
            guard: Guard::default(),
            keep_activity: Duration::from_hours(24 * 30),
        }
    }
}

/// Finds a tenant's realm. The program knows how.
#[async_trait]
pub trait Realms: Send + Sync {
    /// The realm of a tenant.
    async fn of(&self, tenant: TenantId) -> Result<Realm, realm::Error>;

    /// The realm of a tenant that was read already.
    async fn at(&self, tenant: &Tenant) -> Result<Realm, realm::Error>;
}

/// What the role works with.
#[derive(Clone)]
pub struct Deps {
    /// Registry and directory.
    pub db: Db,
    /// The tenants' realms.
    pub realms: Arc<dyn Realms>,
    /// Opens downstream tokens.
    pub keyring: Keyring,
    /// The one HTTP client towards downstreams.
    pub connector: Connector,
    /// Rings for what capture finds.
    pub doorbell: Doorbell,
}

/// Works until shutdown, then finishes what is in flight. Nothing is given back: what is unfinished stays in the ledger.
pub async fn run(config: Config, deps: Deps, hints: Hints, news: Option<Receiver<News>>, shutdown: CancellationToken) {
    let tracker = TaskTracker::new();
    let pool = Arc::new(work::Pool::new(&config, deps.clone(), tracker.clone()));
    tracker.spawn(work::listen(pool.clone(), hints, shutdown.clone()));
    tracker.spawn(work::sweep(pool, config.sweep, shutdown.clone()));
    tracker.spawn(capture::poll(config.clone(), deps.clone(), tracker.clone(), shutdown.clone()));
    tracker.spawn(survey::run(config.clone(), deps.clone(), tracker.clone(), shutdown.clone()));
    if let Some(news) = news {
        tracker.spawn(listen::run(deps.clone(), news, shutdown.clone()));
    }
    tracker.spawn(compare::baselines(deps.clone(), config.sweep, shutdown.clone()));
    tracker.spawn(backfill::run(deps.clone(), config.sweep, shutdown.clone()));
    tracker.spawn(forget::run(deps.db.clone(), config.keep_activity, shutdown.clone()));
    tracker.spawn(gauges::keep(deps.db.clone(), shutdown.clone()));
    tracker.spawn(repair::run(config, deps, shutdown.clone()));
    shutdown.cancelled().await;
    tracker.close();
    // A claim's calls end within their deadline; whatever is left after that resumes elsewhere when its lease ends.
    drop(tokio::time::timeout(Duration::from_secs(15), tracker.wait()).await);
}
