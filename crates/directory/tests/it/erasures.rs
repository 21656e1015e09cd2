use directory::erase::{self, Erasure};
use directory::ledger::{self, Mark, Stage};
use directory::parked::{self, Decision};
use directory::{activity, departure, link, person};
use registry::{TargetId, TenantId, audit};
use sea_orm::{FromQueryResult, Statement};
use testkit::store::Store;
use uuid::Uuid;

use crate::enabling::enable;
use crate::made;

testkit::on_both_databases!(
    an_erased_person_is_in_no_table_any_more,
    an_erased_persons_record_in_the_application_is_named_by_no_entry_any_more,
    the_end_of_a_person_is_unseen_until_a_look_found_nobody,
    a_person_somebody_works_on_or_owes_something_stays_whole,
    another_tenants_person_of_that_id_stays,
);

/// Somebody every table knows of.
async fn known_everywhere(store: &Store) -> (TenantId, Uuid, TargetId) {
    let (acme, token) = store.provisioned("acme").await;
    let target = enable(store, acme, "https://a.test/scim").await;
    let ada = made(store, acme, &token, "ada@acme.test", Some("e-ada")).await.id;
    let stand_in = person::Person {
        id: ada,
        username: "ada@acme.test".to_owned(),
        email: Some("ada@acme.test".to_owned()),
        first_name: None,
        last_name: None,
        enabled: true,
        external_id: None,
        marker: None,
        managed: true,
        changed_at: 1,
        touched_at: 0,
        attributes: None,
    };
    person::insert(&store.db, acme, &stand_in, None).await.unwrap();
    let entry = crate::trails::entry(acme, 1, "ok", Some(ada));
    activity::insert(store.db.connection(), &[entry]).await.unwrap();
    departure::note(&store.db, acme, target.id, target.generation, departure::Kind::Off, ada).await.unwrap();
    link::show_candidate(&store.db, acme, ada, target.id, Some(("d-1", "digest"))).await.unwrap();
    audit::note(&store.db, acme, "dana", "outbound.retry", serde_json::json!({ "user": ada })).await.unwrap();
    let (a, u) = (literal(store, acme.0), literal(store, ada));
    for statement in [
        format!("update link set downstream_id = 'd-1' where user_id = {u}"),
        format!(
            "insert into directory_group (tenant_id, id, document, version, created_at, modified_at)
             values ({a}, {a}, '{{}}', 1, 1, 1)"
        ),
        format!(
            "insert into membership (tenant_id, group_id, user_id, desired, state, changed_at)
             select {a}, id, {u}, true, 'done', 1 from directory_group"
        ),
        format!(
            "insert into backfill (id, tenant_id, target_id, state, dry_run, started_at, started_by, ended_at, reach,
                 sample, next_at)
             values ({u}, {a}, {a}, 'done', true, 1, 'dana', 2, {u}, '[{{\"id\":\"{ada}\"}}]', 1)"
        ),
    ] {
        store.run(&statement).await;
    }
    // The backfill's own id was borrowed from the user's.
    store.run(&format!("update backfill set id = {a}")).await;
    (acme, ada, target.id)
}

/// A UUID as a statement writes it.
fn literal(store: &Store, id: Uuid) -> String {
    if store.is_postgres() { format!("'{id}'") } else { format!("x'{}'", id.simple()) }
}

/// Everything owed is delivered.
async fn in_step(store: &Store) {
    store.run("update ledger set seen_seq = dirty_seq, owed_seq = dirty_seq, acked_seq = dirty_seq").await;
}

/// Tables that hold a row with one of some texts in it; a UUID also where it is stored as bytes.
async fn tables_with(store: &Store, texts: &[String]) -> Vec<String> {
    #[derive(FromQueryResult)]
    struct Name {
        name: String,
    }
    #[derive(FromQueryResult)]
    struct Count {
        number: i64,
    }
    let connection = store.db.connection();
    let names = async |text: &str| -> Vec<String> {
        let statement = Statement::from_string(store.db.backend(), text);
        let rows = Name::find_by_statement(statement).all(connection).await.unwrap();
        rows.into_iter().map(|row| row.name).collect()
    };
    let postgres = store.is_postgres();
    let tables = names(if postgres {
        "select table_name::text as name from information_schema.tables where table_schema = 'public'"
    } else {
        "select name from sqlite_master where type = 'table'"
    });
    let tables = tables.await;
    assert!(tables.len() > 15, "{tables:?}");
    let mut found = Vec::new();
    for table in tables {
        let whole = if postgres {
            format!("(\"{table}\"::text)")
        } else {
            let columns = names(&format!("select name from pragma_table_info('{table}')")).await;
            let shown = columns.iter().map(|name| {
                format!(
                    "case typeof(\"{name}\") when 'blob' then lower(hex(\"{name}\")) else ifnull(\"{name}\", '') end"
                )
            });
            shown.collect::<Vec<_>>().join(" || ' ' || ")
        };
        let within = texts.iter().map(|text| format!("{whole} like '%{text}%'")).collect::<Vec<_>>().join(" or ");
        let text = format!("select count(*) as number from \"{table}\" where {within}");
        let statement = Statement::from_string(store.db.backend(), text);
        if Count::find_by_statement(statement).one(connection).await.unwrap().unwrap().number > 0 {
            found.push(table);
        }
    }
    found.sort();
    found
}

async fn an_erased_person_is_in_no_table_any_more(store: Store) {
    let (acme, ada, _) = known_everywhere(&store).await;
    in_step(&store).await;
    let texts = [ada.to_string(), ada.simple().to_string(), "ada@acme.test".to_owned(), "e-ada".to_owned()];
    let before = tables_with(&store, &texts).await;
    for table in [
        "activity",
        "audit_entry",
        "backfill",
        "departure",
        "directory_user",
        "ledger",
        "link",
        "membership",
        "realm_person",
    ] {
        assert!(before.iter().any(|found| found == table), "{table} knows nobody: {before:?}");
    }
    let records = erase::records(&store.db, acme, ada).await.unwrap();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((records[0].base_url.as_str(), records[0].downstream_id.as_str()), ("https://a.test/scim", "d-1"));
    let there = erase::rows(&store.db, acme, ada).await.unwrap();
    let Erasure::Done(rows) = erase::erase(&store.db, acme, ada, false, "dana").await.unwrap() else {
        panic!("nothing is under way")
    };
    assert_eq!(rows, there, "what was said to be there is gone");
    assert_eq!(rows.get("directory_user"), Some(&1), "{rows:?}");
    assert_eq!(tables_with(&store, &texts).await, Vec::<String>::new());
    let entry = audit::last(&store.db, acme, &["user.erase"]).await.unwrap().unwrap();
    assert_eq!(entry.actor, "dana");
    assert!(
        audit::last(&store.db, acme, &["outbound.retry"]).await.unwrap().is_some(),
        "the entry stays, without the id"
    );
    let Erasure::Done(rows) = erase::erase(&store.db, acme, ada, false, "dana").await.unwrap() else { panic!("again") };
    assert!(rows.is_empty(), "there is nothing left: {rows:?}");
}

async fn an_erased_persons_record_in_the_application_is_named_by_no_entry_any_more(store: Store) {
    let (acme, ada, _) = known_everywhere(&store).await;
    in_step(&store).await;
    let (eve, record) = (Uuid::new_v4(), r#"CN="Ada\Lovelace" 100%"#);
    for (user, record) in [(ada, record), (ada, "7"), (eve, "7")] {
        let detail = serde_json::json!({ "user": user, "downstream_id": record, "at": 7 });
        audit::note(&store.db, acme, "dana", "outbound.link", detail).await.unwrap();
    }
    assert!(matches!(erase::erase(&store.db, acme, ada, false, "dana").await.unwrap(), Erasure::Done(_)));
    let entries = audit::newest(&store.db, acme, 100).await.unwrap();
    let links: Vec<serde_json::Value> = entries
        .iter()
        .filter(|entry| entry.action == "outbound.link")
        .map(|entry| serde_json::from_str(&entry.detail).unwrap())
        .collect();
    let erased = serde_json::json!({ "user": "erased", "downstream_id": "erased", "at": 7 });
    assert_eq!(links.iter().filter(|detail| **detail == erased).count(), 2, "{links:?}");
    let another = serde_json::json!({ "user": eve, "downstream_id": "7", "at": 7 });
    assert!(links.contains(&another), "one with the same id at another application is somebody else: {links:?}");
}

async fn the_end_of_a_person_is_unseen_until_a_look_found_nobody(store: Store) {
    let (acme, ada, _) = known_everywhere(&store).await;
    let unseen = async || erase::is_unseen(&store.db, acme, ada).await.unwrap();
    in_step(&store).await;
    assert!(unseen().await, "the directory has her");
    store.run("delete from directory_user").await;
    assert!(unseen().await, "the ledger has not heard of it");
    ledger::mark(store.db.connection(), acme, ada, &Mark { deleted: true, ..Mark::default() }).await.unwrap();
    assert_eq!(erase::erase(&store.db, acme, ada, false, "dana").await.unwrap(), Erasure::Owed);
    in_step(&store).await;
    store.run("update ledger set gone_at = 1").await;
    assert!(!unseen().await);
    assert!(matches!(erase::erase(&store.db, acme, ada, false, "dana").await.unwrap(), Erasure::Done(_)));
    assert!(!unseen().await, "nothing is known of her");
}

async fn a_person_somebody_works_on_or_owes_something_stays_whole(store: Store) {
    let (acme, ada, _) = known_everywhere(&store).await;
    in_step(&store).await;
    ledger::mark(store.db.connection(), acme, ada, &Mark::default()).await.unwrap();
    assert_eq!(erase::erase(&store.db, acme, ada, false, "dana").await.unwrap(), Erasure::Owed);
    let claim = ledger::claim(&store.db, acme, ada, Stage::Triage, None).await.unwrap();
    assert!(claim.is_some(), "the change is looked at");
    for even_if_owed in [false, true] {
        let outcome = erase::erase(&store.db, acme, ada, even_if_owed, "dana").await.unwrap();
        assert_eq!(outcome, Erasure::UnderWay, "whoever works on the user would bring it back");
    }
    assert!(ledger::row(&store.db, acme, ada).await.unwrap().is_some());
    store.run("update ledger set lease_until = null").await;
    let outcome = erase::erase(&store.db, acme, ada, true, "dana").await.unwrap();
    assert!(matches!(outcome, Erasure::Done(_)), "{outcome:?}");
    assert!(!parked::decide(&store.db, acme, ada, Decision::Retry, "dana").await.unwrap());
}

async fn another_tenants_person_of_that_id_stays(store: Store) {
    let (acme, ada, _) = known_everywhere(&store).await;
    in_step(&store).await;
    let beta = store.tenant("beta").await;
    ledger::mark(store.db.connection(), beta, ada, &Mark::default()).await.unwrap();
    assert!(matches!(erase::erase(&store.db, acme, ada, false, "dana").await.unwrap(), Erasure::Done(_)));
    assert!(ledger::row(&store.db, beta, ada).await.unwrap().is_some());
}
