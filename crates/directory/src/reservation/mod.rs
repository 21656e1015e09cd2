//! Reservations: creates under way (K2). The nonce travels as the marker's value in the realm; only the holder of the
//! reservation may finish what carries it. A reservation outlives its request; the sweeper ends what a crash left.

mod fate;

use registry::provisioner::Admission;
use registry::{Db, TenantId, audit};
use scim::Object;
use scim::native::Native;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, Value};
use uuid::Uuid;

use crate::group::{self, Group};
use crate::ledger::{self, Mark};
use crate::member::{self, Change};
use crate::resource::{Kind, Resource};
use crate::user::{self, User};
use crate::{Error, finish_if, sql, writing};

use fate::remove;
pub use fate::{abandon, adopt, answers_for, claim_stale, leave, nonce_of, renew, renew_stale, took_over};

/// How long a create may take without renewal before the sweeper looks at it, microseconds.
pub const LEASE: i64 = 15_000_000;
/// Ends the marker of a record that was taken over.
const ADOPTED: &str = ":adopted";
/// A create under way for longer than this is not going well, microseconds.
const OVERDUE: i64 = 5_000_000;
/// How often a name is reserved whose holder lets it go meanwhile.
const TRIES: usize = 3;

/// A create under way.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// The tenant.
    pub tenant: TenantId,
    /// A user's or a group's.
    pub kind: Kind,
    /// The comparison key of the userName or displayName.
    pub key: String,
    /// The externalId, if one was sent.
    pub external_key: Option<String>,
    /// What marks the realm's record as this create's.
    pub nonce: Uuid,
    /// The document to be.
    pub document: Object,
    /// A group's members to be.
    pub members: Vec<(Uuid, Kind)>,
    /// What it becomes was in the realm before (`existing_users=adopt`).
    pub adopts: bool,
}

impl Reservation {
    /// For a document; of a group without its members.
    pub fn new(tenant: TenantId, kind: Kind, document: Object, members: Vec<(Uuid, Kind)>) -> Self {
        let key = match kind {
            Kind::User => scim::key::username_key(&Native::of(&document).user_name),
            Kind::Group => scim::key::display_name_key(&group::display_name(&document)),
        };
        let external_key = group::external_id(&document);
        Self { tenant, kind, key, external_key, nonce: Uuid::new_v4(), document, members, adopts: false }
    }

    /// What marks the realm's record as this create's. One that was there before says so: it is never deleted for having
    /// been marked too late.
    pub fn marker(&self) -> String {
        let (tenant, nonce, adopted) = (self.tenant, self.nonce, if self.adopts { ADOPTED } else { "" });
        format!("{tenant}:{nonce}{adopted}")
    }

    /// Whether a record of the realm is this create's by its marker, and nobody else's to finish (K2).
    pub fn made(&self, marker: Option<&str>) -> bool {
        marker == Some(&self.marker())
    }
}

/// What became of a reservation request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// The name is ours to create.
    Yes,
    /// Another resource has this attribute, or is about to.
    Taken(&'static str),
    /// A create whose request is gone, or in trouble, may yet have the name: nobody can say before the sweeper has looked. Or
    /// the tenant is being moved.
    Unsettled,
    /// The request's token has died meanwhile (K1).
    TokenDead,
}

/// Table and key column of reservations.
pub(crate) fn place(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::User => ("reservation", "username_key"),
        Kind::Group => ("group_reservation", "display_key"),
    }
}

/// Reserves a name and externalId, if neither is taken and what admitted the create holds still: one statement, so that of many identical
/// requests exactly one gets it. A create that commits in the same moment is met at [`complete_user`], by constraint.
pub async fn reserve(db: &Db, reservation: &Reservation, admission: Admission) -> Result<Reserved, Error> {
    for _ in 0..TRIES {
        if insert(db, reservation, admission).await? {
            return Ok(Reserved::Yes);
        }
        if let Some(refused) = why_not(db, reservation, admission).await? {
            return Ok(refused);
        }
    }
    Ok(Reserved::Unsettled)
}

async fn insert(db: &Db, reservation: &Reservation, admission: Admission) -> Result<bool, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let ((table, key), resources) = (place(reservation.kind), reservation.kind.table());
    let (column, members) = match reservation.kind {
        Kind::User => ("", None),
        Kind::Group => (", members", Some(serde_json::to_string(&listed(&reservation.members))?)),
    };
    let value = if members.is_some() { ", $8" } else { "" };
    let text = format!(
        "insert into {table} (tenant_id, {key}, external_key, nonce, document, created_at, lease_until{column})
         select $1, $3, $4, $5, $6, {now}, {now} + {LEASE}{value}
         where {} and {}
             and not exists (select 1 from {resources} where tenant_id = $1 and {key} = $3)
             and not exists (select 1 from {resources} where tenant_id = $1 and external_key = $4)
             and not exists (select 1 from {table} where tenant_id = $1 and external_key = $4)
         on conflict do nothing",
        writing::alive("$2", now),
        writing::stands("$7")
    );
    let mut values = vec![
        reservation.tenant.0.into(),
        admission.token.to_vec().into(),
        reservation.key.clone().into(),
        reservation.external_key.clone().into(),
        reservation.nonce.into(),
        serde_json::to_string(&reservation.document)?.into(),
        admission.realm_generation.into(),
    ];
    values.extend(members.map(Into::into));
    Ok(sql::execute(connection, &text, values).await? == 1)
}

/// What a reservation met. None where that is gone by now: a conflict is told only where somebody has the name, because
/// nobody creates again what is said to be there.
async fn why_not(db: &Db, reservation: &Reservation, admission: Admission) -> Result<Option<Reserved>, Error> {
    #[derive(FromQueryResult)]
    struct Why {
        alive: i64,
        stands: i64,
        named: i64,
        external: i64,
        unsettled: i64,
    }
    let connection = db.connection();
    let now = ledger::clock(connection);
    let ((table, key), resources) = (place(reservation.kind), reservation.kind.table());
    let held = |what: &str| {
        format!(
            "(select count(*) from {resources} where tenant_id = $1 and {what})
                 + (select count(*) from {table} where tenant_id = $1 and {what})"
        )
    };
    let (named, external) = (format!("{key} = $3"), format!("external_key = $4 and ({key} is null or {key} <> $3)"));
    let text = format!(
        "select cast(case when {} then 1 else 0 end as bigint) as alive,
             cast(case when {} then 1 else 0 end as bigint) as stands, {} as named, {} as external,
             (select count(*) from {table} where tenant_id = $1 and ({key} = $3 or external_key = $4)
                 and (unsettled or lease_until <= {now} or created_at <= {now} - {OVERDUE})) as unsettled",
        writing::alive("$2", now),
        writing::stands("$5"),
        held(&named),
        held(&external)
    );
    let values = [
        reservation.tenant.0.into(),
        admission.token.to_vec().into(),
        reservation.key.clone().into(),
        reservation.external_key.clone().into(),
        admission.realm_generation.into(),
    ];
    let why: Option<Why> = sql::one(connection, &text, values).await?;
    Ok(why.and_then(|why| match why {
        Why { alive: 0, .. } => Some(Reserved::TokenDead),
        Why { unsettled: 1.., .. } | Why { stands: 0, .. } => Some(Reserved::Unsettled),
        Why { external: 1.., .. } => Some(Reserved::Taken("externalId")),
        Why { named: 1.., .. } => Some(Reserved::Taken(reservation.kind.name_attribute())),
        _ => None,
    }))
}

/// The reservation becomes the user: row in, reservation out, ledger marked, all or nothing. `None` if the reservation is no
/// longer there, because the sweeper ended it.
pub async fn complete_user(
    db: &Db,
    reservation: &Reservation,
    id: Uuid,
    base: &Native,
    trace: Option<&str>,
) -> Result<Option<Resource>, Error> {
    let mark = Mark { accepted: true, trace: trace.map(str::to_owned), ..Mark::default() };
    let row = if db.backend() == DbBackend::Postgres && !reservation.adopts {
        let gone =
            "gone as (delete from reservation where tenant_id = $1 and username_key = $4 and nonce = $8 returning 1), ";
        let (text, values) = inserting(db.connection(), reservation, id, base, "gone, ")?;
        ledger::marked(db.connection(), gone, &text, values, &mark).await?
    } else {
        let transaction = db.begin().await?;
        let outcome = complete_user_in(&transaction, reservation, id, base, &mark).await;
        finish_if(transaction, outcome, Option::is_some).await?
    };
    row.map(|row: user::Row| User::try_from(row).map(|user| user.into_resource(Vec::new()))).transpose()
}

async fn complete_user_in(
    transaction: &DatabaseTransaction,
    reservation: &Reservation,
    id: Uuid,
    base: &Native,
    mark: &Mark,
) -> Result<Option<user::Row>, Error> {
    if !remove(transaction, reservation).await? {
        return Ok(None);
    }
    let (text, values) = inserting(transaction, reservation, id, base, "")?;
    let row = sql::one(transaction, &text, values).await?;
    ledger::mark(transaction, reservation.tenant, id, mark).await?;
    if reservation.adopts {
        // Whoever finishes it: the request, or the sweeper after a crash.
        let detail = serde_json::json!({ "user": id });
        audit::insert(transaction, Some(reservation.tenant), "scim", "user.adopt", detail).await?;
    }
    Ok(row)
}

/// The statement that makes a reservation's user, once for each row of `beside`.
fn inserting(
    connection: &impl ConnectionTrait,
    reservation: &Reservation,
    id: Uuid,
    base: &Native,
    beside: &str,
) -> Result<(String, Vec<Value>), Error> {
    let native = Native::of(&reservation.document);
    let (email, others) = user::email_keys(&reservation.document, &native);
    let now = ledger::clock(connection);
    let text = format!(
        "insert into directory_user (tenant_id, id, document, version, username_key, external_key, active, base, nonce,
             created_at, modified_at, logout_owed, email_key, other_email_keys, adopted)
         select $1, $2, $3, 1, $4, $5, $6, $7, $8, moment, moment, $11 and not $6, $9, $10, $11
         from {beside}(select {now} as moment) as clock returning {}",
        user::COLUMNS
    );
    let values = vec![
        reservation.tenant.0.into(),
        id.into(),
        serde_json::to_string(&reservation.document)?.into(),
        reservation.key.clone().into(),
        reservation.external_key.clone().into(),
        native.active.into(),
        serde_json::to_string(base)?.into(),
        reservation.nonce.into(),
        email.into(),
        others.into(),
        reservation.adopts.into(),
    ];
    Ok((text, values))
}

/// The reservation becomes the group with its memberships; `settled` where there is no realm to tell about them.
pub async fn complete_group(
    db: &Db,
    reservation: &Reservation,
    id: Uuid,
    settled: bool,
) -> Result<Option<Resource>, Error> {
    let transaction = db.begin().await?;
    let outcome = complete_group_in(&transaction, reservation, id, settled).await;
    finish_if(transaction, outcome, Option::is_some).await
}

async fn complete_group_in(
    transaction: &DatabaseTransaction,
    reservation: &Reservation,
    id: Uuid,
    settled: bool,
) -> Result<Option<Resource>, Error> {
    if !remove(transaction, reservation).await? {
        return Ok(None);
    }
    #[derive(FromQueryResult)]
    struct Made {
        #[sea_orm(nested)]
        row: group::Row,
        pushed: bool,
    }
    let now = ledger::clock(transaction);
    let text = format!(
        "insert into directory_group (tenant_id, id, document, version, display_key, display_name, base, external_key,
             nonce, created_at, modified_at, adopted)
         select $1, $2, $3, 1, $4, $5, $5, $6, $7, moment, moment, $8 from (select {now} as moment) as clock returning {}, {} as pushed",
        group::COLUMNS,
        ledger::PUSHED
    );
    let values = [
        reservation.tenant.0.into(),
        id.into(),
        serde_json::to_string(&reservation.document)?.into(),
        reservation.key.clone().into(),
        group::display_name(&reservation.document).into(),
        reservation.external_key.clone().into(),
        reservation.nonce.into(),
        reservation.adopts.into(),
    ];
    let made: Option<Made> = sql::one(transaction, &text, values).await?;
    let members = Change { add: reservation.members.clone(), remove: Vec::new() };
    member::change(transaction, reservation.tenant, id, &members, settled).await?;
    if reservation.adopts {
        let detail = serde_json::json!({ "group": id });
        audit::insert(transaction, Some(reservation.tenant), "scim", "group.adopt", detail).await?;
    }
    if made.as_ref().is_some_and(|made| made.pushed) {
        ledger::mark_group(transaction, reservation.tenant, id).await?;
    }
    let related = reservation.members.iter().map(|(id, kind)| (*id, kind.as_str().to_owned())).collect();
    made.map(|made| Group::try_from(made.row).map(|group| group.into_resource(related))).transpose()
}

/// Members as they are stored beside a reservation: the id, and whether it is a group.
fn listed(members: &[(Uuid, Kind)]) -> Vec<(Uuid, bool)> {
    members.iter().map(|(id, kind)| (*id, *kind == Kind::Group)).collect()
}
