//! Whether a target refuses one user alone, as far as activity tells: it takes the changes of others with the same token.

use registry::{Db, TargetId, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{Error, sql};

/// The status of a refusal that may be meant for one user.
pub const FORBIDDEN: i64 = 403;

/// What a target said before it refused a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing of the kind to this user.
    Otherwise,
    /// It refused this user, and nobody's change has been taken since.
    Refused,
    /// It refused this user, and has taken a change of somebody else that was sent afterwards.
    RefusedAlone,
}

/// Asks activity from `since` on, microseconds. A change that was under way when the user was refused shows nothing.
pub async fn before(db: &Db, tenant: TenantId, target: TargetId, user: Uuid, since: i64) -> Result<Before, Error> {
    #[derive(FromQueryResult)]
    struct Last {
        status: Option<i64>,
        first: Option<i64>,
    }
    #[derive(FromQueryResult)]
    struct Taken {
        #[expect(dead_code, reason = "that there is one is what counts")]
        at: i64,
    }
    let known = |from: i64| [tenant.0.into(), target.0.into(), user.into(), from.into()];
    let theirs = "tenant_id = $1 and at >= $4 and direction = 'out' and target_id = $2 and user_id = $3";
    let change = "status between 200 and 299 and operation not like 'GET %'";
    // The first refusal since a change of this user was taken, if one was.
    let text = format!(
        "select a.status, (select min(r.at) from activity r where {theirs} and r.status = {FORBIDDEN} and r.at > coalesce(
             (select max(c.at) from activity c where {theirs} and {change}), 0)) as first
         from activity a where {theirs} order by a.at desc, a.id desc limit 1"
    );
    let last: Option<Last> = sql::one(db.connection(), &text, known(since)).await?;
    let first = last.filter(|last| last.status == Some(FORBIDDEN)).and_then(|last| last.first);
    let Some(first) = first else { return Ok(Before::Otherwise) };
    let text = format!(
        "select at from activity
         where tenant_id = $1 and at > $4 and direction = 'out' and target_id = $2 and user_id <> $3
             and at - duration_ms * 1000 > $4 and {change} limit 1"
    );
    let taken: Option<Taken> = sql::one(db.connection(), &text, known(first)).await?;
    Ok(if taken.is_some() { Before::RefusedAlone } else { Before::Refused })
}
