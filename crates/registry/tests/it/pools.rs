//! Pools of threads beside the main one.

use testkit::store::{on_postgres, on_sqlite};

#[test]
fn a_thread_has_connections_of_its_own_which_are_counted_apart() {
    on_postgres(|store| async move {
        // All of it: with it goes its database.
        let store = store;
        let own = store.db.of_thread(2);
        assert_eq!(store.db.connections()[1], (0, 0), "none before it is used");
        own.ping().await.unwrap();
        let [(_, _), (open, _)] = store.db.connections();
        assert_eq!(open, 1);
        let held = [own.begin().await.unwrap(), own.begin().await.unwrap()];
        assert_eq!(store.db.connections()[1], (2, 0), "and no more than it was given");
        for transaction in held {
            transaction.rollback().await.unwrap();
        }
    });
}

#[test]
fn sqlite_has_one_pool_for_all_threads() {
    on_sqlite(|store| async move {
        let store = store;
        store.db.of_thread(2).ping().await.unwrap();
        assert_eq!(store.db.connections()[1], (0, 0));
    });
}
