//! One tenant's hundred thousand changes do not slow another's one.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;

use crate::downstreams::{Downstream, SOON, Sender};

const BACKLOG: usize = 100_000;
const CHANGES: usize = 15;

/// How long changes take from the answer of the control API to the downstream, the slowest.
fn slowest(sender: &Sender, downstream: &Downstream, id: &str, what: &str) -> Duration {
    let latency = |number: usize| {
        let family = format!("{what} {number}");
        sender.save(id, &json!({ "last_name": family }));
        let begun = Instant::now();
        downstream.arrives("ada", |user| user["name"]["familyName"] == family.as_str());
        begun.elapsed()
    };
    (0..CHANGES).map(latency).max().unwrap_or_default()
}

#[test]
fn a_hundred_thousand_changes_of_one_tenant_do_not_slow_another() {
    let (small, large) = (Fieldnotes::default(), Fieldnotes::default());
    let downstream = Downstream { url: small.url().to_owned(), token: small.token().to_owned() };
    let sender = Sender::to(&downstream);
    sender.console.make_tenant("large", "large");
    sender.console.enable_outbound("large", large.url(), large.token());
    let ada = sender.make("ada");
    downstream.arrives("ada", |_| true);
    let alone = slowest(&sender, &downstream, &ada, "Alone");

    let database = sender.installation.database();
    database.ask(&format!(
        "insert into realm_person (tenant_id, id, username, enabled, changed_at)
             select t.id, gen_random_uuid(), 'user-' || n, true, 0 from tenant t, generate_series(1, {BACKLOG}) n
             where t.slug = 'large';
         insert into ledger (tenant_id, user_id, dirty_seq, seen_seq, owed_seq, triage_at, next_at, dirty_at)
             select tenant_id, id, 1, 1, 1, 0, 0, 0 from realm_person where username like 'user-%';"
    ));
    let arrived = || large.app().users().len();
    assert!(eventually(SOON, || (arrived() > 20).then_some(())).is_some(), "the large one is served");
    let before = arrived();
    let beside = slowest(&sender, &downstream, &ada, "Beside");
    assert!(arrived() > before, "both are served");
    let owed = database.ask("select count(*) from ledger where owed_seq > acked_seq").parse::<usize>().unwrap();
    assert!(owed > BACKLOG / 2, "the backlog was there all the time: {owed} are left");
    assert!(beside <= Duration::from_secs(2).max(alone * 3), "alone {alone:?}, beside {beside:?}");
    eprintln!("the slowest of {CHANGES}: alone {alone:?}, beside {BACKLOG} of another's {beside:?}");
}
