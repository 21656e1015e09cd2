use directory::activity::{self, Entry};
use directory::refused::{self, Before};
use registry::{TargetId, TenantId};
use testkit::store::Store;
use uuid::Uuid;

use crate::enabling::enable;
use crate::trails::entry;

testkit::on_both_databases!(a_user_is_refused_alone_where_others_are_taken_afterwards);

fn call(tenant: TenantId, target: TargetId, user: Uuid, (at, status): (i64, u16), operation: &str) -> Entry {
    let operation = operation.to_owned();
    Entry { target: Some(target), status: Some(status), operation, ..entry(tenant, at * 1_000_000, "ok", Some(user)) }
}

async fn a_user_is_refused_alone_where_others_are_taken_afterwards(store: Store) {
    let acme = store.tenant("acme").await;
    let target = enable(&store, acme, "https://a.test/scim").await.id;
    let [ada, bob] = [Uuid::new_v4(), Uuid::new_v4()];
    let (get, patch) = ("GET /Users/{id}", "PATCH /Users/{id}");
    let slow = Entry { duration_ms: 3_000, ..call(acme, target, bob, (4, 200), patch) };
    let elsewhere = Entry { target: None, ..call(acme, target, bob, (5, 200), patch) };
    for (entries, before) in [
        (vec![], Before::Otherwise),
        (vec![call(acme, target, bob, (2, 403), patch)], Before::Otherwise),
        (vec![call(acme, target, ada, (2, 403), patch)], Before::Refused),
        // Sent before she was refused, read only, refused as well, or taken by somebody else.
        (vec![slow], Before::Refused),
        (vec![call(acme, target, bob, (5, 200), get)], Before::Refused),
        (vec![call(acme, target, bob, (5, 403), patch)], Before::Refused),
        (vec![elsewhere], Before::Refused),
        (vec![call(acme, target, ada, (5, 200), get), call(acme, target, ada, (6, 403), patch)], Before::Refused),
        (vec![call(acme, target, bob, (7, 200), patch)], Before::RefusedAlone),
        (vec![call(acme, target, ada, (8, 403), get)], Before::RefusedAlone),
        (vec![call(acme, target, ada, (9, 200), patch)], Before::Otherwise),
        (vec![call(acme, target, ada, (10, 403), patch)], Before::Refused),
    ] {
        activity::insert(store.db.connection(), &entries).await.unwrap();
        assert_eq!(refused::before(&store.db, acme, target, ada, 1_000_000).await.unwrap(), before, "{entries:?}");
    }
    assert_eq!(refused::before(&store.db, acme, target, ada, 11_000_000).await.unwrap(), Before::Otherwise, "long ago");
}
