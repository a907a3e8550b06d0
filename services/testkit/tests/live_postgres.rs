//! The PostgreSQL store keeps the contracts of the step store, the account store and the observation store.

use spotwright_core::ports::step_store::{Commit, StepStore as _};
use spotwright_testkit::database::Database;
use spotwright_testkit::fixtures;
use sqlx::Connection as _;

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

spotwright_testkit::people_store_suite!(
    postgres_people,
    || async {
        let database = Database::create().await.unwrap();
        (database.store().await.unwrap(), database)
    },
    #[ignore = "needs PostgreSQL; run infra/test.sh"]
);

spotwright_testkit::observation_store_suite!(
    postgres_observations,
    || async {
        let database = Database::create().await.unwrap();
        (database.store().await.unwrap(), database)
    },
    #[ignore = "needs PostgreSQL; run infra/test.sh"]
);

spotwright_testkit::review_store_suite!(
    postgres_reviews,
    || async {
        let database = Database::create().await.unwrap();
        (database.store().await.unwrap(), database)
    },
    #[ignore = "needs PostgreSQL; run infra/test.sh"]
);

spotwright_testkit::brand_store_suite!(
    postgres_brands,
    || async {
        let database = Database::create().await.unwrap();
        (database.store().await.unwrap(), database)
    },
    #[ignore = "needs PostgreSQL; run infra/test.sh"]
);

spotwright_testkit::experiment_store_suite!(
    postgres_experiments,
    || async {
        let database = Database::create().await.unwrap();
        (database.store().await.unwrap(), database)
    },
    #[ignore = "needs PostgreSQL; run infra/test.sh"]
);

/// What a server that is started anew does to its clients: every connection ends, none is told before it
/// is used again. The first write and the first read over each of them are done all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run infra/test.sh"]
async fn nothing_is_refused_once_the_server_is_back() {
    let database = Database::create().await.unwrap();
    let store = database.store().await.unwrap();
    let mut other = sqlx::PgConnection::connect(&database.url).await.unwrap();
    for round in 0..3 {
        let ended = sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        ended.execute(&mut other).await.unwrap();
        // The ends arrive.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        // Runs of enough different ids for every writer.
        for number in 0..12 {
            let run = fixtures::run(round * 100 + number);
            store.create_run(&run, Commit::default()).await.unwrap();
            assert_eq!(store.run(run.id).await.unwrap().id, run.id);
        }
    }
    drop(store);
    other.close().await.unwrap();
    database.remove().await.unwrap();
}
