//! What is there to be broken.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use demo::sample_app::{Manners, Shows};
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::{Installation, Role};
use testkit::network::Network;
use testkit::own::{OwnBroker, OwnPostgres};

use super::verdict::Seen;
use crate::provider::Provider;
use crate::{PROGRAM, choose_groups, front};

/// Downstreams of every kind: what they lack decides how we must find our records again.
const MANNERS: [Manners; 5] = [
    PLAIN,
    Manners { unique: false, ..PLAIN },
    Manners { filters: false, ..PLAIN },
    Manners { unique: false, filters: false, patches: false, ..PLAIN },
    Manners { patches: false, ..PLAIN },
];
const PLAIN: Manners =
    Manners { unique: true, filters: true, patches: true, groups: true, members: true, shows: Shows::Plainly };

/// Comes to an end with everything it started.
pub(super) struct World {
    pub dispatchers: Vec<Role>,
    pub gateway: Role,
    pub tenants: Vec<Tenant>,
    /// Dispatchers that are frozen, and until when.
    frozen: Vec<(usize, Instant)>,
    crashes: usize,
    installation: Installation,
    _control: Role,
    pub broker: OwnBroker,
    pub postgres: OwnPostgres,
}

pub(super) struct Tenant {
    pub slug: String,
    pub token: String,
    pub network: Network,
    downstream: Fieldnotes,
}

impl World {
    pub fn new() -> Self {
        let (postgres, broker) = (OwnPostgres::default(), OwnBroker::default());
        let installation = Installation::on_own_servers(PROGRAM, &postgres, &broker);
        let (console, control, gateway) = front(&installation);
        let dispatchers = (0..2).map(|_| installation.start("dispatcher")).collect();
        let tenant = |(number, manners): (usize, Manners)| {
            let (slug, downstream) = (format!("tenant-{number}"), Fieldnotes::with(manners));
            let network = Network::new(downstream.url());
            console.make_tenant(&slug, &slug);
            console.enable_outbound(&slug, network.url(), downstream.token());
            choose_groups(&console, &slug);
            let token = console.enable_inbound(&slug);
            Tenant { slug, token, network, downstream }
        };
        let tenants = MANNERS.into_iter().enumerate().map(tenant).collect();
        let (frozen, crashes) = (Vec::new(), 0);
        Self { dispatchers, gateway, tenants, frozen, crashes, installation, _control: control, broker, postgres }
    }

    /// An identity provider for each tenant.
    pub fn providers(&self) -> Vec<Provider> {
        self.tenants.iter().map(|tenant| Provider::new(&self.gateway.url, &tenant.slug, &tenant.token)).collect()
    }

    pub fn freeze_dispatcher(&mut self, number: usize, time: Duration) {
        if self.frozen.iter().all(|(frozen, _)| *frozen != number) {
            self.dispatchers[number].process.signal("STOP");
            self.frozen.push((number, Instant::now() + time));
        }
    }

    pub fn kill_dispatcher(&mut self, number: usize) {
        self.frozen.retain(|(frozen, _)| *frozen != number);
        self.dispatchers[number].process.kill();
        self.dispatchers[number].restart_unready();
    }

    /// What whoever runs the product does by itself: starts what has ended. And the frozen go on when their time has come.
    pub fn tend(&mut self) {
        let now = Instant::now();
        for (number, _) in self.frozen.extract_if(.., |(_, until)| *until <= now) {
            self.dispatchers[number].process.signal("CONT");
        }
        self.crashes += usize::from(self.broker.tend());
        for role in self.dispatchers.iter_mut().chain([&mut self.gateway]) {
            if !role.process.is_running() {
                self.crashes += 1;
                role.restart_unready();
            }
        }
    }

    /// The trouble is over.
    pub fn heal(&mut self) {
        for (number, _) in self.frozen.drain(..) {
            self.dispatchers[number].process.signal("CONT");
        }
        for tenant in &self.tenants {
            tenant.network.mend();
        }
        self.tend();
        assert!(self.broker.answers_within(Duration::from_mins(2)), "the broker is back: {}", self.broker.output());
    }

    /// Faults on the network that a request has met.
    pub fn hits(&self) -> usize {
        self.tenants.iter().map(|tenant| tenant.network.hits().len()).sum()
    }

    pub fn kinds_of_hits(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for fault in self.tenants.iter().flat_map(|tenant| tenant.network.hits()) {
            *kinds.entry(format!("{fault:?}")).or_default() += 1;
        }
        kinds
    }

    /// Roles that ended by themselves: a start while the database is away, most likely.
    pub fn crashes(&self) -> usize {
        self.crashes
    }

    /// What the downstreams hold, and how it came about.
    pub fn seen(&self) -> Vec<Seen> {
        let seen = |tenant: &Tenant| Seen {
            tenant: tenant.slug.clone(),
            records: tenant.downstream.app().users().into_iter().map(Into::into).collect(),
            groups: tenant.downstream.app().groups().into_iter().map(Into::into).collect(),
            changes: tenant.network.changes(),
        };
        self.tenants.iter().map(seen).collect()
    }

    /// Nothing is owed, nothing is under way.
    pub fn rests(&self) -> bool {
        let waiting = "select (select count(*) from ledger where owed_seq > acked_seq or dirty_seq > seen_seq)
             + (select count(*) from group_ledger where owed_seq > acked_seq or dirty_seq > seen_seq)";
        self.installation.database().ask(waiting) == "0" && self.tenants.iter().all(|tenant| tenant.network.is_calm())
    }

    /// For a person who has to find out what happened.
    pub fn state(&self) -> String {
        let owed = |ledger: &str| {
            self.installation.database().ask(&format!(
                "select t.slug, l.* from {ledger} l join tenant t on t.id = l.tenant_id
                 where owed_seq > acked_seq or dirty_seq > seen_seq"
            ))
        };
        let rows = [owed("ledger"), owed("group_ledger")].join("\n");
        let logs = self.installation.logs();
        let tail = logs.len().saturating_sub(20_000);
        let tail = (tail..logs.len()).find(|at| logs.is_char_boundary(*at)).unwrap_or(0);
        format!("{rows}\n{}", &logs[tail..])
    }
}
