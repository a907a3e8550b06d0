//! The SQLite store keeps the contract of the step store.

use spotwright_store::sqlite::SqliteStore;

spotwright_testkit::step_store_suite!(sqlite, || async {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    (store, folder)
});
