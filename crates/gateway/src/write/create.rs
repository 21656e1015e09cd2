//! Creates begin with a reservation and end as a row (K2). One that was frozen for so long that the sweeper gave its
//! reservation up takes back what it made in the realm: nobody would answer for it.

use directory::lease::Lease;
use directory::reservation::{self, LEASE, Reservation, Reserved};
use directory::resource::{self, Kind, Resource};
use realm::{NewUser, Realm, RealmUser};
use scim::Object;
use scim::native::Native;

use super::{existing, ring};
use crate::answer::Answer;
use crate::call::Call;
use crate::provisioner::unauthorized;

/// A create under way, as its request holds it.
pub(super) struct Creating<'a> {
    pub call: &'a Call<'a>,
    pub reservation: Reservation,
    lease: Lease,
}

impl<'a> Creating<'a> {
    /// Reserves; the attribute that is taken, where one is.
    pub async fn begin(call: &'a Call<'a>, reservation: Reservation) -> Result<Result<Self, &'static str>, Answer> {
        let lease = Lease::asked(LEASE);
        match reservation::reserve(&call.deps.db, &reservation, call.provisioner.admission).await? {
            Reserved::Yes => Ok(Ok(Self { call, reservation, lease })),
            Reserved::Taken(attribute) => Ok(Err(attribute)),
            Reserved::Unsettled => Err(Answer::unavailable()),
            Reserved::TokenDead => Err(unauthorized()),
        }
    }

    /// To be asked before each realm call: whether the reservation is still this request's, for as long as the call takes.
    pub async fn is_ours(&mut self) -> Result<bool, directory::Error> {
        if self.lease.covers(realm::CALL) {
            return Ok(true);
        }
        self.lease = Lease::asked(LEASE);
        let renewed = reservation::renew(&self.call.deps.db, &self.reservation).await?;
        Ok(renewed && self.lease.covers(realm::CALL))
    }

    /// Ends it because of what the realm said: with nothing made, or left to the sweeper, which finds out.
    pub async fn failed(&self, error: realm::Error) -> Answer {
        let db = &self.call.deps.db;
        let ended = match error {
            realm::Error::Ambiguous => reservation::leave(db, &self.reservation).await,
            _ => self.abandon().await,
        };
        ended.map_or_else(Answer::from, |()| error.into())
    }

    /// Ends it with nothing made.
    pub async fn abandon(&self) -> Result<(), directory::Error> {
        reservation::abandon(&self.call.deps.db, &self.reservation).await.map(drop)
    }

    /// What marks the realm's record as this create's.
    pub fn marker(&self) -> String {
        self.reservation.marker()
    }

    /// What the directory has of it, where the sweeper was faster.
    pub async fn made_by_others(&self, id: uuid::Uuid, kind: Kind) -> Result<Option<Resource>, directory::Error> {
        resource::by_id(&self.call.deps.db, self.call.tenant(), kind, id, true).await
    }
}

/// Creates a user: reservation, realm, role, row.
pub(crate) async fn user(call: &Call<'_>, document: &Object) -> Result<Resource, Answer> {
    let native = Native::of(document);
    let reservation = Reservation::new(call.tenant(), Kind::User, document.clone(), Vec::new());
    let mut creating = match Creating::begin(call, reservation).await? {
        Ok(creating) => creating,
        Err(attribute) => return existing::returning(call, document, &native, attribute).await,
    };
    let created = match call.deps.realms.of(call.provisioner).await {
        Ok(realm) if creating.is_ours().await? => in_realm(&creating, &realm, &native).await.map(|user| (realm, user)),
        Ok(_) => return Err(Answer::unavailable()),
        Err(error) => Err(error),
    };
    match created {
        Ok((realm, created)) => complete(creating, &realm, &created).await,
        Err(conflict @ realm::Error::Conflict { .. }) => existing::settle(creating, &native, conflict).await,
        Err(error) => Err(creating.failed(error).await),
    }
}

/// The realm's part of a create. On its 409 only a user that carries this reservation's nonce is ours (K2), and one that does
/// not say what is taken is a conflict only with whoever is found there.
async fn in_realm(creating: &Creating<'_>, realm: &Realm, native: &Native) -> Result<RealmUser, realm::Error> {
    let attributes = creating.call.mapping().to_realm(&creating.reservation.document);
    let new = NewUser {
        username: native.user_name.clone(),
        email: native.email.clone(),
        first_name: native.given_name.clone(),
        last_name: native.family_name.clone(),
        enabled: native.active,
        external_id: native.external_id.clone(),
        marker: creating.marker(),
        attributes: attributes.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
    };
    match realm.create(&new).await {
        Err(refused @ (realm::Error::Conflict { .. } | realm::Error::Contended)) => {
            match realm.find_by_username(&new.username).await? {
                Some(user) if creating.reservation.made(user.marker.as_deref()) => Ok(user),
                // It will be found and deleted: who is told of a conflict now would not create again.
                Some(user)
                    if !reservation::took_over(user.marker.as_deref())
                        && is_left_over(creating, Kind::User, user.marker.as_deref()).await? =>
                {
                    Err(realm::Error::Contended)
                }
                Some(_) if matches!(refused, realm::Error::Contended) => {
                    Err(realm::Error::Conflict { attribute: "userName" })
                }
                _ => Err(refused),
            }
        }
        other => other,
    }
}

/// Whether a record of the realm carries the marker of a create for which nobody answers: it came too late.
pub(super) async fn is_left_over(
    creating: &Creating<'_>,
    kind: Kind,
    marker: Option<&str>,
) -> Result<bool, realm::Error> {
    let tenant = creating.reservation.tenant;
    let Some(nonce) = reservation::nonce_of(tenant, marker) else { return Ok(false) };
    let answered = reservation::answers_for(&creating.call.deps.db, kind, tenant, nonce).await;
    answered.map(|answered| !answered).map_err(|_| realm::Error::Unavailable)
}

/// The rest of a create, once the realm has the user: its role, its row.
pub(super) async fn complete(
    mut creating: Creating<'_>,
    realm: &Realm,
    created: &RealmUser,
) -> Result<Resource, Answer> {
    let call = creating.call;
    let mut completed = None;
    if creating.is_ours().await? {
        realm.grant_role(created.id).await?;
        let (base, trace) = (created.native(), call.request.traceparent.as_deref());
        let row = reservation::complete_user(&call.deps.db, &creating.reservation, created.id, &base, trace).await;
        completed = match row {
            Ok(completed) => completed,
            Err(taken @ directory::Error::Taken(_)) => {
                // Somebody else's write took the externalId meanwhile: this create came to nothing, in the realm too.
                if creating.made_by_others(created.id, Kind::User).await?.is_some() {
                    tracing::error!(
                        name = "inbound.create_occupied",
                        tenant.id = %call.tenant(),
                        user.id = %created.id,
                        "a user under creation is in the directory already; it is left alone",
                    );
                } else if creating.is_ours().await? {
                    take_back(&creating, realm, created).await?;
                } else {
                    return Err(Answer::unavailable());
                }
                creating.abandon().await?;
                return Err(taken.into());
            }
            Err(error) => return Err(error.into()),
        };
    }
    ring(call, created.id, false);
    if let Some(user) = completed {
        return Ok(user);
    }
    // The sweeper was faster. Either the user is there all the same, or nobody answers for it.
    if let Some(user) = creating.made_by_others(created.id, Kind::User).await? {
        return Ok(user);
    }
    if reservation::answers_for(&call.deps.db, Kind::User, call.tenant(), creating.reservation.nonce).await? {
        return Err(Answer::unavailable());
    }
    take_back(&creating, realm, created).await?;
    tracing::warn!(
        name = "inbound.create_undone",
        tenant.id = %call.tenant(),
        user.id = %created.id,
        "a create came too late and was taken back",
    );
    Err(Answer::unavailable())
}

/// What a create made in the realm is made undone: deleted, or let go of if it was there before.
async fn take_back(creating: &Creating<'_>, realm: &Realm, created: &RealmUser) -> Result<(), realm::Error> {
    if creating.reservation.adopts { realm.release(created.id).await } else { realm.delete(created.id).await }
}
