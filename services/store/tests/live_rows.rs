//! Row-level security: under the role of a request, a query that names no organization sees the rows
//! of one organization only, in every table that holds rows of organizations.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::str::FromStr as _;

use spotwright_store::postgres::{PostgresStore, database};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use uuid::Uuid;

/// Tables with rows of organizations that a request reads.
const TABLES: [&str; 32] = [
    "run",
    "step",
    "ledger",
    "variant",
    "placement",
    "outbox",
    "ext_call",
    "trace",
    "organization",
    "api_key",
    "asset",
    "brief",
    "run_order",
    "api_idempotency",
    "person",
    "member",
    "invitation",
    "session",
    "audit_log",
    "webhook",
    "webhook_delivery",
    "campaign",
    "campaign_ref",
    "approval",
    "share_link",
    "brand",
    "brand_version",
    "report",
    "saved_view",
    "experiment",
    "experiment_day",
    "experiment_entry",
];

#[expect(clippy::disallowed_methods, reason = "the servers are told through the environment")]
fn server() -> String {
    std::env::var("SPOTWRIGHT_TEST_POSTGRES_URL").expect("run infra/test.sh")
}

/// One row in every table for an organization whose ids end in `digit`.
fn rows(digit: u8) -> String {
    let id = |kind: u8| format!("'{kind:08}-0000-0000-0000-00000000000{digit}'");
    let (organization, run, variant, other) = (id(1), id(2), id(3), id(4));
    format!(
        "INSERT INTO organization (id, name, created_at) VALUES ({organization}, 'o', 0);
         INSERT INTO run (id, organization_id, request, version, state, generation, workflow, messages, budget_micros, created_at)
             VALUES ({run}, {organization}, '{{}}', 0, 'requested', 0, 'null', 0, 9, 0);
         INSERT INTO step (id, organization_id, run_id, kind, key, state, run_at, max_attempts, input)
             VALUES ({other}, {organization}, {run}, 'plan', 'g1', 'ready', 0, 5, '');
         INSERT INTO ledger (organization_id, run_id, entry, amount_micros, ref, at)
             VALUES ({organization}, {run}, 'reserve', 1, {run}, 0);
         INSERT INTO variant (id, run_id, generation, number, state, body) VALUES ({variant}, {run}, 1, 1, 'drafted', '');
         INSERT INTO placement (id, run_id, campaign_id, variant_id, generation) VALUES ({other}, {run}, 'c', {variant}, 1);
         INSERT INTO outbox (id, aggregate_id, seq, consumer, body, created_at) VALUES ({other}, {run}, 1, 'c', '', 0);
         INSERT INTO ext_call (id, step_id, run_id, provider, idem_key, state, reserve_ref, reserved_micros)
             VALUES ({other}, {other}, {run}, 'p', {run}, 'intent', {run}, 1);
         INSERT INTO trace (run_id, sort_key, generation, what, detail) VALUES ({run}, 'a', 1, 'w', '');
         INSERT INTO api_key (id, organization_id, name, scopes, mac, created_at)
             VALUES ({other}, {organization}, 'k', '', decode(repeat('00', 32), 'hex'), 0);
         INSERT INTO asset (id, organization_id, hash, name, width, height, bytes, created_at)
             VALUES ({other}, {organization}, 'h', 'n', 1, 1, 1, 0);
         INSERT INTO brief (id, organization_id, name, body, assets, created_at)
             VALUES ({other}, {organization}, 'b', '', '', 0);
         INSERT INTO run_order (run_id, organization_id, brief_id, detail) VALUES ({run}, {organization}, {other}, '');
         INSERT INTO webhook (id, organization_id, url, name, events, state, secret_version, secret_mark, from_order, from_position, created_at, updated_at)
             VALUES ({other}, {organization}, 'u', 'n', '*', 'active', 1, 'm', 0, 0, 0, 0);
         INSERT INTO webhook_delivery (id, organization_id, webhook_id, event_id, type, lane, commit_order, log_position, body, state, next_at, created_at)
             VALUES ({other}, {organization}, {other}, {run}, 't', {run}, 0, 1, '', 'waiting', 0, 0);
         INSERT INTO api_idempotency (organization_id, key, body_sha256, response, created_at)
             VALUES ({organization}, 'k', decode(repeat('00', 32), 'hex'), '', 0);
         INSERT INTO person (id, email, name, password, created_at) VALUES ({other}, {other}, 'p', 'h', 0);
         INSERT INTO member (organization_id, person_id, role, joined_at) VALUES ({organization}, {other}, 'owner', 0);
         INSERT INTO invitation (id, organization_id, mac, email, role, created_at, expires_at)
             VALUES ({other}, {organization}, decode(repeat('0{digit}', 32), 'hex'), 'e', 'owner', 0, 0);
         INSERT INTO session (id, organization_id, mac, person_id, created_at, until_at)
             VALUES ({other}, {organization}, decode(repeat('0{digit}', 32), 'hex'), {other}, 0, 0);
         INSERT INTO audit_log (id, organization_id, made_at, actor_kind, action, target_kind, target_id)
             VALUES ({other}, {organization}, 0, 'service', 'a', 'k', 'i');
         INSERT INTO campaign_ref (organization_id, platform, external_id, account, run_id, generation)
             VALUES ({organization}, 'p', 'e', 'a', {run}, 1);
         INSERT INTO approval (id, organization_id, run_id, variant_id, content_hash, state)
             VALUES ({other}, {organization}, {run}, {variant}, 'h', 'waiting');
         INSERT INTO share_link (id, organization_id, mac, name, run_id, scope, created_at, author, expires_at)
             VALUES ({other}, {organization}, decode(repeat('0{digit}', 32), 'hex'), 'n', {run}, 'view', 0, '', 0);
         INSERT INTO brand (id, organization_id, version, body, created_at, updated_at)
             VALUES ({other}, {organization}, 1, '', 0, 0);
         INSERT INTO brand_version (brand_id, version, organization_id, body, made_at)
             VALUES ({other}, 1, {organization}, '', 0);
         INSERT INTO saved_view (id, organization_id, name, address, created_at)
             VALUES ({other}, {organization}, 'n', '/', 0);
         INSERT INTO report (id, organization_id, detail, state, created_at)
             VALUES ({other}, {organization}, '', 'queued', 0);
         INSERT INTO experiment (id, organization_id, run_id, state, body, version, created_at)
             VALUES ({other}, {organization}, {run}, 'draft', '', 0, 0);
         INSERT INTO experiment_day (experiment_id, day, organization_id, phase, read_out, exposures, created_at)
             VALUES ({other}, 1, {organization}, 1, '', '', 0);
         INSERT INTO experiment_entry (experiment_id, organization_id, entry) VALUES ({other}, {organization}, '');"
    )
}

async fn run(conn: &mut PgConnection, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(conn).await.unwrap();
}

async fn count(conn: &mut PgConnection, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(conn).await.unwrap()
}

#[tokio::test]
#[ignore = "needs PostgreSQL; run infra/test.sh"]
async fn a_request_sees_the_rows_of_one_organization() {
    let name = format!("test_rows_{}", std::process::id());
    let url = database::create(&server(), &name).await.unwrap();
    drop(PostgresStore::connect(&url, 1).await.unwrap());
    let mut conn = PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
    run(&mut conn, &rows(1)).await;
    run(&mut conn, &rows(2)).await;
    let own = Uuid::from_str("00000001-0000-0000-0000-000000000001").unwrap();
    run(&mut conn, "BEGIN; SET LOCAL ROLE spotwright_tenant").await;
    for table in TABLES {
        assert_eq!(count(&mut conn, table).await, 0, "{table} without an organization");
    }
    run(&mut conn, &format!("SET LOCAL app.organization = '{own}'")).await;
    for table in TABLES {
        assert_eq!(count(&mut conn, table).await, 1, "{table}");
    }
    let password = sqlx::raw_sql("SELECT password FROM person").execute(&mut conn).await;
    assert!(password.is_err(), "nobody who reads as an organization reads passwords");
    run(&mut conn, "ROLLBACK").await;
    for table in TABLES {
        assert_eq!(count(&mut conn, table).await, 2, "{table} as its owner");
    }
    database::remove(&server(), &name).await.unwrap();
}
