use registry::tenant::{self, Change, New};
use registry::{Error, audit, cluster};
use testkit::store::{HOST, Store};

testkit::on_both_databases!(
    a_search_takes_wildcards_for_letters_and_pages_count_everything,
    a_slug_a_realm_and_a_domain_belong_to_one_tenant,
    a_change_leaves_its_audit_entry_and_a_refused_one_leaves_nothing,
    the_audit_outlives_its_tenant,
);

async fn new(store: &Store, slug: &str, domain: Option<&str>) -> New {
    New {
        slug: slug.to_owned(),
        display_name: slug.to_uppercase(),
        realm: format!("realm-{slug}"),
        cluster: cluster::by_name(&store.db, "default").await.unwrap().id,
        custom_domain: domain.map(str::to_owned),
    }
}

async fn a_search_takes_wildcards_for_letters_and_pages_count_everything(store: Store) {
    for slug in ["acme", "acne", "a_me", "zeta"] {
        tenant::create(&store.db, &new(&store, slug, None).await, "test").await.unwrap();
    }
    let found = |search: &'static str| {
        let db = store.db.clone();
        async move { tenant::list(&db, search, 0, 10).await.unwrap() }
    };
    let slugs = |(page, _): (Vec<tenant::Tenant>, i64)| page.into_iter().map(|t| t.slug).collect::<Vec<_>>();
    assert_eq!(slugs(found("a_m").await), ["a_me"]);
    assert_eq!(slugs(found("%").await), Vec::<String>::new());
    assert_eq!(slugs(found("REALM-Z").await), ["zeta"]);
    let (page, total) = tenant::list(&store.db, "", 1, 2).await.unwrap();
    assert_eq!((page.len(), total), (2, 4));
    assert_eq!(page[0].slug, "acme");
}

async fn a_slug_a_realm_and_a_domain_belong_to_one_tenant(store: Store) {
    tenant::create(&store.db, &new(&store, "acme", Some("sso.acme.test")).await, "test").await.unwrap();
    let refused = |new: New| {
        let db = store.db.clone();
        async move { tenant::create(&db, &new, "test").await.unwrap_err() }
    };
    let same_slug = New { realm: "elsewhere".to_owned(), ..new(&store, "acme", None).await };
    assert!(matches!(refused(same_slug).await, Error::Taken("slug")));
    let stolen = new(&store, "other", Some("sso.acme.test")).await;
    assert!(matches!(refused(stolen).await, Error::Taken("custom_domain")));
    let same_realm = New { realm: "realm-acme".to_owned(), ..new(&store, "twin", None).await };
    assert!(matches!(refused(same_realm).await, Error::Taken("realm")));
    let acme = tenant::by_slug(&store.db, "acme").await.unwrap();
    assert_eq!(acme.scim_base_url(), "https://sso.acme.test/realms/realm-acme/scim/v2");
    assert_eq!(acme.cluster_base_url(), format!("https://{HOST}/realms/realm-acme/scim/v2"));
}

async fn a_change_leaves_its_audit_entry_and_a_refused_one_leaves_nothing(store: Store) {
    let (acme, other) = (store.tenant("acme").await, store.tenant("other").await);
    let domain = Change { custom_domain: Some(Some("sso.acme.test".to_owned())), ..Change::default() };
    tenant::change(&store.db, acme, &domain, "dana").await.unwrap();
    let entries = audit::newest(&store.db, acme, 10).await.unwrap();
    assert_eq!((entries[0].action.as_str(), entries[0].actor.as_str()), ("tenant.change", "dana"));
    let before = audit::newest(&store.db, other, 10).await.unwrap().len();
    assert!(matches!(tenant::change(&store.db, other, &domain, "eve").await, Err(Error::Taken("custom_domain"))));
    assert_eq!(audit::newest(&store.db, other, 10).await.unwrap().len(), before);
    assert_eq!(tenant::by_id(&store.db, other).await.unwrap().version, 1, "and no version moved");
}

async fn the_audit_outlives_its_tenant(store: Store) {
    let acme = store.tenant("acme").await;
    tenant::delete(&store.db, acme, "dana").await.unwrap();
    assert!(matches!(tenant::by_id(&store.db, acme).await, Err(Error::NotFound("tenant"))));
    let entries = audit::newest(&store.db, acme, 10).await.unwrap();
    assert_eq!(entries[0].action, "tenant.delete");
    assert!(matches!(tenant::delete(&store.db, acme, "dana").await, Err(Error::NotFound("tenant"))));
}
