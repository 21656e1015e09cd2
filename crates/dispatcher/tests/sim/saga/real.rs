//! The saga's things as the program has them: what it decides about them it decides by the program's own code.

use directory::reservation::Reservation;
use directory::resource;
use realm::{RealmUser, UserChange};
use registry::TenantId;
use scim::{Object, native};
use serde_json::json;
use uuid::Uuid;

use super::model::{self, Native, Row};

/// A change of a user, small enough to be compared and remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wish {
    pub enabled: Option<bool>,
    pub name: Option<u8>,
}

impl Wish {
    /// What a request asks of the realm (K3, K4).
    pub fn asked(old: Native, new: Native, deactivates: bool) -> Self {
        Self::of(&UserChange::asked(&old.real(), &new.real(), deactivates))
    }

    /// What is written back in doubt (K5).
    pub fn mending(seen: Native, wanted: Native) -> Self {
        Self::of(&UserChange::mending(&seen.real(), &wanted.real(), true))
    }

    /// Everything, as somebody would send it who knows nothing of K3.
    pub fn all(native: Native) -> Self {
        Self { enabled: Some(native.enabled), name: Some(native.name) }
    }

    fn of(change: &UserChange) -> Self {
        Self { enabled: change.enabled, name: change.last_name.as_ref().map(|name| number(name.as_deref())) }
    }

    fn change(self) -> UserChange {
        let last_name = self.name.map(|name| Some(name.to_string()));
        UserChange { last_name, enabled: self.enabled, ..UserChange::default() }
    }

    pub fn is_empty(self) -> bool {
        self.change().is_empty()
    }

    /// A user of the realm after it.
    pub fn onto(self, now: Native) -> Native {
        Native::of(&self.change().applied_to(now.user()).native())
    }

    /// A switch is written by itself, without a read.
    pub fn is_merged(self) -> bool {
        self.enabled.is_some() && self.change().is_native()
    }
}

impl Native {
    fn document(self) -> Object {
        let mut document = Object::new();
        document.insert("userName".to_owned(), json!("user"));
        document.insert("active".to_owned(), json!(self.enabled));
        document.insert("name".to_owned(), json!({ "familyName": self.name.to_string() }));
        document
    }

    fn real(self) -> native::Native {
        native::Native::of(&self.document())
    }

    fn user(self) -> RealmUser {
        RealmUser {
            id: Uuid::from_u128(1),
            username: "user".to_owned(),
            email: None,
            first_name: None,
            last_name: Some(self.name.to_string()),
            enabled: self.enabled,
            external_id: None,
            marker: None,
            attributes: std::collections::BTreeMap::new(),
        }
    }

    fn of(real: &native::Native) -> Self {
        Self { enabled: real.active, name: number(real.family_name.as_deref()) }
    }
}

impl Row {
    /// The end of a write: the document has what was asked for, and what others changed before as far as it was read (K12).
    pub fn take(&mut self, read: Native, wish: Wish) {
        let mut document = wish.onto(self.native).document();
        let base = self.base.real();
        if wish.is_merged() {
            self.base = wish.onto(self.base);
        } else {
            native::follow(&mut document, &base, &wish.change().others(&base, read.real()));
            self.base = wish.onto(read);
        }
        self.native = Native::of(&native::Native::of(&document));
    }

    /// The directory follows the realm (K12).
    pub fn follow(&mut self, fresh: Native) {
        let mut document = self.native.document();
        native::follow(&mut document, &self.base.real(), &fresh.real());
        self.native = Native::of(&native::Native::of(&document));
        self.base = fresh;
    }
}

/// What a create of ours leaves with a user of the realm: its nonce, and that the user was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Marker {
    pub nonce: u8,
    pub adopted: bool,
}

/// Whether a create made an account, or took it over (K2).
pub fn made(create: model::Reservation, account: Option<Marker>) -> bool {
    let marker = account.map(|marker| reservation(marker.nonce, marker.adopted).marker());
    reservation(create.nonce, create.adopts).made(marker.as_deref())
}

fn reservation(nonce: u8, adopts: bool) -> Reservation {
    Reservation {
        tenant: TenantId(Uuid::from_u128(1)),
        kind: resource::Kind::User,
        key: "user".to_owned(),
        external_key: None,
        nonce: Uuid::from_u128(u128::from(nonce)),
        document: Object::new(),
        members: Vec::new(),
        adopts,
    }
}

fn number(text: Option<&str>) -> u8 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}
