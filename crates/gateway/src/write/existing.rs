//! Creates of somebody who is there already: returning to the directory, or in the realm before SCIM came.

use directory::resource::Resource;
use directory::user::{self, Arrival, User};
use directory::watch;
use directory::{member, reservation};
use realm::{RealmUser, UserChange};
use scim::native::Native;
use scim::{Error, Object};

use super::create::{Creating, complete};
use super::user::update;
use crate::answer::Answer;
use crate::call::Call;

/// Users a request waits for while they are taken in: a few realm calls each.
const TAKEN_IN: usize = 20;

/// POST with the externalId of an inactive user brings that user back, in place, under a free userName too (Okta re-assigns
/// so, after a rename as well). Entra ID finds who returns by the name, and takes externalIds from mail names, which people get
/// from those who left: there the name has to be the same. Any other taken name stays taken.
pub(super) async fn returning(
    call: &Call<'_>,
    document: &Object,
    native: &Native,
    attribute: &'static str,
) -> Result<Resource, Answer> {
    let taken = || Answer::from(Error::taken(attribute));
    let (db, tenant) = (&call.deps.db, call.tenant());
    let external_id = native.external_id.as_deref().filter(|_| native.active).ok_or_else(taken)?;
    let key = scim::key::username_key(&native.user_name);
    let held = match user::by_username(db, tenant, &key).await? {
        Some(named) => named,
        None if call.is_entra() => return Err(taken()),
        None => user::by_external(db, tenant, external_id).await?.ok_or_else(taken)?,
    };
    if (held.active && !held.off_unsettled) || Native::of(&held.document).external_id.as_deref() != Some(external_id) {
        return Err(taken());
    }
    let change = |current: &User| {
        // Whoever came first has brought the user back; for the others the name is taken.
        if current.active { Err(Error::taken("userName")) } else { Ok(document.clone()) }
    };
    let returned = update(call, &held.id.to_string(), false, change).await;
    // One that is protected is shown to nobody, and has the name all the same.
    returned.map_err(|answer| if answer.status == 404 { taken() } else { answer })
}

/// The realm has somebody of that name or address. Who holds `scim-managed` comes in with the import, and is a conflict
/// then; anybody else is taken over only where the tenant wants it, by exact userName, and never with administrative roles.
pub(super) async fn settle(
    mut creating: Creating<'_>,
    native: &Native,
    conflict: realm::Error,
) -> Result<Resource, Answer> {
    let call = creating.call;
    let db = &call.deps.db;
    let realm = call.deps.realms.of(call.provisioner).await?;
    let found = realm.find_by_username(&native.user_name).await?;
    let adoptable = match &found {
        Some(user) if call.provisioner.adopts && user.marker.is_none() => {
            !realm.is_managed(user.id).await? && !realm.user_is_protected(user.id).await?
        }
        _ => false,
    };
    let Some(user) = found.filter(|_| adoptable) else {
        creating.abandon().await?;
        return Err(conflict.into());
    };
    // Order: noted before the realm is written, so that whoever ends this create never deletes that user.
    if !creating.is_ours().await? || !reservation::adopt(db, &mut creating.reservation).await? {
        return Err(Answer::unavailable());
    }
    let fresh = match realm.read(user.id).await {
        Ok(fresh) if creating.is_ours().await? => fresh,
        Ok(_) => return Err(Answer::unavailable()),
        Err(error) => return Err(creating.failed(error).await),
    };
    let adopted = match realm.write(fresh, &adopting(&creating, native, &user)).await {
        Ok(adopted) => adopted,
        Err(error) => return Err(creating.failed(error).await),
    };
    complete(creating, &realm, &adopted).await
}

/// What makes a user of the realm ours: our marker, and what the identity provider says of it.
fn adopting(creating: &Creating<'_>, native: &Native, user: &RealmUser) -> UserChange {
    let mut attributes = creating.call.mapping().to_realm(&creating.reservation.document);
    attributes.retain(|_, value| value.is_some());
    let marker = Some(Some(creating.marker()));
    UserChange { marker, attributes, ..UserChange::asked(&user.native(), native, false) }
}

/// Takes a user in whom the import has not come to yet, so that nobody is told "no such user" meanwhile (K8).
pub(crate) async fn fetch(call: &Call<'_>, sought: Sought<'_>) -> Result<bool, Answer> {
    let realm = call.deps.realms.of(call.provisioner).await?;
    let found = match sought {
        Sought::Id(id) => realm.user(id).await?,
        Sought::Name(name) => realm.find_by_username(name).await?,
        Sought::ExternalId(id) => realm.find_by_external_id(id).await?,
    };
    let Some(found) = found else { return Ok(false) };
    if !realm.is_managed(found.id).await? || realm.user_is_protected(found.id).await? {
        return Ok(false);
    }
    let nonce = reservation::nonce_of(call.tenant(), found.marker.as_deref());
    let mapping = call.mapping();
    let arrival = Arrival { id: found.id, base: found.native(), mapped: mapping.to_document(&found.attributes), nonce };
    // Where the import was faster the user is in all the same.
    user::import(call.deps.db.connection(), call.tenant(), &arrival).await?;
    watch::wake(&call.deps.db, call.tenant()).await?;
    Ok(true)
}

/// Takes in whom a write names and the import has not come to yet, before anybody is told that there is no such user (K8). So
/// many at once that it would take too long are for the import.
pub(crate) async fn take_in(call: &Call<'_>, ids: &[uuid::Uuid]) -> Result<(), Answer> {
    if !call.provisioner.importing {
        return Ok(());
    }
    let known = member::present(&call.deps.db, call.tenant(), ids).await?;
    let unknown: Vec<_> = ids.iter().filter(|id| !known.contains(id)).collect();
    if unknown.len() > TAKEN_IN {
        return Err(Answer::unavailable());
    }
    for id in unknown {
        fetch(call, Sought::Id(*id)).await?;
    }
    Ok(())
}

/// Whom a request looks for.
#[derive(Clone, Copy)]
pub(crate) enum Sought<'a> {
    Id(uuid::Uuid),
    Name(&'a str),
    ExternalId(&'a str),
}
