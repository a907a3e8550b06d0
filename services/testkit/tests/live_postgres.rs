//! The PostgreSQL store keeps the contract of the step store.

use spotwright_testkit::database::Database;

spotwright_testkit::step_store_suite!(
    postgres,
    || async {
        let database = Database::create().await.unwrap();
        (database.store().await.unwrap(), database)
    },
    #[ignore = "needs PostgreSQL; run infra/test.sh"]
);
