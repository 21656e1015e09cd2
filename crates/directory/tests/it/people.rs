use directory::person::{self, Person};
use registry::audit;
use testkit::store::Store;
use uuid::Uuid;

testkit::on_both_databases!(what_an_operator_does_to_a_person_is_audited_by_id_alone,);

fn ada() -> Person {
    Person {
        id: Uuid::new_v4(),
        username: "ada@acme.test".to_owned(),
        email: Some("ada@acme.test".to_owned()),
        first_name: Some("Ada".to_owned()),
        last_name: None,
        enabled: true,
        external_id: None,
        marker: None,
        managed: false,
        changed_at: 1,
        touched_at: 1,
        attributes: None,
    }
}

async fn what_an_operator_does_to_a_person_is_audited_by_id_alone(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    let entries = || async {
        let entries = audit::newest(&store.db, acme, 100).await.unwrap();
        entries.into_iter().filter(|entry| entry.action.starts_with("realm_user.")).collect::<Vec<_>>()
    };
    let ada = ada();
    person::insert(&store.db, acme, &ada, Some("dana")).await.unwrap();
    assert!(person::update(&store.db, acme, &ada, Some("dana")).await.unwrap());
    let (actions, about): (Vec<_>, Vec<_>) =
        entries().await.into_iter().map(|entry| ((entry.actor, entry.action), entry.detail)).unzip();
    let by_dana = |action: &str| ("dana".to_owned(), action.to_owned());
    assert_eq!(actions, [by_dana("realm_user.change"), by_dana("realm_user.create")]);
    assert!(about.iter().all(|detail| *detail == format!("{{\"user\":\"{}\"}}", ada.id)), "{about:?}");

    // SCIM's own writes are no operator's, and what came to nothing has no entry.
    assert!(person::update(&store.db, acme, &ada, None).await.unwrap());
    assert!(
        !person::update(&store.db, acme, &Person { id: Uuid::new_v4(), ..ada.clone() }, Some("dana")).await.unwrap()
    );
    assert!(person::insert(&store.db, acme, &Person { id: Uuid::new_v4(), ..ada }, Some("dana")).await.is_err());
    assert_eq!(entries().await.len(), 2);
}
