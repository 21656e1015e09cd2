use registry::quarantine::Cause;
use registry::seal::Sealed;
use registry::target::{self, Enable, Enabled, Target};
use registry::target_option::{self, Choices};
use registry::{Error, TenantId, audit, option, tenant};
use sea_orm::ConnectionTrait;
use testkit::store::Store;

testkit::on_both_databases!(
    enabling_and_disabling_count_one_generation_for_all_targets,
    another_url_is_another_target_and_the_old_one_comes_back_as_itself,
    a_quarantine_belongs_to_its_generation,
    a_quarantine_keeps_its_first_cause_while_probes_fail,
    who_waits_for_a_person_is_not_probed,
    choices_made_on_an_old_page_change_nothing,
);

async fn enable(store: &Store, tenant: TenantId, base_url: &str) -> Result<Enabled, Error> {
    let wanted = Enable {
        base_url: base_url.to_owned(),
        token: Sealed(vec![1, 2, 3]),
        supports_patch: true,
        supports_filter: true,
        limitations: vec!["no sorting".to_owned()],
    };
    let transaction = store.db.begin().await?;
    match target::enable(&transaction, tenant, &wanted, "dana").await {
        Ok(enabled) => {
            transaction.commit().await?;
            Ok(enabled)
        }
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

async fn enabling_and_disabling_count_one_generation_for_all_targets(store: Store) {
    let acme = store.tenant("acme").await;
    let first = enable(&store, acme, "https://a.test/scim").await.unwrap();
    assert!(first.first);
    assert!(matches!(enable(&store, acme, "https://a.test/scim").await, Err(Error::AlreadyEnabled)));
    let off = target::disable(&store.db, acme, "dana").await.unwrap();
    assert!(off > first.generation);
    assert!(matches!(target::disable(&store.db, acme, "dana").await, Err(Error::NotEnabled)));
    let again = enable(&store, acme, "https://b.test/scim").await.unwrap();
    assert!(again.generation > off, "a lease of an older generation is old whichever target it was for");
    let actions: Vec<String> =
        audit::newest(&store.db, acme, 10).await.unwrap().into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["outbound.enable", "outbound.disable", "outbound.enable", "tenant.create"]);
}

async fn another_url_is_another_target_and_the_old_one_comes_back_as_itself(store: Store) {
    let acme = store.tenant("acme").await;
    let first = enable(&store, acme, "https://a.test/scim").await.unwrap();
    target::disable(&store.db, acme, "dana").await.unwrap();
    let second = enable(&store, acme, "https://b.test/scim").await.unwrap();
    assert_eq!((second.first, second.retired), (true, Some(first.id)));
    target::disable(&store.db, acme, "dana").await.unwrap();
    let back = enable(&store, acme, "https://a.test/scim").await.unwrap();
    assert_eq!((back.id, back.first, back.retired), (first.id, false, Some(second.id)));
    let current = target::current(&store.db, acme).await.unwrap().unwrap();
    assert_eq!(current.base_url, "https://a.test/scim");
    assert_eq!(current.limitations, "[\"no sorting\"]");
}

fn cause(target: &Target) -> Option<Cause> {
    target.quarantine_reason.as_deref().and_then(Cause::of)
}

async fn a_quarantine_belongs_to_its_generation(store: Store) {
    let acme = store.tenant("acme").await;
    let enabled = enable(&store, acme, "https://a.test/scim").await.unwrap();
    target::quarantine(&store.db, enabled.id, enabled.generation - 1, Cause::Unauthorized).await.unwrap();
    assert!(target::current(&store.db, acme).await.unwrap().unwrap().quarantined_at.is_none());
    target::quarantine(&store.db, enabled.id, enabled.generation, Cause::Unauthorized).await.unwrap();
    let held = target::current(&store.db, acme).await.unwrap().unwrap();
    assert_eq!(cause(&held), Some(Cause::Unauthorized));
    assert!(target::probes_due(&store.db, 10).await.unwrap().is_empty(), "the first probe comes later");
    target::disable(&store.db, acme, "dana").await.unwrap();
    enable(&store, acme, "https://a.test/scim").await.unwrap();
    assert!(target::current(&store.db, acme).await.unwrap().unwrap().quarantined_at.is_none(), "a new token frees it");
}

async fn a_quarantine_keeps_its_first_cause_while_probes_fail(store: Store) {
    let acme = store.tenant("acme").await;
    let Enabled { id, generation, .. } = enable(&store, acme, "https://a.test/scim").await.unwrap();
    target::quarantine(&store.db, id, generation, Cause::Unauthorized).await.unwrap();
    let first = target::current(&store.db, acme).await.unwrap().unwrap();
    for _ in 0..3 {
        target::probe_failed(&store.db, id, generation).await.unwrap();
    }
    // A send that was under way when the first was refused.
    target::quarantine(&store.db, id, generation, Cause::Forbidden).await.unwrap();
    let held = target::current(&store.db, acme).await.unwrap().unwrap();
    assert_eq!((cause(&held), held.quarantined_at), (Some(Cause::Unauthorized), first.quarantined_at));
    target::release(&store.db, id, generation).await.unwrap();
    target::probe_failed(&store.db, id, generation).await.unwrap();
    assert!(target::current(&store.db, acme).await.unwrap().unwrap().quarantined_at.is_none(), "a late probe");
}

async fn who_waits_for_a_person_is_not_probed(store: Store) {
    let acme = store.tenant("acme").await;
    let Enabled { id, generation, .. } = enable(&store, acme, "https://a.test/scim").await.unwrap();
    target_option::hold(&store.db, id, generation, Cause::Gone).await.unwrap();
    target::quarantine(&store.db, id, generation, Cause::Unauthorized).await.unwrap();
    target::probe_failed(&store.db, id, generation).await.unwrap();
    let held = target::current(&store.db, acme).await.unwrap().unwrap();
    assert_eq!(cause(&held), Some(Cause::Gone));
    let text = "select count(*) from target where probe_at is not null";
    let connection = store.db.connection();
    let statement = sea_orm::Statement::from_string(store.db.backend(), text);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 0);
}

async fn choices_made_on_an_old_page_change_nothing(store: Store) {
    let acme = store.tenant("acme").await;
    enable(&store, acme, "https://a.test/scim").await.unwrap();
    let seen = tenant::by_id(&store.db, acme).await.unwrap().version;
    let choose = async |choices: Choices, actor: &str| {
        let transaction = store.db.begin().await.unwrap();
        target_option::choose(&transaction, acme, choices, Some(seen), actor).await?;
        transaction.commit().await.unwrap();
        Ok(())
    };
    let mine = Choices { deactivates_deleted: true, holds_mass: false, pushes_groups: true };
    choose(mine, "dana").await.unwrap();
    let late = Choices { deactivates_deleted: false, holds_mass: true, pushes_groups: false };
    let refused = choose(late, "eve").await;
    assert!(matches!(refused, Err(Error::Stale)), "{refused:?}");
    let options = option::Options { strict_members: true, ..option::Options::default() };
    let refused = option::set(&store.db, acme, &options, Some(seen), "eve").await;
    assert!(matches!(refused, Err(Error::Stale)), "{refused:?}");
    let held = target::current(&store.db, acme).await.unwrap().unwrap().choices;
    assert_eq!((held, option::of(&store.db, acme).await.unwrap().strict_members), (mine, false));
    assert_eq!(audit::newest(&store.db, acme, 1).await.unwrap()[0].actor, "dana");
}
