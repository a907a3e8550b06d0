//! The migrations of both dialects, embedded.

use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Version, description and text.
type Embedded = (i64, &'static str, &'static str);

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Applies `embedded` in order of their versions. A database remembers the hash of each one's text,
/// so a text that was released never changes.
pub(crate) fn migrator(embedded: &[Embedded]) -> Migrator {
    let migration = |&(version, what, text): &Embedded| {
        Migration::new(version, Cow::Borrowed(what), MigrationType::Simple, text.into_sql_str(), false)
    };
    Migrator::with_migrations(embedded.iter().map(migration).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[tokio::test]
    async fn what_is_embedded_is_what_the_migrator_reads_from_the_folder() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        for (embedded, folder) in [(SQLITE, "sqlite"), (POSTGRES, "postgres")] {
            let read = Migrator::new(top.join(folder)).await.unwrap();
            let ours = migrator(embedded);
            assert!(read.iter().count() >= 5);
            let content = |migrator: &Migrator| -> Vec<(i64, String, Vec<u8>, bool)> {
                migrator
                    .iter()
                    .map(|one| (one.version, one.description.to_string(), one.checksum.to_vec(), one.no_tx))
                    .collect()
            };
            assert_eq!(content(&ours), content(&read));
        }
    }
}
