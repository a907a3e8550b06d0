//! Files of the studio's folder: encoded shots, sounds and records of finished renders.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// One lock per key, so that two workers never make the same thing.
#[derive(Default)]
pub(crate) struct KeyedLocks {
    locks: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

impl KeyedLocks {
    /// Runs `work` while no other thread works on `key`.
    pub(crate) fn with<T>(&self, key: &str, work: impl FnOnce() -> T) -> T {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(key.to_owned()).or_default())
        };
        let result = {
            let _held = lock.lock().unwrap_or_else(PoisonError::into_inner);
            work()
        };
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        // Two references: the map's and ours. More means that somebody is waiting.
        if Arc::strong_count(&lock) <= 2 {
            locks.remove(key);
        }
        result
    }
}

/// Recently used values, at most `limit`; the least recently used one goes first.
pub(crate) struct Recent<K, V> {
    entries: Mutex<Vec<(K, V)>>,
    limit: usize,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: Mutex::new(Vec::new()), limit }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let at = entries.iter().position(|(known, _)| known == key)?;
        let entry = entries.remove(at);
        let value = entry.1.clone();
        entries.push(entry);
        Some(value)
    }

    pub(crate) fn put(&self, key: K, value: V) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(known, _)| *known != key);
        entries.push((key, value));
        if entries.len() > self.limit {
            entries.remove(0);
        }
    }
}

/// What stands beside a cached file.
#[derive(Serialize, Deserialize)]
struct Seal {
    blake3: String,
}

/// Cached files by key; a file whose content is not what was written is treated as absent.
pub(crate) struct FileCache {
    folder: PathBuf,
    locks: KeyedLocks,
}

impl FileCache {
    pub(crate) fn open(folder: PathBuf) -> Result<Self, Error> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, locks: KeyedLocks::default() })
    }

    /// The file of `key`, made by `make` (which writes the given path) when it is not there whole.
    pub(crate) fn get_or_make(
        &self,
        key: &str,
        make: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        let file = self.folder.join(format!("{key}.mp4"));
        let seal = self.folder.join(format!("{key}.json"));
        self.locks.with(key, || {
            let sealed: Option<Seal> = read_json(&seal);
            if let (Some(sealed), Ok(bytes)) = (sealed, std::fs::read(&file)) {
                if blake3::hash(&bytes).to_hex().as_str() == sealed.blake3 {
                    return Ok(file);
                }
                tracing::warn!(key, "cached file is damaged and is made again");
            }
            make(&file)?;
            let hash = blake3::hash(&std::fs::read(&file)?).to_hex().to_string();
            write_json(&seal, &Seal { blake3: hash })?;
            Ok(file)
        })
    }
}

/// Reads a JSON file; `None` when it is absent or not whole.
pub(crate) fn read_json<T: DeserializeOwned>(file: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// Writes a JSON file so that it is there whole and durable, or not at all.
pub(crate) fn write_json<T: Serialize>(file: &Path, value: &T) -> Result<(), Error> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    let bytes = serde_json::to_vec(value).map_err(std::io::Error::other)?;
    draft.write_all(&bytes)?;
    draft.as_file().sync_all()?;
    draft.persist(file).map_err(|failure| failure.error)?;
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}
