//! An empty database of one's own on the PostgreSQL server that `infra/test.sh` starts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use spotwright_store::postgres::PostgresStore;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

/// Names databases of one process apart; processes are told apart by their id.
static DATABASES: AtomicU64 = AtomicU64::new(0);

/// Where the test servers are; the variables that `infra/servers.sh` prints.
///
/// # Errors
/// Names the variable that is not set.
#[expect(clippy::disallowed_methods, reason = "the servers are told through the environment")]
fn address(variable: &str) -> anyhow::Result<String> {
    std::env::var(variable).with_context(|| format!("{variable} is not set; run infra/test.sh"))
}

/// An empty database of its own on the PostgreSQL server.
#[derive(Debug)]
pub struct Database {
    /// Its address.
    pub url: String,
    name: String,
    server: String,
}

impl Database {
    /// Makes a database.
    ///
    /// # Errors
    /// When the server is not told or not reachable.
    pub async fn create() -> anyhow::Result<Self> {
        let server = address("SPOTWRIGHT_TEST_POSTGRES_URL")?;
        let number = DATABASES.fetch_add(1, Ordering::SeqCst);
        let name = format!("test_{}_{number}", std::process::id());
        let mut url = url::Url::parse(&server)?;
        let mut conn = connect(&server).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")))
            .execute(&mut conn)
            .await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut conn).await?;
        conn.close().await?;
        url.set_path(&name);
        Ok(Self { url: url.into(), name, server })
    }

    /// Opens a store in it.
    ///
    /// # Errors
    /// When the database cannot be migrated.
    pub async fn store(&self) -> anyhow::Result<Arc<PostgresStore>> {
        Ok(PostgresStore::connect(&self.url, 4).await?)
    }

    /// A connection to it, past the store.
    ///
    /// # Errors
    /// When it is not reachable.
    pub async fn connection(&self) -> anyhow::Result<PgConnection> {
        connect(&self.url).await
    }

    /// Removes it, whoever is still connected.
    ///
    /// # Errors
    /// When the server is not reachable.
    pub async fn remove(self) -> anyhow::Result<()> {
        let mut conn = connect(&self.server).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}

async fn connect(url: &str) -> anyhow::Result<PgConnection> {
    let options: sqlx::postgres::PgConnectOptions = url.parse()?;
    Ok(options.connect().await?)
}
