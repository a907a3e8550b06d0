//! The PostgreSQL store keeps the contracts of the step store and of the account store.

use spotwright_testkit::database::Database;

spotwright_testkit::step_store_suite!(
    postgres,
    || async {
        let database = Database::create().await.unwrap();
        (database.store().await.unwrap(), database)
    },
    #[ignore = "needs PostgreSQL; run infra/test.sh"]
);

spotwright_testkit::account_store_suite!(
    postgres_accounts,
    || async {
        let database = Database::create().await.unwrap();
        (database.store().await.unwrap(), database)
    },
    #[ignore = "needs PostgreSQL; run infra/test.sh"]
);
