use directory::held::{self, DEACTIVATION, Held, Word};
use directory::ledger::{self, Mark, Stage};
use directory::look;
use directory::parked;
use directory::resource::Kind;
use directory::watch::{self, Gone};
use registry::{TenantId, audit};
use testkit::store::Store;
use uuid::Uuid;

use crate::enabling::enable;
use crate::groups::make;
use crate::parked::set_aside_as;

testkit::on_both_databases!(
    held_deactivations_go_or_rest_at_a_persons_word,
    users_a_realm_lacks_are_gone_at_a_persons_word_and_nobody_else_is,
    a_word_is_for_as_many_as_were_shown,
    groups_a_realm_lacks_are_gone_at_a_persons_word_and_users_are_counted_apart,
);

async fn waits(store: &Store, tenant: TenantId) -> (u64, u64) {
    let Held { deactivations, absences, .. } = held::of(&store.db, tenant).await.unwrap();
    (deactivations, absences)
}

async fn decide(store: &Store, tenant: TenantId, word: Word, shown: u64) -> u64 {
    held::decide(&store.db, tenant, word, shown, "dana").await.unwrap()
}

async fn held_deactivations_go_or_rest_at_a_persons_word(store: Store) {
    let acme = store.tenant("acme").await;
    let enabled = enable(&store, acme, "https://a.test/scim").await;
    let target = (enabled.id, enabled.generation);
    let mut people = Vec::new();
    for _ in 0..3 {
        people.push(set_aside_as(&store, acme, target, DEACTIVATION).await);
    }
    let other = set_aside_as(&store, acme, target, "conflict").await;
    assert_eq!(waits(&store, acme).await, (3, 0));
    assert_eq!(decide(&store, acme, Word::Gone(Kind::User), 5).await, 0, "nobody is missing");
    assert_eq!(decide(&store, acme, Word::Deactivate, 2).await, 2);
    assert_eq!(waits(&store, acme).await, (1, 0));
    let due = ledger::due(&store.db, Stage::Send, 10, 10, &[]).await.unwrap();
    assert_eq!(due.len(), 2, "they go");
    assert!(ledger::row(&store.db, acme, due[0].user_id).await.unwrap().unwrap().released, "and are not held again");
    assert_eq!(decide(&store, acme, Word::Keep, 5).await, 1);
    assert_eq!(waits(&store, acme).await, (0, 0));
    let rest = parked::page(&store.db, acme, None, true, 10).await.unwrap();
    assert_eq!(rest.iter().filter(|user| user.ignored).count(), 1);
    assert!(rest.iter().any(|user| user.user_id == other && !user.ignored), "what is parked otherwise stays so");
    let said = audit::newest(&store.db, acme, 2).await.unwrap();
    let said: Vec<&str> = said.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(said, ["held.deactivations.refuse", "held.deactivations.confirm"]);
}

/// As many users of a tenant whom its realm does not find.
async fn missing(store: &Store, tenant: TenantId, count: usize) -> Vec<Uuid> {
    let people: Vec<Uuid> = (0..count).map(|_| Uuid::new_v4()).collect();
    for user in &people {
        ledger::mark(store.db.connection(), tenant, *user, &Mark::default()).await.unwrap();
        watch::may_go(&store.db, Kind::User, tenant, *user, false).await.unwrap();
    }
    people
}

async fn users_a_realm_lacks_are_gone_at_a_persons_word_and_nobody_else_is(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    let may_go = async |user: Uuid| watch::may_go(&store.db, Kind::User, acme, user, false).await.unwrap();
    let mut people = missing(&store, acme, 20).await;
    assert_eq!(waits(&store, acme).await, (0, 0), "so few wait for nobody");
    people.extend(missing(&store, acme, 2).await);
    assert_eq!(waits(&store, acme).await, (0, 22));
    // One is found again.
    let claim = ledger::claim(&store.db, acme, people[21], Stage::Triage, None).await.unwrap().unwrap();
    let seen = ledger::Triage { claim: &claim, observed: vec![1], urgent: false, gone: false };
    let transaction = store.db.begin().await.unwrap();
    let outcome = ledger::triaged(&transaction, acme, people[21], &seen).await;
    directory::finish(transaction, outcome).await.unwrap();
    assert_eq!(waits(&store, acme).await, (0, 21));
    store.run("update ledger set triage_at = 9000000000000000 where dirty_seq > seen_seq").await;
    assert_eq!(decide(&store, acme, Word::Gone(Kind::User), 21).await, 21);
    assert_eq!(waits(&store, acme).await, (0, 0));
    assert_eq!(ledger::due(&store.db, Stage::Triage, 50, 50, &[]).await.unwrap().len(), 21, "they are looked at now");
    for user in &people[..21] {
        assert_eq!(may_go(*user).await, Gone::Yes);
    }
    assert_eq!(may_go(people[21]).await, Gone::NotYet, "the word was not about this one");
    assert_eq!(may_go(missing(&store, acme, 1).await[0]).await, Gone::NotYet, "nor is it for others");
    let said = audit::newest(&store.db, acme, 1).await.unwrap();
    assert_eq!((said[0].actor.as_str(), said[0].action.as_str()), ("dana", "held.absences.confirm"));
    // Minutes later it has been said of nobody.
    store.run("update absence set at = at - 601000000, seen_at = seen_at - 601000000").await;
    assert_eq!(may_go(people[0]).await, Gone::NotYet);
}

async fn a_word_is_for_as_many_as_were_shown(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    let (beta, _) = store.provisioned("beta").await;
    missing(&store, acme, 30).await;
    missing(&store, beta, 30).await;
    assert_eq!(decide(&store, acme, Word::Gone(Kind::User), 25).await, 25);
    assert_eq!(decide(&store, acme, Word::Gone(Kind::User), 30).await, 5, "those that were left");
    assert_eq!(waits(&store, beta).await, (0, 30), "another tenant's wait for another word");
}

async fn groups_a_realm_lacks_are_gone_at_a_persons_word_and_users_are_counted_apart(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let may_go =
        async |group: Uuid, told: bool| watch::may_go(&store.db, Kind::Group, acme, group, told).await.unwrap();
    let held = async || held::of(&store.db, acme).await.unwrap().groups;
    missing(&store, acme, 20).await;
    let mut groups = Vec::new();
    for number in 0..23 {
        groups.push(make(&store, acme, &token, &format!("Group {number}"), Vec::new()).await);
    }
    for group in &groups[..22] {
        look::want(store.db.connection(), acme, *group, false).await.unwrap();
        may_go(*group, false).await;
    }
    assert_eq!((waits(&store, acme).await, held().await), ((0, 0), 22), "each kind is counted for itself");
    assert_eq!(may_go(groups[22], true).await, Gone::Yes, "whose deletion was told of is no part of a mass");
    assert_eq!(may_go(groups[0], false).await, Gone::Held(60_000_000));
    store.run("update directory_group set look_at = 9000000000000000 where look_at is not null").await;
    assert_eq!(decide(&store, acme, Word::Gone(Kind::User), 50).await, 20, "a word about users is for users");
    assert_eq!((may_go(groups[0], false).await, held().await), (Gone::Held(60_000_000), 22));
    assert_eq!(decide(&store, acme, Word::Gone(Kind::Group), 21).await, 21);
    assert_eq!(look::due(&store.db, 50).await.unwrap().len(), 21, "they are looked at now");
    let mut gone = 0;
    for group in &groups[..22] {
        gone += usize::from(may_go(*group, false).await == Gone::Yes);
    }
    assert_eq!(gone, 21, "the one that was not shown waits");
    let said = audit::newest(&store.db, acme, 1).await.unwrap();
    assert_eq!((said[0].action.as_str(), said[0].detail.clone()), ("held.groups.confirm", r#"{"groups":21}"#.into()));
}
