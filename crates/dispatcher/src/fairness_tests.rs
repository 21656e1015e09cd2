use directory::ledger::protocol::NORMAL;
use uuid::Uuid;

use super::*;

const NOW: Duration = Duration::from_secs(100);
const QUICK: Duration = Duration::from_millis(10);

fn tenant(number: u128) -> TenantId {
    TenantId(Uuid::from_u128(number))
}

fn due(tenant_number: u128, lane: i16) -> Due {
    Due { tenant_id: tenant(tenant_number), user_id: Uuid::new_v4(), lane }
}

/// How many a tenant gets at once, each a little later.
fn granted(fairness: &mut Fairness, who: TenantId, urgent: bool) -> usize {
    let begin = NOW + Duration::from_hours(2);
    (0..100).take_while(|turn| fairness.admit(who, urgent, begin + Duration::from_secs(*turn)).is_some()).count()
}

fn rounds(fairness: &mut Fairness, who: TenantId, healths: &[Health]) -> Vec<After> {
    let mut now = NOW;
    let mut round = |health: &Health| {
        now += Duration::from_mins(1);
        let place = fairness.admit(who, false, now).unwrap();
        fairness.ended(who, place, *health, QUICK, now)
    };
    healths.iter().map(&mut round).collect()
}

#[test]
fn a_cap_begins_at_one_grows_with_success_and_falls_with_failure() {
    use Health::{Bad, Good, Slow, Throttled, Unknown};
    for (healths, cap) in [
        (&[][..], 1),
        (&[Good], 2),
        (&[Good, Good, Good], 4),
        (&[Good; 20], 8),
        (&[Good, Good, Unknown], 3),
        (&[Good, Good, Good, Bad], 1),
        (&[Good, Good, Good, Bad, Good], 2),
        (&[Good, Good, Good, Good, Good, Good, Good, Throttled], 4),
        (&[Slow; 20], 1),
        (&[Good, Good, Good, Good, Good, Good, Good, Slow], 4),
        (&[Good, Good, Good, Good, Good, Good, Good, Slow, Slow, Slow], 1),
        (&[Slow, Slow, Good], 2),
    ] {
        let mut fairness = Fairness::new(64, 8);
        rounds(&mut fairness, tenant(1), healths);
        assert_eq!(granted(&mut fairness, tenant(1), false), cap, "{healths:?}");
    }
}

#[test]
fn all_places_are_taken_at_once_but_by_one_that_asked_for_less() {
    use Health::{Good, Throttled};
    let at_once = |healths: &[Health]| {
        let mut fairness = Fairness::new(64, 8);
        rounds(&mut fairness, tenant(1), healths);
        let later = NOW + Duration::from_hours(1);
        (0..100).take_while(|_| fairness.admit(tenant(1), false, later).is_some()).count()
    };
    assert_eq!(at_once(&[Good; 20]), 8);
    assert_eq!(at_once(&[&[Good; 20][..], &[Throttled], &[Good; 20]].concat()), 1);
    assert_eq!(at_once(&[&[Good; 20][..], &[Throttled], &[Good; 200]].concat()), 8, "long ago");
}

#[test]
fn a_fifth_is_for_deactivations_alone() {
    let mut fairness = Fairness::new(10, 8);
    let normal = (0..20).filter(|number| fairness.admit(tenant(*number), false, NOW).is_some()).count();
    assert_eq!(normal, 8);
    let urgent = (0..20).filter(|number| fairness.admit(tenant(*number), true, NOW).is_some()).count();
    assert_eq!(urgent, 2);
}

#[test]
fn a_deactivation_passes_its_own_tenants_backlog() {
    let mut fairness = Fairness::new(64, 8);
    rounds(&mut fairness, tenant(1), &[Health::Good; 10]);
    assert_eq!(granted(&mut fairness, tenant(1), false), 8);
    assert_eq!(granted(&mut fairness, tenant(1), true), 2);
}

#[test]
fn a_tenant_at_its_cap_takes_nothing_from_another() {
    let mut fairness = Fairness::new(10, 8);
    assert!(fairness.admit(tenant(1), false, NOW).is_some());
    assert!((0..50).all(|_| fairness.admit(tenant(1), false, NOW).is_none()));
    assert!(fairness.admit(tenant(2), false, NOW).is_some());
}

#[test]
fn targets_that_became_slow_leave_room_for_the_others() {
    let mut fairness = Fairness::new(64, 8);
    let slow: Vec<TenantId> = (1..=10).map(tenant).collect();
    for who in &slow {
        rounds(&mut fairness, *who, &[&[Health::Good; 20][..], &[Health::Slow; 8]].concat());
    }
    for who in &slow {
        assert_eq!(granted(&mut fairness, *who, false), 1, "each holds one place");
    }
    rounds(&mut fairness, tenant(11), &[Health::Good; 8]);
    assert_eq!(granted(&mut fairness, tenant(11), false), 8);
}

#[test]
fn a_slow_answer_is_an_answer_to_the_breaker() {
    let mut fairness = Fairness::new(64, 8);
    let ends = rounds(&mut fairness, tenant(1), &[&[Health::Bad; 3][..], &[Health::Slow; 20]].concat());
    assert!(ends.iter().all(|end| end.pause.is_none()));
    assert!(ends[3].recovered);
}

#[test]
fn a_target_that_asks_for_less_gets_less() {
    let mut fairness = Fairness::new(64, 8);
    rounds(&mut fairness, tenant(1), &[Health::Throttled, Health::Throttled]);
    let begin = NOW + Duration::from_hours(1);
    let starts = (0..1_000).filter(|millis| {
        let now = begin + Duration::from_millis(*millis);
        let place = fairness.admit(tenant(1), false, now);
        place.is_some_and(|place| {
            fairness.ended(tenant(1), place, Health::Unknown, QUICK, now);
            true
        })
    });
    assert_eq!(starts.count(), 5, "ten a second, halved");
}

#[test]
fn the_sweeper_knows_when_a_paced_target_may_be_called_again() {
    let mut fairness = Fairness::new(64, 8);
    assert_eq!(fairness.opens_in(NOW), None);
    rounds(&mut fairness, tenant(1), &[Health::Good, Health::Throttled]);
    let begin = NOW + Duration::from_hours(1);
    let place = fairness.admit(tenant(1), false, begin).unwrap();
    assert_eq!(fairness.opens_in(begin), None, "its one place is taken: the end of that wakes whoever waits");
    fairness.ended(tenant(1), place, Health::Unknown, QUICK, begin);
    let opens = fairness.opens_in(begin + Duration::from_millis(40)).unwrap();
    assert_eq!(opens, Duration::from_millis(60), "ten a second");
    assert_eq!(fairness.opens_in(begin + Duration::from_millis(100)), None, "now");
}

#[test]
fn an_open_breaker_pauses_the_target_and_a_probe_ends_it() {
    let mut fairness = Fairness::new(64, 8);
    let ends = rounds(&mut fairness, tenant(1), &[Health::Bad; 5]);
    assert!(ends[..4].iter().all(|end| end.pause.is_none()));
    assert_eq!(ends[4].pause, Some(Duration::from_secs(5)));
    let now = NOW + Duration::from_secs(301);
    assert_eq!(fairness.full(now), [tenant(1)]);
    let later = now + Duration::from_secs(10);
    assert_eq!(fairness.full(later), []);
    let probe = fairness.admit(tenant(1), false, later).unwrap();
    assert!(probe.probe && fairness.admit(tenant(1), true, later).is_none(), "one probe and nothing beside it");
    assert!(fairness.ended(tenant(1), probe, Health::Good, QUICK, later).recovered);
}

#[test]
fn three_failures_and_a_success_are_a_recovery() {
    let mut fairness = Fairness::new(64, 8);
    use Health::{Bad, Good};
    let ends = rounds(&mut fairness, tenant(1), &[Bad, Bad, Good, Bad, Bad, Bad, Good, Good]);
    let recovered: Vec<bool> = ends.iter().map(|end| end.recovered).collect();
    assert_eq!(recovered, [false, false, false, false, false, false, true, false]);
}

#[test]
fn turns_give_each_tenant_its_share_of_time() {
    let mut fairness = Fairness::new(64, 8);
    // The second tenant's rounds take twenty times as long.
    for (number, took) in [(1, 50), (2, 1_000)] {
        for _ in 0..40 {
            let place = fairness.admit(tenant(number), false, NOW + Duration::from_secs(1)).unwrap();
            fairness.ended(tenant(number), place, Health::Unknown, Duration::from_millis(took), NOW);
            fairness.shares.get_mut(&tenant(number)).unwrap().next_start = Duration::ZERO;
        }
    }
    let rows = (0..16).flat_map(|_| [due(1, NORMAL), due(2, NORMAL)]).collect();
    let turns = fairness.turns(rows);
    assert_eq!(turns.len(), 32);
    let first_ten = turns.iter().take(10).filter(|row| row.tenant_id == tenant(1)).count();
    assert_eq!(first_ten, 10, "the quick one first, twenty to one");
}

#[test]
fn deactivations_of_all_tenants_come_before_everything() {
    let mut fairness = Fairness::new(64, 8);
    let rows = vec![due(1, NORMAL), due(1, URGENT), due(1, URGENT), due(2, NORMAL), due(2, URGENT)];
    let turns = fairness.turns(rows);
    let seen: Vec<(bool, bool)> = turns.iter().map(|row| (row.lane == URGENT, row.tenant_id == tenant(1))).collect();
    assert_eq!(seen[..3], [(true, true), (true, false), (true, true)]);
}
