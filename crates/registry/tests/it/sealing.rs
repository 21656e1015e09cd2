use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use registry::audit::{self, Note};
use registry::credential;
use registry::seal::Keyring;
use registry::sealed::{self, Kind};
use registry::target::{self, Enable};
use secrecy::{ExposeSecret, SecretString};
use testkit::store::Store;

testkit::on_both_databases!(
    every_secret_moves_under_the_active_key,
    a_realms_secret_is_stored_with_the_entry_of_who_wanted_that,
);

async fn a_realms_secret_is_stored_with_the_entry_of_who_wanted_that(store: Store) {
    let acme = store.tenant("acme").await;
    let secret = keyring(&[("k1", 1)]).seal(&credential::aad(acme), &SecretString::from("client")).unwrap();
    let last = || async { audit::last(&store.db, acme, &["realm.rotate_secret"]).await.unwrap() };
    credential::store(&store.db, acme, "client", &secret, None).await.unwrap();
    assert!(last().await.is_none(), "an enable has its own");
    let note = Note { actor: "dana", action: "realm.rotate_secret", detail: serde_json::json!({}) };
    credential::store(&store.db, acme, "client", &secret, Some(&note)).await.unwrap();
    assert_eq!(last().await.unwrap().actor, "dana");
    assert_eq!(credential::of(&store.db, acme).await.unwrap().unwrap().generation, 2);
}

fn keyring(keys: &[(&str, u8)]) -> Keyring {
    let items: Vec<String> = keys.iter().map(|(id, byte)| format!("{id}:{}", STANDARD.encode([*byte; 32]))).collect();
    Keyring::parse(&SecretString::from(items.join(","))).unwrap()
}

async fn every_secret_moves_under_the_active_key(store: Store) {
    let (old, both, new) = (keyring(&[("k1", 1)]), keyring(&[("k2", 2), ("k1", 1)]), keyring(&[("k2", 2)]));
    let mut tenants = Vec::new();
    // More than one batch of each.
    for number in 0..210 {
        let tenant = store.tenant(&format!("t{number}")).await;
        let token = old.seal(&target::aad(tenant), &SecretString::from(format!("token {number}"))).unwrap();
        let enable = Enable {
            base_url: "https://a.test".to_owned(),
            token,
            supports_patch: true,
            supports_filter: true,
            limitations: Vec::new(),
        };
        let transaction = store.db.begin().await.unwrap();
        target::enable(&transaction, tenant, &enable, "dana").await.unwrap();
        transaction.commit().await.unwrap();
        tenants.push(tenant);
    }
    let secret = old.seal(&credential::aad(tenants[0]), &SecretString::from("client")).unwrap();
    credential::store(&store.db, tenants[0], "client", &secret, None).await.unwrap();
    let keys = sealed::keys(&store.db, Kind::DownstreamToken).await.unwrap();
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), [("k1".to_owned(), 210)]);
    assert!(sealed::rewrap(&store.db, Kind::DownstreamToken, &new).await.is_err(), "the old key is needed");
    assert_eq!(sealed::rewrap(&store.db, Kind::DownstreamToken, &both).await.unwrap(), 210);
    assert_eq!(sealed::rewrap(&store.db, Kind::DownstreamToken, &both).await.unwrap(), 0, "once");
    assert_eq!(sealed::rewrap(&store.db, Kind::RealmSecret, &both).await.unwrap(), 1);
    for (number, tenant) in tenants.iter().enumerate() {
        let held = target::current(&store.db, *tenant).await.unwrap().unwrap();
        let opened = new.open(&target::aad(*tenant), &held.token).unwrap();
        assert_eq!(opened.expose_secret(), format!("token {number}"));
    }
}
