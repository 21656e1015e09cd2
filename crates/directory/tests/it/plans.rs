//! What the dispatcher asks all day reads no table from end to end, however many people there are: its statements are
//! planned by PostgreSQL on a database of 10,000 tenants with hundreds of thousands of people, half of them one tenant's.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use directory::ledger::{self, Acknowledgement, LinkUpdate, Mark, Stage, Subject, Triage, Verdict};
use directory::parked::{self, Decision};
use directory::refresh::{self, Fate};
use directory::reservation;
use directory::resource::Kind;
use directory::{link, look, user};
use registry::target::Enabled;
use registry::{Db, TenantId};
use scim::native::Native;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use testkit::store::{Store, on_postgres};
use uuid::Uuid;

use crate::enabling::enable;
use crate::groups::make;
use crate::made;

/// Tables whose length is the number of people, groups, or both.
const BIG: [&str; 7] =
    ["ledger", "group_ledger", "directory_user", "directory_group", "link", "group_link", "membership"];
const TENANTS: u32 = 10_000;
/// Of a small tenant; the large one has as many as all of these.
const EACH: u32 = 10;
const KEDA: &str = include_str!("../../../../deploy/helm/kevra-scim/files/due.sql");

#[test]
fn the_dispatcher_reads_no_big_table_from_end_to_end() {
    on_postgres(async |store| {
        let (acme, token) = store.provisioned("acme").await;
        let ada = made(&store, acme, &token, "ada@acme.test", None).await.id;
        let team = make(&store, acme, &token, "Team", Vec::new()).await;
        let target = enable(&store, acme, "https://acme.test/scim").await;
        fill(&store, acme, team).await;
        // Or it would find nothing.
        let control = Statement::from_string(DbBackend::Postgres, "select 1 from ledger l where l.reason = 'x'");
        assert_eq!(read_whole(&store, &control).await, ["ledger".to_owned()].into());

        let ran: Arc<Mutex<Vec<Statement>>> = Arc::default();
        let watcher = ran.clone();
        let db = store.db.clone().watched(move |statement| watcher.lock().unwrap().push(statement.clone()));
        look_for_work(&db, acme).await;
        triage(&db, acme, ada).await;
        send(&db, acme, &target, Subject::from(ada)).await;
        send(&db, acme, &target, Subject::group(team)).await;
        repair(&db, acme, &target, ada, team).await;
        let mut asked = std::mem::take(&mut *ran.lock().unwrap());
        asked.push(Statement::from_string(DbBackend::Postgres, KEDA));
        assert!(asked.len() > 30, "{} statements are seen", asked.len());
        for statement in &asked {
            let whole = read_whole(&store, statement).await;
            assert!(whole.is_empty(), "{whole:?} from end to end, by\n{}", statement.sql);
        }
    });
}

/// The big tables that PostgreSQL would read from end to end: with these values, and with whatever values.
async fn read_whole(store: &Store, statement: &Statement) -> BTreeSet<String> {
    let verb = statement.sql.split_whitespace().next().unwrap_or_default();
    assert!(["select", "insert", "update", "delete", "with"].contains(&verb), "no plan of {}", statement.sql);
    let transaction = store.db.connection().begin().await.unwrap();
    let mut plan = Vec::new();
    let explained = Statement { sql: format!("explain {}", statement.sql), ..statement.clone() };
    plan.extend(transaction.query_all_raw(explained).await.unwrap());
    let count = statement.values.as_ref().map_or(0, |values| values.0.len());
    transaction.execute_unprepared("set local plan_cache_mode = force_generic_plan").await.unwrap();
    transaction.execute_unprepared(&format!("prepare hot as {}", statement.sql)).await.unwrap();
    let values = if count == 0 { String::new() } else { format!("({})", vec!["null"; count].join(", ")) };
    let explained = Statement::from_string(DbBackend::Postgres, format!("explain execute hot{values}"));
    plan.extend(transaction.query_all_raw(explained).await.unwrap());
    transaction.execute_unprepared("deallocate hot").await.unwrap();
    transaction.rollback().await.unwrap();
    let lines = plan.iter().map(|row| row.try_get_by_index::<String>(0).unwrap());
    let tables = lines.filter_map(|line| {
        let (_, rest) = line.split_once("Seq Scan on ")?;
        rest.split_whitespace().next().filter(|table| BIG.contains(table)).map(str::to_owned)
    });
    tables.collect()
}

/// Copies the tenant, its user, its group and what belongs to them. One person in a thousand has something due.
async fn fill(store: &Store, acme: TenantId, team: Uuid) {
    store.run(&format!(
        "create temporary table made as select n, case n when 0 then '{acme}'::uuid else md5('tenant ' || n)::uuid end id,
                case n when 0 then {} else {EACH} end people from generate_series(0, {TENANTS}) n;
         insert into tenant (id, slug, display_name, realm, cluster_id, created_at, updated_at)
             select m.id, 't' || n, 'T', 't' || n, t.cluster_id, 0, 0 from made m, tenant t where n > 0 and t.slug = 'acme';
         insert into target (id, tenant_id, base_url, sealed_token, generation, state, enabled_at, enabled_by, push_groups)
             select m.id, m.id, 'https://t.test', '', 1, 'active', 0, 'test', true from made m where n > 0;
         create temporary table one as select m.id as tenant, md5(n || ' ' || p)::uuid as id, t.id as target, n, p
             from made m join target t on t.tenant_id = m.id, generate_series(1, m.people) p;
         insert into directory_user (tenant_id, id, document, version, username_key, active, base, nonce, created_at, modified_at)
             select tenant, id, '{{}}', 1, p || '@t.test', true, '{{}}', id, p, 0 from one;
         insert into directory_group (tenant_id, id, document, version, display_key, nonce, created_at, modified_at)
             select tenant, id, '{{}}', 1, 'g' || p, id, p, 0 from one;
         insert into membership (tenant_id, group_id, user_id, desired, state, changed_at)
             select tenant, id, id, true, 'settled', 0 from one;
         insert into ledger (tenant_id, user_id, dirty_seq, seen_seq, acked_seq, owed_seq, triage_at, next_at, dirty_at)
             select tenant, id, 2, 2 - (p % 1000 = 1)::int, 1, 1 + (p % 1000 = 2)::int, 0, 0, 0 from one;
         insert into group_ledger (tenant_id, group_id, dirty_seq, seen_seq, acked_seq, owed_seq, triage_at, next_at, dirty_at)
             select tenant, id, 2, 2, 1, 1 + (p % 1000 = 3)::int, 0, 0, 0 from one;
         insert into link (tenant_id, user_id, target_id, downstream_id, updated_at) select tenant, id, target, id::text, 0 from one;
         insert into group_link (tenant_id, group_id, target_id, downstream_id, updated_at)
             select tenant, id, target, id::text, 0 from one;
         update target set push_groups = true;
         insert into group_ledger (tenant_id, group_id, dirty_seq, seen_seq, acked_seq, owed_seq, triage_at, next_at, dirty_at)
             values ('{acme}', '{team}', 2, 2, 1, 2, 0, 0, 0)
             on conflict (tenant_id, group_id) do update set owed_seq = group_ledger.acked_seq + 1, next_at = 0;
         drop table one; drop table made; analyze",
        TENANTS * EACH
    ))
    .await;
}

/// The sweeper's pages and what gauges count.
async fn look_for_work(db: &Db, acme: TenantId) {
    for except in [Vec::new(), vec![acme]] {
        for stage in [Stage::Triage, Stage::Send] {
            assert!(!ledger::due(db, stage, 200, 20, &except).await.unwrap().is_empty());
        }
        ledger::due_groups(db, 200, 20, &except).await.unwrap();
    }
    ledger::backlog(db).await.unwrap();
    ledger::backlog_of(db, acme).await.unwrap();
    ledger::targets(db).await.unwrap();
    look::due(db, 100).await.unwrap();
    for kind in [Kind::User, Kind::Group] {
        reservation::claim_stale(db, kind, 100).await.unwrap();
    }
}

/// A mark, and what a triage does about it.
async fn triage(db: &Db, acme: TenantId, ada: Uuid) {
    ledger::mark(db.connection(), acme, ada, &Mark::default()).await.unwrap();
    let claim = ledger::claim(db, acme, ada, Stage::Triage, None).await.unwrap().unwrap();
    let fence = crate::fence(db, acme, ada).await.unwrap();
    let native = Native::of(&user::by_id(db, acme, ada).await.unwrap().unwrap().document);
    let seen = Triage { claim: &claim, observed: vec![9], urgent: false, gone: false };
    refresh::commit(db, acme, ada, Some(&fence), Fate::Follow(&native), &seen).await.unwrap();
}

/// A round of a user or of a group.
async fn send(db: &Db, acme: TenantId, target: &Enabled, subject: Subject) {
    let claim = ledger::claim(db, acme, subject, Stage::Send, Some(target.generation)).await.unwrap().unwrap();
    link::of(db, acme, subject, target.id).await.unwrap();
    link::digests(db, acme, target.id, &[subject.id]).await.unwrap();
    link::intend_create(db, acme, subject, target.id, claim.epoch).await.unwrap();
    assert!(ledger::renew(db, acme, subject, claim.epoch, Some(target.generation)).await.unwrap());
    let round = Acknowledgement {
        claim: &claim,
        target: target.id,
        generation: target.generation,
        observed: vec![9],
        verdict: Verdict::Done,
        reason: None,
        status: Some(200),
        link: Some(LinkUpdate { downstream_id: Some("d".to_owned()), ..LinkUpdate::default() }),
        attempts: Vec::new(),
    };
    let recorded = ledger::record(db, acme, subject, &round).await.unwrap();
    assert_ne!(recorded, ledger::Recorded::Stale);
    ledger::row(db, acme, subject).await.unwrap();
}

/// What is done when something went wrong, or may have.
async fn repair(db: &Db, acme: TenantId, target: &Enabled, ada: Uuid, team: Uuid) {
    ledger::mark(db.connection(), acme, ada, &Mark { reassert: true, ..Mark::default() }).await.unwrap();
    let claim = ledger::claim(db, acme, ada, Stage::Triage, None).await.unwrap().unwrap();
    ledger::release(db, acme, ada, &claim, 0).await.unwrap();
    ledger::hasten(db, acme).await.unwrap();
    ledger::live_leases(db, acme, target.generation).await.unwrap();
    look::want(db.connection(), acme, team, false).await.unwrap();
    look::of_user(db, acme, ada).await.unwrap();
    parked::decide(db, acme, ada, Decision::Ignore, "test").await.unwrap();
}
