//! The everyday end of a round, in one statement: where the row is still as its claim read it, what the protocol makes of that
//! is written by compare and swap, and no lock is held over several statements. Whatever else is the case is for
//! [`record`](super::record).

use registry::Db;
use sea_orm::{DbBackend, Value};

use super::protocol::{Event, State, Verdict};
use super::record::{Acknowledgement, Beside, Recorded, Triage, carried, looked, standing};
use super::{Claim, Subject, clock};
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
    let standing = match fence {
        None => "not exists (select 1 from directory_user u where u.tenant_id = $1 and u.id = $2)".to_owned(),
        Some(fence) => format!(
            "exists (select 1 from directory_user u where u.tenant_id = $1 and u.id = $2 and u.write_epoch = {}
                 and (u.write_until is null or u.write_until <= {}))",
            swap.place(fence.write_epoch()),
            clock(connection)
        ),
    };
    let text = format!("{} and {standing}", swap.text);
    let swapped = sql::execute(connection, &text, swap.values).await? == 1;
    Ok(swapped.then(|| Recorded::Written { owed: state.owed() && state.next_at <= now }))
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
    let (state, _) = claim.row.state().step(sent);
    let mut beside: Vec<Beside> = vec![("observed", round.observed.clone().into()), ("released", false.into())];
    beside.extend(standing(round.reason.clone(), None, None));
    let mut swap = Swap::new(subject.kind, claim, &state, beside);
    // Where groups are pushed too, those that wait for this user are marked under its lock.
    let (target, generation) = (swap.place(round.target.0), swap.place(round.generation));
    let swapped = format!(
        "{} and exists (select 1 from target t where t.id = {target} and t.tenant_id = $1 and t.generation = {generation}
             and t.state <> 'retired' and not t.push_groups)
         returning 1",
        swap.text
    );
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
    text: String,
    /// The first two are the tenant and whose row it is.
    values: Vec<Value>,
}

impl Swap {
    fn new(kind: Kind, Claim { row, epoch, .. }: &Claim, next: &State, beside: Vec<Beside>) -> Self {
        let mut swap = Self { text: String::new(), values: vec![row.tenant_id.0.into(), row.id.into()] };
        let (mut changes, mut same) = (Vec::new(), vec![format!("epoch = {}", swap.place(*epoch))]);
        for ((name, was), (_, is)) in carried(&row.state()).into_iter().zip(carried(next)) {
            if was != is {
                changes.push(format!("{name} = {}", swap.place(is)));
            }
            if name != "lease_until" {
                same.push(format!("{name} is not distinct from {}", swap.place(was)));
            }
        }
        changes.extend(beside.into_iter().map(|(name, value)| format!("{name} = {}", swap.place(value))));
        let (changes, same) = (changes.join(", "), same.join(" and "));
        swap.text =
            format!("update {} set {changes} where tenant_id = $1 and {} = $2 and {same}", kind.ledger(), kind.key());
        swap
    }

    fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }
}
