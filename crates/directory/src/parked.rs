//! Parked users and groups: set aside until they change or a person acts. Retry and Ignore are said here; Link in
//! [`crate::link`].

use registry::{Db, TenantId, audit};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::ledger::protocol::NEVER;
use crate::ledger::{Subject, clock};
use crate::resource::Kind;
use crate::{Error, finish, sql};

/// The reason of a user somebody chose to leave parked.
pub const IGNORED: &str = "ignored";

/// A parked user or group.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Parked {
    /// The realm's user, or group.
    pub user_id: Uuid,
    /// Which of both.
    pub is_group: bool,
    /// `conflict`, `rejected`, `unconfirmed create`, …
    pub reason: Option<String>,
    /// The status that decided it, if there was one.
    pub parked_status: Option<i64>,
    /// Since when, microseconds.
    pub parked_at: i64,
    /// Failed rounds before it.
    pub attempts: i64,
    /// Somebody chose to leave it so.
    pub ignored: bool,
}

/// What a person decides about a parked user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again now.
    Retry,
    /// Leave it until it changes.
    Ignore,
}

impl Decision {
    fn action(self) -> &'static str {
        match self {
            Self::Retry => "outbound.retry",
            Self::Ignore => "outbound.ignore",
        }
    }
}

impl Parked {
    /// Whose change it is that waits.
    pub fn subject(&self) -> Subject {
        if self.is_group { Subject::group(self.user_id) } else { self.user_id.into() }
    }
}

/// What is parked of a kind, under some condition.
fn select(kind: Kind, condition: &str) -> String {
    format!(
        "select {} as user_id, {} as is_group, reason, parked_status, parked_at, attempts, ignored
         from {} where tenant_id = $1 and {} {} $2 and {}",
        kind.key(),
        kind == Kind::Group,
        kind.ledger(),
        kind.key(),
        condition,
        is_parked()
    )
}

pub(crate) fn is_parked() -> String {
    format!("parked_at is not null and next_at = {NEVER} and owed_seq > acked_seq")
}

/// A page of the parked in the order of their ids, after one of them; ignored ones only where they are asked for.
pub async fn page(
    db: &Db,
    tenant: TenantId,
    after: Option<Uuid>,
    ignored: bool,
    limit: u32,
) -> Result<Vec<Parked>, Error> {
    let shown = if ignored { "" } else { "and not ignored" };
    let page = |kind| format!("select * from ({} {shown} order by 1 limit $3) as {}", select(kind, ">"), kind.key());
    let text = format!("{} union all {} order by 1 limit $3", page(Kind::User), page(Kind::Group));
    let values = [tenant.0.into(), after.unwrap_or(Uuid::nil()).into(), i64::from(limit).into()];
    sql::all(db.connection(), &text, values).await
}

/// One that is parked.
pub async fn one(db: &Db, tenant: TenantId, id: Uuid) -> Result<Option<Parked>, Error> {
    let text = format!("{} union all {}", select(Kind::User, "="), select(Kind::Group, "="));
    sql::one(db.connection(), &text, [tenant.0.into(), id.into()]).await
}

/// A person who asks for another try has seen what there was: a create nobody could confirm may be made again, and what was
/// held may go.
pub(crate) fn let_go(now: &str) -> String {
    format!(
        "next_at = {now}, attempts = 0, parked_at = null, parked_status = null, reason = null, ignored = false,
         released = true"
    )
}

/// It rests until the user changes.
pub(crate) fn leave() -> String {
    format!("ignored = true, reason = '{IGNORED}'")
}

/// Decides about a parked user or group, with its audit entry; says whether it was parked.
pub async fn decide(db: &Db, tenant: TenantId, id: Uuid, decision: Decision, actor: &str) -> Result<bool, Error> {
    let Some(Subject { kind, .. }) = one(db, tenant, id).await?.map(|parked| parked.subject()) else {
        return Ok(false);
    };
    let transaction = db.begin().await?;
    let outcome: Result<bool, Error> = async {
        let known: [Value; 2] = [tenant.0.into(), id.into()];
        let change = match decision {
            Decision::Retry => let_go(clock(&transaction)),
            Decision::Ignore => leave(),
        };
        let text = format!(
            "update {} set {change} where tenant_id = $1 and {} = $2 and {}",
            kind.ledger(),
            kind.key(),
            is_parked()
        );
        if sql::execute(&transaction, &text, known.clone()).await? == 0 {
            return Ok(false);
        }
        if decision == Decision::Retry {
            let text = format!(
                "update {} set create_intent_at = null where tenant_id = $1 and {} = $2",
                kind.link(),
                kind.key()
            );
            sql::execute(&transaction, &text, known).await?;
        }
        let detail = serde_json::json!({ kind.as_str().to_lowercase(): id });
        audit::insert(&transaction, Some(tenant), actor, decision.action(), detail).await?;
        Ok(true)
    }
    .await;
    finish(transaction, outcome).await
}
