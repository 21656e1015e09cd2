//! The ledger: what is owed, one row per realm user we have heard of, and per group where groups are pushed. `dirty_seq > acked_seq` is the outbox.
//!
//! A mark never carries a user. Whoever works on a row claims it, reads the realm's present state, and writes what
//! came of it under the claim's epoch. The rules are pure code in [`protocol`]; `mark` and `claim` are single statements
//! that do the same, `record` loads, steps and stores.

mod backlog;
mod claim;
mod due;
mod groups;
mod mark;
pub mod protocol;
mod record;
mod subject;
mod swap;
mod verdict;

use registry::TenantId;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult};
use uuid::Uuid;

use crate::resource::Kind;

pub use backlog::{Backlog, Targets, backlog, backlog_of, targets};
pub use claim::{Claim, claim, live_leases, observed, release, renew, row};
pub use due::{Due, due, due_groups, hasten};
pub(crate) use groups::{PUSHED, joined, mark_gone, mark_group, mark_groups, reassert_groups};
pub use groups::{mark_linked_groups, owe_groups};
pub(crate) use mark::marked;
pub use mark::{Mark, baseline, first_enable, mark, mark_managed, owe_again, retire};
pub use protocol::{Stage, Verdict};
pub use record::{Acknowledgement, LinkUpdate, Recorded, Triage, record, triaged};
pub use subject::Subject;
pub(crate) use swap::{look, look_on};

/// A ledger row as stored.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Row {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The realm's user, or group.
    pub id: Uuid,
    /// The columns that carry the protocol.
    #[sea_orm(nested)]
    pub state: protocol::State,
    /// Hash of the pushed attributes as triage last saw them, keyed per tenant.
    pub observed: Option<Vec<u8>>,
    /// Since when the row is dirty, microseconds.
    pub dirty_at: i64,
    /// The trace of the newest mark, W3C `traceparent`.
    pub trace: Option<String>,
    /// Roles may have changed.
    pub check_roles: bool,
    /// The realm said that the user was deleted.
    pub delete_seen: bool,
    /// Somebody let a held change go.
    pub released: bool,
}

/// The columns [`Row`] reads.
fn columns(kind: Kind) -> String {
    format!(
        "tenant_id, {} as id, dirty_seq, seen_seq, acked_seq, owed_seq, reassert_seq, assert_at, epoch,
         settled_epoch, lease_until, triage_at, next_at, lane, attempts, observed, dirty_at, trace, check_roles,
         delete_seen, released",
        kind.key()
    )
}

/// What is observed of a user who is not in the realm.
pub const GONE: &[u8] = b"gone";

/// The database's clock in microseconds, as SQL: leases must not depend on the clocks of replicas (K20).
pub(crate) fn clock(connection: &impl ConnectionTrait) -> &'static str {
    match connection.get_database_backend() {
        DbBackend::Postgres => "(extract(epoch from clock_timestamp()) * 1000000)::bigint",
        _ => "cast(unixepoch('subsec') * 1000000 as integer)",
    }
}

/// Now by the database's clock, microseconds.
pub async fn now(db: &registry::Db) -> Result<i64, crate::Error> {
    #[derive(FromQueryResult)]
    struct Now {
        now: i64,
    }
    let text = format!("select {} as now", clock(db.connection()));
    Ok(crate::sql::one::<Now>(db.connection(), &text, []).await?.map_or(0, |row| row.now))
}
