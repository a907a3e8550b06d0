//! The SQLite store keeps the contracts of the step store, the account store, the observation store and the
//! experiment store.

use spotwright_store::sqlite::SqliteStore;

spotwright_testkit::step_store_suite!(sqlite, || async {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    (store, folder)
});

spotwright_testkit::account_store_suite!(sqlite_accounts, || async {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    (store, folder)
});

spotwright_testkit::people_store_suite!(sqlite_people, || async {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    (store, folder)
});

spotwright_testkit::observation_store_suite!(sqlite_observations, || async {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    (store, folder)
});

spotwright_testkit::review_store_suite!(sqlite_reviews, || async {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    (store, folder)
});

spotwright_testkit::brand_store_suite!(sqlite_brands, || async {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    (store, folder)
});

spotwright_testkit::experiment_store_suite!(sqlite_experiments, || async {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    (store, folder)
});
