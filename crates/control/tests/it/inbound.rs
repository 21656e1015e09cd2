use std::sync::atomic::Ordering;

use control::{Applied, Declared, Problem, accept};
use directory::watch;
use registry::{BearerToken, audit, inbound_token, option, tenant};
use serde_json::json;
use testkit::store::Store;

use crate::realms::Noting;

testkit::on_both_databases!(
    the_version_beside_a_token_is_the_one_after_it,
    nothing_is_enabled_where_not_all_of_it_can_be,
    settings_the_realm_refuses_are_not_stored,
);

fn fresh() -> BearerToken {
    BearerToken::generate().unwrap()
}

async fn the_version_beside_a_token_is_the_one_after_it(store: Store) {
    let acme = store.tenant("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let version = async || tenant::by_id(&store.db, acme).await.unwrap().version;
    let told = accept(&store.db, acme, &fresh(), "dana").await.unwrap();
    assert_eq!(told, version().await);
    let again = inbound_token::rotate(&store.db, acme, &fresh(), Some(told), "dana").await.unwrap();
    assert_eq!((again, again > told), (version().await, true));
}

async fn nothing_is_enabled_where_not_all_of_it_can_be(store: Store) {
    let acme = store.tenant("acme").await;
    store.run("alter table realm_watch rename to out_of_the_way").await;
    assert_eq!(accept(&store.db, acme, &fresh(), "dana").await, Err(Problem::Unavailable));
    assert!(inbound_token::newest(&store.db, acme).await.unwrap().is_none(), "nobody was told that token");
    assert!(audit::last(&store.db, acme, &["inbound.enable"]).await.unwrap().is_none());
    store.run("alter table out_of_the_way rename to realm_watch").await;
    assert!(accept(&store.db, acme, &fresh(), "dana").await.is_ok());
}

async fn settings_the_realm_refuses_are_not_stored(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let wanted = || -> Declared {
        let document = json!({ "slug": "acme", "realm": "acme", "inbound": { "projection": { "title": "job" } } });
        serde_json::from_value(document).unwrap()
    };
    let held = async || option::of(&store.db, acme).await.unwrap().projection;
    let realms = Noting::default();
    realms.refusing.store(true, Ordering::SeqCst);
    let refused = wanted().apply(&store.db, &realms, "dana").await;
    assert!(matches!(refused, Err(Problem::Realm(_))), "{refused:?}");
    assert_eq!(held().await, None, "nothing is written to an attribute the realm does not know");
    realms.refusing.store(false, Ordering::SeqCst);
    assert_eq!(wanted().apply(&store.db, &realms, "dana").await, Ok(Applied::Changed));
    assert_eq!(held().await.as_deref(), Some(r#"{"title":"job"}"#));
    assert_eq!(realms.done().last().unwrap(), r#"prepare acme for {"title":"job"}"#);
}
