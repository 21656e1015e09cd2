use directory::held;
use directory::ledger::{self, Mark, Stage};
use directory::link;
use directory::look;
use directory::resource::Kind;
use directory::setting;
use directory::user::{self, Arrival};
use directory::watch::{self, Absence, Gone, GroupSeen, Harvest, Seen, Survey};
use futures_util::future::join_all;
use registry::{provisioner, tenant};
use scim::native::Native;
use testkit::store::{HOST, Store};
use uuid::Uuid;

use crate::enabling::enable;
use crate::groups::{make, people};
use crate::made;

testkit::on_both_databases!(
    a_realm_has_one_poller,
    an_event_marks_once_and_only_under_the_pollers_claim,
    the_end_of_somebody_nobody_knows_leaves_nothing,
    a_poller_that_is_alive_keeps_its_realm_and_one_that_has_ended_takes_nothing_back,
    an_absence_counts_when_it_was_told_or_outlasts_a_compare_and_a_mass_of_them_never,
    an_absence_waits_for_one_compare_that_began_after_it_and_has_that_made,
    where_nobody_follows_a_realm_an_absence_waits_for_no_compare,
    an_absence_ends_when_its_user_is_found,
    of_a_mass_that_a_pass_found_nobody_is_judged_as_one_of_a_few,
    people_nobody_manages_make_no_mass_of_managed_ones_believable,
    who_is_deactivated_downstream_once_given_up_is_at_stake_though_nobody_manages_them,
    the_newest_events_known_are_what_the_last_poll_says,
    an_event_is_remembered_for_as_long_as_a_poll_may_read_it_again,
    another_realm_role_is_to_be_given_back,
    how_a_realms_event_stores_were_stays_known_where_it_moves_and_another_realms_take_its_place,
    a_groups_end_that_an_event_told_of_is_told_to_whoever_looks,
    a_survey_has_one_owner_and_keeps_no_poll_waiting,
    a_compare_that_was_wanted_while_one_was_under_way_is_wanted_still,
    a_survey_that_fails_rests_for_longer_each_time_until_somebody_wants_one,
    whoever_reads_events_says_when,
    an_import_that_is_wanted_anew_is_not_done_with_the_one_under_way,
    a_survey_of_a_realm_that_is_left_takes_nobody_in,
);

async fn a_realm_has_one_poller(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let claims = join_all((0..8).map(|_| watch::claim_due(&store.db, 10, None))).await;
    let owners: usize = claims.into_iter().map(|claimed| claimed.unwrap().len()).sum();
    assert_eq!(owners, 1);
}

fn harvest(events: &[Seen], cursor_ms: i64) -> Harvest<'_> {
    Harvest { events, groups: &[], cursor_ms, next_in: 0, newest: None }
}

async fn an_event_marks_once_and_only_under_the_pollers_claim(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let ada = Uuid::new_v4();
    let event = Seen { id: "event-1".to_owned(), user: ada, at_ms: 5, touch: true, deleted: false, roles: false };
    let first = watch::claim_due(&store.db, 10, Some(0)).await.unwrap().remove(0);
    // Its lease has run out at once: another replica takes over.
    let second = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
    assert!(watch::advance(&store.db, &first, &harvest(std::slice::from_ref(&event), 10)).await.unwrap().is_empty());
    let twice = [event.clone(), event];
    assert_eq!(watch::advance(&store.db, &second, &harvest(&twice, 20)).await.unwrap(), [ada]);
    let third = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
    assert_eq!(third.cursor_ms, Some(20), "the late poller moved nothing");
    assert!(
        watch::advance(&store.db, &third, &harvest(&twice, 30)).await.unwrap().is_empty(),
        "the overlap marks nobody"
    );
    let claim = ledger::claim(&store.db, acme, ada, Stage::Triage, None).await.unwrap().unwrap();
    assert_eq!((claim.seq, claim.reassert), (1, true));
}

async fn the_end_of_somebody_nobody_knows_leaves_nothing(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let end = |id: &str, user| Seen { id: id.to_owned(), user, at_ms: 5, touch: true, deleted: true, roles: false };
    let (stranger, ada) = (Uuid::new_v4(), made(&store, acme, &token, "ada@acme.test", None).await.id);
    let watch = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
    let events = [end("event-1", stranger), end("event-2", ada)];
    assert_eq!(watch::advance(&store.db, &watch, &harvest(&events, 10)).await.unwrap(), [ada]);
    assert!(!watch::take(&store.db, acme, &end("event-3", stranger)).await.unwrap());
    assert!(ledger::row(&store.db, acme, stranger).await.unwrap().is_none());
}

async fn a_poller_that_is_alive_keeps_its_realm_and_one_that_has_ended_takes_nothing_back(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let poller = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
    store.run("update realm_watch set poll_until = poll_until - 9000000").await;
    // It says that it is alive in time, and nobody takes over.
    assert!(watch::renew(&store.db, &poller).await.unwrap());
    store.run("update realm_watch set poll_until = poll_until - 9000000").await;
    assert!(watch::claim_due(&store.db, 10, None).await.unwrap().is_empty());
    watch::advance(&store.db, &poller, &harvest(&[], 10)).await.unwrap();
    // What it says after its end keeps the realm from nobody.
    assert!(!watch::renew(&store.db, &poller).await.unwrap());
    // Nor is one that was late a poller again, though nobody took over: it takes the time since for one in which it read.
    let late = watch::claim_due(&store.db, 10, Some(0)).await.unwrap().remove(0);
    assert!(!watch::renew(&store.db, &late).await.unwrap());
    watch::advance(&store.db, &late, &harvest(&[], 99)).await.unwrap();
    let next = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
    assert_eq!(next.cursor_ms, Some(10));
}

async fn an_absence_counts_when_it_was_told_or_outlasts_a_compare_and_a_mass_of_them_never(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let may_go = async |user: Uuid, told: bool| watch::may_go(&store.db, Kind::User, acme, user, told).await.unwrap();
    let time_passes = |seconds: i64| {
        format!("update absence set at = at - {seconds}000000, seen_at = coalesce(seen_at, at) - {seconds}000000")
    };
    assert_eq!(may_go(Uuid::new_v4(), true).await, Gone::Yes);
    let people: Vec<Uuid> = (0..21).map(|_| Uuid::new_v4()).collect();
    for user in &people[..20] {
        assert_eq!(may_go(*user, false).await, Gone::NotYet);
    }
    store.run(&time_passes(3_000)).await;
    store.run("update absence set seen_at = seen_at + 3000000000").await;
    assert_eq!(may_go(people[0], false).await, Gone::NotYet, "nobody knows how many others there are");
    surveyed(&store).await;
    assert_eq!(may_go(people[0], false).await, Gone::Yes);
    for user in &people[20..] {
        assert_eq!(may_go(*user, false).await, Gone::Held(60_000_000), "one more is a mass");
    }
    for user in &people {
        assert_eq!(may_go(*user, false).await, Gone::Held(60_000_000), "and then nobody goes");
    }
    // It lasts, and those who wait are looked at one after the other: they are a mass for as long as that.
    for _ in 0..2 {
        store.run(&time_passes(599)).await;
        for user in &people {
            assert_eq!(may_go(*user, false).await, Gone::Held(60_000_000), "still");
        }
    }
    // Rows of an earlier version say only since when.
    store.run("update absence set at = seen_at, seen_at = null").await;
    assert_eq!(may_go(people[0], false).await, Gone::Held(60_000_000));
    store.run(&time_passes(601)).await;
    assert_eq!(may_go(people[0], false).await, Gone::NotYet, "what is long ago does not count");
    store.run(&time_passes(601)).await;
    assert_eq!(watch::forget_absences(&store.db, 500).await.unwrap(), 20);
}

async fn an_absence_waits_for_one_compare_that_began_after_it_and_has_that_made(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    surveyed(&store).await;
    let may_go = async |user: Uuid| watch::may_go(&store.db, Kind::User, acme, user, false).await.unwrap();
    let begin = async || {
        let survey = watch::surveys_due(&store.db, 10).await.unwrap().pop()?;
        let began = watch::begin_compare(&store.db, &survey).await.unwrap().unwrap();
        Some((survey, began))
    };
    let end = async |(survey, began): (Survey, i64)| {
        watch::compared(&store.db, &survey, began).await.unwrap();
        watch::end_survey(&store.db, &survey, true).await.unwrap();
    };
    assert!(begin().await.is_none());
    let (ada, eve) = (Uuid::new_v4(), Uuid::new_v4());
    assert_eq!(may_go(ada).await, Gone::NotYet);
    a_moment_passes(&store).await;
    let first = begin().await.unwrap();
    // One who is missed while it lists may be one of many whom it lists no more.
    assert_eq!((may_go(ada).await, may_go(eve).await), (Gone::NotYet, Gone::NotYet));
    end(first).await;
    assert_eq!((may_go(ada).await, may_go(eve).await), (Gone::Yes, Gone::NotYet));
    a_moment_passes(&store).await;
    let second = begin().await.unwrap();
    assert_eq!(may_go(eve).await, Gone::NotYet);
    end(second).await;
    assert_eq!(may_go(eve).await, Gone::Yes);
    assert!(begin().await.is_none(), "and no more than that");
}

async fn where_nobody_follows_a_realm_an_absence_waits_for_no_compare(store: Store) {
    let acme = store.tenant("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let ada = Uuid::new_v4();
    let may_go = async || watch::may_go(&store.db, Kind::User, acme, ada, false).await.unwrap();
    assert_eq!(may_go().await, Gone::NotYet);
    store.run("update absence set at = at - 11000000").await;
    assert_eq!(may_go().await, Gone::Yes);
}

async fn an_absence_ends_when_its_user_is_found(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let ada = made(&store, acme, &token, "ada@acme.test", None).await.id;
    watch::ensure(&store.db, acme).await.unwrap();
    let missed = async || setting::of(&store.db, acme, ada).await.unwrap().unwrap().missed;
    let may_go = async || watch::may_go(&store.db, Kind::User, acme, ada, false).await.unwrap();
    assert!(!missed().await);
    for confirmed in ["null", "1"] {
        assert_eq!(may_go().await, Gone::NotYet, "another absence than before");
        a_moment_passes(&store).await;
        surveyed(&store).await;
        store.run(&format!("update absence set confirmed_at = {confirmed}")).await;
        assert!(missed().await);
        assert_eq!(may_go().await, Gone::Yes);
        watch::found(&store.db, Kind::User, acme, ada).await.unwrap();
        assert!(!missed().await);
    }
    assert_eq!(may_go().await, Gone::NotYet);
}

async fn another_realm_role_is_to_be_given_back(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    let (realm, client, role) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let identified = async |role: Uuid| {
        watch::identify(&store.db, acme, realm, client, role).await.unwrap();
        watch::identity(&store.db, acme).await.unwrap().unwrap().regrant
    };
    assert!(!identified(role).await && !identified(role).await);
    assert!(identified(Uuid::new_v4()).await);
    let owner = watch::surveys_due(&store.db, 10).await.unwrap().remove(0);
    assert!(owner.regrant);
    watch::regranted(&store.db, &owner).await.unwrap();
    assert!(!watch::identity(&store.db, acme).await.unwrap().unwrap().regrant);
}

async fn a_groups_end_that_an_event_told_of_is_told_to_whoever_looks(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let (renamed, deleted) =
        (make(&store, acme, &token, "Renamed", vec![]).await, make(&store, acme, &token, "Deleted", vec![]).await);
    let claimed = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
    let event = |group, deleted| GroupSeen { id: format!("{group}"), group, deleted };
    let groups = [event(renamed, false), event(deleted, true)];
    let harvest = Harvest { events: &[], groups: &groups, cursor_ms: 10, next_in: 0, newest: None };
    watch::advance(&store.db, &claimed, &harvest).await.unwrap();
    // What else is said of it takes nothing of that back.
    look::want(store.db.connection(), acme, deleted, false).await.unwrap();
    let looks = look::due(&store.db, 10).await.unwrap();
    let told = |group: Uuid| looks.iter().find(|look| look.id == group).unwrap().delete_seen;
    assert_eq!((told(renamed), told(deleted)), (false, true));
}

async fn of_a_mass_that_a_pass_found_nobody_is_judged_as_one_of_a_few(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    let people: Vec<Uuid> = (0..600).map(|_| Uuid::new_v4()).collect();
    for user in &people {
        ledger::mark(store.db.connection(), acme, *user, &Mark::default()).await.unwrap();
    }
    watch::note_absences(&store.db, Kind::User, acme, &people[..100]).await.unwrap();
    // Long after, and still before anybody else was looked at.
    store.run("update absence set at = at - 60000000").await;
    assert_eq!(watch::may_go(&store.db, Kind::User, acme, people[0], false).await.unwrap(), Gone::Held(60_000_000));
    watch::note_absences(&store.db, Kind::User, acme, &people).await.unwrap();
    watch::note_absences(&store.db, Kind::User, acme, &[]).await.unwrap();
    store.run("update absence set at = 0, seen_at = 0").await;
    assert_eq!(watch::forget_absences(&store.db, 1_000).await.unwrap(), 600, "each once");
}

async fn people_nobody_manages_make_no_mass_of_managed_ones_believable(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    for _ in 0..300 {
        ledger::mark(store.db.connection(), acme, Uuid::new_v4(), &Mark::default()).await.unwrap();
    }
    let managed = people(&store, acme, 100).await;
    watch::note_absences(&store.db, Kind::User, acme, &managed[..25]).await.unwrap();
    store.run("update absence set at = at - 60000000").await;
    assert_eq!(watch::may_go(&store.db, Kind::User, acme, managed[0], false).await.unwrap(), Gone::Held(60_000_000));
}

async fn who_is_deactivated_downstream_once_given_up_is_at_stake_though_nobody_manages_them(store: Store) {
    let acme = store.tenant("acme").await;
    enable(&store, acme, "https://a.test/scim").await;
    let linked: Vec<Uuid> = (0..300).map(|_| Uuid::new_v4()).collect();
    for user in &linked {
        ledger::mark(store.db.connection(), acme, *user, &Mark::default()).await.unwrap();
    }
    let link = "insert into link (tenant_id, user_id, target_id, downstream_id, updated_at)
         select ledger.tenant_id, user_id, target.id, 'd', 0 from ledger, target";
    store.run(link).await;
    let at_stake = async || setting::of(&store.db, acme, linked[0]).await.unwrap().unwrap().is_at_stake();
    let departing = async || link::departing(&store.db, acme).await.unwrap().len();
    assert_eq!((at_stake().await, departing().await), (false, 0), "nothing happens to the deleted");
    store.run("update target set on_delete = 'deactivate'").await;
    assert_eq!((at_stake().await, departing().await), (true, 300));
    // As many as are a tenth of them are believed, and one more is not.
    watch::note_absences(&store.db, Kind::User, acme, &linked[..30]).await.unwrap();
    watch::ensure(&store.db, acme).await.unwrap();
    surveyed(&store).await;
    let may_go = async |user: Uuid| watch::may_go(&store.db, Kind::User, acme, user, false).await.unwrap();
    assert_eq!(may_go(linked[0]).await, Gone::Yes);
    assert_eq!(may_go(linked[30]).await, Gone::Held(60_000_000));
    assert_eq!(held::of(&store.db, acme).await.unwrap().absences, 31);
    // Whoever was given up before makes no mass believable.
    store.run("update ledger set gone_at = 1").await;
    assert_eq!(departing().await, 0);
    store.run("update ledger set gone_at = null").await;
    store.run("update target set state = 'disabled'").await;
    assert_eq!((at_stake().await, departing().await), (false, 0));
}

async fn the_newest_events_known_are_what_the_last_poll_says(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    for known in [Some("a"), Some("b"), None] {
        let claimed = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
        let newest = known.map(str::to_owned);
        watch::advance(&store.db, &claimed, &Harvest { newest, ..harvest(&[], 10) }).await.unwrap();
        let claimed = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
        assert_eq!(claimed.newest_event.as_deref(), known);
        watch::postpone(&store.db, &claimed, 0).await.unwrap();
    }
}

async fn an_event_is_remembered_for_as_long_as_a_poll_may_read_it_again(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let minutes = |many: i64| many * 60_000_000;
    let now = ledger::now(&store.db).await.unwrap();
    let event = Seen { id: "e".to_owned(), user: Uuid::new_v4(), at_ms: 5, touch: true, deleted: false, roles: false };
    assert!(watch::take(&store.db, acme, &event).await.unwrap());
    let known = async |seen: i64, cursor: Option<i64>| {
        let cursor = cursor.map_or("null".to_owned(), |ago| ((now - minutes(ago)) / 1_000).to_string());
        store.run(&format!("update seen_event set seen_at = {}", now - minutes(seen))).await;
        store.run(&format!("update realm_watch set cursor_ms = {cursor}")).await;
        watch::forget_old_events(&store.db).await.unwrap();
        !watch::is_new(&store.db, acme, "e").await.unwrap()
    };
    assert!(known(14, Some(0)).await);
    // Its realm could not be read for an hour: the next poll begins before what was read last.
    assert!(known(70, Some(60)).await);
    assert!(!known(80, Some(60)).await);
    assert!(watch::take(&store.db, acme, &event).await.unwrap(), "it was forgotten");
    assert!(!known(16, None).await);
}

async fn a_survey_has_one_owner_and_keeps_no_poll_waiting(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let surveys = join_all((0..8).map(|_| watch::surveys_due(&store.db, 10))).await;
    let mut owners: Vec<Survey> = surveys.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(owners.len(), 1);
    let late = owners.remove(0);
    // Events are read while it is at work, and it stays at work.
    for cursor_ms in [10, 20] {
        let poll = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
        watch::advance(&store.db, &poll, &harvest(&[], cursor_ms)).await.unwrap();
    }
    assert!(watch::keep_survey(&store.db, &late).await.unwrap());
    store.run("update realm_watch set survey_until = 0").await;
    let owner = watch::surveys_due(&store.db, 10).await.unwrap().remove(0);
    // What a late one says counts for nothing.
    assert_eq!(watch::begin_compare(&store.db, &late).await.unwrap(), None);
    watch::compared(&store.db, &late, 1).await.unwrap();
    watch::import_done(&store.db, &late).await.unwrap();
    watch::end_survey(&store.db, &late, true).await.unwrap();
    assert!(!watch::keep_survey(&store.db, &late).await.unwrap());
    assert!(watch::keep_survey(&store.db, &owner).await.unwrap());
    // What is not finished is gone on with at once.
    watch::end_survey(&store.db, &owner, false).await.unwrap();
    assert!(watch::surveys_due(&store.db, 10).await.unwrap().remove(0).compare);
}

/// The clock of a database may stand still from one statement to the next.
async fn a_moment_passes(store: &Store) {
    store.run("update absence set at = at - 5000").await;
    store
        .run("update realm_watch set compare_from = compare_from - 5000, compare_wanted_at = compare_wanted_at - 5000")
        .await;
}

async fn imported(store: &Store, survey: &Survey) {
    watch::import_due(&store.db, survey).await.unwrap();
    watch::import_done(&store.db, survey).await.unwrap();
}

/// A survey that has done everything.
pub(crate) async fn surveyed(store: &Store) {
    let survey = watch::surveys_due(&store.db, 10).await.unwrap().remove(0);
    let began = watch::begin_compare(&store.db, &survey).await.unwrap().unwrap();
    imported(store, &survey).await;
    watch::compared(&store.db, &survey, began).await.unwrap();
    watch::end_survey(&store.db, &survey, true).await.unwrap();
}

async fn a_compare_that_was_wanted_while_one_was_under_way_is_wanted_still(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let idle = async || watch::surveys_due(&store.db, 10).await.unwrap().is_empty();
    watch::want_compare(&store.db, acme).await.unwrap();
    let survey = watch::surveys_due(&store.db, 10).await.unwrap().remove(0);
    imported(&store, &survey).await;
    let began = watch::begin_compare(&store.db, &survey).await.unwrap().unwrap();
    watch::want_compare(&store.db, acme).await.unwrap();
    watch::compared(&store.db, &survey, began).await.unwrap();
    watch::end_survey(&store.db, &survey, true).await.unwrap();
    a_moment_passes(&store).await;
    surveyed(&store).await;
    assert!(idle().await, "one for all who wanted it before it began");
    store.run("update realm_watch set compare_at = compare_at - 901000000").await;
    surveyed(&store).await;
    assert!(idle().await);
}

async fn a_survey_that_fails_rests_for_longer_each_time_until_somebody_wants_one(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let time_passes = async |seconds: i64| {
        store.run(&format!("update realm_watch set survey_at = survey_at - {seconds}000000")).await;
    };
    let fails = async || {
        let survey = watch::surveys_due(&store.db, 10).await.unwrap().pop()?;
        watch::put_survey_off(&store.db, &survey).await.unwrap();
        Some(survey.survey_failures)
    };
    for (failures, seconds) in [(0, 5), (1, 10), (2, 20)] {
        assert_eq!(fails().await, Some(failures));
        time_passes(seconds - 4).await;
        assert_eq!(fails().await, None, "it rests");
        time_passes(4).await;
    }
    store.run("update realm_watch set survey_failures = 1000").await;
    assert_eq!(fails().await, Some(1_000));
    time_passes(320).await;
    assert_eq!(fails().await, Some(1_001), "for minutes at most");
    // Its events are read meanwhile, and whoever wants a compare has mended something.
    assert_eq!(watch::claim_due(&store.db, 10, None).await.unwrap().len(), 1);
    assert_eq!(fails().await, None);
    watch::want_compare(&store.db, acme).await.unwrap();
    surveyed(&store).await;
    watch::want_compare(&store.db, acme).await.unwrap();
    assert_eq!(fails().await, Some(0), "one that did not fail ends the count");
}

async fn an_import_that_is_wanted_anew_is_not_done_with_the_one_under_way(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let importing =
        async || provisioner::resolve(&store.db, token.hash(), HOST, "acme").await.unwrap().ok().unwrap().importing;
    surveyed(&store).await;
    assert!(!importing().await);
    // A gap: whoever got the role meanwhile may be anybody.
    watch::want_import(store.db.connection(), acme).await.unwrap();
    let survey = watch::surveys_due(&store.db, 10).await.unwrap().remove(0);
    assert!(!survey.compare && watch::import_due(&store.db, &survey).await.unwrap());
    watch::want_import(store.db.connection(), acme).await.unwrap();
    watch::import_done(&store.db, &survey).await.unwrap();
    assert!(importing().await, "one more");
    imported(&store, &survey).await;
    assert!(!importing().await);
}

async fn a_survey_of_a_realm_that_is_left_takes_nobody_in(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let survey = watch::surveys_due(&store.db, 10).await.unwrap().remove(0);
    let arrival = async |name: &str| {
        let base = Native { user_name: name.to_owned(), active: true, ..Native::default() };
        let arrival = Arrival { id: Uuid::new_v4(), base, mapped: Vec::new(), nonce: None };
        watch::import_page(&store.db, &survey, &[arrival], 1).await.unwrap();
        user::ids(&store.db, acme).await.unwrap().len()
    };
    assert_eq!(arrival("ada@acme.test").await, 1);
    tenant::freeze(&store.db, acme, true).await.unwrap();
    assert!(!watch::keep_survey(&store.db, &survey).await.unwrap(), "the tenant is about to be moved");
    watch::forget_realm(&store.db, acme).await.unwrap();
    assert!(watch::surveys_due(&store.db, 10).await.unwrap().is_empty());
    assert_eq!(arrival("grace@acme.test").await, 1, "it is another realm by now");
    tenant::freeze(&store.db, acme, false).await.unwrap();
    assert_eq!(watch::surveys_due(&store.db, 10).await.unwrap().len(), 1);
}

async fn whoever_reads_events_says_when(store: Store) {
    let (acme, _) = store.provisioned("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let poll = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
    assert_eq!(poll.unread, None);
    watch::advance(&store.db, &poll, &harvest(&[], 10)).await.unwrap();
    store.run("update realm_watch set polled_at = polled_at - 700000000").await;
    let poll = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
    assert!(poll.unread.unwrap() >= 700_000_000);
    // One that fails has read nothing.
    watch::postpone(&store.db, &poll, 0).await.unwrap();
    let poll = watch::claim_due(&store.db, 10, None).await.unwrap().remove(0);
    assert!(poll.unread.unwrap() >= 700_000_000);
    watch::advance(&store.db, &poll, &harvest(&[], 10)).await.unwrap();
    assert!(watch::claim_due(&store.db, 10, None).await.unwrap()[0].unread.unwrap() < 700_000_000);
}

#[test]
fn the_more_are_held_the_less_often_each_is_looked_at_and_always_while_its_absence_counts() {
    for (absent, minutes) in [(21, 1), (20_000, 1), (40_000, 2), (100_000, 5), (1_000_000, 5)] {
        let absence = Absence { compared: false, confirmed: false, absent, known: absent };
        assert_eq!(absence.judge(), Gone::Held(minutes * 60_000_000), "{absent}");
    }
}

async fn how_a_realms_event_stores_were_stays_known_where_it_moves_and_another_realms_take_its_place(store: Store) {
    let acme = store.tenant("acme").await;
    watch::ensure(&store.db, acme).await.unwrap();
    let remember = async |realm: Uuid, what: &str| {
        watch::remember_events(&store.db, acme, realm, &format!("{realm} {what}")).await.unwrap();
    };
    let held = async || watch::to_restore(&store.db, acme).await.unwrap().unwrap();
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    remember(first, "off").await;
    remember(first, "on").await;
    assert_eq!(held().await, format!("{first} off"), "by the second time capture had them on");
    watch::forget_realm(&store.db, acme).await.unwrap();
    remember(first, "on").await;
    assert_eq!(held().await, format!("{first} off"), "it is the same realm elsewhere");
    remember(second, "on").await;
    assert_eq!(held().await, format!("{second} on"));
}
