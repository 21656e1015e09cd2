//! What a run works with: servers of its own, the program's roles, a sink, people, and the hints that tell of changes.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bus::{Doorbell, Hint};
use testkit::console::Console;
use testkit::installation::{Installation, Role};
use testkit::own::{OwnBroker, OwnPostgres};
use testkit::process::Process;
use testkit::scratch::Scratch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::sink::Sink;

/// Who changes: a user of a tenant.
pub type Person = (Uuid, Uuid);

pub struct World {
    pub sink: Sink,
    pub sink_url: String,
    pub console: Console,
    pub dispatcher: Role,
    pub doorbell: Doorbell,
    pub installation: Installation,
    _control: Role,
    _stop: CancellationToken,
    scratch: Scratch,
    _broker: OwnBroker,
    _postgres: OwnPostgres,
    _runtime: tokio::runtime::Runtime,
}

impl World {
    pub fn start(program: &Path) -> anyhow::Result<Self> {
        let (postgres, broker, sink) = (OwnPostgres::default(), OwnBroker::default(), Sink::default());
        let program = std::path::absolute(program)?;
        let mut installation = Installation::on_own_servers(&program.to_string_lossy(), &postgres, &broker);
        installation.set("KEVRA_LOG", "warn");
        let control = installation.start("control");
        let console = installation.console(&control);
        installation.run(&["cluster", "set", "default", "--public-host", &control.url]);
        let dispatcher = installation.start("dispatcher");
        let sink_url = sink.start()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let url = installation.setting("AMQP_URL").into();
        let doorbell = runtime.block_on(async { bus::ringing(url, &stop, &tracker) });
        installation.database().ask(testkit::bare::TABLE);
        Ok(Self {
            sink,
            sink_url,
            console,
            dispatcher,
            doorbell,
            installation,
            _control: control,
            _stop: stop,
            scratch: Scratch::default(),
            _broker: broker,
            _postgres: postgres,
            _runtime: runtime,
        })
    }

    /// A tenant with people who are all there downstream already.
    pub fn tenant(&self, slug: &str, people: usize) -> anyhow::Result<Vec<Person>> {
        self.console.make_tenant(slug, slug);
        let made = self.people(slug, people)?;
        self.console.enable_outbound(slug, &format!("{}/{slug}", self.sink_url), "token");
        self.sink.clear();
        self.change(&made, "First");
        self.all_arrive(made.len(), Duration::from_mins(5))?;
        Ok(made)
    }

    /// People of a tenant, known to nobody yet.
    pub fn people(&self, slug: &str, count: usize) -> anyhow::Result<Vec<Person>> {
        let listed = self.installation.database().ask(&format!(
            "with made as (insert into realm_person (tenant_id, id, username, first_name, last_name, enabled, changed_at)
                 select t.id, gen_random_uuid(), 'user-' || n, 'Given', 'Family', true, 0
                 from tenant t, generate_series(1, {count}) n where t.slug = '{slug}' returning tenant_id, id),
             bare as (insert into bare (tenant_id, user_id) select tenant_id, id from made)
             select tenant_id, id from made"
        ));
        let pair = |line: &str| -> Option<Person> {
            let (tenant, user) = line.split_once('|')?;
            Some((tenant.parse().ok()?, user.parse().ok()?))
        };
        let people: Vec<Person> = listed.lines().filter_map(pair).collect();
        if people.len() == count { Ok(people) } else { bail!("{} of {count} people were made", people.len()) }
    }

    /// Changes people in the realm, marks them as capture does, and rings for the product to push them; when the change was
    /// committed.
    pub fn change(&self, people: &[Person], family: &str) -> Instant {
        self.rename(people, family, &[
            "insert into ledger (tenant_id, user_id, dirty_seq, triage_at, next_at, dirty_at)
                 select tenant_id, id, 1, NOW, NOW, NOW from realm_person where id in (IDS)
             on conflict (tenant_id, user_id) do update set dirty_seq = ledger.dirty_seq + 1, triage_at = NOW, dirty_at = NOW",
        ]);
        self.ring(people)
    }

    /// Likewise for the bare loop.
    pub fn change_bare(&self, people: &[Person], family: &str) -> Instant {
        self.rename(people, family, &["update bare set dirty = dirty + 1 where user_id in (IDS)"]);
        self.ring(people)
    }

    fn rename(&self, people: &[Person], family: &str, more: &[&str]) {
        let now = "(extract(epoch from clock_timestamp()) * 1000000)::bigint";
        let rename = format!("update realm_person set last_name = '{family}' where id in (IDS)");
        let text = std::iter::once(rename.as_str()).chain(more.iter().copied()).collect::<Vec<_>>().join("; ");
        // An argument of a command has a limit.
        for some in people.chunks(500) {
            let ids: Vec<String> = some.iter().map(|(_, user)| format!("'{user}'")).collect();
            self.installation.database().ask(&text.replace("IDS", &ids.join(",")).replace("NOW", now));
        }
    }

    fn ring(&self, people: &[Person]) -> Instant {
        let committed = Instant::now();
        for (tenant, user) in people {
            self.doorbell.ring(Hint { tenant: *tenant, user: *user, urgent: false, traceparent: None });
        }
        committed
    }

    /// Waits until so many have arrived at the sink; how long that took.
    pub fn all_arrive(&self, count: usize, within: Duration) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let all = testkit::eventually(within, || (self.sink.arrived() >= count).then_some(()));
        all.with_context(|| format!("{} of {count} arrived\n{}", self.sink.arrived(), self.installation.logs()))?;
        Ok(begun.elapsed())
    }

    /// Waits until nothing is under way: what is when its dispatcher ends waits for its lease, and is in doubt.
    pub fn settles(&self) -> anyhow::Result<()> {
        let held = || self.installation.database().ask("select count(*) from ledger where lease_until is not null");
        let settled = testkit::eventually(Duration::from_mins(1), || (held() == "0").then_some(()));
        settled.with_context(|| format!("{} are under way", held()))
    }

    /// Ends the dispatcher when nothing is under way.
    pub fn dispatcher_ends(&mut self) -> anyhow::Result<()> {
        self.settles()?;
        self.dispatcher.process.kill();
        Ok(())
    }

    /// The bare loop as a process of its own.
    pub fn bare(&self, slug: &str, places: usize) -> anyhow::Result<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        let (database, broker) = (self.installation.setting("DATABASE_URL"), self.installation.setting("AMQP_URL"));
        command.args(["bare", database, broker, &format!("{}/{slug}/Users", self.sink_url), &places.to_string()]);
        Ok(Process::start(&mut command, &self.scratch.file("bare.log")))
    }
}
