//! The groups of a backfill come last: by then their members are there, or on their way.

use std::collections::BTreeSet;

use directory::backfill::{self, Action, Backfill, Page};
use directory::ledger::Subject;
use directory::pushed_member::{self, Held};
use directory::resource::Kind;
use directory::{group, link};
use downstream::{Client, Outcome, Remote};
use futures_util::future::join_all;
use serde_json::Value;
use uuid::Uuid;

use super::{AHEAD, Found, Look, Next, SOON, marked, unread};
use crate::groups::standing;
use crate::round::Error;

/// Groups looked at together: each may be long.
const PAGE: u32 = 2;

pub(super) async fn page(look: &Look<'_>, backfill: &mut Backfill) -> Result<Next, Error> {
    let db = &look.deps.db;
    if !backfill.dry_run && backfill::ahead(db, backfill.tenant_id, Kind::Group).await? > AHEAD - i64::from(PAGE) {
        return Ok(Next::Wait(SOON));
    }
    let groups = backfill::next_groups(db, backfill, PAGE).await?;
    let mut seen = Vec::with_capacity(groups.len());
    let client = look.client.groups();
    for looked in join_all(groups.iter().map(|group| at(look, &client, *group))).await {
        match looked? {
            Ok(found) => seen.push(found),
            Err(outcome) => return unread::wait(look, &outcome).await,
        }
    }
    let (last, marks) = (seen.is_empty(), marked(backfill, &seen));
    let page: Vec<(Uuid, Option<Action>)> = seen.iter().map(|found| (found.id, found.action)).collect();
    let page = Page { kind: Kind::Group, seen: &page, marks: &marks, last };
    let held = backfill::advance(db, backfill, &page).await?;
    // The sweeper sends what was marked.
    Ok(if held && !last { Next::Go } else { Next::Stop })
}

async fn at(look: &Look<'_>, client: &Client, group: Uuid) -> Result<Result<Found, Outcome>, Error> {
    let (db, tenant, target) = (&look.deps.db, look.target.tenant, look.target.id);
    let Some(name) = group::name(db, tenant, group).await? else {
        return Ok(Ok(Found { id: group, action: None, mark: false }));
    };
    let link = link::of(db, tenant, Subject::group(group), target).await?;
    let linked = link.downstream_id.is_some();
    Ok(match compare(look, client, (group, &name), link.downstream_id.as_deref()).await? {
        Ok(action) => Ok(Found { id: group, action: Some(action), mark: action != Action::InStep || !linked }),
        Err(outcome) if waits(&outcome) => Err(outcome),
        // It does not show us its groups, or this one: nothing that users, or the next group, would have to wait for.
        Err(_) => Ok(Found { id: group, action: None, mark: true }),
    })
}

/// Whether it may answer otherwise before long.
fn waits(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Unauthorized(_)
        | Outcome::NotFound(_)
        | Outcome::Rejected(_)
        | Outcome::Conflict(_)
        | Outcome::NotScim(_)
        | Outcome::Ok(_) => false,
        // One that is not there for a while says so; any other failure may be this group's own, and last.
        Outcome::Failed(answer) => matches!(answer.status, 502..=504),
        Outcome::Throttled(..)
        | Outcome::Ambiguous
        | Outcome::Unreachable
        | Outcome::TimedOut
        | Outcome::Tls
        | Outcome::Blocked => true,
    }
}

/// As with users: what stands there counts, not what is remembered of it (K27).
async fn compare(
    look: &Look<'_>,
    client: &Client,
    (group, name): (Uuid, &str),
    linked: Option<&str>,
) -> Result<Result<Action, Outcome>, Error> {
    let ours = group.to_string();
    if let Some(id) = linked {
        match read(look, client, (group, name), id).await? {
            Ok(Some(action)) => return Ok(Ok(action)),
            Ok(None) => {}
            Err(outcome) => return Ok(Err(outcome)),
        }
    }
    if !look.target.supports_filter {
        return Ok(Ok(Action::Create));
    }
    let found = match client.find("externalId", &ours).await {
        Ok(found) => found,
        Err(outcome) => return Ok(Err(outcome)),
    };
    if let Some(found) = found.iter().find(|remote| remote.external_id.as_deref() == Some(ours.as_str())) {
        // A list shows nobody's members.
        let read = read(look, client, (group, name), &found.id).await?;
        return Ok(read.map(|action| action.unwrap_or(Action::Update)));
    }
    Ok(client.find("displayName", name).await.map(|found| {
        let taken =
            found.iter().any(|remote| scim::key::display_name_key(called(remote)) == scim::key::display_name_key(name));
        if taken { Action::Conflict } else { Action::Create }
    }))
}

/// What there is to do with a record; nothing is said of one that is gone or somebody else's.
async fn read(
    look: &Look<'_>,
    client: &Client,
    (group, name): (Uuid, &str),
    id: &str,
) -> Result<Result<Option<Action>, Outcome>, Error> {
    let mut read = client.read(id).await;
    let mut complete = true;
    if let Outcome::Ok(answer) = &read
        && answer.body.is_none()
    {
        // Too long to be read with all its members: what we brought about has to do.
        complete = false;
        read = client.read_without_members(id).await;
    }
    let remote = match read {
        Outcome::Ok(answer) => answer.body.as_ref().and_then(Remote::read),
        Outcome::NotFound(answer) if answer.body.is_some() => None,
        other => return Ok(Err(other)),
    };
    let ours = group.to_string();
    let Some(remote) = remote.filter(|remote| remote.external_id.as_deref() == Some(ours.as_str())) else {
        return Ok(Ok(None));
    };
    let held = Held { tenant: look.target.tenant, group, target: look.target.id, epoch: 0, late: false };
    let records: Option<BTreeSet<String>> = complete.then(|| standing(&remote));
    let same = called(&remote) == name && pushed_member::in_step(&look.deps.db, &held, records.as_ref()).await?;
    Ok(Ok(Some(if same { Action::InStep } else { Action::Update })))
}

fn called(remote: &Remote) -> &str {
    remote.resource.get("displayName").and_then(Value::as_str).unwrap_or_default()
}
