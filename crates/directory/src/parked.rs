//! Parked users: set aside until they change or a person acts. Retry and Ignore are said here; Link in [`crate::link`].

use registry::{Db, TenantId, audit};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::ledger::clock;
use crate::ledger::protocol::NEVER;
use crate::{Error, finish, sql};

/// The reason of a user somebody chose to leave parked.
pub const IGNORED: &str = "ignored";

/// A parked user.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Parked {
    /// The realm user.
    pub user_id: Uuid,
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

const COLUMNS: &str = "user_id, reason, parked_status, parked_at, attempts, ignored";

pub(crate) fn is_parked() -> String {
    format!("parked_at is not null and next_at = {NEVER} and owed_seq > acked_seq")
}

/// A page of parked users in the order of their ids, after one of them; ignored ones only where they are asked for.
pub async fn page(
    db: &Db,
    tenant: TenantId,
    after: Option<Uuid>,
    ignored: bool,
    limit: u32,
) -> Result<Vec<Parked>, Error> {
    let shown = if ignored { "" } else { "and not ignored" };
    let text = format!(
        "select {COLUMNS} from ledger where tenant_id = $1 and user_id > $2 and {} {shown} order by user_id limit $3",
        is_parked()
    );
    let values = [tenant.0.into(), after.unwrap_or(Uuid::nil()).into(), i64::from(limit).into()];
    sql::all(db.connection(), &text, values).await
}

/// One parked user.
pub async fn one(db: &Db, tenant: TenantId, user: Uuid) -> Result<Option<Parked>, Error> {
    let text = format!("select {COLUMNS} from ledger where tenant_id = $1 and user_id = $2 and {}", is_parked());
    sql::one(db.connection(), &text, [tenant.0.into(), user.into()]).await
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

/// Decides about a parked user, with its audit entry; says whether it was parked.
pub async fn decide(db: &Db, tenant: TenantId, user: Uuid, decision: Decision, actor: &str) -> Result<bool, Error> {
    let transaction = db.begin().await?;
    let outcome: Result<bool, Error> = async {
        let known: [Value; 2] = [tenant.0.into(), user.into()];
        let change = match decision {
            Decision::Retry => let_go(clock(&transaction)),
            Decision::Ignore => leave(),
        };
        let text = format!("update ledger set {change} where tenant_id = $1 and user_id = $2 and {}", is_parked());
        if sql::execute(&transaction, &text, known.clone()).await? == 0 {
            return Ok(false);
        }
        if decision == Decision::Retry {
            let text = "update link set create_intent_at = null where tenant_id = $1 and user_id = $2";
            sql::execute(&transaction, text, known).await?;
        }
        let detail = serde_json::json!({ "user": user });
        audit::insert(&transaction, Some(tenant), actor, decision.action(), detail).await?;
        Ok(true)
    }
    .await;
    finish(transaction, outcome).await
}
