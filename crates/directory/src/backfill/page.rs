//! Progress: what a page of users or of groups came to, in one transaction with what it marks.

use registry::Db;
use uuid::Uuid;

use super::{Action, Backfill, COLUMNS, LEASE, Sampled};
use crate::ledger::{self, Mark, clock};
use crate::resource::Kind;
use crate::{Error, finish, sql};

/// Users in the sample.
const SAMPLE: usize = 20;

/// A page of a walk.
#[derive(Debug)]
pub struct Page<'a> {
    /// Users, or groups, which have a cursor and counts of their own.
    pub kind: Kind,
    /// Who was looked at, and what there is to do; nothing for whoever is gone, or of whom that cannot be said.
    pub seen: &'a [(Uuid, Option<Action>)],
    /// Who is marked: nobody by a dry-run.
    pub marks: &'a [Uuid],
    /// The walk is over.
    pub last: bool,
}

impl Page<'_> {
    fn count(&self, wanted: Action) -> i64 {
        let counted = self.seen.iter().filter(|(_, action)| *action == Some(wanted)).count();
        i64::try_from(counted).unwrap_or(i64::MAX)
    }

    /// The sample shows users.
    fn sampled(&self) -> impl Iterator<Item = Sampled> {
        let users = if self.kind == Kind::User { self.seen } else { &[] };
        users.iter().filter_map(|(user_id, action)| {
            let action = (*action)?;
            (action != Action::InStep).then_some(Sampled { user_id: *user_id, action })
        })
    }
}

/// Stores the progress of a page: the cursor, the counts and the marks, in one transaction under the claim. Says whether the
/// claim still held; if not, nothing was stored.
pub async fn advance(db: &Db, backfill: &mut Backfill, page: &Page<'_>) -> Result<bool, Error> {
    let mut sample: Vec<Sampled> = serde_json::from_str(&backfill.sample)?;
    sample.extend(page.sampled().take(SAMPLE.saturating_sub(sample.len())));
    let (of, reach, total) = match page.kind {
        Kind::User => ("", backfill.reach, ""),
        Kind::Group => (
            "group_",
            backfill.group_reach,
            ", group_total = coalesce(group_total, (
                 select count(*) from directory_group g where g.tenant_id = backfill.tenant_id))",
        ),
    };
    let transaction = db.begin().await?;
    let outcome: Result<Option<Backfill>, Error> = async {
        let now = clock(&transaction);
        let ended = if page.last { format!(", state = 'done', ended_at = {now}") } else { String::new() };
        let text = format!(
            "update backfill set {of}reach = $3, {of}seen = {of}seen + $4, {of}creates = {of}creates + $5,
                 {of}updates = {of}updates + $6, {of}in_step = {of}in_step + $7, {of}conflicts = {of}conflicts + $8,
                 sample = $9, lease_until = {now} + {LEASE}{total}{ended}
             where id = $1 and epoch = $2 and ended_at is null returning {COLUMNS}"
        );
        let values = [
            backfill.id.into(),
            backfill.epoch.into(),
            page.seen.last().map(|(id, _)| *id).or(reach).into(),
            i64::try_from(page.seen.len()).unwrap_or(i64::MAX).into(),
            page.count(Action::Create).into(),
            page.count(Action::Update).into(),
            page.count(Action::InStep).into(),
            page.count(Action::Conflict).into(),
            serde_json::to_string(&sample)?.into(),
        ];
        let Some(stored) = sql::one::<Backfill>(&transaction, &text, values).await? else { return Ok(None) };
        match page.kind {
            Kind::User => {
                for user in page.marks {
                    let mark = Mark { reassert: true, ..Mark::default() };
                    ledger::mark(&transaction, backfill.tenant_id, *user, &mark).await?;
                }
            }
            Kind::Group => ledger::reassert_groups(&transaction, backfill.tenant_id, page.marks).await?,
        }
        Ok(Some(stored))
    }
    .await;
    let stored = finish(transaction, outcome).await?;
    let held = stored.is_some();
    if let Some(stored) = stored {
        *backfill = stored;
    }
    Ok(held)
}
