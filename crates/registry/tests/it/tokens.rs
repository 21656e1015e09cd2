use futures_util::future::join_all;
use registry::option::{self, Options};
use registry::provisioner::{Refusal, resolve};
use registry::tenant;
use registry::{BearerToken, Error, audit, inbound_token};
use testkit::store::{HOST, Store};

testkit::on_both_databases!(
    a_token_is_good_at_its_own_host_and_realm_only,
    rotating_kills_the_previous_token_in_the_same_moment,
    of_many_rotations_from_one_page_one_wins,
    of_many_rotations_of_a_shell_exactly_one_token_lives,
    a_disabled_token_stays_dead_when_inbound_comes_back,
    a_token_expires_where_the_tenant_wants_it,
);

fn fresh() -> BearerToken {
    BearerToken::generate().unwrap()
}

async fn a_token_is_good_at_its_own_host_and_realm_only(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    store.provisioned("other").await;
    let ask = |host: &'static str, realm: &'static str| {
        let (db, hash) = (store.db.clone(), token.hash());
        async move { resolve(&db, hash, host, realm).await.unwrap().map(|provisioner| provisioner.tenant) }
    };
    assert_eq!(ask(HOST, "acme").await, Ok(acme));
    assert_eq!(ask("IDENTITY-0.kevra.TEST", "acme").await, Ok(acme));
    assert_eq!(ask(HOST, "other").await, Err(Refusal::Elsewhere { tenant: acme }));
    assert_eq!(ask(HOST, "ACME").await, Err(Refusal::Elsewhere { tenant: acme }));
    assert_eq!(ask("evil.test", "acme").await, Err(Refusal::Elsewhere { tenant: acme }));
    let unknown = resolve(&store.db, fresh().hash(), HOST, "acme").await.unwrap();
    assert_eq!(unknown.unwrap_err(), Refusal::Unknown);
    let domain = tenant::Change { custom_domain: Some(Some("sso.acme.test".to_owned())), ..tenant::Change::default() };
    tenant::change(&store.db, acme, &domain, "test").await.unwrap();
    assert_eq!(ask("sso.acme.test", "acme").await, Ok(acme));
    assert_eq!(ask(HOST, "acme").await, Ok(acme), "the earlier URL stays valid");
}

async fn rotating_kills_the_previous_token_in_the_same_moment(store: Store) {
    let (acme, mut token) = store.provisioned("acme").await;
    for _ in 0..20 {
        let next = fresh();
        inbound_token::rotate(&store.db, acme, &next, None, "dana").await.unwrap();
        let old = resolve(&store.db, token.hash(), HOST, "acme").await.unwrap();
        assert!(matches!(old, Err(Refusal::Dead { why, .. }) if why == "rotated"));
        assert!(resolve(&store.db, next.hash(), HOST, "acme").await.unwrap().is_ok());
        token = next;
    }
    let held = inbound_token::newest(&store.db, acme).await.unwrap().unwrap();
    assert_eq!(held.hint, token.hint());
    assert_eq!(audit::newest(&store.db, acme, 100).await.unwrap().len(), 22, "create, enable, 20 rotations");
}

async fn of_many_rotations_from_one_page_one_wins(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    let version = Some(tenant::by_id(&store.db, acme).await.unwrap().version);
    let tokens: Vec<BearerToken> = (0..20).map(|_| fresh()).collect();
    let rotations = tokens.iter().map(|token| inbound_token::rotate(&store.db, acme, token, version, "dana"));
    let outcomes = join_all(rotations).await;
    let won: Vec<&BearerToken> =
        tokens.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).map(|(token, _)| token).collect();
    assert_eq!(won.len(), 1);
    assert!(outcomes.iter().filter(|outcome| outcome.is_err()).all(|o| matches!(o, Err(Error::Stale))));
    assert!(resolve(&store.db, won[0].hash(), HOST, "acme").await.unwrap().is_ok());
}

async fn of_many_rotations_of_a_shell_exactly_one_token_lives(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    let tokens: Vec<BearerToken> = (0..20).map(|_| fresh()).collect();
    let rotations = tokens.iter().map(|token| inbound_token::rotate(&store.db, acme, token, None, "dana"));
    assert!(join_all(rotations).await.iter().all(Result::is_ok));
    let mut alive = 0;
    for token in &tokens {
        alive += i32::from(resolve(&store.db, token.hash(), HOST, "acme").await.unwrap().is_ok());
    }
    assert_eq!(alive, 1);
}

async fn a_disabled_token_stays_dead_when_inbound_comes_back(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let second = inbound_token::enable(&store.db, acme, &fresh(), "dana").await;
    assert!(matches!(second, Err(Error::AlreadyEnabled)));
    inbound_token::disable(&store.db, acme, "dana").await.unwrap();
    assert!(matches!(inbound_token::disable(&store.db, acme, "dana").await, Err(Error::NotEnabled)));
    assert!(matches!(inbound_token::rotate(&store.db, acme, &fresh(), None, "dana").await, Err(Error::NotEnabled)));
    let next = fresh();
    inbound_token::enable(&store.db, acme, &next, "dana").await.unwrap();
    let old = resolve(&store.db, token.hash(), HOST, "acme").await.unwrap();
    assert!(matches!(old, Err(Refusal::Dead { why, .. }) if why == "disabled"));
    assert!(resolve(&store.db, next.hash(), HOST, "acme").await.unwrap().is_ok());
}

async fn a_token_expires_where_the_tenant_wants_it(store: Store) {
    let acme = store.tenant("acme").await;
    let options = Options { token_days: Some(-1), ..Options::default() };
    option::set(&store.db, acme, &options, None, "dana").await.unwrap();
    assert_eq!(option::of(&store.db, acme).await.unwrap(), options);
    let token = fresh();
    inbound_token::enable(&store.db, acme, &token, "dana").await.unwrap();
    let refused = resolve(&store.db, token.hash(), HOST, "acme").await.unwrap();
    assert!(matches!(refused, Err(Refusal::Dead { why, .. }) if why == "expired"));
}
