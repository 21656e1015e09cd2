use directory::ahead::{self, Ahead, Sought};
use directory::resource::{self, Kind, Resource};
use directory::writing;
use registry::provisioner::Refusal;
use registry::{BearerToken, inbound_token};
use testkit::store::{HOST, Store};
use uuid::Uuid;

use crate::made;

testkit::on_both_databases!(
    what_is_sought_comes_with_the_token,
    nobody_is_read_with_a_token_of_somebody_else,
    what_was_not_asked_for_is_no_answer
);

async fn read(store: &Store, token: &BearerToken, realm: &str, sought: &Sought) -> Result<Ahead, Refusal> {
    let resolved = ahead::resolve(&store.db, token.hash(), HOST, realm, (sought.clone(), true)).await.unwrap();
    resolved.map(|(_, ahead)| ahead)
}

async fn found(store: &Store, token: &BearerToken, sought: &Sought) -> Option<Resource> {
    read(store, token, "acme", sought).await.unwrap().answer(sought, true).unwrap().unwrap()
}

fn named(key: &str) -> Sought {
    Sought::UserName(key.to_owned())
}

async fn what_is_sought_comes_with_the_token(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "Ada@acme.test", Some("e1")).await;
    let alone = resource::by_id(&store.db, acme, Kind::User, ada.id, true).await.unwrap();
    for sought in [Sought::Id(Kind::User, ada.id), named("ada@acme.test")] {
        let ahead = found(&store, &token, &sought).await;
        assert_eq!(format!("{ahead:?}"), format!("{alone:?}"), "{sought:?}");
    }
    for nobody in [Sought::Id(Kind::User, Uuid::new_v4()), Sought::Id(Kind::Group, ada.id), named("bob@acme.test")] {
        assert!(found(&store, &token, &nobody).await.is_none(), "{nobody:?}");
    }
    writing::protect(&store.db, Kind::User, acme, ada.id, true).await.unwrap();
    assert!(found(&store, &token, &named("ada@acme.test")).await.is_none(), "who is protected is shown to nobody");
}

async fn nobody_is_read_with_a_token_of_somebody_else(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let (_, foreign) = store.provisioned("other").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    for sought in [Sought::Id(Kind::User, ada.id), named("ada@acme.test")] {
        let elsewhere = read(&store, &token, "other", &sought).await.unwrap_err();
        assert!(matches!(elsewhere, Refusal::Elsewhere { tenant } if tenant == acme));
        let theirs = read(&store, &foreign, "other", &sought).await.unwrap();
        assert!(theirs.answer(&sought, true).unwrap().unwrap().is_none(), "{sought:?}");
        let unknown = read(&store, &BearerToken::generate().unwrap(), "acme", &sought).await.unwrap_err();
        assert_eq!(unknown, Refusal::Unknown);
    }
    inbound_token::rotate(&store.db, acme, &BearerToken::generate().unwrap(), None, "dana").await.unwrap();
    let dead = read(&store, &token, "acme", &Sought::Id(Kind::User, ada.id)).await.unwrap_err();
    assert!(matches!(dead, Refusal::Dead { .. }));
}

async fn what_was_not_asked_for_is_no_answer(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let sought = Sought::Id(Kind::User, ada.id);
    let ahead = read(&store, &token, "acme", &sought).await.unwrap();
    for (other, related) in
        [(&named("ada@acme.test"), true), (&Sought::Id(Kind::Group, ada.id), true), (&sought, false)]
    {
        assert!(ahead.answer(other, related).is_none(), "{other:?} {related}");
    }
}
