use control::{Problem, replace_secret};
use registry::seal::Sealed;
use registry::{cluster, credential, tenant};
use testkit::store::Store;

use crate::realms::Noting;

testkit::on_both_databases!(a_realm_that_was_never_set_up_has_no_secret_to_replace);

async fn a_realm_that_was_never_set_up_has_no_secret_to_replace(store: Store) {
    let realms = Noting::default();
    let keycloak = cluster::ensure(&store.db, "keycloak", "https://identity-1.kevra.test", Some("https://kc.test"));
    keycloak.await.unwrap();
    let cluster = cluster::by_name(&store.db, "keycloak").await.unwrap().id;
    let text = || "acme".to_owned();
    let new = tenant::New { slug: text(), display_name: text(), realm: text(), cluster, custom_domain: None };
    let acme = tenant::create(&store.db, &new, "dana").await.unwrap();
    assert_eq!(replace_secret(&store.db, &realms, &acme, "dana").await, Err(Problem::NotEnabled));
    assert!(realms.done().is_empty(), "nobody waited for a turn at it");
    let sealed = Sealed(vec![1]);
    credential::store(&store.db, acme.id, "kevra-scim", &sealed, None).await.unwrap();
    assert_eq!(replace_secret(&store.db, &realms, &acme, "dana").await, Ok(()));
    assert_eq!(realms.done(), ["rotate the secret of acme"]);
}
