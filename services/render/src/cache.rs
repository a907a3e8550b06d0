//! Files of the studio's folder: encoded shots, sounds and records of finished renders.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::hash::Hash;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

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

/// What stands beside a cached file. It is written anew at every use, so that its time of writing says when
/// the file was last used.
#[derive(Serialize, Deserialize)]
struct Seal {
    blake3: String,
}

/// A cached file in use: as long as this lives, no process removes it.
#[derive(Debug)]
pub(crate) struct Held {
    path: PathBuf,
    /// Holds a shared lock.
    _file: File,
}

impl Held {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Cached files by key; a file whose content is not what was written is treated as absent.
///
/// The folder holds at most a given number of bytes: when a new file makes it more, the files whose last use
/// is longest ago go, until it is nine tenths. Files in use stay, in whichever process they are used.
pub(crate) struct FileCache {
    folder: PathBuf,
    locks: KeyedLocks,
    most: u64,
    /// Bytes in the folder as far as this process knows.
    bytes: AtomicU64,
}

impl FileCache {
    pub(crate) fn open(folder: PathBuf, most: u64) -> Result<Self, Error> {
        std::fs::create_dir_all(&folder)?;
        let cache = Self { folder, locks: KeyedLocks::default(), most, bytes: AtomicU64::new(0) };
        let bytes = cache.entries()?.iter().map(|entry| entry.bytes).sum();
        cache.bytes.store(bytes, Ordering::Relaxed);
        Ok(cache)
    }

    /// The file of `key`, made by `make` (which writes the given path) when it is not there whole.
    pub(crate) fn get_or_make(
        &self,
        key: &str,
        make: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<Held, Error> {
        let file = self.folder.join(format!("{key}.mp4"));
        let seal = self.folder.join(format!("{key}.json"));
        let held = self.locks.with(key, || {
            if let Some(held) = Self::find(&file, &seal, key) {
                return Ok(held);
            }
            make(&file)?;
            let (path, handle) = (file.clone(), File::open(&file)?);
            handle.lock_shared()?;
            let bytes = std::fs::read(&file)?;
            self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            write_json(&seal, &Seal { blake3: blake3::hash(&bytes).to_hex().to_string() })?;
            Ok::<_, Error>(Held { path, _file: handle })
        })?;
        if self.bytes.load(Ordering::Relaxed) > self.most {
            self.collect()?;
        }
        Ok(held)
    }

    /// The cached file when it is there whole; says that it was used.
    fn find(file: &Path, seal: &Path, key: &str) -> Option<Held> {
        let sealed: Seal = read_json(seal)?;
        let mut handle = File::open(file).ok()?;
        handle.lock_shared().ok()?;
        let mut bytes = Vec::new();
        handle.read_to_end(&mut bytes).ok()?;
        if blake3::hash(&bytes).to_hex().as_str() != sealed.blake3 {
            tracing::warn!(key, "cached file is damaged and is made again");
            return None;
        }
        // It may have been removed between the opening and the lock.
        if !file.exists() {
            return None;
        }
        if let Err(error) = touch(seal, &sealed) {
            tracing::warn!(key, %error, "the last use of a cached file cannot be written");
        }
        Some(Held { path: file.to_path_buf(), _file: handle })
    }

    /// Removes the files whose last use is longest ago until nine tenths of the bound are left.
    fn collect(&self) -> Result<(), Error> {
        self.locks.with("", || {
            let mut entries = self.entries()?;
            let mut bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
            entries.sort_by(|a, b| (a.used, &a.file).cmp(&(b.used, &b.file)));
            for entry in &entries {
                if bytes <= self.most / 10 * 9 {
                    break;
                }
                if remove(entry)? {
                    tracing::debug!(file = %entry.file.display(), "cached file was not used for long");
                    bytes -= entry.bytes;
                }
            }
            self.bytes.store(bytes, Ordering::Relaxed);
            Ok(())
        })
    }

    fn entries(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for file in std::fs::read_dir(&self.folder)? {
            let file = file?.path();
            let is_draft = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if is_draft || file.extension().is_none_or(|extension| extension != "mp4") {
                continue;
            }
            // What another process removes meanwhile is not there.
            let Ok(about) = std::fs::metadata(&file) else { continue };
            let seal = file.with_extension("json");
            let used = std::fs::metadata(&seal).and_then(|seal| seal.modified()).ok();
            entries.push(Entry { bytes: about.len(), file, seal, used });
        }
        Ok(entries)
    }
}

/// A file of the cache's folder.
struct Entry {
    file: PathBuf,
    seal: PathBuf,
    bytes: u64,
    /// Time of the last use; `None` without a seal, i.e. of a file that is of no use.
    used: Option<SystemTime>,
}

/// Removes a file that nobody uses; `false` when somebody does.
fn remove(entry: &Entry) -> Result<bool, Error> {
    let Ok(file) = File::open(&entry.file) else { return Ok(true) };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    // The seal goes first: a file without one is never used.
    for path in [&entry.seal, &entry.file] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(true)
}

/// Writes a seal anew; when the machine fails meanwhile, the file is made again, and nothing is lost.
fn touch(file: &Path, seal: &Seal) -> Result<(), Error> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    draft.write_all(&serde_json::to_vec(seal).map_err(std::io::Error::other)?)?;
    draft.persist(file).map_err(|failure| failure.error)?;
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn make(cache: &FileCache, key: &str) -> Held {
        cache.get_or_make(key, |path| Ok(std::fs::write(path, [7_u8; 1_000])?)).expect("is made")
    }

    fn there(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("lists").map(|entry| entry.expect("entry").path());
        let files = entries.filter(|path| path.extension().is_some_and(|e| e == "mp4"));
        let mut names: Vec<String> =
            files.map(|path| path.file_stem().expect("name").to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Sets when a key was last used.
    fn used_at(folder: &Path, key: &str, seconds: u64) {
        let seal = File::options().write(true).open(folder.join(format!("{key}.json"))).expect("opens");
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 + seconds);
        seal.set_modified(time).expect("sets");
    }

    #[test]
    fn what_was_not_used_for_longest_goes_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().expect("folder");
        let cache = FileCache::open(folder.path().to_path_buf(), 4_500).expect("opens");
        let held = make(&cache, "a");
        for (at, key) in [(2, "b"), (3, "c"), (4, "d")] {
            drop(make(&cache, key));
            used_at(folder.path(), key, at);
        }
        used_at(folder.path(), "a", 1);
        // The fifth file is too much: "a" is the oldest and in use, so "b" goes.
        drop(make(&cache, "e"));
        assert_eq!(there(folder.path()), ["a", "c", "d", "e"]);
        assert!(held.path().exists());
        drop(held);
        // A use counts: "c" was used just now, "d" was not.
        drop(cache.get_or_make("c", |_| panic!("is there")).expect("is found"));
        used_at(folder.path(), "a", 100);
        drop(make(&cache, "f"));
        assert_eq!(there(folder.path()), ["a", "c", "e", "f"]);
    }

    #[test]
    fn a_cache_that_is_opened_again_knows_how_much_it_holds() {
        let folder = tempfile::tempdir().expect("folder");
        let cache = FileCache::open(folder.path().to_path_buf(), 10_000).expect("opens");
        for key in ["a", "b", "c"] {
            drop(make(&cache, key));
        }
        let smaller = FileCache::open(folder.path().to_path_buf(), 2_500).expect("opens");
        drop(make(&smaller, "d"));
        assert_eq!(there(folder.path()).len(), 2);
    }
}
