//! A bounded folder of artifacts that are kept elsewhere: what was used longest ago goes first.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};

use crate::folder::FolderArtifacts;
use crate::lock::{FolderLock, LockError};

/// Processes that may cache below the same folder.
const PLACES: u32 = 256;

/// Files of this process alone.
#[derive(Debug)]
pub(crate) struct Cache {
    files: FolderArtifacts,
    capacity: u64,
    uses: Mutex<Uses>,
    _lock: FolderLock,
}

/// Which files there are, in the order of their last use.
#[derive(Debug, Default)]
struct Uses {
    files: HashMap<ArtifactHash, (u64, u64)>,
    order: BTreeMap<u64, ArtifactHash>,
    bytes: u64,
    newest: u64,
}

impl Uses {
    /// Notes a use; the file has `bytes` bytes.
    fn touch(&mut self, hash: &ArtifactHash, bytes: u64) {
        self.forget(hash);
        self.newest += 1;
        self.files.insert(hash.clone(), (self.newest, bytes));
        self.order.insert(self.newest, hash.clone());
        self.bytes += bytes;
    }

    fn forget(&mut self, hash: &ArtifactHash) {
        if let Some((turn, bytes)) = self.files.remove(hash) {
            self.order.remove(&turn);
            self.bytes -= bytes;
        }
    }

    /// The file used longest ago, if something must go; never the one used last.
    fn to_evict(&self, capacity: u64) -> Option<ArtifactHash> {
        if self.bytes <= capacity || self.order.len() < 2 {
            return None;
        }
        self.order.first_key_value().map(|(_, hash)| hash.clone())
    }
}

impl Cache {
    /// Takes the first folder below `root` that no living process uses, with the files that an
    /// earlier one left in it.
    pub(crate) fn open(root: &Path, capacity: u64) -> Result<Self, ArtifactError> {
        let mut place = 0;
        let (folder, lock) = loop {
            let folder = root.join(place.to_string());
            std::fs::create_dir_all(&folder)?;
            match FolderLock::acquire(&folder) {
                Ok(lock) => break (folder, lock),
                Err(LockError::Held(_)) if place + 1 < PLACES => place += 1,
                Err(LockError::Io { error, .. }) => return Err(error.into()),
                Err(error) => return Err(std::io::Error::other(error).into()),
            }
        };
        let files = FolderArtifacts::open(&folder)?;
        let mut uses = Uses::default();
        let mut found = files.list()?;
        found.sort_by_key(|file| file.modified);
        for file in &found {
            uses.touch(&file.hash, file.bytes);
        }
        let cache = Self { files, capacity, uses: Mutex::new(uses), _lock: lock };
        cache.shrink()?;
        Ok(cache)
    }

    /// Keeps bytes.
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<ArtifactHash, ArtifactError> {
        let hash = self.files.put(bytes)?;
        self.used(&hash, bytes.len() as u64)?;
        Ok(hash)
    }

    /// Keeps a copy of a file.
    pub(crate) fn copy(&self, file: &Path) -> Result<ArtifactHash, ArtifactError> {
        let hash = self.files.copy(file)?;
        let bytes = std::fs::metadata(self.files.path(&hash)?)?.len();
        self.used(&hash, bytes)?;
        Ok(hash)
    }

    /// Reads and checks a file; a damaged one is removed.
    pub(crate) fn get(&self, hash: &ArtifactHash) -> Result<Vec<u8>, ArtifactError> {
        let read = self.files.get(hash);
        match &read {
            Ok(bytes) => self.used(hash, bytes.len() as u64)?,
            Err(ArtifactError::Damaged(_)) => self.remove(hash)?,
            Err(_) => {}
        }
        read
    }

    /// The path of a file that is here.
    pub(crate) fn path(&self, hash: &ArtifactHash) -> Result<PathBuf, ArtifactError> {
        let path = self.files.path(hash)?;
        let bytes = std::fs::metadata(&path)?.len();
        self.used(hash, bytes)?;
        Ok(path)
    }

    fn used(&self, hash: &ArtifactHash, bytes: u64) -> Result<(), ArtifactError> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).touch(hash, bytes);
        self.shrink()
    }

    /// Whether copies can be written.
    pub(crate) fn probe(&self) -> Result<(), ArtifactError> {
        self.files.probe()
    }

    /// Forgets a file, if it is here.
    pub(crate) fn remove(&self, hash: &ArtifactHash) -> Result<(), ArtifactError> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).forget(hash);
        self.files.remove(hash)
    }

    fn shrink(&self) -> Result<(), ArtifactError> {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(hash) = uses.to_evict(self.capacity) {
            uses.forget(&hash);
            self.files.remove(&hash)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first_and_the_newest_always_stays() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 10).unwrap();
        let first = cache.put(b"1111").unwrap();
        let second = cache.put(b"2222").unwrap();
        cache.path(&first).unwrap();
        let third = cache.put(b"3333").unwrap();
        assert!(cache.path(&second).is_err());
        let large = cache.put(&[7; 50]).unwrap();
        assert!(cache.path(&first).is_err() && cache.path(&third).is_err());
        assert_eq!(cache.get(&large).unwrap(), [7; 50]);
    }

    #[test]
    fn a_cache_is_taken_over_by_the_next_process_and_shared_with_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 100).unwrap();
        let hash = cache.put(b"bytes").unwrap();
        let other = Cache::open(folder.path(), 100).unwrap();
        assert!(other.path(&hash).is_err());
        drop((cache, other));
        let next = Cache::open(folder.path(), 100).unwrap();
        assert_eq!(next.get(&hash).unwrap(), b"bytes");
        drop(next);
        assert!(Cache::open(folder.path(), 0).unwrap().path(&hash).is_ok());
    }

    #[test]
    fn a_damaged_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 100).unwrap();
        let hash = cache.put(b"whole").unwrap();
        std::fs::write(cache.path(&hash).unwrap(), b"half").unwrap();
        assert!(matches!(cache.get(&hash), Err(ArtifactError::Damaged(_))));
        assert!(matches!(cache.get(&hash), Err(ArtifactError::Missing(_))));
    }
}
