//! Files that a reader sees old or new, never in part.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Writes `bytes` under a temporary name in the same folder, flushes and renames them, and flushes
/// the folder, so that the name holds also after a power cut.
///
/// Two writers of one path at the same time would share the temporary name: callers see to it that
/// there is one.
///
/// # Errors
/// Of the file system; the old content is still there then.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("part");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
