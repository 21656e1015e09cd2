//! What a write changes of a user, decided without asking anybody: what a request wants, what is written back, what a user is
//! afterwards. The gateway, triage and the model of the saga in the dispatcher's tests decide by the same code.

use std::collections::BTreeMap;

use scim::native::Native;

use crate::RealmUser;

/// What is changed of a user; `None` leaves alone, `Some(None)` clears.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The login name.
    pub username: Option<String>,
    /// The address.
    pub email: Option<Option<String>>,
    /// First name.
    pub first_name: Option<Option<String>>,
    /// Last name.
    pub last_name: Option<Option<String>>,
    /// The identity provider's id.
    pub external_id: Option<Option<String>>,
    /// Sent only if the request changed it (K3).
    pub enabled: Option<bool>,
    /// `tenant:nonce`: set where a user is taken over, cleared where it is released.
    pub marker: Option<Option<String>>,
    /// Further managed attributes of the realm's profile.
    pub attributes: BTreeMap<String, Option<String>>,
}

impl UserChange {
    /// What a request asks for: the difference it makes to its document, and nothing of what the directory has beside that
    /// (K3). A deactivation is asked for whatever the directory believes (K4).
    pub fn asked(old: &Native, new: &Native, deactivates: bool) -> Self {
        let changed = |old: &Option<String>, new: &Option<String>| (old != new).then(|| new.clone());
        let off = deactivates && !new.active;
        Self {
            username: (old.user_name.to_lowercase() != new.user_name.to_lowercase()).then(|| new.user_name.clone()),
            email: changed(&old.email, &new.email),
            first_name: changed(&old.given_name, &new.given_name),
            last_name: changed(&old.family_name, &new.family_name),
            external_id: changed(&old.external_id, &new.external_id),
            enabled: (off || old.active != new.active).then_some(new.active),
            ..Self::default()
        }
    }

    /// What makes the realm's user what the directory has of it: what belongs to the directory (K13), and where a write of ours
    /// was not confirmed the native fields as well (K5).
    pub fn mending(seen: &Native, wanted: &Native, doubtful: bool) -> Self {
        let external_id = (seen.external_id != wanted.external_id).then(|| wanted.external_id.clone());
        if !doubtful {
            return Self { external_id, ..Self::default() };
        }
        let folded = |text: &Option<String>| text.as_deref().map(str::to_lowercase);
        // The realm folds letter case; that is no difference.
        let email = (folded(&seen.email) != folded(&wanted.email)).then(|| wanted.email.clone());
        Self { email, external_id, ..Self::asked(seen, wanted, false) }
    }

    /// On or off, and nothing else.
    pub fn switch(on: bool) -> Self {
        Self { enabled: Some(on), ..Self::default() }
    }

    /// Whether it is about native fields alone, so that it can be written without what else the realm keeps of the user.
    pub fn is_native(&self) -> bool {
        self.external_id.is_none() && self.marker.is_none() && self.attributes.is_empty()
    }

    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What others have changed since `base` was read, as a later reading shows it: what this changes itself is left out.
    #[must_use]
    pub fn others(&self, base: &Native, mut read: Native) -> Native {
        if self.username.is_some() {
            read.user_name.clone_from(&base.user_name);
        }
        if self.email.is_some() {
            read.email.clone_from(&base.email);
        }
        if self.first_name.is_some() {
            read.given_name.clone_from(&base.given_name);
        }
        if self.last_name.is_some() {
            read.family_name.clone_from(&base.family_name);
        }
        if self.enabled.is_some() {
            read.active = base.active;
        }
        read
    }

    /// The native fields with the change applied, as a realm keeps them.
    #[must_use]
    pub fn moved(&self, mut native: Native) -> Native {
        if let Some(username) = &self.username {
            native.user_name = username.to_lowercase();
        }
        if let Some(email) = &self.email {
            native.email = email.as_ref().map(|email| email.to_lowercase());
        }
        if let Some(name) = &self.first_name {
            native.given_name.clone_from(name);
        }
        if let Some(name) = &self.last_name {
            native.family_name.clone_from(name);
        }
        if let Some(external_id) = &self.external_id {
            native.external_id.clone_from(external_id);
        }
        native.active = self.enabled.unwrap_or(native.active);
        native
    }

    /// A user with the change applied.
    #[must_use]
    pub fn applied_to(&self, mut user: RealmUser) -> RealmUser {
        let Native { user_name, email, given_name, family_name, active, external_id } = self.moved(user.native());
        user = RealmUser {
            username: user_name,
            email,
            first_name: given_name,
            last_name: family_name,
            enabled: active,
            external_id,
            ..user
        };
        if let Some(marker) = &self.marker {
            user.marker.clone_from(marker);
        }
        for (name, value) in &self.attributes {
            match value {
                Some(value) => user.attributes.insert(name.clone(), value.clone()),
                None => user.attributes.remove(name),
            };
        }
        user
    }
}

impl std::fmt::Debug for UserChange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("UserChange").finish_non_exhaustive()
    }
}
