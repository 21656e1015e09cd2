use directory::refresh::{self, Fate};
use directory::resource::{self, Kind, Page, Place, Resource, Wanted};
use directory::user::{self, Commit, LogOut, User};
use directory::writing::{self, Claim};
use directory::{Condition, Error, ledger};
use futures_util::future::join_all;
use registry::{BearerToken, TenantId, inbound_token, tenant};
use scim::native::Native;
use scim::sort::Key;
use serde_json::json;
use testkit::store::Store;
use uuid::Uuid;

use crate::{admitted, fence, made};

testkit::on_both_databases!(
    of_many_claims_on_a_user_one_is_granted,
    a_claim_needs_a_living_token_and_a_user,
    only_the_newest_claim_commits,
    a_claim_that_ran_out_leaves_what_it_wrote_in_doubt,
    a_deactivation_whose_end_nobody_saw_is_off_in_doubt_and_for_whoever_writes_next,
    a_tenant_that_is_moved_grants_no_claim_that_was_admitted_before,
    a_version_moves_with_a_real_change_alone,
    a_taken_name_is_refused_at_the_commit_and_nothing_moves,
    an_external_id_of_somebody_inactive_is_free_for_another,
    a_claim_that_is_lost_takes_no_external_id_from_anybody,
    in_doubt_nobody_is_let_in_whom_scim_did_not_switch_on_lately,
    a_page_follows_the_order_of_creation,
    a_deleted_user_is_gone_and_its_name_free,
    an_owed_log_out_is_taken_over_once,
    a_refresh_behind_a_newer_write_is_discarded,
    a_refresh_takes_a_swapped_name_from_its_holder,
    who_lost_a_name_is_changed_in_all_else,
    who_was_switched_off_is_off_whatever_the_document_says,
    whoever_is_switched_on_by_another_hand_within_a_day_is_told_of_once,
);

async fn claimed(store: &Store, tenant: TenantId, id: Uuid, token: &BearerToken) -> User {
    match user::claim(&store.db, tenant, id, admitted(token.hash()), LogOut::No).await.unwrap() {
        Claim::Granted(user) => user,
        other => panic!("{other:?}"),
    }
}

fn write(document: &scim::Object, changed: bool) -> Commit<'_> {
    Commit { document, changed, active: true, base: None, switched: None, trace: None }
}

async fn of_many_claims_on_a_user_one_is_granted(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let claims =
        join_all((0..20).map(|_| user::claim(&store.db, acme, ada.id, admitted(token.hash()), LogOut::No))).await;
    let granted = claims.iter().filter(|claim| matches!(claim, Ok(Claim::Granted(_)))).count();
    let busy = claims.iter().filter(|claim| matches!(claim, Ok(Claim::Busy))).count();
    assert_eq!((granted, busy), (1, 19));
}

async fn a_claim_needs_a_living_token_and_a_user(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let (_, foreign) = store.provisioned("other").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let ask = async |id, token: &BearerToken| {
        user::claim(&store.db, acme, id, admitted(token.hash()), LogOut::No).await.unwrap()
    };
    assert!(matches!(ask(Uuid::new_v4(), &token).await, Claim::Missing));
    assert!(matches!(ask(ada.id, &foreign).await, Claim::TokenDead), "another tenant's token is none of this tenant's");
    let next = BearerToken::generate().unwrap();
    inbound_token::rotate(&store.db, acme, &next, None, "dana").await.unwrap();
    assert!(matches!(ask(ada.id, &token).await, Claim::TokenDead), "a rotated token's slow request writes no more");
    assert!(matches!(ask(ada.id, &next).await, Claim::Granted(_)));
}

async fn a_tenant_that_is_moved_grants_no_claim_that_was_admitted_before(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let ask = async || user::claim(&store.db, acme, ada.id, admitted(token.hash()), LogOut::No).await.unwrap();
    tenant::freeze(&store.db, acme, true).await.unwrap();
    assert!(matches!(ask().await, Claim::Busy), "the token lives, but it is not the time");
    let place = tenant::by_id(&store.db, acme).await.unwrap();
    tenant::relocate(&store.db, acme, place.cluster_id, "elsewhere", "dana").await.unwrap();
    tenant::freeze(&store.db, acme, false).await.unwrap();
    assert!(matches!(ask().await, Claim::Busy), "it would be written to the realm at its old place");
}

async fn a_claim_that_ran_out_leaves_what_it_wrote_in_doubt(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let doubtful = async || crate::fence(&store.db, acme, ada.id).await.unwrap().doubtful();
    let held = claimed(&store, acme, ada.id, &token).await;
    writing::release(&store.db, Kind::User, acme, ada.id, held.write_epoch).await.unwrap();
    claimed(&store, acme, ada.id, &token).await;
    assert!(!doubtful().await, "the one before was given back");
    store.run("update directory_user set write_until = 1").await;
    claimed(&store, acme, ada.id, &token).await;
    assert!(!doubtful().await, "what was begun so long ago has come, or does not");
    store.run(LEASE_AGO).await;
    claimed(&store, acme, ada.id, &token).await;
    assert!(doubtful().await, "whoever had it may have written last, and late");
}

/// As if whoever has a claim had taken it so long ago.
const LEASE_AGO: &str = "update directory_user set write_until = write_until - 15000000";

async fn a_deactivation_whose_end_nobody_saw_is_off_in_doubt_and_for_whoever_writes_next(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let claim = async |logout| match user::claim(&store.db, acme, ada.id, admitted(token.hash()), logout).await {
        Ok(Claim::Granted(user)) => user,
        other => panic!("{other:?}"),
    };
    let wanted_on = async || {
        let fence = fence(&store.db, acme, ada.id).await.unwrap();
        fence.native(&fence.document().unwrap(), &ada.base).active
    };
    // Refused before the realm was written: nothing is owed, and nobody is off for it.
    let held = claim(LogOut::Owed).await;
    assert!(!held.off_unsettled, "it is this one's own");
    user::refused(&store.db, acme, ada.id, held.write_epoch).await.unwrap();
    assert!(wanted_on().await);
    // Whom SCIM made is deleted, and has no sessions then.
    let held = claim(LogOut::OwedIfAdopted).await;
    assert!(wanted_on().await);
    writing::release(&store.db, Kind::User, acme, ada.id, held.write_epoch).await.unwrap();

    // Off and on again in one request.
    let held = claim(LogOut::Owed).await;
    user::commit(&store.db, acme, &held, &write(&held.document, false)).await.unwrap().unwrap();
    assert!(wanted_on().await, "it came to no switch, and owes nothing");

    claim(LogOut::Owed).await;
    store.run(LEASE_AGO).await;
    let next = claim(LogOut::No).await;
    assert!(next.active && next.off_unsettled && !wanted_on().await);
    user::refused(&store.db, acme, ada.id, next.write_epoch).await.unwrap();
    let next = claim(LogOut::Owed).await;
    user::refused(&store.db, acme, ada.id, next.write_epoch).await.unwrap();
    assert!(!wanted_on().await, "what the first one owes is not the second one's to give up");
    let owed = user::claim_owed_logouts(&store.db, 1).await.unwrap().pop().unwrap();
    user::logout_paid(&store.db, &owed).await.unwrap();
    let after = user::by_id(&store.db, acme, ada.id).await.unwrap().unwrap();
    assert_eq!((after.active, &after.document["active"], after.version), (false, &json!(false), ada.version + 1));
    assert!(!after.off_unsettled && !wanted_on().await);

    // Out of doubt the realm says what became of it.
    store.run("update directory_user set realm_doubt_until = null, active = true, logout_owed = true").await;
    let owed = user::claim_owed_logouts(&store.db, 1).await.unwrap().pop().unwrap();
    user::logout_paid(&store.db, &owed).await.unwrap();
    assert!(user::by_id(&store.db, acme, ada.id).await.unwrap().unwrap().active);
}

async fn only_the_newest_claim_commits(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let first = claimed(&store, acme, ada.id, &token).await;
    writing::release(&store.db, Kind::User, acme, ada.id, first.write_epoch).await.unwrap();
    let second = claimed(&store, acme, ada.id, &token).await;
    let mut document = first.document.clone();
    document.insert("title".to_owned(), json!("late"));
    assert!(user::commit(&store.db, acme, &first, &write(&document, true)).await.unwrap().is_none());
    assert!(!writing::renew(&store.db, Kind::User, acme, ada.id, first.write_epoch).await.unwrap());
    assert!(writing::renew(&store.db, Kind::User, acme, ada.id, second.write_epoch).await.unwrap());
    let done = user::commit(&store.db, acme, &second, &write(&document, true)).await.unwrap().unwrap();
    assert_eq!(done.document["title"], "late");
}

async fn a_version_moves_with_a_real_change_alone(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let held = claimed(&store, acme, ada.id, &token).await;
    let same = user::commit(&store.db, acme, &held, &write(&held.document, false)).await.unwrap().unwrap();
    assert_eq!((same.version, same.modified_at), (ada.version, ada.modified_at));
    let mut document = held.document.clone();
    document.insert("title".to_owned(), json!("Countess"));
    let held = claimed(&store, acme, ada.id, &token).await;
    let changed = user::commit(&store.db, acme, &held, &write(&document, true)).await.unwrap().unwrap();
    assert_eq!(changed.version, ada.version + 1);
}

async fn a_taken_name_is_refused_at_the_commit_and_nothing_moves(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    made(&store, acme, &token, "grace@acme.test", Some("G")).await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let taken = writing::taken(&store.db, Kind::User, (acme, ada.id), Some("grace@acme.test"), None).await.unwrap();
    assert_eq!(taken, Some("userName"));
    assert_eq!(
        writing::taken(&store.db, Kind::User, (acme, ada.id), Some("ada@acme.test"), Some("G")).await.unwrap(),
        Some("externalId")
    );
    assert_eq!(
        writing::taken(&store.db, Kind::User, (acme, ada.id), Some("ada@acme.test"), Some("g")).await.unwrap(),
        None
    );
    let held = claimed(&store, acme, ada.id, &token).await;
    let mut document = held.document.clone();
    document.insert("userName".to_owned(), json!("GRACE@acme.test"));
    let refused = user::commit(&store.db, acme, &held, &write(&document, true)).await;
    assert!(matches!(refused, Err(Error::Taken("userName"))), "{refused:?}");
    let after = user::by_id(&store.db, acme, ada.id).await.unwrap().unwrap();
    assert_eq!((after.document, after.version), (ada.document, ada.version));
}

async fn an_external_id_of_somebody_inactive_is_free_for_another(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let grace = made(&store, acme, &token, "grace@acme.test", Some("G")).await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let held = claimed(&store, acme, grace.id, &token).await;
    let off = Commit { active: false, ..write(&held.document, true) };
    user::commit(&store.db, acme, &held, &off).await.unwrap().unwrap();
    let taken = writing::taken(&store.db, Kind::User, (acme, ada.id), Some("ada@acme.test"), Some("G")).await.unwrap();
    assert_eq!(taken, None);

    let held = claimed(&store, acme, ada.id, &token).await;
    let mut document = held.document.clone();
    document.insert("externalId".to_owned(), json!("G"));
    user::commit(&store.db, acme, &held, &write(&document, true)).await.unwrap().unwrap();
    assert_eq!(user::by_external(&store.db, acme, "G").await.unwrap().map(|user| user.id), Some(ada.id));
    // Who is changed otherwise is not asked for it; who comes back is, and has it again once nobody else does.
    let held = claimed(&store, acme, grace.id, &token).await;
    assert!(user::commit(&store.db, acme, &held, &write(&held.document, true)).await.unwrap().is_some());
    let on = async |document: &scim::Object| {
        let held = claimed(&store, acme, grace.id, &token).await;
        user::commit(&store.db, acme, &held, &Commit { switched: Some(true), ..write(document, true) }).await
    };
    assert_eq!(
        writing::taken(&store.db, Kind::User, (acme, grace.id), None, Some("G")).await.unwrap(),
        Some("externalId")
    );
    let refused = on(&grace.document).await;
    assert!(matches!(refused, Err(Error::Taken("externalId"))), "{refused:?}");
    let ((), owner) = (store.run(LEASE_AGO).await, claimed(&store, acme, ada.id, &token).await);
    user::commit(&store.db, acme, &owner, &write(&ada.document, true)).await.unwrap().unwrap();
    store.run(LEASE_AGO).await;
    on(&grace.document).await.unwrap().unwrap();
    assert_eq!(user::by_external(&store.db, acme, "G").await.unwrap().map(|user| user.id), Some(grace.id));
}

async fn a_claim_that_is_lost_takes_no_external_id_from_anybody(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let grace = made(&store, acme, &token, "grace@acme.test", Some("G")).await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    store.run("update directory_user set active = false where external_key = 'G'").await;
    let mut held = claimed(&store, acme, ada.id, &token).await;
    held.document.insert("externalId".to_owned(), json!("G"));
    let late = User { write_epoch: held.write_epoch - 1, document: ada.document.clone(), ..held.clone() };
    assert!(user::commit(&store.db, acme, &late, &write(&held.document, true)).await.unwrap().is_none());
    assert_eq!(user::by_external(&store.db, acme, "G").await.unwrap().map(|user| user.id), Some(grace.id));
}

async fn in_doubt_nobody_is_let_in_whom_scim_did_not_switch_on_lately(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let wanted_on = async |seen: bool| {
        let fence = fence(&store.db, acme, ada.id).await.unwrap();
        fence.native(&fence.document().unwrap(), &Native { active: seen, ..ada.base.clone() }).active
    };
    assert!(wanted_on(true).await && !wanted_on(false).await, "somebody else has switched off");
    let held = claimed(&store, acme, ada.id, &token).await;
    let on = Commit { switched: Some(true), base: Some(&ada.base), ..write(&held.document, true) };
    user::commit(&store.db, acme, &held, &on).await.unwrap().unwrap();
    assert!(wanted_on(false).await, "a deactivation of ours may have come after it");
    store.run("update directory_user set scim_enabled_at = scim_enabled_at - 600000000").await;
    assert!(!wanted_on(false).await);
}

async fn a_page_follows_the_order_of_creation(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(made(&store, acme, &token, &format!("user-{number}@acme.test"), None).await.id);
    }
    let wanted = Wanted { related: true, total: true, order: None };
    let page =
        async |page| resource::page(&store.db, acme, Kind::User, &Condition::all(), &page, wanted).await.unwrap();
    let (mut seen, mut walked, mut last) = (Vec::new(), Vec::new(), None);
    for first in [0, 3, 6] {
        let selected = page(Page::Offset(first, 3)).await;
        assert_eq!(selected.total, 7);
        seen.extend(selected.resources.into_iter().map(|user| user.id));
        let selected = page(Page::After(last, 3)).await;
        let place = |user: &Resource| Place { key: Key::Missing, created_at: user.created_at, id: user.id };
        last = selected.resources.last().map(place);
        walked.extend(selected.resources.into_iter().map(|user| user.id));
    }
    assert_eq!((&seen, &walked), (&ids, &ids));
    assert_eq!(page(Page::Offset(0, 0)).await.total, 7);
    assert_eq!(page(Page::Offset(100, 10)).await.total, 7, "past the end the total is true still");
}

async fn a_deleted_user_is_gone_and_its_name_free(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", Some("E1")).await;
    let held = claimed(&store, acme, ada.id, &token).await;
    assert!(user::delete(&store.db, acme, ada.id, held.write_epoch, None).await.unwrap());
    assert!(user::by_id(&store.db, acme, ada.id).await.unwrap().is_none());
    let seen = async |id| ledger::row(&store.db, acme, id).await.unwrap().unwrap().delete_seen;
    assert!(seen(ada.id).await, "nobody wonders where she is");
    assert!(!user::delete(&store.db, acme, ada.id, held.write_epoch, None).await.unwrap());
    let again = made(&store, acme, &token, "ada@acme.test", Some("E1")).await;
    assert_ne!(again.id, ada.id);
    store.run("update directory_user set adopted = true").await;
    let held = claimed(&store, acme, again.id, &token).await;
    assert!(user::delete(&store.db, acme, again.id, held.write_epoch, None).await.unwrap());
    assert!(!seen(again.id).await, "the realm has her still");
}

async fn an_owed_log_out_is_taken_over_once(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let Claim::Granted(held) =
        user::claim(&store.db, acme, ada.id, admitted(token.hash()), LogOut::Owed).await.unwrap()
    else {
        panic!()
    };
    assert!(user::claim_owed_logouts(&store.db, 10).await.unwrap().is_empty(), "its request is still at it");
    writing::release(&store.db, Kind::User, acme, ada.id, held.write_epoch).await.unwrap();
    tenant::freeze(&store.db, acme, true).await.unwrap();
    assert!(user::claim_owed_logouts(&store.db, 10).await.unwrap().is_empty(), "a move waits for none");
    tenant::freeze(&store.db, acme, false).await.unwrap();
    let owed = user::claim_owed_logouts(&store.db, 10).await.unwrap();
    assert_eq!(owed.iter().map(|owed| owed.id).collect::<Vec<_>>(), [ada.id]);
    assert!(user::claim_owed_logouts(&store.db, 10).await.unwrap().is_empty(), "somebody else is paying it");
    user::logout_paid(&store.db, &owed[0]).await.unwrap();
    assert!(user::claim_owed_logouts(&store.db, 10).await.unwrap().is_empty());
}

/// What a triage saw.
fn triage(claim: &ledger::Claim) -> ledger::Triage<'_> {
    ledger::Triage { claim, observed: vec![1], urgent: false, gone: false }
}

async fn triage_claim(store: &Store, tenant: TenantId, id: Uuid) -> ledger::Claim {
    ledger::claim(&store.db, tenant, id, ledger::Stage::Triage, None).await.unwrap().unwrap()
}

async fn a_refresh_behind_a_newer_write_is_discarded(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let claim = triage_claim(&store, acme, ada.id).await;
    let fence = crate::fence(&store.db, acme, ada.id).await.unwrap();
    let stale = Native { given_name: Some("Old".to_owned()), ..ada.base.clone() };
    // An inbound write begins, and ends, between the read of the realm and the commit.
    let held = claimed(&store, acme, ada.id, &token).await;
    let mut document = held.document.clone();
    document.insert("name".to_owned(), json!({ "givenName": "New" }));
    let writing = crate::fence(&store.db, acme, ada.id).await.unwrap();
    assert!(writing.writing());
    user::commit(&store.db, acme, &held, &write(&document, true)).await.unwrap().unwrap();
    let outcome =
        refresh::commit(&store.db, acme, ada.id, Some(&fence), Fate::Follow(&stale), &triage(&claim)).await.unwrap();
    assert_eq!(outcome, ledger::Recorded::Stale);
    assert_eq!(user::by_id(&store.db, acme, ada.id).await.unwrap().unwrap().document["name"]["givenName"], "New");
}

async fn a_refresh_takes_a_swapped_name_from_its_holder(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let grace = made(&store, acme, &token, "grace@acme.test", None).await;
    for (user, name) in [(&ada, "grace@acme.test"), (&grace, "ada@acme.test")] {
        let claim = triage_claim(&store, acme, user.id).await;
        let fence = crate::fence(&store.db, acme, user.id).await;
        let fresh = Native { user_name: name.to_owned(), ..user.base.clone() };
        let outcome =
            refresh::commit(&store.db, acme, user.id, fence.as_ref(), Fate::Follow(&fresh), &triage(&claim)).await;
        assert!(matches!(outcome, Ok(ledger::Recorded::Written { .. })), "{outcome:?}");
    }
    let holder = async |name| user::by_username(&store.db, acme, name).await.unwrap().map(|user| user.id);
    assert_eq!((holder("grace@acme.test").await, holder("ada@acme.test").await), (Some(ada.id), Some(grace.id)));
}

async fn who_lost_a_name_is_changed_in_all_else(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let grace = made(&store, acme, &token, "grace@acme.test", None).await;
    let claim = triage_claim(&store, acme, ada.id).await;
    let fence = crate::fence(&store.db, acme, ada.id).await;
    let fresh = Native { user_name: "grace@acme.test".to_owned(), ..ada.base.clone() };
    refresh::commit(&store.db, acme, ada.id, fence.as_ref(), Fate::Follow(&fresh), &triage(&claim)).await.unwrap();

    let held = claimed(&store, acme, grace.id, &token).await;
    let mut document = held.document.clone();
    document.insert("title".to_owned(), json!("Admiral"));
    let done = user::commit(&store.db, acme, &held, &write(&document, true)).await.unwrap().unwrap();
    assert_eq!(done.document["title"], "Admiral");
    let holder = user::by_username(&store.db, acme, "grace@acme.test").await.unwrap().map(|user| user.id);
    assert_eq!(holder, Some(ada.id), "and does not take the name back by that");

    // Once it is free, whoever the realm calls so has it again, and is looked at for that.
    let looked_at = async |user, fresh: &Native| {
        let claim = triage_claim(&store, acme, user).await;
        let fence = crate::fence(&store.db, acme, user).await;
        refresh::commit(&store.db, acme, user, fence.as_ref(), Fate::Follow(fresh), &triage(&claim)).await.unwrap()
    };
    looked_at(grace.id, &grace.base).await;
    assert_eq!(user::by_username(&store.db, acme, "grace@acme.test").await.unwrap().map(|user| user.id), Some(ada.id));
    ledger::mark(store.db.connection(), acme, ada.id, &ledger::Mark::default()).await.unwrap();
    looked_at(ada.id, &ada.base).await;
    looked_at(grace.id, &grace.base).await;
    let holder = async |name| user::by_username(&store.db, acme, name).await.unwrap().map(|user| user.id);
    assert_eq!((holder("grace@acme.test").await, holder("ada@acme.test").await), (Some(grace.id), Some(ada.id)));
}

async fn who_was_switched_off_is_off_whatever_the_document_says(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let claim = claimed(&store, acme, ada.id, &token).await;
    let mut document = ada.document.clone();
    document.shift_remove("active");
    let silent = Commit { active: false, ..write(&document, true) };
    assert!(user::commit(&store.db, acme, &claim, &silent).await.unwrap().is_some());
    // A write in doubt is mended to this (K5): nobody is switched on by it.
    let fence = fence(&store.db, acme, ada.id).await.unwrap();
    assert!(!fence.native(&fence.document().unwrap(), &ada.base).active);
}

async fn whoever_is_switched_on_by_another_hand_within_a_day_is_told_of_once(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await;
    let (on, off) = (ada.base.clone(), Native { active: false, ..ada.base.clone() });
    let switch = async |to: Option<bool>, active: bool, base: &Native| {
        let held = claimed(&store, acme, ada.id, &token).await;
        let mut document = held.document.clone();
        document.insert("active".to_owned(), json!(active));
        let commit = Commit { active, base: Some(base), switched: to, ..write(&document, true) };
        user::commit(&store.db, acme, &held, &commit).await.unwrap().unwrap();
    };
    // Whether a look that finds this tells of it.
    let looked = async |fresh: &Native| {
        ledger::mark(store.db.connection(), acme, ada.id, &ledger::Mark::default()).await.unwrap();
        let claim = triage_claim(&store, acme, ada.id).await;
        let fence = fence(&store.db, acme, ada.id).await;
        let fate = Fate::Follow(fresh);
        refresh::commit(&store.db, acme, ada.id, fence.as_ref(), fate, &triage(&claim)).await.unwrap();
        fence.unwrap().is_undone_by(fresh).unwrap()
    };
    let is_active = async || user::by_id(&store.db, acme, ada.id).await.unwrap().unwrap().active;
    switch(Some(false), false, &off).await;
    assert!(!looked(&off).await, "it is off");
    assert!(looked(&on).await && is_active().await, "and on by another hand");
    assert!(!looked(&on).await, "told once");
    // An administrator's own, there and back, is nobody else's.
    assert!(!looked(&off).await && !looked(&on).await);
    // SCIM's own as well.
    switch(Some(false), false, &off).await;
    switch(Some(true), true, &on).await;
    assert!(!looked(&on).await);
    // A write about something else may be the one that follows the other hand.
    switch(Some(false), false, &off).await;
    switch(None, true, &on).await;
    assert!(looked(&on).await && !looked(&on).await);
    // A day later it is an administrator's everyday work.
    switch(Some(false), false, &off).await;
    store.run("update directory_user set scim_disabled_at = scim_disabled_at - 86400000000").await;
    assert!(!looked(&on).await && is_active().await);
    // What was not confirmed may never have been: nobody switched anybody on.
    let held = claimed(&store, acme, ada.id, &token).await;
    assert!(user::off_in_doubt(&store.db, acme, &held, None).await.unwrap());
    store.run("update directory_user set write_until = null, realm_doubt_until = null").await;
    assert!(!looked(&on).await);
}
