//! The everyday end of a round, in one statement: where the row is still as its claim read it, what the protocol makes of that
//! is written by compare and swap, and no lock is held over several statements. Whatever else is the case is for
//! [`record`](super::record).

use registry::Db;
use sea_orm::{ConnectionTrait, DbBackend, Value};

use super::claim::open;
use super::protocol::{Effect, Event, LEASE, Stage, State, Verdict};
use super::record::{Acknowledgement, Beside, Recorded, Triage, carried, looked, standing};
use super::{Claim, Row, Subject, clock};
use crate::refresh::Fence;
use crate::resource::Kind;
use crate::{Error, activity, link, sql};

/// Records a triage that changes nothing in the directory; `None` where that has to be done under a lock. The fence holds as
/// of this statement (K11): a write that begins after it marks the row anew.
pub(crate) async fn look(db: &Db, fence: Option<&Fence>, triage: &Triage<'_>) -> Result<Option<Recorded>, Error> {
    let (connection, claim) = (db.connection(), triage.claim);
    let (Some(now), false) = (claim.granted_at(), triage.gone) else { return Ok(None) };
    let Some((state, beside)) = looked(&claim.row, now, triage, false) else { return Ok(None) };
    let mut swap = Swap::new(Kind::User, claim, &state, beside);
    swap.behind(fence, clock(connection));
    let swapped = swap.run(connection).await?;
    Ok(swapped.then(|| Recorded::Written { owed: state.owed() && state.next_at <= now }))
}

/// The same where a send is owed by what was seen, and claims that send with it: nobody had the row in between, so that the
/// look is one that a claim of its own would have come to (K16). `None`, and nothing has changed, where the target is not
/// what it was or the row is not.
pub(crate) async fn look_on(
    db: &Db,
    fence: Option<&Fence>,
    triage: &Triage<'_>,
    generation: i64,
) -> Result<Option<Claim>, Error> {
    let (connection, claim) = (db.connection(), triage.claim);
    let (Some(granted), false) = (claim.granted_at(), triage.gone) else { return Ok(None) };
    let Some((state, beside)) = looked(&claim.row, granted, triage, false) else { return Ok(None) };
    let (state, effect) = state.step(Event::Claim { now: granted, stage: Stage::Send });
    let Effect::Claimed { doubt } = effect else { return Ok(None) };
    let (now, mut swap) = (clock(connection), Swap::new(Kind::User, claim, &state, beside));
    swap.behind(fence, now);
    let (epoch, generation) = (swap.place(state.epoch), swap.place(generation));
    swap.changes.push(format!("epoch = {epoch}, lease_until = {now} + {LEASE}, lease_generation = {generation}"));
    swap.same.push(open(Kind::User, &generation, now));
    // A move counts live leases and nothing else (K30).
    swap.same.push(format!("lease_until > {now}"));
    if !swap.run(connection).await? {
        return Ok(None);
    }
    let observed =
        if claim.row.state.observes(claim.seq) { Some(triage.observed.clone()) } else { claim.row.observed.clone() };
    let (epoch, reassert, mapping) = (state.epoch, state.reasserts(), claim.mapping.clone());
    let row = Row { state, observed, ..claim.row.clone() };
    Ok(Some(Claim { stage: Stage::Send, row, epoch, seq: claim.seq, doubt, reassert, mapping }))
}

/// Records a user's push that arrived and is in no doubt, with its link and its attempts; `None` where that has to be done
/// under a lock. SQLite has no statement that writes three tables.
pub(super) async fn arrived(db: &Db, subject: Subject, round: &Acknowledgement<'_>) -> Result<Option<Recorded>, Error> {
    let (connection, claim) = (db.connection(), round.claim);
    let plain = subject.kind == Kind::User
        && round.verdict == Verdict::Done
        && !claim.awaits_late_writes()
        && connection.get_database_backend() == DbBackend::Postgres;
    let (Some(now), Some(link), true) = (claim.granted_at(), &round.link, plain) else { return Ok(None) };
    let sent = Event::Sent { epoch: claim.epoch, seq: claim.seq, doubt: false, now, verdict: round.verdict };
    let (state, _) = claim.row.state.clone().step(sent);
    let mut beside: Vec<Beside> = vec![("observed", round.observed.clone().into()), ("released", false.into())];
    beside.extend(standing(round.reason.clone(), None, None));
    let mut swap = Swap::new(subject.kind, claim, &state, beside);
    // Where groups are pushed too, those that wait for this user are marked under its lock.
    let (target, generation) = (swap.place(round.target.0), swap.place(round.generation));
    swap.same.push(format!(
        "exists (select 1 from target t where t.id = {target} and t.tenant_id = $1 and t.generation = {generation}
             and t.state <> 'retired' and not t.push_groups)"
    ));
    let swapped = format!("{} returning 1", swap.text());
    let (id, digests) = (swap.place(link.downstream_id.clone()), swap.place(serde_json::to_string(&link.digests)?));
    let linked = format!("select $1, $2, {target}, {id}, {generation}, {digests}, {} from swapped", clock(connection));
    let linked = link::settling(subject.kind, &linked);
    let noted = if round.attempts.is_empty() {
        String::new()
    } else {
        let rows = activity::rows(&round.attempts, &mut swap.values)?;
        let columns = activity::COLUMNS;
        format!(", noted as (insert into activity ({columns}) select entry.* from swapped, (values {rows}) as entry)")
    };
    let text = format!("with swapped as ({swapped}), linked as ({linked}){noted} select 1 from swapped");
    let swapped = sql::execute(connection, &text, swap.values).await? == 1;
    Ok(swapped.then(|| Recorded::Written { owed: state.owed() && state.next_at <= now }))
}

/// An update of a ledger row that is as its claim read it, the lease apart: that was renewed meanwhile.
struct Swap {
    kind: Kind,
    changes: Vec<String>,
    same: Vec<String>,
    /// The first two are the tenant and whose row it is.
    values: Vec<Value>,
}

impl Swap {
    fn new(kind: Kind, Claim { row, epoch, .. }: &Claim, next: &State, beside: Vec<Beside>) -> Self {
        let values = vec![row.tenant_id.0.into(), row.id.into()];
        let mut swap = Self { kind, changes: Vec::new(), same: Vec::new(), values };
        let epoch = swap.place(*epoch);
        swap.same.push(format!("epoch = {epoch}"));
        for ((name, was), (_, is)) in carried(&row.state).into_iter().zip(carried(next)) {
            if was != is {
                let is = swap.place(is);
                swap.changes.push(format!("{name} = {is}"));
            }
            if name != "lease_until" {
                let was = swap.place(was);
                swap.same.push(format!("{name} is not distinct from {was}"));
            }
        }
        for (name, value) in beside {
            let value = swap.place(value);
            swap.changes.push(format!("{name} = {value}"));
        }
        swap
    }

    /// Only where no inbound write is under way, nor was one since the fence was read.
    fn behind(&mut self, fence: Option<&Fence>, now: &str) {
        let standing = match fence {
            None => "not exists (select 1 from directory_user u where u.tenant_id = $1 and u.id = $2)".to_owned(),
            Some(fence) => format!(
                "exists (select 1 from directory_user u where u.tenant_id = $1 and u.id = $2 and u.write_epoch = {}
                     and (u.write_until is null or u.write_until <= {now}))",
                self.place(fence.write_epoch()),
            ),
        };
        self.same.push(standing);
    }

    fn text(&self) -> String {
        format!(
            "update {} set {} where tenant_id = $1 and {} = $2 and {}",
            self.kind.ledger(),
            self.changes.join(", "),
            self.kind.key(),
            self.same.join(" and ")
        )
    }

    /// Whether the row was as it is said to be.
    async fn run(self, connection: &impl ConnectionTrait) -> Result<bool, Error> {
        Ok(sql::execute(connection, &self.text(), self.values).await? == 1)
    }

    fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }
}
