//! An empty database of one's own on the PostgreSQL server that `infra/test.sh` starts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use spotwright_store::postgres::{PostgresStore, database};

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
        let url = database::create(&server, &name).await?;
        Ok(Self { url, name, server })
    }

    /// Opens a store in it.
    ///
    /// # Errors
    /// When the database cannot be migrated.
    pub async fn store(&self) -> anyhow::Result<Arc<PostgresStore>> {
        Ok(PostgresStore::connect(&self.url, 4).await?)
    }

    /// Removes it, whoever is still connected.
    ///
    /// # Errors
    /// When the server is not reachable.
    pub async fn remove(self) -> anyhow::Result<()> {
        Ok(database::remove(&self.server, &self.name).await?)
    }
}
