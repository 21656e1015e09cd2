//! The directory and the ledger on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here")]

mod ahead;
mod backfills;
mod backlog;
mod enabling;
mod erasures;
mod filters;
mod groups;
mod held;
mod ledger;
mod looks;
mod parked;
mod people;
mod plans;
mod protocol;
mod pushed_groups;
mod refusals;
mod reservations;
mod swaps;
mod trails;
mod users;
mod watches;

use directory::refresh::Fence;
use directory::reservation::{self, Reservation, Reserved};
use directory::resource::Kind;
use directory::setting;
use directory::user::{self, User};
use registry::provisioner::Admission;
use registry::{BearerToken, Db, TenantId, TokenHash};
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
    Reservation::new(tenant, Kind::User, document(user_name, external_id), Vec::new())
}

/// What a write is admitted by that came with a token of a tenant that was never moved.
fn admitted(token: TokenHash) -> Admission {
    Admission { token, realm_generation: 1 }
}

/// A user as a create leaves it.
async fn made(store: &Store, tenant: TenantId, token: &BearerToken, name: &str, external_id: Option<&str>) -> User {
    let reserved = wanted(tenant, name, external_id);
    assert_eq!(reservation::reserve(&store.db, &reserved, admitted(token.hash())).await.unwrap(), Reserved::Yes);
    let (id, base) = (Uuid::new_v4(), Native::of(&reserved.document));
    assert!(reservation::complete_user(&store.db, &reserved, id, &base, None).await.unwrap().is_some());
    user::by_id(&store.db, tenant, id).await.unwrap().unwrap()
}

/// What a look reads of the directory before it asks the realm.
async fn fence(db: &Db, tenant: TenantId, user: Uuid) -> Option<Fence> {
    setting::of(db, tenant, user).await.unwrap().unwrap().fence
}
