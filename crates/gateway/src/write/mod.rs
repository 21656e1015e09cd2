//! Writes: claim → realm → commit (K1–K5). Two writes to one thing in the realm never overlap, on any replica, and what a
//! crash leaves half done the sweeper ends.

pub(crate) mod create;
pub(crate) mod existing;
pub(crate) mod group;
pub(crate) mod new_group;
pub(crate) mod user;

use std::time::{Duration, Instant};

use actix_web::http::Method;
use bus::Hint;
use directory::lease::Lease;
use directory::ledger::{self, Mark};
use directory::look;
use directory::resource::Kind;
use directory::writing::{self, Claim};
use realm::Realm;
use scim::{Error, etag};
use uuid::Uuid;

use crate::answer::Answer;
use crate::call::Call;
use crate::provisioner::unauthorized;

/// How long a write waits for another one on the same resource.
const PATIENCE: Duration = Duration::from_secs(15);

/// How a claimed write failed: with the realm as it was, because the realm does not find what is written, or in doubt.
enum Failed {
    Clean(Answer),
    Absent,
    Ambiguous,
}

impl<E: Into<Answer>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Clean(error.into())
    }
}

fn realm_failed(error: realm::Error) -> Failed {
    match error {
        realm::Error::Ambiguous => Failed::Ambiguous,
        realm::Error::NotFound => Failed::Absent,
        other => Failed::Clean(other.into()),
    }
}

/// A resource under this request's claim.
struct Held<'a> {
    call: &'a Call<'a>,
    kind: Kind,
    id: Uuid,
    epoch: i64,
    lease: Lease,
    /// The realm has some of it.
    written: bool,
}

impl<'a> Held<'a> {
    fn new(call: &'a Call<'a>, kind: Kind, id: Uuid, epoch: i64, lease: Lease) -> Self {
        Self { call, kind, id, epoch, lease, written: false }
    }

    /// To be asked before each realm call: none begins with less of the lease left than the call may take (K1).
    async fn ready(&mut self) -> Result<(), Failed> {
        if self.lease.covers(realm::CALL) {
            return Ok(());
        }
        let lease = Lease::asked(writing::LEASE);
        let db = &self.call.deps.db;
        if !writing::renew(db, self.kind, self.call.tenant(), self.id, self.epoch).await? {
            return Err(Failed::Clean(Answer::unavailable()));
        }
        self.lease = lease;
        if self.lease.covers(realm::CALL) { Ok(()) } else { Err(Failed::Clean(Answer::unavailable())) }
    }

    async fn realm(&self) -> Result<Realm, Failed> {
        self.call.deps.realms.of(self.call.provisioner).await.map_err(realm_failed)
    }

    async fn release(&self) -> Result<(), directory::Error> {
        let (db, tenant) = (&self.call.deps.db, self.call.tenant());
        match self.kind {
            Kind::User if !self.written => directory::user::refused(db, tenant, self.id, self.epoch).await,
            kind => writing::release(db, kind, tenant, self.id, self.epoch).await,
        }
    }

    /// Gives the claim back and has triage look whether the resource is gone from the realm.
    async fn suspect(&self) -> Result<(), directory::Error> {
        let (connection, tenant) = (self.call.deps.db.connection(), self.call.tenant());
        match self.kind {
            Kind::User => ledger::mark(connection, tenant, self.id, &Mark::default()).await?,
            Kind::Group => look::want(connection, tenant, self.id, false).await?,
        }
        self.release().await?;
        if self.kind == Kind::User {
            ring(self.call, self.id, false);
        }
        Ok(())
    }

    /// Ends a failed write: a clean one gives its claim back; of one in doubt the lease runs out by itself, because the
    /// late write must not meet another one (K5). What the realm lacks is looked at, and who asks comes again (K14).
    async fn failed(&self, failed: Failed) -> Answer {
        let (db, tenant) = (&self.call.deps.db, self.call.tenant());
        let (ended, answer) = match failed {
            Failed::Clean(answer) => (self.release().await, answer),
            Failed::Absent => (self.suspect().await, Answer::unavailable()),
            Failed::Ambiguous => (writing::doubt(db, self.kind, tenant, self.id).await, Answer::unavailable()),
        };
        if let Err(error) = ended {
            tracing::warn!(
                name = "inbound.write_held",
                %error,
                "a failed write could not be ended; its lease runs out",
            );
        }
        answer
    }
}

/// Waits for a resource's write lease, with jitter, for as long as patience lasts.
async fn claimed<T, F: Future<Output = Result<Claim<T>, directory::Error>>>(
    kind: Kind,
    claim: impl Fn() -> F,
) -> Result<(T, Lease), Answer> {
    let started = Instant::now();
    let mut wait = 5;
    loop {
        let lease = Lease::asked(writing::LEASE);
        match claim().await? {
            Claim::Granted(held) => return Ok((held, lease)),
            Claim::Missing => return Err(missing(kind)),
            Claim::TokenDead => return Err(unauthorized()),
            Claim::Busy if started.elapsed() > PATIENCE => return Err(Answer::unavailable()),
            Claim::Busy => tokio::time::sleep(Duration::from_millis(rand::random_range(wait / 2..=wait))).await,
        }
        wait = (wait * 2).min(250);
    }
}

/// An id of the right shape; any other is nobody's.
pub(crate) fn id_of(kind: Kind, text: &str) -> Result<Uuid, Answer> {
    given_out(text).ok_or_else(|| missing(kind))
}

/// An id as it was given out. Ids are case-exact (RFC 7643 §3.1): another spelling of one is none.
pub(crate) fn given_out(text: &str) -> Option<Uuid> {
    let id = Uuid::parse_str(text).ok()?;
    (id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text).then_some(id)
}

pub(crate) fn missing(kind: Kind) -> Answer {
    let what = match kind {
        Kind::User => "there is no such user",
        Kind::Group => "there is no such group",
    };
    Error::plain(404, what).into()
}

/// Whether the conditions of a request hold for this version (RFC 9110 §13.1). Those of a POST are about no one resource.
fn check_version(call: &Call<'_>, version: i64) -> Result<(), Error> {
    let (request, named) = (call.request, |tags: &String| etag::names_version(tags, version));
    if request.method == Method::POST {
        return Ok(());
    }
    if !request.if_match.as_ref().is_none_or(named) {
        return Err(Error::plain(412, "the resource has changed since it was read"));
    }
    if request.if_none_match.as_ref().is_some_and(named) {
        return Err(Error::plain(412, "the resource is what If-None-Match says it must not be"));
    }
    Ok(())
}

fn ring(call: &Call<'_>, user: Uuid, urgent: bool) {
    let traceparent = call.request.traceparent.clone();
    call.deps.doorbell.ring(Hint { tenant: call.tenant().0, user, urgent, traceparent });
}
