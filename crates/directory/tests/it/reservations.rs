use directory::reservation::{self, Reserved};
use directory::resource::{self, Kind, Page, Wanted};
use directory::user::Arrival;
use directory::{Condition, user, writing};
use futures_util::future::join_all;
use registry::provisioner::Admission;
use registry::{audit, inbound_token, tenant};
use scim::native::Native;
use testkit::store::Store;
use uuid::Uuid;

use crate::{admitted, document, made, wanted};

testkit::on_both_databases!(
    of_fifty_identical_reservations_one_is_granted,
    a_name_or_an_external_id_is_taken_by_a_user_and_by_nobody_of_another_tenant,
    a_dead_token_reserves_nothing,
    a_reservation_becomes_a_user_once,
    an_abandoned_name_is_free_again,
    a_reservation_is_renewed_only_as_long_as_it_is_its_requests_own,
    a_name_whose_create_is_in_trouble_is_neither_taken_nor_free,
    whom_a_create_takes_over_is_known_to_whoever_ends_it,
    taking_somebody_over_is_audited_with_the_row_it_ends_as,
    many_users_may_lack_an_external_id,
    an_import_leaves_whom_a_create_under_way_has_made,
    a_tenant_that_is_moved_has_its_creates_ended_before_and_takes_none_admitted_before,
);

async fn of_fifty_identical_reservations_one_is_granted(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let sought: Vec<_> = (0..50).map(|_| wanted(acme, "Twin@acme.test", Some("twin"))).collect();
    let outcomes =
        join_all(sought.iter().map(|one| reservation::reserve(&store.db, one, admitted(token.hash())))).await;
    let outcomes: Vec<Reserved> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Reserved::Yes).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Reserved::Taken(_))).count(), 49, "{outcomes:?}");
}

async fn a_name_or_an_external_id_is_taken_by_a_user_and_by_nobody_of_another_tenant(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let (other, other_token) = store.provisioned("other").await;
    made(&store, acme, &token, "ada@acme.test", Some("E1")).await;
    let reserve = async |tenant, name: &str, external: Option<&str>, token: &registry::BearerToken| {
        reservation::reserve(&store.db, &wanted(tenant, name, external), admitted(token.hash())).await.unwrap()
    };
    assert_eq!(reserve(acme, "ADA@acme.test", None, &token).await, Reserved::Taken("userName"));
    assert_eq!(reserve(acme, "eve@acme.test", Some("E1"), &token).await, Reserved::Taken("externalId"));
    assert_eq!(reserve(acme, "eve@acme.test", Some("e1"), &token).await, Reserved::Yes, "externalId is case-exact");
    assert_eq!(reserve(other, "ada@acme.test", Some("E1"), &other_token).await, Reserved::Yes);
}

async fn a_dead_token_reserves_nothing(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    inbound_token::disable(&store.db, acme, "dana").await.unwrap();
    let sought = wanted(acme, "ada@acme.test", None);
    assert_eq!(reservation::reserve(&store.db, &sought, admitted(token.hash())).await.unwrap(), Reserved::TokenDead);
    assert!(!reservation::abandon(&store.db, &sought).await.unwrap(), "nothing was kept");
}

async fn a_tenant_that_is_moved_has_its_creates_ended_before_and_takes_none_admitted_before(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let begun = wanted(acme, "ada@acme.test", None);
    reservation::reserve(&store.db, &begun, admitted(token.hash())).await.unwrap();
    assert_eq!(writing::under_way(&store.db, acme).await.unwrap(), 1, "a create is waited for");
    reservation::abandon(&store.db, &begun).await.unwrap();
    assert_eq!(writing::under_way(&store.db, acme).await.unwrap(), 0);

    let late = async || {
        reservation::reserve(&store.db, &wanted(acme, "eve@acme.test", None), admitted(token.hash())).await.unwrap()
    };
    tenant::freeze(&store.db, acme, true).await.unwrap();
    assert_eq!(late().await, Reserved::Unsettled, "nothing begins while it is moved");
    let place = tenant::by_id(&store.db, acme).await.unwrap();
    tenant::relocate(&store.db, acme, place.cluster_id, "elsewhere", "dana").await.unwrap();
    tenant::freeze(&store.db, acme, false).await.unwrap();
    assert_eq!(late().await, Reserved::Unsettled, "what was admitted before is for the realm at its old place");
    let admission = Admission { realm_generation: place.realm_generation + 1, ..admitted(token.hash()) };
    let anew = wanted(acme, "eve@acme.test", None);
    assert_eq!(reservation::reserve(&store.db, &anew, admission).await.unwrap(), Reserved::Yes);
}

async fn a_reservation_becomes_a_user_once(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let sought = wanted(acme, "ada@acme.test", Some("E1"));
    reservation::reserve(&store.db, &sought, admitted(token.hash())).await.unwrap();
    let (id, base) = (Uuid::new_v4(), Native::of(&document("ada@acme.test", Some("E1"))));
    let both = join_all((0..2).map(|_| reservation::complete_user(&store.db, &sought, id, &base, None))).await;
    assert_eq!(both.into_iter().filter(|done| matches!(done, Ok(Some(_)))).count(), 1, "the request or the sweeper");
    let user = user::by_username(&store.db, acme, "ada@acme.test").await.unwrap().unwrap();
    assert_eq!((user.id, user.version, user.created_at), (id, 1, user.modified_at));
    assert_eq!(user::by_external(&store.db, acme, "E1").await.unwrap().unwrap().id, id);
    assert!(user::by_external(&store.db, acme, "e1").await.unwrap().is_none());
}

async fn an_import_leaves_whom_a_create_under_way_has_made(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let sought = wanted(acme, "ada@acme.test", Some("E1"));
    reservation::reserve(&store.db, &sought, admitted(token.hash())).await.unwrap();
    let nonce = reservation::nonce_of(acme, Some(&format!("{acme}:{}", sought.nonce)));
    assert_eq!(nonce, Some(sought.nonce));
    let base = Native::of(&sought.document);
    let arrival = Arrival { id: Uuid::new_v4(), base: base.clone(), mapped: Vec::new(), nonce };
    let import = async || user::import(store.db.connection(), acme, &arrival).await.unwrap();
    assert!(!import().await, "the create answers for it");
    let done = reservation::complete_user(&store.db, &sought, arrival.id, &base, None).await.unwrap();
    assert!(done.is_some());
    assert!(!import().await, "it is in");
    let stranger = Arrival { id: Uuid::new_v4(), nonce: None, ..arrival.clone() };
    assert!(user::import(store.db.connection(), acme, &stranger).await.unwrap(), "no create of ours made it");
}

async fn an_abandoned_name_is_free_again(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let first = wanted(acme, "ada@acme.test", None);
    reservation::reserve(&store.db, &first, admitted(token.hash())).await.unwrap();
    assert!(reservation::abandon(&store.db, &first).await.unwrap());
    let (id, base) = (Uuid::new_v4(), Native::of(&document("ada@acme.test", None)));
    let late = reservation::complete_user(&store.db, &first, id, &base, None).await.unwrap();
    assert!(late.is_none(), "a late finish finds nothing");
    assert!(user::by_id(&store.db, acme, id).await.unwrap().is_none());
    let second = wanted(acme, "ada@acme.test", None);
    assert_eq!(reservation::reserve(&store.db, &second, admitted(token.hash())).await.unwrap(), Reserved::Yes);
    assert!(!reservation::abandon(&store.db, &first).await.unwrap(), "a nonce ends its own reservation only");
}

async fn many_users_may_lack_an_external_id(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    for name in ["ada@acme.test", "grace@acme.test"] {
        made(&store, acme, &token, name, None).await;
    }
    let wanted = Wanted { total: true, ..Wanted::default() };
    let all = resource::page(&store.db, acme, Kind::User, &Condition::all(), &Page::Offset(0, 0), wanted).await;
    assert_eq!(all.unwrap().total, 2);
}

async fn a_reservation_is_renewed_only_as_long_as_it_is_its_requests_own(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let sought = wanted(acme, "ada@acme.test", None);
    reservation::reserve(&store.db, &sought, admitted(token.hash())).await.unwrap();
    assert!(reservation::renew(&store.db, &sought).await.unwrap());
    store.run("update reservation set lease_until = 0").await;
    assert!(!reservation::renew(&store.db, &sought).await.unwrap(), "it ran out");
    assert!(!reservation::renew_stale(&store.db, &sought).await.unwrap(), "nobody took it over");
    assert_eq!(reservation::claim_stale(&store.db, Kind::User, 10).await.unwrap().len(), 1);
    // From then on it is the sweeper's, whatever its request comes to.
    assert!(!reservation::renew(&store.db, &sought).await.unwrap());
    assert!(!reservation::adopt(&store.db, &mut sought.clone()).await.unwrap());
    assert!(reservation::renew_stale(&store.db, &sought).await.unwrap());
    assert!(reservation::abandon(&store.db, &sought).await.unwrap());
    assert!(!reservation::renew(&store.db, &sought).await.unwrap(), "it was given up");
}

async fn a_name_whose_create_is_in_trouble_is_neither_taken_nor_free(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let reserve = async |name: &str, external: Option<&str>| {
        reservation::reserve(&store.db, &wanted(acme, name, external), admitted(token.hash())).await.unwrap()
    };
    let sought = wanted(acme, "ada@acme.test", Some("E1"));
    reservation::reserve(&store.db, &sought, admitted(token.hash())).await.unwrap();
    assert_eq!(reserve("ada@acme.test", None).await, Reserved::Taken("userName"), "somebody is at it");
    reservation::leave(&store.db, &sought).await.unwrap();
    assert_eq!(reserve("ada@acme.test", None).await, Reserved::Unsettled);
    assert_eq!(reservation::claim_stale(&store.db, Kind::User, 10).await.unwrap().len(), 1);
    assert_eq!(reserve("ada@acme.test", None).await, Reserved::Unsettled, "the sweeper is at it");
    assert_eq!(reserve("eve@acme.test", Some("E1")).await, Reserved::Unsettled);
    assert_eq!(reserve("eve@acme.test", None).await, Reserved::Yes);
    store.run("update reservation set created_at = 0").await;
    assert_eq!(reserve("eve@acme.test", None).await, Reserved::Unsettled, "under way for too long");
}

async fn taking_somebody_over_is_audited_with_the_row_it_ends_as(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    made(&store, acme, &token, "eve@acme.test", None).await;
    let mut sought = wanted(acme, "ada@acme.test", None);
    reservation::reserve(&store.db, &sought, admitted(token.hash())).await.unwrap();
    reservation::adopt(&store.db, &mut sought).await.unwrap();
    let adopted = || async { audit::last(&store.db, acme, &["user.adopt"]).await.unwrap() };
    assert!(adopted().await.is_none(), "nobody is taken over yet");
    let (id, base) = (Uuid::new_v4(), Native::of(&sought.document));
    assert!(reservation::complete_user(&store.db, &sought, id, &base, None).await.unwrap().is_some());
    let entry = adopted().await.unwrap();
    assert_eq!(entry.detail, serde_json::json!({ "user": id }).to_string());
    assert!(reservation::complete_user(&store.db, &sought, Uuid::new_v4(), &base, None).await.unwrap().is_none());
    assert_eq!(adopted().await.unwrap().id, entry.id, "once");
}

async fn whom_a_create_takes_over_is_known_to_whoever_ends_it(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let mut sought = wanted(acme, "ada@acme.test", None);
    reservation::reserve(&store.db, &sought, admitted(token.hash())).await.unwrap();
    assert!(reservation::adopt(&store.db, &mut sought).await.unwrap());
    reservation::leave(&store.db, &sought).await.unwrap();
    let left = reservation::claim_stale(&store.db, Kind::User, 10).await.unwrap();
    assert!(sought.adopts && left[0].adopts);
    assert!(reservation::abandon(&store.db, &sought).await.unwrap());
    assert!(!reservation::adopt(&store.db, &mut sought).await.unwrap(), "not after it was given up");
}
