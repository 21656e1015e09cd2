//! The measures. Floor and subject take turns; what is compared are ratios within a round.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::installation::Role;
use uuid::Uuid;

use crate::figures::{cpu, median, memory, quantile};
use crate::sink::Manner;
use crate::world::{Person, World};

/// A measure.
pub type Measure = fn(&mut World) -> anyhow::Result<Value>;

pub const ALL: [(&str, Measure); 6] = [
    ("drain", drain),
    ("latency", latency),
    ("fairness", fairness),
    ("replicas", replicas),
    ("backfill", backfill),
    // Last: what it leaves behind is more than the others could bear.
    ("memory", large),
];

const ROUNDS: usize = 3;
const PEOPLE: usize = 2_000;
/// So many tenants share them.
const TENANTS: usize = 20;
/// Places of the product by default.
const PLACES: usize = 64;
const PATIENCE: Duration = Duration::from_mins(5);

/// Lets what was rung get to the broker, which confirms a thousand a second.
fn published(count: usize) {
    std::thread::sleep(Duration::from_secs(2) + Duration::from_millis(2 * count as u64));
}

/// Everybody is dirty when the worker starts: pushes a second and CPU for each, beside the bare loop. They are people of
/// several tenants: one target has but eight of the places.
fn drain(world: &mut World) -> anyhow::Result<Value> {
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        tenants.push(world.tenant(&format!("drain-{number}"), PEOPLE / TENANTS)?);
    }
    let people: Vec<Person> =
        (0..PEOPLE / TENANTS).flat_map(|nth| tenants.iter().map(move |people| people[nth])).collect();
    let (mut rates, mut costs, mut figures) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        world.dispatcher_ends()?;
        world.sink.clear();
        world.change_bare(&people, &format!("Bare {round}"));
        published(people.len());
        let bare = world.bare("drain-0", PLACES)?;
        let floor = drained(world, bare.id(), people.len())?;
        drop(bare);
        world.sink.clear();
        world.change(&people, &format!("Round {round}"));
        published(people.len());
        world.dispatcher.restart_unready();
        let subject = drained(world, world.dispatcher.process.id(), people.len())?;
        rates.push(subject.0 / floor.0);
        costs.push(subject.1 / floor.1);
        figures.push(json!({ "bare": { "per_second": floor.0, "cpu_us": floor.1 },
            "ours": { "per_second": subject.0, "cpu_us": subject.1 } }));
    }
    Ok(json!({ "rate_ratio": median(rates), "cpu_ratio": median(costs), "rounds": figures }))
}

/// Pushes a second between the first and the last, and microseconds of CPU for each.
fn drained(world: &World, process: u32, count: usize) -> anyhow::Result<(f64, f64)> {
    world.all_arrive(1, PATIENCE)?;
    let (begun, before, already) = (Instant::now(), cpu(process)?, world.sink.arrived());
    world.all_arrive(count, PATIENCE)?;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let pushes = (count - already).max(1) as f64;
    let spent = cpu(process)?.saturating_sub(before).as_secs_f64();
    Ok((pushes / begun.elapsed().as_secs_f64(), spent * 1e6 / pushes))
}

/// An open loop of changes: from the commit of the mark to the sink. Each person changes once, to a name it never had.
fn flow(world: &World, people: &[Person], per_second: u32, bare: bool) -> Vec<(Uuid, Option<Duration>)> {
    world.sink.clear();
    // In batches: one statement for the changes of 20 ms.
    let batch = (per_second / 50).max(1);
    let pause = Duration::from_secs(1) * batch / per_second;
    let (mut due, mut sent) = (Instant::now(), Vec::with_capacity(people.len()));
    for chunk in people.chunks(batch as usize) {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        due += pause;
        let family = Uuid::new_v4().to_string();
        let changed = if bare { world.change_bare(chunk, &family) } else { world.change(chunk, &family) };
        sent.extend(chunk.iter().map(|(_, user)| (*user, changed)));
    }
    let _: Option<()> =
        testkit::eventually(Duration::from_secs(20), || (world.sink.arrived() >= people.len()).then_some(()));
    let arrived = world.sink.when();
    let wait =
        |(user, changed): (Uuid, Instant)| (user, arrived.get(&user).map(|at| at.saturating_duration_since(changed)));
    sent.into_iter().map(wait).collect()
}

fn of_flow(sample: &[(Uuid, Option<Duration>)]) -> (f64, f64) {
    let waits: Vec<Option<Duration>> = sample.iter().map(|(_, wait)| *wait).collect();
    (quantile(&waits, 0.5), quantile(&waits, 0.99))
}

/// Change → push at 50, 200 and 1,000 a second, beside the bare loop.
fn latency(world: &mut World) -> anyhow::Result<Value> {
    let people = world.tenant("latency", 4_000)?;
    let mut rows = Vec::new();
    for rate in [50_u32, 200, 1_000] {
        let some = &people[..(rate as usize * 4).min(people.len())];
        let (mut halves, mut tails, mut rounds) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            world.dispatcher_ends()?;
            let bare = world.bare("latency", PLACES)?;
            let floor = of_flow(&flow(world, some, rate, true));
            drop(bare);
            world.dispatcher.restart();
            let ours = of_flow(&flow(world, some, rate, false));
            halves.push(ours.0 / floor.0);
            tails.push(ours.1 / floor.1);
            rounds.push(json!({ "bare_ms": [floor.0, floor.1], "ours_ms": [ours.0, ours.1] }));
        }
        let (p50, p99) = (median(halves), median(tails));
        rows.push(json!({ "per_second": rate, "p50_ratio": p50, "p99_ratio": p99, "rounds": rounds }));
    }
    Ok(json!(rows))
}

/// What the healthy notice: 1 hung of 50 tenants, 20 dead of 200, each beside the same run without.
fn fairness(world: &mut World) -> anyhow::Result<Value> {
    let each = 20;
    let mut tenants = Vec::new();
    for number in 0..200 {
        let slug = format!("fair-{number}");
        let people = world.tenant(&slug, each)?;
        tenants.push((slug, people));
    }
    let mut rows = Vec::new();
    for (count, bad, manner) in [(50, 1, Manner::Hung), (200, 20, Manner::Dead)] {
        let people: Vec<Person> =
            (0..each).flat_map(|nth| tenants[..count].iter().map(move |(_, people)| people[nth])).collect();
        let healthy = |sample: Vec<(Uuid, Option<Duration>)>| {
            let sick = |user: &Uuid| tenants[..bad].iter().any(|(_, people)| people.iter().any(|(_, one)| one == user));
            of_flow(&sample.into_iter().filter(|(user, _)| !sick(user)).collect::<Vec<_>>())
        };
        let without = healthy(flow(world, &people, 200, false));
        tenants[..bad].iter().for_each(|(slug, _)| world.sink.behave(slug, manner));
        let with = healthy(flow(world, &people, 200, false));
        tenants[..bad].iter().for_each(|(slug, _)| world.sink.behave(slug, Manner::Prompt));
        rows.push(
            json!({ "tenants": count, "bad": bad, "manner": format!("{manner:?}"), "without_ms": [without.0, without.1],
            "with_ms": [with.0, with.1], "p99_ratio": with.1 / without.1 }),
        );
    }
    Ok(json!(rows))
}

/// Pushes a second of one, two and four dispatchers to a downstream that takes 50 ms: its places, not the processor, are what
/// there is too little of.
fn replicas(world: &mut World) -> anyhow::Result<Value> {
    let people = world.tenant("replicas", 1_000)?;
    world.sink.behave("replicas", Manner::Slow);
    let mut rows = Vec::new();
    let mut alone = f64::NAN;
    for count in [1, 2, 4] {
        world.dispatcher_ends()?;
        world.sink.clear();
        world.change(&people, &format!("By {count}"));
        published(people.len());
        world.dispatcher.restart_unready();
        let others: Vec<Role> = (1..count).map(|_| world.installation.start("dispatcher")).collect();
        let (rate, _) = drained(world, world.dispatcher.process.id(), people.len())?;
        world.settles()?;
        drop(others);
        if count == 1 {
            alone = rate;
        }
        rows.push(json!({ "dispatchers": count, "per_second": rate, "of_one": rate / alone }));
    }
    world.sink.behave("replicas", Manner::Prompt);
    Ok(json!(rows))
}

/// Memory of the dispatcher with 10,000 tenants and 100,000 dirty rows.
fn large(world: &mut World) -> anyhow::Result<Value> {
    world.dispatcher_ends()?;
    world.dispatcher.restart();
    let before = memory(world.dispatcher.process.id())?;
    world.installation.database().ask(
        "insert into tenant (id, slug, display_name, realm, cluster_id, created_at, updated_at)
             select gen_random_uuid(), 'many-' || n, 'Many', 'many-' || n, c.id, 0, 0
             from cluster c, generate_series(1, 10000) n;
         insert into realm_person (tenant_id, id, username, enabled, changed_at)
             select t.id, gen_random_uuid(), 'user-' || n, true, 0 from tenant t, generate_series(1, 10) n
             where t.slug like 'many-%';
         insert into ledger (tenant_id, user_id, dirty_seq, triage_at, next_at, dirty_at)
             select p.tenant_id, p.id, 1, 0, 0, 0 from realm_person p join tenant t on t.id = p.tenant_id
             where t.slug like 'many-%'",
    );
    let mut most = before;
    let left = || world.installation.database().ask("select count(*) from ledger where dirty_seq > seen_seq");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_mins(2) && left() != "0" {
        most = most.max(memory(world.dispatcher.process.id())?);
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(
        json!({ "before_mib": before, "most_mib": most, "ratio": most / before, "goal": 2, "left": left(), "seconds": begun.elapsed().as_secs_f64() }),
    )
}

/// A backfill of 10,000 people.
fn backfill(world: &mut World) -> anyhow::Result<Value> {
    let count = 10_000;
    world.console.make_tenant("backfill", "backfill");
    world.people("backfill", count)?;
    world.console.enable_outbound("backfill", &format!("{}/backfill", world.sink_url), "token");
    world.sink.clear();
    let begun = Instant::now();
    let path = "/tenants/backfill/outbound/backfill";
    let (status, answer) = world.console.call(Method::POST, path, Some(&json!({ "dry_run": false })));
    anyhow::ensure!(status == 202, "{status} {answer}");
    world.all_arrive(count, Duration::from_mins(10))?;
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "ten thousand")]
    let rate = count as f64 / seconds;
    Ok(json!({ "people": count, "seconds": seconds, "per_second": rate }))
}
