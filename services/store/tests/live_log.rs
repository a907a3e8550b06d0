//! The log of an organization on PostgreSQL: nothing is shown that something could still come before.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::str::FromStr as _;

use spotwright_core::ports::event_log::{EventLog as _, LogFilter, LogPosition};
use spotwright_schemas::event::{ContentType, SpecVersion};
use spotwright_schemas::ids::{MessageId, OrganizationId, WebhookId};
use spotwright_schemas::organization_event::{OrganizationEvent, OrganizationPayload, WebhookPaused};
use spotwright_store::postgres::{PostgresStore, database};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

#[expect(clippy::disallowed_methods, reason = "the servers are told through the environment")]
fn server() -> String {
    std::env::var("SPOTWRIGHT_TEST_POSTGRES_URL").expect("run infra/test.sh")
}

fn organization() -> OrganizationId {
    OrganizationId::derive(1, "organization", 0)
}

fn event(number: u64) -> OrganizationEvent {
    OrganizationEvent {
        specversion: SpecVersion::V1,
        id: MessageId::derive(number, "message", 0),
        source: "/test".to_owned(),
        subject: organization(),
        time: "2026-01-01T00:00:00Z".parse().unwrap(),
        datacontenttype: ContentType::Json,
        organization: organization(),
        payload: OrganizationPayload::WebhookPaused(WebhookPaused {
            webhook: WebhookId::derive(1, "webhook", 0),
            reason: format!("reason {number}"),
        }),
    }
}

async fn run(conn: &mut PgConnection, statements: String) {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(conn).await.unwrap();
}

/// Writes an event as another process does.
async fn insert(conn: &mut PgConnection, number: u64) {
    let event = event(number);
    let body = serde_json::to_string(&event).unwrap();
    let statement = format!(
        "INSERT INTO outbox (id, organization_id, seq, consumer, type, body, created_at, sent_at) VALUES \
         ('{}', '{}', 0, '', 't', '{body}', (extract(epoch FROM now()) * 1000000)::bigint, 0)",
        event.id,
        organization()
    );
    run(conn, statement).await;
}

async fn seen(store: &PostgresStore, after: LogPosition) -> (Vec<MessageId>, LogPosition) {
    let all = store.events_of_organization(organization(), after, &LogFilter::default(), 99).await.unwrap();
    let last = all.last().map_or(after, |logged| logged.position);
    (all.iter().map(|logged| logged.event.id()).collect(), last)
}

#[tokio::test]
#[ignore = "needs PostgreSQL; run infra/test.sh"]
async fn an_event_that_is_committed_late_is_neither_skipped_nor_overtaken() {
    let name = format!("test_log_{}", std::process::id());
    let url = database::create(&server(), &name).await.unwrap();
    let store = PostgresStore::connect(&url, 2).await.unwrap();
    let options = PgConnectOptions::from_str(&url).unwrap();
    let (mut early, mut late) = (options.connect().await.unwrap(), options.connect().await.unwrap());
    let id = |number| event(number).id;

    store.announce(&event(1)).await.unwrap();
    database::quiet(&url).await.unwrap();
    let (first, place) = seen(&store, LogPosition::START).await;
    assert_eq!(first, [id(1)]);

    // One transaction takes its number first and its row last, the other one the other way round.
    run(&mut early, "BEGIN; SELECT pg_current_xact_id()".to_owned()).await;
    run(&mut late, "BEGIN; SELECT pg_current_xact_id()".to_owned()).await;
    insert(&mut late, 2).await;
    insert(&mut early, 3).await;
    run(&mut late, "COMMIT".to_owned()).await;
    store.announce(&event(4)).await.unwrap();
    assert!(seen(&store, place).await.0.is_empty(), "an older transaction is under way");
    assert_eq!(store.newest(organization()).await.unwrap(), place);
    run(&mut early, "COMMIT".to_owned()).await;
    database::quiet(&url).await.unwrap();
    let (rest, place) = seen(&store, place).await;
    assert_eq!(rest, [id(3), id(2), id(4)], "all of them, in the order of their transactions");

    // A transaction that is undone holds nobody up.
    run(&mut early, "BEGIN".to_owned()).await;
    insert(&mut early, 5).await;
    run(&mut early, "ROLLBACK".to_owned()).await;
    store.announce(&event(6)).await.unwrap();
    database::quiet(&url).await.unwrap();
    let (rest, place) = seen(&store, place).await;
    assert_eq!(rest, [id(6)]);

    // As in a database that was restored on a server which has counted less far.
    run(&mut early, "UPDATE outbox SET commit_order = commit_order + 1000000".to_owned()).await;
    let place = LogPosition { transaction: place.transaction + 1_000_000, ..place };
    drop(store);
    let store = PostgresStore::connect(&url, 2).await.unwrap();
    store.announce(&event(7)).await.unwrap();
    database::quiet(&url).await.unwrap();
    assert_eq!(seen(&store, LogPosition::START).await.0.len(), 6);
    assert_eq!(seen(&store, place).await.0, [id(7)], "the order goes on after the newest event");

    drop(store);
    drop((early, late));
    database::remove(&server(), &name).await.unwrap();
}
