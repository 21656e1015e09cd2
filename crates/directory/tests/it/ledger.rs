use directory::ledger::protocol::{Effect, Event, NEVER, State};
use directory::ledger::{self, Acknowledgement, Claim, LinkUpdate, Mark, Recorded, Stage, Triage, Verdict};
use directory::refresh::{self, Fate};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use registry::seal::Sealed;
use registry::target::{self, Enable};
use registry::{TargetId, TenantId};
use scim::native::Native;
use testkit::store::Store;
use uuid::Uuid;

testkit::on_both_databases!(
    the_statements_do_what_the_protocol_says,
    of_many_claimers_each_row_has_one,
    deactivations_come_first_and_no_tenant_fills_the_page,
    what_comes_during_a_round_is_not_acknowledged_by_it,
    a_send_that_saw_a_later_state_is_what_triage_compares_with,
    a_target_that_asked_us_to_wait_is_not_claimed_for,
    who_is_gone_is_not_parked_for_ever,
    a_mark_that_comes_during_a_round_is_not_put_off_with_it,
    a_baseline_swallows_no_write_that_was_promised,
);

pub(crate) async fn target(store: &Store, tenant: TenantId) -> (TargetId, i64) {
    let enable = Enable {
        base_url: "https://a.test".to_owned(),
        token: Sealed(vec![1]),
        supports_patch: true,
        supports_filter: true,
        limitations: Vec::new(),
    };
    let transaction = store.db.begin().await.unwrap();
    let enabled = target::enable(&transaction, tenant, &enable, "dana").await.unwrap();
    transaction.commit().await.unwrap();
    (enabled.id, enabled.generation)
}

async fn triage(store: &Store, tenant: TenantId, user: Uuid, seen: &Triage<'_>) -> Recorded {
    let transaction = store.db.begin().await.unwrap();
    let outcome = ledger::triaged(&transaction, tenant, user, seen).await;
    directory::finish(transaction, outcome).await.unwrap()
}

/// A world of one user, in the database and in the pure protocol. Times are left out of the comparison: the database has
/// its own clock. Nothing in it is due later than now, or never.
struct World {
    store: Store,
    tenant: TenantId,
    user: Uuid,
    target: (TargetId, i64),
    model: State,
    observed: u8,
    claims: Vec<Claim>,
    /// Sends that began with the look that found them owed.
    begun: usize,
}

/// The model's clock: far enough ahead that whatever is due at all is due.
const NOW: i64 = 1_000;

impl World {
    async fn step(&mut self, random: &mut impl Rng) {
        match random.random_range(0..10) {
            0..=2 => {
                let (urgent, reassert) = (random.random_bool(0.3), random.random_bool(0.3));
                let mark = Mark { urgent, reassert, ..Mark::default() };
                ledger::mark(self.store.db.connection(), self.tenant, self.user, &mark).await.unwrap();
                self.expect(Event::Mark { now: NOW, urgent, reassert }, Effect::Applied);
            }
            3..=5 => self.claim(if random.random_bool(0.5) { Stage::Triage } else { Stage::Send }).await,
            6 => {
                // The newest claim's holder dies: its lease runs out.
                self.expire().await;
            }
            _ => {
                if self.claims.is_empty() {
                    return;
                }
                let claim = self.claims.remove(random.random_range(0..self.claims.len()));
                match claim.stage {
                    Stage::Triage => self.triaged(random, &claim).await,
                    Stage::Send => self.sent(random, &claim).await,
                }
            }
        }
    }

    fn expect(&mut self, event: Event, wanted: Effect) {
        let (state, effect) = self.model.clone().step(event);
        assert_eq!(effect, wanted, "{event:?} on {:?}", self.model);
        self.model = state;
    }

    async fn claim(&mut self, stage: Stage) {
        let generation = (stage == Stage::Send).then_some(self.target.1);
        let claim = ledger::claim(&self.store.db, self.tenant, self.user, stage, generation).await.unwrap();
        let wanted = claim.as_ref().map_or(Effect::Refused, |claim| Effect::Claimed { doubt: claim.doubt });
        let event = Event::Claim { now: NOW, stage };
        if self.model.dirty_seq == 0 {
            // The database has no row yet.
            assert_eq!(wanted, Effect::Refused);
            return;
        }
        self.expect(event, wanted);
        if let Some(claim) = claim {
            assert_eq!(claim.seq, self.model.dirty_seq);
            self.claims.push(claim);
        }
    }

    async fn expire(&mut self) {
        if self.model.lease_until.take().is_some() {
            let free = format!("update ledger set lease_until = null where user_id = '{}'", self.user);
            let blob = format!("update ledger set lease_until = null where user_id = x'{}'", self.user.simple());
            let text = if self.store.is_postgres() { free } else { blob };
            self.store.run(&text).await;
        }
        // And whatever a late write was waited for: it comes no more.
        if self.model.assert_at.is_some() {
            self.model.assert_at = Some(0);
            self.store.run("update ledger set assert_at = 0 where assert_at is not null").await;
        }
    }

    async fn triaged(&mut self, random: &mut impl Rng, claim: &Claim) {
        let observed = random.random_range(1..3);
        let (urgent, differs) = (random.random_bool(0.3), observed != self.observed);
        let seen = Triage { claim, observed: vec![observed], urgent, gone: false };
        let (epoch, seq) = (claim.epoch, claim.seq);
        // In one statement with the send it owes, in one, and under a lock.
        let native = Native::of(&crate::document("nobody", None));
        if random.random_bool(0.5) {
            let (db, fate, generation) = (&self.store.db, Fate::Follow(&native), self.target.1);
            let begun = refresh::commit_and_claim(db, None, fate, &seen, generation).await.unwrap();
            if let Some(begun) = begun {
                assert!(seen.owes());
                let observes = self.model.observes(seq);
                self.expect(Event::Triaged { epoch, seq, now: NOW, differs, urgent }, Effect::Applied);
                if observes {
                    self.observed = observed;
                }
                self.expect(Event::Claim { now: NOW, stage: Stage::Send }, Effect::Claimed { doubt: begun.doubt });
                assert_eq!((begun.seq, begun.epoch), (seq, self.model.epoch));
                assert_eq!(begun.reassert, self.model.reasserts());
                self.begun += 1;
                self.claims.push(begun);
                return;
            }
        }
        let recorded = if random.random_bool(0.5) {
            let fate = Fate::Follow(&native);
            refresh::commit(&self.store.db, self.tenant, self.user, None, fate, &seen).await.unwrap()
        } else {
            triage(&self.store, self.tenant, self.user, &seen).await
        };
        let wanted = if recorded == Recorded::Stale { Effect::Stale } else { Effect::Applied };
        let observes = self.model.observes(seq);
        self.expect(Event::Triaged { epoch, seq, now: NOW, differs, urgent }, wanted);
        if wanted == Effect::Applied && observes {
            self.observed = observed;
        }
    }

    async fn sent(&mut self, random: &mut impl Rng, claim: &Claim) {
        let verdict = match random.random_range(0..5) {
            0..=2 => Verdict::Done,
            3 => Verdict::Retry { after: 0, definite: random.random_bool(0.5), charged: random.random_bool(0.5) },
            _ => Verdict::Park,
        };
        let (target, generation) = self.target;
        let observed = random.random_range(1..3);
        // With a link, what arrived is recorded in one statement.
        let link = random
            .random_bool(0.5)
            .then(|| LinkUpdate { downstream_id: Some("d".to_owned()), ..LinkUpdate::default() });
        let round = Acknowledgement {
            claim,
            target,
            generation,
            observed: vec![observed],
            verdict,
            reason: None,
            status: None,
            link,
            attempts: Vec::new(),
        };
        let Claim { epoch, seq, doubt, .. } = *claim;
        let recorded = ledger::record(&self.store.db, self.tenant, self.user, &round).await.unwrap();
        let wanted = if recorded == Recorded::Stale { Effect::Stale } else { Effect::Applied };
        self.expect(Event::Sent { epoch, seq, doubt, now: NOW, verdict }, wanted);
        if wanted == Effect::Applied {
            self.observed = observed;
        }
        // A doubtful acknowledgement asserts again later; in this world later is now.
        if self.model.triage_at > NOW {
            self.model.triage_at = NOW;
            self.store.run("update ledger set triage_at = 0").await;
        }
    }

    async fn compare(&self) {
        let Some(row) = ledger::row(&self.store.db, self.tenant, self.user).await.unwrap() else {
            assert_eq!(self.model.dirty_seq, 0);
            return;
        };
        let mut held = row.state;
        assert_eq!(held.next_at == NEVER, self.model.next_at == NEVER);
        assert_eq!(held.lease_until.is_some(), self.model.lease_until.is_some());
        assert_eq!(held.assert_at.is_some(), self.model.assert_at.is_some());
        (held.triage_at, held.next_at, held.lease_until, held.assert_at) =
            (self.model.triage_at, self.model.next_at, self.model.lease_until, self.model.assert_at);
        assert_eq!(held, self.model);
    }
}

async fn the_statements_do_what_the_protocol_says(store: Store) {
    let tenant = store.tenant("acme").await;
    let target = target(&store, tenant).await;
    let mut world = World {
        store,
        tenant,
        user: Uuid::new_v4(),
        target,
        model: State::first(0),
        observed: 0,
        claims: Vec::new(),
        begun: 0,
    };
    for seed in 0..60 {
        let mut random = StdRng::seed_from_u64(seed);
        (world.user, world.model, world.observed) = (Uuid::new_v4(), State::first(0), 0);
        world.claims.clear();
        for _ in 0..25 {
            world.step(&mut random).await;
            world.compare().await;
        }
    }
    assert!(world.begun > 20, "{}", world.begun);
}

async fn of_many_claimers_each_row_has_one(store: Store) {
    let acme = store.tenant("acme").await;
    let users: Vec<Uuid> = (0..20).map(|_| Uuid::new_v4()).collect();
    for user in &users {
        ledger::mark(store.db.connection(), acme, *user, &Mark::default()).await.unwrap();
    }
    let attempts = (0..8).flat_map(|_| &users).map(|user| ledger::claim(&store.db, acme, *user, Stage::Triage, None));
    let granted = join_all(attempts).await.into_iter().filter_map(Result::unwrap).count();
    assert_eq!(granted, users.len());
}

async fn deactivations_come_first_and_no_tenant_fills_the_page(store: Store) {
    let (big, small) = (store.tenant("big").await, store.tenant("small").await);
    for _ in 0..50 {
        ledger::mark(store.db.connection(), big, Uuid::new_v4(), &Mark::default()).await.unwrap();
    }
    let (last, off) = (Uuid::new_v4(), Uuid::new_v4());
    ledger::mark(store.db.connection(), small, last, &Mark::default()).await.unwrap();
    ledger::mark(store.db.connection(), big, off, &Mark { urgent: true, ..Mark::default() }).await.unwrap();
    let due = ledger::due(&store.db, Stage::Triage, 10, 5, &[]).await.unwrap();
    assert_eq!(due[0].user_id, off);
    assert!(due.iter().any(|due| due.user_id == last), "a backlog of fifty does not hide one change of another tenant");
    assert!(due.iter().filter(|due| due.tenant_id == big).count() <= 5);
    // Who is left out is, and nobody else.
    let due = async |except: &[TenantId]| ledger::due(&store.db, Stage::Triage, 10, 5, except).await.unwrap();
    assert!(due(&[big]).await.iter().all(|due| due.user_id == last));
    assert_eq!(due(&[big]).await.len(), 1);
    assert!(due(&[small]).await.iter().all(|due| due.tenant_id == big));
    assert!(due(&[big, small]).await.is_empty());
}

async fn what_comes_during_a_round_is_not_acknowledged_by_it(store: Store) {
    let acme = store.tenant("acme").await;
    let ada = Uuid::new_v4();
    ledger::mark(store.db.connection(), acme, ada, &Mark::default()).await.unwrap();
    let claim = ledger::claim(&store.db, acme, ada, Stage::Triage, None).await.unwrap().unwrap();
    ledger::mark(store.db.connection(), acme, ada, &Mark::default()).await.unwrap();
    let seen = Triage { claim: &claim, observed: vec![1], urgent: false, gone: false };
    triage(&store, acme, ada, &seen).await;
    assert!(ledger::claim(&store.db, acme, ada, Stage::Triage, None).await.unwrap().is_some(), "the second is due");
}

/// A row owed for a state, and a send under way for it.
pub(crate) async fn sending(store: &Store, tenant: TenantId, user: Uuid, generation: i64) -> ledger::Claim {
    ledger::mark(store.db.connection(), tenant, user, &Mark::default()).await.unwrap();
    looked(store, tenant, user, 1, false).await;
    ledger::claim(&store.db, tenant, user, Stage::Send, Some(generation)).await.unwrap().unwrap()
}

async fn looked(store: &Store, tenant: TenantId, user: Uuid, observed: u8, gone: bool) {
    let claim = ledger::claim(&store.db, tenant, user, Stage::Triage, None).await.unwrap().unwrap();
    let seen = Triage { claim: &claim, observed: vec![observed], urgent: false, gone };
    assert!(matches!(triage(store, tenant, user, &seen).await, Recorded::Written { .. }));
}

async fn ended(store: &Store, user: Uuid, claim: &ledger::Claim, target: (TargetId, i64), round: (u8, Verdict)) {
    let acknowledgement = Acknowledgement {
        claim,
        target: target.0,
        generation: target.1,
        observed: vec![round.0],
        verdict: round.1,
        reason: None,
        status: None,
        link: None,
        attempts: Vec::new(),
    };
    let recorded = ledger::record(&store.db, claim.row.tenant_id, user, &acknowledgement).await.unwrap();
    assert!(matches!(recorded, Recorded::Written { .. }));
}

/// Triage saw B, the send already C; then the user is B again.
async fn a_send_that_saw_a_later_state_is_what_triage_compares_with(store: Store) {
    let acme = store.tenant("acme").await;
    let (target, ada) = (target(&store, acme).await, Uuid::new_v4());
    let claim = sending(&store, acme, ada, target.1).await;
    ended(&store, ada, &claim, target, (2, Verdict::Done)).await;
    ledger::mark(store.db.connection(), acme, ada, &Mark::default()).await.unwrap();
    looked(&store, acme, ada, 1, false).await;
    assert_eq!(ledger::due(&store.db, Stage::Send, 10, 10, &[]).await.unwrap().len(), 1, "B is owed again");
}

async fn a_target_that_asked_us_to_wait_is_not_claimed_for(store: Store) {
    let acme = store.tenant("acme").await;
    let (target, ada) = (target(&store, acme).await, Uuid::new_v4());
    let claim = sending(&store, acme, ada, target.1).await;
    target::pause(&store.db, target.0, target.1, 60_000_000).await.unwrap();
    ended(&store, ada, &claim, target, (1, Verdict::Retry { after: 0, definite: true, charged: false })).await;
    let claim = ledger::claim(&store.db, acme, ada, Stage::Send, Some(target.1)).await.unwrap();
    assert!(claim.is_none(), "whoever rings, the target rests");
}

async fn a_mark_that_comes_during_a_round_is_not_put_off_with_it(store: Store) {
    let (acme, ada) = (store.tenant("acme").await, Uuid::new_v4());
    let mark = async || ledger::mark(store.db.connection(), acme, ada, &Mark::default()).await.unwrap();
    let claim = async || ledger::claim(&store.db, acme, ada, Stage::Triage, None).await.unwrap();
    let put_off = async |held: &ledger::Claim| ledger::release(&store.db, acme, ada, held, 60_000_000).await.unwrap();
    mark().await;
    let held = claim().await.unwrap();
    mark().await;
    put_off(&held).await;
    // What came meanwhile is looked at now.
    let held = claim().await.unwrap();
    put_off(&held).await;
    assert!(claim().await.is_none(), "nothing new: put off");
}

async fn who_is_gone_is_not_parked_for_ever(store: Store) {
    let acme = store.tenant("acme").await;
    let (target, ada) = (target(&store, acme).await, Uuid::new_v4());
    let claim = sending(&store, acme, ada, target.1).await;
    ended(&store, ada, &claim, target, (1, Verdict::Park)).await;
    ledger::mark(store.db.connection(), acme, ada, &Mark::default()).await.unwrap();
    looked(&store, acme, ada, 9, true).await;
    assert_eq!(
        ledger::due(&store.db, Stage::Send, 10, 10, &[]).await.unwrap().len(),
        1,
        "a send finds nobody and settles it"
    );
}

/// A create reaches the realm, a baseline notes the user there as one who was before, and only then the create commits.
async fn a_baseline_swallows_no_write_that_was_promised(store: Store) {
    let (acme, user) = (store.tenant("acme").await, Uuid::new_v4());
    let connection = store.db.connection();
    let target = target(&store, acme).await;
    let looked = async |mark: Mark| {
        ledger::mark(connection, acme, user, &mark).await.unwrap();
        let claim = ledger::claim(&store.db, acme, user, Stage::Triage, None).await.unwrap().unwrap();
        let seen = Triage { claim: &claim, observed: vec![7], urgent: false, gone: false };
        triage(&store, acme, user, &seen).await
    };
    let promised = || Mark { accepted: true, ..Mark::default() };
    assert!(ledger::baseline(connection, acme, user, &[7]).await.unwrap());
    assert_eq!(looked(Mark::default()).await, Recorded::Written { owed: false }, "nothing happened to who was there");
    assert_eq!(looked(promised()).await, Recorded::Written { owed: true });
    // An enable of another application in between takes it for one of those before, too.
    ledger::first_enable(connection, acme, target.0).await.unwrap();
    assert_eq!(looked(promised()).await, Recorded::Written { owed: true });
    // Whom the application has is pushed what differs, and nothing else.
    ledger::first_enable(connection, acme, target.0).await.unwrap();
    assert!(ledger::baseline(connection, acme, user, &[7]).await.unwrap(), "nobody has followed the realm");
    let link = "insert into link (tenant_id, user_id, target_id, downstream_id, verified_generation, updated_at)
         select ledger.tenant_id, user_id, target.id, 'there', target.generation, 1 from ledger, target";
    store.run(link).await;
    assert_eq!(looked(promised()).await, Recorded::Written { owed: false });
}
