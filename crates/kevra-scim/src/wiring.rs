//! What a command needs to do what the control API does, without serving it.

use std::sync::Arc;

use control::jwks::{Expect, Source, Verifier};
use registry::Db;

use crate::env::{self, Environment};
use crate::settings;
use crate::tenants::realms;

/// The control role's dependencies, with a verifier that accepts nobody.
pub(crate) fn control(environment: &Environment, db: Db) -> anyhow::Result<control::Deps> {
    let nobody =
        Expect { issuer: "nobody".to_owned(), audience: "nobody".to_owned(), source: Source::Fixed(String::new()) };
    Ok(control::Deps {
        realms: Arc::new(realms(&db, environment)?),
        db,
        keyring: settings::keyring(environment, env::SEAL_KEYRING)?,
        // A command ends before anything could ring: the dispatcher's sweeper finds what it did.
        doorbell: bus::in_process().0,
        connector: settings::connector(&settings::guard(environment)?)?,
        verifier: Arc::new(Verifier::new(nobody)?),
        runtime: tokio::runtime::Handle::current(),
    })
}
