//! The step store and the artifact store on local files.
//!
//! # Purpose
//! [`sqlite::SqliteStore`] keeps runs, steps, messages and money in one SQLite file and is the
//! embedded form of [`spotwright_core::ports::step_store::StepStore`].
//! [`folder::FolderArtifacts`] keeps pictures and videos in a folder, named by their content.
//! [`lock::FolderLock`] makes sure that one process owns a run folder.
//!
//! The SQL stands in `queries/`, once, with `$1` parameters. A dialect module includes those files
//! with `#[path]` and gives them its connection type, its clock expression and its row locks, so a
//! second database is a second small module, not a second set of queries.
//!
//! The store decides nothing: what follows from a step or message is the workflow's business. It
//! knows no provider and sends no message.
//!
//! # Invariants
//! - `Ok` means durable: SQLite runs with a write-ahead log and `synchronous=FULL`, and callers are
//!   answered after the commit.
//! - All writes go through one writer task, which commits them in groups. An operation that is
//!   refused is undone alone; a commit that fails is an error for each operation of its group.
//! - Leases are measured by the database's clock, with a resolution of one millisecond.
//!
//! # Example
//! ```
//! use spotwright_core::ports::step_store::StepStore;
//! use spotwright_store::sqlite::SqliteStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let store = SqliteStore::open(&folder.path().join("spotwright.db")).await?;
//! assert!(store.runs().await?.is_empty());
//! assert!(store.broken_invariants().await?.is_empty());
//! # Ok(())
//! # }
//! ```

mod convert;
pub mod folder;
pub mod lock;
pub mod sqlite;

/// How often a step may be claimed before it is `dead`.
///
/// The same as the delivery limit of the message queues.
pub const MAX_ATTEMPTS: u32 = 5;
