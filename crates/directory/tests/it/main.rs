//! The directory and the ledger on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here")]

mod enabling;
mod ledger;
mod reservations;
mod users;
mod watches;

use directory::reservation::{self, Reservation, Reserved};
use directory::user::{self, User};
use registry::{BearerToken, TenantId};
use scim::Object;
use scim::native::Native;
use serde_json::json;
use testkit::store::Store;
use uuid::Uuid;

/// A document as an identity provider would have sent it.
fn document(user_name: &str, external_id: Option<&str>) -> Object {
    let mut document = Object::new();
    document.insert("userName".to_owned(), json!(user_name));
    document.insert("active".to_owned(), json!(true));
    if let Some(external_id) = external_id {
        document.insert("externalId".to_owned(), json!(external_id));
    }
    document
}

fn wanted(tenant: TenantId, user_name: &str, external_id: Option<&str>) -> Reservation {
    Reservation {
        tenant_id: tenant,
        username_key: scim::key::username_key(user_name),
        external_key: external_id.map(str::to_owned),
        nonce: Uuid::new_v4(),
        document: serde_json::to_string(&document(user_name, external_id)).unwrap(),
    }
}

/// A user as a create leaves it.
async fn made(store: &Store, tenant: TenantId, token: &BearerToken, name: &str, external_id: Option<&str>) -> User {
    let reserved = wanted(tenant, name, external_id);
    assert_eq!(reservation::reserve(&store.db, &reserved, token.hash()).await.unwrap(), Reserved::Yes);
    let (id, base) = (Uuid::new_v4(), Native::of(&document(name, external_id)));
    assert!(reservation::complete(&store.db, &reserved, id, &base, None).await.unwrap());
    user::by_id(&store.db, tenant, id).await.unwrap().unwrap()
}
