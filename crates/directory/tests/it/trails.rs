use directory::activity::{self, Entry, RealmCall};
use directory::trail::{self, Place, Wanted};
use directory::user;
use registry::TenantId;
use testkit::store::Store;
use uuid::Uuid;

testkit::on_both_databases!(
    pages_follow_each_other_without_gap_or_repetition,
    filters_narrow_a_page,
    old_entries_are_forgotten_in_batches,
    a_user_is_found_by_name_or_address,
    what_a_request_asked_of_the_realm_is_kept_with_it,
);

pub(crate) fn entry(tenant: TenantId, at: i64, class: &str, user: Option<Uuid>) -> Entry {
    Entry {
        tenant,
        at,
        direction: if class == "ok" { "out" } else { "in" },
        user,
        target: None,
        operation: "PATCH /Users/{id}".to_owned(),
        status: Some(200),
        class: class.to_owned(),
        reason: None,
        changed: vec!["active".to_owned()],
        duration_ms: 3,
        seq: None,
        trace_id: Some(format!("trace-{at}")),
        client: None,
        detail: None,
        realm_calls: Vec::new(),
    }
}

async fn pages_follow_each_other_without_gap_or_repetition(store: Store) {
    let (acme, beta) = (store.tenant("acme").await, store.tenant("beta").await);
    // Several of one moment: the cursor must tell them apart.
    let entries: Vec<Entry> = (0..25).map(|number| entry(acme, number / 4, "ok", None)).collect();
    activity::insert(store.db.connection(), &entries).await.unwrap();
    activity::insert(store.db.connection(), &[entry(beta, 1, "ok", None)]).await.unwrap();
    let (mut wanted, mut seen) = (Wanted::default(), Vec::new());
    loop {
        let page = trail::page(&store.db, acme, &wanted, 4).await.unwrap();
        let Some(last) = page.last() else { break };
        wanted.before = Some(Place { at: last.at, id: last.id });
        seen.extend(page.iter().map(|row| (row.at, row.id)));
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first");
    assert_eq!(trail::since(&store.db, acme, 5, 100).await.unwrap().len(), 5);
}

async fn filters_narrow_a_page(store: Store) {
    let acme = store.tenant("acme").await;
    let ada = Uuid::new_v4();
    let entries =
        [entry(acme, 1, "ok", Some(ada)), entry(acme, 2, "rotated", None), entry(acme, 3, "ok", Some(Uuid::new_v4()))];
    activity::insert(store.db.connection(), &entries).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    for (wanted, count) in [
        (Wanted::default(), 3),
        (Wanted { classes: vec!["ok".to_owned()], ..Wanted::default() }, 2),
        (Wanted { classes: vec!["ok".to_owned(), "rotated".to_owned()], ..Wanted::default() }, 3),
        (Wanted { direction: text("in"), ..Wanted::default() }, 1),
        (Wanted { trace: text("trace-2"), ..Wanted::default() }, 1),
        (Wanted { users: Some(vec![ada]), ..Wanted::default() }, 1),
        (Wanted { users: Some(Vec::new()), ..Wanted::default() }, 0),
        (Wanted { users: Some(vec![ada]), classes: vec!["rotated".to_owned()], ..Wanted::default() }, 0),
    ] {
        assert_eq!(trail::page(&store.db, acme, &wanted, 10).await.unwrap().len(), count, "{wanted:?}");
    }
    assert_eq!(trail::last_delivery(&store.db, acme).await.unwrap(), Some(3));
}

async fn old_entries_are_forgotten_in_batches(store: Store) {
    let acme = store.tenant("acme").await;
    let now = directory::ledger::now(&store.db).await.unwrap();
    let mut entries: Vec<Entry> = (0..7).map(|number| entry(acme, number, "ok", None)).collect();
    entries.push(entry(acme, now, "ok", None));
    activity::insert(store.db.connection(), &entries).await.unwrap();
    for left in [5, 2] {
        assert_eq!(trail::forget(&store.db, 60_000_000, 5).await.unwrap(), left);
    }
    assert_eq!(trail::page(&store.db, acme, &Wanted::default(), 10).await.unwrap().len(), 1);
}

async fn a_user_is_found_by_name_or_address(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = crate::made(&store, acme, &token, "Ada_L", None).await;
    store.run("update directory_user set email_key = 'ada@acme.test', other_email_keys = '|al@x.test|'").await;
    for (text, found) in [
        ("ADA_L", true),
        ("ada@acme.test", true),
        ("AL@x.test", true),
        ("adaxl", false),
        ("a%", false),
        ("l@x.test", false),
    ] {
        assert_eq!(user::named(&store.db, acme, text).await.unwrap() == [ada.id], found, "{text}");
    }
    let names = user::names(&store.db, acme, &[ada.id, Uuid::new_v4()]).await.unwrap();
    assert_eq!((names.len(), names[&ada.id].as_str()), (1, "Ada_L"));
}

async fn what_a_request_asked_of_the_realm_is_kept_with_it(store: Store) {
    let acme = store.tenant("acme").await;
    let call = |operation: &str, class: &str, count| RealmCall {
        operation: operation.to_owned(),
        class: class.to_owned(),
        count,
        duration_ms: 7,
    };
    let calls = vec![call("disable user", "ok", 1), call("end sessions", "unavailable", 2)];
    let told = Entry { realm_calls: calls.clone(), ..entry(acme, 2, "ok", None) };
    activity::insert(store.db.connection(), &[entry(acme, 1, "ok", None), told]).await.unwrap();
    let page = trail::page(&store.db, acme, &Wanted::default(), 10).await.unwrap();
    let kept: Vec<RealmCall> = serde_json::from_str(page[0].realm_calls.as_deref().unwrap()).unwrap();
    assert_eq!((kept, page[1].realm_calls.as_deref()), (calls, None));
}
