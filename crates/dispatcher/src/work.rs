//! Who works when: hints and the sweeper feed triage and send, each within its caps. Over a cap nothing waits in memory:
//! the row stays in the ledger, and the sweeper comes again as soon as a place is free.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bus::Hints;
use directory::ledger::protocol::URGENT;
use directory::ledger::{self, Due, Stage, Subject};
use directory::resource::Kind;
use registry::TenantId;
use registry::target;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;

use crate::fairness::{After, Fairness, Health, Place};
use crate::triage::{self, Next};
use crate::{Config, Deps, groups, round, send};

/// Rows the sweeper takes at once, and how many of them may be one tenant's.
const PAGE: u32 = 500;
const PER_TENANT: u32 = 16;
/// Users of one realm looked at at once, in this process: the realm is shared with those who log in.
const PER_REALM: usize = 8;
/// Groups of one tenant sent at once, in this process: users have the rest of its target's places.
const GROUPS: usize = 2;
/// How long the sweeper lets freed places add up.
const GATHER: Duration = Duration::from_millis(10);
/// Tenants the sweeper leaves out by name; of more than that, some are tried in vain.
const LEFT_OUT: usize = 200;

pub(crate) struct Pool {
    deps: Deps,
    tracker: TaskTracker,
    begun: Instant,
    looks: usize,
    /// Triages under way, by tenant.
    looking: Mutex<HashMap<TenantId, usize>>,
    /// Groups being sent, by tenant.
    grouping: Mutex<HashMap<TenantId, usize>>,
    fairness: Mutex<Fairness>,
    /// Something due found no place.
    more: AtomicBool,
    freed: Notify,
}

impl Pool {
    pub fn new(config: &Config, deps: Deps, tracker: TaskTracker) -> Self {
        Self {
            deps,
            tracker,
            begun: Instant::now(),
            looks: config.concurrency,
            looking: Mutex::default(),
            grouping: Mutex::default(),
            fairness: Mutex::new(Fairness::new(config.concurrency, config.per_target)),
            more: AtomicBool::new(false),
            freed: Notify::new(),
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn fairness(&self) -> MutexGuard<'_, Fairness> {
        self.fairness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looking(&self) -> MutexGuard<'_, HashMap<TenantId, usize>> {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grouping(&self) -> MutexGuard<'_, HashMap<TenantId, usize>> {
        self.grouping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a user if there is a place for its realm, then sends what that shows to be owed.
    fn look(self: &Arc<Self>, tenant: TenantId, user: Uuid) {
        {
            let mut looking = self.looking();
            let all: usize = looking.values().sum();
            let mine = looking.entry(tenant).or_default();
            if all >= self.looks || *mine >= PER_REALM {
                self.more.store(true, Ordering::Relaxed);
                return;
            }
            *mine += 1;
        }
        let pool = self.clone();
        self.tracker.spawn(async move { pool.look_and_send(tenant, user).await }.in_current_span());
    }

    async fn look_and_send(self: &Arc<Self>, tenant: TenantId, user: Uuid) {
        let mut place = None;
        let seen = triage::run(&self.deps, tenant, user, |urgent| {
            place = self.fairness().admit(tenant, urgent, self.now());
            place.is_some()
        })
        .await;
        self.looked(tenant);
        if let (Ok(Next::Begun(begun)), Some(place)) = (&seen, place) {
            return self
                .hold(place, tenant, user.into(), send::go_on(&self.deps, tenant, user, begun, place.probe))
                .await;
        }
        if let Some(unused) = place {
            self.fairness().ended(tenant, unused, Health::Unknown, Duration::ZERO, self.now());
        }
        match seen {
            Ok(Next::Send { urgent }) => self.send(tenant, user, urgent),
            Ok(Next::Nothing | Next::Begun(_)) => {}
            Ok(Next::Unknown) => self.send_if_owed(tenant, user).await,
            Err(error) => {
                tracing::warn!(
                    name = "triage.failed",
                    %error,
                    tenant.id = %tenant,
                    user.id = %user,
                    "triage did not end",
                );
            }
        }
    }

    fn looked(&self, tenant: TenantId) {
        let mut looking = self.looking();
        if let Some(mine) = looking.get_mut(&tenant) {
            *mine -= 1;
            if *mine == 0 {
                looking.remove(&tenant);
            }
        }
        drop(looking);
        self.wake();
    }

    async fn send_if_owed(self: &Arc<Self>, tenant: TenantId, user: Uuid) {
        match ledger::row(&self.deps.db, tenant, user).await {
            Ok(Some(row)) if row.state.owed() => self.send(tenant, user, row.state.lane == URGENT),
            Ok(_) => {}
            Err(error) => tracing::warn!(name = "ledger.unread", %error, "the ledger cannot be read"),
        }
    }

    /// Sends what is owed for a user if there is a place for its target.
    fn send(self: &Arc<Self>, tenant: TenantId, user: Uuid, urgent: bool) {
        let Some(place) = self.fairness().admit(tenant, urgent, self.now()) else {
            self.more.store(true, Ordering::Relaxed);
            return;
        };
        let pool = self.clone();
        let work = async move {
            pool.hold(place, tenant, user.into(), send::run(&pool.deps, tenant, user, place.probe)).await;
        };
        self.tracker.spawn(work.in_current_span());
    }

    /// Sends in its place, and gives the place back.
    async fn hold(
        &self,
        place: Place,
        tenant: TenantId,
        subject: Subject,
        send: impl Future<Output = Result<Health, round::Error>>,
    ) {
        let begun = Instant::now();
        let health = send.await.unwrap_or_else(|error| {
            tracing::warn!(
                name = "outbound.failed",
                %error,
                tenant.id = %tenant,
                user.id = (subject.kind == Kind::User).then_some(tracing::field::display(subject.id)),
                group.id = (subject.kind == Kind::Group).then_some(tracing::field::display(subject.id)),
                "a send did not end",
            );
            Health::Unknown
        });
        self.sent(tenant, place, health, begun.elapsed()).await;
    }

    /// Sends what is owed for a group if there is a place for it beside users.
    fn send_group(self: &Arc<Self>, tenant: TenantId, group: Uuid) {
        let mut grouping = self.grouping();
        let mine = grouping.entry(tenant).or_default();
        let place = if *mine < GROUPS { self.fairness().admit(tenant, false, self.now()) } else { None };
        let Some(place) = place else {
            self.more.store(true, Ordering::Relaxed);
            return;
        };
        *mine += 1;
        drop(grouping);
        let pool = self.clone();
        let work = async move {
            let subject = Subject::group(group);
            let send = async {
                let sent = groups::run(&pool.deps, tenant, group, place.probe).await;
                if let Some(mine) = pool.grouping().get_mut(&tenant) {
                    *mine -= 1;
                }
                pool.grouping().retain(|_, sending| *sending > 0);
                // A group goes on in its next round, if this one was not the last.
                pool.more.store(true, Ordering::Relaxed);
                sent
            };
            pool.hold(place, tenant, subject, send).await;
        };
        self.tracker.spawn(work.in_current_span());
    }

    async fn sent(&self, tenant: TenantId, place: Place, health: Health, took: Duration) {
        let after = self.fairness().ended(tenant, place, health, took, self.now());
        if let Err(error) = self.follow(tenant, after).await {
            tracing::warn!(
                name = "outbound.unstored",
                %error,
                tenant.id = %tenant,
                "what follows for a target was not stored",
            );
        }
        self.wake();
    }

    /// An open breaker pauses the target for every replica; a target that is back gets at once what backed off.
    async fn follow(&self, tenant: TenantId, after: After) -> Result<(), round::Error> {
        if let Some(wait) = after.pause
            && let Some(target) = target::current(&self.deps.db, tenant).await?.filter(|target| target.active)
        {
            tracing::warn!(
                name = "outbound.silent",
                tenant.id = %tenant,
                wait_s = wait.as_secs(),
                "a downstream fails; it is asked again later",
            );
            let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2);
            target::pause(&self.deps.db, target.id, target.generation, wait).await?;
        }
        if after.recovered {
            let hastened = ledger::hasten(&self.deps.db, tenant).await?;
            tracing::info!(name = "outbound.back", tenant.id = %tenant, hastened, "a downstream answers again");
        }
        Ok(())
    }

    /// A place is free: the sweeper comes at once if something waits for one.
    fn wake(&self) {
        if self.more.swap(false, Ordering::Relaxed) {
            self.freed.notify_one();
        }
    }

    /// Tries what is due, in turns; what finds no place is remembered by the ledger alone.
    async fn sweep(self: &Arc<Self>) -> Result<(), directory::Error> {
        let mut busy: Vec<TenantId> =
            self.looking().iter().filter(|(_, count)| **count >= PER_REALM).map(|(tenant, _)| *tenant).collect();
        busy.truncate(LEFT_OUT);
        let rows = ledger::due(&self.deps.db, Stage::Triage, PAGE, PER_TENANT, &busy).await?;
        self.note_full_page(&rows);
        for row in rows {
            self.look(row.tenant_id, row.user_id);
        }
        let mut full = self.fairness().full(self.now());
        full.truncate(LEFT_OUT);
        if !full.is_empty() {
            self.more.store(true, Ordering::Relaxed);
        }
        let rows = ledger::due(&self.deps.db, Stage::Send, PAGE, PER_TENANT, &full).await?;
        self.note_full_page(&rows);
        let turns = self.fairness().turns(rows);
        for row in turns {
            self.send(row.tenant_id, row.user_id, row.lane == URGENT);
        }
        self.sweep_groups(&full).await
    }

    /// Groups come after users.
    async fn sweep_groups(self: &Arc<Self>, full: &[TenantId]) -> Result<(), directory::Error> {
        ledger::owe_groups(&self.deps.db).await?;
        let rows = ledger::due_groups(&self.deps.db, PAGE, PER_TENANT, full).await?;
        let turns = self.fairness().turns(rows);
        for row in turns {
            self.send_group(row.tenant_id, row.user_id);
        }
        Ok(())
    }

    /// How long the sweeper rests if nothing wakes it: less where something waits for no more than its target's pace.
    fn rest(&self, every: Duration) -> Duration {
        if !self.more.load(Ordering::Relaxed) {
            return every;
        }
        self.fairness().opens_in(self.now()).map_or(every, |opens| opens.clamp(GATHER, every))
    }

    fn note_full_page(&self, rows: &[Due]) {
        if rows.len() >= PER_TENANT as usize {
            self.more.store(true, Ordering::Relaxed);
        }
    }
}

/// Works on what rings. A hint is done with as soon as it is heard: the ledger holds what it is about.
pub(crate) async fn listen(pool: Arc<Pool>, mut hints: Hints, shutdown: CancellationToken) {
    loop {
        let hint = tokio::select! {
            hint = hints.next() => hint,
            () = shutdown.cancelled() => return,
        };
        let Some(hint) = hint else { return };
        let span = tracing::info_span!("process hint", otel.kind = "consumer", messaging.system = "rabbitmq");
        telemetry::trace::join(&span, hint.traceparent.as_deref());
        span.in_scope(|| pool.look(TenantId(hint.tenant), hint.user));
    }
}

/// Works on what is due and did not ring: lost hints, back-offs that ended, leases of the dead, what found no place.
pub(crate) async fn sweep(pool: Arc<Pool>, every: Duration, shutdown: CancellationToken) {
    loop {
        if let Err(error) = pool.sweep().await {
            tracing::warn!(name = "ledger.unread", %error, "the ledger cannot be read");
        }
        let freed = async {
            pool.freed.notified().await;
            tokio::time::sleep(GATHER).await;
        };
        tokio::select! {
            () = tokio::time::sleep(pool.rest(every)) => {}
            () = freed => {}
            () = shutdown.cancelled() => return,
        }
    }
}
