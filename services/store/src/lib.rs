//! The step store on SQLite and on PostgreSQL, and the artifact store in a folder and in S3.
//!
//! # Purpose
//! [`sqlite::SqliteStore`] keeps runs, steps, messages and money in one SQLite file and is the
//! embedded form of [`spotwright_core::ports::step_store::StepStore`]; [`postgres::PostgresStore`] keeps
//! them in a PostgreSQL database that many processes share.
//! [`folder::FolderArtifacts`] keeps pictures and videos in a folder, named by their content;
//! [`objects::ObjectArtifacts`] keeps them in S3-compatible storage. [`clips::FolderClips`] keeps generated
//! clips for the next run.
//! [`lock::FolderLock`] makes sure that one process owns a run folder.
//!
//! The SQL stands in `queries/`, once, with `$1` parameters, and what is done with it in `common/`. A
//! dialect module includes those files with `#[path]` and gives them its connection type, its clock
//! expression, its row locks and its way of telling other processes.
//!
//! The store decides nothing: what follows from a step or message is the workflow's business. It
//! knows no provider and sends no message.
//!
//! # Invariants
//! - `Ok` means durable: SQLite runs with a write-ahead log and `synchronous=FULL`, PostgreSQL as its
//!   server is set up, and callers are answered after the commit.
//! - All writes go through writer tasks, which commit them in groups: one on SQLite, several on
//!   PostgreSQL, where the writes of one run always take the same one. An operation that is
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

#![expect(clippy::duplicate_mod, reason = "every dialect compiles the shared queries against its own driver")]

use std::io::{self, Write as _};
use std::path::Path;

#[macro_use]
mod rows;

mod cache;
pub mod clips;
mod convert;
pub mod folder;
pub mod lock;
mod migrations;
pub mod objects;
pub mod postgres;
pub mod sqlite;

/// How often a step may be claimed before it is `dead`.
///
/// A claim counts also when its process dies of something else; errors are bounded apart, by
/// [`spotwright_core::ports::step_store::MAX_ERRORS`]. Enough that a fleet whose processes are killed
/// every second does not lose steps by bad luck: of 6,000 steps under 200 kills on an overloaded
/// machine, 6 were claimed a fifth time. Few enough that work that ends every process that tries it
/// is given up.
pub const MAX_ATTEMPTS: u32 = 20;

/// Room below which a disk counts as full: less than a video and the database's log take together.
const SCARCE: u64 = 16 << 20;

/// Bytes that are written to see whether writing works.
const TRIED: usize = 1 << 16;

/// Whether files can be written in a folder, and room is left for some. Nothing stays.
///
/// # Errors
/// What the system says; `StorageFull` when there is nearly no room.
pub fn probe_folder(folder: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&vec![0; TRIED])?;
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(folder)?;
        let left = disk.f_bavail.saturating_mul(disk.f_frsize);
        if left < SCARCE {
            let message = format!("only {left} bytes are left on the disk of `{}`", folder.display());
            return Err(io::Error::new(io::ErrorKind::StorageFull, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_gone_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        probe_folder(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing stays");
        let gone = folder.path().join("gone");
        assert_eq!(probe_folder(&gone).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
