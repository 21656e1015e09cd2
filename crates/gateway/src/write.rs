//! Writes: claim → realm → commit (K1–K5). Two writes to one realm user never overlap, on any replica, and what a crash
//! leaves half done the sweeper ends.

use std::time::{Duration, Instant};

use bus::Hint;
use directory::lease::Lease;
use directory::reservation::{self, Reservation, Reserved};
use directory::user::{self, Claim, Commit, User};
use realm::{NewUser, Realm, RealmUser, UserChange};
use registry::tenant::Provisioner;
use scim::native::Native;
use scim::{Error, Object};
use uuid::Uuid;

use crate::Deps;
use crate::answer::Answer;
use crate::provisioner::unauthorized;
use crate::request::Request;
use crate::users::{missing, names};

/// How long a write waits for another one on the same user.
const PATIENCE: Duration = Duration::from_secs(15);

/// Creates a user: reservation, realm, role, row.
pub(crate) async fn create(
    deps: &Deps,
    provisioner: &Provisioner,
    request: &Request,
    document: &Object,
) -> Result<User, Answer> {
    let native = Native::of(document);
    if let Some(user) = returning(deps, provisioner, request, document, &native).await? {
        return Ok(user);
    }
    let reservation = Reservation {
        tenant_id: provisioner.tenant,
        username_key: scim::key::username_key(&native.user_name),
        external_key: native.external_id.clone(),
        nonce: Uuid::new_v4(),
        document: serde_json::Value::Object(document.clone()).to_string(),
    };
    match reservation::reserve(&deps.db, &reservation, provisioner.token).await? {
        Reserved::Yes => {}
        Reserved::Taken(attribute) => return Err(Error::taken(attribute).into()),
        Reserved::TokenDead => return Err(unauthorized()),
    }
    let realm = match deps.realms.of(provisioner).await {
        Ok(realm) => realm,
        Err(error) => {
            reservation::abandon(&deps.db, &reservation).await?;
            return Err(error.into());
        }
    };
    let created = create_in_realm(&realm, &reservation, &native).await;
    let created = match created {
        Ok(created) => created,
        // Its fate is unknown: the reservation stays for the sweeper, which finds out.
        Err(realm::Error::Ambiguous) => return Err(Answer::unavailable()),
        Err(error) => {
            reservation::abandon(&deps.db, &reservation).await?;
            return Err(error.into());
        }
    };
    realm.grant_role(created.id).await?;
    let base = native_of(&created);
    // Where the sweeper was faster, the user is there all the same.
    reservation::complete(&deps.db, &reservation, created.id, &base, request.traceparent.as_deref()).await?;
    ring(deps, provisioner, request, created.id, false);
    user::by_id(&deps.db, provisioner.tenant, created.id).await?.ok_or_else(Answer::unavailable)
}

/// The realm's part of a create. On its 409 only a user that carries this reservation's nonce is ours (K2).
async fn create_in_realm(realm: &Realm, reservation: &Reservation, native: &Native) -> Result<RealmUser, realm::Error> {
    let marker = format!("{}:{}", reservation.tenant_id, reservation.nonce);
    let new = NewUser {
        username: native.user_name.clone(),
        email: native.email.clone(),
        first_name: native.given_name.clone(),
        last_name: native.family_name.clone(),
        enabled: native.active,
        external_id: native.external_id.clone(),
        marker: marker.clone(),
    };
    match realm.create(&new).await {
        Err(conflict @ realm::Error::Conflict { .. }) => match realm.find_by_username(&new.username).await? {
            Some(user) if user.marker.as_deref() == Some(&marker) => Ok(user),
            _ => Err(conflict),
        },
        other => other,
    }
}

/// POST with the userName and externalId of an inactive user brings that user back, in place (Okta re-assigns so).
async fn returning(
    deps: &Deps,
    provisioner: &Provisioner,
    request: &Request,
    document: &Object,
    native: &Native,
) -> Result<Option<User>, Answer> {
    if native.external_id.is_none() {
        return Ok(None);
    }
    let key = scim::key::username_key(&native.user_name);
    let Some(held) = user::by_username(&deps.db, provisioner.tenant, &key).await? else { return Ok(None) };
    if held.active || Native::of(&held.document).external_id != native.external_id {
        return Err(Error::taken("userName").into());
    }
    let change = |current: &Object| {
        // Whoever came first has brought the user back; for the others the name is taken.
        if Native::of(current).active { Err(Error::taken("userName")) } else { Ok(document.clone()) }
    };
    let id = held.id.to_string();
    update(deps, provisioner, request, &id, !native.active, change).await.map(Some)
}

/// Changes a user under its write lease. `deactivates` forces both realm calls, whatever the directory believes (K4).
pub(crate) async fn update(
    deps: &Deps,
    provisioner: &Provisioner,
    request: &Request,
    id: &str,
    deactivates: bool,
    change: impl Fn(&Object) -> Result<Object, Error>,
) -> Result<User, Answer> {
    let (before, lease) = claim(deps, provisioner, id, deactivates).await?;
    let held = Held { deps, provisioner, request, before: &before, lease };
    let outcome = change_claimed(held, deactivates, change).await;
    match outcome {
        Ok(user) => {
            if user.version != before.version || deactivates {
                ring(deps, provisioner, request, user.id, !user.active);
            }
            Ok(user)
        }
        Err(Failed::Ambiguous) => {
            // The lease runs out by itself: the late write must not meet another one (K5).
            user::doubt(&deps.db, provisioner.tenant, before.id).await?;
            Err(Answer::unavailable())
        }
        Err(Failed::Clean(answer)) => {
            user::release(&deps.db, provisioner.tenant, before.id, before.write_epoch).await?;
            Err(answer)
        }
    }
}

/// How a claimed write failed: with the realm as it was, or in doubt.
enum Failed {
    Clean(Answer),
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
        other => Failed::Clean(other.into()),
    }
}

/// A user under this request's claim.
struct Held<'a> {
    deps: &'a Deps,
    provisioner: &'a Provisioner,
    request: &'a Request,
    before: &'a User,
    lease: Lease,
}

impl Held<'_> {
    /// To be asked before each realm call: none begins with less of the lease left than the call may take (K1).
    async fn ready(&mut self) -> Result<(), Failed> {
        if self.lease.covers(realm::CALL) {
            return Ok(());
        }
        let lease = Lease::asked(user::LEASE);
        if !user::renew(&self.deps.db, self.provisioner.tenant, self.before.id, self.before.write_epoch).await? {
            return Err(Failed::Clean(Answer::unavailable()));
        }
        self.lease = lease;
        if self.lease.covers(realm::CALL) { Ok(()) } else { Err(Failed::Clean(Answer::unavailable())) }
    }

    async fn realm(&self) -> Result<Realm, Failed> {
        self.deps.realms.of(self.provisioner).await.map_err(realm_failed)
    }

    /// A fresh read and a write of this change alone (K3); a user that is switched off loses its sessions too (K4).
    ///
    /// Answers with the user as it was read, and as it is afterwards.
    async fn change_realm(&mut self, realm: &Realm, change: &UserChange) -> Result<(RealmUser, RealmUser), Failed> {
        self.ready().await?;
        let fresh = realm.read(self.before.id).await.map_err(realm_failed)?;
        let read = fresh.user().clone();
        self.ready().await?;
        let user = realm.write(fresh, change).await.map_err(realm_failed)?;
        if change.enabled == Some(false) {
            self.ready().await?;
            realm.logout(self.before.id).await.map_err(realm_failed)?;
        }
        Ok((read, user))
    }
}

async fn change_claimed(
    mut held: Held<'_>,
    deactivates: bool,
    change: impl Fn(&Object) -> Result<Object, Error>,
) -> Result<User, Failed> {
    let (db, tenant, before) = (&held.deps.db, held.provisioner.tenant, held.before);
    check_version(held.request, before)?;
    let mut after = change(&before.document)?;
    let (old, new) = (Native::of(&before.document), Native::of(&after));
    let mut realm_change = difference(&old, &new);
    if deactivates && !new.active {
        realm_change.enabled = Some(false);
    }
    // Asked before the realm is: whatever is refused here has changed nothing anywhere.
    if realm_change.username.is_some() || realm_change.external_id.is_some() {
        let key = scim::key::username_key(&new.user_name);
        if let Some(attribute) = user::taken(db, tenant, before.id, &key, new.external_id.as_deref()).await? {
            return Err(Error::taken(attribute).into());
        }
    }
    let mut base = None;
    if !realm_change.is_empty() {
        let realm = held.realm().await?;
        let (read, written) = held.change_realm(&realm, &realm_change).await?;
        // What an admin changed before this write is followed with it, because the base moves past it (K12).
        scim::native::follow(&mut after, &before.base, &untouched(native_of(&read), &before.base, &realm_change));
        base = Some(native_of(&written));
    }
    let changed = after != before.document;
    if !changed && base.is_none() {
        user::release(db, tenant, before.id, before.write_epoch).await?;
        return Ok(before.clone());
    }
    let (logged_out, trace) = (realm_change.enabled == Some(false), held.request.traceparent.as_deref());
    let commit = Commit { document: &after, changed, base: base.as_ref(), logged_out, trace };
    let committed = user::commit(db, tenant, before, &commit).await?;
    // The claim ran out: the realm has the change and triage will follow it; the client asks again.
    committed.ok_or_else(|| Failed::Clean(Answer::unavailable()))
}

/// Deletes a user: one that SCIM created leaves the realm, an adopted one is disabled there.
pub(crate) async fn delete(deps: &Deps, provisioner: &Provisioner, request: &Request, id: &str) -> Result<(), Answer> {
    let (before, lease) = claim(deps, provisioner, id, false).await?;
    let outcome = delete_claimed(Held { deps, provisioner, request, before: &before, lease }).await;
    match outcome {
        Ok(()) => {
            ring(deps, provisioner, request, before.id, true);
            Ok(())
        }
        Err(Failed::Ambiguous) => Err(Answer::unavailable()),
        Err(Failed::Clean(answer)) => {
            user::release(&deps.db, provisioner.tenant, before.id, before.write_epoch).await?;
            Err(answer)
        }
    }
}

/// What was read, with what the request itself changes as it stood before: the difference is other people's.
fn untouched(mut read: Native, base: &Native, change: &UserChange) -> Native {
    if change.username.is_some() {
        read.user_name.clone_from(&base.user_name);
    }
    if change.email.is_some() {
        read.email.clone_from(&base.email);
    }
    if change.first_name.is_some() {
        read.given_name.clone_from(&base.given_name);
    }
    if change.last_name.is_some() {
        read.family_name.clone_from(&base.family_name);
    }
    if change.enabled.is_some() {
        read.active = base.active;
    }
    read
}

async fn delete_claimed(mut held: Held<'_>) -> Result<(), Failed> {
    let (db, tenant, before) = (&held.deps.db, held.provisioner.tenant, held.before);
    check_version(held.request, before)?;
    let realm = held.realm().await?;
    if before.adopted {
        let change = UserChange { enabled: Some(false), ..UserChange::default() };
        held.change_realm(&realm, &change).await?;
    } else {
        held.ready().await?;
        realm.delete(before.id).await.map_err(realm_failed)?;
    }
    let trace = held.request.traceparent.as_deref();
    if user::delete(db, tenant, before.id, before.write_epoch, trace).await? {
        Ok(())
    } else {
        Err(Failed::Clean(Answer::unavailable()))
    }
}

/// Waits for the user's write lease, with jitter, for as long as patience lasts.
async fn claim(deps: &Deps, provisioner: &Provisioner, id: &str, logout: bool) -> Result<(User, Lease), Answer> {
    let id = Uuid::parse_str(id).map_err(|_| missing())?;
    let started = Instant::now();
    let mut wait = 5;
    loop {
        let lease = Lease::asked(user::LEASE);
        match user::claim(&deps.db, provisioner.tenant, id, provisioner.token, logout).await? {
            Claim::Granted(user) => return Ok((*user, lease)),
            Claim::Missing => return Err(missing()),
            Claim::TokenDead => return Err(unauthorized()),
            Claim::Busy if started.elapsed() > PATIENCE => return Err(Answer::unavailable()),
            Claim::Busy => tokio::time::sleep(Duration::from_millis(rand::random_range(wait / 2..=wait))).await,
        }
        wait = (wait * 2).min(250);
    }
}

fn check_version(request: &Request, user: &User) -> Result<(), Error> {
    match &request.if_match {
        Some(tags) if !names(tags, user.version) => {
            Err(Error::plain(412, "the resource has changed since it was read"))
        }
        _ => Ok(()),
    }
}

fn difference(old: &Native, new: &Native) -> UserChange {
    let changed = |old: &Option<String>, new: &Option<String>| (old != new).then(|| new.clone());
    UserChange {
        username: (old.user_name.to_lowercase() != new.user_name.to_lowercase()).then(|| new.user_name.clone()),
        email: changed(&old.email, &new.email),
        first_name: changed(&old.given_name, &new.given_name),
        last_name: changed(&old.family_name, &new.family_name),
        external_id: changed(&old.external_id, &new.external_id),
        enabled: (old.active != new.active).then_some(new.active),
    }
}

fn native_of(user: &RealmUser) -> Native {
    Native {
        user_name: user.username.clone(),
        email: user.email.clone(),
        given_name: user.first_name.clone(),
        family_name: user.last_name.clone(),
        active: user.enabled,
        external_id: user.external_id.clone(),
    }
}

fn ring(deps: &Deps, provisioner: &Provisioner, request: &Request, user: Uuid, urgent: bool) {
    let traceparent = request.traceparent.clone();
    deps.doorbell.ring(Hint { tenant: provisioner.tenant.0, user, urgent, traceparent });
}
